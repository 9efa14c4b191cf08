"""The scenarios that come with the program: each is a tenant that can be, and shows its caller what users saw."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios import Listed, find, listing
from pbisetup.sandbox.scenarios.file import ABOUT
from pbisetup.sandbox.seed import default_state
from pbisetup.sandbox.validate import problems
from tests.support.caller import Caller
from tests.support.tenant import SandboxTenant

ALL = listing()
NAMES = [each.name for each in ALL]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")

NOT_ADMITTED = "401 ServicePrincipalIsNotAllowedByTenantAdminSwitch"
NOT_AUTHORIZED = "401 PowerBINotAuthorizedException"
NO_GROUP = "401 GroupNotAccessible"
FOR_PEOPLE = "403 API is not accessible for application"

SYMPTOMS = {
    "admin-app-role-left-over": NOT_AUTHORIZED,
    "admin-group-missing": NOT_AUTHORIZED,
    "admin-role-not-activated": NOT_AUTHORIZED,
    "admin-setting-off": NOT_AUTHORIZED,
    "admin-update-setting-off": "401 Unauthorized",
    "admin-with-app-role": NOT_AUTHORIZED,
    "app-barred-by-microsoft": "AADSTS7000112",
    "app-disabled": "AADSTS7000112",
    "app-in-group-instead": NOT_ADMITTED,
    "app-not-in-tenant": "AADSTS700016",
    "audience-azure": "403",
    "audience-graph": "403",
    "authority-common": "AADSTS700016",
    "azure-role-missing": "403 AuthorizationFailed",
    "build-missing": "404 PowerBIEntityNotFound",
    "capacity-not-allowed": "403 InsufficientPermissionsOverCapacity",
    "capacity-paused": "400 CapacityNotActive",
    "classic-workspace": "400 InvalidRequest",
    "closed-to-apps": FOR_PEOPLE,
    "cloud-commercial-configured": "401 PowerBINotLicensedException",
    "cloud-gcchigh-configured": "AADSTS500011",
    "conditional-access": "AADSTS53003",
    "connection-not-shared": "400 RequestValidationFailed",
    "consent-missing": "AADSTS65001",
    "consent-of-another": "AADSTS65001",
    "creation-off": "403 FeatureNotAvailable",
    "delegated-permissions-only": NO_GROUP,
    "embed-trial-used-up": "403 Forbidden",
    "embedding-off": NOT_AUTHORIZED,
    "federated-case": "AADSTS7002138",
    "federated-issuer": "AADSTS700211",
    "federated-subject": "AADSTS700213",
    "gateway-source-not-shared": NOT_AUTHORIZED,
    "group-microsoft365": NOT_ADMITTED,
    "group-nested": NOT_ADMITTED,
    "group-synced": NOT_ADMITTED,
    "in-excluded-group": NOT_ADMITTED,
    "inbound-denied": "403 RequestDeniedByInboundPolicy",
    "membership-too-fresh": NOT_ADMITTED,
    "items-off": "403 FeatureNotAvailable",
    "mfa-demanded": "AADSTS50076",
    "mfa-not-registered": "AADSTS50079",
    "model-elsewhere": "404 PowerBIEntityNotFound",
    "my-workspace-route": FOR_PEOPLE,
    "not-in-allowed-group": NOT_ADMITTED,
    "not-in-workspace": NO_GROUP,
    "notebook-token": "403 InsufficientScopes",
    "object-id-as-client-id": "AADSTS700016",
    "other-identity": NO_GROUP,
    "password-expired": "AADSTS50055",
    "profile-setting-off": NOT_AUTHORIZED,
    "public-client-off": "AADSTS7000218",
    "queries-off": NOT_AUTHORIZED,
    "redirect-mismatch": "AADSTS50011",
    "resource-disabled": "AADSTS500014",
    "resource-missing": "AADSTS500011",
    "resource-not-required": "AADSTS650057",
    "role-too-low": NOT_AUTHORIZED,
    "row-level-security": NOT_AUTHORIZED,
    "scope-malformed": "AADSTS1002012",
    "scope-missing": "401",
    "scope-unknown": "AADSTS650053",
    "secret-expired": "AADSTS7000222",
    "secret-id-as-value": "AADSTS7000215",
    "secret-wrong": "AADSTS7000215",
    "secrets-forbidden": "400 CredentialTypeNotAllowedAsPerAppPolicy",
    "service-principal-missing": "AADSTS7000229",
    "setting-too-fresh": NOT_ADMITTED,
    "tenant-setting-off": NOT_ADMITTED,
    "tenant-wrong": "AADSTS90002",
    "token-old": "403 TokenExpired",
    "user-in-group-instead": NOT_ADMITTED,
    "user-no-admin": NOT_AUTHORIZED,
    "user-not-assigned": "AADSTS50105",
    "user-unlicensed": "401 PowerBINotLicensedException",
    "wrong-object-id": "400 InvalidRequest",
    "xmla-off": NOT_AUTHORIZED,
}
"""What the caller of each tenant with one fault sees first."""


UNDER_WAY = {"credentials-missing": "202"}
"""Begins, and fails later."""


def of(group: str) -> list[str]:
    return [each.name for each in ALL if each.group == group]


def built(name: str, identity: Identity | None = None) -> dict[str, Any]:
    return default_state(identity or Identity.new(), find(name))


def timeless(state: dict[str, Any]) -> str:
    """The state as text, with times that go by the moment of its making to the day alone."""
    text = json.dumps(state, sort_keys=True)
    return re.sub(r"T\d\d:\d\d:\d\dZ|\b1[0-9]{9}\b", "TIME", text)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_tenant_that_can_be_and_does_not_say_which(name: str) -> None:
    scenario = find(name)
    assert scenario.description.strip()
    assert len(scenario.description) <= 100
    identity = Identity.new()
    state = built(name, identity)
    assert problems(json.loads(json.dumps(state))) == []
    text = json.dumps(state)
    assert scenario.description not in text
    assert {"scenario", "description", "base", "causes"}.isdisjoint(state)
    # By any other name it is the same tenant.
    renamed = default_state(identity, replace(scenario, where="another name", base=scenario.base))
    assert timeless(renamed) == timeless(state)


@pytest.mark.parametrize("each", [e for e in ALL if e.name != "default"], ids=lambda e: e.name)
def test_each_differs_from_its_base(each: Listed) -> None:
    identity = Identity.new()
    assert each.base in NAMES
    assert timeless(built(each.name, identity)) != timeless(built(each.base, identity))


def test_names_are_unique_and_each_fault_is_staged_with_its_symptom() -> None:
    assert len(NAMES) == len(set(NAMES))
    assert set(of("faults")) == {*SYMPTOMS, *UNDER_WAY}
    assert all(each.causes for each in ALL if each.group in ("faults", "pairs"))
    assert all(len(each.causes) == 2 for each in ALL if each.group == "pairs")
    assert not any(each.causes for each in ALL if each.group not in ("faults", "pairs"))
    assert len(of("pairs")) >= 8


@pytest.mark.parametrize("name", [each for each in of("healthy") if each != "default"] + of("large"))
def test_in_a_healthy_tenant_the_caller_gets_through(sandbox: SandboxTenant, name: str) -> None:
    sandbox.reset(name)
    outcome = Caller(sandbox).act()
    assert outcome.ok, outcome


@pytest.mark.parametrize("name", sorted(SYMPTOMS))
def test_one_fault_shows_its_symptom(sandbox: SandboxTenant, name: str) -> None:
    sandbox.reset(name)
    outcome = Caller(sandbox).act()
    assert outcome.symptom == SYMPTOMS[name], outcome


def test_a_refresh_without_credentials_begins_and_fails(sandbox: SandboxTenant) -> None:
    sandbox.reset("credentials-missing")
    caller = Caller(sandbox)
    begun = caller.act()
    assert begun.symptom == UNDER_WAY["credentials-missing"], begun
    caller.given["request"] = caller.given["request"].replace("POST", "GET")
    caller.given.pop("body")
    last = caller.act().answer.json()["value"][0]
    assert last["status"] == "Failed"
    assert "ModelRefreshFailed_CredentialsNotSpecified" in last["serviceExceptionJson"]


THE_CALL_IS_THE_FAULT = {"wrong-object-id", "model-elsewhere", "gateway-source-not-shared", "connection-not-shared"}
CALLING = {"request", "body", "workspace", "profile"}


def only_in_the_state(name: str) -> bool:
    """Whether the fault is in the tenant, and its caller does nothing but call."""
    content = find(name).content
    caller = set(content.get("caller", {}))
    return caller <= CALLING and bool(set(content) - {*ABOUT, "caller"}) and name not in THE_CALL_IS_THE_FAULT


@pytest.mark.parametrize("name", [name for name in of("faults") if only_in_the_state(name)])
def test_without_the_fault_the_same_call_gets_through(sandbox: SandboxTenant, name: str) -> None:
    content = find(name).content
    base = next(each.base for each in ALL if each.name == name)
    # In a classic workspace the app that is to be added is no fault, nor is the right to add it.
    around = {part: content[part] for part in ("new", "add")} if name == "classic-workspace" else {}
    sandbox.reset({"base": base, "caller": content.get("caller", {}), **around})
    outcome = Caller(sandbox).act()
    if base in SYMPTOMS:  # a fault that stands on another one
        assert outcome.symptom == SYMPTOMS[base]
    else:
        assert outcome.ok, outcome


@pytest.mark.parametrize("name", of("clouds"))
def test_in_another_cloud_the_caller_gets_through(sandbox: SandboxTenant, name: str) -> None:
    sandbox.reset(name)
    assert Caller(sandbox).act().ok


@pytest.mark.parametrize("each", [e for e in ALL if e.group == "pairs"], ids=lambda e: e.name)
def test_of_a_pair_one_is_met_first(sandbox: SandboxTenant, each: Listed) -> None:
    alone = {SYMPTOMS[e.name] for e in ALL if e.group == "faults" and set(e.causes) & set(each.causes)}
    sandbox.reset(each.name)
    assert Caller(sandbox).act().symptom in alone


def test_what_does_not_act_yet_acts_after_a_while(sandbox: SandboxTenant) -> None:
    for name in ("setting-too-fresh", "membership-too-fresh"):
        sandbox.reset(name)
        sandbox.advance(900)
        assert Caller(sandbox).act().ok


def test_the_secret_is_of_this_start_and_in_no_state(sandbox: SandboxTenant) -> None:
    sandbox.reset("automation")
    state = sandbox.state()
    assert state["caller"]["secret"] == "{secret}"
    assert sandbox.app_secret not in json.dumps(state)
    first = next(app for app in state["applications"] if app["displayName"] == "Contoso Reports")
    sandbox.reset("automation")
    again = next(app for app in sandbox.state()["applications"] if app["displayName"] == "Contoso Reports")
    assert (again["appId"], again["id"]) == (first["appId"], first["id"])


def test_a_kept_tenant_gets_a_new_secret_with_each_start(start_sandbox: Any) -> None:
    first = start_sandbox("--scenario", "automation")
    client = first.state()["caller"]["client_id"]
    old = first.app_secret
    assert first.app_token(client, old)
    first.close()
    second = start_sandbox()
    assert second.app_secret != old
    assert Caller(second).act().ok
    assert second.token(
        grant_type="client_credentials",
        client_id=client,
        client_secret=old,
        scope="https://graph.microsoft.com/.default",
    ).json()["error_codes"] == [7000215]


def test_a_state_moves_to_another_sandbox_with_its_caller(sandbox: SandboxTenant, start_sandbox: Any) -> None:
    sandbox.reset("automation")
    state = sandbox.state()
    other = start_sandbox(state=False)
    assert other.app_secret != sandbox.app_secret
    other.put_state(state)
    assert Caller(other).act().ok


def test_a_large_tenant_is_soon_there(start_sandbox: Any) -> None:
    psutil = pytest.importorskip("psutil")
    tenant = start_sandbox("--scenario", "large", state=False)
    used = psutil.Process(tenant.process.pid).cpu_times()
    assert used.user + used.system < 3.0
    state = tenant.state()
    sizes = {name: len(state[name]) for name in ("users", "groups", "applications", "workspaces")}
    assert sum(sizes.values()) > 15_000, sizes
    assert Caller(tenant).act().ok


def rows() -> dict[str, tuple[list[str], str]]:
    """The table of the page: cause -> scenarios, remark."""
    found = {}
    for cause, names, remark in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE):
        found[cause] = (re.findall(r"`([\w-]+)`", names), remark.strip())
    return found


def test_the_page_tells_of_every_cause_where_it_is_staged_or_why_not() -> None:
    table = rows()
    staged: dict[str, list[str]] = {}
    for each in ALL:
        for cause in each.causes:
            staged.setdefault(cause, []).append(each.name)
    assert {cause for cause, (names, _) in table.items() if names} == set(staged)
    for cause, (names, remark) in table.items():
        singles = [name for name in staged.get(cause, []) if name in of("faults")]
        assert sorted(names) == sorted(singles), cause
        assert names or len(remark) > 20, f"{cause}: say why state cannot express it"
