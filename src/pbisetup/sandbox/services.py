"""The services of the tenant, each loaded when it is first asked for, and how a path finds its handler there."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module

from pbisetup.sandbox import asgi
from pbisetup.sandbox.wire import Call, Handler, Reply, Route, World

NAMES = ("entra", "graph", "powerbi", "fabric", "xmla", "arm", "portal", "vault")
"""Each a module or package beside this one, with `routes`, `unknown` and perhaps `dressed`."""


class Service:
    """One service of the tenant: its routes, its own way to say 404, and what it puts on every answer."""

    def __init__(
        self,
        routes: list[Route],
        unknown: Callable[[Call], Reply],
        dressed: Callable[[World, Call, Reply], Reply] = lambda _world, _call, answer: answer,
    ) -> None:
        self.unknown = unknown
        self.dressed = dressed
        # By method and number of segments; a group is compiled when it is first asked for, because compiling
        # Graph's hundreds of routes would double the time to start.
        self._waiting: dict[tuple[str, int], list[Route]] = defaultdict(list)
        self._compiled: dict[tuple[str, int], list[tuple[re.Pattern[str], Handler]]] = {}
        for route in routes:
            self._waiting[route.method, route.path.count("/")].append(route)

    def find(self, method: str, path: str) -> tuple[Handler | None, dict[str, str]]:
        """The handler of a request and what its placeholders matched; no placeholder matches a slash."""
        group = (method, path.count("/"))
        if group not in self._compiled and group in self._waiting:
            self._compiled[group] = [
                (asgi.pattern(route.path), route.handler)
                # A literal segment wins over a placeholder: `/owners/$count` is no owner.
                for route in sorted(self._waiting.pop(group), key=lambda route: route.path.count("{"))
            ]
        for pattern, handler in self._compiled.get(group, ()):
            if match := pattern.match(path):
                return handler, match.groupdict()
        return None, {}

    def methods(self, path: str) -> frozenset[str]:
        """The methods that have a route for this path."""
        known = {method for method, _ in (*self._waiting, *self._compiled)}
        return frozenset(method for method in known if self.find(method, path)[0] is not None)


class Services:
    """All of them by name."""

    def __init__(self) -> None:
        self._loaded = {"none": Service([], lambda _call: Reply(404))}

    def __getitem__(self, name: str) -> Service:
        if name not in self._loaded:
            module = import_module(f"pbisetup.sandbox.{name}")
            more = (module.dressed,) if hasattr(module, "dressed") else ()
            self._loaded[name] = Service(module.routes, module.unknown, *more)
        return self._loaded[name]


def warm_up() -> None:
    """Import in a thread what the first requests need: it takes as long as all the rest of the start."""

    def work() -> None:
        for name in (*(f"pbisetup.sandbox.{each}" for each in NAMES), "jwt"):
            import_module(name)

    threading.Thread(target=work, daemon=True).start()
