"""A case in which everything hangs together: for whoever writes, reads or builds from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pbisetup.model import case as of
from pbisetup.model.case import ApiRequest, Asked, Case, Key, Sighting
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Known
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.probe import ApiAnswer, Configured, HostSeen, TokenAttempt, Variable, WorkspaceSeen
from pbisetup.model.tenant import (
    AccessPolicy,
    AppRegistration,
    Capacity,
    Certificate,
    DirectoryObject,
    FederatedCredential,
    Group,
    Password,
    Person,
    ResourceApp,
    RoleGrant,
    ServicePrincipal,
    TenantInfo,
    TenantSetting,
    Workspace,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TENANT, CLIENT, OBJECT, PRINCIPAL, GROUP, WORKSPACE, MODEL, KEY = (
    f"{n}a1b2c3d-1111-4222-8333-44445555666{n}" for n in range(8)
)
POWER_BI = "00000009-0000-0000-c000-000000000000"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
ASKED = Asked(
    environment="dev",
    cloud="public",
    sign_in="app",
    purposes=("automation",),
    tenant="contoso.onmicrosoft.com",
    client_id=CLIENT,
    workspaces=(WorkspaceSpec("Contributor", name="Sales North"), WorkspaceSpec("Viewer", id=WORKSPACE)),
    stated_roles=True,
    request=ApiRequest(
        "POST", f"https://api.powerbi.com/v1.0/myorg/groups/{WORKSPACE}/datasets/{MODEL}/refreshes",
        f"/v1.0/myorg/groups/{WORKSPACE}/datasets/{MODEL}/refreshes", "powerbi", "Datasets_RefreshDatasetInGroup",
        ids=(PRINCIPAL,),
    ),
    scope="https://analysis.windows.net/powerbi/api/.default",
    redirect_uris=("https://reports.contoso.com/signin", "https://reports.contoso.com/Signin/", "http://localhost:3000"),
    operator=True,
    groups={"api": "BI-API"},
)  # fmt: skip


def tenant_case() -> Case:
    """A case in which everything hangs together, with the tenant's own words wherever they may stand."""
    app, operator = (
        Evidence(f"GET /v1.0/{PRINCIPAL}", "app", f"group {GROUP} BI-API"),
        Evidence("Graph", "operator", "Contoso Ltd"),
    )
    message = (
        f"AADSTS700016: Application with identifier '{CLIENT}' was not found in the directory 'Contoso Ltd'. "
        "Check 'https://reports.contoso.com/signin' and subject 'repo:contoso/bi:ref:refs/heads/main'."
    )
    refused = TokenAttempt(codes=(700016,), oauth_error="unauthorized_client", message=message, evidence=(app,))
    claims = Claims(
        "https://analysis.windows.net/powerbi/api", f"https://sts.windows.net/{TENANT}/", TENANT, CLIENT, PRINCIPAL,
        PRINCIPAL, "1.0", roles=frozenset({"Tenant.Read.All"}), credential="1", issued=NOW, expires=NOW + timedelta(hours=1),
        raw={"idtyp": "app"}, directory_roles=frozenset({GLOBAL_ADMINISTRATOR}),
    )  # fmt: skip
    answer = ApiAnswer(
        403, "PowerBINotAuthorizedException", f"no right on {WORKSPACE} for BI-API", app, "120", "invalid_token"
    )
    found: list[tuple[Key[Any], str | None, Any, Evidence]] = [
        (of.CREDENTIAL, None, Configured(
            ".env.dev", "contoso.onmicrosoft.com", f'"{CLIENT}"', True, client_id_form="odd ends", tenant_form="domain",
            others=("AZURE_CLIENT_CERTIFICATE_PATH",), hint="a1B",
        ), app),
        (of.VARIABLES, None, (
            Variable("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us", "signs in elsewhere", True),
            Variable("HTTPS_PROXY", "http://proxy1.contoso.com:8080", "goes through proxy1.contoso.com"),
            Variable("ARM_CLIENT_ID", CLIENT, "signs in as this app"),
            Variable("FAB_TOKEN", "***", "is used"),
        ), app),
        (of.CLOCK, None, -3.5, app),
        (of.HOST, "login.microsoftonline.com by httpx", HostSeen(
            "login.microsoftonline.com", "httpx", "CN=Contoso Root CA", "http://proxy1.contoso.com:8080",
        ), app),
        (of.HOST, "gateway.contoso.com:8443", HostSeen("gateway.contoso.com:8443", "requests"), app),
        (of.TOKEN, "powerbi", TokenAttempt(
            claims=claims, evidence=(app,), scope="https://analysis.windows.net/powerbi/api/.default",
        ), app),
        (of.TOKEN, "asked", refused, app),
        (of.REPLY, ASKED.redirect_uris[0], refused, app),
        (of.SIGNATURE, None, "verified", app),
        (of.ANSWER, f"POST {ASKED.request.path if ASKED.request else ''}", answer, app),
        (of.ANSWER, "GET /v1.0/myorg/groups", ApiAnswer(200, None, "", operator), app),
        (of.SEEN, "Sales North", WorkspaceSeen("Sales North", True, answer, WORKSPACE), app),
        (of.SEEN, WORKSPACE, WorkspaceSeen(WORKSPACE, False, None), app),
        (of.SIGNED_IN, "graph", "az", operator),
        (of.TENANT, None, TenantInfo(TENANT, "Contoso Ltd", "contoso.onmicrosoft.com"), operator),
        (of.APP, None, AppRegistration(
            OBJECT, CLIENT, "Sales", "pbisetup-sales-dev", tags=frozenset({"pbisetup:sales/dev"}),
            owners=frozenset({PRINCIPAL}), declared=frozenset({(POWER_BI, GLOBAL_ADMINISTRATOR, "Role")}),
            passwords=(Password(KEY, "main", "a1B", NOW + timedelta(days=90)), Password(GROUP, "old", "A1b", None)),
            redirect_uris=frozenset({"http://localhost:3000"}),
            other_redirect_uris=frozenset({"https://reports.contoso.com/signin"}),
            certificates=(Certificate(KEY, "CN=contoso", "AB" * 20, NOW),),
            federated=(FederatedCredential(
                "main", "https://token.actions.githubusercontent.com", "repo:contoso/bi:ref:refs/heads/main",
            ),),
        ), operator),
        (of.SERVICE_PRINCIPAL, None, ServicePrincipal(PRINCIPAL, CLIENT, name="Sales", owner_tenant=TENANT), operator),
        (of.NAMED, PRINCIPAL, DirectoryObject(PRINCIPAL, "service principal", "Sales", CLIENT), operator),
        (of.POWER_BI, None, ResourceApp(
            MODEL, POWER_BI, {"Tenant.Read.All": GLOBAL_ADMINISTRATOR}, {"Report.Read.All": KEY},
        ), operator),
        (of.ROLE_GRANTS, None, (RoleGrant("x8Yz", MODEL, GLOBAL_ADMINISTRATOR),), operator),
        (of.MEMBERSHIPS, None, frozenset({GROUP}), operator),
        (of.NESTED, None, frozenset({GROUP, OBJECT}), operator),
        (of.GROUP, "BI-API", Group(GROUP, "BI-API", synced=True), operator),
        (of.GROUP, GROUP, Group(GROUP, "BI-API", synced=True), operator),
        (of.PERSON, None, Person(
            OBJECT, "ann_fabrikam.com#EXT#@contoso.onmicrosoft.com", frozenset({GLOBAL_ADMINISTRATOR}), frozenset(),
            frozenset({"BI_AZURE_P2"}), True,
        ), operator),
        (of.POLICIES, None, (AccessPolicy(KEY, "Contoso blocks", True),), operator),
        (of.SETTINGS, None, {"ServicePrincipalAccessPermissionAPIs": TenantSetting(
            "ServicePrincipalAccessPermissionAPIs", "Service principals can call Fabric public APIs", True,
            {GROUP: "BI-API"}, {OBJECT: "Never"},
        )}, operator),
        (of.WORKSPACE, "Sales North", Workspace(
            WORKSPACE, "Sales North", {PRINCIPAL: "Viewer", "ann@contoso.onmicrosoft.com": "Admin"},
            kinds={PRINCIPAL: "App"}, capacity_id=KEY, on_capacity=True, classic=False,
        ), operator),
        (of.CAPACITIES, None, (Capacity(KEY, "contosof64", "F64", "Suspended"),), operator),
        (of.MODEL, MODEL, {
            "id": MODEL, "name": "Sales", "isEffectiveIdentityRequired": True,
            "webUrl": f"https://app.powerbi.com/groups/{WORKSPACE}",
        }, app),
        (of.REFRESH, ASKED.request.path if ASKED.request else "", {
            "status": "Failed", "refreshType": "ViaApi",
            "serviceExceptionJson":
                '{"errorCode":"ModelRefreshFailed_CredentialsNotSpecified","errorDescription":"in Sales North"}',
        }, app),
    ]  # fmt: skip
    return Case(ASKED, NOW, tuple(Sighting(key, of_, Known(value, seen)) for key, of_, value, seen in found), 17)
