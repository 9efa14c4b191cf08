"""What Power BI takes of a body: names and the values of enumerations without regard to case, everything else strictly.

Every refusal names the field, in the one form that was published (powerbi.md 6.1); for other fields that is inferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import FORM, Request
from pbisetup.sandbox.powerbi.causes import Refused

_JSON: Final = ("application/json", "text/json")


def read(request: Request) -> Fields:
    """The body, as JSON or as a form; an empty one is an empty object. Raises Refused and BadBody.

    That forms pass: several public samples ask for embed tokens by one.
    """
    type_ = request.media_type
    if request.call.body.strip() and not (type_ in (*_JSON, FORM) or type_.endswith("+json")):
        raise Refused("media_type_unsupported", type=type_ if type_.isascii() and len(type_) < 100 else "")
    return request.body


def invalid(field: str) -> Refused:
    """The refusal of one field."""
    return Refused("field_invalid", field=field)


def text(body: Fields, name: str) -> str:
    """A text that must be there and not be blank. Raises Refused."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise invalid(name)
    return value


def optional_text(body: Fields, name: str) -> str:
    """A text; blank where it is absent or null. Raises Refused."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(name)
    return value or ""


def choice(body: Fields, name: str, allowed: Sequence[str]) -> str | None:
    """One of an enumeration's values as it is documented; None where it is absent or null. Raises Refused."""
    value = body.get(name)
    if value is None:
        return None
    found = match(value, allowed)
    if found is None:
        raise invalid(name)
    return found


def match(value: Any, allowed: Sequence[str]) -> str | None:
    """The value of an enumeration that a text means, if any."""
    wanted = value.lower() if isinstance(value, str) else None
    return next((each for each in allowed if each.lower() == wanted), None)


def flag(body: Fields, name: str) -> bool:
    """True or false; false where it is absent or null. Raises Refused."""
    value = match(body.get(name), ("true", "false")) or body.get(name)  # a form has texts only
    if value is not None and not isinstance(value, bool) and value not in ("true", "false"):
        raise invalid(name)
    return value in (True, "true")


def whole(body: Fields, name: str) -> int | None:
    """A whole number, also as a text; None where it is absent or null. Raises Refused."""
    value = body.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise invalid(name)
    return value


def objects(body: Fields, name: str) -> list[Fields]:
    """A list of objects; empty where it is absent or null. Raises Refused."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, Fields) for each in value):
        raise invalid(name)
    return value
