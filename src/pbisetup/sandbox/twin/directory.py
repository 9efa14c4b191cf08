"""The directory of a twin: tenant, operator, app with its secrets, service principal, consent."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pbisetup.catalog.clouds import clouds
from pbisetup.model.recording import Json, RecordingError
from pbisetup.sandbox.first_party import follow, service_principal
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.twin.draft import PRINCIPAL, SECRETS, Draft, guid_of, name_of, shown, stamp

_PLAIN_ROLES: Final = frozenset(("b79fbf4d-3ef9-4689-8143-76b194e85509", "0997a1d0-0d1d-4acb-b408-d5ca73121e90"))
"""In a token's `wids` for somebody without a role."""


def tenant(draft: Draft) -> None:
    """The tenant, and who had looked at it."""
    tenant = draft.state["tenant"]
    seen = draft.value("tenant")
    if seen:
        tenant["displayName"] = name_of(seen.get("tenant") or tenant["displayName"], "tenant.tenant")
        _domain(draft, name_of(seen.get("domain") or tenant["domain"], "tenant.domain"))
    else:
        draft.assume("the tenant's name", tenant["displayName"])
        account = draft.claims().get("account")
        if isinstance(account, str) and "@" in account:
            _domain(draft, account.rpartition("@")[2])
    cloud = draft.recording.cloud
    if cloud not in ("sandbox", "public"):
        if cloud not in clouds():
            raise RecordingError(f"cloud {cloud!r} is not one of {', '.join((*clouds(), 'sandbox'))}")
        tenant["cloud"] = cloud
        follow(draft.identity, draft.state)
    _operator(draft)


