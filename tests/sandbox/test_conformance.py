"""Somebody with a tenant compares it with our tables. Here the tenant is a sandbox: as it is, and with bent tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.sandbox.conformance.judge import Seen
from pbisetup.sandbox.conformance.mask import GAP, WORD, Mask, message_of
from pbisetup.sandbox.conformance.probes import KEPT_OUT, KEPT_OUT_OF_ADMIN, PROBES
from pbisetup.sandbox.conformance.report import lines, report
from pbisetup.sandbox.conformance.run import Answer, Result, judged
from pbisetup.sandbox.conformance.tables import ANYTHING, row, vocabulary
from tests.support.bent import Bends, BentTenant
from tests.support.cli import Cli, Ran
from tests.support.tenant import SandboxTenant

PUBLIC_APIS = "ServicePrincipalAccessPermissionAPIs"
READ_ADMIN = "AllowServicePrincipalsUseReadAdminAPIs"


def compare(
    tenant: SandboxTenant, folder: Path, *more: str, app: bool = True, cloud: str = "sandbox", **env: str
) -> tuple[Ran, dict[str, Any]]:
    """The command against a running tenant, and the file that it wrote. Another cloud is reached through the proxy."""
    given = tenant.env(proxy=cloud != "sandbox")
    if app:
        given |= {
            "AZURE_TENANT_ID": tenant.tenant,
            "AZURE_CLIENT_ID": tenant.operator_id,
            "AZURE_CLIENT_SECRET": tenant.operator_secret,
        }
    cli = Cli(folder, {**given, **env})
    ran = cli("sandbox", "conformance", "--cloud", cloud, "--yes", "--out", "found.json", *more)
    return ran, json.loads((folder / "found.json").read_text(encoding="utf-8"))


def switch(tenant: SandboxTenant, **on: bool) -> None:
    def change(state: dict[str, Any]) -> None:
        for each in state["tenantSettings"]:
            if each["settingName"] in on:
                each["enabled"] = on[each["settingName"]]

    tenant.put_state(change)


def tenant_of(sandbox: SandboxTenant) -> dict[str, Any]:
    """What there is in the tenant, beside its log of sign-ins."""
    return {name: each for name, each in sandbox.state().items() if each and name != "signIns"}


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["outcome"] for each in told["probes"]}


# Against a tenant that is as the tables say


@pytest.mark.parametrize("apis", [False, True])
def test_the_sandbox_is_as_its_own_tables_say(sandbox: SandboxTenant, tmp_path: Path, apis: bool) -> None:
    switch(sandbox, **{PUBLIC_APIS: apis, READ_ADMIN: apis})
    ran, told = compare(sandbox, tmp_path, "--operator", "device")
    assert (ran.code, told["contradicted"]) == (0, []), ran
    assert set(outcomes(told).values()) == {"same"}, ran
    met = {key for probe in told["probes"] for key in probe["rows"]}
    assert ("powerbi:my_workspace_of_an_app" in met) == apis
    assert ("powerbi:service_principal_setting_off" in met) != apis
    assert told["decided"] == {"powerbi:wrongAudience": "token_audience"}


def test_a_tenant_of_the_public_cloud(sandbox: SandboxTenant, tmp_path: Path) -> None:
    ran, told = compare(sandbox, tmp_path, cloud="public")
    assert (ran.code, told["contradicted"]) == (0, []), ran
    assert "GET to https://api.powerbi.com" in ran.err
    hosts = {each["host"] for each in sandbox.requests()}
    assert hosts == {"login.microsoftonline.com", "graph.microsoft.com", "api.powerbi.com", "api.fabric.microsoft.com"}


def test_a_cloud_without_a_published_fabric_api(sandbox: SandboxTenant, tmp_path: Path) -> None:
    _, told = compare(sandbox, tmp_path, app=False, cloud="gcc")
    fabric = [probe for probe in told["probes"] if probe["service"] == "fabric"]
    assert {probe["outcome"] for probe in fabric} == {"not attempted"}
    assert "published" in fabric[0]["because"]


def test_an_operator_that_is_no_user_asks_no_question_for_users(sandbox: SandboxTenant, tmp_path: Path) -> None:
    operator = {
        "PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant,
        "PBISETUP_OPERATOR_CLIENT_ID": sandbox.operator_id,
        "PBISETUP_OPERATOR_CLIENT_SECRET": sandbox.operator_secret,
    }
    ran, told = compare(sandbox, tmp_path, "--operator", "env", app=False, **operator)
    assert ran.code == 0, ran
    reasons = {probe["id"]: probe.get("because") for probe in told["probes"]}
    assert reasons["powerbi-operator"] == "the operator is no user"
    assert outcomes(told)["graph-operator-skip"] == "same"


def test_it_only_reads_and_sends_tokens_nowhere_else(sandbox: SandboxTenant, tmp_path: Path) -> None:
    before = tenant_of(sandbox)
    compare(sandbox, tmp_path)
    asked = [(each["method"], each["path"]) for each in sandbox.requests()]
    written = [each for each in asked if each[0] != "GET" and not each[1].endswith("/oauth2/v2.0/token")]
    assert written == []
    assert tenant_of(sandbox) == before


def test_nothing_is_sent_before_somebody_agreed(sandbox: SandboxTenant, tmp_path: Path) -> None:
    cli = Cli(tmp_path, sandbox.env())
    ran = cli("sandbox", "conformance", "--cloud", "sandbox")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert "GET to https://localhost" in ran.err
    assert sandbox.requests() == []


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is simulated by a POSIX pty")
def test_enter_at_the_question_means_no(sandbox: SandboxTenant, tmp_path: Path) -> None:
    import pexpect

    command = ["-m", "pbisetup", "sandbox", "conformance", "--cloud", "sandbox"]
    env = {**sandbox.env(), "PROMPT_TOOLKIT_NO_CPR": "1", "NO_COLOR": "1", "TERM": "xterm"}
    child = pexpect.spawn(sys.executable, command, cwd=str(tmp_path), env=env, encoding="utf-8", timeout=30)
    child.expect("Go on")
    child.send("\r")
    child.expect("nothing was sent")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert sandbox.requests() == []


def test_what_nobody_can_ask_is_not_attempted(sandbox: SandboxTenant, tmp_path: Path) -> None:
    ran, told = compare(sandbox, tmp_path, app=False)
    assert ran.code == 0
    for probe in told["probes"]:
        expected = "not attempted" if probe["as"].startswith(("the app", "the operator")) else "same"
        assert probe["outcome"] == expected, probe
    assert "AZURE_CLIENT_ID" in ran.out
    assert "--operator" in ran.out


def test_a_refused_sign_in_is_named_by_its_number_only(sandbox: SandboxTenant, tmp_path: Path) -> None:
    ran, told = compare(sandbox, tmp_path, AZURE_CLIENT_SECRET="wrong")
    assert ran.code == 0
    assert {p["because"] for p in told["probes"] if p["as"] == "the app"} == {"the app got no token (AADSTS7000215)"}


def test_a_service_that_is_not_there(sandbox: SandboxTenant, tmp_path: Path) -> None:
    ran, told = compare(sandbox, tmp_path, app=False, PBISETUP_SANDBOX_URL="https://localhost:9")
    assert ran.code == 3
    assert "unreachable" in outcomes(told).values()
    assert "localhost" not in json.dumps(told)


def test_a_comparison_in_which_nobody_answered_replaces_none(sandbox: SandboxTenant, tmp_path: Path) -> None:
    compare(sandbox, tmp_path, app=False)
    before = (tmp_path / "found.json").read_bytes()
    ran, _ = compare(sandbox, tmp_path, app=False, PBISETUP_SANDBOX_URL="https://localhost:9")
    assert ran.code == 3
    assert "still holds" in " ".join(ran.err.split())
    assert (tmp_path / "found.json").read_bytes() == before


def test_standard_output_is_no_file_to_write_to(sandbox: SandboxTenant, tmp_path: Path) -> None:
    ran = Cli(tmp_path, sandbox.env())("sandbox", "conformance", "--cloud", "sandbox", "--yes", "--out", "-")
    assert ran.code == 2
    assert "--format json" in " ".join(ran.err.split())
    assert list(tmp_path.iterdir()) == []


def test_the_tables_do_not_confirm_themselves(sandbox: SandboxTenant, tmp_path: Path) -> None:
    ran, told = compare(sandbox, tmp_path, app=False)
    assert told["confirmed"] == {}
    assert "confirmed" not in ran.out
    _, other = compare(sandbox, tmp_path, app=False, cloud="public")
    assert other["confirmed"]


def test_a_file_of_something_else_stays(sandbox: SandboxTenant, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}", encoding="utf-8")
    ran = Cli(tmp_path, sandbox.env())("sandbox", "conformance", "--cloud", "sandbox", "--yes", "--out", "mine.json")
    assert ran.code == 2
    assert (tmp_path / "mine.json").read_text(encoding="utf-8") == "{}"


def test_a_contradiction_between_sources_is_decided(sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.put_state(lambda state: state.setdefault("unknowns", {}).update(wrongAudience="401"))
    ran, told = compare(sandbox, tmp_path)
    assert ran.code == 0
    assert told["decided"] == {"powerbi:wrongAudience": "token_audience_401"}


def test_an_outage_and_a_used_up_limit_contradict_nothing(sandbox: SandboxTenant, tmp_path: Path) -> None:
    limit = row("powerbi", "too_many_requests").answer
    headers = {name: "x" if value == ANYTHING else value for name, value in limit.headers.items()}
    sandbox.faults(
        {"match": {"path": "/v1.0/myorg/apps"}, "status": 503, "headers": {}, "body": "<html>away</html>"},
        {"match": {"path": "/v1.0/myorg/reports"}, "status": 429, "headers": headers, "body": limit.body},
    )
    ran, told = compare(sandbox, tmp_path)
    assert ran.code == 0, ran
    found = outcomes(told)
    assert (found["powerbi-app-closed"], found["powerbi-app-my-workspace"]) == ("unclear", "throttled")


# Against bent tables

BENT: list[Bends] = [
    {
        "powerbi:token_missing": {"status": 401},
        "powerbi:token_malformed": {"header": "TokenExpired"},
        "powerbi:token_signature": {"header": None},
        "fabric:token_missing": {"code": "Unauthorized"},
        "fabric:token_audience": {"message": "Something else entirely."},
        "graph:token_missing": {"code": "Unauthorized"},
        "graph:not_found": {"status": 410},
        "entra:post_only": {"code": 900562},
        "entra:tenant_malformed": {"error": "invalid_tenant"},
    },
    {f"powerbi:{name}": {"status": 403, "header": "Other"} for name in KEPT_OUT}
    | {f"fabric:{name}": {"code": "Forbidden"} for name in KEPT_OUT_OF_ADMIN[1:]},
    {
        "powerbi:group_hidden_from_app": {"body": {"error": {"code": "Gone"}}},
        "powerbi:my_workspace_of_an_app": {"body": {"message": "API is not accessible for application"}},
        "powerbi:profile_malformed": {"status": 401},
        "powerbi:closed_to_users": {"status": 400},
        "fabric:workspace_not_found": {"status": 403},
        "fabric:closed_to_apps": {"message": "No."},
        "graph:page_size": {"status": 422},
        "entra:instance_unknown": {"status": 404},
    },
]
ADMITTED = [True, False, True]


@pytest.fixture(params=range(len(BENT)), ids=["token", "kept-out", "items"])
def bent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[BentTenant, Bends]]:
    bends = BENT[request.param]
    with BentTenant(tmp_path / "bent", bends) as tenant:
        switch(tenant, **{PUBLIC_APIS: ADMITTED[request.param]})
        yield tenant, bends


def test_exactly_the_bent_rows_are_named(bent: tuple[BentTenant, Bends], tmp_path: Path) -> None:
    tenant, bends = bent
    ran, told = compare(tenant, tmp_path, "--operator", "device")
    assert ran.code == 1, ran
    assert set(told["contradicted"]) == set(bends), ran
    for key in bends:
        assert key in ran.out


# What judging rests on


def test_every_probe_names_rows_that_there_are() -> None:
    ids = [probe.id for probe in PROBES]
    assert len(set(ids)) == len(ids)
    for number, probe in enumerate(PROBES):
        for name in probe.rows:
            assert 400 <= row(probe.service, name).answer.status < 500, (probe.id, name)
        assert probe.rows
        assert probe.path.startswith("/")
        assert probe.base is None or probe.base in ids[:number]


def as_row(service: str, name: str, fill: str = "x") -> Seen:
    """An answer as the row says, with something in its open places."""
    answer = row(service, name).answer  # type: ignore[arg-type]
    headers = {key.lower(): value.replace(ANYTHING, fill) for key, value in answer.headers.items()}
    body = "" if answer.body is None else json.dumps(answer.body, ensure_ascii=False).replace(ANYTHING, fill)
    headers.setdefault("content-type", answer.media_type)
    return Seen(answer.status, headers, body)


def results(**changed: Answer) -> list[Result]:
    """A tenant that answers with each probe's first row, but for these."""
    answers: dict[str, Answer] = {probe.id: as_row(probe.service, probe.rows[0]) for probe in PROBES}
    answers |= {name.replace("_", "-"): answer for name, answer in changed.items()}
    return judged(PROBES, answers, Mask(vocabulary()))


