"""Recordings: nothing of the tenant's own is left in them, relations are, and whatever is read ends in words."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.diagnosis.paste.judge import judge, recognise
from pbisetup.model.hiding import hide_secrets
from pbisetup.model.recording import MAX_BYTES, RecordedFact, Recording, RecordingError, dump, is_clean, parse
from pbisetup.model.redaction import redact
from pbisetup.observe.wellknown import is_telling, well_known_ids, well_known_words

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "src/pbisetup/catalog/data/recording.schema.json").read_text(encoding="utf-8"))
MADE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@cache
def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


def of(*facts: RecordedFact, environment: str | None = "dev") -> Recording:
    return Recording(MADE, "0.9", "public", environment, "original", facts)


# -- round trip ------------------------------------------------------------------------------------------------------

plain = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=8,
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
kinds = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


@st.composite
def facts(draw: st.DrawFn) -> RecordedFact:
    status = draw(st.sampled_from(("known", "absent", "unknown")))
    maybe = st.none() | plain
    return RecordedFact(
        fact="x_" + draw(kinds)[:20],  # none of ours, whose values have shapes
        status=status,
        of=draw(maybe),
        value=draw(values) if status == "known" else None,
        reason=draw(plain.filter(bool)) if status == "unknown" else None,
        code=draw(maybe),
        observer=draw(st.sampled_from((None, "local", "operator", "app"))),
        source=draw(maybe),
        said=draw(maybe),
        time=draw(st.none() | moments),
        request_id=draw(maybe),
    )


recordings = st.builds(
    Recording,
    made=moments,
    version=st.just("1.2.3"),
    cloud=st.sampled_from(("public", "gcc", "sandbox")),
    environment=st.none() | plain.filter(bool),
    names=st.sampled_from(("replaced", "original")),
    facts=st.lists(facts(), max_size=4).map(tuple),
)


@settings(max_examples=80, deadline=None)
@given(recordings)
def test_what_is_written_is_read_and_fits_the_schema(recording: Recording) -> None:
    text = dump(recording)
    assert parse(text) == recording
    assert parse("\ufeff" + text) == parse(text.encode("utf-8-sig")) == recording
    validator().validate(json.loads(text))


def test_readers_ignore_what_they_do_not_know() -> None:
    shape = json.loads(dump(of(RecordedFact("app", "absent"), RecordedFact("weather", "known", value={"wind": 3}))))
    shape["later"] = 1
    shape["facts"][0]["certainty"] = "high"
    validator().validate(shape)
    assert [each.fact for each in parse(json.dumps(shape)).facts] == ["app", "weather"]


def test_control_characters_of_a_service_do_not_reach_the_file() -> None:
    text = dump(of(RecordedFact("probe", "known", of="GET /", value={"message": "red \x1b[31m\ud800 alert\r\n"})))
    assert parse(text).value("probe") == {"message": "red \ufffd[31m\ufffd alert\r\n"}


# -- bad files -------------------------------------------------------------------------------------------------------


def shape(**changes: Any) -> dict[str, Any]:
    good: dict[str, Any] = {
        "schema": "pbisetup/recording/v1",
        "made": "2026-11-23T12:00:00Z",
        "version": "0.9",
        "cloud": "public",
        "environment": None,
        "names": "replaced",
        "facts": [{"fact": "app", "status": "absent"}],
    }
    return {key: value for key, value in {**good, **changes}.items() if value != "GONE"}


def fact(**changes: Any) -> dict[str, Any]:
    given = {"fact": "app", "status": "known", "value": 1, **changes}
    return shape(facts=[{key: value for key, value in given.items() if value != "GONE"}])


BAD = [
    ("", "not JSON"),
    ("{", "not JSON"),
    ("[]", "not an object"),
    ('"text"', "not an object"),
    (b"\xff\xfe{\x00}\x00", "not UTF-8"),
    ('{"schema": NaN}', "not JSON"),
    ("[" * 200_000, "nested too deeply"),
    ('{"a":' * 60 + "1" + "}" * 60, "no schema"),
    ('{"n": ' + "9" * 10_000 + "}", "not JSON"),
    (b" " * (MAX_BYTES + 1), "larger than"),
    ({}, "no schema"),
    (shape(schema=7), "no schema"),
    (shape(schema="pbisetup/doctor/v1"), "not a recording"),
    (shape(schema="pbisetup/recording/v2", version="3.1"), r"version 2, made by a newer pbisetup \(3.1\)"),
    (shape(schema="pbisetup/recording/v12", facts="GONE"), "version 12"),
    (shape(made="GONE", names="GONE"), "made is missing; names is missing"),
    (shape(made="yesterday"), "made must be a time"),
    (shape(made="2026-11-23T12:00:00"), "made must be a time"),
    (shape(made="2026-13-45T12:00:00Z"), "made must be a time"),
    (shape(version=""), "version must be a text"),
    (shape(cloud=None), "cloud must be a text"),
    (shape(names="some"), "names must be one of"),
    (shape(environment="a" * 257), "environment must be"),
    (shape(environment="a\x1b[2J"), "control characters"),
    (shape(facts={}), "facts must be a list"),
    (shape(facts=[1]), r"facts\[0\] must be an object"),
    (shape(deep=json.loads("[" * 50 + "]" * 50)), "nested too deeply"),
    (shape(**{"k\x07": 1}), "key with control characters"),
    (fact(fact="Robert'); DROP TABLE"), "must be a name"),
    (fact(fact="GONE"), "must be a name"),
    (fact(status="maybe"), "status must be one of"),
    (fact(value="GONE"), "a known fact has a value"),
    (fact(status="absent"), "a known fact has a value"),
    (fact(status="unknown", value="GONE"), "has a reason"),
    (fact(observer="me"), "observer must be one of"),
    (fact(time=5), "time must be a time"),
    (fact(of=["x"]), "of must be a text"),
    (fact(value={"a": ["\ud800"]}), r"facts\[0\].value.a\[0\] holds"),
]


@pytest.mark.parametrize(("content", "said"), BAD, ids=[f"{n}" for n in range(len(BAD))])
def test_what_is_no_recording_is_refused_in_words(content: Any, said: str) -> None:
    given = json.dumps(content) if isinstance(content, dict) else content
    with pytest.raises(RecordingError, match=said) as caught:
        parse(given)
    assert all(is_clean(each) and len(each) < 300 for each in caught.value.problems)


def test_what_the_reader_refuses_the_schema_refuses() -> None:
    """But for what no schema can say: control characters, depth, the calendar."""
    beyond = ("control characters", "key with", "nested", "holds", "made must be")
    for content, said in BAD:
        if isinstance(content, dict) and not said.startswith(beyond) and ".value" not in said:
            assert not validator().is_valid(content), content


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(RecordingError) as caught:
        parse(json.dumps(shape(facts=[1] * 500)))
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1] == "and 480 more"


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(max_size=60)
    | values.map(json.dumps)
    | values.map(lambda v: json.dumps(fact(value=v)))
)
def test_any_text_is_read_or_refused(content: str | bytes) -> None:
    try:
        parse(content)
    except RecordingError as error:
        assert error.problems  # noqa: PT017 - one of the two ways in which it may end


# -- redaction -------------------------------------------------------------------------------------------------------

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
guids = st.uuids(version=4).map(str)
letters = st.text(st.sampled_from("abcxyzäß .-_'\"()[]{}+*\\/$^|@#"), min_size=0, max_size=10)
names = st.builds(lambda mark, rest: f"Zq{mark}{rest}".strip(), st.integers(1000, 9999), letters)
"""Names that nobody uses for anything else, with whatever people and regular expressions write."""
labels = st.from_regex(r"zq[a-z0-9]{3,8}", fullmatch=True)
SECRET = "Abc8Q~x9-_.~zzTopSecretValue0123456789"


@st.composite
def tenants(draw: st.DrawFn) -> tuple[Recording, set[str]]:
    """A recording of a made-up tenant, with every original in it that must go."""
    tenant, client, object_id, principal, group, workspace, key, request, user = (draw(guids) for _ in range(9))
    tenant_name, app, group_name, workspace_name, secret_name = (draw(names) for _ in range(5))
    domain = draw(labels) + draw(st.sampled_from((".onmicrosoft.com", ".co.uk", ".com")))
    person, environment, project, host = draw(labels), draw(labels), draw(labels), draw(labels) + ".corp.local"
    account = f"{person}@{domain}"
    text = draw(
        st.permutations(
            [
                f"Application with identifier '{client}' was not found in the directory '{tenant_name}'.",
                f"The group {group_name} does not hold {principal.upper()}.",
                f"'{client}'({app}) is not assigned. Trace ID: {request} Timestamp: 2026-11-23 22:30:15Z",
                f"{account} from 203.0.113.9 through https://{host}:8080/path said {SECRET}",
                f"certificate of {host} in /home/{person}/ca.pem, workspace {workspace_name}",
                f"Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJ4In0.c2lnbmF0dXJl for {environment}",
            ]
        )
    )
    recording = of(
        RecordedFact(
            "manifest",
            "known",
            value={
                "project_id": project,
                "app": app,
                "purposes": ["automation"],
                "workspaces": [{"key": workspace_name, "role": "Member"}],
                "groups": [{"purpose": "api", "group": group_name}],
            },
        ),
        RecordedFact(
            "credential",
            "known",
            value={"where": f".env.{environment}", "tenant_id": domain, "client_id": client, "has_secret": True},
        ),
        RecordedFact("token", "known", value={"issued": False, "codes": [700016], "message": " ".join(text)}),
        RecordedFact("tenant", "known", value={"id": tenant, "tenant": tenant_name, "domain": domain}),
        RecordedFact("operator", "known", value={"kind": "user", "object_id": user, "account": account}),
        RecordedFact(
            "app",
            "known",
            value={
                "object_id": object_id,
                "client_id": client,
                "display_name": app,
                "unique_name": f"pbisetup-{project}-{environment}",
                "tags": ["pbisetup", f"pbisetup:{project}/{environment}"],
                "passwords": [{"key_id": key, "display_name": secret_name, "hint": SECRET[:3], "ends": None}],
                "redirect_uris": [f"https://{host}/callback", "http://localhost:3000/"],
                "declared": [
                    {"resource_app_id": "00000009-0000-0000-c000-000000000000", "id": object_id, "type": "Role"}
                ],
            },
            request_id=request,
        ),
        RecordedFact("service_principal", "known", value={"object_id": principal, "client_id": client}),
        RecordedFact("memberships", "known", value=[{"id": group.upper()}], source=f"GET /v1.0/{principal}/memberOf"),
        RecordedFact("group", "known", of=group, value={"id": group, "group": group_name}),
        RecordedFact("group", "known", of=group_name, value={"id": group, "group": group_name}),
        RecordedFact("workspace_visible", "known", of=workspace_name, value={"visible": False}),
        RecordedFact(
            "workspace",
            "known",
            of=workspace_name,
            value={
                "id": workspace,
                "workspace": workspace_name,
                "roles": [{"principal": account, "role": "Admin"}, {"principal": principal, "role": "Viewer"}],
            },
        ),
        RecordedFact("brand_new", "known", value={"anything": app, "deep": [{"else": f"{domain}"}], "count": 3}),
        environment=environment,
    )
    ids = {tenant, client, object_id, principal, group, workspace, key, request, user}
    words = {
        tenant_name,
        app,
        group_name,
        workspace_name,
        secret_name,
        domain,
        host,
        environment,
        project,
        account,
        person,
    }
    return recording, ids | words | {"203.0.113.9"}


def leaves(value: Any) -> Iterator[str]:
    """The texts of a value, in their order."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from leaves(each)
    elif isinstance(value, str):
        yield value


