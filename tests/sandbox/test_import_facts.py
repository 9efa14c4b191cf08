"""What `sandbox import` makes of each fact that `doctor` records: the twin has it, or it is said that it has not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbisetup.model import case as of
from pbisetup.model.case import Asked, Case, Key, Sighting
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.probe import ApiAnswer, Authority, Configured, HostSeen, TokenAttempt, Variable, WorkspaceSeen
from pbisetup.model.recording import RecordingError, dump, parse
from pbisetup.model.tenant import (
    AccessPolicy,
    AppRegistration,
    Capacity,
    Certificate,
    DirectoryObject,
    FailedSignIn,
    FederatedCredential,
    Group,
    Operator,
    Password,
    Person,
    ResourceApp,
    RoleGrant,
    ServicePrincipal,
    TenantInfo,
    Workspace,
)
from pbisetup.observe.recorder import record
from pbisetup.sandbox.access import READ_ADMIN_APIS
from pbisetup.sandbox.roles import ROLES
from pbisetup.sandbox.store import Tenant
from pbisetup.sandbox.twin import Twin, build
from pbisetup.sandbox.validate import problems
from tests.support.case import (
    ASKED,
    CLIENT,
    GROUP,
    KEY,
    MODEL,
    NOW,
    OBJECT,
    POWER_BI,
    PRINCIPAL,
    TENANT,
    WORKSPACE,
    tenant_case,
)
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant

Start = Callable[..., SandboxTenant]
SEEN = Evidence("seen", "operator", "seen")
PLAIN = replace(ASKED, request=None, scope=None, redirect_uris=(), workspaces=(), tenant=TENANT, groups={})
SECRET = Configured(".env", TENANT, CLIENT, has_secret=True)
APP = AppRegistration(OBJECT, CLIENT, "Sales", owners=frozenset())
MADE = datetime.now(UTC)
TENANT_READ_ALL = "654b31ae-d941-4e22-8798-7add8fdf049f"


def twin(*facts: tuple[Key[Any], Any], asked: Asked = PLAIN, now: datetime = MADE, names: bool = True) -> Twin:
    """Of a case with these facts; what is no fact is a known one's value. Of the kinds that are there several times the
    value is a pair.
    """
    seen = []
    for key, value in facts:
        of_, told = (
            value if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) else (None, value)
        )
        fact: Fact[Any] = told if isinstance(told, Known | Absent | Unknown) else Known(told, SEEN)
        seen.append(Sighting(key, of_ or ("powerbi" if key == of.TOKEN else None), fact))
    made = build(parse(dump(record(Case(asked, now, tuple(seen)), "1.0", names=names))))
    assert problems(made.state) == []
    return made


def one(made: Twin, collection: str, **wanted: Any) -> dict[str, Any]:
    """The only element with these values."""
    found = [each for each in made.state[collection] if all(each.get(k) == v for k, v in wanted.items())]
    assert len(found) == 1, (collection, wanted)
    return dict(found[0])


def refused(*codes: int, message: str = "refused") -> tuple[Key[Any], Any]:
    return of.TOKEN, TokenAttempt(codes=codes, message=message)


def person_token(**more: Any) -> tuple[Key[Any], Any]:
    claims = Claims(
        "a", "i", TENANT, CLIENT, KEY, "s", "1.0", scopes=frozenset({"Report.Read.All"}), account="ann@contoso.com"
    )
    return of.TOKEN, TokenAttempt(claims=replace(claims, **more))


# -- the app ---------------------------------------------------------------------------------------------------------


def test_what_is_registered_is_registered_in_the_twin() -> None:
    made = twin(
        (of.CREDENTIAL, replace(SECRET, hint="abc")),
        (of.APP, replace(
            APP, disabled=True, barred="DisabledDueToViolationOfServicesAgreement",
            passwords=(
                Password(KEY, "old", "xyz", NOW + timedelta(days=900)),
                Password(MODEL, "main", "abc", NOW + timedelta(days=90), NOW),
            ),
            certificates=(Certificate(GROUP, "CN=sales", "AB" * 20, NOW + timedelta(days=1)),),
            federated=(
                FederatedCredential("a", "https://i", "s", frozenset({"x"})), FederatedCredential("b", "https://j", "t"),
            ),
            redirect_uris=frozenset({"http://localhost"}),
            other_redirect_uris=frozenset({"https://reports.contoso.com/signin"}),
        )),
        (of.SERVICE_PRINCIPAL, ServicePrincipal(PRINCIPAL, CLIENT, True, "Sales reports", True, MODEL)),
        now=NOW,
    )  # fmt: skip
    app = one(made, "applications", appId=CLIENT)
    assert app["isDisabled"] is True
    assert app["disabledByMicrosoftStatus"] == "DisabledDueToViolationOfServicesAgreement"
    assert [each["keyId"] for each in app["passwordCredentials"] if each.get("_renewed")] == [MODEL], "by its hint"
    assert [each["customKeyIdentifier"] for each in app["keyCredentials"]] == ["AB" * 20]
    assert [each["subject"] for each in app["federatedIdentityCredentials"]] == ["s", "t"]
    assert len({each["id"] for each in app["federatedIdentityCredentials"]}) == 2
    assert app["publicClient"]["redirectUris"] == ["http://localhost"]
    assert app["web"]["redirectUris"] == ["https://reports.contoso.com/signin"]
    principal = one(made, "servicePrincipals", appId=CLIENT)
    assert (principal["displayName"], principal["appRoleAssignmentRequired"]) == ("Sales reports", True)
    assert principal["appOwnerOrganizationId"] == MODEL
    assert "nobody can sign in by them" in " ".join(made.missing)


def test_power_bis_app_is_disabled_or_not_there_as_it_was() -> None:
    off = twin((of.POWER_BI, ResourceApp(MODEL, POWER_BI, enabled=False)))
    assert one(off, "servicePrincipals", appId=POWER_BI)["accountEnabled"] is False
    gone = twin((of.POWER_BI, Absent(SEEN)), refused(500011))
    assert POWER_BI not in [each["appId"] for each in gone.state["servicePrincipals"]]


def test_application_permissions_are_granted_by_name_or_by_id() -> None:
    roles = (RoleGrant("a", MODEL, TENANT_READ_ALL), RoleGrant("b", GROUP, KEY))
    resource = ResourceApp(MODEL, POWER_BI, {"Tenant.Read.All": TENANT_READ_ALL})
    principal = (of.SERVICE_PRINCIPAL, ServicePrincipal(PRINCIPAL, CLIENT))
    for facts in ([(of.POWER_BI, resource)], []):
        made = twin(principal, (of.ROLE_GRANTS, roles), *facts)
        granted = [each for each in made.state["appRoleAssignments"] if each["principalId"] == PRINCIPAL]
        assert [each["appRoleId"] for each in granted] == [TENANT_READ_ALL]
        assert any(KEY in line for line in made.missing)


def test_who_holds_the_app_by_another_group_does_so_in_the_twin() -> None:
    facts: list[tuple[Key[Any], Any]] = [
        (of.SERVICE_PRINCIPAL, ServicePrincipal(PRINCIPAL, CLIENT)),
        (of.GROUP, (GROUP, Group(GROUP, "Inner"))),
        (of.NESTED, frozenset({GROUP, OBJECT})),
    ]
    for direct in (frozenset({GROUP}), frozenset()):
        made = twin(*facts, (of.MEMBERSHIPS, direct))
        tenant = Tenant(made.state)
        around = {each["id"] for each in tenant.groups_of(PRINCIPAL, transitive=True)}
        assert OBJECT in around
        assert OBJECT not in {each["id"] for each in tenant.groups_of(PRINCIPAL)}
        assert "stands between" in " ".join(made.assumed)


def test_what_an_id_was_it_is_in_the_twin() -> None:
    made = twin(
        (of.NAMED, (PRINCIPAL, DirectoryObject(PRINCIPAL, "service principal", "Sales", CLIENT))),
        (of.NAMED, (GROUP, DirectoryObject(GROUP, "group", "Team"))),
        (of.NAMED, (KEY, DirectoryObject(KEY, "user", "Ann"))),
        (of.NAMED, (OBJECT, DirectoryObject(OBJECT, "application", "Other", MODEL))),
        asked=replace(PLAIN, client_id=None),
    )
    assert one(made, "servicePrincipals", appId=CLIENT)["id"] == PRINCIPAL
    assert one(made, "groups", displayName="Team")["id"] == GROUP
    assert one(made, "users", id=KEY)["displayName"] == "Ann"
    assert one(made, "applications", appId=MODEL)["id"] == OBJECT


# -- people ----------------------------------------------------------------------------------------------------------


def test_who_signs_in_has_the_roles_and_the_licence_that_were_seen() -> None:
    admin = ROLES["Fabric Administrator"]
    person = Person(
        KEY, "ann@contoso.com", frozenset(), frozenset({admin}), frozenset({"BI_AZURE_P0", "EXCHANGE_S_STANDARD"})
    )
    asked, signs_in = replace(PLAIN, sign_in="user"), (of.CREDENTIAL, replace(SECRET, kind="sign-in", has_secret=False))
    made = twin(person_token(), signs_in, (of.PERSON, person), asked=asked)
    user = one(made, "users", id=KEY)
    assert user["_eligibleRoles"] == [admin]
    assert user["powerBiLicense"] == "Free"
    assert made.state["caller"]["user"] == made.state["auto_approve"] == user["userPrincipalName"]
    bare = twin(
        person_token(), (of.PERSON, replace(person, licences=frozenset())), asked=replace(PLAIN, sign_in="user")
    )
    assert one(bare, "users", id=KEY)["powerBiLicense"] == "none"


@pytest.mark.parametrize(
    ("assigned", "codes", "held"), [(True, (), 1), (False, (), 0), (None, (50105,), 0), (None, (), 1)]
)
def test_an_app_that_takes_only_who_is_assigned(assigned: bool | None, codes: tuple[int, ...], held: int) -> None:
    made = twin(
        (of.SERVICE_PRINCIPAL, ServicePrincipal(PRINCIPAL, CLIENT, assignment_required=True)),
        refused(*codes) if codes else person_token(),
        (of.PERSON, Person(KEY, "ann@contoso.com", assigned=assigned)),
        asked=replace(PLAIN, sign_in="user"),
    )
    found = [each for each in made.state["appRoleAssignments"] if each["resourceId"] == PRINCIPAL]
    assert len(found) == held
    assert one(made, "servicePrincipals", appId=CLIENT)["appRoleAssignmentRequired"] is True


def test_the_operators_roles_are_not_taken_away_because_theirs_as_a_person_could_not_be_read() -> None:
    admin = ROLES["Global Administrator"]
    operator = Operator("user", KEY, "ann@contoso.com", "device", TENANT, roles=frozenset({admin}))
    made = twin(
        (of.OPERATOR, operator), (of.PERSON, Person(KEY, "ann@contoso.com")), asked=replace(PLAIN, sign_in="user")
    )
    assert one(made, "users", id=KEY)["directoryRoles"] == [admin]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (50055, {"passwordProfile": {"forceChangePasswordNextSignIn": True}}),
        (50057, {"accountEnabled": False}),
        (50079, {"_mfaRegistered": False}),
    ],
)
def test_a_person_who_was_refused_is_refused(code: int, expected: dict[str, Any]) -> None:
    credential = (of.CREDENTIAL, replace(SECRET, kind="password", has_secret=False, account="ann@contoso.com"))
    made = twin(credential, refused(code), asked=replace(PLAIN, sign_in="user"))
    user = one(made, "users", userPrincipalName="ann@contoso.com")
    assert {key: user[key] for key in expected} == expected
    assert not any(str(code) in line for line in made.missing)


# -- how it signed in, and what for ----------------------------------------------------------------------------------


def test_a_password_a_certificate_and_a_sign_in() -> None:
    by_password = twin((of.CREDENTIAL, replace(SECRET, kind="password", has_secret=False, account="ann@contoso.com")))
    assert by_password.state["caller"]["grant"] == "password"
    assert by_password.state["caller"]["user"] == "ann@contoso.com"
    assert one(by_password, "users", userPrincipalName="ann@contoso.com")
    by_certificate = twin((of.CREDENTIAL, replace(SECRET, kind="certificate", has_secret=False)), (of.APP, APP))
    assert by_certificate.state["caller"]["grant"] == "client_credentials"
    assert "secret" not in by_certificate.state["caller"]
    assert "the key of the certificate that the app signed in by" in by_certificate.missing
    signs_in = replace(SECRET, kind="sign-in", has_secret=False)
    assert twin((of.CREDENTIAL, signs_in)).state["caller"]["grant"] == "device_code"
    browser = twin((of.CREDENTIAL, signs_in), asked=replace(PLAIN, redirect_uris=("http://localhost:3000",)))
    assert browser.state["caller"]["grant"] == "authorization_code"
    assert browser.state["caller"]["redirect_uri"] == "http://localhost:3000"
    assert "secret" not in twin((of.CREDENTIAL, Absent(SEEN))).state["caller"]
    assert "secret" not in twin((of.CREDENTIAL, replace(SECRET, kind="token", has_secret=False))).state["caller"]


@pytest.mark.parametrize("names", [True, False])
def test_a_federated_credential_presents_what_the_token_endpoint_quoted(names: bool) -> None:
    trusted = FederatedCredential(
        "main", "https://token.actions.githubusercontent.com", "repo:contoso/bi:environment:prod"
    )
    said = "presented assertion subject 'repo:contoso/bi:ref:refs/heads/main'."
    made = twin(
        (of.CREDENTIAL, replace(SECRET, kind="federated", has_secret=False)),
        (of.APP, replace(APP, federated=(trusted,))),
        refused(700213, message=f"AADSTS700213: No matching federated identity record found for {said}"),
        names=names,
    )
    caller = made.state["caller"]
    (entry,) = made.state["applications"][-1]["federatedIdentityCredentials"]
    assert caller["grant"] == "federated"
    assert caller["issuer"] == entry["issuer"] == trusted.issuer
    assert caller["subject"] != entry["subject"]
    assert not any("700213" in line for line in made.missing)
    if names:
        assert caller["subject"] == "repo:contoso/bi:ref:refs/heads/main"


def test_what_was_asked_is_what_the_caller_wants() -> None:
    asked = replace(ASKED, token_age=7200.0)
    caller = twin((of.CREDENTIAL, SECRET), asked=asked).state["caller"]
    assert asked.request is not None
    assert caller["request"] == f"POST {asked.request.url}"
    assert caller["scope"] == asked.scope
    assert caller["redirect_uri"] == asked.redirect_uris[0]
    assert caller["age_seconds"] == 7200
    assert caller["workspace"] == ["Sales North", WORKSPACE]
    assert caller["purpose"] == "automation"


@pytest.mark.parametrize(
    ("configured", "told", "cloud", "caller"),
    [
        ("public", Authority(TENANT, "microsoftonline.com", "EU"), "public", None),
        ("public", Authority(TENANT, "microsoftonline.com", "NA", "GCC"), "gcc", "public"),
        ("gcchigh", Authority(TENANT, "microsoftonline.us", "USGov", "DODCON"), "gcchigh", None),
        ("public", Authority(TENANT, "microsoftonline.us", "USGov", "DOD"), "dod", "public"),
        ("gcc", Authority(TENANT, "microsoftonline.com", "EU"), "public", "gcc"),
        ("china", Authority(TENANT, "partner.microsoftonline.cn", "CN"), "china", None),
        ("gcchigh", None, "gcchigh", None),
        ("sandbox", Authority(TENANT, "microsoftonline.com", "NA", "GCC"), "gcc", None),
    ],
)
def test_a_tenant_lives_where_the_authority_said(
    configured: str, told: Authority | None, cloud: str, caller: str | None
) -> None:
    facts = [(of.AUTHORITY, told)] if told else []
    made = twin((of.CREDENTIAL, SECRET), *facts, asked=replace(PLAIN, cloud=configured))
    assert made.state["tenant"].get("cloud", "public") == cloud
    assert made.state["caller"].get("cloud") == caller


def test_the_tenant_is_known_by_the_domain_that_it_was_asked_for_by() -> None:
    by_domain = (of.CREDENTIAL, replace(SECRET, tenant_id="fabrikam.example", tenant_form="domain"))
    contoso = (of.TENANT, TenantInfo(TENANT, "Contoso", "contoso.example"))
    known = twin(by_domain, contoso, (of.AUTHORITY, Authority(TENANT, "microsoftonline.com")))
    assert known.state["tenant"]["domain"] == "fabrikam.example"
    assert "tenant" not in known.state["caller"]
    other = twin(by_domain, contoso, (of.AUTHORITY, Authority(KEY, "microsoftonline.com")))
    assert other.state["tenant"]["domain"] == "contoso.example"
    assert other.state["caller"]["tenant"] == "fabrikam.example"
    assert "the tenant that the token was asked of" in " ".join(other.missing)
    nowhere = twin(by_domain, (of.AUTHORITY, Absent(SEEN)), refused(90002))
    assert nowhere.state["caller"]["tenant"] == "fabrikam.example"


def test_a_clock_that_was_wrong_is_wrong_in_the_twin() -> None:
    ends = (of.APP, replace(APP, passwords=(Password(KEY, "main", "abc", NOW + timedelta(hours=3)),)))
    made = twin((of.CREDENTIAL, SECRET), ends, (of.CLOCK, 7200.0), now=NOW)
    assert made.state["clock"]["offset_seconds"] == 7200
    (held,) = one(made, "applications", appId=CLIENT)["passwordCredentials"]
    left = datetime.fromisoformat(held["endDateTime"]) - datetime.now(UTC) - timedelta(hours=2)
    assert left.total_seconds() == pytest.approx(3 * 3600, abs=60)
    assert twin((of.CLOCK, 2.0)).state["clock"]["offset_seconds"] == 0


# -- Power BI and Fabric ---------------------------------------------------------------------------------------------


def test_capacities_and_what_hangs_on_them() -> None:
    operator = Operator("user", OBJECT, "ann@contoso.onmicrosoft.com", "device", TENANT)
    made = twin(
        (of.OPERATOR, operator),
        (of.CAPACITIES, (Capacity(KEY, "f64", "F64", "Suspended"),)),
        (of.WORKSPACE, ("On", Workspace(WORKSPACE, "On", {}, capacity_id=KEY.upper(), on_capacity=True, classic=True))),
        (of.WORKSPACE, ("Hidden", Workspace(MODEL, "Hidden", {}, capacity_id=GROUP, on_capacity=True))),
        (of.WORKSPACE, ("Shared", Workspace(CLIENT, "Shared", {}, on_capacity=False))),
        (of.WORKSPACE, ("Untold", Workspace(PRINCIPAL, "Untold", {}))),
    )
    assert [(each["id"], each["state"]) for each in made.state["capacities"]] == [(KEY, "Suspended"), (GROUP, "Active")]
    assert made.state["capacities"][0]["admins"] == ["ann@contoso.onmicrosoft.com"]
    on = {each["displayName"]: each["capacityId"] for each in made.state["workspaces"]}
    assert on == {"On": KEY, "Hidden": GROUP, "Shared": None, "Untold": KEY}
    assert one(made, "workspaces", displayName="On")["classic"] is True
    assert "the capacity of the workspace 'Hidden'" in " ".join(made.assumed)


@pytest.mark.parametrize("issued", [True, False])
def test_a_policy_that_blocks(issued: bool) -> None:
    token = (of.TOKEN, TokenAttempt(opaque=True)) if issued else refused(53003)
    made = twin(token, (of.POLICIES, (AccessPolicy(KEY, "Block apps", True), AccessPolicy(GROUP, "Ask", False))))
    (policy,) = made.state["conditionalAccessPolicies"]
    assert policy["displayName"] == "Block apps"
    assert ("locations" in policy["conditions"]) == issued
    assert (made.state.get("network") or {}).get("trusted", False) == issued


def test_the_log_of_sign_ins_is_kept() -> None:
    log = (FailedSignIn(NOW, 7000222, "expired", "Power BI Service"), FailedSignIn(None, 50105, "no", "x"))
    made = twin((of.FAILED_SIGN_INS, log), now=NOW + timedelta(hours=1))
    assert [each["status"]["errorCode"] for each in made.state["signIns"]] == [7000222, 50105]
    age = datetime.now(UTC) - datetime.fromisoformat(made.state["signIns"][0]["createdDateTime"])
    assert age.total_seconds() == pytest.approx(3600, abs=60)


def test_what_cannot_be_in_a_twin_is_said() -> None:
    made = twin(
        (of.CREDENTIAL, replace(SECRET, broken="the file is\nmissing")),
        (of.VARIABLES, (Variable("AZURE_AUTHORITY_HOST", "x", "does", True), Variable("HTTPS_PROXY", "y", "does"))),
        (of.HOST, ("a.b", HostSeen("a.b", "httpx", proxy="http://p"))),
        (of.HOST, ("c.d", HostSeen("c.d", "httpx", issuer="CN=Proxy"))),
        (of.HOST, ("e.f", Unknown("no answer", SEEN, "PBI203"))),
        (of.ANSWER, ("GET /v1.0/myorg/reports", ApiAnswer(403, "X", "no", SEEN))),
        (of.ANSWER, ("GET /v1.0/myorg/apps", ApiAnswer(200, None, "", SEEN))),
        (of.MODEL, (MODEL, {"name": "Sales"})),
    )
    said = "\n".join(made.missing)
    for what in (
        "file is missing",
        "AZURE_AUTHORITY_HOST",
        "'a.b'",
        "'c.d'",
        "PBI203",
        "reports' be answered HTTP 403 X",
        MODEL,
    ):
        assert what in said
    for what in ("HTTPS_PROXY", "apps"):
        assert what not in said
    assert all("\n" not in line for line in made.missing)


def test_what_only_the_app_was_told_of_admin_routes_and_capacities() -> None:
    admin, paused = "GET /v1.0/myorg/admin/capacities", "POST /v1.0/myorg/groups/x/datasets/y/executeQueries"
    admitted = (of.ANSWER, ("GET /v1.0/myorg/groups", ApiAnswer(200, None, "", SEEN)))
    made = twin(
        (of.TOKEN, TokenAttempt(opaque=True)),
        (of.SERVICE_PRINCIPAL, ServicePrincipal(PRINCIPAL, CLIENT)),
        admitted,
        (of.ANSWER, (admin, ApiAnswer(401, "PowerBINotAuthorizedException", "", SEEN))),
        (of.ANSWER, (paused, ApiAnswer(400, "CapacityNotActive", "", SEEN))),
        (of.SEEN, ("Sales", WorkspaceSeen("Sales", False, ApiAnswer(401, None, "", SEEN)))),
    )
    assert one(made, "tenantSettings", settingName=READ_ADMIN_APIS)["enabled"] is False
    assert {each["state"] for each in made.state["capacities"]} == {"Suspended"}
    # An API that refuses everything says nothing of a workspace.
    assert [each["principal"]["id"] for each in one(made, "workspaces", displayName="Sales")["roleAssignments"]] == [
        PRINCIPAL
    ]


# -- a twin that runs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [True, False])
def test_a_whole_case_becomes_a_tenant_that_runs(start_sandbox: Start, tmp_path: Path, names: bool) -> None:
    """With everything that is in it; the app gets a token by what the caller had configured, and sees its workspace."""
    made = dump(record(tenant_case(), "1.0", names=names))
    (tmp_path / "it.json").write_text(made, encoding="utf-8")
    Cli(tmp_path, dict(os.environ)).ok("sandbox", "import", "it.json")
    tenant = start_sandbox("--state", str(tmp_path / "it.tenant.json"), state=False)
    state = tenant.state()
    app = next(each for each in state["applications"] if each.get("uniqueName"))
    assert state["caller"]["client_id"] == f'"{app["appId"]}"', "as it was configured, with its quotes"
    token = tenant.app_token(app["appId"], tenant.env()["AZURE_CLIENT_SECRET"])
    answer = tenant.http.get("/v1.0/myorg/groups", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert [each["isOnDedicatedCapacity"] for each in answer.json()["value"]] == [True]


FULL = json.loads(dump(record(replace(tenant_case(), now=MADE), "1.0", names=True)))
junk = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**400)
    | st.text(max_size=6)
    | st.just([])
    | st.just({})
    | st.just([None])
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


PLACES = [path for path in places(FULL["facts"]) if len(path) > 1]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), junk), min_size=1, max_size=3))
def test_whatever_stands_in_a_recording_ends_in_a_tenant_or_in_words(changes: list[tuple[Any, Any]]) -> None:
    content = json.loads(json.dumps(FULL))
    for path, value in changes:
        target = content["facts"]
        try:
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = json.loads(json.dumps(value))
        except (TypeError, KeyError, IndexError):
            continue  # an earlier change took the place away
    try:
        made = build(parse(json.dumps(content)))
    except RecordingError as error:
        assert error.problems  # noqa: PT017 - one of the two ways in which it may end
    else:
        assert problems(made.state) == []
        json.dumps(made.state)


def test_no_place_of_a_recording_stops_an_import() -> None:
    odd = (None, True, 10**400, "x", [], {}, [None], [[]], [{}], "not-a-guid", {"id": 1})
    for number, place in enumerate(PLACES):
        content = json.loads(json.dumps(FULL))
        target = content["facts"]
        for key in place[:-1]:
            target = target[key]
        target[place[-1]] = odd[number % len(odd)]
        try:
            made = build(parse(json.dumps(content)))
        except RecordingError:
            continue
        assert problems(made.state) == [], place
