"""`doctor` at the command line: what it says of whatever it is given, and which words it refuses."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_init import INIT
from tests.support.certificate import ClientCertificate
from tests.support.cli import Cli
from tests.support.patient import NO_APP, Patient
from tests.support.tenant import GRAPH, POWER_BI, SandboxTenant

SETTING = "settings.ServicePrincipalAccessPermissionAPIs"


@pytest.fixture
def patient(sandbox: SandboxTenant, tmp_path: Path) -> Callable[..., Patient]:
    """`patient("secret-expired")`: the caller of that scenario."""

    def make(scenario: str = "automation", **more: Any) -> Patient:
        return Patient(sandbox, tmp_path / "project", scenario, **more)

    return make


# -- with nothing but the app's own credential ---------------------------------------------------------------------


def test_the_variables_of_an_app_that_works_are_enough_to_say_so(patient: Callable[..., Patient]) -> None:
    ran = patient().doctor("--operator", "none", "--workspace", "Reports Dev")
    assert ran.code == 0, ran
    assert ran.out.splitlines()[-1] == "Healthy."
    assert ran.err == ""
    assert "✓ Workspace 'Reports Dev': the API shows it to the app" in ran.out
    assert "Directory" not in ran.out.splitlines()
    assert "✗" not in ran.out


def test_an_expired_secret_is_certain_and_all_behind_it_is_left_out(patient: Callable[..., Patient]) -> None:
    seen = patient("secret-expired").examine()
    assert (seen.code, seen.healthy) == (1, False)
    assert seen.shape == [("PBI301", "secret_expired", "certain", "error")]
    assert "AADSTS7000222" in seen.finding("secret_expired")["evidence"][0]["fact"]
    assert seen.check("api.GET /v1.0/myorg/groups") == "skip: not examined because there is no token"


def test_what_the_token_and_the_api_do_not_tell_is_never_certain(patient: Callable[..., Patient]) -> None:
    seen = patient("tenant-setting-off").examine()
    assert seen.code == 1
    assert seen.causes[0] == "tenant_setting_off"
    assert {each["certainty"] for each in seen.json["findings"]} == {"likely", "possible"}
    assert all(each["decided_by"] for each in seen.json["findings"])
    assert seen.check(SETTING).startswith("unknown: ")


# -- a token, an error that was seen -------------------------------------------------------------------------------


def test_a_token_alone_says_whose_it_is_and_is_tried(patient: Callable[..., Patient]) -> None:
    who = patient()
    token = who.token(POWER_BI)

    seen = who.examine("--token", "-", stdin=f"Authorization: Bearer {token}\n", env=NO_APP)
    assert seen.healthy, seen
    assert seen.check("claims.client") == f"pass: {who.client_id}"
    assert seen.check("api.GET /v1.0/myorg/groups") == "pass: answered 200"

    graphs = who.examine("--token", "-", stdin=who.token(GRAPH), env=NO_APP)
    assert graphs.code == 1
    assert graphs.shape == [("PBI306", "wrong_audience", "certain", "error")]

    who.sandbox.advance(3 * 3600)
    old = who.examine("--token", "-", stdin=json.dumps({"access_token": token}), env=NO_APP)
    assert old.code == 1
    assert old.shape[0] == ("PBI307", "token_expired", "certain", "error")


@pytest.mark.parametrize("given", [b"\xff\xfe\x00garbage\x80\x81\n\xc3", b"an error message, not a token", b" \n", b""])
def test_what_is_no_token_is_refused_in_words_and_sent_nowhere(
    sandbox: SandboxTenant, tmp_path: Path, given: bytes
) -> None:
    cli = Cli(tmp_path, {**os.environ, "PBISETUP_SANDBOX_URL": sandbox.url, "PBISETUP_SANDBOX_CA": sandbox.ca})
    sandbox.clear_requests()
    ran = cli("doctor", "--cloud", "sandbox", "--token", "-", stdin=given)
    assert ran.code == 2, ran
    assert "standard input" in ran.err
    assert "garbage" not in ran.err
    assert sandbox.requests() == []


SEEN_ERROR = "ClientAuthenticationError: AADSTS7000222: The provided client secret keys for app are expired."


def test_an_error_that_is_met_again_is_one_more_piece_of_evidence(patient: Callable[..., Patient]) -> None:
    who = patient("secret-expired")
    (who.folder / "seen.log").write_text(SEEN_ERROR)
    seen = who.examine("--error", "seen.log")
    assert seen.shape == [("PBI301", "secret_expired", "certain", "error")]
    assert [each["source"] for each in seen.finding("secret_expired")["evidence"]] == [
        "token endpoint",
        "seen.log, line 1",
    ]
    assert "met here as well" in seen.check("config.error")


def test_an_error_that_is_not_met_warns_and_promises_no_fix(patient: Callable[..., Patient]) -> None:
    who = patient()
    seen = who.examine("--error", "-", stdin=SEEN_ERROR)
    assert (seen.code, seen.healthy) == (0, True)
    assert seen.shape == [("PBI301", "secret_expired", "likely", "warning")]
    found = seen.finding("secret_expired")
    assert found["explanation"].startswith("The text says so; this examination did not meet it.")
    assert not any(remedy["fixable"] for remedy in found["remedies"])
    assert not any("pbisetup apply" in (remedy["command"] or "") for remedy in found["remedies"])

    (who.folder / "rubbish.bin").write_bytes(bytes(range(256)) * 4)
    rubbish = who.examine("--error", "rubbish.bin")
    assert (rubbish.code, rubbish.causes) == (0, [])
    assert rubbish.check("config.error") == "unknown: nothing in rubbish.bin is known here"


# -- a request -----------------------------------------------------------------------------------------------------


def test_a_get_is_sent_and_told_as_it_was_answered(patient: Callable[..., Patient]) -> None:
    who = patient()
    line = f"GET https://api.powerbi.com/v1.0/myorg/groups/{who.workspace()}/reports"
    answered = who.examine("--request", line)
    assert answered.healthy, answered
    assert answered.check("request") == "pass: answered 200"

    refused = who.examine("--request", "GET https://api.powerbi.com/v1.0/myorg/admin/groups?$top=1")
    assert refused.code == 1
    assert refused.causes == ["admin_api_setting_off"]
    assert "401" in refused.check("request")
    assert refused.check("api.GET /v1.0/myorg/groups") == "pass: answered 200"


def test_a_query_is_sent_as_it_is_and_shown_nowhere(patient: Callable[..., Patient]) -> None:
    who = patient()
    who.sandbox.clear_requests()
    seen = who.examine("--request", "GET groups?$top=1&sig=canary")
    assert seen.check("request") == "pass: answered 200"
    assert [r["query"] for r in who.sandbox.requests() if "sig=" in str(r.get("query"))], who.sandbox.requests()
    assert "canary" not in seen.ran.out + seen.ran.err


def test_name_and_password_in_an_address_are_not_repeated(patient: Callable[..., Patient]) -> None:
    who = patient()
    who.sandbox.clear_requests()
    ran = who.doctor("--request", "GET https://me:canary@api.powerbi.com/v1.0/myorg/groups")
    assert ran.code == 2, ran
    assert "canary" not in ran.out + ran.err
    assert who.sandbox.requests() == []


def test_a_secret_in_the_place_of_an_id_is_not_shown(patient: Callable[..., Patient]) -> None:
    who = patient()
    secret = who.cli.env["AZURE_CLIENT_SECRET"]
    swapped = {"AZURE_CLIENT_ID": secret, "AZURE_CLIENT_SECRET": who.client_id}
    seen = who.examine("--record", "seen.toml", env=swapped)
    assert seen.code == 1
    assert "client id and secret may have been swapped" in seen.check("config.client")
    assert secret not in seen.ran.out + seen.ran.err + (who.folder / "seen.toml").read_text()


def test_a_post_is_sent_only_where_that_is_asked_for(patient: Callable[..., Patient]) -> None:
    who = patient()
    model = next(w for w in who.sandbox.state()["workspaces"] if w["displayName"] == "Reports Dev")["datasets"][0]["id"]
    path = f"/v1.0/myorg/groups/{who.workspace()}/datasets/{model}/refreshes"
    asked = ("--request", f"POST https://api.powerbi.com{path}", "--body", '{"notifyOption": "NoNotification"}')

    def sent() -> list[int]:
        return [each["status"] for each in who.sandbox.requests("POST") if each["path"] == path]

    kept = who.examine(*asked)
    assert (kept.code, sent()) == (0, [])
    assert kept.check("request") == "skip: not sent: only a GET is, unless --send is given"

    # The workspace is not there, which may pass by itself: it is looked for again, and the request is not sent again.
    made = who.examine(*asked, "--send", "--workspace", "Nowhere", "--wait", "1s")
    assert made.check("request") == "pass: answered 202"
    assert sent() == [202]
    assert made.causes[0] == "sp_not_in_workspace"


def test_an_address_of_another_cloud_is_named_and_gets_no_token(patient: Callable[..., Patient]) -> None:
    who = patient()
    who.sandbox.clear_requests()
    seen = who.examine("--request", "GET https://api.powerbigov.us/v1.0/myorg/groups")
    assert seen.code == 1
    assert seen.shape == [("PBI323", "wrong_cloud", "certain", "error")]
    assert seen.check("request") == "fail: not sent: its host is one of the cloud 'gcc'"
    assert {each["host"] for each in who.sandbox.requests()} == {who.sandbox.url.removeprefix("https://")}


def test_the_scope_of_the_program_is_asked_for_as_it_is(patient: Callable[..., Patient]) -> None:
    who = patient()
    bare = who.examine("--scope", POWER_BI)
    assert bare.shape == [("PBI324", "wrong_scope_format", "certain", "error")]
    assert bare.check("token.powerbi").startswith("pass")
    assert "AADSTS1002012" in bare.check("token.asked")

    # Power BI's own token was issued: it is not Power BI that is missing here.
    nobodys = who.examine("--scope", "api://nosuch/.default")
    assert nobodys.shape == [("PBI324", "wrong_scope_format", "likely", "error")]


# -- ways to sign in -----------------------------------------------------------------------------------------------


def test_a_certificate_is_tried_and_its_refusals_told_apart(patient: Callable[..., Patient]) -> None:
    who = patient(AZURE_CLIENT_SECRET="", AZURE_CLIENT_CERTIFICATE_PATH="app.pem")
    mine, other = ClientCertificate(), ClientCertificate()
    (who.folder / "app.pem").write_bytes(mine.pem)
    none = who.examine()
    assert none.shape == [("PBI326", "entra_other", "certain", "error")]  # AADSTS700026: no key at all

    key = {"keyId": str(uuid.uuid4()), "type": "AsymmetricX509Cert", "usage": "Verify", "key": mine.base64,
           "startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2040-01-01T00:00:00Z"}  # fmt: skip

    def register(state: dict[str, Any]) -> None:
        next(a for a in state["applications"] if a["appId"] == who.client_id)["keyCredentials"] = [key]

    who.sandbox.put_state(register)
    assert who.examine().healthy

    (who.folder / "app.pem").write_bytes(other.pem)
    another = who.examine()
    assert another.shape == [("PBI326", "entra_other", "likely", "error")]
    assert "AADSTS700027" in another.check("token.powerbi")

    (who.folder / "app.pem").write_text("rubbish")
    rubbish = who.examine()
    assert rubbish.causes == ["conflicting_auth_configuration"]
    assert "app.pem" in rubbish.check("token.powerbi")
    assert rubbish.json["findings"][0]["evidence"]

    # An hour between this machine's clock and the services': what it signs now is not valid yet, or no more.
    (who.folder / "app.pem").write_bytes(mine.pem)
    who.sandbox.advance(3600)
    late = who.examine()
    assert late.shape == [("PBI115", "entra_other", "certain", "error")]
    assert "60 minutes" in late.check("config.clock")


def test_a_federated_assertion_is_read_from_its_file_and_told_what_it_is(patient: Callable[..., Patient]) -> None:
    who = patient("federated", AZURE_FEDERATED_TOKEN_FILE="assertion")
    caller = who.sandbox.state()["caller"]
    file = who.folder / "assertion"

    def assertion(subject: str) -> str:
        wanted = {"issuer": caller["issuer"], "subject": subject}
        return str(who.sandbox.control("POST", "assertions", wanted)["assertion"])

    file.write_text(assertion(caller["subject"]))
    assert who.examine().healthy

    file.write_text(assertion("repo:contoso/reports:ref:refs/heads/main"))
    branch = who.examine()
    assert branch.shape == [("PBI319", "federated_credential_mismatch", "certain", "error")]

    file.write_text("rubbish")
    assert who.examine().shape == [("PBI319", "federated_credential_mismatch", "likely", "error")]


def test_a_name_and_a_password_are_a_person_who_signs_in(patient: Callable[..., Patient]) -> None:
    def person(scenario: str, **more: str) -> Patient:
        who = patient(scenario)
        who.cli.env |= {
            "AZURE_CLIENT_SECRET": "",
            "AZURE_USERNAME": f"developer@{who.sandbox.domain}",
            "AZURE_PASSWORD": who.sandbox.password,
            **more,
        }
        return who

    fine = person("embed-organization")
    assert fine.examine("--purpose", "embed-organization", "--redirect-uri", "https://x.example/y").shape == [
        ("PBI409", "redirect_uri_mismatch", "certain", "error")
    ]
    assert person("master-user").examine().healthy
    factor = person("mfa-demanded").examine()
    assert factor.shape == [("PBI321", "mfa_required_for_ropc", "certain", "error")]
    missing = person("master-user", AZURE_PASSWORD="").examine()
    assert missing.check("config.credential") == "fail: AZURE_USERNAME is set and AZURE_PASSWORD is not"


# -- how it is configured ------------------------------------------------------------------------------------------


def test_ids_and_secrets_that_were_copied_badly_are_named_before_entra_is_blamed(
    patient: Callable[..., Patient],
) -> None:
    who = patient()
    client, secret, tenant = (who.cli.env[f"AZURE_{n}"] for n in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"))

    quoted = who.examine(env={"AZURE_CLIENT_ID": f'"{client}"', "AZURE_TENANT_ID": f"{tenant} "})
    assert quoted.shape == [("PBI116", "client_configuration_or_bug", "certain", "error")]
    told = quoted.finding("PBI116")["explanation"]
    assert f"'\"{client}\"' begins or ends with quotes" in told
    assert f"'{tenant} ' begins or ends with quotes or white space" in told

    name = who.examine(env={"AZURE_CLIENT_ID": "Contoso Reports"})
    assert name.check("config.client") == "fail: 'Contoso Reports' is no GUID"
    assert name.causes == ["client_configuration_or_bug"]

    guid = who.examine(env={"AZURE_CLIENT_SECRET": "0f0f0f0f-1111-2222-3333-444444444444"})
    assert guid.shape == [("PBI302", "secret_id_used_as_value", "certain", "error")]

    ends = who.examine("--operator", "env", env={"AZURE_CLIENT_SECRET": f"'{secret}'", **who.operator})
    assert ends.shape == [("PBI114", "invalid_secret", "certain", "error")]

    none = who.examine(env={"AZURE_CLIENT_SECRET": ""})
    assert none.causes == ["conflicting_auth_configuration"]
    assert none.check("config.credential") == "fail: there is no secret in environment variables"


def test_variables_that_contradict_what_is_examined_warn_and_do_no_more(patient: Callable[..., Patient]) -> None:
    who = patient()
    seen = who.examine(
        env={
            "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us",
            "ARM_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
            "AZURE_USERNAME": "somebody@example.com",
            "AZURE_PASSWORD": "canary-password-1",
        }
    )
    assert (seen.code, seen.healthy) == (0, True)
    assert set(seen.shape) == {
        ("PBI105", "conflicting_auth_configuration", "possible", "warning"),
        ("PBI117", "client_configuration_or_bug", "possible", "warning"),
    }
    both = seen.finding("PBI117")
    assert "AZURE_AUTHORITY_HOST is https://login.microsoftonline.us" in both["explanation"]
    assert "ARM_CLIENT_ID is 11111111-2222-3333-4444-555555555555" in both["explanation"]

    # Ten minutes between the clocks are no fault of an app that signs in with a secret, and no root cause of anything.
    who.sandbox.advance(600)
    late = who.examine(env={"AZURE_CLIENT_SECRET": "not-the-secret-at-all"})
    assert late.check("config.clock") == "warn: 10 minutes behind the services'"
    assert [(f["cause"], f["severity"]) for f in late.json["findings"]] == [
        ("invalid_secret", "error"),
        ("entra_other", "warning"),
    ]


# -- what it refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--purpose", "automaton"), "automation, user-sign-in, admin-read, admin-write, embed-customers, "),
        (("--request", "GET https://evil.example/v1.0/myorg/groups"), "'evil.example' is a host of no known cloud"),
        (("--request", "GET http://api.powerbi.com/v1.0/myorg/groups"), "https://"),
        (("--request", "hello there, you"), "is no request such as"),
        (("--request", "POST /v1.0/myorg/groups", "--body", "{nope"), "--body is not JSON"),
        (("--body", "{}", "--send"), "--body and --send without --request"),
        (("--operator", "nonsense"), "auto, az, browser, device, env, workload, managed"),
        (("--token", "eyJhbGciOi.eyJhdWQiOi.c2lnbmF0dXJl"), "a token is never an argument"),
        (("--secret", "hunter2canary99"), "a secret is never an argument"),
        (("--token", "-", "--error", "-"), "only one of --token and --error can come from standard input"),
        (("--error", "nosuch.log"), "nosuch.log cannot be read"),
        (("--wait", "soon"), "--wait 'soon' is no time"),
        (("--format", "html"), "text, json, markdown, junit, sarif"),
        (("--compare", "nosuch"), "--compare nosuch: neither an environment nor a recording"),
        (("--compare", "nosuch", "--format", "junit"), "--compare is told as text or json"),
        (("--replay", "nosuch.json", "--fix", "--yes"), "--replay looks at a recording"),
        (("--replay", "nosuch.json"), "nosuch.json cannot be read"),
        (("prod", "--replay", "x.json", "--send"), "when the recording was made, not an environment, --send"),
        (("prod",), "there is no pbisetup.toml here"),
        (("prod", "--scenario", "automation"), "--scenario brings its own app"),
        (("--request", "GET https://me:canary99@api.powerbi.com/v1.0/myorg/groups"), "a name or password"),
        (("--client-id", "11111111-2222-3333-4444-555555555555", "--tenant", ""), "--client-id needs --tenant"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused_before_anything_is_sent(
    sandbox: SandboxTenant, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    reach = {**os.environ, "PBISETUP_SANDBOX_URL": sandbox.url, "PBISETUP_SANDBOX_CA": sandbox.ca}
    ids = dict.fromkeys(("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"), "11111111-2222-3333-4444-555555555555")
    cli = Cli(tmp_path, {**reach, **({} if "--client-id" in arguments else ids)})
    sandbox.clear_requests()
    ran = cli("doctor", "--cloud", "sandbox", *arguments, stdin="x")
    assert ran.code == 2, ran
    assert said in " ".join(ran.err.split())
    assert "canary99" not in ran.err
    assert (ran.out, sandbox.requests()) == ("", [])


def test_which_app_is_meant_is_asked_where_several_could_be(cli: Cli) -> None:
    nobody = cli("doctor", "--cloud", "sandbox")
    assert nobody.code == 2
    assert "AZURE_CLIENT_ID" in nobody.err
    cli.ok(*INIT, "--env", "dev,prod")
    several, unknown = cli("doctor"), cli("doctor", "staging")
    assert (several.code, unknown.code) == (2, 2)
    assert "there are several environments: dev, prod" in several.err
    assert "no environment 'staging'; it has: dev, prod" in unknown.err
