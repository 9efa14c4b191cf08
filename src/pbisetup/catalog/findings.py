"""The findings: what each cause is called, how it is explained, and who can mend it. Read from `data/findings.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Certainty, Finding, Remedy


@cache
def entries() -> dict[str, dict[str, Any]]:
    """The raw entries by name; an entry's cause is its name unless it says otherwise."""
    text = files("pbisetup.catalog").joinpath("data/findings.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def finding(
    name: str,
    certainty: Certainty,
    evidence: tuple[Evidence, ...] = (),
    **values: str,
) -> Finding:
    """The finding of this name, its `{placeholders}` filled with these values."""
    entry = entries()[name]
    filled = _Values(values)

    def fill(text: str | None) -> str | None:
        return text.format_map(filled).rstrip() if text is not None else None

    return Finding(
        code=entry["code"],
        cause=entry.get("cause", name),
        severity=entry["severity"],
        certainty=certainty,
        title=fill(entry["title"]) or "",
        explanation=fill(entry["explanation"]) or "",
        evidence=evidence,
        decided_by=None if certainty == "certain" else entry.get("decided_by"),
        remedies=tuple(
            Remedy(
                who=remedy["who"],
                text=remedy["text"],
                command=fill(remedy.get("command")),
                url=fill(remedy.get("url")),
                fixable=remedy.get("fixable", False),
            )
            for remedy in entry["remedies"]
        ),
        docs=entry["docs"],
    )


class _Values(dict[str, str]):
    """What is not known is left out of a sentence instead of breaking it."""

    def __missing__(self, key: str) -> str:
        return ""
