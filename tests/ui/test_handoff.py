"""Packets for more than one tenant: a ticket may speak of all, a script runs in one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pbisetup.cli.handoff import _files, _text
from pbisetup.model.errors import UsageError
from pbisetup.model.tenant import TenantInfo
from pbisetup.ui.handoff import handoff_json
from tests.planning.handoffs import asked_for_everything, packet

HERE = packet(asked_for_everything("Reports"))
THERE = replace(HERE, tenant=TenantInfo("22222222-2222-2222-2222-222222222222", "Fabrikam", "fabrikam.example"))


@pytest.mark.parametrize("form", ["bash", "powershell"])
def test_a_script_for_two_tenants_is_refused_with_a_way_out(form: str) -> None:
    with pytest.raises(UsageError) as refused:
        _text([HERE, THERE], form)
    assert "-o handoff/" in str(refused.value.remedy)


def test_a_ticket_for_two_tenants_names_both() -> None:
    text = _text([HERE, THERE], "text")
    assert text.count("\n# ") + text.startswith("# ") == 2
    assert "`22222222-2222-2222-2222-222222222222`" in text


def test_a_folder_has_each_tenants_scripts_apart() -> None:
    forms = [(".sh", "bash"), (".json", "json")]
    files = dict(_files([HERE, THERE], forms))
    assert len(files) == 4
    script = files[f"handoff-{THERE.tenant.id}.sh"]
    assert f"readonly tenant='{THERE.tenant.id}'" in script
    assert HERE.tenant.id not in script
    assert list(dict(_files([HERE], forms))) == ["handoff.sh", "handoff.json"]


def test_one_environments_json_stands_at_the_top_too() -> None:
    one, two = handoff_json([HERE]), handoff_json([HERE, THERE])
    assert one["sections"] == one["environments"][0]["sections"]
    assert "sections" not in two
    assert [each["tenant"] for each in two["environments"]] == [HERE.tenant.id, THERE.tenant.id]
