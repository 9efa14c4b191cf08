"""The published failures of `cases.toml`: what each says, and what a real sandbox answers to it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import httpx

from tests.cases import build
from tests.support.caller import Caller, Outcome
from tests.support.tenant import SandboxTenant

FILE = Path(__file__).with_name("cases.toml")


@dataclass(frozen=True)
class Case:
    """One entry of the file; a failure with several faults in a row has several."""

    id: str
    source: str
    date: str
    cause: str
    sketch: dict[str, Any] = field(default_factory=dict)
    saw: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    text: str = ""
    """A part of the answer that shows the fault where status and code do not."""
    after: dict[str, Any] = field(default_factory=dict)
    """A second request of the same caller: `request`, `seconds` later."""
    cure: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    shown: str = ""
    today: str = ""
    differs: str = ""
    why: str = ""
    unsketched: bool = False
    """The collector of the cases sketched no state for it."""

    @property
    def staged(self) -> bool:
        return not self.why

    @property
    def reproduced(self) -> bool:
        """The answer agrees with what the person published (a test holds it against a sandbox)."""
        return self.staged and not self.differs


@cache
def cases() -> tuple[Case, ...]:
    """All of them, in the order of the file."""
    return tuple(Case(**each) for each in tomllib.loads(FILE.read_text(encoding="utf-8"))["case"])


@dataclass(frozen=True)
class Result:
    """What the caller of a case met."""

    outcomes: tuple[Outcome, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.outcomes))

    @property
    def symptom(self) -> str:
        """What there is to see; an error that a browser takes back to the app is seen there."""
        carried = re.search(r"AADSTS\d+", unquote_plus(self.last.headers.get("location", "")))
        return carried[0] if carried else ", then ".join(each.symptom for each in self.outcomes)

    @property
    def last(self) -> httpx.Response:
        return self.outcomes[-1].answer

    def agrees(self, saw: dict[str, Any]) -> bool:
        """Whether it is what a person saw."""
        answer = self.last
        everything = f"{answer.text} {_unescaped(answer)} {dict(answer.headers)}"
        checks = {
            "status": lambda value: answer.status_code == value,
            "aadsts": lambda value: re.search(rf"AADSTS{value}\b", everything) is not None,
            "code": lambda value: value in everything,
            "header": lambda value: value in answer.headers.values(),
            "text": lambda value: value in everything,
            "empty": lambda value: (not answer.content) is value,
        }
        return all(checks[name](value) for name, value in saw.items())

    @property
    def through(self) -> bool:
        """Whether the caller was let in: a token where it asks for no more, else a success, or the sandbox's own word that
        it does not carry the operation.
        """
        answer = self.last
        carried = answer.is_success or (answer.status_code == 501 and "sandbox" in answer.json())
        return carried and "Failed" not in answer.text


def _unescaped(answer: httpx.Response) -> str:
    """The text as a person reads it, without the escapes of JSON and of pages."""
    return unescape(answer.text.replace('\\"', '"').replace("\\u0027", "'")) + unquote_plus(
        answer.headers.get("location", "")
    )


class Person(Caller):
    """The caller of a state, who may also use the old token endpoint."""

    def __init__(self, sandbox: SandboxTenant, *, v1: bool) -> None:
        super().__init__(sandbox)
        self._v1 = v1

    def _post(self, path: str, form: dict[str, str]) -> httpx.Response:
        if not self._v1:
            return super()._post(path, form)
        old = {k: v for k, v in form.items() if k != "scope"} | {"resource": form["scope"].removesuffix("/.default")}
        return self.sandbox.http.post(f"/{self.tenant}/oauth2/{path}", data=old)


def play(sandbox: SandboxTenant, sketch: dict[str, Any], after: dict[str, Any]) -> Result:
    """Put the sketch's tenant into the sandbox, and do what its caller does."""
    cloud = {"tenant": {"cloud": sketch["cloud"]}} if "cloud" in sketch else {}
    sandbox.reset({"description": "a tenant in which nothing is set up", **cloud})
    now = datetime.fromisoformat(sandbox.control("POST", "clock", {"advance_seconds": 0})["now"])
    building = build.tenant(sandbox.state(), sketch, now.timestamp())
    sandbox.put_state(building.state)
    person = Person(sandbox, v1=sketch.get("token", {}).get("endpoint") == "v1")
    signed_in = person.token()
    if signed_in.status_code != 200 or "access_token" not in signed_in.text:
        return Result((Outcome("token", signed_in),))
    if "request" not in person.given:
        return Result((Outcome("api", signed_in),))
    token = str(signed_in.json()["access_token"])
    if age := person.given.get("age_seconds"):
        sandbox.advance(float(age))
    outcomes = [Outcome("api", person.call(token))]
    if after and outcomes[0].ok:
        sandbox.advance(float(after["seconds"]))
        person.given = {k: v for k, v in person.given.items() if k != "body"}
        person.given["request"] = building.filled(after["request"])
        outcomes.append(Outcome("api", person.call(token)))
    return Result(tuple(outcomes))
