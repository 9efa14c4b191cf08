"""Whether a state that somebody sends can be used: every problem at once, in words."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox.caller import problems as caller_problems
from pbisetup.sandbox.knobs import knob_problems
from pbisetup.sandbox.shapes import is_guid, is_time, nearest
from pbisetup.sandbox.store import COLLECTIONS
from pbisetup.sandbox.validate_content import content_problems
from pbisetup.sandbox.validate_directory import directory_problems
from pbisetup.sandbox.validate_fabric import fabric_problems
from pbisetup.sandbox.validate_sign_in import sign_in_problems
from pbisetup.sandbox.validate_vault import vault_problems

SECTIONS = (
    "tenant",
    "clock",
    "policies",
    "firstPartyClients",
    "weather",
    "network",
    "device",
    "otherClouds",
    "managedIdentity",
    "quota",
    "limits",
    "portal",
    "unknowns",
    "scans",
    "operations",
    "azure",
    "vaults",
)
PLAIN = ("auto_approve", "caller", "rates")
"""Parts that are neither a collection nor to be changed by a scenario as a section is."""
DIRECTORY = ("users", "applications", "servicePrincipals", "groups")


def problems(state: Any) -> list[str]:
    """What is wrong with a state; empty when it can be used."""
    if not isinstance(state, dict):
        return ["the state must be an object"]
    found: list[str] = []
    tenant = state.get("tenant")
    if not isinstance(tenant, dict) or not all(isinstance(tenant.get(k), str) for k in ("id", "displayName", "domain")):
        found.append("tenant must have id, displayName and domain")
    elif not is_guid(tenant["id"]):
        found.append("tenant.id must be a GUID")
    if isinstance(tenant, dict) and tenant.get("cloud", "public") not in tuple(clouds()):
        found.append(f"tenant.cloud must be one of {', '.join(clouds())}")
    wrong = {name for name in SECTIONS if not isinstance(state.get(name, {}), dict)}
    found += [f"{name} must be an object" for name in SECTIONS if name in wrong]
    for name, value in state.items():
        if isinstance(value, list) and name not in COLLECTIONS:
            found.append(f"{name} is a list, but no collection of that name exists; there are {', '.join(COLLECTIONS)}")
        elif name not in (*SECTIONS, *COLLECTIONS, *PLAIN):
            found.append(f"a state has no part {name!r}{nearest(name, (*SECTIONS, *COLLECTIONS, *PLAIN))}")
    if wrong.isdisjoint(("clock", "weather", "unknowns", "limits")):
        found += knob_problems(state)
    for name in COLLECTIONS:
        found += _collection(name, state.get(name, []))
    if not found:
        found = [
            each
            for part in (directory_problems, content_problems, fabric_problems, vault_problems)
            for each in part(state)
        ]
    # What the rest looks into has the right form by now.
    return list(dict.fromkeys(found)) or [
        *sign_in_problems(state),
        *caller_problems(state),
        *_twice(state),
    ]


def _twice(state: dict[str, Any]) -> list[str]:
    """What there can only be once: roles of one principal, things of one id in a workspace. Old workspaces may share a
    name, which the API would not give twice.
    """
    found = []
    for index, workspace in enumerate(state.get("workspaces", [])):
        where = f"workspaces[{index}]"
        for part in ("reports", "datasets", "dashboards", "imports", "items", "folders"):
            found += _same(f"{where}.{part}", "id", [each["id"] for each in workspace.get(part, [])])
    for collection in ("workspaces", "connections", "gateways"):
        for index, shared in enumerate(state.get(collection, [])):
            held = [each["principal"]["id"] for each in shared.get("roleAssignments") or []]
            found += _same(f"{collection}[{index}].roleAssignments", "principal", held)
    return found


def _same(where: str, what: str, ids: list[str]) -> list[str]:
    seen: set[str] = set()
    again = [each for each in ids if each.lower() in seen or seen.add(each.lower())]  # type: ignore[func-returns-value]
    return [f"{where}: {what} {each} appears twice" for each in dict.fromkeys(again)]


def hash_secrets(state: dict[str, Any]) -> None:
    """Replace each `secretText` of a password credential by its hash and hint, filling in what is missing.

    Call after `problems` found none.
    """
    header = state.get("managedIdentity", {}).pop("header", None)
    if header is not None:
        state["managedIdentity"]["headerHash"] = hashlib.sha256(header.encode()).hexdigest()
    now = datetime.now(UTC)
    for collection in ("applications", "servicePrincipals"):
        for item in state.get(collection, []):
            for credential in item.get("passwordCredentials") or []:
                secret = credential.pop("secretText", None)
                if secret is not None:
                    credential["hint"] = secret[:3]
                    credential["secretHash"] = hashlib.sha256(secret.encode()).hexdigest()
                credential.setdefault("keyId", str(uuid.uuid4()))
                credential.setdefault("displayName", None)
                credential.setdefault("startDateTime", now.strftime("%Y-%m-%dT%H:%M:%SZ"))
                credential.setdefault("endDateTime", (now + timedelta(days=730)).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _collection(name: str, items: Any) -> list[str]:
    if not isinstance(items, list):
        return [f"{name} must be a list"]
    key = "settingName" if name == "tenantSettings" else "id"
    found: list[str] = []
    seen: set[str] = set()
    for position, item in enumerate(items):
        where = f"{name}[{position}]"
        if not isinstance(item, dict) or not isinstance(item.get(key), str) or not item[key]:
            found.append(f"{where} must be an object with a string {key!r}")
            continue
        if item[key].lower() in seen:
            found.append(f"{where}: {key} {item[key]} appears twice")
        seen.add(item[key].lower())
        if name in DIRECTORY and not is_guid(item[key]):
            found.append(f"{where}: id must be a GUID")
        if name in ("applications", "servicePrincipals"):
            found += _application(where, item)
        if name == "users" and not isinstance(item.get("userPrincipalName"), str):
            found.append(f"{where}: a user must have a userPrincipalName")
        for member in ("owners", "members", "directoryRoles", "roleAssignments"):
            if not isinstance(item.get(member, []), list):
                found.append(f"{where}: {member} must be a list")
    return found


def _application(where: str, item: dict[str, Any]) -> list[str]:
    found = []
    if not is_guid(item.get("appId")):
        found.append(f"{where}: appId must be a GUID")
    if item.get("createdDateTime") is not None and not is_time(item["createdDateTime"]):
        found.append(f"{where}: createdDateTime must be a time such as 2027-01-31T00:00:00Z")
    found += _certificates(where, item.get("keyCredentials") or [])
    credentials = item.get("passwordCredentials") or []
    if not isinstance(credentials, list):
        return [*found, f"{where}: passwordCredentials must be a list"]
    for index, credential in enumerate(credentials):
        at = f"{where}.passwordCredentials[{index}]"
        if not isinstance(credential, dict):
            found.append(f"{at} must be an object")
            continue
        secret = credential.get("secretText", credential.get("secretHash"))
        if (not isinstance(secret, str) or not secret) and credential.get("_renewed") is not True:
            found.append(f"{at} needs a secretText or a secretHash")
        for name in ("startDateTime", "endDateTime"):
            if name in credential and not is_time(credential[name]):
                found.append(f"{at}.{name} must be a time such as 2027-01-31T00:00:00Z")
    return found


def _certificates(where: str, entries: Any) -> list[str]:
    if not isinstance(entries, list):
        return [f"{where}: keyCredentials must be a list"]
    found = []
    for index, entry in enumerate(entries):
        at = f"{where}.keyCredentials[{index}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("keyId"), str):
            found.append(f"{at} must be an object with a keyId")
            continue
        try:
            base64.b64decode(entry.get("key") or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            found.append(f"{at}.key must be a certificate in base64")
        found += [
            f"{at}.{name} must be a time such as 2027-01-31T00:00:00Z"
            for name in ("startDateTime", "endDateTime")
            if not is_time(entry.get(name))
        ]
    return found
