"""Who is at the browser: the pages for account, password and second factor, the same for every kind of sign-in.

A sign-in that needs a user makes a `Journey` and calls `start`. Each page posts to `/{tenant}/login` with the flow's id;
when the user has proved who they are and no policy objects, the journey's `admitted` goes on.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from pbisetup.sandbox.entra import pages, session, sign_ins
from pbisetup.sandbox.entra.authority import Client, find_client, find_user, instant
from pbisetup.sandbox.entra.credential import hash_secret
from pbisetup.sandbox.entra.policy import check_user
from pbisetup.sandbox.entra.refusal import Refused, correlation_id
from pbisetup.sandbox.entra.session import Browser, Flow
from pbisetup.sandbox.wire import BadBody, Call, Reply, World

Object = dict[str, Any]
Form = Mapping[str, str]

# source: entra-docs, howto-password-smart-lockout: ten failures, then one minute. That further ones lock longer is left
# out.
FAILURES = 10
LOCKED = timedelta(minutes=1)


class Refuse(Protocol):
    """How a sign-in ends that may not go on. `person`: for what the user is or may, not for what the app asked."""

    def __call__(self, world: World, call: Call, flow: Flow, refused: Refused, *, person: bool) -> Reply: ...


@dataclass(frozen=True)
class Journey:
    """What a sign-in is for."""

    kind: str
    """`authorization_code`, `device_code` or `admin_consent`."""
    app_id: str
    resource: Callable[[World], Object]
    """The API that is asked for. May raise Refused."""
    admitted: Callable[[World, Call, Flow], Reply]
    """Goes on with a user. May raise Refused."""
    refuse: Refuse
    targets: tuple[str, ...] = ()
    """Addresses that the last page leads to."""

    def client(self, world: World) -> Client:
        """The app as the directory knows it now. Raises Refused."""
        return find_client(world, self.app_id)


def start(world: World, call: Call, flow: Flow, journey: Journey, prompt: frozenset[str]) -> Reply:
    """Find out who signs in: by a session, or by asking."""
    accounts = session.signed_in(world, flow.browser)
    automatic = session.automatic_user(world)
    hinted = find_user(world, flow.hint) if flow.hint else None
    if flow.hint:
        accounts = [each for each in accounts if hinted is not None and each.user_id == hinted["id"]]
    if flow.silent:
        if not accounts:
            return journey.refuse(world, call, flow, Refused("login_required"), person=True)
        if len(accounts) > 1:
            return journey.refuse(world, call, flow, Refused("account_not_chosen"), person=True)
    if not flow.silent and "login" in prompt:
        return _ask_password(world, flow, journey, hinted["id"]) if hinted else ask_name(world, flow, journey)
    if automatic is not None and any(each.user_id == automatic["id"] for each in accounts):
        accounts = [each for each in accounts if each.user_id == automatic["id"]]
    elif accounts and not flow.silent and ("select_account" in prompt or len(accounts) > 1):
        return _pick(world, flow, journey)
    if accounts:
        flow.user_id, flow.mfa = accounts[0].user_id, accounts[0].mfa
        return go_on(world, call, flow, journey)
    return _ask_password(world, flow, journey, hinted["id"]) if hinted else ask_name(world, flow, journey)


def go_on(world: World, call: Call, flow: Flow, journey: Journey) -> Reply:
    """Hold the user against the tenant's policies, then let the journey go on."""
    user = user_of(world, flow)
    try:
        check_user(world, journey.client(world), user, journey.resource(world), flow=journey.kind, mfa=flow.mfa)
    except Refused as refused:
        if refused.key == "mfa_required":
            if not flow.silent:
                return _ask_second_factor(world, flow, journey)
            if user.get("_mfaRegistered") is False:
                refused = Refused("mfa_not_registered", resource=journey.resource(world)["appId"])
        return journey.refuse(world, call, flow, refused, person=True)
    try:
        return journey.admitted(world, call, flow)
    except Refused as refused:
        return journey.refuse(world, call, flow, refused, person=False)


def login(world: World, call: Call) -> Reply:
    """`POST /{tenant}/login`: the answer to any page of a sign-in."""
    try:
        form = call.form()
    except BadBody:
        return error_page(world, call, Refused("not_a_form"))
    try:
        flow = session.find_flow(world, call, form.get("flow", ""))
    except Refused as refused:
        return error_page(world, call, refused)
    assert flow.answer is not None
    assert flow.show is not None
    # A page that was left behind with the browser's Back button: show where the sign-in really is.
    stale = form.get("step") != flow.step
    try:
        reply = flow.show() if stale else flow.answer(world, call, form)
    except Refused as refused:
        reply = error_page(world, call, refused, flow.correlation)
    return session.with_cookie(world, call, reply, flow.browser)


def login_get(world: World, call: Call) -> Reply:
    """Any other way to this address, such as a reload."""
    return error_page(world, call, Refused("post_only", method=call.method))


def user_of(world: World, flow: Flow) -> Object:
    """Who signs in. Raises Refused where the user has gone meanwhile."""
    user = world.tenant.users.get(flow.user_id)
    if user is None:
        raise Refused("flow_expired")
    return user


def page(world: World, flow: Flow, template: str, targets: tuple[str, ...] = (), **values: Any) -> Reply:
    """A page of this sign-in."""
    common = {
        "organization": world.tenant.section("tenant")["displayName"],
        "domain": world.tenant.domain,
        "action": f"/{flow.tenant}/login",
        "flow": flow.id,
        "step": flow.step,
    }
    return pages.render(template, form_targets=targets, values={**common, **values})


