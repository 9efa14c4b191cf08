"""The control paths under `/_sandbox/`: how a test or a person looks into the tenant and moves it. Loopback
only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from pbisetup.sandbox.first_party import follow
from pbisetup.sandbox.home import home
from pbisetup.sandbox.hosts import is_loopback
from pbisetup.sandbox.knobs import OFFSETS
from pbisetup.sandbox.seed import default_state, renew_app_secrets
from pbisetup.sandbox.shapes import is_number, misfits
from pbisetup.sandbox.store import Object, Tenant
from pbisetup.sandbox.weather import parse_rule
from pbisetup.sandbox.wire import BadBody, Call, Reply

if TYPE_CHECKING:
    from pbisetup.sandbox.server import Server

PREFIX = "/_sandbox/"


class Control:
    """Answers the control paths of one server. What a handler needs of the services it imports itself: they are not
    loaded yet when the server starts.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._routes: list[tuple[str, re.Pattern[str], Callable[[Call], Reply]]] = [
            (method, re.compile(PREFIX + path), handler)
            for method, path, handler in (
                ("GET", "info", self._info),
                ("GET", "state", self._get_state),
                ("PUT", "state", self._put_state),
                ("POST", "reset", self._reset),
                ("GET", "scenarios", self._scenarios),
                ("POST", "clock", self._clock),
                ("GET", "requests", self._get_requests),
                ("DELETE", "requests", self._delete_requests),
                ("POST", "faults", self._post_faults),
                ("DELETE", "faults", self._delete_faults),
                ("POST", r"devicecodes/[^/]+", self._approve),
                ("POST", "assertions", self._assertion),
            )
        ]

    def answer(self, call: Call) -> Reply:
        """The answer to a control request. A browser's page of another origin, and a foreign Host, are
        refused.
        """
        near = is_loopback(call.headers.get("host", "")) and ip_address(call.client).is_loopback
        if not near or "origin" in call.headers:
            return _bad(403, ["control paths answer only on localhost"])
        wanted = call.query.get("tenant")
        if wanted is not None and not self._server.world.tenant.named(wanted):
            there = (self._server, *self._server.neighbours)
            names = ", ".join(f"{each.world.tenant.domain} ({each.world.tenant.id})" for each in there)
            return _bad(404, [f"no tenant {wanted!r} is here; there is {names}"])
        matching = [(m, handler) for m, path, handler in self._routes if path.fullmatch(call.path)]
        if not matching:
            return _bad(404, [f"no control path {call.path}"])
        for method, handler in matching:
            if method == call.method:
                try:
                    return handler(call)
                except BadBody as error:
                    return _bad(400, [f"the body is {error}"])
        return _bad(405, [f"{call.path} does not take {call.method}"])

    def _info(self, _call: Call) -> Reply:
        tenant = self._server.world.tenant
        return Reply(
            200, {**self._server.info, "cloud": home(tenant).name, "caller": tenant.sections.get("caller") or {}}
        )

    def _get_state(self, _call: Call) -> Reply:
        return Reply(200, self._server.world.tenant.dump())

    def _put_state(self, call: Call) -> Reply:
        """The whole tenant. What cannot be is refused, and nothing of it kept; what is hardly meant is told."""
        from pbisetup.sandbox.slips import slips
        from pbisetup.sandbox.validate import hash_secrets, problems

        state = call.json()
        found = problems(state) or self._of_another(state)
        if found:
            return _bad(400, found)
        if state["tenant"].get("cloud", "public") != home(self._server.world.tenant).name:
            follow(self._server.identity, state)
        said = slips(state)
        renew_app_secrets(state, self._server.identity)
        hash_secrets(state)
        self._server.replace(Tenant(state))
        return Reply(200, {"warnings": said}) if said else Reply(204)

    def _reset(self, call: Call) -> Reply:
        """`{"scenario": NAME}`, or a whole scenario as an object: no file of this machine is read for a request."""
        from pbisetup.sandbox.scenarios import ScenarioError, doubts, inline

        given = call.json().get("scenario")
        if given is not None and not isinstance(given, str | dict):
            return _bad(400, ["scenario must be a name or an object"])
        try:
            scenario = inline({"base": given}) if isinstance(given, str) else inline(given) if given else None
            state = default_state(self._server.identity, scenario)
        except ScenarioError as error:
            return _bad(400, error.problems)
        if found := self._of_another(state):
            return _bad(400, found)
        self._server.replace(Tenant(state))
        self._server.forget()
        said = doubts(scenario, state) if scenario else []
        return Reply(200, {"tenant": state["tenant"], **({"warnings": said} if said else {})})

    def _of_another(self, state: Object) -> list[str]:
        """What a state claims for its tenant that is another tenant's of this process."""
        new = Tenant({"tenant": state["tenant"]})
        others = {name for each in self._server.neighbours for name in each.world.tenant.names}
        return [f"tenant: {name!r} is another tenant's here" for name in new.names if name in others]

    def _scenarios(self, _call: Call) -> Reply:
        from pbisetup.sandbox.scenarios import listing

        return Reply(200, {each.name: each.description for each in listing()})

    def _clock(self, call: Call) -> Reply:
        seconds = call.json().get("advance_seconds")
        if seconds is None or not is_number(seconds):
            return _bad(400, ["advance_seconds must be a number of seconds"])
        tenant = self._server.world.tenant
        clock = tenant.section("clock")
        before = float(clock.get("offset_seconds", 0))
        if misfits("clock", before + seconds, OFFSETS):
            return _bad(400, ["the clock cannot go that far"])
        clock["offset_seconds"] = before + seconds
        tenant.changed = True
        return Reply(200, {"now": self._server.world.now().isoformat(), **clock})

    def _get_requests(self, call: Call) -> Reply:
        return Reply(200, self._server.log.of(self._named(call)))

    def _delete_requests(self, call: Call) -> Reply:
        self._server.log.forget(self._named(call))
        return Reply(204)

    def _named(self, call: Call) -> str | None:
        """The one of several tenants whose part of the common log is meant; None for all of it."""
        return self._server.world.tenant.id if self._server.neighbours and "tenant" in call.query else None

    def _post_faults(self, call: Call) -> Reply:
        rule, found = parse_rule(call.json())
        if rule is None:
            return _bad(400, found)
        self._server.faults.append(rule)
        return Reply(201, {"rules": len(self._server.faults)})

    def _delete_faults(self, _call: Call) -> Reply:
        self._server.faults.clear()
        return Reply(204)

    def _approve(self, call: Call) -> Reply:
        """`{"user": "admin"}` approves; `{"decline": true}` is the user pressing Cancel."""
        from pbisetup.sandbox.entra import device

        body = call.json()
        user = body.get("user")
        if body.get("decline") is True:
            user = None
        elif not isinstance(user, str) or not user:
            return _bad(400, ['say who approves: {"user": "admin"}'])
        wrong = device.decide(self._server.world, call.path.rsplit("/", 1)[-1], user)
        return _bad(404, [wrong]) if wrong else Reply(204)

    def _assertion(self, call: Call) -> Reply:
        """`{"issuer": .., "subject": ..}`: an assertion as that issuer would sign it, for federated credentials."""
        from pbisetup.sandbox.entra import federation

        body = call.json()
        given: dict[str, Any] = {"audience": federation.EXCHANGE, "lifetime_seconds": 600, "claims": {}} | body
        found = [
            f"{name} must be a text that is not empty"
            for name in ("issuer", "subject", "audience")
            if not isinstance(given.get(name), str) or not given[name]
        ]
        seconds = given["lifetime_seconds"]
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not abs(seconds) <= 10**9:
            found.append("lifetime_seconds must be a number of seconds")
        if not isinstance(given["claims"], dict):
            found.append("claims must be an object")
        elif not isinstance(given["claims"].get("iss", ""), str):
            found.append("claims.iss must be a text")
        known = ("issuer", "subject", "audience", "lifetime_seconds", "claims")
        found += [f"unknown key {name!r}; there are {', '.join(known)}" for name in body if name not in known]
        if found:
            return _bad(400, found)
        assertion = federation.issue(
            self._server.world, given["issuer"], given["subject"], given["audience"], seconds, given["claims"]
        )
        return Reply(200, {"assertion": assertion})


def _bad(status: int, found: list[str]) -> Reply:
    body: dict[str, Any] = {"error": "; ".join(found), "problems": found}
    return Reply(status, body)