def verdict_of(found: list[Result], id_: str) -> Any:
    return next(verdict for probe, verdict in found if probe.id == id_)


def test_another_order_of_checks_is_told_as_such() -> None:
    verdict = verdict_of(results(), "powerbi-app-my-workspace")
    assert [each.what for each in verdict.differs] == ["order"]
    assert verdict.rows == ("powerbi:service_principal_setting_off", "powerbi:my_workspace_of_an_app")


def test_a_refusal_that_nobody_knows_is_told_once() -> None:
    strange = Seen(402, {"content-type": "application/json"}, '{"error": {"code": "PaymentRequired"}}')
    found = results(powerbi_app=strange, powerbi_app_closed=strange, powerbi_app_my_workspace=strange)
    assert verdict_of(found, "powerbi-app").outcome == "different"
    assert verdict_of(found, "powerbi-app-closed").outcome == "explained"


def test_headers_that_no_answer_of_a_service_has_are_told_once() -> None:
    def without(seen: Answer) -> Answer:
        assert isinstance(seen, Seen)
        return Seen(seen.status, {k: v for k, v in seen.headers.items() if k != "requestid"}, seen.text)

    answers: dict[str, Answer] = {
        p.id: without(each) if p.service == "fabric" else each
        for p in PROBES
        for each in [as_row(p.service, p.rows[0])]
    }
    told = file_of(judged(PROBES, answers, Mask(vocabulary())))
    assert told["headers_missing"] == {"fabric": ["requestid"]}
    assert "fabric:headers" in told["contradicted"]


