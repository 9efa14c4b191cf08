"""Text that goes into scripts: ids that are known only when one runs, and the marks that keep them apart from names. Pure.

What is sent is written in ASCII, so that a script does what it shows: no character of a name can turn the text around or
end a word, whatever a mail program or an editor did to the file on its way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, Final
from urllib.parse import quote

VARIABLE: Final = re.compile("\ue000([A-Z][A-Z0-9_]*)\ue001")
"""A variable of the script inside a text, between two characters that are taken out of every name."""
_MARKS: Final = re.compile("[\ue000\ue001]")
_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def variable(output: str) -> str:
    """The place of an id that a script looks up: `group_id` -> the variable GROUP_ID."""
    return f"\ue000{output.upper()}\ue001"


def unmarked(value: Any) -> Any:
    """A value of the tenant's without the marks of variables, so that none is made up by a name."""
    if isinstance(value, str):
        return _MARKS.sub("", value)
    if isinstance(value, Mapping):
        return {unmarked(key): unmarked(each) for key, each in value.items()}
    return [unmarked(each) for each in value] if isinstance(value, (list, tuple)) else value


def with_variables(params: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """An action's parameters with what is `known` by now filled in, and variables for the other ids that steps hand on.

    Names of the tenant stay text, whatever they look like.
    """
    return {key: _filled(key, value, known) for key, value in params.items()}


def _filled(key: str, value: Any, known: Mapping[str, str]) -> Any:
    match = _PLACEHOLDER.fullmatch(value) if key.endswith("_id") and isinstance(value, str) else None
    if match is None:
        return unmarked(value)
    return unmarked(known[match[1]]) if match[1] in known else variable(match[1])


def variables(value: Any) -> list[str]:
    """The variables in a text or in anything made of texts, in their order and once each."""
    if isinstance(value, str):
        return list(dict.fromkeys(VARIABLE.findall(value)))
    if is_dataclass(value):
        value = list(vars(value).values())
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return list(dict.fromkeys(name for each in value for name in variables(each)))
    return []


def replaced(text: str, plain: Callable[[str], str], named: Callable[[str], str]) -> str:
    """The text with its plain parts and its variables written each in their own way."""
    parts = VARIABLE.split(text)
    return "".join(named(part) if number % 2 else plain(part) for number, part in enumerate(parts) if part)


def segment(text: str) -> str:
    """A part of an address, its variables left in place."""
    return replaced(text, lambda plain: quote(plain, safe="-_.~"), variable)


def name_filter(name: str) -> str:
    """`$filter` for a name, each quote in it doubled, as OData wants it."""
    return "$filter=" + quote(f"name eq '{doubled(name)}'", safe="'")


def doubled(text: str) -> str:
    return text.replace("'", "''")


def ascii_json(value: Any) -> str:
    """JSON in ASCII, its variables left in place."""
    text = json.dumps(value, ensure_ascii=False)
    return replaced(text, lambda plain: re.sub(r"[^\x20-\x7e]", _escaped, plain), variable)


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if ord(match[0]) > 0x7F else f"\\u{ord(match[0]):04x}"


def shown(text: str) -> str:
    """A name on one line for people to read: what does not print, or turns the text around, stands as an escape."""
    clean = unmarked(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in clean)
