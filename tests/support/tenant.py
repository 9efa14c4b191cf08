"""A real sandbox process for tests, with everything a test asks of it."""

from __future__ import annotations

import copy
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self

import httpx

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
GRAPH = "https://graph.microsoft.com"
POWER_BI = "https://analysis.windows.net/powerbi/api"
FABRIC = "https://api.fabric.microsoft.com"

State = dict[str, Any]


class SandboxTenant:
    """`pbisetup sandbox start` as a child process, reached over real sockets. Close it, or use it in a `with`
    block. With several `tenants` it is the first of them; `second` and `number` are the others.
    """

    program: tuple[str, ...] = ("-m", "pbisetup")
    """What the interpreter runs."""

    _asked: str | None = None
    """The tenant that control paths name; None: none, which means the first."""

    def __init__(self, folder: Path, *arguments: str, state: bool = True, tenants: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.state_file = folder / "tenant.json"
        self._errors_path = folder / "stderr.txt"
        self._errors: IO[str] = self._errors_path.open("w+", encoding="utf-8")
        command = [sys.executable, *self.program, "sandbox", "start", "--port", "0", "--proxy-port", "0"]
        if state:
            command += ["--state", str(self.state_file)]
        if tenants > 1:
            command += ["--tenants", str(tenants)]
        self.process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=self._errors, text=True, encoding="utf-8"
        )
        assert self.process.stdout is not None
        self.ready_line = self.process.stdout.readline()
        words = self.ready_line.split()
        if words[:1] != ["ready"]:
            code = self.process.wait(30)
            raise RuntimeError(f"the sandbox ended with {code}: {self.stderr()}")
        self.url, self.proxy, self.domain = words[1], words[3], words[5]
        running = self._run_file()
        self.ca: str = running["ca"]
        self.tenant: str = running["tenant"]
        self.operator_id: str = running["operator_id"]
        self.operator_secret: str = running["operator_secret"]
        self.app_secret: str = running["app_secret"]
        self.password: str = running["password"]
        self._env: dict[bool, dict[str, str]] = {}
        self._caller = bool(arguments)
        self._others: list[dict[str, str]] = running.get("others", [])
        self.ssl_context = ssl.create_default_context(cafile=self.ca)
        self.http = httpx.Client(base_url=self.url, verify=self.ssl_context, trust_env=False, timeout=30)

    @property
    def second(self) -> SandboxTenant:
        """The second tenant of the same process: all that is asked of it, and its control, is its own."""
        return self.number(2)

    def number(self, number: int) -> SandboxTenant:
        """A further tenant of the same process."""
        other = copy.copy(self)
        about = self._others[number - 2]
        other.tenant, other.domain, other.operator_id = about["tenant"], about["domain"], about["operator_id"]
        other.state_file = self.state_file.with_name(f"tenant.{number}.json")
        other._asked = other.tenant
        other._env = {}
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_file(self) -> dict[str, Any]:
        # By address, not by process id: under a Windows virtual environment the child is a launcher's child.
        for path in (Path(os.environ["PBISETUP_STATE_DIR"]) / "sandbox" / "run").glob("*.json"):
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if found["url"] == self.url:
                return found
        raise RuntimeError(f"no run file names {self.url}")

    def close(self) -> int:
        """End the process as Ctrl-C or a service manager does; its exit code."""
        self.http.close()
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()
        self._errors.close()
        return code

    def stderr(self) -> str:
        """What the process has written to its standard error so far."""
        return self._errors_path.read_text(encoding="utf-8", errors="replace")

    def env(self, *, proxy: bool = False) -> dict[str, str]:
        """What `sandbox env --shell json` prints for this one, on top of the test's own environment."""
        if self._caller:
            return {**os.environ, **self._ask_env(proxy)}  # it says who the scenario's caller is, too
        if proxy not in self._env:
            self._env[proxy] = self._ask_env(proxy)
        return {**os.environ, **self._env[proxy]}

    def _ask_env(self, proxy: bool) -> dict[str, str]:
        command = [sys.executable, "-m", "pbisetup", "sandbox", "env", "--shell", "json"]
        base = {**os.environ, "PBISETUP_SANDBOX_URL": self.url}
        out = subprocess.run(
            [*command, *(["--proxy"] if proxy else [])], env=base, check=True, capture_output=True, text=True
        )
        told: dict[str, str] = json.loads(out.stdout)
        return told

    # control

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A control request; its JSON. Fails the test where it is refused."""
        named = {"tenant": self._asked} if self._asked else None
        answer = self.http.request(method, f"/_sandbox/{path}", json=body, params=named)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def state(self) -> State:
        """The whole tenant."""
        return dict(self.control("GET", "state"))

    def put_state(self, change: Callable[[State], object] | State) -> State:
        """Change the tenant: a function over the present state (returning a new one, or changing it), or a
        state.
        """
        if callable(change):
            present = self.state()
            result = change(present)
            new: State = result if isinstance(result, dict) and "tenant" in result else present
        else:
            new = change
        self.control("PUT", "state", new)
        self._caller = self._caller or bool(new.get("caller"))
        return new

    def reset(self, scenario: str | dict[str, Any] | None = None) -> None:
        """Back to the beginning, of a scenario by name or in full; the request log, fault rules and pending device codes
        are dropped too.
        """
        self.control("POST", "reset", {"scenario": scenario} if scenario else {})
        self._caller = scenario is not None

    def requests(self, method: str | None = None) -> list[dict[str, Any]]:
        """The request log, oldest first; control requests are not in it. Of several tenants the first one's is that of
        all, each entry with its `tenant`.
        """
        return [each for each in self.control("GET", "requests") if method in (None, each["method"])]

    def writes(self) -> list[dict[str, Any]]:
        """The logged requests that may have changed something: not GET, and not to the token service."""
        return [each for each in self.requests() if each["method"] != "GET" and "/oauth2/" not in each["path"]]

    def clear_requests(self) -> None:
        self.control("DELETE", "requests")

    def faults(self, *rules: dict[str, Any]) -> None:
        """Replace the fault rules; without arguments there are none."""
        self.control("DELETE", "faults")
        for rule in rules:
            self.control("POST", "faults", rule)

    def advance(self, seconds: float) -> None:
        """Move the tenant's clock."""
        self.control("POST", "clock", {"advance_seconds": seconds})

    def approve(self, user_code: str, user: str = "admin") -> None:
        """Sign a user in where a device code waits."""
        self.control("POST", f"devicecodes/{user_code}", {"user": user})

    # tokens

    def token(self, **form: str) -> httpx.Response:
        """A request to this tenant's v2 token endpoint, whatever it answers."""
        return self.http.post(f"/{self.tenant}/oauth2/v2.0/token", data=form)

    def user_token(self, user: str = "admin", resource: str = GRAPH, client_id: str = AZURE_CLI) -> str:
        """An access token of a user, through a client that may sign users in (default: Azure CLI)."""
        name = user if "@" in user else f"{user}@{self.domain}"
        answer = self.token(
            grant_type="password",
            client_id=client_id,
            username=name,
            password=self.password,
            scope=f"{resource}/.default",
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def app_token(self, client_id: str, secret: str, resource: str = POWER_BI) -> str:
        """An app-only access token."""
        answer = self.token(
            grant_type="client_credentials",
            client_id=client_id,
            client_secret=secret,
            scope=f"{resource}/.default",
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def operator_token(self, resource: str = GRAPH) -> str:
        """An app-only token of the operator service principal, which has broad Graph roles."""
        return self.app_token(self.operator_id, self.operator_secret, resource)
