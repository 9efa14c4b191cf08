"""The door of an API: each route judged by the API's table of causes, and refusals in the API's own shape."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from pbisetup.catalog.operations import Operation, Service, by_id
from pbisetup.sandbox import activity
from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Need, Request
from pbisetup.sandbox.gate.when import When
from pbisetup.sandbox.wire import BadBody, Call, Reply, Route, World

Handle = Callable[[Request], Reply]


class Cause(Protocol):
    """A row of a table: its name, when it applies, and the answer's status; the rest is the API's own."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def when(self) -> When | None:
        """None: the operation itself finds out."""


class Refusal(Exception):
    """One row of the table as the answer to one call."""

    def __init__(self, name: str, /, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        self.name = name
        self.headers = headers or {}
        self.fields = fields
        super().__init__(name)


class Door:
    """One API: how it judges, and how it says no."""

    def __init__(
        self,
        service: Service,
        table: Sequence[Cause],
        refuse: Callable[..., Refusal],
        reply: Callable[[Call, Any], Reply],
        *,
        garbage: Callable[[], Refusal],
    ) -> None:
        self._service = service
        self._table = [cause for cause in table if cause.when is not None]
        self._refuse = refuse
        self._reply = reply
        self._garbage = garbage

    def route(
        self,
        operation: str | Operation,
        handle: Handle,
        *,
        role: str | None = None,
        capacity: bool = False,
        settings: tuple[str, ...] = (),
        app_settings: tuple[str, ...] = (),
    ) -> Route:
        """A documented operation by its id (or one that the catalogue lacks), with what it needs."""
        known = by_id(self._service)[operation] if isinstance(operation, str) else operation
        need = Need(known, role, capacity, settings, app_settings)
        return Route(known.method, known.path.partition("?")[0], self._handler(need, handle))

    def others(self, carried: Iterable[Route]) -> list[Route]:
        """The operations of the catalogue that are not carried: judged like the others, then said to be missing."""
        taken = {_place(route.method, route.path) for route in carried}
        routes = []
        for operation in by_id(self._service).values():
            place = _place(operation.method, operation.path)
            if place not in taken:
                taken.add(place)
                inside = not operation.admin and bool(re.search(r"\{(groupId|workspaceId)\}", operation.path))
                least = ("Viewer" if _reads(operation) else "Contributor") if inside else None
                routes.append(self.route(operation, _not_carried, role=least))
        return routes

    def judge(self, request: Request) -> None:
        """Raises the first cause that applies."""
        for cause in self._table:
            if cause.when is not None and cause.when(request):
                if cause.status == 429:
                    wait = str(request.wait)
                    told = {**request.fields, "wait": wait, "until": request.blocked_until}
                    raise self._refuse(cause.name, headers={"Retry-After": wait}, **told)
                raise self._refuse(cause.name, **request.fields)

    def _handler(self, need: Need, handle: Handle) -> Callable[[World, Call], Reply]:
        def handler(world: World, call: Call) -> Reply:
            request = Request(world, dataclasses.replace(call, query=Fields(call.query)), need)
            try:
                self.judge(request)
                answer = handle(request)
            except Refusal as refused:
                return self._reply(call, refused)
            except BadBody:
                return self._reply(call, self._garbage())
            activity.note(request, answer)
            return dressed(call, answer.status, answer.body, dict(answer.headers))

        return handler


def _place(method: str, path: str) -> tuple[str, str]:
    return method, re.sub(r"\{\w+\}", "{}", path.partition("?")[0]).lower()


def _reads(operation: Operation) -> bool:
    """Whether reading is all that the operation needs: also one that is posted, where a scope for reading opens it
    (inferred).
    """
    words = {scope.partition(".")[2] for one_of in operation.scopes or () for scope in one_of}
    return operation.method == "GET" or any(word.startswith("Read.") for word in words)


def _not_carried(request: Request) -> Reply:
    return not_carried(
        request,
        "Neither its token nor a tenant setting, a scope or a role in the workspace of its path, if it has one, "
        "refuses this call. What else the operation looks at was not judged",
        request.operation.id,
    )


def not_carried(request: Request, judged: str, what: str) -> Reply:
    """No answer of Microsoft's: this tenant's own word how far the call was judged, and what is missing here."""
    said = f"{judged}: the sandbox does not carry {what}; see docs/parity.md."
    return Reply(501, {"sandbox": {"operation": request.operation.id, "message": said}})
