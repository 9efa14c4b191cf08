"""The door of an API: each route judged by the API's table of causes, and refusals in the API's own shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from pbisetup.catalog.operations import Operation, Service, by_id
from pbisetup.sandbox import activity
from pbisetup.sandbox.front_end import dressed
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
                least = ("Viewer" if operation.method == "GET" else "Contributor") if inside else None
                routes.append(self.route(operation, _not_carried, role=least))
        return routes

    def judge(self, request: Request) -> None:
        """Raises the first cause that applies."""
        for cause in self._table:
            if cause.when is not None and cause.when(request):
                if cause.status == 429:
                    wait = str(request.wait)
                    raise self._refuse(cause.name, headers={"Retry-After": wait}, **request.fields, wait=wait)
                raise self._refuse(cause.name, **request.fields)

    def _handler(self, need: Need, handle: Handle) -> Callable[[World, Call], Reply]:
        def handler(world: World, call: Call) -> Reply:
            request = Request(world, call, need)
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


def _not_carried(request: Request) -> Reply:
    """No answer of Microsoft's: this tenant's own word that the service would have gone on from here."""
    said = f"The caller may make this call. The sandbox does not carry {request.operation.id}; see docs/parity.md."
    return Reply(501, {"sandbox": {"operation": request.operation.id, "message": said}})
