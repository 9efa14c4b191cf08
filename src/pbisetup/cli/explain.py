"""`explain`: what a code, a number or a pasted error means, offline."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, command

if TYPE_CHECKING:
    from pbisetup.catalog.findings import Entry
    from pbisetup.ui.terminal import Terminal

MOST = 32_000_000
"""Bytes that are looked at; of a longer text its beginning and its end."""


def explain(
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]", help="A code (PBI501, AADSTS7000215), an error text, a file, or - for stdin."),
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="A file with the error.")] = None,
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
) -> None:
    """Say what an error means, what else it may be, what decides, and who can mend it. Needs no network and no sign-in.

    Paste the whole error, log lines and all: pbisetup explain - < build.log
    """
    common = Common(format=format, no_color=no_color)
    with command(common) as terminal:
        raw = _raw(" ".join(text or ()), file)
        number = _number(raw)
        raw = f"AADSTS{number}".encode() if number else raw
        entry = _entry(raw, number)
        if entry is not None and (number is None or not common.json):
            raise typer.Exit(_page(terminal, common, entry))
        raise typer.Exit(_paste(terminal, common, raw))


def _raw(text: str, file: Path | None) -> bytes:
    from pbisetup.model.errors import UsageError

    if file is None and text not in ("", "-"):
        # A name that is a file's is meant as one; an error text is never the name of a file that exists.
        if len(text) > 250 or "\n" in text or not _is_file(text):
            return text.encode("utf-8", "surrogateescape")
        file = Path(text)
    if file is not None:
        try:
            with file.open("rb") as stream:
                return _ends(stream.read(MOST + 1) if file.stat().st_size <= MOST else file.read_bytes())
        except OSError as error:
            raise UsageError("PBI104", f"{file} cannot be read: {error.strerror}") from None
    if sys.stdin is None or (text == "" and sys.stdin.isatty()):
        raise UsageError(
            "PBI109",
            "there is nothing to explain",
            remedy="Give a code or the error's text, or pipe it in.",
            command="pbisetup explain AADSTS7000215",
        )
    return _ends(sys.stdin.buffer.read())


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _ends(raw: bytes) -> bytes:
    return raw if len(raw) <= MOST else raw[: MOST // 2] + b"\n" + raw[-MOST // 2 :]


def _number(raw: bytes) -> str | None:
    """The AADSTS number, where the text is nothing else."""
    if len(raw) > 40 or not any(48 <= byte <= 57 for byte in raw):
        return None
    from pbisetup.catalog.aadsts import written

    return written(raw.decode("utf-8", "replace"))


def _entry(raw: bytes, number: str | None = None) -> Entry | None:
    """The catalogue's entry, where the text is nothing but a code of ours, the name of a cause or an AADSTS number."""
    if number is not None:
        from pbisetup.catalog.aadsts import deep

        return deep(number)
    if len(raw) > 80:
        return None
    name = raw.decode("utf-8", "replace").strip()
    if not re.fullmatch(r"(?i)PBI\d{3}|[a-z_]{5,60}", name):
        return None
    from pbisetup.catalog.findings import named

    return named(name)


def _page(terminal: Terminal, common: Common, entry: Entry) -> int:
    from pbisetup.catalog.findings import finding
    from pbisetup.model.finding import finding_json
    from pbisetup.ui.explanation import page_lines

    if common.json:
        shown = finding_json(finding(entry, "possible"))
        terminal.result(json.dumps({"schema": "pbisetup/explain/v1", "findings": [shown]}, indent=2))
    else:
        for line, style in page_lines(entry, terminal.width):
            terminal.result(line, style)
    return 0


def _paste(terminal: Terminal, common: Common, raw: bytes) -> int:
    from pbisetup.diagnosis.paste.judge import judge, recognise
    from pbisetup.diagnosis.paste.numbers import support_ids
    from pbisetup.model.errors import Evidence
    from pbisetup.model.finding import finding_json
    from pbisetup.ui.explanation import UNRECOGNISED, hidden, paste_lines

    paste = recognise(raw)
    findings = judge(paste)
    ids = support_ids(raw) if paste.of("aadsts") else {}
    said = ", ".join(f"{name} {value}" for name, value in ids.items())
    if ids and findings and common.json:
        evidence = Evidence("the answer of Entra", "local", said, ids.get("correlation id"))
        findings = (replace(findings[0], evidence=(*findings[0].evidence, evidence)), *findings[1:])
    if common.json:
        shown = [finding_json(each) for each in findings]
        terminal.result(json.dumps({"schema": "pbisetup/explain/v1", "findings": shown}, indent=2))
    elif findings:
        for line, style in paste_lines(findings, paste, terminal.width):
            terminal.result(line, style)
        if ids:
            terminal.wrapped_result(f"For Microsoft's support: {said}")
    else:
        for text in (UNRECOGNISED, *hidden(paste)):
            terminal.wrapped_result(text)
    return 0 if findings else 1
