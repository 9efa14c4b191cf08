"""The note beside a credential as one line of text, in every store: `key id ..., ends ..., retires ... after ...`."""

from __future__ import annotations

import re
from datetime import datetime

from pbisetup.model.tenant import Note, Retiring

_ID = r"[0-9A-Za-z_-]{1,120}"
_PARTS = re.compile(
    rf"key id (?P<key>{_ID})|ends (?P<ends>\d{{4}}-\d{{2}}-\d{{2}})|application (?P<app>{_ID})|instead of (?P<instead>\w+)"
    rf"|retires (?P<old>{_ID}) after (?P<after>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
)


def note_text(note: Note) -> str:
    """The note in a line; ids and days only."""
    parts = [f"key id {note.key_id}"] if note.key_id else []
    parts += [f"ends {note.ends}"] if note.ends else []
    parts += [f"application {note.application}"] if note.application else []
    parts += [f"instead of {note.instead_of}"] if note.instead_of else []
    parts += [f"retires {old.key_id} after {old.after:%Y-%m-%dT%H:%M:%SZ}" for old in note.retiring]
    return ", ".join(parts)


def read_note(text: str) -> Note:
    """What a line says; anything else in it is passed over, because people edit files."""
    found = {"key": "", "ends": "", "app": "", "instead": ""}
    retiring = []
    for match in _PARTS.finditer(text):
        if match["old"]:
            try:
                after = datetime.fromisoformat(match["after"])
            except ValueError:
                continue
            retiring.append(Retiring(match["old"], after))
        else:
            found |= {name: value for name, value in match.groupdict().items() if name in found and value}
    return Note(found["key"] or None, found["ends"], found["app"], found["instead"], tuple(retiring))
