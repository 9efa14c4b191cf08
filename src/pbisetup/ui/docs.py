"""The page of all codes, made from the catalogue: `python -m pbisetup.ui.docs > docs/troubleshooting.md`."""

from __future__ import annotations

import sys

from pbisetup.catalog.codes import codes
from pbisetup.catalog.findings import entries

INTRODUCTION = """\
# Codes and what they mean

Made from the catalogue by `python -m pbisetup.ui.docs`; a test compares. Findings come from `pbisetup doctor` and from the
proof after `apply`; the other codes stop a command. 1xx local, 2xx network, 3xx token, 4xx consent and directory, 5xx tenant
setting and group, 6xx workspace, 7xx request, 9xx provisioning.
"""


def troubleshooting_page() -> str:
    """The whole page as Markdown, every code once, in order."""
    sections = {code.code: f"{code.title}\n\n{code.advice}" for code in codes().values()}
    for entry in entries().values():
        lines = [entry["title"], "", entry["explanation"]]
        if entry.get("decided_by"):
            lines += ["", f"What decides it: {entry['decided_by']}."]
        for remedy in entry["remedies"]:
            command = f" `{remedy['command']}`" if remedy.get("command") else ""
            url = f" <{remedy['url']}>" if remedy.get("url") else ""
            lines += ["", f"- {remedy['who']}: {remedy['text']}{command}{url}"]
        text = "\n".join(lines)
        for placeholder, words in _WORDS.items():
            text = text.replace("{" + placeholder + "}", words)
        sections.setdefault(entry["code"], text)
    parts = [INTRODUCTION]
    for code, text in sorted(sections.items()):
        title, _, body = text.partition("\n")
        parts.append(f'<a id="{code.lower()}"></a>\n\n## {code}: {title}\n{body}\n')
    return "\n".join(parts)


_WORDS = {
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

if __name__ == "__main__":
    sys.stdout.write(troubleshooting_page())
