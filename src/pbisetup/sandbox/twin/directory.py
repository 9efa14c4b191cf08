"""The directory of a twin: the tenant and its cloud, who had looked at it, who signs in to the app, and what ids are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from pbisetup.catalog.clouds import clouds
from pbisetup.model.recording import Json, RecordingError
from pbisetup.sandbox.first_party import follow, service_principal
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.twin.draft import DOMAIN, GUID, Draft, guid_of, name_of, stamp

_PLAIN_ROLES: Final = frozenset(("b79fbf4d-3ef9-4689-8143-76b194e85509", "0997a1d0-0d1d-4acb-b408-d5ca73121e90"))
"""In a token's `wids` for somebody without a role."""
_LICENCES: Final = (
    ("BI_AZURE_P3", "PremiumPerUser"),
    ("BI_AZURE_P2", "Pro"),
    ("BI_AZURE_P1", "Pro"),
    ("BI_AZURE_P0", "Free"),
)
"""Service plans of Power BI, the best first (entra-docs licensing-service-plan-reference)."""


def tenant(draft: Draft) -> None:
    """The tenant, its cloud, and who had looked at it."""
    tenant = draft.state["tenant"]
    seen = draft.object("tenant")
    if seen:
        tenant["displayName"] = name_of(seen.get("tenant") or tenant["displayName"], "tenant.tenant")
        domain = name_of(seen.get("domain") or tenant["domain"], "tenant.domain")
        if not DOMAIN.fullmatch(domain) and not GUID.fullmatch(domain):  # an id where no domain could be read
            raise RecordingError("tenant.domain is no domain name")
        _domain(draft, domain)
    else:
        draft.assume("the tenant's name", tenant["displayName"])
        account = draft.claims().get("account") or draft.object("credential").get("account")
        if isinstance(account, str) and "@" in account:
            _domain(draft, account.rpartition("@")[2])
    _asked_for(draft)
    _cloud(draft)
    _operator(draft)


def _domain(draft: Draft, domain: str) -> None:
    if not DOMAIN.fullmatch(domain):
        return
    before, draft.state["tenant"]["domain"] = draft.state["tenant"]["domain"], domain
    for user in draft.state["users"]:
        for key in ("userPrincipalName", "mail"):
            user[key] = user[key].replace(before, domain)
    for capacity in draft.state["capacities"]:
        capacity["admins"] = [each.replace(before, domain) for each in capacity["admins"]]


def _asked_for(draft: Draft) -> None:
    """Of the domains that a tenant has a twin keeps one: that by which it was asked for and known."""
    named = draft.object("credential").get("tenant_id") or draft.object("asked").get("tenant_id")
    authority = draft.known("authority")
    if authority is None:
        meant = not draft.object("tenant") and 90002 not in draft.codes
    else:
        told = str((authority.value or {}).get("tenant_id")).lower()
        meant = told == draft.identity.tenant_id
        if authority.status == "known" and not meant:
            draft.missing.append(
                "the tenant that the token was asked of: it is another than the one that was looked at"
            )
    if isinstance(named, str) and meant:
        _domain(draft, named)


def _cloud(draft: Draft) -> None:
    """Where the tenant lives, by what the authority said, else where it was looked for."""
    configured = draft.recording.cloud
    if configured == "sandbox":  # which stands for one
        configured = draft.object("asked").get("cloud") or configured
    if configured != "sandbox" and configured not in clouds():
        raise RecordingError(f"cloud {configured!r} is not one of {', '.join((*clouds(), 'sandbox'))}")
    cloud = _told_by(draft.object("authority")) or ("public" if configured == "sandbox" else configured)
    if cloud != "public":
        draft.state["tenant"]["cloud"] = cloud
        follow(draft.identity, draft.state)
    if configured not in ("sandbox", cloud):
        draft.caller["cloud"] = configured


def _told_by(authority: Object) -> str | None:
    """The cloud, by `cloud_instance_name` and `tenant_region_sub_scope`."""
    instance, part = str(authority.get("cloud") or "").lower(), str(authority.get("subregion") or "").upper()
    if instance.endswith(".cn"):
        return "china"
    if instance.endswith(".us"):
        return "dod" if part == "DOD" else "gcchigh"
    return None if not instance else "gcc" if part == "GCC" else "public"


# -- people --------------------------------------------------------------------------------------------------------


def _operator(draft: Draft) -> None:
    """Who had looked signs in by themselves."""
    seen = draft.object("operator")
    if not seen:
        return
    if seen.get("kind") != "user":
        draft.missing.append("the operator was a service principal: use the twin's own, or its user admin")
        return
    user = draft.user(str(seen["account"]), guid_of(seen["object_id"], "operator.object_id"))
    user["directoryRoles"] = _roles(seen.get("directory_roles"), "operator.directory_roles")
    user["userType"] = "Guest" if seen.get("guest") else "Member"
    draft.state["auto_approve"] = user["userPrincipalName"]


