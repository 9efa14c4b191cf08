"""The first doctor: from what the app's token got and what the operator saw to checks and findings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog.wellknown import ADMISSION_CODE
from pbisetup.diagnosis.claims import decode
from pbisetup.diagnosis.rules import BY_AADSTS, examine
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Examination
from pbisetup.model.probe import ApiAnswer, Configured, Expected, Probe, TokenAttempt, WorkspaceSeen
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Group
from tests.diagnosis.tokens import NOW, POWER_BI, TENANT, token, user_token
from tests.planning import world
from tests.planning.world import UNKNOWN, everything, known, setting

ENDPOINT = Evidence("token endpoint", "app", "AADSTS1")
API = Evidence("GET /v1.0/myorg/groups", "app", "HTTP 401")
EXPECTED = Expected(
    TENANT,
    "client-id",
    "sp-object",
    (POWER_BI, "app"),
    (f"https://sts.windows.net/{TENANT}/",),
    "https://app.powerbi.com",
)
PEOPLE = replace(EXPECTED, sign_in="user", sp_object_id=None, scopes=frozenset({"Report.Read.All"}))
CONFIGURED = Configured(".env.dev", TENANT, "client-id", has_secret=True)
OK = ApiAnswer(200, None, "", API)
SHUT = ApiAnswer(401, ADMISSION_CODE, "", API)
SILENT = ApiAnswer(403, None, "", API)


def probe(**changes: Any) -> Probe:
    """Everything went well, unless said otherwise."""
    base = Probe(CONFIGURED, issued(), "verified", OK, (WorkspaceSeen("Reports", True, OK),), 4)
    return replace(base, **changes)


def issued(**claims: Any) -> TokenAttempt:
    return TokenAttempt(claims=decode(token(**claims)))


def refused(*codes: int, **changes: Any) -> TokenAttempt:
    return TokenAttempt(codes=codes, message="Entra said no", evidence=(ENDPOINT,), **changes)


def look(tried: Probe, seen: Snapshot | None = None, expected: Expected = EXPECTED) -> Examination:
    return examine("dev", tried, expected, seen, NOW)


def found(done: Examination) -> list[tuple[str, str]]:
    return [(f.cause, f.certainty) for f in done.findings]


def statuses(done: Examination) -> dict[str, str]:
    return {c.id: c.status for c in done.checks}


def test_an_app_that_reaches_its_workspace_is_healthy() -> None:
    done = look(probe())
    assert done.healthy
    assert done.findings == ()
    assert set(statuses(done).values()) == {"pass"}
    assert done.to_json()["schema"] == "pbisetup/doctor/v1"
    assert done.to_json()["requests"] == 4


def test_what_the_operator_could_not_see_does_not_count_against_health() -> None:
    unsure = replace(EXPECTED, tenant_id=None, sp_object_id=None)
    done = look(probe(signature="no key"), None, unsure)
    assert done.healthy
    assert "unknown" in statuses(done).values()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"groups": None}, id="the API was not asked"),
        pytest.param({"token": None}, id="no token was asked for"),
        pytest.param({"workspaces": (WorkspaceSeen("Reports", False, OK),)}, id="a workspace is invisible"),
        pytest.param({"groups": replace(SILENT, status=500)}, id="the API failed"),
    ],
)
def test_it_is_only_healthy_when_everything_was_reached(changes: dict[str, Any]) -> None:
    assert not look(probe(**changes)).healthy


AADSTS = {
    "secret expired": (7000222, "secret_expired", "certain"),
    "no service principal": (7000229, "sp_missing_in_tenant", "certain"),
    "app disabled": (7000112, "app_disabled", "certain"),
    "Power BI disabled": (500014, "resource_sp_disabled", "certain"),
    "Power BI missing": (500011, "resource_sp_missing", "likely"),
    "conditional access": (53003, "conditional_access_blocked", "certain"),
    "no consent": (65001, "consent_missing", "certain"),
    "not of this tenant": (700016, "app_not_in_tenant", "likely"),
    "no such tenant": (90002, "app_not_in_tenant", "likely"),
    "wrong secret": (7000215, "invalid_secret", "likely"),
    "anything else": (50049, "entra_other", "possible"),
}


@pytest.mark.parametrize(("code", "cause", "certainty"), AADSTS.values(), ids=AADSTS)
def test_a_refused_token_is_one_cause_and_the_rest_is_skipped(code: int, cause: str, certainty: str) -> None:
    done = look(probe(token=refused(code), groups=None, workspaces=()))
    assert found(done) == [(cause, certainty)]
    assert statuses(done)["token.acquire"] == "fail"
    assert {statuses(done)[id_] for id_ in ("claims", "api.groups", "api.workspaces")} == {"skip"}
    assert done.findings[0].evidence == (ENDPOINT,)
    assert (done.findings[0].decided_by is None) == (certainty == "certain")


def test_every_number_that_is_known_is_in_the_table_above() -> None:
    assert {code for code, _, _ in AADSTS.values()} >= set(BY_AADSTS) - {530034}


def test_a_secret_that_looks_like_an_id_is_the_ids_column() -> None:
    shape = replace(CONFIGURED, secret_looks_like_guid=True)
    assert found(look(probe(configured=shape, token=refused(7000215)))) == [("secret_id_used_as_value", "likely")]
    assert found(look(probe(configured=shape, token=refused(7000222)))) == [("secret_expired", "certain")]


def test_a_missing_secret_is_told_before_anything_is_tried() -> None:
    done = look(probe(configured=replace(CONFIGURED, has_secret=False), token=None, groups=None))
    assert found(done) == [("conflicting_auth_configuration", "certain")]
    assert ".env.dev holds no secret" in done.findings[0].explanation


def test_quotes_around_the_secret_are_a_warning() -> None:
    done = look(probe(configured=replace(CONFIGURED, secret_has_odd_ends=True)))
    assert statuses(done)["config.credential"] == "warn"
    assert done.healthy


def test_a_host_that_does_not_answer_is_no_fault_of_the_app() -> None:
    cut = TokenAttempt(failure="PBI201", message="login.example cannot be reached", evidence=(ENDPOINT,))
    assert [f.code for f in look(probe(token=cut)).findings] == ["PBI202"]
    silent = look(probe(groups=None, unreachable="api.example cannot be reached"))
    assert [f.code for f in silent.findings] == ["PBI202"]
    assert statuses(silent)["api.workspaces"] == "skip"


def test_an_opaque_token_is_unknown_and_may_still_be_healthy() -> None:
    done = look(probe(token=TokenAttempt(opaque=True), signature="not checked"))
    assert statuses(done)["claims"] == "unknown"
    assert done.healthy


WRONG_TOKENS: dict[str, tuple[dict[str, Any], str]] = {
    "for Graph": ({"aud": "https://graph.microsoft.com"}, "wrong_audience"),
    "of another tenant": ({"tid": "other"}, "runs_as_other_identity"),
    "of another app": ({"appid": "other"}, "runs_as_other_identity"),
    "of another service principal": ({"oid": "other", "sub": "other"}, "runs_as_other_identity"),
    "expired": ({"exp": int((NOW - timedelta(minutes=1)).timestamp())}, "token_expired"),
}


@pytest.mark.parametrize(("claims", "cause"), WRONG_TOKENS.values(), ids=WRONG_TOKENS)
@pytest.mark.parametrize("answer", [SILENT, SHUT, OK], ids=["refused", "shut out", "answered"])
def test_a_wrong_token_is_the_root_and_the_apis_no_only_its_consequence(
    claims: dict[str, Any], cause: str, answer: ApiAnswer
) -> None:
    done = look(probe(token=issued(**claims), groups=answer))
    assert found(done) == [(cause, "certain")]
    assert not done.healthy


def test_application_permissions_are_a_warning_that_does_not_make_it_ill() -> None:
    done = look(probe(token=issued(roles=["Tenant.Read.All"])))
    assert found(done) == [("admin_consented_permission_blocks_admin_api", "certain")]
    assert done.healthy


def test_a_person_whose_token_lacks_a_scope_lacks_consent() -> None:
    def person(scopes: str) -> Probe:
        return probe(token=TokenAttempt(claims=decode(user_token(scp=scopes))))

    assert found(look(person("Dataset.Read.All"), None, PEOPLE)) == [("consent_missing", "likely")]
    assert look(person("Report.Read.All Dataset.Read.All"), None, PEOPLE).healthy


OUT, IN = known(frozenset()), known(frozenset({"g1"}))
OFF, OPEN, SCOPED = (world.settings(s) for s in (setting(False), setting(), setting(groups=("g1",))))
SHUT_OUT = world.settings(setting(excluded_groups={"g1": "X"}))
SYNCED = {"g1": known(Group("g1", "x", synced=True))}
ADMISSIONS: dict[str, tuple[Snapshot | None, list[tuple[str, str]]]] = {
    "off": (everything(settings=OFF), [("tenant_setting_off", "certain")]),
    "in none of the groups": (
        everything(settings=SCOPED, memberships=OUT),
        [("sp_not_in_allowed_group", "certain")],
    ),
    "in a group of the wrong kind": (
        everything(settings=SCOPED, memberships=IN, groups=SYNCED),
        [("wrong_group_type", "likely")],
    ),
    "in the group": (everything(settings=SCOPED, memberships=IN), [("propagation_delay", "likely")]),
    "in a group whose kind is unseen": (
        everything(settings=SCOPED, memberships=IN, groups={}),
        [("propagation_delay", "likely"), ("wrong_group_type", "possible")],
    ),
    "open to everybody": (everything(settings=OPEN, memberships=OUT), [("propagation_delay", "likely")]),
    "open to everybody, groups unseen": (
        everything(settings=OPEN, memberships=UNKNOWN),
        [("propagation_delay", "possible")],
    ),
    "in a group that is shut out": (
        everything(settings=SHUT_OUT, memberships=IN),
        [("sp_not_in_allowed_group", "likely")],
    ),
    "limited, its groups unseen": (
        everything(settings=SCOPED, memberships=UNKNOWN),
        [("sp_not_in_allowed_group", "likely"), ("propagation_delay", "possible")],
    ),
    "the setting is unseen": (
        everything(settings=UNKNOWN),
        [("tenant_setting_off", "likely"), ("sp_not_in_allowed_group", "likely"), ("propagation_delay", "possible")],
    ),
    "nobody is signed in": (
        None,
        [("tenant_setting_off", "likely"), ("sp_not_in_allowed_group", "likely"), ("propagation_delay", "possible")],
    ),
}


@pytest.mark.parametrize(("seen", "causes"), ADMISSIONS.values(), ids=ADMISSIONS)
def test_why_the_tenant_does_not_let_it_in(seen: Snapshot | None, causes: list[tuple[str, str]]) -> None:
    done = look(probe(groups=SHUT), seen)
    assert found(done) == causes
    assert statuses(done)["api.workspaces"] == "skip"
    assert all(API in f.evidence for f in done.findings)


def test_a_refusal_without_a_reason_is_called_undetermined() -> None:
    done = look(probe(groups=SILENT), everything(settings=OFF))
    assert found(done) == [("undetermined", "possible")]
    assert "403 with an empty body" in done.findings[0].explanation


@pytest.mark.parametrize(
    ("seen", "cause", "certainty"),
    [
        pytest.param(None, "sp_not_in_workspace", "likely", id="nobody looked"),
        pytest.param(everything(workspaces={}), "sp_not_in_workspace", "likely", id="the operator does not see it"),
        pytest.param(
            everything(workspaces={"Reports": known(world.workspace(role=None))}),
            "sp_not_in_workspace",
            "certain",
            id="the operator sees no role",
        ),
        pytest.param(everything(), "propagation_delay", "likely", id="the operator sees the role"),
    ],
)
def test_why_a_workspace_is_invisible(seen: Snapshot | None, cause: str, certainty: str) -> None:
    done = look(probe(workspaces=(WorkspaceSeen("Reports", False, OK),)), seen)
    assert found(done) == [(cause, certainty)]


def test_faults_of_two_workspaces_are_two_findings() -> None:
    both = (WorkspaceSeen("A", False, OK), WorkspaceSeen("B", True, OK), WorkspaceSeen("C", False, OK))
    titles = [f.title for f in look(probe(workspaces=both)).findings]
    assert [t[-3:] for t in titles] == ["'A'", "'C'"]


STRENGTH = {"possible": 0, "likely": 1, "certain": 2}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([OFF, OPEN, SCOPED, SHUT_OUT]),
    st.sampled_from([OUT, IN]),
    st.sampled_from([{}, SYNCED, everything().groups]),
    st.sampled_from(["settings", "memberships", "groups", "all"]),
)
def test_fewer_facts_never_make_the_doctor_surer(inside: Any, member_of: Any, groups: Any, lost: str) -> None:
    full = everything(settings=inside, memberships=member_of, groups=groups)
    less = None if lost == "all" else replace(full, **{lost: {} if lost == "groups" else UNKNOWN})
    surest = [max(STRENGTH[c] for _, c in found(look(probe(groups=SHUT), seen))) for seen in (full, less)]
    assert surest[1] <= surest[0]
