"""The hand-off for PowerShell: names are literals, the commands are those that exist, and the whole file parses."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter
import tree_sitter_powershell
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.catalog.clouds import clouds
from pbisetup.planning.handoff.powershell import literal, value
from pbisetup.planning.handoff.text import variable
from pbisetup.ui.handoff import powershell
from tests.planning.handoffs import HOSTILE, asked_for_everything, one, packet, plain
from tests.planning.test_handoff import OF_EACH_KIND

OURS = frozenset({
    "Stop-Task", "ConvertTo-AsciiJson", "Get-ServiceToken", "Invoke-Once", "Read-Object", "Send-Change",
    "Set-Id", "Find-Id", "Find-ByName", "Resolve-Id", "New-IfMissing", "Test-Listed", "Test-Present",
    "Join-List", "Join-Access", "Join-Property", "Merge-Property", "Add-Key", "Grant-Scope", "Find-PersonRole",
    "Add-GroupToSetting", "Set-WorkspaceRole", "New-Workspace",
})  # fmt: skip
THEIRS = frozenset({
    "Connect-MgGraph", "Get-MgContext", "Invoke-MgGraphRequest", "Get-AzContext", "Connect-AzAccount",
    "Get-AzAccessToken", "Connect-PowerBIServiceAccount", "Get-PowerBIAccessToken", "Invoke-RestMethod",
    "ConvertTo-Json", "ConvertFrom-Json", "Get-Module", "Out-Null", "Start-Sleep", "Where-Object",
    "Select-Object", "ForEach-Object", "Sort-Object",
})  # fmt: skip
"""Cmdlets whose pages were looked up: Microsoft.Graph.Authentication, Az.Accounts, MicrosoftPowerBIMgmt.Profile, and
PowerShell's own.
"""
PIECE = re.compile(r"'(?:[^']|'')*'|\[char\]0x[0-9A-F]{4}|\$Ids\['[A-Z0-9_]+'\]")


def read(expression: str, **ids: str) -> str:
    """What PowerShell makes of such a sum of literals. Fails where anything else stands in it."""
    inner = expression[1:-1] if expression.startswith("(") else expression
    pieces = PIECE.findall(inner)
    assert " + ".join(pieces) == inner
    units = b""
    for piece in pieces:
        if piece.startswith("[char]"):
            units += int(piece[8:], 16).to_bytes(2, "big")
        elif piece.startswith("$"):
            units += ids[piece[6:-2]].encode("utf-16-be")
        else:
            units += piece[1:-1].replace("''", "'").encode("utf-16-be")
    return units.decode("utf-16-be")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_a_literal(name: str) -> None:
    written = literal(plain(name))
    assert written.isascii()
    assert written.isprintable()
    assert read(written) == plain(name)
    # Beside its pieces there is nothing that PowerShell would expand, and no quote of another kind.
    assert not re.search(r"[$`\"@]", PIECE.sub("", written))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_a_literal(text: str) -> None:
    assert read(literal(plain(text))) == plain(text)


def test_an_id_that_is_looked_up_stands_between_literals() -> None:
    text = f"a'{variable('group_id')}/$ref"
    assert literal(text) == "('a''' + $Ids['GROUP_ID'] + '/$ref')"
    assert read(literal(text), GROUP_ID="g1") == "a'g1/$ref"
    # Alone it is made a text first, because a sum of PowerShell's is what its first part is.
    assert literal(variable("group_id")) == "('' + $Ids['GROUP_ID'])"


def test_data_is_written_as_what_it_is() -> None:
    assert value({"a": True, "b": None, "c": ["x"], "d": {"e": 1}}) == (
        "@{ 'a' = $true; 'b' = $null; 'c' = @('x'); 'd' = @{ 'e' = 1 } }"
    )
    assert value([]) == "@()"


def nodes(text: str) -> Iterator[Any]:
    tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language())).parse(text.encode())
    waiting = [tree.root_node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children


def check_structure(text: str) -> None:
    found = list(nodes(text))
    wrong = [n.text[:80] for n in found if n.type == "ERROR" or n.is_missing]
    assert wrong == []
    called = {n.text.decode() for n in found if n.type == "command_name"}
    assert called <= OURS | THEIRS, called - OURS - THEIRS
    defined = {n.text.decode() for n in found if n.type == "function_name"}
    assert defined == OURS
    # A text in double quotes is expanded: those that are there are the script's own, and hold no name of the tenant.
    assert not [n for n in found if "here_string" in n.type]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_the_script_parses_and_calls_nothing_but_its_own_and_known_cmdlets(name: str) -> None:
    text = powershell(packet(asked_for_everything(name)))
    check_structure(text)
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert code.isascii()


@pytest.mark.parametrize("kind", OF_EACH_KIND)
def test_every_kind_of_action_parses(kind: str) -> None:
    check_structure(powershell(packet(one(kind, {"app_object_id": "a1", **OF_EACH_KIND[kind][0]}))))


@pytest.mark.parametrize(
    ("cloud", "graph", "az", "powerbi"),
    [
        ("public", "Global", "AzureCloud", "Public"),
        ("gcc", "Global", "AzureCloud", "USGov"),
        ("gcchigh", "USGov", "AzureUSGovernment", "USGovHigh"),
        ("dod", "USGovDoD", "AzureUSGovernment", "USGovMil"),
        ("china", "China", "AzureChinaCloud", "China"),
    ],
)
def test_each_cloud_is_signed_in_to_by_its_own_name(cloud: str, graph: str, az: str, powerbi: str) -> None:
    found = clouds()[cloud]
    text = powershell(packet(asked_for_everything("x", found), cloud=found))
    assert f"Connect-MgGraph -TenantId $TenantId -Environment '{graph}'" in text
    assert f"Connect-AzAccount -Tenant $TenantId -Environment '{az}'" in text
    assert f"Connect-PowerBIServiceAccount -Environment '{powerbi}'" in text
    assert found.graph in text


def test_a_role_is_asked_for_no_more_permissions_than_its_tasks_take() -> None:
    text = powershell(packet(asked_for_everything("x")))
    asked = dict(
        zip(
            re.findall(r"Roles = @\((.*)\)", text),
            (re.findall(r"'([^']+)'", each) for each in re.findall(r"Scopes = @\((.*)\)", text)),
            strict=False,
        )
    )
    assert "Application.ReadWrite.All" not in asked["'fabric-administrator'"]
    assert set(asked["'groups-administrator'"]) <= {
        "Group.ReadWrite.All",
        "GroupMember.ReadWrite.All",
        "Application.Read.All",
        "Group.Read.All",
    }


def test_powershell_itself_parses_it(tmp_path: Path) -> None:
    pwsh = shutil.which("pwsh") or shutil.which("powershell")
    if pwsh is None:
        pytest.skip("no PowerShell on this machine: its grammar alone has read the script")
    script = tmp_path / "handoff.ps1"
    for name in HOSTILE.values():
        script.write_text(powershell(packet(asked_for_everything(name))), encoding="utf-8")
        parse = (
            "$errors = $null; [void] [System.Management.Automation.Language.Parser]::ParseFile("
            f"'{script}', [ref] $null, [ref] $errors); $errors | ForEach-Object {{ $_.Message }}; exit $errors.Count"
        )
        done = subprocess.run(
            [pwsh, "-NoProfile", "-NonInteractive", "-Command", parse], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "")
