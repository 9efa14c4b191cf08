"""The table of `status`: every environment on a line, whatever its name, and what belongs to it below."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pbisetup.model.errors import Evidence, SignInFailed, Unreachable
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import TenantInfo
from pbisetup.planning.standing import CredentialStanding, Standing
from pbisetup.ui.status import status_json, status_lines
from pbisetup.ui.terminal import columns, wrap
from tests.planning.world import NOW

GUID = "0a1b2c3d-1111-4222-8333-44445555666{}"
WRITE = Action("set_workspace_role", {})
FINE = Standing(
    "dev",
    tenant=TenantInfo(GUID.format(0), "Contoso", "contoso.example"),
    client_id=GUID.format(1),
    app_object_id=GUID.format(2),
    sp_object_id=GUID.format(3),
    applied=True,
    consent="not needed",
    credential=CredentialStanding("ok", "'main'", "secret", NOW, 88, ".env.dev"),
)
MINE = Step("member", "add", "Service principal into the group 'bi'", "the setting is limited to it", WRITE)
THEIRS = Step(
    "setting", "change", "Tenant setting 'API'", "it is off", WRITE, ("fabric administrator",), False, "you are none"
)
PROD = replace(
    FINE,
    environment="prod",
    drift=(MINE, THEIRS),
    credential=replace(FINE.credential, state="expired", days_left=-3),
)
DOWN = Standing("test", error=Unreachable("PBI202", "login cannot be reached", remedy="Check the network."))


def text(*rows: Standing, width: int = 80) -> list[str]:
    return [line for line, _ in status_lines(rows, width)]


def test_three_environments_at_a_glance() -> None:
    assert text(FINE, PROD, DOWN)[:4] == [
        "  environment  state                   credential  consent",
        "✓ dev          as declared             88 days     -",
        "✗ prod         2 changes, 1 not yours  expired     -",
        "? test         not reached             -           -",
    ]


def test_below_the_table_stands_what_belongs_to_each() -> None:
    shown = text(FINE, PROD, DOWN)
    prod = shown[shown.index("prod") : shown.index("test")]
    for line in (
        f"  client id          {GUID.format(1)}",
        f"  service principal  {GUID.format(3)}",
        "  + Service principal into the group 'bi'",
        "      fabric administrator: you are none",
    ):
        assert line in prod
    assert shown[shown.index("test") + 1 :][:2] == ["  PBI202: login cannot be reached", "  Check the network."]
    assert [line.split("  #")[0].strip() for line in shown[shown.index("Next:") + 1 :]] == [
        "pbisetup plan prod",
        "pbisetup handoff prod",
    ]


@pytest.mark.parametrize(
    ("credential", "told"),
    [
        ({"days_left": 1}, "1 day"),
        ({"days_left": 0, "state": "expiring"}, "0 days"),
        ({"where": None, "state": "elsewhere"}, "88 days, not here"),
        ({"state": "refused"}, "refused"),
        ({"state": "missing", "days_left": None, "ends": None}, "none"),
        ({"state": "unknown", "days_left": None, "ends": None}, "unknown"),
    ],
)
def test_what_is_left_of_a_credential(credential: dict[str, object], told: str) -> None:
    changed = replace(FINE, credential=replace(FINE.credential, **credential))  # type: ignore[arg-type]
    assert text(changed)[1].split()[-1 - len(told.split()) : -1] == told.split()


def test_what_is_unseen_or_left_alone_is_said_in_the_table() -> None:
    excluded = replace(THEIRS, change="leave", action=None, warning="the API will refuse the app")
    shown = text(replace(FINE, undecided=(MINE,), notes=(excluded, replace(excluded, warning=None))))
    assert "as declared, 1 unseen, 1 left alone" in shown[1]
    assert "  = Tenant setting 'API'" in shown
    assert "      it is off; the API will refuse the app" in shown


def test_one_reason_for_several_environments_is_told_once_with_what_was_seen() -> None:
    error = SignInFailed("PBI312", "nobody", evidence=(Evidence("sign-in", "local", "env: lacks a secret"),))
    shown = text(Standing("dev", error=error), Standing("prod", error=error))
    assert shown[shown.index("dev") + 1 :] == [
        "  PBI312: nobody",
        "      sign-in, here: env: lacks a secret",
        "",
        "prod",
        "  PBI312: as for dev",
    ]


def test_nothing_to_do_ends_without_advice() -> None:
    assert "Next:" not in text(FINE)


HOSTILE = "a\x1b[31mb\n\u202ec$(rm -rf ~) " + "報告書 " * 30


def test_wide_long_and_hostile_names_keep_to_their_lines() -> None:
    named = replace(
        PROD,
        environment="a" + "b" * 30,
        tenant=TenantInfo(GUID.format(0), HOSTILE, "例え.example"),
        drift=(replace(MINE, title=f"Contributor of the workspace {HOSTILE}", why=HOSTILE), THEIRS),
        notes=(replace(MINE, change="leave", warning=HOSTILE),),
    )
    for width in (60, 80, 100):
        lines = text(FINE, named, replace(DOWN, error=Unreachable("PBI202", HOSTILE)), width=width)
        assert all(line.isprintable() for line in lines)
        too_wide = [line for line in lines if columns(line) > width]
        assert too_wide == [], width


def test_a_long_name_has_a_line_of_its_own() -> None:
    long = replace(PROD, environment="p" * 31)
    lines = text(FINE, long, width=60)
    assert lines[2:6] == [
        "✓ dev",
        "    as declared             88 days     -",
        f"✗ {'p' * 31}",
        "    2 changes, 1 not yours  expired     -",
    ]


def test_a_wide_character_takes_two_columns() -> None:
    assert columns("報告 a\u0301") == 6
    assert wrap("報告 報告 報告", 9, "") == ["報告 報告", "報告"]


def test_as_json_nothing_is_cut_and_everything_is_there() -> None:
    shown = json.loads(json.dumps(status_json([FINE, PROD, DOWN])))
    assert shown["schema"] == "pbisetup/status/v1"
    dev, prod, test = shown["environments"]
    assert dev["ok"] is True
    assert dev["client_id"] == GUID.format(1)
    assert dev["credential"] == {
        "kind": "secret",
        "state": "ok",
        "ends": NOW.isoformat(),
        "days_left": 88,
        "where": ".env.dev",
        "why": "'main'",
    }
    assert prod["problems"] == ["drift", "credential_expired"]
    assert [(each["id"], each["who"], each["allowed"]) for each in prod["drift"]] == [
        ("member", [], True),
        ("setting", ["fabric administrator"], False),
    ]
    assert {name: test["error"][name] for name in ("code", "message", "remedy")} == {
        "code": "PBI202",
        "message": "login cannot be reached",
        "remedy": "Check the network.",
    }
    assert (test["ok"], test["applied"], test["problems"]) == (False, None, ["unreachable"])
