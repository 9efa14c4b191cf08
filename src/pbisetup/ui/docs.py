"""The page of all codes, made from the catalogue: `python -m pbisetup.ui.docs > docs/troubleshooting.md`."""

from __future__ import annotations

import sys

from pbisetup.catalog.codes import codes
from pbisetup.catalog.findings import entries
from pbisetup.ui.explanation import filled, markdown

INTRODUCTION = """\
# Codes and what they mean

Made from the catalogue by `python -m pbisetup.ui.docs`; a test compares. `pbisetup explain CODE` prints the same in a
terminal. Findings come from `pbisetup doctor`, `pbisetup explain` and the proof after `apply`; the other codes stop a
command. 1xx local, 2xx network, 3xx token, 4xx consent and directory, 5xx tenant setting and group, 6xx workspace,
capacity and item, 7xx request, 8xx client tool, 9xx provisioning.
"""


def troubleshooting_page() -> str:
    """The whole page as Markdown, every code once, in order."""
    found = {code.code: (code.title, code.advice) for code in codes().values()}
    for entry in entries().values():
        found.setdefault(entry.code, (filled(entry.title), markdown(entry)))
    parts = [INTRODUCTION]
    for code, (title, body) in sorted(found.items()):
        parts.append(f'<a id="{code.lower()}"></a>\n\n## {code}: {title}\n\n{body}\n')
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(troubleshooting_page())
