"""What the sign-in pages remember between two requests: browsers with their signed-in users, and open sign-ins."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pbisetup.sandbox.entra.authority import find_user
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.wire import Call, Reply, World

Object = dict[str, Any]

SESSION_LIFE = timedelta(hours=24)
"""Of a session that is not persistent. Source: entra-docs, configurable-token-lifetimes (24 hours)."""
FLOW_LIFE = timedelta(minutes=60)
"""guess: how long a page may stay open before its answer comes too late (AADSTS50089)."""
MOST = 2000
"""How many browsers and open sign-ins are kept; the oldest go first, so that nobody can fill the memory."""


@dataclass
class Account:
    """A user who signed in here."""

    user_id: str
    at: datetime
    mfa: bool
    password: str
    """The hash that the password was checked against: another password ends the session."""


@dataclass
class Browser:
    """One browser, known by its cookie."""

    id: str
    accounts: dict[str, Account] = field(default_factory=dict)


@dataclass
class Flow:
    """One sign-in under way. A page's answer belongs to it only with the flow's id AND the browser's cookie."""

    id: str
    browser: Browser
    expires: datetime
    tenant: str
    """The tenant as the path named it."""
    correlation: str
    hint: str = ""
    """The user name that the page starts with."""
    user_id: str = ""
    mfa: bool = False
    silent: bool = False
    """`prompt=none`: no page may be shown."""
    step: str = ""
    show: Callable[[], Reply] | None = None
    """Draws the page that waits."""
    answer: Callable[[World, Call, Mapping[str, str]], Reply] | None = None
    """Takes what the waiting page sends."""

    def wait(
        self, step: str, show: Callable[[], Reply], answer: Callable[[World, Call, Mapping[str, str]], Reply]
    ) -> Reply:
        """Show a page and take its answer next."""
        self.step, self.show, self.answer = step, show, answer
        return show()


def browser_of(world: World, call: Call) -> Browser:
    """The browser that calls, by its cookie; a new one where it has none that this process knows."""
    known = world.sessions.get(_cookies(call).get(_cookie_name(world), ""))
    if isinstance(known, Browser):
        return known
    browser = Browser(secrets.token_urlsafe(24))
    _keep(world.sessions, browser.id, browser)
    return browser


def signed_in(world: World, browser: Browser) -> list[Account]:
    """Who is signed in there now, latest first. The user of `auto_approve` always is."""
    found = []
    for account in sorted(browser.accounts.values(), key=lambda each: each.at, reverse=True):
        user = world.tenant.users.get(account.user_id)
        alive = world.now() - account.at < SESSION_LIFE
        if user is not None and alive and user.get("_passwordHash", "") == account.password:
            found.append(account)
    automatic = automatic_user(world)
    if automatic is not None and all(each.user_id != automatic["id"] for each in found):
        found.append(Account(automatic["id"], world.now(), False, str(automatic.get("_passwordHash", ""))))
    return found


def anybody(world: World, call: Call) -> bool:
    """Whether somebody of this tenant has signed in, in the browser that calls."""
    known = world.sessions.get(_cookies(call).get(_cookie_name(world), ""))
    return isinstance(known, Browser) and any(each.user_id in known.accounts for each in signed_in(world, known))


def automatic_user(world: World) -> Object | None:
    """The user whose session every browser holds, by the tenant's `auto_approve`."""
    name = world.tenant.sections.get("auto_approve")
    return find_user(world, str(name)) if name else None


def sign_in(world: World, browser: Browser, user: Object, *, mfa: bool) -> None:
    """Remember a user who has proved who they are. The cookie changes, so that one set before is worth nothing."""
    browser.accounts[user["id"]] = Account(user["id"], world.now(), mfa, str(user.get("_passwordHash", "")))
    world.sessions.pop(browser.id, None)
    browser.id = secrets.token_urlsafe(24)
    _keep(world.sessions, browser.id, browser)


def sign_out(world: World, browser: Browser) -> None:
    """Forget everybody, and every sign-in under way there."""
    browser.accounts.clear()
    world.sessions.pop(browser.id, None)
    for name in [name for name, flow in world.flows.items() if flow.browser is browser]:
        del world.flows[name]


def begin(world: World, browser: Browser, flow: Callable[[str, datetime], Flow]) -> Flow:
    """Keep a new sign-in; `flow` makes it from its id and its end."""
    made = flow(secrets.token_urlsafe(24), world.now() + FLOW_LIFE)
    assert made.browser is browser
    _keep(world.flows, made.id, made)
    return made


def find_flow(world: World, call: Call, name: str) -> Flow:
    """The sign-in that a page's answer belongs to. Raises Refused for another browser's, an old one, or none."""
    flow: Flow | None = world.flows.get(name)
    if flow is None or _cookies(call).get(_cookie_name(world)) != flow.browser.id or flow.expires <= world.now():
        raise Refused("flow_expired")
    return flow


def end(world: World, flow: Flow) -> None:
    """A sign-in that has been answered takes no more answers."""
    world.flows.pop(flow.id, None)


def with_cookie(world: World, call: Call, reply: Reply, browser: Browser) -> Reply:
    """The reply, setting the browser's cookie where it is not what the browser sent."""
    name = _cookie_name(world)
    if browser.id not in world.sessions or _cookies(call).get(name) == browser.id:
        return reply
    # SameSite=None as the real service's: a page of another origin may renew its token in a hidden frame. What a
    # form does is protected by the flow's id instead.
    cookie = f"{name}={browser.id}; Path=/; Secure; HttpOnly; SameSite=None"
    return replace(reply, headers={**reply.headers, "Set-Cookie": cookie})


def clear_cookie(world: World) -> str:
    """The header that makes a browser forget its cookie."""
    return f"{_cookie_name(world)}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None"


def _cookie_name(world: World) -> str:
    # Cookies know no ports: two sandboxes on one machine must not take each other's. Tenants of one share theirs, as
    # those of the real service do.
    return f"ESTSAUTH-{(world.cookie or world.tenant.id)[:8]}"


def _cookies(call: Call) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in call.headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


def _keep(table: dict[str, Any], name: str, item: Any) -> None:
    table[name] = item
    while len(table) > MOST:
        del table[next(iter(table))]
