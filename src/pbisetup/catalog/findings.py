"""The findings, one file each in `data/findings/`: what a cause is called, what proves it, what it is confused with, and
who can mend it how. From these come the text of a finding, `explain CODE` and the page docs/troubleshooting.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

from pbisetup.catalog.codes import codes
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Certainty, Finding, Remedy, Severity
from pbisetup.model.plan import Action

Grade = Literal["documented", "observed live", "several sources", "one source", "inferred"]
DOCS = "docs/troubleshooting.md"
PORTAL = "https://app.powerbi.com"
"""Whose pages are named where nothing says which cloud it is."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SENTENCE = re.compile(r"(?<=[.}])\s+(?=[A-Z{])")


@dataclass(frozen=True)
class Source:
    """Where a fact is from, when it was read there, and how good that is."""

    what: str
    date: str
    grade: Grade


@dataclass(frozen=True)
class Confusion:
    """Another cause with the same face, and the fact that separates the two."""

    cause: str
    fact: str


@dataclass(frozen=True)
class Advice:
    """What is not to be done, and why people are told to."""

    text: str
    why: str


@dataclass(frozen=True)
class Entry:
    """One finding. Texts may hold `{placeholders}` that evidence fills."""

    name: str
    code: str
    cause: str
    """From the closed list of causes; several entries may share one."""
    severity: Severity
    title: str
    explanation: str
    meaning: str
    """More than fits on a screen of findings; may be empty."""
    proof: tuple[str, ...]
    """What proves it, each by itself."""
    decided_by: str | None
    fine_when: str
    confused_with: tuple[Confusion, ...]
    avoid: tuple[Advice, ...]
    remedies: tuple[Remedy, ...]
    sources: tuple[Source, ...]

    @property
    def docs(self) -> str:
        page = "docs/aadsts.md" if self.code.startswith("AADSTS") else DOCS
        return f"{page}#{self.code.lower()}"


@cache
def entry(name: str) -> Entry:
    """The entry of this name. Raises KeyError."""
    file = _folder().joinpath(f"{name}.toml")
    if not file.is_file():
        raise KeyError(name)
    return parsed(name, tomllib.loads(file.read_text(encoding="utf-8")))


@cache
def entries() -> dict[str, Entry]:
    """All of them by name, in the order of their codes."""
    names = [file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml")]
    return {each.name: each for each in sorted(map(entry, names), key=lambda each: (each.code, each.name))}


def named(code: str) -> Entry | None:
    """The entry with this code or cause, whatever its case; only its own file is read as TOML. A code that stops a command
    has an entry without more than its meaning.
    """
    wanted = code.casefold()
    for file in _folder().iterdir():
        name = file.name.removesuffix(".toml")
        if name == wanted or file.read_text(encoding="utf-8").casefold().startswith(f'code = "{wanted}"'):
            return entry(name)
    stop = codes().get(code.upper())
    if stop is None:
        return None
    remedies = [{"who": "you", "text": stop.advice}]
    raw = {"code": stop.code, "severity": "error", "title": stop.title, "explanation": f"{stop.title}."}
    return parsed("undetermined", {**raw, "remedies": remedies})


def finding(
    name: str | Entry,
    certainty: Certainty,
    evidence: tuple[Evidence, ...] = (),
    *,
    decided_by: str | None = None,
    **values: str,
) -> Finding:
    """The finding of this name, its `{placeholders}` filled with these values; `decided_by` where it is not the entry's."""
    known = entry(name) if isinstance(name, str) else name
    filled = _Values({"portal": PORTAL, **{key: value for key, value in values.items() if value}})

    def fill(text: str | None) -> str | None:
        return text.format_map(filled).rstrip() if text is not None else None

    return Finding(
        code=known.code,
        cause=known.cause,
        severity=known.severity,
        certainty=certainty,
        title=fill(known.title) or "",
        explanation=fill(_sayable(known.explanation, filled)) or "",
        evidence=evidence,
        decided_by=None if certainty == "certain" else decided_by or known.decided_by,
        remedies=tuple(
            Remedy(
                who=remedy.who,
                text=remedy.text,
                action=remedy.action,
                command=fill(remedy.command),
                url=fill(remedy.url),
                fixable=remedy.fixable,
            )
            for remedy in known.remedies
        ),
        docs=known.docs,
    )


def _sayable(text: str, filled: Mapping[str, str]) -> str:
    """A text without the sentences that nothing is known for; all of it where none would be left."""
    sentences = [each for each in _SENTENCE.split(text) if set(_PLACEHOLDER.findall(each)) <= set(filled)]
    return " ".join(sentences) or text


def _folder() -> Traversable:
    return files("pbisetup.catalog").joinpath("data/findings")


def parsed(name: str, raw: dict[str, Any]) -> Entry:
    """An entry as its file has it."""
    return Entry(
        name=name,
        code=raw["code"],
        cause=raw.get("cause", name),
        severity=raw["severity"],
        title=raw["title"],
        explanation=raw["explanation"].strip(),
        meaning=raw.get("meaning", "").strip(),
        proof=tuple(raw.get("proof", ())),
        decided_by=raw.get("decided_by"),
        fine_when=raw.get("fine_when", "").strip(),
        confused_with=tuple(Confusion(**each) for each in raw.get("confused_with", ())),
        avoid=tuple(Advice(**each) for each in raw.get("avoid", ())),
        remedies=tuple(_remedy(each) for each in raw.get("remedies", ())),
        sources=tuple(Source(**each) for each in raw.get("sources", ())),
    )


def _remedy(raw: dict[str, Any]) -> Remedy:
    kind = raw.get("kind")
    return Remedy(
        who=raw["who"],
        text=raw["text"],
        action=Action(kind) if kind else None,
        command=raw.get("command"),
        url=raw.get("url"),
        fixable=raw.get("fixable", False),
    )


class _Values(dict[str, str]):
    """What is not known is left out of a sentence instead of breaking it."""

    def __missing__(self, key: str) -> str:
        return ""
