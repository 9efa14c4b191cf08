"""A predicate of a table of causes in words: its docstring, with what it was made for."""

from __future__ import annotations

import sys
from typing import Any, Final, NamedTuple

from pbisetup.sandbox.gate.when import When

_INSTEAD: Final = {
    "too_many_requests": "The operation's rate limit is used up",
    "role_too_low": "The caller's role in the workspace is lower than the operation needs",
    "profile_of_a_user": "A user sends the profile header, which is for service principals",
    "profile_malformed": "The profile header holds no GUID",
    "profiles_switched_off": "The tenant setting for profiles does not let the service principal in",
    "feature_kept_from_a_user": "One of the further settings that the operation needs does not let the user in",
}
"""Where the docstring speaks to the programmer, or there is none."""


class Part(NamedTuple):
    """One question of a predicate."""

    name: str
    """Of the function in `when.py` or beside the table that asks it, or that makes what asks it."""
    made_for: tuple[Any, ...]
    documented: str | None


def words(predicate: When | None) -> str:
    """When a cause applies, as a page may say it."""
    if predicate is None:
        return "The operation finds out."
    told = "; and ".join(map(_one, parts(predicate)))
    return f"{told[0].upper()}{told[1:]}."


def parts(predicate: When) -> list[Part]:
    """The questions that it consists of."""
    name = predicate.__qualname__.partition(".")[0]
    made_for = tuple(cell.cell_contents for cell in predicate.__closure__ or ())
    if name == "both":
        return [part for each in made_for[0] for part in parts(each)]
    if name == "unknown":  # closures keep their variables by name, not in the order of the parameters
        kept = dict(zip(predicate.__code__.co_freevars, made_for, strict=True))
        made_for = (kept["name"], kept["answer"])
    maker = getattr(sys.modules[predicate.__module__], name, predicate)
    return [Part(name, made_for, maker.__doc__)]


def chosen_unknown(predicate: When | None) -> tuple[str, str] | None:
    """The contradiction between sources that decides here, and the answer on which this cause applies."""
    for part in parts(predicate) if predicate else ():
        if part.name == "unknown":
            return part.made_for[0], part.made_for[1]
    return None


def _one(part: Part) -> str:
    if part.name == "unknown":
        return f"where `unknowns.{part.made_for[0]}` is `{part.made_for[1]}`"
    said = _INSTEAD.get(part.name) or part.documented or part.name.strip("_").replace("_", " ")
    told = " ".join(said.split()).rstrip(".")
    told = told[0].lower() + told[1:]
    flat = [value for each in part.made_for for value in (each if isinstance(each, tuple) else (each,))]
    shown = ", ".join(f"`{value}`" for value in flat if isinstance(value, str | int))
    return f"{told}: {shown}" if shown else told
