"""Steps for the app: registration, service principal, owner, consent."""

from __future__ import annotations

from collections.abc import Iterator

from pbisetup.model.facts import Known, value_of
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import AppRegistration, DelegatedGrant
from pbisetup.planning import rights
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_user_app, wanted_scopes


def application(s: Situation) -> Iterator[Step]:
    name = s.manifest.display_name(s.env.name)
    body = _application_body(s)
    declared = _declared_note(s)
    if s.app is not None:
        changes = _application_drift(s, s.app)
        if not changes:
            yield Step("app", "keep", f"App registration {name!r}", f"client id {s.app.client_id}; {declared}")
            return
        right = rights.edit_app(s.seen.operator, s.app.owners, ours_after_create=False)
        yield Step(
            "app",
            "change",
            f"App registration {name!r}: {', '.join(sorted(changes))}",
            "differs from the manifest",
            Action("update_application", {"app_object_id": s.app.object_id, "changes": changes}),
            right.who,
            right.allowed,
            right.because,
            undo="set it back in the portal",
        )
        return
    right = s.create_right
    yield Step(
        "app",
        "add",
        f"App registration {name!r}",
        f"the identity your program signs in with. Permissions: {declared}",
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


def _application_body(s: Situation) -> dict[str, object]:
    body: dict[str, object] = {
        "displayName": s.manifest.display_name(s.env.name),
        "signInAudience": "AzureADMyOrg",
        "tags": ["pbisetup", s.manifest.tag(s.env.name)],
    }
    if is_user_app(s.env):
        body["isFallbackPublicClient"] = True
        body["publicClient"] = {"redirectUris": list(_redirects(s))}
    resource = value_of(s.seen.power_bi)
    if resource and (access := _wanted_access(s)):
        body["requiredResourceAccess"] = [
            {
                "resourceAppId": resource.app_id,
                "resourceAccess": [{"id": id_, "type": kind} for id_, kind in sorted(access)],
            }
        ]
    return body


def _redirects(s: Situation) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("http://localhost", *s.env.redirect_uris)))


def _wanted_access(s: Situation) -> set[tuple[str, str]]:
    resource = value_of(s.seen.power_bi)
    if resource is None:
        return set()
    return {(resource.scopes[s], "Scope") for s in wanted_scopes(s.env) if s in resource.scopes}


def _application_drift(s: Situation, app: AppRegistration) -> dict[str, object]:
    """The properties to write so that the app is as the manifest says; what others added stays."""
    body = _application_body(s)
    changes: dict[str, object] = {}
    if app.display_name != body["displayName"]:
        changes["displayName"] = body["displayName"]
    if s.manifest.tag(s.env.name) not in app.tags:
        changes["tags"] = sorted({*app.tags, "pbisetup", s.manifest.tag(s.env.name)})
    if is_user_app(s.env):
        if not app.public_client:
            changes["isFallbackPublicClient"] = True
        if not set(_redirects(s)) <= app.redirect_uris:
            changes["publicClient"] = {"redirectUris": sorted({*app.redirect_uris, *_redirects(s)})}
    resource = value_of(s.seen.power_bi)
    if resource:
        wanted = {(resource.app_id, id_, kind) for id_, kind in _wanted_access(s)}
        if not wanted <= app.declared:
            merged: dict[str, list[dict[str, str]]] = {}
            for api, id_, kind in sorted(app.declared | wanted):
                merged.setdefault(api, []).append({"id": id_, "type": kind})
            changes["requiredResourceAccess"] = [
                {"resourceAppId": api, "resourceAccess": access} for api, access in merged.items()
            ]
    return changes


def _declared_note(s: Situation) -> str:
    scopes = wanted_scopes(s.env)
    if scopes:
        return ", ".join(scopes)
    return s.purposes[0].why_permissions


def service_principal(s: Situation) -> Iterator[Step]:
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


def consent(s: Situation) -> Iterator[Step]:
    scopes = wanted_scopes(s.env)
    if not scopes:
        return
    resource = value_of(s.seen.power_bi)
    if resource is None:
        yield Step(
            "consent",
            "keep",
            "Admin consent",
            "Power BI Service is not in this tenant: somebody must sign up for Power BI first",
        )
        return
    if missing := [s for s in scopes if s not in resource.scopes]:
        yield Step(
            "consent-unknown",
            "keep",
            f"Delegated permissions {', '.join(missing)}",
            "left out: this tenant's Power BI Service publishes no such permission",
        )
    wanted = frozenset(s for s in scopes if s in resource.scopes)
    if not wanted:
        return
    grants = value_of(s.seen.delegated_grants) or ()
    existing = next((g for g in grants if g.resource_id == resource.object_id and g.principal_id is None), None)
    if existing and wanted <= existing.scopes:
        yield Step("consent", "keep", "Admin consent", f"for everybody: {' '.join(sorted(existing.scopes))}")
        return
    yield new_consent(s, s.sp_ref, resource.object_id, wanted, existing)


def new_consent(
    s: Situation, sp_object_id: str, resource_id: str, wanted: frozenset[str], existing: DelegatedGrant | None
) -> Step:
    """Consent for everybody to these permissions of an API, beside what `existing` grants already."""
    right = rights.consent(s.seen.operator)
    return Step(
        "consent",
        "change" if existing else "add",
        f"Admin consent to {', '.join(sorted(wanted))}",
        "so that people are not asked, each by each, and none is refused",
        Action(
            "grant_delegated",
            {
                "grant_id": existing.id if existing else None,
                "sp_object_id": sp_object_id,
                "resource_id": resource_id,
                "scopes": sorted(wanted | (existing.scopes if existing else frozenset())),
            },
        ),
        right.who,
        right.allowed,
        right.because,
        needs=("service-principal",),
        undo="revoke the consent",
    )