def _domain(draft: Draft, domain: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", domain):
        raise RecordingError("tenant.domain is no domain name")
    before, draft.state["tenant"]["domain"] = draft.state["tenant"]["domain"], domain
    for user in draft.state["users"]:
        for key in ("userPrincipalName", "mail"):
            user[key] = user[key].replace(before, domain)
    for capacity in draft.state["capacities"]:
        capacity["admins"] = [each.replace(before, domain) for each in capacity["admins"]]


def _operator(draft: Draft) -> None:
    """Who had looked signs in by themselves."""
    seen = draft.value("operator")
    if not seen:
        return
    if seen.get("kind") != "user":
        draft.missing.append("the operator was a service principal: use the twin's own, or its user admin")
        return
    user = draft.user(str(seen["account"]), guid_of(seen["object_id"], "operator.object_id"))
    user["directoryRoles"] = _roles(seen, "operator.directory_roles")
    user["userType"] = "Guest" if seen.get("guest") else "Member"
    draft.state["auto_approve"] = user["userPrincipalName"]


def person(draft: Draft) -> None:
    """Who signed in to the app, with the directory roles that the token showed."""
    claims = draft.claims()
    if not draft.for_people or not claims.get("account"):
        return
    draft.person = draft.user(str(claims["account"]), guid_of(claims["object_id"], "token.claims.object_id"))
    if not draft.value("operator"):
        draft.person["directoryRoles"] = _roles(claims, "token.claims.directory_roles")
        draft.state["auto_approve"] = draft.person["userPrincipalName"]


def _roles(seen: Object, where: str) -> list[str]:
    return sorted(guid_of(role, where) for role in seen.get("directory_roles") or () if role not in _PLAIN_ROLES)


def app(draft: Draft) -> None:
    """The app registration with its secrets."""
    client_id, fact = draft.client_id(), draft.known("app")
    if client_id is None or (fact is not None and fact.status == "absent"):
        return
    if fact is None and 700016 in draft.codes:
        draft.assume("the app registration", "that the tenant has none with this client id, as the token endpoint said")
        return
    app = made.application(draft.identity, f"twin {client_id}") | {"appId": client_id, "displayName": "Recorded app"}
    if fact is None:
        draft.assume("the app registration", "a plain one with this client id")
        app["isFallbackPublicClient"] = draft.for_people
    else:
        _registration(draft, app, fact.value)
    draft.application = app
    others = [each for each in draft.state["applications"] if each["appId"] != client_id]
    draft.state["applications"] = [*others, app]
    _passwords(draft, app)


def _registration(draft: Draft, app: Object, seen: Object) -> None:
    app |= {
        "id": guid_of(seen["object_id"], "app.object_id"),
        "displayName": name_of(seen.get("display_name") or app["displayName"], "app.display_name"),
        "uniqueName": name_of(seen["unique_name"], "app.unique_name") if seen.get("unique_name") else None,
        "tags": [name_of(tag, "app.tags") for tag in seen.get("tags") or ()],
        "isFallbackPublicClient": bool(seen.get("public_client")),
        "publicClient": {"redirectUris": list(seen.get("redirect_uris") or ())},
        "requiredResourceAccess": _declared(seen.get("declared") or ()),
    }
    if seen.get("owners") is None:
        draft.assume("the app's owners", "none")
    for owner in seen.get("owners") or ():
        id_ = guid_of(owner["id"], "app.owners")
        if not any(each["id"] == id_ for each in draft.state["users"]):
            draft.user(f"owner{len(draft.state['users'])}", id_)
        app["owners"].append(id_)
    for each in seen.get("federated_credentials") or ():
        app.setdefault("federatedIdentityCredentials", []).append(
            {
                "id": guid_of(each.get("id") or draft.identity.id(f"federated {len(app)}"), "federated_credentials.id"),
                "name": name_of(each.get("name") or "recorded", "federated_credentials.name"),
                "issuer": str(each["issuer"]),
                "subject": each.get("subject"),
                "audiences": list(each.get("audiences") or ()),
            }
        )


def _passwords(draft: Draft, app: Object) -> None:
    """Secrets as they are listed; of the one that the app was configured with this start's secret is the value."""
    seen = (draft.value("app") or {}).get("passwords")
    for each in seen or ():
        app["passwordCredentials"].append(
            {
                "keyId": guid_of(each["key_id"], "app.passwords.key_id"),
                "displayName": each.get("display_name"),
                "startDateTime": stamp(datetime.now(UTC) - timedelta(days=365)),
                "endDateTime": draft.moved(each.get("ends")),
                "hint": str(each.get("hint") or "")[:3],
                # Nobody recorded the value, so nobody has it.
                "secretHash": hashlib.sha256(secrets.token_bytes(32)).hexdigest(),
            }
        )
    if seen is None and app.get("federatedIdentityCredentials") is None and _has_secret(draft):
        draft.assume(SECRETS, "one, valid for two months")
        app["passwordCredentials"].append(made.secret(draft.identity, app["displayName"]))


def _has_secret(draft: Draft) -> bool:
    credential = draft.value("credential")
    return bool(credential is None or credential.get("has_secret", True))


def principal(draft: Draft) -> None:
    """The service principal."""
    fact, client_id = draft.known("service_principal"), draft.client_id()
    if client_id is None or (fact is not None and fact.status == "absent"):
        return
    if fact is None and 7000229 in draft.codes:
        draft.assume(PRINCIPAL, "none, as the token endpoint said")
        return
    if fact is None and draft.application is None:
        return
    name = draft.application["displayName"] if draft.application else "Recorded app"
    listed = draft.state["servicePrincipals"]
    principal = next((each for each in listed if each["appId"] == client_id), None)
    if principal is None:  # else one of Microsoft's own, which every tenant has
        principal = service_principal(draft.identity, client_id, name, [])
        listed.append(principal)
    draft.principal = principal
    claimed = draft.claims().get("object_id") if not draft.claims().get("scopes") else None
    expected = (draft.value("expected") or {}).get("service_principal_id")
    if fact is not None:
        principal["id"] = guid_of(fact.value["object_id"], "service_principal.object_id")
        principal["accountEnabled"] = fact.value.get("enabled") is not False
    elif claimed or expected:
        principal["id"] = guid_of(claimed or expected, "the service principal's id")
    else:
        draft.assume(PRINCIPAL, "an enabled one")


def deleted(draft: Draft) -> None:
    """A deleted app registration of the same unique name."""
    fact = draft.known("deleted_app")
    if fact is None or fact.status != "known":
        return
    client_id = draft.client_id() or draft.identity.id("deleted client")
    id_ = guid_of(fact.value["object_id"], "deleted_app.object_id")
    app = made.application(draft.identity, "deleted") | {"id": id_, "appId": client_id, "displayName": "Recorded app"}
    manifest = draft.value("manifest") or {}
    if manifest.get("project_id") and draft.recording.environment:
        app["uniqueName"] = f"pbisetup-{manifest['project_id']}-{draft.recording.environment}"
    when = stamp(datetime.now(UTC) - timedelta(days=1))
    entry = {"id": id_, "kind": "application", "deletedDateTime": when, "object": {**app, "deletedDateTime": when}}
    draft.state["deletedItems"].append(entry)


def consent(draft: Draft) -> None:
    """Delegated grants and application permissions on Power BI."""
    resource = draft.power_bi
    own = (draft.value("power_bi") or {}).get("object_id")
    for each in draft.value("delegated_grants") or () if draft.principal else ():
        if own is not None and each["resource_id"] != own:
            draft.missing.append("a delegated grant for another API than Power BI")
            continue
        person = each.get("principal_id")
        draft.state["oauth2PermissionGrants"].append(
            {
                "id": name_of(each["id"], "delegated_grants.id"),
                "clientId": (draft.principal or {})["id"],
                "consentType": "Principal" if person else "AllPrincipals",
                "principalId": guid_of(person, "delegated_grants.principal_id") if person else None,
                "resourceId": resource["id"],
                "scope": " ".join(str(scope) for scope in each.get("scopes") or ()),
            }
        )
    if (
        draft.value("delegated_grants") is None
        and draft.principal
        and draft.for_people
        and draft.claims().get("scopes")
    ):
        scopes = " ".join(str(scope) for scope in draft.claims()["scopes"])
        draft.state["oauth2PermissionGrants"].append(
            {
                "id": draft.identity.id("twin consent"),
                "clientId": draft.principal["id"],
                "consentType": "AllPrincipals",
                "principalId": None,
                "resourceId": resource["id"],
                "scope": scopes,
            }
        )
        draft.assume("who consented", f"an administrator for everybody, to {scopes}")
    roles = draft.value("app_role_assignments")
    names = [each.get("permission") for each in roles] if roles is not None else draft.claims().get("roles") or []
    ids = {each["value"]: each["id"] for each in resource["appRoles"]}
    for name in names:
        if name not in ids:
            draft.missing.append(f"the application permission {shown(str(name))}: not one of Power BI's")
        elif draft.principal is not None:
            draft.state["appRoleAssignments"].append(
                _assigned(draft.identity, draft.principal, resource, name, ids[name])
            )


def policies(draft: Draft) -> None:
    """What ordinary users may."""
    for fact, key in (
        ("may_create_apps", "allowedToCreateApps"),
        ("may_create_groups", "allowedToCreateSecurityGroups"),
    ):
        if isinstance(draft.value(fact), bool):
            draft.state["policies"][key] = draft.value(fact)


def _declared(entries: Json) -> list[Object]:
    apis: dict[str, list[Object]] = {}
    for each in entries:
        access_ = {"id": guid_of(each["id"], "app.declared.id"), "type": str(each["type"])}
        apis.setdefault(guid_of(each["resource_app_id"], "app.declared.resource_app_id"), []).append(access_)
    return [{"resourceAppId": api, "resourceAccess": listed} for api, listed in apis.items()]


def _assigned(identity: Identity, principal: Object, resource: Object, name: str, role_id: Any) -> Object:
    return {
        "id": identity.id(f"twin grant {name}"),
        "appRoleId": role_id,
        "createdDateTime": stamp(datetime.now(UTC) - timedelta(days=1)),
        "principalId": principal["id"],
        "principalDisplayName": principal["displayName"],
        "principalType": "ServicePrincipal",
        "resourceId": resource["id"],
        "resourceDisplayName": resource["displayName"],
    }