def error_page(world: World, call: Call, refused: Refused, correlation: str | None = None) -> Reply:
    """The page for an error that may not go to the app. guess: its status."""
    return pages.render(
        "error",
        400,
        organization=world.tenant.section("tenant")["displayName"],
        code=refused.cause.code,
        description=refused.description,
        request_id=call.request_id,
        correlation_id=correlation or correlation_id(call),
        timestamp=world.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def check_password(world: World, user: Object, password: str) -> None:
    """Raise Refused for a wrong password, and for any while too many were wrong (`_lockedUntil`, `_failedSignIns`)."""
    until = user.get("_lockedUntil")
    if until and instant(str(until)) > world.now():
        raise Refused("user_locked")
    good = hmac.compare_digest(hash_secret(password), str(user.get("_passwordHash", "")))
    before = (user.get("_failedSignIns"), until)
    if good:
        user.pop("_failedSignIns", None)
        user.pop("_lockedUntil", None)
    else:
        user["_failedSignIns"] = int(user.get("_failedSignIns") or 0) + 1
        if user["_failedSignIns"] >= FAILURES:
            user["_lockedUntil"] = (world.now() + LOCKED).isoformat()
            user["_failedSignIns"] = 0
    world.tenant.changed = world.tenant.changed or before != (user.get("_failedSignIns"), user.get("_lockedUntil"))
    if not good:
        raise Refused("password_wrong")


def ask_name(world: World, flow: Flow, journey: Journey, name: str = "", problem: Refused | None = None) -> Reply:
    """Ask who signs in, whoever is signed in already."""

    def answer(world: World, call: Call, form: Form) -> Reply:
        given = form.get("login", "").strip()
        if form.get("do") == "cancel":
            return journey.refuse(world, call, flow, Refused("sign_in_cancelled"), person=False)
        user = find_user(world, given) if given else None
        if user is None:
            missing = Refused("user_unknown", user=given, tenant=world.tenant.id)
            return ask_name(world, flow, journey, given, missing)
        return _ask_password(world, flow, journey, user["id"])

    return flow.wait("account", lambda: page(world, flow, "account", journey.targets, name=name or flow.hint,
                                             problem=problem, app=journey.client(world).name), answer)  # fmt: skip


def _ask_password(world: World, flow: Flow, journey: Journey, user_id: str, problem: Refused | None = None) -> Reply:
    def answer(world: World, call: Call, form: Form) -> Reply:
        if form.get("do") == "back":
            return ask_name(world, flow, journey)
        user = user_of(world, flow)
        password = form.get("passwd", "")
        try:
            check_password(world, user, password)
        except Refused as refused:
            log(world, call, flow, journey, refused)
            return _ask_password(world, flow, journey, user["id"], refused)
        flow.mfa = False
        session.sign_in(world, flow.browser, user, mfa=False)
        return go_on(world, call, flow, journey)

    flow.user_id = user_id
    return flow.wait("password", lambda: page(world, flow, "password", journey.targets, problem=problem,
                                              user=user_of(world, flow)), answer)  # fmt: skip


def log(
    world: World, call: Call, flow: Flow, journey: Journey, refused: Refused | None, *, uti: str | None = None
) -> None:
    """Write a sign-in that ended here, failed once, or was interrupted, into the sign-in log; nothing where nobody is
    known yet. `uti`: the id of the token that it got at once.
    """
    user = world.tenant.users.get(flow.user_id)
    if user is None:
        return
    try:
        client, resource = journey.client(world), journey.resource(world)
    except Refused:
        return
    attempt = sign_ins.Attempt("", client, user, resource, flow.mfa, uti, flow.correlation)
    sign_ins.interactive(world, call, attempt, refused)


def _pick(world: World, flow: Flow, journey: Journey) -> Reply:
    def answer(world: World, call: Call, form: Form) -> Reply:
        picked = form.get("pick", "")
        for account in session.signed_in(world, flow.browser):
            if account.user_id == picked:
                flow.user_id, flow.mfa = account.user_id, account.mfa
                return go_on(world, call, flow, journey)
        name = form.get("login", "").strip()
        user = find_user(world, name) if name else None
        return _ask_password(world, flow, journey, user["id"]) if user else ask_name(world, flow, journey)

    def show() -> Reply:
        users = [world.tenant.users.get(each.user_id) for each in session.signed_in(world, flow.browser)]
        return page(world, flow, "pick", journey.targets, users=[each for each in users if each])

    return flow.wait("pick", show, answer)


def _ask_second_factor(world: World, flow: Flow, journey: Journey, problem: Refused | None = None) -> Reply:
    user = user_of(world, flow)
    register = user.get("_mfaRegistered") is False
    required = Refused("mfa_not_registered", resource=journey.resource(world)["appId"]) if register else None

    def answer(world: World, call: Call, form: Form) -> Reply:
        if form.get("do") == "cancel":
            return journey.refuse(world, call, flow, Refused("sign_in_cancelled"), person=False)
        user = user_of(world, flow)
        if user.get("_mfa") == "denied":
            denied = Refused("mfa_denied")
            log(world, call, flow, journey, denied)
            return _ask_second_factor(world, flow, journey, denied)
        if user.get("_mfaRegistered") is False:
            user["_mfaRegistered"] = True
            world.tenant.changed = True
        flow.mfa = True
        session.sign_in(world, flow.browser, user, mfa=True)
        return go_on(world, call, flow, journey)

    name = "register" if register else "mfa"
    return flow.wait(name, lambda: page(world, flow, name, journey.targets, user=user,
                                        problem=problem or required), answer)  # fmt: skip


def new_flow(world: World, call: Call, browser: Browser, tenant: str, *, hint: str = "", silent: bool = False) -> Flow:
    """Begin a sign-in in a browser."""
    return session.begin(
        world,
        browser,
        lambda id_, expires: Flow(
            id_, browser, expires, tenant, correlation_id(call), hint=hint.strip(), silent=silent
        ),
    )