def test_every_row_is_recognised_whatever_stands_in_its_open_places() -> None:
    for probe in PROBES:
        for name in probe.rows:
            seen = as_row(probe.service, name, "8a1f")
            answers: dict[str, Answer] = {probe.id: seen}
            alone = judged([probe.__class__(**{**probe.__dict__, "base": None})], answers, Mask(vocabulary()))
            assert verdict_of(alone, probe.id).outcome == "same", (probe.id, name)


def test_no_change_of_a_row_goes_unseen() -> None:
    mask = Mask(vocabulary())
    for probe in PROBES:
        alone = probe.__class__(**{**probe.__dict__, "base": None})
        for name in probe.rows:
            said = as_row(probe.service, name)
            for seen in changed_somewhere(said):
                verdict = verdict_of(judged([alone], {probe.id: seen}, mask), probe.id)
                assert verdict.outcome == "different" or verdict.rows != (f"{probe.service}:{name}",), (probe.id, seen)
                if len(probe.rows) == 1:
                    assert verdict.rows == (f"{probe.service}:{name}",)


def changed_somewhere(seen: Seen) -> Iterator[Seen]:
    """The same answer with one thing changed that a client or a person could notice."""
    yield Seen(418, seen.headers, seen.text)
    yield Seen(seen.status, seen.headers, "<html></html>" if seen.text else "{}")
    yield Seen(seen.status, {**seen.headers, "retry-after": "5"}, seen.text)
    yield Seen(seen.status, {**seen.headers, "x-powerbi-error-info": "Other"}, seen.text)
    yield Seen(seen.status, {**seen.headers, "content-type": "text/html"}, seen.text)
    if isinstance(seen.json, dict):
        yield Seen(seen.status, seen.headers, json.dumps({**seen.json, "more": 1}))
        message = message_of(seen.json)
        if message:
            encoded = json.dumps(message, ensure_ascii=False)[1:-1]
            yield Seen(seen.status, seen.headers, seen.text.replace(encoded, "Something else."))


