"""A tenant inside the test process: state, keys and calls without a server, for tables that are asked many questions."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt

from pbisetup.sandbox import fabric, graph, powerbi, xmla
from pbisetup.sandbox.keys import SigningKey
from pbisetup.sandbox.seed import Identity, default_state
from pbisetup.sandbox.store import Tenant
from pbisetup.sandbox.wire import Call, Reply, Route, World

_KEY = SigningKey.generate()
ORIGIN = "https://localhost:1"
SERVICES = {"graph": graph.routes, "fabric": fabric.routes, "powerbi": powerbi.routes, "xmla": xmla.routes}
AUDIENCE = {
    "graph": "https://graph.microsoft.com",
    "fabric": "https://api.fabric.microsoft.com",
    "powerbi": "https://analysis.windows.net/powerbi/api",
    "xmla": "https://analysis.windows.net/powerbi/api",
}


class Inside:
    """The default tenant; adds to it and calls its handlers directly."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self.world = World(Tenant(state or default_state(Identity.new())), _KEY)
        self.tenant = self.world.tenant

    def user(self, name: str) -> dict[str, Any]:
        found = self.tenant.users.by("userPrincipalName", f"{name}@{self.tenant.domain}")
        assert found is not None
        return found

    def add_user(self, name: str, *roles: str, user_type: str = "Member") -> dict[str, Any]:
        return self.tenant.users.add(
            {
                "id": str(uuid.uuid4()),
                "userPrincipalName": f"{name}@{self.tenant.domain}",
                "displayName": name,
                "userType": user_type,
                "accountEnabled": True,
                "directoryRoles": list(roles),
            }
        )

    def add_app(self, name: str = "app", **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """An application and its service principal, old enough for everything."""
        app_id = str(uuid.uuid4())
        app = self.tenant.applications.add(
            {"id": str(uuid.uuid4()), "appId": app_id, "displayName": name, "owners": [], **more}
        )
        principal = self.tenant.servicePrincipals.add(
            {
                "id": str(uuid.uuid4()),
                "appId": app_id,
                "displayName": name,
                "servicePrincipalNames": [app_id],
                "appOwnerOrganizationId": self.tenant.id,
                "owners": [],
            }
        )
        return app, principal

    def add_group(self, name: str = "group", **more: Any) -> dict[str, Any]:
        blank = {"members": [], "owners": [], "securityEnabled": True, "groupTypes": []}
        return self.tenant.groups.add({"id": str(uuid.uuid4()), "displayName": name, **blank, **more})

    def setting(
        self, name: str, *, on: bool = True, enabled: tuple[str, ...] = (), excluded: tuple[str, ...] = ()
    ) -> None:
        found = self.tenant.tenantSettings.get(name)
        assert found is not None
        found["enabled"] = on
        found["enabledSecurityGroups"] = [{"graphId": i, "name": i} for i in enabled]
        found["excludedSecurityGroups"] = [{"graphId": i, "name": i} for i in excluded]

    def token(self, service: str, principal: str, **claims: Any) -> str:
        """A token: with `scp` a user's, with or without `roles` an app's."""
        now = int(time.time())
        body = {
            "aud": AUDIENCE[service],
            "tid": self.tenant.id,
            "oid": principal,
            "appid": str(uuid.uuid4()),
            "nbf": now - 300,
            "exp": now + 3600,
            **claims,
        }
        return jwt.encode(body, _KEY.private_key, algorithm="RS256", headers={"kid": _KEY.kid})

    def call(
        self,
        service: str,
        method: str,
        path: str,
        token: str | None,
        body: Any = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        origin: str = ORIGIN,
    ) -> Reply:
        route, params = find(SERVICES[service], method, path)
        given = {"authorization": f"Bearer {token}"} if token is not None else {}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if raw:
            given["content-type"] = "application/json"
        call = Call(method, path, params, query or {}, {**given, **(headers or {})}, raw, origin, str(uuid.uuid4()))
        return route.handler(self.world, call)


Stage = Callable[[Inside], Reply]


class Cases(dict[str, Stage]):
    """The staging of each row of a table by the row's name; as a decorator it takes down the function below it."""

    def __call__(self, *names: str) -> Callable[[Stage], Stage]:
        def keep(function: Stage) -> Stage:
            self.update(dict.fromkeys(names, function))
            return function

        return keep


def find(routes: list[Route], method: str, path: str) -> tuple[Route, dict[str, str]]:
    for route in routes:
        if route.method == method and (hit := pattern(route.path).fullmatch(path)):
            return route, hit.groupdict()
    raise LookupError(f"{method} {path}")


def pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(f"(?P<{p}>[^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts)))
