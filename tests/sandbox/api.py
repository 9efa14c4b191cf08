"""A caller of one of the tenant's APIs: a base address and a token, over the fixture's own HTTP client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.tenant import FABRIC, GRAPH, POWER_BI, SandboxTenant

JSON = dict[str, Any]
POWER_BI_APP = "00000009-0000-0000-c000-000000000000"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
TENANT_READ_ALL = "654b31ae-d941-4e22-8798-7add8fdf049f"


@dataclass(frozen=True)
class Api:
    sandbox: SandboxTenant
    token: str
    base: str

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            names["Authorization"] = f"Bearer {self.token}"
        url = path if path.startswith("https:") else self.base + path
        return self.sandbox.http.request(method, url, json=body, headers=names)

    def get(self, path: str, **headers: str) -> JSON:
        answer = self("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def post(self, path: str, body: Any = None, status: int = 201) -> JSON:
        answer = self("POST", path, body)
        assert answer.status_code == status, answer.text
        return dict(answer.json()) if answer.content else {}


def graph(sandbox: SandboxTenant, user: str | None = "admin", token: str | None = None) -> Api:
    return Api(sandbox, token or sandbox.user_token(user or "admin", GRAPH), "/v1.0")


def operator_graph(sandbox: SandboxTenant) -> Api:
    return Api(sandbox, sandbox.operator_token(GRAPH), "/v1.0")


def fabric(sandbox: SandboxTenant, user: str = "admin", token: str | None = None) -> Api:
    return Api(sandbox, token or sandbox.user_token(user, FABRIC), "/v1")


def powerbi(sandbox: SandboxTenant, user: str = "admin", token: str | None = None) -> Api:
    return Api(sandbox, token or sandbox.user_token(user, POWER_BI), "/v1.0/myorg")


@dataclass(frozen=True)
class App:
    """An app registration with its service principal and a secret: four ids, all different."""

    object_id: str
    client_id: str
    principal_id: str
    secret: str
    key_id: str


def new_app(api: Api, name: str = "reports") -> App:
    app = api.post("/applications", {"displayName": name})
    principal = api.post("/servicePrincipals", {"appId": app["appId"]})
    secret = api.post(f"/applications/{app['id']}/addPassword", {}, 200)
    return App(app["id"], app["appId"], principal["id"], secret["secretText"], secret["keyId"])


def switch(sandbox: SandboxTenant, name: str, *, on: bool = True, **lists: list[str]) -> None:
    """Set a tenant setting by name; `enabled` and `excluded` are lists of group ids."""

    def change(state: JSON) -> None:
        setting = next(s for s in state["tenantSettings"] if s["settingName"] == name)
        setting["enabled"] = on
        for word, key in (("enabled", "enabledSecurityGroups"), ("excluded", "excludedSecurityGroups")):
            setting[key] = [{"graphId": id_, "name": id_} for id_ in lists.get(word, [])]

    sandbox.put_state(change)
