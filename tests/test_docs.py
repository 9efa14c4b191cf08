"""What the documents say is true now: commands parse, sessions run, pages are what the catalogue makes of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from pbisetup.catalog.codes import codes
from pbisetup.catalog.findings import entries
from pbisetup.cli.app import app
from pbisetup.ui.docs import troubleshooting_page
from tests.support.cli import Cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Every pbisetup command in the documents' shell blocks and tables, and in what remedies advise."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [body for language, body in BLOCK.findall(text) if language == "bash"]
        lines = [line for body in blocks for line in body.replace("\\\n", " ").splitlines()]
        inline = re.findall(r"`(pbisetup [^`]*)`", BLOCK.sub("", text).replace("\n", " "))
        for line in [*lines, *inline]:
            found += [(page.name, c) for c in re.findall(r"pbisetup (?:[^|)\"]|\"[^\"]*\")+", line)]
    for entry in entries().values():
        typed = [remedy.command.replace("{environment}", "dev") for remedy in entry.remedies if remedy.command]
        found += [(entry.code, command) for command in typed if command.startswith("pbisetup ")]
    return sorted(
        {(where, c.strip()) for where, c in found if not c.startswith(("pbisetup/", "pbisetup.", "pbisetup-"))}
    )


def jobs() -> list[tuple[str, Any]]:
    """Every pipeline in the documents, parsed."""
    return [
        (page.name, yaml.safe_load(body))
        for page in PAGES
        for language, body in BLOCK.findall(page.read_text(encoding="utf-8"))
        if language == "yaml"
    ]


def scripts(part: Any) -> Iterator[str]:
    """What a pipeline runs, line by line."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("run", "script", "inlineScript"):
                yield from str(value).splitlines()
            else:
                yield from scripts(value)
    elif isinstance(part, list):
        for each in part:
            yield from scripts(each)


def steps_of_jobs() -> list[tuple[str, str]]:
    """Every pbisetup command that a pipeline runs, without what the shell makes of its output and its end."""
    lines = [(where, line.strip()) for where, job in jobs() for line in scripts(job)]
    return [(where, re.split(r" (?:\|\||>|\|) ?", line)[0]) for where, line in lines if line.startswith("pbisetup ")]


def test_every_pipeline_in_the_documents_signs_in_and_looks() -> None:
    found = jobs()
    assert len(found) >= 2
    github = next(job for _, job in found if "jobs" in job)
    # YAML 1.1 takes the key `on` for a truth value.
    assert github.get("on", github.get(True))["schedule"]
    assert github["permissions"]["id-token"] == "write"
    for _, job in found:
        ran = "\n".join(scripts(job))
        assert "pbisetup status --" in ran
        assert "pbisetup apply --check" in ran
    devops = next(job for _, job in found if "pool" in job)
    task = next(step for step in devops["steps"] if step.get("task") == "AzureCLI@2")
    assert task["env"]["SYSTEM_ACCESSTOKEN"] == "$(System.AccessToken)"


def test_the_variables_of_the_operator_are_those_that_are_read() -> None:
    page = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    sources = "".join((ROOT / "src/pbisetup/services" / f"{name}.py").read_text() for name in ("identity", "workload"))
    for name in set(re.findall(r"PBISETUP_OPERATOR_([A-Z_]+)`", page)):
        assert name in sources, name
    for name in re.findall(r'_operator\("(\w+)"\)', sources):
        assert f"PBISETUP_OPERATOR_{name}" in page, name


@pytest.mark.parametrize(("where", "command"), commands() + steps_of_jobs(), ids=lambda value: str(value)[:60])
def test_every_command_that_is_shown_can_be_typed(where: str, command: str) -> None:
    words = shlex.split(command.split(" < ", maxsplit=1)[0])[1:]
    words = [w for w in words if w not in ("FILE", "...")]
    parser = typer.main.get_command(app)
    context = parser.make_context("pbisetup", list(words), resilient_parsing=True)
    name, subcommand, rest = parser.resolve_command(context, list(words))  # type: ignore[attr-defined]
    while hasattr(subcommand, "resolve_command") and rest:
        inner = subcommand.make_context(name, list(rest), parent=context, resilient_parsing=True)
        name, subcommand, rest = subcommand.resolve_command(inner, list(rest))
    if "--" in rest:  # what follows is another program's
        rest = rest[: rest.index("--")]
    placeholders = [w for w in rest if w.isupper()]
    known = {option for parameter in subcommand.params for option in parameter.opts}
    for word in rest:
        if word.startswith("--") and word not in placeholders:
            assert word.split("=")[0] in known, f"{where}: {command}"


def test_the_page_of_codes_is_what_the_catalogue_makes_of_it() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert page == troubleshooting_page(), "run: python -m pbisetup.ui.docs > docs/troubleshooting.md"


def test_every_code_in_the_program_is_explained() -> None:
    sources = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py"))
    known = set(codes()) | {entry.code for entry in entries().values()}
    assert set(re.findall(r"\"(PBI\d{3})\"", sources)) <= known


def test_every_link_between_documents_leads_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
    anchors = {f"docs/troubleshooting.md#{entry.code.lower()}" for entry in entries().values()}
    assert {entry.docs for entry in entries().values()} <= anchors


def test_every_source_that_is_named_is_listed() -> None:
    listed = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    known = {
        f"{sheet}.md {section}"
        for sheet, sections in re.findall(r"(entra|powerbi|clients|startup)\.md ([A-Z0-9., ]+?) \|", listed)
        for section in sections.split(", ")
    }
    files = [p for kind in ("py", "toml", "tsv") for p in (ROOT / "src").rglob(f"*.{kind}")]
    named = {
        f"{sheet}.md {section}"
        for path in files
        for sheet, section in re.findall(
            r"(entra|powerbi|clients|startup)\.md ([A-Z]?[0-9]+(?:\.[0-9]+)?)", path.read_text(encoding="utf-8")
        )
    }
    assert named <= known, sorted(named - known)


def normalized(session: str) -> list[str]:
    """A session without what differs from run to run: ids, ports, codes, times, and where lines break."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "GUID", session)
    text = re.sub(r"localhost:\d+", "localhost:PORT", text)
    text = re.sub(r"code\s+[A-Z0-9]{9}", "code CODE", text)
    text = re.sub(r"\d+ minutes left", "N minutes left", text)
    text = re.sub(r"\d{4}-\d\d-\d\d", "DATE", text)
    return text.split()


def test_the_session_in_the_readme_is_what_a_newcomer_sees(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- session: pbisetup (.*?) -->\n```text\n\$ [^\n]*\n(.*?)```", text, re.DOTALL)
    assert shown is not None
    cli = Cli(tmp_path / "reports")
    ran = cli.ok(*shown[1].split(), env={"COLUMNS": "80"})
    assert normalized(shown[2]) == normalized(ran.err + ran.out)


def test_every_question_of_the_wizard_is_in_its_page() -> None:
    page = (ROOT / "docs" / "wizard.md").read_text(encoding="utf-8")
    cli = ROOT / "src" / "pbisetup" / "cli"
    source = "".join((cli / name).read_text(encoding="utf-8") for name in ("init.py", "init_answers.py", "talk.py"))
    asked = re.findall(r"prompts\.\w+\(\s*f?\"([^\"{]{6,})", source)
    assert len(asked) >= 5
    for question in asked:
        assert question.strip() in page, question


def test_the_flags_of_the_wizard_are_real() -> None:
    page = (ROOT / "docs" / "wizard.md").read_text(encoding="utf-8")
    command = typer.main.get_command(app).commands["init"]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"`(--[a-z-]+)`", page)) <= known
