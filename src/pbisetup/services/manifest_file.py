"""The manifest on disk. Edits keep comments and order."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pbisetup.model.errors import UsageError
from pbisetup.model.manifest import Manifest
from pbisetup.planning.manifest import ManifestError, parse_manifest
from pbisetup.services.files import write_private

FILENAME = "pbisetup.toml"


def load(path: Path) -> Manifest:
    """The manifest in this file. Raises UsageError where there is none, ManifestError where it is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            "PBI100",
            f"there is no {path.name} here",
            remedy="Make one with `pbisetup init`, or name it with --manifest.",
            command="pbisetup init",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("PBI100", f"{path} cannot be read: {error}") from None
    return parse_manifest(text, path.name)


def new_project_id() -> str:
    """Six letters and digits that keep two teams' objects apart."""
    alphabet = string.ascii_lowercase + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(6))


def write_new(
    path: Path,
    project: Mapping[str, Any],
    defaults: Mapping[str, Any],
    environments: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write a new manifest. Raises UsageError where the folder cannot be written."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("The environments as they should be. Holds no secret: commit it."))
    document.add("project", _table(project))
    document.add("defaults", _table(defaults))
    listed = tomlkit.table(is_super_table=True)
    for name, entry in environments.items():
        listed.add(name, _table(entry))
    document.add("environments", listed)
    _save(path, tomlkit.dumps(document))


def add_environments(path: Path, environments: Mapping[str, Mapping[str, Any]]) -> None:
    """Add environments to an existing manifest, after those it has; everything else stays as it was written."""
    import tomlkit

    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    listed: Any = document["environments"]
    for name, entry in environments.items():
        listed.add(name, _table(entry))
    _save(path, tomlkit.dumps(document))


def remove_environment(path: Path, name: str) -> bool:
    """Take an environment's table out; everything else stays as it was written, the comments before the next one too.

    False where it is the only one: a manifest without an environment would be none. Raises UsageError where the file cannot
    be written, or where the rest would not be read as before.
    """
    before = path.read_text(encoding="utf-8-sig")
    kept = dict(parse_manifest(before, path.name).environments)
    if name not in kept:
        return True
    if len(kept) == 1:
        return False
    del kept[name]
    for text in (_without_lines(before, name), _without_key(before, name)):
        try:
            left = dict(parse_manifest(text, path.name).environments)
        except ManifestError:
            continue
        if left == kept:
            _save(path, text)
            return True
    raise UsageError("PBI103", f"{path.name} is written in a way that [environments.{name}] cannot be taken out of")


def _without_lines(text: str, name: str) -> str:
    """Without the lines of the table and of those inside it. What stands before the next table belongs to that."""
    own = re.compile(rf"""\s*\[\[?\s*environments\s*\.\s*(["']?){re.escape(name)}\1\s*[.\]]""")
    left: list[str] = []
    inside: list[str] | None = None
    for line in text.splitlines(keepends=True):
        if own.match(line):
            inside = []
        elif line.lstrip().startswith("[") and inside is not None:
            left += inside
            inside = None
        if inside is None:
            left.append(line)
        elif not line.strip() or line.lstrip().startswith("#"):
            inside.append(line)
        else:
            inside = []
    return "".join(left)


def _without_key(text: str, name: str) -> str:
    """However it is written; comments after the table go with it."""
    import tomlkit

    document: Any = tomlkit.parse(text)
    del document["environments"][name]
    return tomlkit.dumps(document)


def _table(values: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.table()
    for key, value in values.items():
        table.add(key, _item(value))
    return table


def _item(value: Any) -> Any:
    import tomlkit

    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        inline.update({k: v for k, v in value.items() if v is not None})
        return inline
    if isinstance(value, Sequence) and not isinstance(value, str):
        array = tomlkit.array()
        for each in value:
            array.append(_item(each))
        return array
    return value


def _save(path: Path, text: str) -> None:
    try:
        write_private(path, text)
        # It holds no secret and colleagues read it from the same checkout.
        path.chmod(0o644)
    except OSError as error:
        raise UsageError("PBI103", f"{path} cannot be written: {error.strerror or error}") from None
