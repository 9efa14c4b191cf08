"""What `handoff` says where it has nothing to send: it calls nothing well that is not, or not known yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.test_handoff import change_setting, unowned
from tests.journeys.test_init import INIT, ours
from tests.support.certificate import ClientCertificate
from tests.support.cli import Cli, Ran
from tests.support.tenant import SandboxTenant

WELL = "Nobody else needs to do anything"
ANOTHER = '\n[environments.test]\nworkspaces = [{ name = "Reports Dev", role = "Contributor" }]\n'


def said(ran: Ran) -> str:
    return " ".join((ran.out + ran.err).split())


def test_who_asks_for_one_role_hears_which_others_are_asked(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    ran = cli.ok("handoff", "--role", "groups administrator")
    assert ran.out == ""
    assert "dev: nothing is asked of the groups administrator; asked are: fabric administrator." in said(ran)
    assert WELL not in said(ran)
    shown = cli.ok("handoff", "--role", "groups administrator", "--format", "json").json
    assert (shown["role"], shown["sections"], shown["asked"]) == (
        "groups administrator",
        [],
        [["fabric administrator"]],
    )
    verified = cli.ok("handoff", "--verify", "--wait", "0", "--role", "groups administrator")
    assert verified.out.startswith("dev: nothing is awaited from the groups administrator; asked are: fabric")


def test_before_the_first_apply_it_is_not_known_who_else_is_needed(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    with (cli.folder / "pbisetup.toml").open("a", encoding="utf-8") as file:
        file.write(ANOTHER)
    ran = cli.ok("handoff", "test")
    assert WELL not in said(ran)
    shown = cli.ok("handoff", "test", "--format", "json").json
    [undecided] = shown["undecided"]
    assert undecided["who"] == ["fabric administrator"]
    first = f"test: {len(shown['yours'])} changes are yours first: pbisetup apply test."
    only_then = f"Only then it shows whether somebody else is needed for: {undecided['title']} (fabric administrator)."
    assert f"{first} {only_then}" in said(ran)
    verified = cli.ok("handoff", "test", "--verify", "--wait", "0")
    assert verified.out.startswith("test: nobody is awaited so far.")
    assert only_then in said(verified)

    # It was right to say so: once the app has a token, somebody is asked.
    assert cli("apply", "test", "--yes").code == 5
    asked = cli("handoff", "test", "--format", "json").json
    assert (asked["undecided"], asked["asked"]) == ([], [["fabric administrator"]])


def test_what_is_left_alone_and_keeps_the_app_out_is_not_called_well(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    assert WELL in said(cli.ok("handoff"))
    [group] = ours(sandbox.state())["groups"]
    listed = [{"graphId": group["id"], "name": group["displayName"]}]
    change_setting(sandbox, excludedSecurityGroups=listed)
    ran = cli.ok("handoff")
    assert WELL not in said(ran)
    assert "dev: Left alone, and in the way: - Tenant setting" in said(ran)
    [left] = cli.ok("handoff", "--format", "json").json["in_the_way"]
    assert left["why"] in said(ran)
    verified = cli.ok("handoff", "--verify", "--wait", "0")
    assert "Left alone, and in the way" in verified.out

    # A ticket for something else tells of it, too.
    unowned(sandbox)
    (cli.folder / "public.pem").write_bytes(ClientCertificate(common_name="reports").public_pem)
    ticket = cli("handoff", "--certificate", "public.pem")
    assert ticket.code == 5
    assert "## Left alone, and in the way" in ticket.out


@pytest.mark.parametrize("kind", ["certificate", "federated"])
def test_the_ticket_says_how_to_look_again_for_the_same(cli: Cli, sandbox: SandboxTenant, kind: str) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    unowned(sandbox)
    file = Path("it's public.pem")
    (cli.folder / file).write_bytes(ClientCertificate(common_name="reports").public_pem)
    value = str(file) if kind == "certificate" else "https://token.actions.githubusercontent.com=repo:contoso/reports"
    afterwards = cli("handoff", f"--{kind}", value).out.partition("## Afterwards")[2]
    quoted = value.replace("'", "'\\''")
    assert f"\npbisetup handoff dev --verify --{kind} '{quoted}'\n" in afterwards
    assert "\n\n\n" not in afterwards
    assert "\n- " not in afterwards.partition("Only a token")[0]
    # Nothing is left for `apply`, which would ask for a secret.
    assert "\npbisetup apply" not in afterwards
    assert "still wants a secret" in afterwards
    plain = cli("handoff").out.partition("## Afterwards")[2]
    assert "\npbisetup handoff dev --verify\npbisetup apply dev\n" in plain
