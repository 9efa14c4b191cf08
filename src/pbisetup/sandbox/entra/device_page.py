"""Where a person enters the code that a device shows: the code, the sign-in, and "are you trying to sign in to ...?"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pbisetup.sandbox.entra import approval, approval_pages, device, session, signin
from pbisetup.sandbox.entra.authority import find_client
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.entra.resources import find_resource
from pbisetup.sandbox.entra.session import Flow
from pbisetup.sandbox.wire import BadBody, Call, Reply, World

Object = dict[str, Any]


@dataclass
class Entered:
    """What a browser has entered so far."""

    user_code: str = ""
    app_id: str = ""


def page(world: World, call: Call) -> Reply:
    """`GET` and `POST /common/oauth2/deviceauth`: asks for the code; `user_code` or `otc` fills it in."""
    browser = session.browser_of(world, call)
    flow = signin.new_flow(world, call, browser, "common")
    try:
        given = {**call.query, **(call.form() if call.method == "POST" else {})}
    except BadBody:
        given = {}
    code = given.get("user_code") or given.get("otc") or ""
    return session.with_cookie(world, call, _ask_code(world, flow, Entered(), code), browser)


def _ask_code(world: World, flow: Flow, entered: Entered, code: str = "", problem: str = "") -> Reply:
    def answer(world: World, call: Call, form: Mapping[str, str]) -> Reply:
        given = form.get("otc", "").replace(" ", "").replace("-", "").upper()
        pending = device.waiting(world, given)
        if pending is None:
            return _ask_code(
                world, flow, entered, given, "That code didn't work. Check the code and try again. (AADSTS70018)"
            )
        if pending["redeemed"] or pending["declined"]:
            # guess: that the page says so in the words of the list of codes.
            return _ask_code(world, flow, entered, given, "That code was used already. (AADSTS90120)")
        entered.user_code, entered.app_id = given, str(pending["client_id"])
        # Always with the accounts shown, so that nobody confirms as whom they did not mean. guess.
        return signin.start(world, call, flow, _journey(entered), frozenset({"select_account"}))

    return flow.wait("device", lambda: signin.page(world, flow, "device", code=code[:20], problem=problem), answer)


def _journey(entered: Entered) -> signin.Journey:
    return signin.Journey(
        kind="device_code",
        app_id=entered.app_id,
        resource=lambda world: _wanted(world, _pending(world, entered)).resource,
        admitted=lambda world, _call, flow: _confirm(world, flow, entered),
        refuse=lambda world, call, flow, refused, *, person: _ended(world, call, flow, entered, refused, person),
    )


def _confirm(world: World, flow: Flow, entered: Entered) -> Reply:
    """ "Are you trying to sign in to ...?", which stops whoever was only handed a code by somebody else."""

    def answer(world: World, call: Call, form: Mapping[str, str]) -> Reply:
        if form.get("do") != "continue":
            return _ended(world, call, flow, entered, Refused("sign_in_cancelled"), person=False)
        return _consent(world, call, flow, entered)

    def show() -> Reply:
        name = find_client(world, entered.app_id).name
        return signin.page(world, flow, "device_confirm", app=name, user=signin.user_of(world, flow))

    _pending(world, entered)
    return flow.wait("device_confirm", show, answer)


def _consent(world: World, call: Call, flow: Flow, entered: Entered) -> Reply:
    client, user = find_client(world, entered.app_id), signin.user_of(world, flow)
    try:
        needed = approval.missing(world, client, user, _wanted(world, _pending(world, entered)))
        if not needed:
            return _done(world, flow, entered)
        journey = _journey(entered)
        ask = approval_pages.Ask(
            entered.app_id,
            needed,
            lambda world, _call: _done(world, flow, entered),
            journey.refuse,
            other=lambda world: signin.ask_name(world, flow, journey),
        )
        return approval_pages.ask(world, flow, ask)
    except Refused as refused:
        return _ended(world, call, flow, entered, refused, person=False)


def _done(world: World, flow: Flow, entered: Entered) -> Reply:
    device.approve(_pending(world, entered), signin.user_of(world, flow), mfa=flow.mfa)
    session.end(world, flow)
    name = find_client(world, entered.app_id).name
    return signin.page(
        world,
        flow,
        "message",
        title=f"You have signed in to the {name} application on your device",
        text="You may now close this window.",
    )


def _ended(world: World, call: Call, flow: Flow, entered: Entered, refused: Refused, person: bool) -> Reply:
    """The device hears that the user declined; any other refusal is only told here, and the code goes on waiting."""
    signin.log(world, call, flow, _journey(entered), refused)
    session.end(world, flow)
    if refused.cause.error != "access_denied" or person:
        return signin.error_page(world, call, refused, flow.correlation)
    pending = device.waiting(world, entered.user_code)
    if pending is not None:
        pending["declined"] = True
    return signin.page(
        world, flow, "message", title="You have cancelled the sign-in", text="The device was told. You may close this."
    )


def _pending(world: World, entered: Entered) -> Object:
    pending = device.waiting(world, entered.user_code)
    if pending is None:
        raise Refused("device_code_unknown")
    return pending


def _wanted(world: World, pending: Object) -> approval.Wanted:
    """What the device asked for; v1 asks for a resource by its name, which no scope text is. Raises Refused."""
    text = str(pending["scope"])
    try:
        find_resource(world, text)
    except Refused:
        return approval.wanted_v2(world, text)
    return approval.wanted_v1(world, text)
