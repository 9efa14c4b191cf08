"""What `explain` prints: an entry of the catalogue as a page, and the findings of a pasted text with what it left out."""

from __future__ import annotations

from dataclasses import dataclass

from pbisetup.catalog.findings import Entry
from pbisetup.diagnosis.paste.paste import Paste
from pbisetup.model.finding import Finding
from pbisetup.ui.progress import Line, finding_lines, paragraph
from pbisetup.ui.terminal import spelled

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
    found = [Section("What happened", tuple(filled(t) for t in (entry.explanation, *entry.meaning.split("\n\n")) if t))]
    if entry.proof:
        found.append(Section("How we know", bullets=entry.proof))
    if entry.decided_by:
        found.append(Section("What decides it", (f"{entry.decided_by[0].upper()}{entry.decided_by[1:]}.",)))
    if entry.confused_with:
        found.append(
            Section("Not to be confused with", bullets=tuple(f"{c.cause}: {c.fact}" for c in entry.confused_with))
        )
    for remedy in entry.remedies:
        commands = tuple(filled(each) for each in (remedy.command, remedy.url) if each)
        found.append(Section(f"Fix: {remedy.who}", (remedy.text,), commands=commands))
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
    """The first finding whole, the others in short, then what a tool left out of the text."""
    lines: list[Line] = finding_lines(1, findings[0], width)
    for number, finding in enumerate(findings[1:], 2):
        decided = f" What decides is {finding.decided_by}." if finding.decided_by else ""
        lines += [("", None), *paragraph(f"{number}. {finding.code} {finding.title} ({finding.certainty})", width, "")]
        lines += paragraph(f"{finding.explanation.split('. ')[0].rstrip('.')}.{decided}", width, "   ", "dim")
    for text in hidden(paste):
        lines += [("", None), *paragraph(text, width, "")]
    lines += [("", None), *paragraph(f"More: pbisetup explain {findings[0].code}", width, "", "dim")]
    return lines


def hidden(paste: Paste) -> list[str]:
    """What the tools in the text are known to leave out, and how to see it."""
    from pbisetup.catalog.pasted import known_tools

    named = {signal.value for signal in paste.of("tool") or ()}
    has_body = paste.of("code") or paste.of("aadsts")
    return [
        f"{tool.title[0].upper()}{tool.title[1:]} does not show {tool.hides}. To see it: {tool.look}."
        for tool in known_tools()
        if tool.name in named and tool.look and not has_body
    ][:2]


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
