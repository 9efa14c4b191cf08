"""The page of AADSTS numbers, made from the catalogue: `python -m pbisetup.ui.aadsts > docs/aadsts.md`."""

from __future__ import annotations

import sys

from pbisetup.catalog.aadsts import deep_entries, numbers
from pbisetup.ui.explanation import markdown

INTRODUCTION = """\
# AADSTS numbers

Made from the catalogue by `python -m pbisetup.ui.aadsts`; a test compares. `pbisetup explain AADSTS7000215` prints the
same in a terminal, and takes the whole message too. A number here comes from Entra, before Power BI has seen anything:
tenant settings and workspace roles play no part. Microsoft asks programs to go by the word in the field `error` and not
by the number, because numbers change.

The numbers that setting up Power BI and Fabric meets stand first, each with its causes and who can mend it. The
[other numbers](#other-numbers) have one line each; the advice is ours.
"""


def aadsts_page() -> str:
    """The whole page as Markdown."""
    deep = deep_entries()
    parts = [INTRODUCTION]
    for entry in deep.values():
        code = entry.code.lower()
        parts.append(f'<a id="{code}"></a>\n\n## {entry.code}: {entry.title}\n\n{markdown(entry)}\n')
    rows = ["## Other numbers\n", "| number | name | about | advice | seen |", "|---|---|---|---|---|"]
    for number, known in sorted(numbers().items(), key=lambda each: int(each[0])):
        if number not in deep:
            seen = "Microsoft's page" if known.origin == "official" else "in public"
            advice = known.advice.replace("|", "\\|").replace("<", "&lt;")
            rows.append(f"| {number} | {known.name} | {known.category} | {advice} | {seen} |")
    return "\n".join(parts) + "\n" + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(aadsts_page())
