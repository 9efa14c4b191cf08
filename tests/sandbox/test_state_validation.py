"""What `PUT /_sandbox/state`, scenarios and state files may hold: what cannot be is refused in words, what is hardly meant
is told, and nothing that was let in makes a service fail.
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbisetup.sandbox import fabric, graph, knobs, powerbi
from pbisetup.sandbox.gate.words import chosen_unknown
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios import names
from pbisetup.sandbox.seed import default_state, renew_app_secrets
from pbisetup.sandbox.server import Server
from pbisetup.sandbox.slips import slips
from pbisetup.sandbox.store import Tenant
from pbisetup.sandbox.validate import hash_secrets, problems
from pbisetup.sandbox.wire import World
from tests.sandbox.inprocess import _KEY as KEY
from tests.sandbox.test_garbage_everywhere import ALL_ROLES, AUDIENCES, _asgi
from tests.support.cli import Cli
from tests.support.tenant import AZURE_CLI, POWER_BI, SandboxTenant

ROOT = Path(__file__).parents[2]
State = dict[str, Any]
Change = Callable[[State], object]


def setting(state: State, name: str = "Embedding") -> State:
    found: State = next(each for each in state["tenantSettings"] if each["settingName"] == name)
    return found


def workspace(state: State) -> State:
    found: State = state["workspaces"][0]
    return found


def put_raw(sandbox: SandboxTenant, text: str) -> tuple[int, str]:
    answer = sandbox.http.put("/_sandbox/state", content=text.encode(), headers={"Content-Type": "application/json"})
    return answer.status_code, answer.text


# what cannot be

REFUSED: dict[str, tuple[Change, str]] = {
    "the clock beyond the calendar": (
        lambda s: s["clock"].update(offset_seconds=1e12),
        "clock.offset_seconds must be a number of seconds from -1e+09 to 1e+10",
    ),
    "the clock before it": (lambda s: s["clock"].update(offset_seconds=-1e12), "clock.offset_seconds must be"),
    "a clock without end": (lambda s: s["clock"].update(offset_seconds=10**400), "clock.offset_seconds must be"),
    "another clock": (
        lambda s: s["clock"].update(ofset_seconds=1),
        "clock has no 'ofset_seconds'; nearest: offset_seconds",
    ),
    "negative weather": (
        lambda s: s["weather"].update(latency_ms=-5),
        "weather.latency_ms must be a number of milliseconds",
    ),
    "endless weather": (
        lambda s: s["weather"].update(scan_seconds=1e308),
        "weather.scan_seconds must be a number of seconds",
    ),
    "weather that nothing reads": (
        lambda s: s["weather"].update(tenant_settings_seconds=1),
        "weather has no 'tenant_settings_seconds'; nearest: tenant_setting_seconds",
    ),
    "an unknown that nobody asks": (
        lambda s: s.update(unknowns={"appRolesOnAdminRoute": "ignored"}),
        "unknowns has no 'appRolesOnAdminRoute'; nearest: appRolesOnAdminRoutes",
    ),
    "an answer that nobody gives": (
        lambda s: s.update(unknowns={"appRolesOnAdminRoutes": "Refused"}),
        "unknowns.appRolesOnAdminRoutes must be one of refused, ignored, as a text; nearest: refused",
    ),
    "an answer as a number": (
        lambda s: s.update(unknowns={"wrongAudience": 401}),
        "must be one of 403, 401, as a text",
    ),
    "a limit that nothing keeps": (
        lambda s: s.update(limits={"objectPerPrincipal": 3}),
        "limits has no 'objectPerPrincipal'; nearest: objectsPerPrincipal",
    ),
    "half a limit": (lambda s: s.update(limits={"pageSize": 1.5}), "limits.pageSize must be a whole number"),
    "a part that no state has": (lambda s: s.update(scenario="x"), "a state has no part 'scenario'"),
    "a part with a slip": (lambda s: s.update(wether={}), "a state has no part 'wether'; nearest: weather"),
    "a setting that is on as a text": (
        lambda s: setting(s).update(enabled="false"),
        "tenantSettings[3].enabled must be true or false",
    ),
    "groups of a setting by name": (
        lambda s: setting(s).update(enabledSecurityGroups=["g-sp"]),
        "tenantSettings[3].enabledSecurityGroups[0] must be an object",
    ),
    "one group as a text": (
        lambda s: setting(s).update(excludedSecurityGroups="g-sp"),
        "tenantSettings[3].excludedSecurityGroups must be a list",
    ),
    "a group by another key": (
        lambda s: setting(s).update(enabledSecurityGroups=[{"id": "x", "name": "x"}]),
        "enabledSecurityGroups[0] must have graphId",
    ),
    "a past that is none": (lambda s: setting(s).update(_before="x"), "_before must be an object"),
    "a past until tomorrow": (
        lambda s: setting(s).update(_before={"enabled": False, "until": "tomorrow"}),
        "_before.until must be a number of seconds since 1970",
    ),
    "a capacity that is paused in other words": (
        lambda s: s["capacities"][0].update(state="Sleeping"),
        "capacities[0].state must be one of Active",
    ),
    "a capacity in no state": (lambda s: s["capacities"][0].update(state=None), "capacities[0].state must be one of"),
    "a sku as a number": (lambda s: s["capacities"][0].update(sku=5), "capacities[0].sku must be a text"),
    "a quota as a text": (
        lambda s: s.update(quota={"embedTokens": "many"}),
        "quota.embedTokens must be a whole number",
    ),
    "a principal of no type": (
        lambda s: workspace(s)["roleAssignments"][0]["principal"].update(type="App"),
        "principal.type must be one of User, Group, ServicePrincipal",
    ),
    "a role of no name": (lambda s: workspace(s)["roleAssignments"][0].update(role=[]), "role must be one of Viewer"),
    "a licence of no kind": (
        lambda s: s["users"][2].update(powerBiLicense="None"),
        "powerBiLicense must be one of none",
    ),
    "a vault whose name none can have": (
        lambda s: s["vaults"].update({"a_vault": {}}),
        "vaults.a_vault: a vault's name has 3 to 24 letters",
    ),
    "a role that no vault knows": (
        lambda s: s["vaults"]["contoso-vault"]["roleAssignments"][0].update(role="Key Vault Secret Officer"),
        "role must be one of Key Vault Administrator",
    ),
    "a secret without a version": (
        lambda s: s["vaults"]["contoso-vault"]["secrets"].update(a={"name": "a", "versions": []}),
        "vaults.contoso-vault.secrets.a must have a version",
    ),
    "a secret that nobody would find": (
        lambda s: s["vaults"]["contoso-vault"]["secrets"].update(A={"name": "A", "versions": []}),
        "secrets.A must stand under its name in small letters, 'a'",
    ),
    "one role twice": (
        lambda s: workspace(s)["roleAssignments"].append(workspace(s)["roleAssignments"][0]),
        "workspaces[0].roleAssignments: principal",
    ),
    "one model twice": (
        lambda s: workspace(s)["datasets"].append(workspace(s)["datasets"][0]),
        "workspaces[0].datasets: id",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_in_words_and_not_kept(sandbox: SandboxTenant, name: str) -> None:
    change, said = REFUSED[name]
    before = sandbox.state()
    bad = copy.deepcopy(before)
    change(bad)
    status, text = put_raw(sandbox, json.dumps(bad))
    assert status == 400, text
    found = json.loads(text)["problems"]
    assert any(said in each for each in found), found
    assert len(found) == len(set(found))
    assert sandbox.state() == before
    assert json.loads(sandbox.state_file.read_text(encoding="utf-8"))["state"]["clock"] == before["clock"]


def test_numbers_that_json_does_not_have_are_refused(sandbox: SandboxTenant) -> None:
    text = json.dumps(sandbox.state())
    for number in ("NaN", "Infinity", "1e400"):
        status, said = put_raw(sandbox, text.replace('"offset_seconds": 0', f'"offset_seconds": {number}'))
        assert status == 400, said
    assert sandbox.state()["clock"] == {"offset_seconds": 0}


def test_the_clock_stays_within_what_a_state_may_hold(sandbox: SandboxTenant) -> None:
    for seconds in (9e9, -9.9e9, 9e9):
        sandbox.advance(seconds)
    answer = sandbox.http.post("/_sandbox/clock", json={"advance_seconds": 9e9})
    assert (answer.status_code, answer.json()["problems"]) == (400, ["the clock cannot go that far"])
    sandbox.put_state(sandbox.state())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"offset_seconds": 1e12', "clock.offset_seconds must be a number of seconds"),
        ('"offset_seconds": NaN', "clock.offset_seconds must be a number of seconds"),
        ('"ofset_seconds": 0', "clock has no 'ofset_seconds'"),
    ],
)
def test_a_state_file_that_cannot_be_is_refused_at_the_start(
    start_sandbox: Callable[..., SandboxTenant], text: str, said: str
) -> None:
    first = start_sandbox(name="kept")
    first.close()
    kept = first.state_file.read_text(encoding="utf-8")
    first.state_file.write_text(kept.replace('"offset_seconds": 0', text), encoding="utf-8")
    with pytest.raises(RuntimeError) as caught:
        start_sandbox(name="kept")
    assert "ended with 2" in str(caught.value)
    assert said in str(caught.value)
    assert "move the file away" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    first.state_file.write_text(kept, encoding="utf-8")
    assert start_sandbox(name="kept").env()["PBISETUP_SANDBOX_TENANT"] == first.tenant


def test_a_refusal_does_not_hide_the_running_tenant(start_sandbox: Callable[..., SandboxTenant]) -> None:
    sandbox = start_sandbox()
    bad = sandbox.state() | {"clock": {"offset_seconds": 1e12}}
    assert put_raw(sandbox, json.dumps(bad))[0] == 400
    assert sandbox.env()["PBISETUP_SANDBOX_URL"] == sandbox.url
    sandbox.faults({"match": {"path": "."}, "status": 500})
    assert sandbox.env()["PBISETUP_SANDBOX_URL"] == sandbox.url


# what is hardly meant


def _role_of(id_: Callable[[State], str], type_: str = "ServicePrincipal") -> Change:
    return lambda s: workspace(s)["roleAssignments"].append(
        {"principal": {"id": id_(s), "type": type_}, "role": "Viewer"}
    )


TOLD: dict[str, tuple[Change, str]] = {
    "the client id in place of the object id": (
        _role_of(lambda s: str(s["applications"][0]["appId"])),
        "is the client id of Sandbox operator; a principal goes by its object id",
    ),
    "the app registration in place of the principal": (
        _role_of(lambda s: str(s["applications"][0]["id"])),
        "is the object id of the app registration Sandbox operator; a principal goes by its object id",
    ),
    "a stranger": (_role_of(lambda _: "11111111-2222-3333-4444-555555555555"), "is nobody's in this tenant"),
    "somebody of another kind": (_role_of(lambda s: str(s["users"][1]["id"])), "is a User, not a ServicePrincipal"),
    "no such capacity": (
        lambda s: workspace(s).update(capacityId="x"),
        "workspaces[0].capacityId: the tenant has no capacity x",
    ),
    "no such model": (
        lambda s: workspace(s)["reports"][0].update(datasetId="x"),
        "workspaces[0].reports[0].datasetId: no workspace has a model x",
    ),
    "a setting nearly": (
        lambda s: s["tenantSettings"].append({"settingName": "AllowServicePrincipalsUseReadAdminApi", "enabled": True}),
        "nearest: AllowServicePrincipalsUseReadAdminAPIs",
    ),
    "no such group": (
        lambda s: setting(s).update(
            enabledSecurityGroups=[{"graphId": "11111111-2222-3333-4444-555555555555", "name": "g"}]
        ),
        "tenantSettings[3].enabledSecurityGroups: 11111111-2222-3333-4444-555555555555 is nobody's in this tenant",
    ),
    "a principal in place of a group": (
        lambda s: setting(s).update(enabledSecurityGroups=[{"graphId": s["servicePrincipals"][-1]["id"], "name": "g"}]),
        "is a ServicePrincipal, and only groups count",
    ),
    "a key nearly": (
        lambda s: workspace(s).update(capacityID="x"),
        "workspaces[0] has 'capacityID', which nothing reads",
    ),
    "a key of a setting nearly": (
        lambda s: setting(s).update(enabledSecurityGroup=[]),
        "nearest: enabledSecurityGroups",
    ),
    "a member who is not there": (
        lambda s: s["groups"].append({"id": "11111111-2222-3333-4444-555555555555", "members": ["x"]}),
        "groups[0].members: x is nobody's in this tenant",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_hardly_meant_is_taken_and_told(sandbox: SandboxTenant, name: str) -> None:
    change, said = TOLD[name]
    state = sandbox.state()
    change(state)
    status, text = put_raw(sandbox, json.dumps(state))
    assert status == 200, text
    assert any(said in each for each in json.loads(text)["warnings"]), text
    assert sandbox.state() == state


def test_a_right_state_is_taken_without_a_word(sandbox: SandboxTenant) -> None:
    assert put_raw(sandbox, json.dumps(sandbox.state())) == (204, "")


def test_a_scenario_of_ones_own_is_told_too(tmp_path: Path, start_sandbox: Callable[..., SandboxTenant]) -> None:
    cli = Cli(tmp_path / "project")
    mine = cli.folder / "mine.toml"
    mine.write_text('[workspaces."Reports Dev"]\ncapacityId = "elsewhere"\n', encoding="utf-8")
    said = "workspaces 'Reports Dev'.capacityId: the tenant has no capacity elsewhere"
    found = cli("sandbox", "run", str(mine), "--", "true")
    assert (found.code, said in found.err) == (0, True), found
    assert f"{mine}:1: {said}" in start_sandbox("--scenario", str(mine)).stderr()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('tenantSettings.Embedding.enabled = "no"', "enabled must be true or false"),
        ('capacities.contosof2.state = "Sleeping"', "state must be one of Active"),
        ("weather.latency_ms = -5", "latency_ms must be a number of milliseconds from 0"),
        ('unknowns.wrongAudience = "maybe"', "must be one of 403, 401"),
    ],
)
def test_a_scenario_holds_no_more_than_a_state(tmp_path: Path, text: str, said: str) -> None:
    cli = Cli(tmp_path / "project")
    mine = cli.folder / "mine.toml"
    mine.write_text(f"{text}\n", encoding="utf-8")
    found = cli("doctor", "--scenario", str(mine))
    assert (found.code, f"{mine}:1" in found.err.replace("\n", ""), said in found.err) == (2, True, True), found


@pytest.mark.parametrize("name", names())
def test_what_the_program_brings_can_be_and_is_meant(name: str) -> None:
    state = default_state(Identity.new(), name)
    assert problems(state) == []
    assert len(slips(state)) <= 1  # a principal that was deleted keeps its role in a workspace


# the table of names


def _sources() -> Iterator[str]:
    for path in (ROOT / "src" / "pbisetup" / "sandbox").rglob("*.py"):
        yield path.read_text("utf-8")


def test_every_name_is_read_by_something() -> None:
    code = "\n".join(text for text in _sources() if "UNKNOWNS: Final" not in text)
    for name in (*knobs.WEATHER, *knobs.UNKNOWNS, *knobs.LIMITS):
        assert f'"{name}"' in code, name


def test_everything_that_is_read_has_its_name() -> None:
    code = "\n".join(_sources())
    asked = {(a.lower(), b) for a, b in re.findall(r'section\("(weather|unknowns)"\)\.get\(\s*"(\w+)"', code)}
    assert {b for a, b in asked if a == "weather"} <= set(knobs.WEATHER)
    assert {b for a, b in asked if a == "unknowns"} <= set(knobs.UNKNOWNS)
    from pbisetup.sandbox.fabric.causes import TABLE as FABRIC
    from pbisetup.sandbox.powerbi.causes import TABLE as POWERBI

    for cause in (*FABRIC, *POWERBI):
        chosen = chosen_unknown(cause.when)
        if chosen:
            assert chosen[1] in knobs.UNKNOWNS[chosen[0]][1:], cause.name


def test_the_page_names_the_same() -> None:
    page = (ROOT / "docs" / "state.md").read_text("utf-8")
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (`.*)$", page.partition("| `unknowns` |")[2].partition("\n\n")[0], re.MULTILINE)
    )
    assert set(rows) == set(knobs.UNKNOWNS)
    for name, answers in knobs.UNKNOWNS.items():
        assert (
            tuple(re.findall(r"`([^`]+)`", rows[name].partition(":")[0].partition(" on ")[0]))[: len(answers)]
            == answers
        )
    weather = page.partition("| `weather` |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\|([^|]*)\|", weather, re.MULTILINE)))) == set(
        knobs.WEATHER
    )


# whatever is let in


IDENTITY = Identity.new()
HEALTHY = ("default", "automation", "embed-customers", "embed-profiles", "gateway", "federated", "user-sign-in")
PATHS = re.compile(r"\{(\w+)\}")
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.sampled_from([-1, 0.5, 1e12, 10**400, [], [None], ["x"], {}, {"x": None}]),
)


@cache
def _state(name: str) -> State:
    return default_state(IDENTITY, name)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _places(each, (*path, key))


@cache
def _shapes(name: str) -> list[tuple[Any, ...]]:
    """One place of each kind: the same key of many elements is asked once."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for path in _places(_state(name)):
        found.setdefault(tuple("*" if isinstance(key, int) else key for key in path), path)
    return list(found.values())