# What leaves the machine

NAMES = st.one_of(
    st.uuids().map(str),
    st.emails(),
    st.ip_addresses(v=4).map(str),
    st.from_regex(r"[A-Z][a-z]{3,8}q[a-z]{2,5} [A-Z][a-z]{3,8}zx", fullmatch=True),
    st.from_regex(r"[a-z]{3,9}qx\.onmicrosoft\.com", fullmatch=True),
    st.from_regex(r"eyJ[A-Za-z0-9_-]{30,60}\.[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}", fullmatch=True),
    st.text(alphabet="äöüßéøñ東京都Ωж", min_size=4, max_size=12),
)
SENTENCES = (
    "{name}",
    "Application with identifier '{name}' was not found in the directory '{name}'.",
    'User {name} has no access to workspace "{name}" ({name}): {name}/{name}',
    "AADSTS50034: The user account {name} does not exist.\r\nTrace ID: {name}",
)


def file_of(found: list[Result]) -> dict[str, Any]:
    from datetime import date

    return report(found, cloud="public", version="1", day=date(2026, 11, 23))


def answers_with(name: str, sentence: str, status: int) -> list[Seen]:
    """Answers that hold a name wherever a service has put one."""
    text = sentence.format(name=name)
    bodies: list[Any] = [
        {"error": {"code": "Denied", "message": text, "details": [{"target": name, "message": text}]}},
        {"error": {"code": text, "pbi.error": {"details": [{"code": "X", "detail": {"type": 1, "value": text}}]}}},
        {"errorCode": "Denied", "message": text, "relatedResource": {"resourceId": name, "resourceType": "Workspace"}},
        {"error": "invalid_request", "error_description": text, "trace_id": name, "error_uri": f"https://x/{name}"},
        {"Message": text, "value": [{"id": name, "name": text}]},
        text,
        [name],
    ]
    headers = {
        "content-type": f"application/json; x={name}", "requestid": name, "location": f"https://{name}/",
        "x-powerbi-error-info": name, "x-ms-public-api-error-code": text, "home-cluster-uri": name,
        "www-authenticate": f'Bearer realm="{name}"',
    }  # fmt: skip
    raw = [Seen(status, headers, text), Seen(status, {"content-type": name}, f"<html>{text}</html>")]
    return [*(Seen(status, headers, json.dumps(body)) for body in bodies), *raw]


