"""The hand-off as Markdown: complete, and no name in it is ever markup."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import jinja2
import pytest

from pbisetup.catalog.clouds import clouds
from pbisetup.model.manifest import Manifest, WorkspaceSpec
from pbisetup.model.tenant import TenantInfo
from pbisetup.planning.handoff import hand_off
from pbisetup.planning.planner import plan_environment
from pbisetup.ui import handoff
from pbisetup.ui.templates import directory, render
from tests.planning import world
from tests.planning.world import ABSENT, UNKNOWN


def markdown(name: str, **changes: Any) -> str:
    """The hand-off of a developer who may do nothing, where everything bears this name."""
    seen = world.nothing(
        operator=replace(world.DEVELOPER, account=name),
        tenant=TenantInfo("t1", name, name),
        settings=UNKNOWN,
        may_create_apps=False,
        groups={name: ABSENT},
        workspaces={name: ABSENT},
        **changes,
    )
    environment = world.automation(groups={"api": name}, workspaces=(WorkspaceSpec("Member", name=name),))
    manifest = Manifest("k7f3q2", name, "public", {})
    done = hand_off(manifest, plan_environment(manifest, environment, seen, world.NOW), clouds()["public"], seen)
    return handoff.markdown(handoff.Packet(name, seen.tenant, seen.operator, clouds()["public"], (done,)))


def prose(text: str) -> str:
    """What stands outside the blocks of commands and of addresses."""
    fences = [number for number, line in enumerate(text.splitlines()) if line.startswith("```")]
    assert len(fences) % 2 == 0
    lines = text.splitlines()
    inside = {n for start, end in zip(fences[::2], fences[1::2], strict=True) for n in range(start, end + 1)}
    return "\n".join(line for n, line in enumerate(lines) if n not in inside and not line.startswith("    https://"))


def test_the_hand_off_has_a_part_for_each_role_and_one_for_the_asker() -> None:
    text = markdown("Contoso")
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert heads == [
        "For: cloud application administrator",
        "For: groups administrator",
        "For: fabric administrator",
        "For: workspace admin",
        "Afterwards: Contoso",
    ]
    assert text.count("```bash") == text.count("```") / 2
    assert "pbisetup apply dev" in text


def test_no_block_of_commands_is_empty() -> None:
    silent = replace(world.PIPELINE, graph_permissions=frozenset({"User.Read.All"}))
    seen = world.everything(operator=silent, stored=ABSENT)
    done = hand_off(
        world.MANIFEST, plan_environment(world.MANIFEST, world.automation(), seen, world.NOW), clouds()["gcc"]
    )
    text = handoff.markdown(handoff.Packet("x", seen.tenant, seen.operator, clouds()["gcc"], (done,)))
    assert "Do not make one and send it" in text
    assert not re.search(r"```bash\s*```", text)
    assert "client id `client-id`" in text


HOSTILE = {
    "html": "<script>alert(1)</script><!--",
    "link": "[click](https://evil.example)",
    "image": "![x](https://evil.example/x.png)",
    "code": "`rm -rf`",
    "emphasis": "*a* _b_ ~~c~~",
    "entity": "&lt;b&gt;",
    "heading": "# big",
    "table": "a | b",
    "fence": "```\n# out",
    "line breaks": "a\n\n## For: you",
    "escape character": "\x1b[2J",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_never_markup(name: str) -> None:
    text = prose(markdown(name))
    assert not re.search(r"(?<!\\)[<\[*~&|]", text)
    assert len(re.findall(r"^#{1,2} ", text, re.MULTILINE)) == 6
    assert "\x1b" not in text


def test_a_name_that_looks_like_a_template_stays_text() -> None:
    assert "{{ outputs }} {% raw %}" in markdown("{{ outputs }} {% raw %}")


@pytest.mark.parametrize("name", ["handoff.md.j2", "handoff.sh.j2", "handoff.ps1.j2"])
def test_templates_are_where_the_package_says(name: str) -> None:
    assert (directory() / name).is_file()


def test_a_value_that_is_missing_is_an_error_not_a_gap() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("handoff.md.j2", name="x")
