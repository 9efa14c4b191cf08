"""What `explain` prints: an entry of the catalogue as a page, and the findings of a pasted text with what it left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pbisetup.catalog.findings import Entry
from pbisetup.model.finding import Finding, Remedy
from pbisetup.ui.progress import Line, finding_lines, paragraph
from pbisetup.ui.terminal import spelled

if TYPE_CHECKING:
    from pbisetup.diagnosis.paste.paste import Paste

UNRECOGNISED = (
    "Nothing in this text is known here. Paste the whole error: the response body, the status, the URL that was called "
    "and, if there is one, the header x-powerbi-error-info or x-ms-public-api-error-code. A number such as "
    "AADSTS7000215 alone is enough. A token may be pasted too: it is decoded here and never shown."
)


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it: paragraphs, bullets, commands."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


def sections(entry: Entry) -> list[Section]:
    """The parts of an entry's page; what an entry does not have is left out."""
    number = entry.code.startswith("AADSTS")
    meaning = tuple(filled(text) for text in entry.meaning.split("\n\n") if text)
    if number:
        found = [Section("What the number says", (entry.explanation,)), Section("What it means here", meaning)]
    else:
        found = [Section("What happened", (filled(entry.explanation), *meaning))]
    if entry.proof:
        found.append(Section("What proves which cause" if number else "How we know", bullets=entry.proof))
    if entry.decided_by:
        found.append(Section("What decides it", (f"{entry.decided_by[0].upper()}{entry.decided_by[1:]}.",)))
    confused = Section("Not to be confused with", bullets=tuple(f"{c.cause}: {c.fact}" for c in entry.confused_with))
    if entry.confused_with and not number:
        found.append(confused)
    for remedy in entry.remedies:
        commands = tuple(filled(each) for each in (remedy.command, remedy.url) if each)
        found.append(Section(f"Fix: {remedy.who}", (remedy.text,), commands=commands))
    if entry.confused_with and number:
        found.append(confused)
    if entry.avoid:
        found.append(Section("What not to do", bullets=tuple(f"{a.text} {a.why}" for a in entry.avoid)))
    if entry.fine_when:
        found.append(Section("When it is fine", (entry.fine_when,)))
    if entry.sources:
        found.append(Section("References", bullets=tuple(f"{s.what} ({s.date}, {s.grade})" for s in entry.sources)))
    return found


def page_lines(entry: Entry, width: int) -> list[Line]:
    """An entry's page for a terminal."""
    lines: list[Line] = [*paragraph(f"{entry.code} {filled(entry.title)}", width, "", "bold")]
    for section in sections(entry):
        lines += [("", None), (section.heading, "bold")]
        for text in section.paragraphs:
            lines += paragraph(text, width, "  ")
        for text in section.bullets:
            first, *rest = paragraph(text, width - 2, "  ")
            lines += [(f"  - {first[0].strip()}", None), *((f"  {line}", style) for line, style in rest)]
        lines += [(f"    {spelled(command)}", "bold") for command in section.commands]
    return lines


def markdown(entry: Entry) -> str:
    """An entry's page as Markdown, without its title."""
    parts = []
    for section in sections(entry):
        parts.append(f"### {section.heading}")
        parts += section.paragraphs
        if section.bullets:
            parts.append("\n".join(f"- {bullet}" for bullet in section.bullets))
        if section.commands:
            parts.append(
                "```bash\n" + "\n".join(section.commands) + "\n```"
                if _typed(section)
                else "\n".join(f"<{c}>" for c in section.commands)
            )
    return "\n\n".join(parts)


def _typed(section: Section) -> bool:
    return not section.commands[0].startswith("https://")