class Tenantry:
    """The real application over one state, asked as its clients ask."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.world = World(Tenant(state), KEY)
        self.server = Server(self.world, IDENTITY)

    def ask(self, service: str, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> int:
        path, _, query = path.partition("?")
        headers = {"host": "localhost", "content-type": kind, "authorization": self._token(service)}
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": b"", "query_string": query.encode(),
            "client": ("127.0.0.1", 1), "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
        }  # fmt: skip
        return asyncio.run(_asgi(self.server, scope, body))[0]

    @cache  # noqa: B019 - one for each example
    def _token(self, service: str) -> str:
        now = int(time.time()) + int(self.state.get("clock", {}).get("offset_seconds", 0))
        claims = {
            "aud": AUDIENCES[service], "tid": IDENTITY.tenant_id, "nbf": now - 300, "iat": now - 300, "exp": now + 3600,
            "appid": IDENTITY.operator_id, "oid": IDENTITY.id("user admin"), "scp": " ".join(ALL_ROLES), "idtyp": "user",
        }  # fmt: skip
        return "Bearer " + jwt.encode(claims, KEY.private_key, algorithm="RS256")


def _requests(state: State) -> Iterator[tuple[str, str, str, bytes, str]]:
    """Every kind of reading, and the calls in which most of the state has a part."""
    first = _state("default")["workspaces"][0]
    known = {
        "groupId": first["id"], "workspaceId": first["id"], "reportId": first["reports"][0]["id"],
        "datasetId": first["datasets"][0]["id"], "capacityId": _state("default")["capacities"][0]["id"],
        "tenant": IDENTITY.tenant_id, "userId": IDENTITY.id("user developer"), "user": IDENTITY.id("user developer"),
    }  # fmt: skip
    for service, routes in (("graph", graph.routes), ("powerbi", powerbi.routes), ("fabric", fabric.routes)):
        for route in routes:
            if route.method != "GET" or route.path.startswith("/beta") or "microsoft.graph" in route.path:
                continue
            if "{" in route.path and not set(PATHS.findall(route.path)) <= {*known, "id"}:
                continue
            collection = state.get(route.path.split("/")[2])
            here = {"id": collection[-1]["id"]} if isinstance(collection, list) and collection else {}
            if set(PATHS.findall(route.path)) <= {*known, *here}:
                path = PATHS.sub(lambda m, here=here: quote(str({**known, **here}[m[1]])), route.path)  # type: ignore[misc]
                yield service, "GET", path, b"", "application/json"
    group, model, report = first["id"], known["datasetId"], known["reportId"]
    for service, method, path, body in (
        (
            "powerbi",
            "POST",
            f"/v1.0/myorg/groups/{group}/datasets/{model}/executeQueries",
            {"queries": [{"query": "EVALUATE Sales"}]},
        ),
        ("powerbi", "POST", f"/v1.0/myorg/groups/{group}/datasets/{model}/refreshes", {}),
        ("powerbi", "POST", f"/v1.0/myorg/groups/{group}/reports/{report}/GenerateToken", {"accessLevel": "View"}),
        ("powerbi", "POST", f"/v1.0/myorg/groups/{group}/reports/{report}/Clone", {"name": "copy"}),
        ("powerbi", "POST", "/v1.0/myorg/groups", {"name": "new"}),
        ("powerbi", "POST", "/v1.0/myorg/admin/workspaces/getInfo", {"workspaces": [group]}),
        ("fabric", "POST", f"/v1/workspaces/{group}/items", {"displayName": "new", "type": "Notebook"}),
        ("fabric", "POST", "/v1/workspaces", {"displayName": "newer"}),
        ("fabric", "POST", "/v1/admin/tenantsettings/Embedding/update", {"enabled": True}),
        ("graph", "POST", "/v1.0/applications", {"displayName": "new"}),
    ):
        yield service, method, path, json.dumps(body).encode(), "application/json"
    token = f"/{IDENTITY.tenant_id}/oauth2/v2.0/token"
    clients = [each["appId"] for each in _state("embed-customers")["applications"]]
    for client in (AZURE_CLI, *clients):
        person = {"username": f"developer@{_state('default')['tenant']['domain']}", "password": IDENTITY.password}
        for form in (
            {"grant_type": "password", "client_id": client, "scope": f"{POWER_BI}/.default openid", **person},
            {
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": IDENTITY.app_secret,
                "scope": f"{POWER_BI}/.default",
            },
        ):
            yield "entra", "POST", token, urlencode(form).encode(), "application/x-www-form-urlencoded"
        asked = {
            "client_id": client,
            "response_type": "code",
            "redirect_uri": "http://localhost:3000/",
            "scope": "openid",
        }
        yield "entra", "GET", f"/{IDENTITY.tenant_id}/oauth2/v2.0/authorize?{urlencode(asked)}", b"", "text/plain"
    yield "entra", "GET", "/_sandbox/state", b"", "text/plain"
    yield "entra", "GET", "/_sandbox/info", b"", "text/plain"


def _fails(state: State) -> list[str]:
    tenantry = Tenantry(state)
    return [
        f"{method} {path}"
        for service, method, path, body, kind in _requests(_state("default"))
        if (status := tenantry.ask(service, method, path, body, kind)) >= 500 and status != 501
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_one_value_of_another_kind_is_refused_or_harmless(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(HEALTHY))
    path = data.draw(st.sampled_from(_shapes(name)))
    state = copy.deepcopy(_state(name))
    target = state
    for key in path[:-1]:
        target = target[key]
    value = data.draw(anything)
    if type(value) is type(target[path[-1]]) and not isinstance(value, list | dict | int | float):
        value = None
    target[path[-1]] = value
    if problems(state):
        return
    slips(state)
    renew_app_secrets(state, IDENTITY)
    hash_secrets(state)
    assert _fails(state) == []
