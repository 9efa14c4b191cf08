"""How well `explain` names causes: `python -m tests.score CASES.jsonl [--all-fields] [--misses]`, or PBISETUP_CASES=FILE.

Each line of the file is a case: `root_cause` and `acceptable_labels` (or `causes`, the best first), and the pasted text
(`text`, or `symptom` with its fields). The real cases are other people's posts and not part of this repository; those in
tests/diagnosis/samples.jsonl are paraphrased.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pbisetup.diagnosis.paste.judge import judge, recognise


@dataclass(frozen=True)
class Case:
    """One pasted text and the causes that count as right."""

    id: str
    text: str
    causes: frozenset[str]


@dataclass(frozen=True)
class Scored:
    """What was answered to it."""

    case: Case
    answers: tuple[tuple[str, str], ...]
    """(cause, certainty), the first answer first."""

    def top(self, most: int) -> bool:
        named = {cause for cause, _ in self.answers[:most]}
        return bool(named & self.case.causes) or (not self.answers and "undetermined" in self.case.causes)

    @property
    def wrongly_certain(self) -> bool:
        return any(certainty == "certain" and cause not in self.case.causes for cause, certainty in self.answers)


def scored(case: Case) -> Scored:
    """The answers to a case."""
    return Scored(case, tuple((each.cause, each.certainty) for each in judge(recognise(case.text.encode()))))


def cases(path: Path, *, all_fields: bool = False) -> list[Case]:
    """The cases of a file; with `all_fields` the tool, status and code that stand beside a text are pasted with it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_case(json.loads(line), all_fields) for line in lines if line.strip()]


def _case(raw: Mapping[str, Any], all_fields: bool) -> Case:
    if "symptom" not in raw:
        return Case(raw["id"], raw["text"], frozenset(raw["causes"]))
    symptom = raw["symptom"]
    text = symptom["text"]
    if all_fields:
        status, code = symptom.get("http_status"), symptom.get("error_code")
        parts = [symptom.get("tool"), f"HTTP {status}" if status else None, code, text]
        text = "\n".join(str(part) for part in parts if part)
    return Case(raw["id"], text, frozenset({raw["root_cause"], *(raw.get("acceptable_labels") or ())}))


def table(results: Iterable[Scored]) -> str:
    """The figures as a table, with a line for each cause that was ever expected first."""
    found = list(results)
    top1, top3 = sum(each.top(1) for each in found), sum(each.top(3) for each in found)
    wrong = [each for each in found if each.wrongly_certain]
    sure = sum(any(certainty == "certain" for _, certainty in each.answers) for each in found)
    return "\n".join((
        "| cases | top-1 | top-3 | with a certain answer | wrongly certain |",
        "|---|---|---|---|---|",
        f"| {len(found)} | {top1} | {top3} | {sure} | {len(wrong)} |",
        *(f"wrongly certain: {each.case.id} {each.answers}" for each in wrong),
    ))  # fmt: skip


def main(arguments: list[str]) -> int:
    """Print the table; exit 1 where an answer is wrongly certain."""
    names = [each for each in arguments if not each.startswith("--")] or [os.environ.get("PBISETUP_CASES", "")]
    path = Path(names[0])
    if not path.is_file():
        sys.stderr.write("skipped: no cases. Give the JSONL file as argument or in PBISETUP_CASES.\n")
        return 0
    results = [scored(each) for each in cases(path, all_fields="--all-fields" in arguments)]
    sys.stdout.write(f"{table(results)}\n")
    if "--misses" in arguments:
        for each in results:
            if not each.top(1):
                expected = ", ".join(sorted(each.case.causes))
                sys.stdout.write(f"{each.case.id}: expected {expected}; answered {each.answers}\n")
    return int(any(each.wrongly_certain for each in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