def paste_lines(findings: tuple[Finding, ...], paste: Paste, width: int) -> list[Line]:
    """What to do first; then what a tool left out of the text, and the other candidates in short."""
    first, *others = findings
    lines = _first_lines(first, bool(others), width)
    for text in hidden(paste):
        lines += [("", None), *paragraph(text, width, "")]
    for number, finding in enumerate(others, 2):
        head, *rest = paragraph(f"{finding.code} {finding.title} ({finding.certainty})", width - 3, "")
        lines += [("", None), (f"{number}. {head[0]}", head[1]), *((f"   {text}", style) for text, style in rest)]
        if finding.certainty == "certain":
            lines += _remedy_lines(finding.remedies[:1], width)
            continue
        if finding.decided_by:
            lines += paragraph(f"What decides: {finding.decided_by}.", width, "   ", "dim")
        look = next((each for each in finding.remedies if _looks(each) and each.command), None)
        if look and look.command:
            lines += [(f"       {spelled(look.command)}", "dim")]
    told = numbers_in(paste)
    for entry in told:
        lines += [("", None), *paragraph(f"What {entry.code} means here", width, "", "bold")]
        lines += paragraph(entry.meaning, width, "   ")
    codes = [findings[0].code, *(entry.code for entry in told)]
    more = codes[1] if len(codes) > 1 and findings[0].cause == "entra_other" else " or ".join(codes)
    lines += [("", None), *paragraph(f"More: pbisetup explain {more}", width, "", "dim")]
    return lines


def _first_lines(finding: Finding, others: bool, width: int) -> list[Line]:
    """A finding with what fits on a screen: of its remedies the one that finds out and the first that mends."""
    looks = [each for each in finding.remedies if _looks(each)]
    mends = [each for each in finding.remedies if not _looks(each)]
    shown = (*mends[:2], *looks[:1]) if finding.certainty == "certain" else (*looks[:1], *mends[:1])
    if others and finding.certainty != "certain":
        lead = "This text fits several causes. The first is the one to rule out first."
        lines: list[Line] = [*paragraph(lead, width, "", "bold"), ("", None)]
    else:
        lines = []
    return lines + finding_lines(1, replace(finding, remedies=shown or finding.remedies[:2]), width)


def _looks(remedy: Remedy) -> bool:
    return remedy.action is not None and remedy.action.kind == "look_up"


def _remedy_lines(remedies: tuple[Remedy, ...], width: int) -> list[Line]:
    lines: list[Line] = []
    for remedy in remedies:
        lines += paragraph(f"{remedy.who}: {remedy.text}", width, "   ")
        lines += [(f"       {spelled(each)}", "bold") for each in (remedy.command, remedy.url) if each]
    return lines


def numbers_in(paste: Paste) -> list[Entry]:
    """The pages of the AADSTS numbers of a text that have one, the first two."""
    from pbisetup.catalog.aadsts import deep

    return [entry for signal in paste.of("aadsts") or () if (entry := deep(signal.value)) is not None][:2]


def hidden(paste: Paste) -> list[str]:
    """What the tools in the text are known to leave out, and how to see it."""
    from pbisetup.catalog.pasted import known_tools

    named = {signal.value for signal in paste.of("tool") or ()}
    has_body = paste.of("code") or paste.of("aadsts")
    return [
        f"{tool.title[0].upper()}{tool.title[1:]} does not show {tool.hides}. To see it: {tool.look}."
        for tool in known_tools()
        if tool.name in named and tool.look and not has_body
    ][:1]


WORDS = {
    "environment": "ENV",
    "message": "(what the service said)",
    "client_id": "CLIENT_ID",
    "tenant_id": "TENANT_ID",
    "workspace": "'WORKSPACE'",
    "audience": "AUDIENCE",
    "wanted": "Power BI's resource",
    "expires": "a time that is past",
    "roles": "ROLES",
    "portal": "https://app.powerbi.com",
}


def filled(text: str) -> str:
    """A text of the catalogue with general words for what evidence would fill in."""
    for placeholder, words in WORDS.items():
        text = text.replace("{" + placeholder + "}", words)
    return text
