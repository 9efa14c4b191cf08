"""The operations that the Power BI and Fabric REST APIs document, read from `data/operations.tsv`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Service = Literal["powerbi", "fabric"]
AppSupport = Literal["yes", "no", "only", "conditional", "unstated"]
_SECONDS = {"minute": 60, "hour": 3600}


@dataclass(frozen=True)
class Rate:
    """So many calls in so many seconds, counted per user or for the whole tenant."""

    most: int
    seconds: int
    per: Literal["user", "tenant"] = "user"


@dataclass(frozen=True)
class Operation:
    """One documented call."""

    service: Service
    id: str
    """Unique within its service."""
    method: str
    path: str
    """With `{placeholders}`, as published; a few hold a query."""
    scopes: tuple[frozenset[str], ...] | None
    """Of each set one delegated permission is needed; empty: none; None: not stated."""
    app: AppSupport
    """Whether a service principal may call it."""
    admin: Literal["read", "update", "user"] | None
    """An admin route, and the kind of tenant setting that admits service principals (`user`: none does)."""
    rates: tuple[Rate, ...]
    my_workspace: bool
    """It is about the caller's own workspace and has a twin under /groups/{groupId}."""
    preview: bool


@cache
def operations() -> tuple[Operation, ...]:
    """Every known operation, in the order of the data file."""
    text = files("pbisetup.catalog").joinpath("data/operations.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return tuple(_operation(*row) for row in rows[1:])


@cache
def by_id(service: Service) -> dict[str, Operation]:
    """The operations of one service by their id."""
    return {each.id: each for each in operations() if each.service == service}


def _operation(
    service: str, id_: str, method: str, path: str, scopes: str, app: str, admin: str, rates: str, flags: str
) -> Operation:
    needed = {"": None, "-": ()}.get(scopes, tuple(frozenset(each.split("|")) for each in scopes.split(";")))
    return Operation(
        service=service,  # type: ignore[arg-type]
        id=id_,
        method=method,
        path=path,
        scopes=needed,
        app=app,  # type: ignore[arg-type]
        admin=admin or None,  # type: ignore[arg-type]
        rates=tuple(_rate(each) for each in rates.split(",") if each),
        my_workspace="my_workspace" in flags.split(","),
        preview="preview" in flags.split(","),
    )


def _rate(text: str) -> Rate:
    most, time, *per = text.split("/")
    return Rate(int(most), _SECONDS[time], per[0] if per else "user")  # type: ignore[arg-type]


def matching(service: Service, method: str | None, path: str) -> tuple[Operation, ...]:
    """The operations that a path means, with any key in the place of a placeholder; a literal segment goes first."""
    wanted = path.partition("?")[0].strip("/").split("/")
    found: list[tuple[int, Operation]] = []
    for operation in by_id(service).values():
        if method is not None and operation.method != method:
            continue
        segments = operation.path.partition("?")[0].strip("/").split("/")
        if len(segments) == len(wanted) and all(map(_fits, segments, wanted)):
            found.append((sum("{" in each for each in segments), operation))
    least = min((count for count, _ in found), default=0)
    return tuple(operation for count, operation in found if count == least)


def _fits(segment: str, given: str) -> bool:
    start, brace, rest = segment.partition("{")
    if not brace:
        return segment.lower() == given.lower()
    end = rest.rpartition("}")[2]
    low = given.lower()
    return len(given) > len(start) + len(end) and low.startswith(start.lower()) and low.endswith(end.lower())
