"""Steps for the app: registration, service principal, owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pbisetup.model.facts import Known, value_of
from pbisetup.model.manifest import ADOPTED_TAG
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import AppRegistration
from pbisetup.planning import rights
from pbisetup.planning.redirects import by_platform
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_user_app, wanted_app_roles, wanted_scopes


def application(s: Situation) -> Iterator[Step]:
    if s.app is not None:
        yield from _existing(s, s.app)
        return
    body = _application_body(s)
    right = s.create_right
    yield Step(
        "app",
        "add",
        f"App registration {s.manifest.display_name(s.env.name)!r}",
        f"the identity your program signs in with. Permissions: {_declared_note(s)}",
        Action("upsert_application", {"unique_name": s.manifest.unique_name(s.env.name), "body": body}),
        right.who,
        right.allowed,
        right.because,
        undo="delete the app registration",
        warning=(
            "a deleted app registration still holds the unique name; `pbisetup apply` asks what shall become of it"
            if isinstance(s.seen.deleted_app, Known)
            else None
        ),
    )


def _existing(s: Situation, app: AppRegistration) -> Iterator[Step]:
    changes = _application_drift(s, app)
    name = app.display_name if s.env.client_id else s.manifest.display_name(s.env.name)
    title = f"App registration {name!r}"
    if not changes:
        yield Step("app", "keep", title, f"client id {app.client_id}; {_declared_note(s)}")
        return
    right = rights.edit_app(s.seen.operator, app.owners, ours_after_create=False)
    taken_over = _is_taken_over(s, app)
    yield Step(
        "app",
        "change",
        f"{title}: take over ({_in_words(changes)})" if taken_over else f"{title}: {_in_words(changes)}",
        _taking_over(app) if taken_over else "differs from the manifest",
        Action("update_application", {"app_object_id": app.object_id, "changes": changes}),
        right.who,
        right.allowed,
        right.because,
        undo="set it back in the portal; a unique name stays"
        if "uniqueName" in changes
        else "set it back in the portal",
        warning=_others_claim(s, app) if taken_over else None,
    )


_WORDS: Final = {
    "displayName": "name",
    "uniqueName": "unique name",
    "tags": "tag",
    "isFallbackPublicClient": "public client flows",
    "requiredResourceAccess": "declared permissions",
}


def _in_words(changes: Mapping[str, Any]) -> str:
    return ", ".join(sorted(_WORDS[name] for name in changes))


def _is_taken_over(s: Situation, app: AppRegistration) -> bool:
    """Whether the app was made by hand and does not bear this project's mark yet."""
    return bool(s.env.client_id) and s.manifest.tag(s.env.name) not in app.tags


def _taking_over(app: AppRegistration) -> str:
    found = "by its tag and client id" if app.unique_name else "by its unique name, which can be set only once"
    kept = "Its name, secrets and everything else of it stay"
    return f"made by hand (client id {app.client_id}); from now on found {found}. {kept}"


def _others_claim(s: Situation, app: AppRegistration) -> str | None:
    """A word about whose the app may be, too: marks that other projects and tools put on it."""
    others = sorted(tag for tag in app.tags if tag.startswith("pbisetup:") and tag != s.manifest.tag(s.env.name))
    if others:
        return f"another project of pbisetup keeps this app: {', '.join(tag.partition(':')[2] for tag in others)}"
    if app.unique_name and app.unique_name != s.manifest.unique_name(s.env.name):
        return f"it bears the unique name {app.unique_name!r}, by which another tool may keep it"
    return None


def _application_body(s: Situation) -> dict[str, Any]:
    body: dict[str, Any] = {
        "displayName": s.manifest.display_name(s.env.name),
        "signInAudience": "AzureADMyOrg",
        "tags": ["pbisetup", s.manifest.tag(s.env.name)],
    }
    for platform, uris in _redirects(s).items():
        if uris:
            body[platform] = {"redirectUris": uris}
    if is_user_app(s.env):
        body["isFallbackPublicClient"] = True
    resource = value_of(s.seen.power_bi)
    if resource and (access := wanted_access(s)):
        body["requiredResourceAccess"] = [
            {
                "resourceAppId": resource.app_id,
                "resourceAccess": [{"id": id_, "type": kind} for id_, kind in sorted(access)],
            }
        ]
    return body


def _redirects(s: Situation) -> dict[str, list[str]]:
    """By platform; whoever signs in with a system browser comes back to localhost."""
    own = ("http://localhost",) if is_user_app(s.env) else ()
    return by_platform((*own, *s.env.redirect_uris))


def wanted_access(s: Situation) -> set[tuple[str, str]]:
    """Ids and kinds of the permissions to declare, as this tenant's Power BI publishes them."""
    resource = value_of(s.seen.power_bi)
    if resource is None:
        return set()
    scopes = {(resource.scopes[each], "Scope") for each in wanted_scopes(s.env) if each in resource.scopes}
    return scopes | {(resource.roles[each], "Role") for each in wanted_app_roles(s.env) if each in resource.roles}


