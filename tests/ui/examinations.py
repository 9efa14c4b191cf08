"""Examinations that the reports are tested on: a healthy one, a broken one with two faults, and any at all."""

from __future__ import annotations

from hypothesis import strategies as st

from pbisetup.catalog.findings import finding
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import LAYERS, Check, Examination, Finding, Remedy

CREDENTIAL = Evidence(".env.dev", "local", "client id 6f6d2a1e-0d6f-4f0c-9a55-2f5f8f6f1f10, tenant contoso.com")
SHUT = Evidence(
    "GET /v1.0/myorg/groups",
    "app",
    "HTTP 401 ServicePrincipalIsNotAllowedByTenantAdminSwitch",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
)
SETTING = Evidence("GET /v1/admin/tenantsettings", "operator", "ServicePrincipalAccessPermissionAPIs is on for 1 group")
ROLES = Evidence("access token", "app", "roles Tenant.ReadWrite.All")
SP = "11111111-2222-4333-8444-555555555555"

BEGINNING = (
    Check("config.credential", "Credential", "pass", "from .env.dev", (CREDENTIAL,)),
    Check("network.login", "login.microsoftonline.com", "pass", "answers in 84 ms"),
    Check("network.powerbi", "api.powerbi.com", "pass", "answers in 131 ms"),
    Check("tenant.discovery", "Tenant", "pass", "contoso.onmicrosoft.com is 7f3c2b1a-0000-4000-8000-000000000001, EU"),
    Check("token.powerbi", "Token for Power BI", "pass", f"issued to the service principal {SP}"),
    Check("token.signature", "Signature", "unknown", "the tenant publishes no key of this id"),
    Check("claims.audience", "Audience", "pass", "https://analysis.windows.net/powerbi/api"),
    Check("claims.life", "Life", "pass", "59 minutes left"),
)
HEALTHY = Examination(
    "dev",
    (
        *BEGINNING,
        Check("claims.roles", "Application permissions", "pass", "none, as it should be for a service principal"),
        Check("api.groups", "Power BI API", "pass", "admits the app: GET /v1.0/myorg/groups answered 200"),
        Check("workspace.Reports Dev", "Workspace 'Reports Dev'", "pass", "the API shows it to the app"),
    ),
    (),
    healthy=True,
    requests=9,
)
BROKEN = Examination(
    "dev",
    (
        *BEGINNING,
        Check("claims.roles", "Application permissions", "warn", "Tenant.ReadWrite.All", (ROLES,)),
        Check("directory.sp", "Service principal", "pass", "exists and is enabled"),
        Check("settings.api", "Service principals can call Fabric public APIs", "pass", "on, for 1 security group"),
        Check("api.groups", "Power BI API", "fail", SHUT.fact, (SHUT,)),
        Check("workspace.Reports Dev", "Workspace 'Reports Dev'", "skip", "not examined because the API is shut"),
        Check("workspace.Reports", "Workspace 'Reports'", "skip", "not examined because the API is shut"),
    ),
    (
        finding("sp_not_in_allowed_group", "certain", (SHUT, SETTING), environment="dev"),
        finding("power_bi_app_role", "likely", (ROLES,), environment="dev", decided_by="whether admin APIs are called"),
    ),
    healthy=False,
    requests=9,
)

HOSTILE = "a|b\x1b[31m`c`\r\n\u202e<script>[x](javascript:1) {0} ```\ud800\ufffe| ]]> @team #1 \\"
"""A name that turns the text round, colours it, closes fences, cells and tags, and is no valid UTF-8 or XML."""

texts = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text("|`<>[](){}#*_~\\!&-@:/.1 \n\r\t\x1b\u202e", max_size=30),
    st.lists(st.text("abcäλ報-/.", min_size=1, max_size=70), max_size=30).map(" ".join),
    st.just(HOSTILE),
)
"""Any text in any field; many that mean something to one of the formats."""
ids = st.one_of(texts, st.builds("{}.{}".format, st.sampled_from(list(LAYERS)), texts))
evidence = st.builds(Evidence, texts, st.sampled_from(["local", "operator", "app"]), texts, st.one_of(st.none(), texts))
few = st.lists(evidence, max_size=2).map(tuple)
checks = st.builds(Check, ids, texts, st.sampled_from(["pass", "warn", "fail", "skip", "unknown"]), texts, few)
maybe = st.one_of(st.none(), texts)
remedies = st.builds(
    Remedy,
    st.sampled_from(["you", "app owner", "fabric administrator"]),
    texts,
    command=maybe,
    url=st.one_of(maybe, st.just("https://app.powerbi.com/admin-portal/tenantSettings")),
    fixable=st.booleans(),
)
findings: st.SearchStrategy[Finding] = st.builds(
    Finding,
    st.one_of(texts, st.sampled_from(["PBI501", "PBI301", "PBI406"])),
    texts,
    st.sampled_from(["error", "warning", "info"]),
    st.sampled_from(["certain", "likely", "possible"]),
    texts,
    texts,
    few,
    maybe,
    st.lists(remedies, max_size=2).map(tuple),
    st.one_of(texts, st.just("docs/troubleshooting.md#pbi501"), st.just("https://example.com/docs#pbi501")),
)
examinations = st.builds(
    Examination,
    st.one_of(st.none(), texts, st.just("dev")),
    st.lists(checks, max_size=5).map(tuple),
    st.lists(findings, max_size=3).map(tuple),
    st.booleans(),
    st.integers(0, 99),
)
