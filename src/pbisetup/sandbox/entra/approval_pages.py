"""The pages on which a user, or an administrator, agrees to what an app asks for, or asks an administrator for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pbisetup.sandbox.entra import approval, signin
from pbisetup.sandbox.entra.approval import Permission
from pbisetup.sandbox.entra.authority import Client, find_client
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.entra.session import Flow
from pbisetup.sandbox.wire import Call, Reply, World


@dataclass(frozen=True)
class Ask:
    """What is asked, and how it goes on."""

    app_id: str
    permissions: list[Permission]
    accepted: Callable[[World, Call], Reply]
    refuse: signin.Refuse
    other: Callable[[World], Reply]
    """Lets somebody else sign in."""
    targets: tuple[str, ...] = ()
    everybody: bool = False
    """Whether an administrator is asked to agree for the whole organization."""
    declined: str = "consent_declined"
    """The cause that the app is told when the user cancels."""


def ask(world: World, flow: Flow, what: Ask) -> Reply:
    """Show what the app asks for, or that an administrator is needed. Raises Refused."""
    client, user = find_client(world, what.app_id), signin.user_of(world, flow)
    for_all = approval.may_consent_for_all(world, user, what.permissions)
    if not (for_all if what.everybody else approval.may_consent(world, client, user, what.permissions)):
        return _need_administrator(world, flow, what)

    def answer(world: World, call: Call, form: Mapping[str, str]) -> Reply:
        client, user = find_client(world, what.app_id), signin.user_of(world, flow)
        if form.get("do") != "accept":
            return what.refuse(world, call, flow, Refused(what.declined), person=False)
        # Asked again: what the user may do can have changed while the page stood open.
        for_all = approval.may_consent_for_all(world, user, what.permissions)
        everybody = for_all and (what.everybody or form.get("everybody") == "true")
        if not everybody and (what.everybody or not approval.may_consent(world, client, user, what.permissions)):
            return _need_administrator(world, flow, what)
        approval.grant(
            world, client, what.permissions, None if everybody else user, replace=everybody and what.everybody
        )
        try:
            return what.accepted(world, call)
        except Refused as refused:
            return what.refuse(world, call, flow, refused, person=False)

    publisher = (client.application or {}).get("verifiedPublisher") or {}
    return flow.wait(
        "consent",
        lambda: signin.page(
            world,
            flow,
            "consent",
            what.targets,
            app=client.name,
            publisher=publisher.get("displayName"),
            publisher_domain=(client.application or {}).get("publisherDomain") or world.tenant.domain,
            permissions=what.permissions,
            user=user,
            offer_everybody=for_all and not what.everybody,
            everybody=what.everybody,
        ),
        answer,
    )


def administrator_needed(world: World, client: Client, *, everybody: bool) -> Refused:
    """In which words a user is told that an administrator has to agree."""
    if approval.workflow_is_on(world) and not everybody:
        return Refused("admin_approval_requested")
    return Refused("admin_approval_required", name=client.name)


def _need_administrator(world: World, flow: Flow, what: Ask) -> Reply:
    client, user = find_client(world, what.app_id), signin.user_of(world, flow)
    cause = administrator_needed(world, client, everybody=what.everybody)
    workflow = cause.key == "admin_approval_requested"

    def answer(world: World, call: Call, form: Mapping[str, str]) -> Reply:
        if form.get("do") == "request" and workflow:
            reason = form.get("reason", "").strip()
            if not reason:
                return _show(world, flow, what, answer, cause, problem="Write why you need this app.")
            approval.ask_administrators(world, client, user, what.permissions, reason)
            return flow.wait("requested", lambda: _sent(world, flow, what), _back)
        if form.get("do") == "other":
            return what.other(world)
        return what.refuse(world, call, flow, cause, person=False)

    def _back(world: World, call: Call, _form: Mapping[str, str]) -> Reply:
        # entra-docs, unexpected-user-consent-error: "Back to app" sends 65004, and that is expected.
        return what.refuse(world, call, flow, Refused("consent_declined"), person=False)

    return _show(world, flow, what, answer, cause)


def _show(
    world: World,
    flow: Flow,
    what: Ask,
    answer: Callable[[World, Call, Mapping[str, str]], Reply],
    cause: Refused,
    problem: str = "",
) -> Reply:
    client, user = find_client(world, what.app_id), signin.user_of(world, flow)
    return flow.wait(
        "approval",
        lambda: signin.page(
            world,
            flow,
            "approval",
            what.targets,
            app=client.name,
            permissions=what.permissions,
            user=user,
            workflow=cause.key == "admin_approval_requested",
            cause=cause,
            problem=problem,
        ),
        answer,
    )


def _sent(world: World, flow: Flow, what: Ask) -> Reply:
    client = find_client(world, what.app_id)
    return signin.page(world, flow, "requested", what.targets, app=client.name)