def person(draft: Draft) -> None:
    """Who signed in to the app, with the roles and licences that the directory or the token showed."""
    seen, claims = draft.object("person"), draft.claims()
    account = seen.get("account") or claims.get("account") or draft.object("credential").get("account")
    if not draft.for_people or not account:
        return
    id_ = seen.get("object_id") or claims.get("object_id")
    draft.person = draft.user(str(account), guid_of(id_, "the object id of the person") if id_ else None)
    if not draft.object("operator"):
        draft.person["directoryRoles"] = _roles(claims.get("directory_roles"), "token.claims.directory_roles")
        draft.state["auto_approve"] = draft.person["userPrincipalName"]
    if not seen:
        return
    if draft.object("operator").get("object_id") != seen.get("object_id"):  # whose roles are known already
        draft.person["directoryRoles"] = _roles(seen.get("directory_roles"), "person.directory_roles")
    if seen.get("eligible_roles") is not None:
        draft.person["_eligibleRoles"] = _roles(seen["eligible_roles"], "person.eligible_roles")
    if seen.get("licences") is not None:
        draft.person["powerBiLicense"] = next((name for plan, name in _LICENCES if plan in seen["licences"]), "none")


def _roles(given: Json, where: str) -> list[str]:
    return sorted(guid_of(role, where) for role in given or () if role not in _PLAIN_ROLES)


# -- other objects -------------------------------------------------------------------------------------------------


def named(draft: Draft) -> None:
    """What an id is that was looked up: an object of that kind and id, where there is none yet."""
    for fact in draft.recording.all("named"):
        if fact.status != "known":
            continue
        id_, name = guid_of(fact.value["id"], "named.id"), name_of(fact.value.get("name") or "Recorded", "named.name")
        collections = ("users", "groups", "applications", "servicePrincipals")
        if any(each["id"] == id_ for collection in collections for each in draft.state[collection]):
            continue
        kind, client_id = fact.value.get("kind"), fact.value.get("client_id")
        client = guid_of(client_id, "named.client_id") if client_id else draft.identity.id(f"client {id_}")
        if kind == "user":
            draft.user(f"recorded{len(draft.state['users'])}", id_)["displayName"] = name
        elif kind == "group":
            draft.state["groups"].append(made.group(draft.identity, name) | {"id": id_})
        elif kind in ("application", "service principal"):
            _app_of(draft, str(kind), id_, client, name)


def _app_of(draft: Draft, kind: str, id_: str, client: str, name: str) -> None:
    """An app by one of its object ids; the service principal of one that is there already gets the id."""
    principal = next((each for each in draft.state["servicePrincipals"] if each["appId"] == client), None)
    if kind == "service principal" and principal is not None:
        return
    if not any(each["appId"] == client for each in draft.state["applications"]):
        app = made.application(draft.identity, f"twin {client}") | {"appId": client, "displayName": name}
        draft.state["applications"].append(app | ({"id": id_} if kind == "application" else {}))
    if principal is None:
        principal = service_principal(draft.identity, client, name, [])
        draft.state["servicePrincipals"].append(principal | ({"id": id_} if kind == "service principal" else {}))


def sign_ins(draft: Draft) -> None:
    """The refused sign-ins of the app that the tenant remembers."""
    client_id = draft.client_id()
    for number, each in enumerate(draft.value("failed_sign_ins") or () if client_id else ()):
        when = draft.moved(each["time"]) if each.get("time") else stamp(datetime.now(UTC) - timedelta(hours=1))
        kind = "nonInteractiveUser" if draft.for_people else "servicePrincipal"
        draft.state.setdefault("signIns", []).append(
            {
                "id": draft.identity.id(f"sign-in {number}"),
                "createdDateTime": when,
                "appId": client_id,
                "appDisplayName": draft.application["displayName"] if draft.application else "Recorded app",
                "resourceDisplayName": str(each.get("resource") or ""),
                "signInEventTypes": [kind],
                "status": {"errorCode": int(each["code"]), "failureReason": str(each.get("reason") or "")},
                "servicePrincipalId": draft.principal["id"] if draft.principal else "",
                "userPrincipalName": draft.person["userPrincipalName"] if draft.person else "",
            }
        )


def policies(draft: Draft) -> None:
    """What ordinary users may."""
    for fact, key in (
        ("may_create_apps", "allowedToCreateApps"),
        ("may_create_groups", "allowedToCreateSecurityGroups"),
    ):
        if isinstance(draft.value(fact), bool):
            draft.state["policies"][key] = draft.value(fact)