def _application_drift(s: Situation, app: AppRegistration) -> dict[str, Any]:
    """The properties to write so that the app is as the manifest says; what others added stays."""
    body = _application_body(s)
    changes: dict[str, Any] = {}
    if s.env.client_id is None and app.display_name != body["displayName"]:
        changes["displayName"] = body["displayName"]
    tags = {"pbisetup", s.manifest.tag(s.env.name)}
    if _is_taken_over(s, app):
        tags |= {ADOPTED_TAG, s.manifest.adopted_tag(s.env.name)}
        if app.unique_name is None:
            changes["uniqueName"] = s.manifest.unique_name(s.env.name)
    if s.manifest.tag(s.env.name) not in app.tags:
        changes["tags"] = sorted((app.tags | tags) - {s.manifest.left_tag(s.env.name)})
    if is_user_app(s.env) and not app.public_client:
        changes["isFallbackPublicClient"] = True
    return changes | _access_drift(s, app)


def redirects(s: Situation) -> Iterator[Step]:
    """Addresses that a registration lacks; one that any platform of it has is left there."""
    if s.app is None:
        return
    right = rights.edit_app(s.seen.operator, s.app.owners, ours_after_create=False)
    anywhere = s.app.redirect_uris | s.app.other_redirect_uris
    for uri in (uri for uris in _redirects(s).values() for uri in uris if uri not in anywhere):
        yield Step(
            f"redirect-{uri}",
            "add",
            f"App registration: redirect URI {uri}",
            "differs from the manifest",
            Action("add_redirect_uri", {"app_object_id": s.app.object_id, "uri": uri}),
            right.who,
            right.allowed,
            right.because,
            undo="remove the address",
        )


def _access_drift(s: Situation, app: AppRegistration) -> dict[str, Any]:
    resource = value_of(s.seen.power_bi)
    if resource is None:
        return {}
    wanted = {(resource.app_id, id_, kind) for id_, kind in wanted_access(s)}
    # An application permission that no purpose needs is not asked for any longer: it would be granted with the next consent.
    harmful = {
        (resource.app_id, id_, "Role") for name, id_ in resource.roles.items() if name not in wanted_app_roles(s.env)
    }
    declared = (app.declared | wanted) - harmful
    if declared == app.declared:
        return {}
    merged: dict[str, list[dict[str, str]]] = {}
    for api, id_, kind in sorted(declared):
        merged.setdefault(api, []).append({"id": id_, "type": kind})
    return {
        "requiredResourceAccess": [{"resourceAppId": api, "resourceAccess": access} for api, access in merged.items()]
    }


def _declared_note(s: Situation) -> str:
    asked = (*wanted_scopes(s.env), *sorted(wanted_app_roles(s.env)))
    return ", ".join(asked) if asked else s.purposes[0].why_permissions


def switched_off(s: Situation) -> Iterator[Step]:
    """A word about an app that nobody gets a token for, which is somebody's decision and not undone here."""
    if s.app is None or not (s.app.disabled or s.app.barred):
        return
    by = f"Microsoft has barred it ({s.app.barred})" if s.app.barred else "somebody has deactivated it"
    why = f"{by}; nobody gets a token for it"
    yield Step(
        "app-off", "leave", "App registration: deactivated", why, warning="activate it in the portal", blocks=True
    )


def service_principal(s: Situation) -> Iterator[Step]:
    if s.sp is not None and not s.sp.enabled:
        owners = s.app.owners if s.app else None
        right = rights.enable_service_principal(s.seen.operator, owners)
        yield Step(
            "service-principal",
            "change",
            "Service principal: switch on",
            "it is switched off, so nobody gets a token for the app",
            Action("enable_service_principal", {"sp_object_id": s.sp.object_id, "name": s.app_name}),
            right.who,
            right.allowed,
            right.because,
            takes="a few minutes",
            undo="switch it off",
            warning="somebody switched it off; every credential of the app works again, whoever holds it",
        )
        return
    if s.sp is not None:
        yield Step("service-principal", "keep", "Service principal", f"object id {s.sp.object_id}")
        return
    if s.creates_app:
        right = s.create_right
    else:
        owners = s.app.owners if s.app else None
        right = rights.edit_app(s.seen.operator, owners, ours_after_create=False)
    yield new_service_principal(s.app.client_id if s.app else "{client_id}", right)


def new_service_principal(client_id: str, right: rights.Right) -> Step:
    """The service principal of the app with this client id."""
    return Step(
        "service-principal",
        "add",
        "Service principal",
        "what groups and workspaces know the app by; its object id is neither the client id nor the app's",
        Action("create_service_principal", {"client_id": client_id}),
        right.who,
        right.allowed,
        right.because,
        needs=("app",),
        undo="deleted together with the app",
    )


def owner(s: Situation) -> Iterator[Step]:
    operator = s.seen.operator
    if operator.kind != "user":
        return
    if s.app is not None and s.app.owners is None:
        return
    if s.app is not None and s.app.owners and operator.object_id in s.app.owners:
        yield Step("owner", "keep", "Owner", operator.account)
        return
    owners = s.app.owners if s.app else None
    right = rights.edit_app(operator, owners, ours_after_create=s.creates_app)
    if s.somebody_else_makes_the_app:
        right = rights.Right(False, ("cloud application administrator",), "there is no app to own yet")
    yield Step(
        "owner",
        "add",
        f"Owner {operator.account}",
        "an owner can renew the secret without an administrator",
        Action("add_owner", {"app_object_id": s.app_ref, "owner_id": operator.object_id}),
        right.who,
        right.allowed,
        right.because,
        needs=("app",),
        undo="remove the owner",
    )
