"""How an environment stands: what is told of ids, consent, the credential and drift, and what makes a nightly job fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pbisetup.model.errors import ExitCode, Refused, Unreachable
from pbisetup.model.facts import Unknown
from pbisetup.model.manifest import Environment
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import TenantSetting
from pbisetup.planning.planner import plan_environment
from pbisetup.planning.standing import Standing, exit_code, standing, unreached
from tests.planning import world
from tests.planning.world import (
    ABSENT,
    APP,
    CLIENT,
    NOW,
    PIPELINE,
    SP,
    UNKNOWN,
    automation,
    everything,
    known,
    nothing,
    password,
    printed,
    registration,
    stored,
)

MONTH = timedelta(days=30)


def row(
    snapshot: Snapshot, environment: Environment | None = None, within: timedelta | None = None, now: Any = NOW
) -> Standing:
    env = environment or automation()
    return standing(world.MANIFEST, env, snapshot, plan_environment(world.MANIFEST, env, snapshot, now), now, within)


def secrets(*passwords: Any, **changes: Any) -> Snapshot:
    return everything(app=known(registration(passwords=passwords)), **changes)


def test_an_environment_that_is_as_declared() -> None:
    found = row(everything())
    assert found.problems == ()
    assert (found.client_id, found.app_object_id, found.sp_object_id) == (CLIENT, APP, SP)
    assert found.tenant == world.TENANT
    assert found.consent == "not needed"
    assert (found.credential.state, found.credential.days_left, found.credential.where) == ("ok", 80, ".env.dev")
    assert exit_code([found]) == ExitCode.OK


def test_before_there_is_an_app_nothing_is_drift() -> None:
    found = row(nothing())
    assert (found.problems, found.drift, found.deleted, found.client_id) == (("not_applied",), (), False, None)
    assert exit_code([found]) == ExitCode.WRONG
    assert row(nothing(deleted_app=known("gone"))).deleted


@pytest.mark.parametrize(
    ("change", "drifted"),
    [
        ({"memberships": known(frozenset())}, ["member"]),
        ({"workspaces": {"Reports": known(world.workspace(role=None))}}, ["workspace-Reports"]),
        ({"workspaces": {"Reports": known(world.workspace(role="Viewer"))}}, ["workspace-Reports"]),
        ({"app": known(registration(display_name="renamed"))}, ["app"]),
        ({"service_principal": ABSENT, "memberships": UNKNOWN}, ["service-principal", "member"]),
        ({"settings": world.settings(world.setting(enabled=False))}, ["setting"]),
    ],
)
def test_each_kind_of_drift_is_told(change: dict[str, Any], drifted: list[str]) -> None:
    found = row(everything(**change))
    assert set(drifted) <= {step.id for step in found.drift}
    assert found.problems == ("drift",)
    assert exit_code([found]) == ExitCode.WRONG


def test_what_somebody_else_must_mend_is_told_apart() -> None:
    found = row(everything(operator=PIPELINE, settings=UNKNOWN, admitted=known(False)))
    assert [step.id for step in found.others] == ["setting"]


def test_what_only_the_apps_own_token_would_show_is_no_drift() -> None:
    found = row(everything(operator=PIPELINE, settings=UNKNOWN))
    assert [step.id for step in found.undecided] == ["setting"]
    assert found.problems == ()


def test_a_role_in_a_workspace_that_cannot_be_read_is_no_drift_either() -> None:
    found = row(everything(workspaces={"Reports": UNKNOWN}))
    assert [step.id for step in found.undecided] == ["workspace-Reports"]
    assert found.problems == ()
    gone = row(everything(workspaces={"Reports": ABSENT}))
    assert gone.undecided == ()


def test_what_keeps_the_app_out_and_is_nobodys_to_change_here_is_worth_a_word() -> None:
    shut_out = replace(world.setting(groups=("g1",)), excluded_groups={"g1": "name of g1"})
    assert isinstance(shut_out, TenantSetting)
    found = row(everything(settings=world.settings(shut_out)))
    assert [step.id for step in found.notes] == ["setting"]
    assert found.problems == ("left_alone",)


@pytest.mark.parametrize(
    ("snapshot", "state", "days", "where", "problems"),
    [
        # kept here
        (secrets(password(days=80)), "ok", 80, ".env.dev", []),
        (secrets(password(days=30.5)), "ok", 30, ".env.dev", []),
        (secrets(password(days=30)), "expiring", 30, ".env.dev", ["credential_expiring"]),
        (secrets(password(days=6.9)), "expiring", 6, ".env.dev", ["drift", "credential_expiring"]),
        (secrets(password(days=0.5)), "expiring", 0, ".env.dev", ["drift", "credential_expiring"]),
        (secrets(password(days=0)), "expired", 0, ".env.dev", ["drift", "credential_expired"]),
        (secrets(password(days=-0.5)), "expired", -1, ".env.dev", ["drift", "credential_expired"]),
        (secrets(password(), token_refusals=frozenset({7000215})), "refused", 80, ".env.dev", ["drift"]),
        # kept here, but gone from the app
        (secrets(), "missing", None, None, ["drift"]),
        (secrets(stored=stored(client_id="another")), "missing", None, None, ["drift"]),
        # a fresh clone: somebody else keeps what pbisetup made, and no new one is due
        (secrets(password(days=80), stored=ABSENT), "elsewhere", 80, None, []),
        (secrets(password(days=80), password("key-2", days=40), stored=ABSENT), "elsewhere", 80, None, []),
        (secrets(password(days=20), stored=ABSENT), "expiring", 20, None, ["credential_expiring"]),
        (secrets(password(days=-20), stored=ABSENT), "expired", -20, None, ["drift", "credential_expired"]),
        (secrets(password(name="made in the portal"), stored=ABSENT), "missing", None, None, ["drift"]),
        # a store that cannot be read says nothing of what it keeps
        (secrets(password(days=80), stored=Unknown("cannot be read")), "unknown", 80, None, ["drift"]),
    ],
)
def test_what_is_told_of_the_credential(
    snapshot: Snapshot, state: str, days: int | None, where: str | None, problems: list[str]
) -> None:
    found = row(snapshot, within=MONTH)
    assert (found.credential.state, found.credential.days_left, found.credential.where) == (state, days, where)
    assert list(found.problems) == problems


def test_without_a_time_only_what_has_expired_fails() -> None:
    assert row(secrets(password(days=8))).problems == ()


def test_a_printed_secret_is_kept_by_whoever_read_it() -> None:
    found = row(everything(stored=UNKNOWN), printed())
    assert (found.credential.state, found.credential.days_left, found.credential.where) == ("ok", 80, None)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("change", "consent"),
    [
        ({}, "granted"),
        ({"delegated_grants": known(())}, "missing"),
        ({"delegated_grants": UNKNOWN}, "unknown"),
    ],
)
def test_what_is_told_of_consent(change: dict[str, Any], consent: str) -> None:
    found = row(world.signed_in(**change), world.sign_in())
    assert found.consent == consent
    assert found.credential.state == "not needed"
    assert found.problems == (("drift",) if consent == "missing" else ())
    assert [step.id for step in found.notes] == (["consent"] if consent == "unknown" else [])


def test_where_each_person_is_asked_nobody_consented_for_all() -> None:
    person = replace(world.sign_in(), consent="person")
    found = row(world.signed_in(operator=PIPELINE, delegated_grants=known(())), person)
    assert (found.consent, found.problems) == ("each person", ())


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], ExitCode.OK),
        ([Refused("PBI904", "no", status=403)], ExitCode.WRONG),
        ([Unreachable("PBI202", "down")], ExitCode.NO_ACCESS),
        ([Refused("PBI904", "no", status=403), Unreachable("PBI202", "down")], ExitCode.NO_ACCESS),
    ],
)
def test_what_could_not_be_reached_outweighs_what_is_wrong(errors: list[Any], code: ExitCode) -> None:
    rows = [row(everything()), *(unreached(automation(), error) for error in errors)]
    assert exit_code(rows) == code
    assert exit_code([row(nothing()), *rows]) == (code or ExitCode.WRONG)


def test_a_live_secret_of_another_project_on_a_shared_app_is_none_of_ours() -> None:
    theirs = password(name="pbisetup zzzzzz/dev 2026-11-01 abc123")
    for env in (printed(), automation()):
        assert row(secrets(theirs, stored=ABSENT), env).credential.state == "missing"