@settings(max_examples=60, deadline=None)
@given(NAMES, st.sampled_from(SENTENCES), st.sampled_from((200, 400, 401, 403, 404, 429, 500)), st.booleans())
def test_no_name_id_address_or_token_reaches_the_file(name: str, sentence: str, status: int, known: bool) -> None:
    mask = Mask(vocabulary(), [name] if known else [])
    probes = PROBES[::5]
    for seen in answers_with(name, sentence, status):
        found = judged([p for p in probes if not p.base], {p.id: seen for p in probes}, mask)
        told = json.dumps(file_of(found), ensure_ascii=False)
        spoken = "\n".join(line for line, _ in lines(found, "public"))
        for text in (told, spoken):
            assert name not in text
            for part in WORD.findall(name):
                if len(part) > 4 and part.lower() not in vocabulary() and part.lower() not in OURS:
                    assert part.lower() not in text.lower(), part


OURS = frozenset(("onmicrosoft", "microsoft", "example", "localhost"))
"""Words that our own file may hold."""


def test_a_code_that_is_somebodys_name_is_left_out() -> None:
    mask = Mask(vocabulary(), ["Contoso Reports", "contoso"])
    assert mask.code("PowerBINotAuthorizedException") == "PowerBINotAuthorizedException"
    assert mask.code("ContosoDenied") == GAP
    assert mask.shape({"error": {"code": "contoso"}, "contosoKey": 1}) == {"error": {"code": GAP}, GAP: "number"}


def test_the_services_own_words_are_kept() -> None:
    mask = Mask(vocabulary())
    said = "AADSTS90002: Tenant 'contoso.example' not found. Check to make sure you have the correct tenant ID"
    assert mask.text(said) == said.replace("contoso.example", GAP)
    assert message_of({"error": {"message": "a"}}) == "a"
