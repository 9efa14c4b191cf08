"""Steps for permissions: consent to delegated ones, and the application permissions that few apps need."""

from __future__ import annotations

from collections.abc import Iterator

from pbisetup.model.facts import Unknown, value_of
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import AppRegistration, DelegatedGrant, ResourceApp
from pbisetup.planning import rights
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import wanted_app_roles, wanted_scopes


def consent(s: Situation) -> Iterator[Step]:
    scopes = wanted_scopes(s.env)
    if not scopes:
        return
    resource = value_of(s.seen.power_bi)
    if resource is None:
        yield Step(
            "consent",
            "leave",
            "Consent",
            "Power BI Service is not in this tenant: somebody must sign up for Power BI first",
            blocks=True,
        )
        return
    if missing := [each for each in scopes if each not in resource.scopes]:
        yield Step(
            "consent-unknown",
            "leave",
            f"Delegated permissions {', '.join(missing)}",
            "left out: this tenant's Power BI Service publishes no such permission",
            blocks=True,
        )
    wanted = frozenset(each for each in scopes if each in resource.scopes)
    if not wanted:
        return
    seen = s.seen.delegated_grants
    if s.sp is not None and isinstance(seen, Unknown):
        why = f"whether it was given could not be read: {seen.reason}"
        yield Step("consent", "leave", "Consent", why, warning="people may be asked, or refused, when they sign in")
        return
    grants = [g for g in value_of(seen) or () if g.resource_id == resource.object_id]
    everybody = next((g for g in grants if g.principal_id is None), None)
    if everybody and wanted <= everybody.scopes:
        yield Step("consent", "keep", "Admin consent", f"for everybody: {' '.join(sorted(everybody.scopes))}")
    elif s.env.consent == "person":
        yield from _for_one_person(s, resource, wanted, grants)
    else:
        yield new_consent(s, s.sp_ref, resource.object_id, wanted, everybody)


def more_consent(s: Situation) -> Iterator[Step]:
    """Delegated permissions that were consented to beside those that the manifest asks for: told, and left."""
    wanted = set(wanted_scopes(s.env))
    more = sorted({scope for g in value_of(s.seen.delegated_grants) or () for scope in g.scopes} - wanted)
    if more:
        yield Step(
            "consent-more",
            "leave",
            f"Consent to {', '.join(more)}",
            "given by somebody beside what the manifest asks for; take it back in the portal if nobody needs it",
        )


def _for_one_person(
    s: Situation, resource: ResourceApp, wanted: frozenset[str], grants: list[DelegatedGrant]
) -> Iterator[Step]:
    """Consent for whoever sets the app up; everybody else is asked when they sign in for the first time."""
    operator = s.seen.operator
    others = "everybody else is asked at the first sign-in, as far as the tenant lets people consent"
    if operator.kind != "user":
        yield Step("consent", "leave", "Consent, each person for themselves", others)
        return
    own = next((g for g in grants if g.principal_id == operator.object_id), None)
    if own and wanted <= own.scopes:
        yield Step("consent", "keep", f"Consent of {operator.account}", others)
        return
    right = rights.consent(operator)
    if right.allowed is False:
        # No API lets an ordinary person consent for themselves: the sign-in page asks them.
        why = f"asked for when you sign in (`pbisetup token {s.env.name} --user`); {others}"
        yield Step("consent", "leave", f"Consent of {operator.account}", why)
        return
    yield _consent_step(
        s.sp_ref,
        resource.object_id,
        wanted,
        own,
        right,
        title=f"Consent to {', '.join(sorted(wanted))} for {operator.account} alone",
        why=others,
        principal=operator.object_id,
    )


def new_consent(
    s: Situation, sp_object_id: str, resource_id: str, wanted: frozenset[str], existing: DelegatedGrant | None
) -> Step:
    """Consent for everybody to these permissions of an API, beside what `existing` grants already."""
    return _consent_step(
        sp_object_id,
        resource_id,
        wanted,
        existing,
        rights.consent(s.seen.operator),
        title=f"Admin consent to {', '.join(sorted(wanted))}",
        why="so that people are not asked, each by each, and none is refused",
    )