def structure(value: Any) -> Any:
    """A value without its texts."""
    if isinstance(value, dict):
        return {key: structure(each) for key, each in value.items()}
    if isinstance(value, list):
        return [structure(each) for each in value]
    return "text" if isinstance(value, str) else value


@settings(max_examples=60, deadline=None)
@given(tenants())
def test_nothing_of_the_tenants_own_is_left_and_everything_else_is(given: tuple[Recording, set[str]]) -> None:
    recording, originals = given
    known = well_known_ids()
    redacted = redact(hide_secrets(recording, [SECRET]), known)
    text = dump(redacted)
    unescaped = json.dumps(json.loads(text), ensure_ascii=False).replace("\\\\", "\\").replace('\\"', '"').casefold()
    assert [each for each in originals if each.casefold() in unescaped] == []
    assert SECRET not in text
    assert "eyJ0" not in text

    assert structure([vars(f) | {"time": None} for f in redacted.facts]) == structure(
        [vars(f) | {"time": None} for f in recording.facts]
    )
    before, after = (list(leaves([vars(fact) for fact in each.facts])) for each in (recording, redacted))
    pairs = {(b.lower(), a) for b, a in zip(before, after, strict=True) if GUID.fullmatch(b)}
    assert len({b for b, _ in pairs}) == len({a for _, a in pairs}) == len(pairs), "one stand-in each"
    assert all(a == b for b, a in pairs if b in known)

    value = redacted.value
    assert (
        value("group")["group"] == value("manifest")["groups"][0]["group"] == [f.of for f in redacted.all("group")][1]
    )
    assert value("workspace")["workspace"] == redacted.facts[-3].of == value("manifest")["workspaces"][0]["key"]
    assert value("app")["unique_name"] == f"pbisetup-{value('manifest')['project_id']}-{redacted.environment}"
    assert value("credential")["where"] == f".env.{redacted.environment}"
    assert value("credential")["tenant_id"] == value("tenant")["domain"]
    assert value("operator")["account"] == value("workspace")["roles"][0]["principal"]
    assert value("operator")["account"].endswith("@" + value("tenant")["domain"])
    assert value("app")["redirect_uris"][1] == "http://localhost:3000/"
    assert redact(redacted, known) is not redacted


