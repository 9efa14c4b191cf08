"""What is advised: commands that can be typed, and never what makes things worse or gives too much away."""

from __future__ import annotations

import re

import pytest

from pbisetup.catalog.findings import Entry, entries, finding

each = pytest.mark.parametrize("entry", entries().values(), ids=entries())
STANDARD = ("pbisetup", "az")


@each
def test_commands_are_ready_to_type(entry: Entry) -> None:
    for remedy in finding(entry.name, "likely", environment="dev").remedies:
        if remedy.command is not None:
            assert remedy.command.split()[0] in STANDARD
            assert not re.search(r"[<>`$|;&{]", remedy.command), remedy.command


@each
def test_nothing_dangerous_is_advised(entry: Entry) -> None:
    grants_a_role = re.compile(
        r"(?i)\b(add|grant|assign|consent to|request)\b[^.]*"
        r"\b(tenant\.read\w*\.all|application permission|app role)"
    )
    principal_as_administrator = re.compile(
        r"(?i)(make|give|assign)\b[^.]*\b(service principal|app|it)\b[^.]*\b(fabric|global|power bi) administrator"
    )
    mfa = re.compile(
        r"(?i)(disable|switch off|turn off|take off|without|exclude)\b[^.]*\b(mfa|multi-factor|second factor)"
    )
    anew = re.compile(r"(?i)(recreate|delete and|re-?register|register (it|the app) again|new app registration)")
    for remedy in entry.remedies:
        kind = remedy.action.kind if remedy.action else ""
        said = f"{remedy.text} {remedy.command or ''}"
        assert not grants_a_role.search(said), said
        assert not principal_as_administrator.search(said), said
        assert not mfa.search(said), said
        assert not anew.search(said), said
        assert (kind == "assign_azure_role") <= (entry.name == "azure_rbac_missing")
        command = remedy.command or ""
        assert "az role assignment" not in command or entry.name == "azure_rbac_missing"
        assert not re.search(
            r"create-for-rbac|app delete|sp delete|admin-consent|permission add|permission grant", command
        )
        assert "credential reset" not in command or "--append" in command
        assert not re.search(r"(?i)approleassign(ments|edto)", command) or re.search(
            r"--method (get|delete)\b", command
        )
        assert "directoryRoles" not in command
        assert "roleManagement" not in command


def test_a_granted_power_bi_role_is_only_ever_revoked() -> None:
    for name in ("power_bi_app_role", "admin_consented_permission_blocks_admin_api"):
        kinds = {remedy.action.kind for remedy in entries()[name].remedies if remedy.action}
        assert "revoke_app_role" in kinds
        assert not kinds & {"grant_delegated", "add_delegated_permission", "update_application"}
    named = {remedy.action.kind for entry in entries().values() for remedy in entry.remedies if remedy.action}
    assert not any(re.search(r"(grant|add|assign)_app_role", kind) for kind in named)