def _consent_step(
    sp_object_id: str,
    resource_id: str,
    wanted: frozenset[str],
    existing: DelegatedGrant | None,
    right: rights.Right,
    *,
    title: str,
    why: str,
    principal: str | None = None,
) -> Step:
    params = {
        "grant_id": existing.id if existing else None,
        "sp_object_id": sp_object_id,
        "resource_id": resource_id,
        "scopes": sorted(wanted | (existing.scopes if existing else frozenset())),
    }
    return Step(
        "consent",
        "change" if existing else "add",
        title,
        why,
        Action("grant_delegated", {**params, "principal_id": principal} if principal else params),
        right.who,
        right.allowed,
        right.because,
        needs=("service-principal",),
        undo="revoke the consent",
    )


def app_roles(s: Situation) -> Iterator[Step]:
    """Application permissions of Power BI: granted for a purpose that needs them, revoked for every other.

    Those of other APIs are not this program's business and stay.
    """
    resource, granted = value_of(s.seen.power_bi), value_of(s.seen.app_roles) or ()
    wanted = wanted_app_roles(s.env)
    if resource is None:
        if wanted:
            yield Step(
                "app-roles",
                "leave",
                f"Application permissions {', '.join(sorted(wanted))}",
                "Power BI Service is not in this tenant: somebody must sign up for Power BI first",
                blocks=True,
            )
        return
    held = {each.role_id: each for each in granted if each.resource_id == resource.object_id}
    for name in sorted(wanted):
        yield _granted(s, resource, name, is_held=resource.roles.get(name) in held)
    names = {id_: name for name, id_ in resource.roles.items()}
    for role_id, each in sorted(held.items()):
        name = names.get(role_id, role_id)
        if name not in wanted:
            yield _revoked(s, name, each.id)
    if foreign := len(granted) - len(held):
        yield Step(
            "app-roles-other",
            "leave",
            f"{foreign} application permission{'s' if foreign > 1 else ''} of other APIs",
            "nothing of Power BI hangs on them",
        )


def _granted(s: Situation, resource: ResourceApp, name: str, *, is_held: bool) -> Step:
    id_, title = f"app-role-{name}", f"Application permission {name!r} of Power BI Service"
    if is_held:
        return Step(id_, "keep", title, "granted")
    if name not in resource.roles:
        return Step(id_, "leave", title, "this tenant's Power BI Service publishes no such permission", blocks=True)
    right = s.after_app(rights.change_app_role(s.seen.operator, of_graph=False))
    return Step(
        id_,
        "add",
        title,
        "the gateway cmdlets refuse a service principal without it",
        Action(
            "grant_app_role",
            {
                "sp_object_id": s.sp_ref,
                "resource_id": resource.object_id,
                "role_id": resource.roles[name],
                "permission": name,
            },
        ),
        right.who,
        right.allowed,
        right.because,
        needs=("service-principal",),
        undo="revoke the permission",
        warning="with it the admin APIs refuse the app",
    )


def _revoked(s: Situation, name: str, assignment_id: str) -> Step:
    right = rights.change_app_role(s.seen.operator, of_graph=False)
    return Step(
        f"app-role-{name}",
        "remove",
        f"Application permission {name!r} of Power BI Service: revoke",
        "no purpose of this environment needs it, and with it the admin APIs refuse the app",
        Action(
            "revoke_app_role",
            {"sp_object_id": s.sp_ref, "assignment_id": assignment_id, "permission": name},
        ),
        right.who,
        right.allowed,
        right.because,
        takes="a token that was issued before keeps it to its end, about an hour",
        undo="grant it again",
        warning=f"whatever else the app does with {name} ends",
    )


def odd_permissions(s: Situation) -> Iterator[Step]:
    """What the app declares of Power BI that there is not, or not as that kind: told, and left to whoever wrote it."""
    resource = value_of(s.seen.power_bi)
    if s.app is None or resource is None:
        return
    if odd := list(_odd(s.app, resource)):
        yield Step("declared", "leave", "Declared permissions", "; ".join(odd), warning="correct them in the portal")


def _odd(app: AppRegistration, resource: ResourceApp) -> Iterator[str]:
    published = {"Scope": resource.scopes, "Role": resource.roles}
    words = {"Scope": "delegated", "Role": "application"}
    other = {"Scope": "Role", "Role": "Scope"}
    for api, id_, kind in sorted(app.declared):
        if api != resource.app_id or kind not in published or id_ in published[kind].values():
            continue
        name = next((n for n, each in published[other[kind]].items() if each == id_), None)
        if name is None:
            yield f"{id_} is no {words[kind]} permission of Power BI Service"
        else:
            yield f"{id_} is declared as {words[kind]} but is the {words[other[kind]]} permission {name}"
