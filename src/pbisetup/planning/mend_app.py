"""Steps that mend the app itself: its registration, service principal, secret, permissions and people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from pbisetup.model import case as keys
from pbisetup.model.facts import Absent, value_of
from pbisetup.model.plan import Action, ChangeKind, Step
from pbisetup.model.tenant import DelegatedGrant
from pbisetup.planning import rights
from pbisetup.planning.app_steps import new_service_principal
from pbisetup.planning.credential_steps import new_credential
from pbisetup.planning.credential_steps import wish as wish_of
from pbisetup.planning.permission_steps import new_consent
from pbisetup.planning.redirects import is_native
from pbisetup.planning.repair import Maker, Repair, Wish, kept
from pbisetup.planning.rights import Right

_MINUTES: Final = "a few minutes"


def _step(wish: Wish, id_: str, change: ChangeKind, title: str, right: Right, **told: Any) -> Step:
    """A step that does exactly what the remedy names. `told`: what else a person wants to know of it."""
    action = Action(wish.kind, wish.params)
    return Step(id_, change, title, wish.why, action, right.who, right.allowed, right.because, **told)


def _added_api(r: Repair, wish: Wish) -> Iterator[Step]:
    title = f"API {wish.params['name']!r}: its service principal in this tenant"
    right = rights.change_api(r.s.seen.operator)
    yield _step(wish, "fix-add-resource", "add", title, right, takes=_MINUTES, undo="delete the service principal")


def _enabled_api(r: Repair, wish: Wish) -> Iterator[Step]:
    name = wish.params["name"]
    title = f"API {name!r}: switch its service principal on"
    warning = f"everybody in the tenant, and every app, can get tokens for {name} again; somebody switched it off"
    told = {"takes": _MINUTES, "undo": "switch it off", "warning": warning}
    yield _step(wish, "fix-enable-resource", "change", title, rights.change_api(r.s.seen.operator), **told)


def _edit(r: Repair) -> Right:
    return rights.edit_app(r.s.seen.operator, r.owners, ours_after_create=False)


def _public_client(r: Repair, wish: Wish) -> Iterator[Step]:
    title = "App registration: allow public client flows"
    warning = "whoever knows the client id can then begin a sign-in to the app without its secret"
    yield _step(wish, "fix-public-client", "change", title, _edit(r), undo="switch it off", warning=warning)


def _redirect_uri(r: Repair, wish: Wish) -> Iterator[Step]:
    uri = wish.params["uri"]
    host = urlsplit(uri).hostname
    warning = None if is_native(uri) else f"whoever answers at {host} is given the sign-ins that name this address"
    id_, title = f"fix-redirect-{uri}", f"App registration: redirect URI {uri}"
    if r.s.app is not None and uri in r.s.app.redirect_uris | r.s.app.other_redirect_uris:
        yield kept(id_, title, "the app registration lists it already")
        return
    yield _step(wish, id_, "change", title, _edit(r), undo="remove the address", warning=warning)


def _permissions(r: Repair, wish: Wish) -> Iterator[Step]:
    api = wish.params["resource_app_id"]
    wanted = r.all_of(wish, "scope_ids", "resource_app_id")
    scopes = sorted(r.all_of(wish, "scopes", "resource_app_id"))
    title = f"App registration: ask for {', '.join(scopes)}"
    if r.s.app is not None and {(api, id_, "Scope") for id_ in wanted} <= r.s.app.declared:
        yield kept(_permissions_id(api), title, "the app registration asks for it already")
        return
    whole = replace(wish, params={**wish.params, "scope_ids": sorted(wanted), "scopes": scopes})
    yield _step(whole, _permissions_id(api), "change", title, _edit(r), undo="take the permission off the list")


def _permissions_id(api: str) -> str:
    return f"fix-permissions-{api}"


def _service_principal(r: Repair, wish: Wish) -> Iterator[Step]:
    if r.s.sp is not None:
        yield kept("service-principal", "Service principal", f"object id {r.s.sp.object_id}")
        return
    foreign = isinstance(r.case.fact(keys.APP), Absent)
    right = rights.change_api(r.s.seen.operator) if foreign else _edit(r)
    warning = "the app is registered in another tenant: its owners there can sign in here with it" if foreign else None
    yield replace(new_service_principal(wish.params["client_id"], right), why=wish.why, warning=warning)


def _enabled(r: Repair, wish: Wish) -> Iterator[Step]:
    right = rights.enable_service_principal(r.s.seen.operator, r.owners)
    title = f"Service principal {wish.params['name']!r}: switch on"
    warning = "somebody switched it off; every credential of the app works again, whoever holds it"
    told = {"takes": _MINUTES, "undo": "switch it off", "warning": warning}
    yield _step(wish, "fix-enable-service-principal", "change", title, right, **told)


def _secret(r: Repair, wish: Wish) -> Iterator[Step]:
    if r.s.env.credential.kind == "federated":
        why = f"it is to have none: `pbisetup apply {r.s.env.name}` makes the app trust whom the manifest names"
        yield Step("secret", "leave", "Client secret", why)
        return
    if r.s.env.credential.file:
        why = f"the manifest names one: put another into {r.s.env.credential.file}, and run `pbisetup apply {r.s.env.name}`"
        yield Step("certificate", "leave", "Certificate", why)
        return
    wanted = wish_of(r.s)
    if wanted.problem:
        yield Step(wanted.kind, "leave", "The app's credential", wanted.problem)
        return
    step = new_credential(r.s, wanted, wish.why)
    assert step.action is not None
    params = {**step.action.params, "app_object_id": wish.params["app_object_id"]}
    yield replace(step, action=Action(step.action.kind, params))


def _consent(r: Repair, wish: Wish) -> Iterator[Step]:
    sp, api = wish.params["sp_object_id"], wish.params["resource_id"]
    wanted = r.all_of(wish, "scopes", "sp_object_id", "resource_id")
    power_bi = value_of(r.s.seen.power_bi)
    grants = value_of(r.s.seen.delegated_grants) or ()
    held = next((each for each in grants if each.resource_id == api and each.principal_id is None), None)
    if held is None and wish.params.get("grant_id"):
        held = DelegatedGrant(wish.params["grant_id"], api, frozenset(), None)
    ours = power_bi is not None and power_bi.object_id == api
    id_ = "consent" if ours else f"consent-{api}"
    if held is not None and wanted <= held.scopes:
        yield kept(id_, "Admin consent", f"for everybody: {' '.join(sorted(held.scopes))}")
        return
    step = new_consent(r.s, sp, api, wanted, held)
    yield replace(
        step,
        id=id_,
        why=wish.why,
        needs=(*step.needs, "fix-add-resource", *((_permissions_id(power_bi.app_id),) if ours and power_bi else ())),
        warning="it holds for everybody in the tenant who signs in to the app",
    )


def _revoked(r: Repair, wish: Wish) -> Iterator[Step]:
    right = rights.change_app_role(r.s.seen.operator, of_graph=_of_graph(r, wish.params["assignment_id"]))
    permission = wish.params["permission"]
    told = {
        "takes": "a token that was issued before keeps it to its end, about an hour",
        "undo": "grant it again",
        "warning": f"whatever else the app does with {permission} ends",
    }
    title = f"Application permission {permission!r}: revoke"
    yield _step(wish, f"fix-revoke-{wish.params['assignment_id']}", "remove", title, right, **told)


def _of_graph(r: Repair, assignment: str) -> bool | None:
    """Whether an assignment is of Microsoft Graph's, as far as it is known not to be of Power BI."""
    granted = next((each for each in r.case.value(keys.ROLE_GRANTS) or () if each.id == assignment), None)
    power_bi = value_of(r.s.seen.power_bi)
    if granted is not None and power_bi is not None and granted.resource_id == power_bi.object_id:
        return False
    return None


