"""Whether an app reaches what it is for, told from outside: plain HTTP as the state's `caller`, and no doctor."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import httpx

from pbisetup.catalog.purposes import purposes
from tests.support.caller import Caller
from tests.support.tenant import FABRIC, POWER_BI, SandboxTenant

HOSTS = {"powerbi": "https://api.powerbi.com", "fabric": "https://api.fabric.microsoft.com"}


@dataclass(frozen=True)
class Reached:
    """How far the caller came."""

    steps: tuple[tuple[str, str], ...]
    """Each call with what was answered: `200`, or what there was to see of a refusal."""

    @property
    def all(self) -> bool:
        """Whether everything was answered 2xx and every workspace is listed."""
        return bool(self.steps) and all(said == "200" for _, said in self.steps)

    def __str__(self) -> str:
        return "\n".join(f"{call}: {said}" for call, said in self.steps)


def reached(sandbox: SandboxTenant) -> Reached:
    """Sign in as the caller, make the calls that its purpose needs, look for its workspaces, and send its request."""
    return _Attempt(sandbox).made()


class _Attempt:
    def __init__(self, sandbox: SandboxTenant) -> None:
        self._caller = Caller(sandbox)
        self._given = copy.deepcopy(self._caller.given)
        self._asked = self._given.get("scope")
        self._tokens: dict[str, str | None] = {}
        self._steps: list[tuple[str, str]] = []

    def made(self) -> Reached:
        powerbi, fabric = f"{POWER_BI}/.default", f"{FABRIC}/.default"
        request = str(self._given.get("request") or "")
        named = self._asked or (fabric if HOSTS["fabric"] in request else powerbi)
        calls = [(fabric if line.startswith("fabric ") else powerbi, _address(line)) for line in self._probes()]
        workspaces = self._given.get("workspace") or []
        for scope in dict.fromkeys((powerbi, *(scope for scope, _ in calls), *([named] if request else []))):
            self._sign_in(scope)
        if age := self._given.get("age_seconds"):
            self._caller.sandbox.advance(float(age))
        for scope, call in calls:
            self._send(scope, call)
        for name in [workspaces] if isinstance(workspaces, str) else workspaces:
            self._look_for(powerbi, name)
        if request:
            self._send(named, request, body=self._given.get("body"), profile=self._given.get("profile"))
        return Reached(tuple(self._steps))

    def _probes(self) -> tuple[str, ...]:
        return purposes()[self._given["purpose"]].probes

    def _sign_in(self, scope: str) -> None:
        self._caller.scope = scope
        answer = self._caller.token()
        got = answer.json().get("access_token") if answer.status_code == 200 and _is_json(answer) else None
        self._tokens[scope] = got
        self._steps.append((f"token for {scope}", "200" if got else _said(answer)))

    def _send(self, scope: str, call: str, **more: Any) -> None:
        answer = self._call(scope, call, **more)
        if answer is not None:
            self._steps.append((call, "200" if answer.is_success else _said(answer)))

    def _look_for(self, scope: str, name: str) -> None:
        quoted = name.replace("'", "''")
        call = f"GET {HOSTS['powerbi']}/v1.0/myorg/groups?$filter=name eq '{quoted}'"
        answer = self._call(scope, call)
        if answer is not None:
            listed = answer.is_success and any(each["name"] == name for each in answer.json()["value"])
            self._steps.append((f"workspace {name}", "200" if listed else f"not listed: {_said(answer)}"))

    def _call(self, scope: str, call: str, **more: Any) -> httpx.Response | None:
        token = self._tokens.get(scope)
        if token is None:
            return None
        self._caller.given = {"request": call, **{name: value for name, value in more.items() if value}}
        return self._caller.call(token)


def _address(line: str) -> str:
    """`powerbi GET /v1.0/myorg/groups` as a call to that API's host."""
    service, method, path = line.split(" ")
    return f"{method} {HOSTS[service]}{path}"


def _is_json(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("application/json")


def _said(answer: httpx.Response) -> str:
    told = answer.headers.get("x-powerbi-error-info") or answer.text[:300]
    return f"{answer.status_code} {told}"
