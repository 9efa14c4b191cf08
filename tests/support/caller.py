"""The person with the problem: signs in and calls as a tenant's `caller` says, with nothing but HTTP."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.support.tenant import POWER_BI, SandboxTenant

_VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Outcome:
    """How far the caller came."""

    stage: str
    """`token`: no token; `api`: what the call was answered."""
    answer: httpx.Response

    @property
    def ok(self) -> bool:
        return self.stage == "api" and self.answer.is_success

    @property
    def symptom(self) -> str:
        """What there is to see: `AADSTS7000222`, or the status with header or code, such as `401 GroupNotAccessible`."""
        if self.stage == "token":
            found = re.search(r"AADSTS(\d+)", self.answer.text)
            return found[0] if found else f"token {self.answer.status_code}"
        said = self.answer.headers.get("x-powerbi-error-info") or self.answer.headers.get("x-ms-public-api-error-code")
        return f"{self.answer.status_code} {said or _code(self.answer)}".strip()

    def __str__(self) -> str:
        return f"{self.stage}: {self.answer.status_code} {dict(self.answer.headers)} {self.answer.text[:600]}"


def _code(answer: httpx.Response) -> str:
    if answer.is_success or not answer.content:
        return ""
    try:
        body = answer.json()
    except ValueError:
        return answer.text
    error = body.get("error", body)
    return str(error.get("code") or error.get("Message") or error.get("errorCode") or "")


class Caller:
    """The `caller` of the tenant's present state. The secret is handed over as `sandbox env` does."""

    def __init__(self, sandbox: SandboxTenant) -> None:
        self.sandbox = sandbox
        self.given: dict[str, Any] = sandbox.state()["caller"]
        secret = self.given.get("secret")
        self.secret = sandbox.app_secret if secret == "{secret}" else secret
        self.tenant = self.given.get("tenant") or sandbox.tenant
        self.scope = self.given.get("scope") or f"{POWER_BI}/.default"

    def token(self) -> httpx.Response:
        """The last answer of the sign-in, whatever it is."""
        grant = self.given.get("grant") or "client_credentials"
        form = {"client_id": self.given["client_id"], "scope": self.scope}
        if self.secret:
            form["client_secret"] = self.secret
        return getattr(self, f"_{grant}")(form)  # type: ignore[no-any-return]

    def act(self) -> Outcome:
        """Sign in, wait as long as the caller does, and call."""
        signed_in = self.token()
        if signed_in.status_code != 200 or "access_token" not in signed_in.text:
            return Outcome("token", signed_in)
        if age := self.given.get("age_seconds"):
            self.sandbox.advance(float(age))
        return Outcome("api", self.call(str(signed_in.json()["access_token"])))

    def call(self, token: str) -> httpx.Response:
        """The caller's request, to the host that it names."""
        method, _, address = self.given["request"].partition(" ")
        parts = urlsplit(address)
        headers = {"Authorization": f"Bearer {token}", "Host": parts.netloc}
        if profile := self.given.get("profile"):
            headers["X-PowerBI-Profile-Id"] = profile
        body = self.given.get("body")
        if body:
            headers["Content-Type"] = "application/json"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.sandbox.http.request(method, path, headers=headers, content=body)

    def _post(self, path: str, form: dict[str, str]) -> httpx.Response:
        return self.sandbox.http.post(f"/{self.tenant}/oauth2/v2.0/{path}", data=form)

    def _client_credentials(self, form: dict[str, str]) -> httpx.Response:
        return self._post("token", {**form, "grant_type": "client_credentials"})

    def _federated(self, form: dict[str, str]) -> httpx.Response:
        asked = {"issuer": self.given["issuer"], "subject": self.given["subject"]}
        assertion = self.sandbox.control("POST", "assertions", asked)["assertion"]
        more = {"client_assertion": assertion, "client_assertion_type": _JWT_BEARER}
        return self._client_credentials({**form, **more})

    def _password(self, form: dict[str, str]) -> httpx.Response:
        user = f"{self.given['user']}@{self.sandbox.domain}"
        more = {"grant_type": "password", "username": user, "password": self.sandbox.password}
        return self._post("token", {**form, **more})

    def _device_code(self, form: dict[str, str]) -> httpx.Response:
        answer = self._post("devicecode", form)
        if answer.status_code != 200:
            return answer
        code = answer.json()
        approved = self.sandbox.http.post(
            f"/_sandbox/devicecodes/{code['user_code']}", json={"user": self.given["user"]}
        )
        assert approved.status_code in (204, 404), approved.text
        more = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": code["device_code"]}
        return self._post("token", {**form, **more})

    def _authorization_code(self, form: dict[str, str]) -> httpx.Response:
        query = {
            "client_id": form["client_id"],
            "response_type": "code",
            "redirect_uri": self.given["redirect_uri"],
            "scope": self.scope,
            "code_challenge": _CHALLENGE,
            "code_challenge_method": "S256",
        }
        page = self.sandbox.http.get(f"/{self.tenant}/oauth2/v2.0/authorize", params=query)
        location = page.headers.get("location", "")
        code = parse_qs(urlsplit(location).query).get("code")
        if not code:
            return page
        more = {"grant_type": "authorization_code", "code": code[0], "redirect_uri": self.given["redirect_uri"]}
        return self._post("token", {**form, **more, "code_verifier": _VERIFIER})