def _assigned(r: Repair, wish: Wish) -> Iterator[Step]:
    right = rights.assign_person(r.s.seen.operator, r.owners)
    title = f"Assign {wish.params['account']} to the app"
    told = {"needs": ("service-principal",), "takes": _MINUTES, "undo": "remove the assignment"}
    yield _step(wish, f"fix-assign-{wish.params['user_id']}", "add", title, right, **told)


APP_MAKERS: Final[Mapping[str, Maker]] = {
    "add_resource": Maker(_added_api, ("client_id", "name")),
    "enable_resource": Maker(_enabled_api, ("sp_object_id", "name")),
    "allow_public_client": Maker(_public_client, ("app_object_id",)),
    "add_redirect_uri": Maker(_redirect_uri, ("app_object_id", "uri")),
    "add_delegated_permission": Maker(_permissions, ("app_object_id", "resource_app_id", "scope_ids", "scopes")),
    "create_service_principal": Maker(_service_principal, ("client_id",)),
    "enable_service_principal": Maker(_enabled, ("sp_object_id", "name")),
    "add_secret": Maker(_secret, ("app_object_id", "client_id")),
    "grant_delegated": Maker(_consent, ("sp_object_id", "resource_id", "scopes")),
    "revoke_app_role": Maker(_revoked, ("sp_object_id", "assignment_id", "permission")),
    "assign_user": Maker(_assigned, ("sp_object_id", "user_id", "account")),
}
"""By the kind of action, in the order in which they are done."""
