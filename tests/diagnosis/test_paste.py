"""Pasted texts: what is recognised in them, what is said to them, and what the rows of the table rest on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pbisetup.catalog.findings import entries
from pbisetup.catalog.pasted import code_names, deciders, known_codes, known_commands, sentences
from pbisetup.diagnosis.paste.judge import judge, recognise
from pbisetup.diagnosis.paste.mask import masked
from pbisetup.diagnosis.paste.table import SIGNS
from tests.diagnosis.pastes import SAMPLES, explained, first, samples
from tests.diagnosis.tokens import token, user_token
from tests.score import cases, scored, table

GROUP = "11111111-2222-4333-8444-555555555555"
PUBLISHED = {"documented", "observed live", "several sources"}
"""What certainty may rest on."""

ADMIN = "GET https://api.powerbi.com/v1.0/myorg/admin/groups\nHTTP/1.1 401 Unauthorized\n"


def causes(text: str) -> dict[str, str]:
    return {each.cause: each.certainty for each in explained(text)}


def test_the_paraphrased_posts_are_told_apart() -> None:
    results = [scored(each) for each in cases(SAMPLES)]
    assert len(results) >= 100
    assert not [each for each in results if each.wrongly_certain], table(results)
    assert sum(each.top(1) for each in results) >= 104, table(results)


def test_the_real_cases() -> None:
    path = Path(os.environ.get("PBISETUP_CASES", "-"))
    if not path.is_file():
        pytest.skip("PBISETUP_CASES names no file: the real cases are other people's posts and not kept here")
    results = [scored(each) for each in cases(path)]
    assert not [each for each in results if each.wrongly_certain], table(results)
    assert sum(each.top(1) for each in results) >= 0.9 * len(results), table(results)


# -- the table -------------------------------------------------------------------------------------------------------


def test_every_row_names_a_finding() -> None:
    known = set(entries())
    assert {sign.cause for sign in SIGNS} <= known
    assert {code.cause for code in known_codes() if code.cause} <= known
    assert set(deciders()) <= known


def test_what_is_certain_rests_on_more_than_one_source() -> None:
    for cause in {sign.cause for sign in SIGNS if sign.certainty == "certain"}:
        assert {source.grade for source in entries()[cause].sources} & PUBLISHED, cause


def test_a_command_means_a_documented_operation() -> None:
    from pbisetup.catalog.operations import matching

    for command in known_commands():
        service = "powerbi" if command.path.startswith("/v1.0/") else "fabric"
        assert matching(service, command.method, command.path), command.path


@pytest.mark.parametrize(
    "status", ["400", "401", "403", "404", "429", "500", "HTTP/1.1 401 Unauthorized", "403 Forbidden"]
)
def test_a_status_alone_is_never_more_than_possible(status: str) -> None:
    assert {each.certainty for each in explained(status)} <= {"possible"}


def test_every_code_and_number_alone_says_something() -> None:
    silent = {"InvalidRequest", "LoadReportFailed", "OpenConnectionError", "InvalidAuthenticationTokenTenant",
              "AddingAlreadyExistsGroupUserNotSupportedError"}  # fmt: skip
    for name in code_names():
        assert explained(name) or name in silent, name
    assert explained("7000215")
    assert explained("aadsts-50011")


# -- one fact decides ------------------------------------------------------------------------------------------------


def test_the_roles_of_the_token_decide_on_admin_routes() -> None:
    with_roles = ADMIN + token(roles=["Tenant.Read.All"])
    assert causes(with_roles)["admin_consented_permission_blocks_admin_api"] == "certain"
    assert "admin_api_setting_off" not in causes(with_roles)
    without = causes(ADMIN + token())
    assert "admin_consented_permission_blocks_admin_api" not in without
    assert next(iter(without)) == "admin_api_setting_off"
    assert next(iter(causes(ADMIN + user_token(scp="Tenant.Read.All")))) == "user_not_admin_role"
    unknown = causes(ADMIN)
    assert set(unknown) >= {"admin_consented_permission_blocks_admin_api", "admin_api_setting_off"}
    assert "certain" not in unknown.values()


def test_the_group_in_the_url_decides() -> None:
    refused = 'HTTP 403\n{"Message":"API is not accessible for application"}'
    without = causes(f"GET https://api.powerbi.com/v1.0/myorg/datasets/{GROUP}/datasources\n{refused}")
    assert without == {"my_workspace_or_missing_group_in_url": "certain"}
    with_group = causes(f"GET https://api.powerbi.com/v1.0/myorg/groups/{GROUP}/datasets/1/datasources\n{refused}")
    assert "certain" not in with_group.values()


def test_execute_queries_without_a_group_is_open_to_apps() -> None:
    text = f"POST https://api.powerbi.com/v1.0/myorg/datasets/{GROUP}/executeQueries\nHTTP 401\n{token()}"
    assert "my_workspace_or_missing_group_in_url" not in causes(text)


def test_the_form_of_the_secret_decides() -> None:
    error = "AADSTS7000215: Invalid client secret provided."
    assert next(iter(causes(error))) == "invalid_secret"
    assert causes(f"client_secret={GROUP}\n{error}")["secret_id_used_as_value"] == "certain"
    assert causes(f"New-Thing -ClientSecret '{GROUP}'\n{error}")["secret_id_used_as_value"] == "certain"


def test_a_token_for_another_api_is_certain_only_where_it_was_sent() -> None:
    arm = token(aud="https://management.azure.com")
    url = "https://api.powerbi.com/v1.0/myorg/groups"
    sent = causes(f'curl -i -H "Authorization: Bearer {arm}" {url}\nHTTP/1.1 403 Forbidden')
    assert sent["wrong_audience"] == "certain"
    beside = causes(f"token: {arm}\nGET {url}\nHTTP/1.1 403 Forbidden")
    assert beside["wrong_audience"] == "likely"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("", "my_workspace_or_missing_group_in_url"), (f"-WorkspaceId {GROUP}", "sp_not_in_workspace"),
     ("-Scope Organization", "admin_consented_permission_blocks_admin_api")],
)  # fmt: skip
def test_the_arguments_of_a_cmdlet_decide(arguments: str, expected: str) -> None:
    text = f"PS> Get-PowerBIReport {arguments}\nOperation returned an invalid status code 'Unauthorized'"
    assert next(iter(causes(text))) == expected


def test_the_method_of_the_sdk_is_an_operation() -> None:
    text = "Operation returned an invalid status code 'Unauthorized'\n at Microsoft.PowerBI.Api.GroupsOperations.<Get"
    assert next(iter(causes(f"{text}GroupsWithHttpMessagesAsync>d__5.MoveNext()"))) == "tenant_setting_off"


def test_what_went_well_accuses_nobody() -> None:
    well = "GET https://api.powerbi.com/v1.0/myorg/datasets 200 OK"
    assert not recognise(well.encode()).requests
    assert recognise(b"GET https://api.powerbi.com/v1.0/myorg/datasets 403 Forbidden").requests


def test_two_faults_are_both_told_and_consequences_are_not() -> None:
    text = (
        "AADSTS7000222: The provided client secret keys are expired.\nHTTP 401\n"
        '{"errorCode":"CapacityNotActive","message":"Capacity x is not active"}'
    )
    assert causes(text) == {"secret_expired": "certain", "capacity_paused": "certain"}


# -- how it is told --------------------------------------------------------------------------------------------------


def test_a_candidate_says_what_decides_and_how_to_get_it() -> None:
    open_ = [each for sample in samples() for each in explained(sample.text) if each.certainty != "certain"]
    assert all(each.decided_by for each in open_)
    in_the_answer = {"PBI613", "PBI705", "PBI706"}
    silent = {each.code for each in open_ if not any(remedy.command or remedy.url for remedy in each.remedies)}
    assert silent <= in_the_answer
    assert not [each.code for each in open_ if any("  " in (remedy.command or "") for remedy in each.remedies)]


def test_evidence_names_the_line_of_the_paste() -> None:
    text = 'first\nsecond \\n escaped\n\x1b[31m##[error]AADSTS7000222: expired\x1b[0m\n{"a":"b"}'
    (found,) = explained(text)
    assert [(each.source, each.fact) for each in found.evidence] == [("line 3", "AADSTS7000222: expired")]


@pytest.mark.parametrize(
    "secret",
    ["client_secret=hunter2secret", "AZURE_CLIENT_SECRET: hunter2secret", "--client-secret hunter2secret",
     "-p hunter2secret", "Password=hunter2secret;", '"secretText": "hunter2secret"', "Authorization: Basic hunter2secret",
     "https://me:hunter2secret@host/", "abc8Q~hunter2secret_abcdefghijklmnopqrst", "Bearer hunter2secret",
     "password is 'hunter2secret'", "?code=hunter2secret&x=1", "Hunter2secretABCDEF0123456789"],
)  # fmt: skip
def test_secrets_are_masked(secret: str) -> None:
    assert "unter2secret" not in masked(f"AADSTS7000215 {secret} for app")


def test_nothing_is_recognised_in_what_says_nothing() -> None:
    for text in ("", "\n", "hello there", "it does not work", "0" * 5000, "{" * 5000, "AADSTS"):
        assert judge(recognise(text.encode())) == (), text


def test_sentences_are_looked_for_by_their_own_words() -> None:
    assert len({name for name, _ in sentences()}) == len(sentences())
    assert first("The specified Power BI workspace ('Sales') is not found.") == "PBI508"


def test_a_number_that_is_only_talked_about_is_no_event() -> None:
    assert not causes("See also AADSTS7000215, AADSTS7000222 in the documentation.")
    assert causes("AADSTS7000222: The provided client secret keys are expired")["secret_expired"] == "certain"
