"""The paraphrased posts that `explain` is tested on, and what can happen to a text between a program and a paste."""

from __future__ import annotations

import html
import json
import random
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pbisetup.diagnosis.paste.judge import judge, recognise
from pbisetup.model.finding import Certainty, Finding

SAMPLES = Path(__file__).with_name("samples.jsonl")
"""Paraphrased, with short error lines; `source` is the public thread or page. Of `set` second nothing was known when the
table was measured on it first (16 of 22 first, 18 among three, none wrongly certain); both sets are tuned on since."""

RANK: dict[Certainty, int] = {"certain": 3, "likely": 2, "possible": 1}


@dataclass(frozen=True)
class Sample:
    """A text and the causes that are right, the best first."""

    id: str
    source: str
    causes: tuple[str, ...]
    text: str


def samples() -> list[Sample]:
    """All of them."""
    rows = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    return [Sample(row["id"], row["source"], tuple(row["causes"]), row["text"]) for row in rows]


def explained(text: str | bytes) -> tuple[Finding, ...]:
    """What `explain` says to a text."""
    return judge(recognise(text.encode() if isinstance(text, str) else text))


def first(text: str | bytes) -> str | None:
    """The first cause, by the name of its finding's code."""
    found = explained(text)
    return found[0].code if found else None


def ranks(findings: Iterable[Finding]) -> dict[str, int]:
    """How sure each finding is."""
    return {each.code: RANK[each.certainty] for each in findings}


NOISE = (
    "Collecting wheel 1.4.2 from the local cache",
    "    adding module reports/builder.py (412 lines)",
    "step 14 of 63 took 2.4 s",
    "warning: unused variable 'total' in line 88",
    "Copied 1200 rows in 3 batches",
    "GET https://packages.example/simple/ 200 OK",
    "Cache hit for key linux-x64-3.11",
    "Done. Uploading the summary.",
)


def embedded(text: str, seed: int, lines: int = 500) -> str:
    """The text among lines of a build that has nothing to do with it."""
    chosen = random.Random(seed)  # noqa: S311
    noise = [f"{chosen.choice(NOISE)} #{chosen.randrange(10_000)}" for _ in range(lines)]
    at = chosen.randrange(lines)
    return "\n".join((*noise[:at], "", text, "", *noise[at:]))


def hard_wrapped(text: str, width: int) -> str:
    """As a terminal wraps: after so many characters, wherever that is."""
    return "\n".join(
        line[start : start + width] for line in text.split("\n") for start in range(0, max(1, len(line)), width)
    )


def word_wrapped(text: str, width: int) -> str:
    """As a mail or a formatter wraps: between words."""
    return "\n".join(
        "\n".join(textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)) if line.strip() else line
        for line in text.split("\n")
    )


def coloured(text: str) -> str:
    return "\n".join(f"\x1b[31;1m{line}\x1b[0m" for line in text.split("\n"))


def stamped(text: str) -> str:
    return "\n".join(f"2026-11-23T10:11:12.1234567Z ##[error]{line}" for line in text.split("\n"))


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


def fenced(text: str) -> str:
    return f"Here is what I get:\n\n```text\n{text}\n```\n\nThanks!"


def in_json(text: str) -> str:
    return json.dumps({"level": "error", "log": text})


SPELLINGS: dict[str, Callable[[str], str | bytes]] = {
    "colours": coloured,
    "time stamps": stamped,
    "a mail": quoted,
    "a fence": fenced,
    "JSON": in_json,
    "JSON twice": lambda text: in_json(in_json(text)),
    "HTML": html.escape,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "UTF-16 with mark": lambda text: text.encode("utf-16"),
    "UTF-16-LE": lambda text: text.encode("utf-16-le"),
    "UTF-16-BE": lambda text: text.encode("utf-16-be"),
    "UTF-8 with mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "cp1252": lambda text: f"Répertoire: {text}".encode("cp1252", "replace"),
}
