"""The app of a twin: its registration with what it signs in by, and its service principal."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from pbisetup.model.recording import Json
from pbisetup.sandbox.first_party import service_principal
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.twin.draft import PRINCIPAL, SECRETS, Draft, guid_of, name_of, shown, stamp


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
        app["isFallbackPublicClient"] = draft.for_people and 7000218 not in draft.codes
        _addresses(draft, app)
        _scopes(draft, app)
    else:
        _registration(draft, app, fact.value)
    draft.application = app
    others = [each for each in draft.state["applications"] if each["appId"] != client_id]
    draft.state["applications"] = [*others, app]
    _passwords(draft, app)


def _addresses(draft: Draft, app: Object) -> None:
    """Of the addresses that were asked about, those that the authorization endpoint took."""
    for uri in draft.object("asked").get("redirect_uris") or ():
        said = next((each for each in draft.recording.all("reply") if each.of == uri and each.status == "known"), None)
        if said is not None and said.value.get("codes"):
            continue
        platform = "publicClient" if urlsplit(uri).hostname in ("localhost", "127.0.0.1") else "web"
        app.setdefault(platform, {"redirectUris": []})["redirectUris"].append(uri)
        draft.assume(f"whether the app has the address {shown(uri)}", "that it has")


def _scopes(draft: Draft, app: Object) -> None:
    """The app asks for the delegated permissions that it needs; whether anybody consented is another thing."""
    needed = {str(each) for fact in ("asked", "expected") for each in draft.object(fact).get("scopes") or ()}
    published = (draft.power_bi or {}).get("oauth2PermissionScopes") or ()
    wanted = [{"id": each["id"], "type": "Scope"} for each in published if each["value"] in needed]
    if wanted and draft.power_bi is not None:
        app["requiredResourceAccess"] = [{"resourceAppId": draft.power_bi["appId"], "resourceAccess": wanted}]


def _registration(draft: Draft, app: Object, seen: Object) -> None:
    app |= {
        "id": guid_of(seen["object_id"], "app.object_id"),
        "displayName": name_of(seen.get("display_name") or app["displayName"], "app.display_name"),
        "uniqueName": name_of(seen["unique_name"], "app.unique_name") if seen.get("unique_name") else None,
        "tags": [name_of(tag, "app.tags") for tag in seen.get("tags") or ()],
        "isFallbackPublicClient": bool(seen.get("public_client")),
        "publicClient": {"redirectUris": list(seen.get("redirect_uris") or ())},
        # Whether one is of the web or the single-page platform was not told apart.
        "web": {"redirectUris": list(seen.get("other_redirect_uris") or ())},
        "requiredResourceAccess": _declared(seen.get("declared") or ()),
    }
    if seen.get("disabled"):
        app["isDisabled"] = True
    if seen.get("barred"):
        app["disabledByMicrosoftStatus"] = name_of(seen["barred"], "app.barred")
    if seen.get("owners") is None:
        draft.assume("the app's owners", "none")
    for owner in seen.get("owners") or ():
        id_ = guid_of(owner["id"], "app.owners")
        if not any(each["id"] == id_ for each in draft.state["users"]):
            draft.user(f"owner{len(draft.state['users'])}", id_)
        app["owners"].append(id_)
    _certificates(draft, app, seen.get("certificates") or ())
    for number, each in enumerate(seen.get("federated_credentials") or ()):
        app.setdefault("federatedIdentityCredentials", []).append(
            {
                "id": guid_of(each.get("id") or draft.identity.id(f"federated {number}"), "federated_credentials.id"),
                "name": name_of(each.get("name") or f"recorded-{number}", "federated_credentials.name"),
                "issuer": str(each["issuer"]),
                "subject": str(each.get("subject") or ""),
                "audiences": list(each.get("audiences") or ()),
            }
        )


def _certificates(draft: Draft, app: Object, listed: Json) -> None:
    """Certificates by their thumbprints: who has the key of one was not recorded, nor the certificate itself."""
    for each in listed:
        app["keyCredentials"].append(
            {
                "keyId": guid_of(each["key_id"], "app.certificates.key_id"),
                "displayName": each.get("display_name"),
                "customKeyIdentifier": str(each.get("thumbprint") or ""),
                "startDateTime": stamp(datetime.now(UTC) - timedelta(days=365)),
                "endDateTime": draft.moved(each.get("ends")),
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
                "key": None,
            }
        )
    if listed:
        draft.missing.append("the app's certificates themselves: nobody can sign in by them")


def _passwords(draft: Draft, app: Object) -> None:
    """Secrets as they are listed; of the one that the app was configured with this start's secret is the value."""
    seen = draft.object("app").get("passwords")
    for each in seen or ():
        starts = draft.moved(each["starts"]) if each.get("starts") else stamp(datetime.now(UTC) - timedelta(days=365))
        app["passwordCredentials"].append(
            {
                "keyId": guid_of(each["key_id"], "app.passwords.key_id"),
                "displayName": each.get("display_name"),
                "startDateTime": starts,
                "endDateTime": draft.moved(each.get("ends")),
                "hint": str(each.get("hint") or "")[:3],
                # Nobody recorded the value, so nobody has it.
                "secretHash": hashlib.sha256(secrets.token_bytes(32)).hexdigest(),
            }
        )
    if seen is None and app.get("federatedIdentityCredentials") is None and draft.has_secret:
        draft.assume(SECRETS, "one, valid for two months")
        app["passwordCredentials"].append(made.secret(draft.identity, app["displayName"]))


def _declared(entries: Json) -> list[Object]:
    apis: dict[str, list[Object]] = {}
    for each in entries:
        access_ = {"id": guid_of(each["id"], "app.declared.id"), "type": str(each["type"])}
        apis.setdefault(guid_of(each["resource_app_id"], "app.declared.resource_app_id"), []).append(access_)
    return [{"resourceAppId": api, "resourceAccess": listed} for api, listed in apis.items()]


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
    expected = draft.object("expected").get("service_principal_id")
    if fact is not None:
        _as_seen(principal, fact.value)
    elif claimed or expected:
        principal["id"] = guid_of(claimed or expected, "the service principal's id")
    else:
        draft.assume(PRINCIPAL, "an enabled one")


def _as_seen(principal: Object, seen: Object) -> None:
    principal["id"] = guid_of(seen["object_id"], "service_principal.object_id")
    principal["accountEnabled"] = seen.get("enabled") is not False
    principal["appRoleAssignmentRequired"] = seen.get("assignment_required") is True
    if seen.get("name"):
        principal["displayName"] = principal["appDisplayName"] = name_of(seen["name"], "service_principal.name")
    if seen.get("owner_tenant"):
        principal["appOwnerOrganizationId"] = guid_of(seen["owner_tenant"], "service_principal.owner_tenant")


def deleted(draft: Draft) -> None:
    """A deleted app registration of the same unique name."""
    fact = draft.known("deleted_app")
    if fact is None or fact.status != "known":
        return
    client_id = draft.client_id() or draft.identity.id("deleted client")
    id_ = guid_of(fact.value["object_id"], "deleted_app.object_id")
    app = made.application(draft.identity, "deleted") | {"id": id_, "appId": client_id, "displayName": "Recorded app"}
    manifest = draft.object("manifest")
    if manifest.get("project_id") and draft.recording.environment:
        app["uniqueName"] = f"pbisetup-{manifest['project_id']}-{draft.recording.environment}"
    when = stamp(datetime.now(UTC) - timedelta(days=1))
    entry = {"id": id_, "kind": "application", "deletedDateTime": when, "object": {**app, "deletedDateTime": when}}
    draft.state["deletedItems"].append(entry)
