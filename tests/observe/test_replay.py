"""A recording that is replayed is the case it was made of: with its names to the letter, without in every relation."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbisetup.model import case as of
from pbisetup.model.case import ApiRequest, Asked, Case, Key, Sighting
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.manifest import Environment, Manifest, WorkspaceSpec
from pbisetup.model.probe import Expected, TokenAttempt
from pbisetup.model.recording import RecordedFact, Recording, RecordingError, dump, parse
from pbisetup.model.tenant import (
    TenantSetting,
    Workspace,
)
from pbisetup.observe.recorded import KINDS
from pbisetup.observe.recorder import record
from pbisetup.observe.replay import replay
from pbisetup.observe.wellknown import well_known_ids
from tests.support.case import (
    ASKED,
    CLIENT,
    GLOBAL_ADMINISTRATOR,
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

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "src/pbisetup/catalog/data/recording.schema.json").read_text(encoding="utf-8"))
KEYS = {each.name: each for each in vars(of).values() if isinstance(each, Key)}
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def test_every_kind_of_fact_is_recorded() -> None:
    assert set(KEYS) == set(KINDS)


# -- any case --------------------------------------------------------------------------------------------------------

plain = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
observers = st.sampled_from(("local", "operator", "app"))
evidences = st.builds(Evidence, plain, observers, plain, st.none() | plain)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("status", "a", "b_c")), inner, max_size=3)
    ),
    max_leaves=5,
)
OWN: dict[tuple[type, str], st.SearchStrategy[Any]] = {
    (Claims, "raw"): st.fixed_dictionaries(
        {}, optional={"idtyp": plain, "amr": st.lists(plain, max_size=2), "nbf": st.integers(0, 9)}
    ),
    (TenantSetting, "raw"): st.just({}) | st.builds(lambda t: {"tenantSettingGroup": t}, plain.filter(bool)),
    (Asked, "environment"): st.none() | plain.filter(bool),
    (Asked, "purposes"): st.lists(st.sampled_from(("automation", "deploy", "admin-read")), max_size=2).map(tuple),
    (Asked, "cloud"): st.sampled_from(("public", "gcc")),
}


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Any value that an annotation allows."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: plain, bool: st.booleans(), int: st.integers(-(2**53), 2**53), datetime: moments, Evidence: evidences,
        float: st.floats(allow_nan=False, allow_infinity=False),
    }  # fmt: skip
    if hint in simple:
        return simple[hint]
    if origin is typing.Literal:
        return st.sampled_from(inner)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([st.none() if each is type(None) else of_type(each) for each in inner])
    if origin is frozenset:
        return st.frozensets(of_type(inner[0]), max_size=2)
    if origin is tuple and inner[1:] == (...,):
        return st.lists(of_type(inner[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(of_type, inner))
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(of_type(inner[0]), of_type(inner[1]), max_size=2)
    assert is_dataclass(hint), hint
    hints = typing.get_type_hints(hint)
    parts = {each.name: OWN.get((hint, each.name)) for each in fields(hint)}
    return st.builds(hint, **{name: of_type(hints[name]) if own is None else own for name, own in parts.items()})


def of_key(name: str) -> st.SearchStrategy[Any]:
    """Any value of a kind of fact, but for what docs/recording.md says is not kept."""
    if name in ("model", "refresh"):
        return st.dictionaries(st.sampled_from(("name", "status", "isRefreshable")), json_values, max_size=3)
    attribute = next(each for each, key in vars(of).items() if isinstance(key, Key) and key.name == name)
    hint = eval(of.__annotations__[attribute].removeprefix("Final[Key[").removesuffix("]]"), vars(of))  # noqa: S307
    found = of_type(hint)
    if name == "settings":
        return found.map(lambda settings: {each.name: each for each in settings.values()})
    if name == "workspace":
        return found.map(lambda w: replace(w, kinds={who: "App" for who in list(w.roles or ())[:1]}))
    return found


@st.composite
def facts(draw: st.DrawFn, name: str) -> Any:
    status = draw(st.sampled_from(("known", "known", "absent", "unknown")))
    if status == "known":
        return Known(draw(of_key(name)), draw(evidences))
    if status == "absent":
        return Absent(draw(evidences))
    return Unknown(draw(plain.filter(bool)), draw(st.none() | evidences), draw(st.sampled_from(("", "PBI207"))))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    names = draw(st.lists(st.sampled_from(sorted(KEYS)), max_size=6))
    of_ = st.none() | plain
    seen = [Sighting(KEYS[n], draw(st.just("powerbi") if n == "token" else of_), draw(facts(n))) for n in names]
    return Case(draw(of_type(Asked)), draw(moments), tuple(seen), draw(st.integers(0, 99)))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_what_is_recorded_with_its_names_is_replayed_to_the_letter(case: Case) -> None:
    assert replay(parse(dump(record(case, "1.0", names=True)))) == case


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_without_its_names_any_case_is_replayed_too(case: Case) -> None:
    again = replay(parse(dump(record(case, "1.0"))))
    assert structure(again) == structure(case)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_no_kind_is_left_to_chance(name: str) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(facts(name))
    def check(fact: Any) -> None:
        case = Case(ASKED, NOW, (Sighting(KEYS[name], "powerbi", fact),))
        assert replay(parse(dump(record(case, "1.0", names=True)))) == case

    check()


def test_a_sandbox_stands_for_a_cloud() -> None:
    recording = replace(record(Case(replace(ASKED, cloud="gcc"), NOW, ()), "1.0"), cloud="sandbox")
    assert replay(parse(dump(recording))).asked.cloud == "gcc"


# -- what is not kept ------------------------------------------------------------------------------------------------


def test_what_a_recording_does_not_keep() -> None:
    """The losses, each of which no rule can see: docs/recording.md lists them."""
    seen = Evidence("x", "app", "y")
    claims = Claims(
        "a", "i", TENANT, CLIENT, OBJECT, OBJECT, "1.0", raw={"idtyp": "app", "oid": OBJECT, "in_corp": True}
    )
    setting = TenantSetting("A", "A", True, raw={"settingName": "A", "tenantSettingGroup": "G"})
    workspace = Workspace("w", "W", roles={"a": "Viewer"}, kinds={"a": "App", "b": "User"})
    answer = {"name": "S", "no key": 1, "deep": float("nan")}
    tokens = [
        Sighting(of.TOKEN, each, Known(TokenAttempt(opaque=True), seen)) for each in ("fabric", "asked", "powerbi")
    ]
    given = (
        Sighting(of.TOKEN, "powerbi", Known(TokenAttempt(claims=claims), seen)),
        Sighting(of.SETTINGS, None, Known({"A": setting}, seen)),
        Sighting(of.WORKSPACE, "W", Known(workspace, seen)),
        Sighting(of.MODEL, MODEL, Known(answer, seen)),
        Sighting(of.CLOCK, None, Unknown("", seen)),
        *tokens,
    )
    case = Case(replace(ASKED, environment=""), NOW, given)
    again = replay(parse(dump(record(case, "1.0", names=True))))
    assert again.asked == replace(ASKED, environment=None)
    assert again.value(of.SETTINGS) == {"A": replace(setting, raw={"tenantSettingGroup": "G"})}
    assert again.value(of.WORKSPACE) == replace(workspace, kinds={"a": "App"})
    assert again.value(of.MODEL) == {"name": "S", "deep": None}
    assert again.fact(of.CLOCK) == Unknown("no reason given", seen)
    # Power BI's token stands first, because older readers take the first for it.
    assert [each.of for each in again.sightings if each.key == of.TOKEN] == ["powerbi", "powerbi", "asked", "fabric"]
    attempt = again.value(of.TOKEN, "powerbi")
    assert attempt is not None
    assert attempt.claims == replace(claims, raw={"idtyp": "app"})


def test_what_a_service_put_in_the_place_of_a_text_does_not_stop_a_recording() -> None:
    odd: Any = Workspace(7, None, roles={7: None}, on_capacity="yes")  # type: ignore[arg-type,dict-item]
    case = Case(ASKED, NOW, (Sighting(of.WORKSPACE, "W", Known(odd, Evidence("x", "app", "y"))),))
    found = replay(parse(dump(record(case, "1.0")))).value(of.WORKSPACE)
    assert found is not None
    assert found.on_capacity is True


# -- names replaced --------------------------------------------------------------------------------------------------


def leaves(value: Any, mapped: bool = True) -> Iterator[str]:
    """The texts of a value in their order, sets and mappings left out: theirs may change."""
    if isinstance(value, Key):
        return
    if is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from leaves(getattr(value, each.name))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, dict) and mapped:
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, str):
        yield value


def structure(value: Any) -> Any:
    """A value without its texts."""
    if isinstance(value, Key):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(structure(getattr(value, each.name)) for each in fields(value))]
    if isinstance(value, tuple | list):
        return [structure(each) for each in value]
    if isinstance(value, Mapping):
        return ["mapping", len(value)]
    return len(value) if isinstance(value, frozenset) else "text" if isinstance(value, str) else value


def test_without_its_names_a_case_is_the_same_in_every_relation() -> None:
    case = tenant_case()
    recording = record(case, "1.0")
    again = replay(parse(dump(recording)))
    assert structure(again) == structure(case)

    before, after = list(leaves(case)), list(leaves(again))
    map_: dict[str, str] = {}
    for old, new in zip(before, after, strict=True):
        assert map_.setdefault(old, new) == new, f"{old!r} has two stand-ins"
    assert len(set(map_.values())) == len(map_), "two things have one stand-in"
    kept = [old for old, new in map_.items() if old == new and GUID.fullmatch(old)]
    assert {each.lower() for each in kept} <= well_known_ids()

    def mapped(value: str) -> str:
        return map_[value] if value in map_ else next(new for old, new in map_.items() if old == value)

    assert again.value(of.MEMBERSHIPS) == frozenset({mapped(GROUP)})
    setting = (again.value(of.SETTINGS) or {})["ServicePrincipalAccessPermissionAPIs"]
    assert list(setting.enabled_groups) == [mapped(GROUP)]
    workspace, app, request = again.value(of.WORKSPACE, mapped("Sales North")), again.value(of.APP), again.asked.request
    assert workspace is not None
    assert app is not None
    assert request is not None
    assert mapped(PRINCIPAL) in (workspace.roles or {})
    assert list(workspace.kinds) == [mapped(PRINCIPAL)]
    assert request.path == f"/v1.0/myorg/groups/{mapped(WORKSPACE)}/datasets/{mapped(MODEL)}/refreshes"
    assert request.url.endswith(request.path)
    assert again.value(of.ANSWER, request.name) is not None
    assert again.value(of.REFRESH, request.path) is not None
    assert again.value(of.MODEL, mapped(MODEL)) is not None
    assert again.value(of.NAMED, mapped(PRINCIPAL)) is not None
    assert again.value(of.GROUP, again.asked.groups["api"]) == again.value(of.GROUP, mapped(GROUP))
    assert again.value(of.SEEN, again.asked.workspaces[0].key) is not None
    assert again.value(of.REPLY, again.asked.redirect_uris[0]) is not None
    assert again.asked.redirect_uris[0] in app.other_redirect_uris
    assert "http://localhost:3000" in app.redirect_uris
    configured = again.value(of.CREDENTIAL)
    assert configured is not None
    assert configured.client_id == f'"{app.client_id}"'
    assert configured.hint == app.passwords[0].hint != app.passwords[1].hint
    assert configured.hint.lower() == app.passwords[1].hint.lower()
    assert app.federated is not None
    message = (again.value(of.TOKEN, "asked") or TokenAttempt()).message
    assert f"'{app.federated[0].subject}'" in message
    assert f"'{again.asked.redirect_uris[0]}'" in message
    assert f"identifier '{app.client_id}'" in message


def variants() -> Iterator[Case]:
    """The case, and it without each of its facts: what the rules then make of the others."""
    case = tenant_case()
    yield case
    for gone in case.sightings:
        yield replace(case, sightings=tuple(each for each in case.sightings if each is not gone))
        unknown = Sighting(gone.key, gone.of, Unknown("HTTP 403: not for Contoso Ltd", gone.fact.evidence))
        yield replace(case, sightings=tuple(unknown if each is gone else each for each in case.sightings))


def test_the_rules_find_the_same() -> None:
    from pbisetup.catalog.clouds import clouds
    from pbisetup.diagnosis.rules import examine

    def found(case: Case) -> Any:
        made = examine(case, clouds()["public"])
        told = sorted((each.cause, each.code, each.certainty, each.severity) for each in made.findings)
        return made.healthy, told, sorted(check.status for check in made.checks)

    for case in variants():
        for names in (True, False):
            assert found(replay(parse(dump(record(case, "1.0", names=names))))) == found(case)


def test_nothing_of_the_tenants_own_is_left() -> None:
    text = dump(record(tenant_case(), "1.0"))
    own = ("contoso", "fabrikam", "sales", "bi-api", "never", "proxy1", "gateway", "signin", *(
        each[:8] for each in (TENANT, CLIENT, OBJECT, PRINCIPAL, GROUP, WORKSPACE, MODEL, KEY)
    ), "ABABAB")  # fmt: skip
    assert [each for each in own if each in text.lower()] == []


KEPT = (
    "AADSTS700016", "unauthorized_client", "was not found in the directory", "PowerBINotAuthorizedException",
    "invalid_token", "BI_AZURE_P2", "ServicePrincipalAccessPermissionAPIs", "AZURE_AUTHORITY_HOST",
    "login.microsoftonline.us", "Tenant.Read.All", "https://analysis.windows.net/powerbi/api/.default",
    "ModelRefreshFailed_CredentialsNotSpecified", "Suspended", "F64", GLOBAL_ADMINISTRATOR, POWER_BI,
    "login.microsoftonline.com by httpx", "http://localhost:3000", "ViaApi", "***",
    "https://token.actions.githubusercontent.com", "AZURE_CLIENT_CERTIFICATE_PATH", "#EXT#@",
    "Datasets_RefreshDatasetInGroup",
)  # fmt: skip


@pytest.mark.parametrize(
    "uri",
    [
        "api://AzureADTokenExchange",
        "https://analysis.windows.net/powerbi/api",
        POWER_BI,
        "urn:ietf:wg:oauth:2.0:oob",
        "https://login.microsoftonline.com/common/oauth2/nativeclient",
        "http://127.0.0.1:8400",
        "http://[::1]:9/",
    ],
)
def test_addresses_that_every_tenant_has_stay(uri: str) -> None:
    assert replay(record(Case(replace(ASKED, redirect_uris=(uri,)), NOW, ()), "1.0")).asked.redirect_uris == (uri,)


@pytest.mark.parametrize("word", KEPT)
def test_what_every_tenant_has_stays(word: str) -> None:
    assert word in dump(record(tenant_case(), "1.0"))


@pytest.mark.parametrize(
    ("service", "path"),
    [("xmla", "/v1.0/myorg/Reports"), ("powerbi", "/v1.0/myorg/reports")],
)
def test_a_workspace_called_like_an_api_is_a_workspace_where_names_stand(service: Any, path: str) -> None:
    asked = replace(
        ASKED,
        workspaces=(WorkspaceSpec("Viewer", name="Reports"),),
        request=ApiRequest("POST", f"powerbi://api.powerbi.com{path}", path, service),
    )
    request = replay(record(Case(asked, NOW, ()), "1.0")).asked.request
    assert request is not None
    name = replay(record(Case(asked, NOW, ()), "1.0")).asked.workspaces[0].name
    assert request.path == (f"/v1.0/myorg/{name}" if service == "xmla" else path)


SECRETS = (
    "https://bi.blob.core.windows.net/x?sv=2024&sig=abc%2Bdef", "https://user:pa55word@proxy1.contoso.com",
    "abC8Q~0123456789012345678901234567890a", f"1.A{'b' * 80}", "eyJ0eXAiOiJKV1Qi.eyJvaWQiOiJ4In0.c2ln", f"H4sI{'A' * 60}",
)  # fmt: skip


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("secret", SECRETS)
def test_what_has_the_form_of_a_secret_goes(secret: str, names: bool) -> None:
    evidence = Evidence(secret, "app", f"said {secret}.")
    case = Case(replace(ASKED, scope=secret), NOW, (Sighting(of.CLOCK, secret, Unknown(secret, evidence)),))
    text = dump(record(case, "1.0", names=names))
    core = re.sub(r"^https://(?:bi\S*sig=|user:)|@proxy.*", "", secret)
    assert core not in text
    assert "***" in text or "@" in secret


# -- older recordings ------------------------------------------------------------------------------------------------


def older(*facts: RecordedFact) -> Recording:
    return Recording(NOW, "0.9", "public", "dev", "original", facts)


CREDENTIAL = {"where": ".env.dev", "tenant_id": "contoso.com", "client_id": f"{CLIENT} ", "has_secret": True}


def test_a_recording_of_before_says_what_was_asked_in_other_facts() -> None:
    manifest = {
        "project_id": "p", "purposes": ["automation"], "scopes": [],
        "workspaces": [{"key": "Sales", "role": "Member"}, {"key": WORKSPACE, "role": "Viewer"}],
        "groups": [{"purpose": "api", "group": "G"}],
    }  # fmt: skip
    expected = {"tenant_id": TENANT, "client_id": CLIENT, "audiences": ["a"], "sign_in": "app", "scopes": []}
    case = replay(
        older(
            RecordedFact("manifest", "known", value=manifest, observer="local"),
            RecordedFact("expected", "known", value=expected, observer="local"),
            RecordedFact("credential", "known", value=CREDENTIAL, observer="local", source=".env.dev"),
            RecordedFact("token", "known", value={"issued": True, "claims": {"audience": "x"}}, observer="app"),
            RecordedFact("probe", "unknown", of="GET /v1.0/myorg/groups", reason="no", code="PBI207", observer="app"),
            RecordedFact(
                "workspace_visible", "known", of="Sales", value={"visible": True, "status": 200}, observer="app"
            ),
            RecordedFact("tenant", "known", value={"id": TENANT}, observer="operator"),
            RecordedFact("admitted", "known", value=True),
        )
    )
    assert case.asked == Asked(
        "dev", "public", "app", ("automation",), TENANT, CLIENT,
        workspaces=(WorkspaceSpec("Member", name="Sales"), WorkspaceSpec("Viewer", id=WORKSPACE)),
        stated_roles=True, operator=True,
        groups={"api": "G"},
    )  # fmt: skip
    assert case.now == NOW
    configured = case.value(of.CREDENTIAL)
    assert configured is not None
    assert (configured.kind, configured.client_id_form, configured.tenant_form) == ("secret", "odd ends", "domain")
    assert case.value(of.TOKEN, "powerbi") is not None
    assert case.fact(of.ANSWER, "GET /v1.0/myorg/groups") == Unknown("no", None, "PBI207")
    seen = case.value(of.SEEN, "Sales")
    assert seen is not None
    assert (seen.key, seen.visible, seen.answer and seen.answer.status) == ("Sales", True, 200)
    assert isinstance(case.fact(of.PERSON), Unknown)


def test_a_person_who_signed_in_before_signs_in_still() -> None:
    case = replay(
        older(
            RecordedFact("credential", "unknown", reason="a person signs in"),
            RecordedFact("workspace_visible", "unknown", of="Sales", reason="x"),
        )
    )
    assert case.asked.sign_in == "user"
    assert case.asked.workspaces == (WorkspaceSpec("Viewer", name="Sales"),)
    found = case.value(of.CREDENTIAL)
    assert found is not None
    assert found.kind == "sign-in"


# -- whatever stands in a recording ------------------------------------------------------------------------------------

FULL = json.loads(
    dump(
        record(
            tenant_case(), "1.0", names=True,
            manifest=Manifest("p", "App", "public", {}),
            environment=Environment("dev", None, ("automation",), groups={"api": "G"}),
            expected=Expected(TENANT, CLIENT, PRINCIPAL, ("a",), ("i",), "https://app.powerbi.com"),
        )
    )
)  # fmt: skip
junk = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.just([])
    | st.just({})
    | st.just([None])
    | st.just({"id": 1})
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


APP = {"object_id": OBJECT, "client_id": CLIENT}
PLACES = [path for path in places(FULL["facts"]) if len(path) > 1]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), junk), max_size=3), st.booleans())
def test_whatever_stands_in_a_recording_ends_in_a_case_or_in_words(changes: list[tuple[Any, Any]], old: bool) -> None:
    content = json.loads(json.dumps(FULL))
    for path, value in changes:
        target = content["facts"]
        try:
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = json.loads(json.dumps(value))
        except (TypeError, KeyError, IndexError):
            continue  # an earlier change took the place away
    if old:
        content["facts"] = [each for each in content["facts"] if isinstance(each, dict) and each.get("fact") != "asked"]
    try:
        case = replay(parse(json.dumps(content)))
    except RecordingError as error:
        said = error.problems
        assert said
        assert all(len(each) < 300 for each in said)
    else:
        assert replay(parse(dump(record(case, "1.0", names=True)))) == case


@pytest.mark.parametrize(
    ("fact", "value", "said"),
    [
        ("app", 7, "app must be an object"),
        ("app", {"client_id": CLIENT}, "app.object_id is missing"),
        ("app", {**APP, "passwords": [{"key_id": 1}]}, r"app.passwords\[0\].key_id must be a text"),
        ("app", {**APP, "passwords": [{"key_id": KEY, "ends": "soon"}]}, r"ends must be a time"),
        ("settings", [{"setting": "A", "enabled": "yes"}], r"settings\[0\].enabled must be true or false"),
        ("token", {"issued": True, "claims": {"starts": 10**400}}, "token.claims.starts must be a time"),
        ("token", {"issued": True, "claims": {"amr": [1]}}, "token.claims.amr must be"),
        ("clock", 10**400, "clock must be a number"),
        ("clock", True, "clock must be a number"),
        ("operator", {"kind": "robot", "object_id": OBJECT, "account": "a"}, "operator.kind must be one of user, service"),
        ("asked", {"sign_in": "app", "request": {"method": "GET"}}, "asked.request.url is missing"),
        ("asked", {"sign_in": "app", "workspaces": [{"role": "King"}]}, r"asked.workspaces\[0\].role must be one of"),
        ("requests", "many", "requests must be a whole number"),
        ("manifest", {"workspaces": 3}, "manifest.workspaces must be a list"),
        ("workspace", {"id": "w", "workspace": "W", "roles": [{"principal": "p"}]}, r"workspace.roles\[0\].role is missing"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_named(fact: str, value: Any, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        replay(older(RecordedFact(fact, "known", value=value)))


def test_a_time_beyond_the_calendar_is_refused_in_words() -> None:
    early = parse(json.dumps({**FULL, "made": "0001-01-01T00:00:00+14:00"}))
    with pytest.raises(RecordingError, match="no calendar"):
        replay(early)


def test_many_misfits_are_counted() -> None:
    with pytest.raises(RecordingError) as caught:
        replay(older(*[RecordedFact("clock", "known", value="x")] * 50))
    assert len(caught.value.problems) == 21


# -- the schema --------------------------------------------------------------------------------------------------------


def test_what_is_recorded_fits_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.validate(FULL)
    validator.validate(json.loads(dump(record(tenant_case(), "1.0"))))


def test_the_schema_describes_every_kind_with_every_key() -> None:
    described = {}
    for rule in SCHEMA["$defs"]["fact"]["allOf"]:
        name = rule["if"]["properties"].get("fact", {}).get("const")
        if name:
            described[name] = rule["then"]["properties"]["value"]
    assert set(KINDS) | {"asked", "requests"} <= set(described)
    for fact in FULL["facts"]:
        value, shape = fact.get("value"), described[fact["fact"]]
        while isinstance(value, list) and value:
            value, shape = value[0], shape["items"]
        if isinstance(value, dict) and fact["fact"] not in ("model", "refresh"):
            assert set(value) <= set(shape["properties"]), fact["fact"]


def test_what_the_schema_does_not_ask_for_may_be_missing_and_all_else_may_not() -> None:
    """As far as one object of each kind goes: what the schema takes can be replayed."""
    described = {
        rule["if"]["properties"].get("fact", {}).get("const"): rule["then"] for rule in SCHEMA["$defs"]["fact"]["allOf"]
    }
    tried = 0
    for number, fact in enumerate(FULL["facts"]):
        if fact["fact"] in ("manifest", "expected", "model", "refresh", "app_role_assignments"):
            continue
        for path, shape in objects(fact.get("value"), described[fact["fact"]]["properties"]["value"]):
            for key in shape["properties"]:
                content = json.loads(json.dumps(FULL))
                target = content["facts"][number]["value"]
                for step in path:
                    target = target[step]
                if target.pop(key, None) is None:
                    continue
                tried += 1
                if key in shape.get("required", ()):
                    with pytest.raises(RecordingError, match=f"{key} is missing"):
                        replay(parse(json.dumps(content)))
                else:
                    replay(parse(json.dumps(content)))
    assert tried > 150


def objects(value: Any, shape: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every object in a value that the schema describes, with its place."""
    while "$ref" in shape:
        shape = SCHEMA["$defs"][shape["$ref"].rpartition("/")[2]]
    for each in shape.get("anyOf", ()):
        if "$ref" in each:
            yield from objects(value, each, path)
    if isinstance(value, list) and value and "items" in shape:
        yield from objects(value[0], shape["items"], (*path, 0))
    if isinstance(value, dict) and "properties" in shape:
        yield path, shape
        for key, inner in shape["properties"].items():
            if key in value:
                yield from objects(value[key], inner, (*path, key))


@pytest.mark.parametrize(
    ("name", "causes"),
    [
        ("automation-device", []),
        ("user-sign-in-none", []),
        ("tenant-setting-off-none", ["tenant_setting_off", "sp_not_in_allowed_group"]),
        ("secret-expired-device", ["secret_expired"]),
    ],
)
def test_what_version_0_9_recorded_is_diagnosed_as_it_was(name: str, causes: list[str]) -> None:
    """Made by pbisetup fcc3386 of its own scenarios."""
    from pbisetup.catalog.clouds import clouds
    from pbisetup.diagnosis.rules import examine

    recording = parse((Path(__file__).parent / "older" / f"{name}.json").read_bytes())
    made = examine(replay(recording), clouds()["public"])
    assert [each.cause for each in made.findings][: len(causes)] == causes
    assert made.healthy == (not causes)