def test_the_services_words_stay() -> None:
    message = "AADSTS7000215: Invalid client secret provided. See https://aka.ms/x. Parameter 'client_secret'."
    recording = of(RecordedFact("token", "known", value={"issued": False, "message": message, "codes": [7000215]}))
    assert redact(recording) == replace(recording, environment="env1", names="replaced")


def test_a_secret_goes_in_every_spelling_but_not_an_id_that_stands_for_itself() -> None:
    key = str(uuid.uuid4())
    odd = "p+w/d==x y&z%"
    recording = of(
        RecordedFact("app", "known", value={"passwords": [{"key_id": key}]}),
        RecordedFact("token", "known", value={"message": f"said {key}, p%2Bw%2Fd%3D%3Dx%20y%26z%25 and {odd}"}),
    )
    hidden = hide_secrets(recording, [key, odd])
    assert hidden.value("app") == recording.value("app")
    assert hidden.value("token") == {"message": "said ***, *** and ***"}


SAMPLES = [
    json.loads(line) for line in (ROOT / "tests/diagnosis/samples.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_what_a_text_gives_away_it_gives_away_without_names() -> None:
    """What people published of failures is judged alike, but for traces of programs in quotes and broken JSON."""
    differ = {each["id"] for each in SAMPLES if verdict(each["text"]) != verdict(without_names(each["text"]))}
    assert len(SAMPLES) > 100
    assert len(differ) <= 3, differ


def without_names(text: str) -> str:
    recording = of(RecordedFact("token", "known", value={"issued": False, "message": text}), environment=None)
    redacted = redact(recording, well_known_ids(), well_known_words(), is_telling)
    return str(redacted.value("token")["message"])


def verdict(text: str) -> list[tuple[str, str]]:
    return [(each.cause, each.certainty) for each in judge(recognise(text.encode()))]


def test_keys_of_an_answer_stay_and_names_in_their_place_do_not() -> None:
    guid = str(uuid.uuid4())
    text = f'{{"error":{{"code":"X","message":"no {guid}"}},"Zq7 Sales":1}} {{"{guid}":{{"a":1}}}} {{"zqname": 1}}'
    facts = (
        RecordedFact("token", "known", value={"message": text + '{"a":' * 900 + "1" + "}" * 900}),
        RecordedFact("tenant", "known", value={"tenant": "zqname"}),
    )
    message = redact(of(*facts)).value("token")["message"]
    assert '"error"' in message
    assert not any(each in message for each in (guid, "Zq7", "zqname"))


def test_the_page_names_every_fact_of_the_schema() -> None:
    page = (ROOT / "docs" / "recording.md").read_text(encoding="utf-8")
    rules = SCHEMA["$defs"]["fact"]["allOf"]
    known = {rule["if"]["properties"]["fact"]["const"] for rule in rules if "fact" in rule["if"]["properties"]}
    assert len(known) > 20
    assert {name for name in known if f"`{name}`" not in page} == set()
