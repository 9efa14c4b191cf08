"""What a task does to the tenant, in words that every scripting language can be written from.

Each operation says what it reads first, so that a script that runs twice changes nothing the second time. Texts may hold
the variables of `text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Service = Literal["graph", "powerbi", "fabric"]
Method = Literal["post", "patch", "put", "delete"]


@dataclass(frozen=True)
class Place:
    """An object or a list, by its path in one service."""

    service: Service
    path: str


@dataclass(frozen=True)
class Find:
    """An id that is known only when the script runs: a field of the object at a key."""

    sets: str
    """The variable, in capitals."""
    at: Place
    field: str
    what: str
    by_name: bool = False
    """Whether the place is a list that a name is looked up in, and exactly one must bear it."""


@dataclass(frozen=True)
class Make:
    """An object with a key of its own, made where there is none; what is there is left as it is (entra.md 1.2)."""

    at: Place
    body: Mapping[str, Any]
    finds: tuple[Find, ...] = ()


@dataclass(frozen=True)
class Listed:
    """Whether a list holds an entry with these fields."""

    at: Place
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Send:
    """One request, sent unless it is `done` already, which what is read first shows."""

    method: Method
    at: Place
    body: Mapping[str, Any] | None
    done: Listed | Place
    """A list to look through, or an object that may be there."""
    gone: bool = False
    """Whether it is done when nothing is found there, as after a removal."""


@dataclass(frozen=True)
class Merge:
    """Properties of an object: single values are set, lists are extended by what they lack, and never cut."""

    at: Place
    properties: Mapping[str, Any]
    elsewhere: tuple[str, ...] = ()
    """Other lists, as `platform.property`, in which an entry counts as there already."""


@dataclass(frozen=True)
class AddKey:
    """A public certificate beside those that an application has: the list is written as a whole (entra.md 1.8)."""

    at: Place
    key: str
    """The certificate in base64 of its DER form."""
    identifiers: tuple[str, ...]
    """What Graph may show as its customKeyIdentifier."""
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Grant:
    """Consent to delegated permissions, for everybody or one person, beside what the same grant holds already."""

    sp: str
    resource: str
    scopes: tuple[str, ...]
    principal: str | None = None
    grant_id: str | None = None
    """Of the grant that was there when this was written."""


@dataclass(frozen=True)
class Assign:
    """A person assigned to the app, in its first role for people, else in none."""

    sp: str
    person: str


@dataclass(frozen=True)
class AdmitGroup:
    """A tenant setting that is to let a group in: read, merged, written; never narrowed, never on for everybody."""

    setting: str
    group_id: str
    group_name: str
    announced: tuple[str, ...] = ()
    """Ids of the groups that whoever asks knows to be listed there."""


@dataclass(frozen=True)
class Role:
    """A role in a workspace. One that is higher by now, and that nobody asked to take away, is left."""

    workspace: str
    sp: str
    role: str
    replaces: str | None = None


@dataclass(frozen=True)
class MakeWorkspace:
    """A workspace of this name, made where the one who runs the script sees none."""

    name: str
    find: Find


Operation = Find | Make | Send | Merge | AddKey | Grant | Assign | AdmitGroup | Role | MakeWorkspace


@dataclass(frozen=True)
class Written:
    """An action in operations, with what to know before."""

    operations: tuple[Operation, ...]
    note: str = ""


def makes(operation: Operation) -> tuple[str, ...]:
    """The variables that an operation sets."""
    match operation:
        case Find():
            return (operation.sets,)
        case Make():
            return tuple(each.sets for each in operation.finds)
        case MakeWorkspace():
            return (operation.find.sets,)
        case _:
            return ()
