"""App management policies at work: which restrictions hold for an application or a service principal, and what they
refuse (source: entra.md 4.1).

The tenant's default (state `policies.defaultAppManagementPolicy`) holds for every object, except where one of the
collection `appManagementPolicies` is assigned to it (`_appliesTo` of the policy): that one decides about every kind of
restriction that it names, the default about the rest. guess: that the two mix by kind; documented is that the assigned
policy goes first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.graph.times import read_duration, read_time
from pbisetup.sandbox.store import Object, Tenant

DEFAULT_ID: Final = "00000000-0000-0000-0000-000000000000"
DEFAULT: Final[Object] = {
    "id": DEFAULT_ID,
    "displayName": "Default app management tenant policy",
    "description": "Default tenant policy that enforces app management restrictions on applications and service "
    "principals. To apply policy to targeted resources, create a new policy under appManagementPolicies collection.",
    "isEnabled": False,
    "applicationRestrictions": {"passwordCredentials": [], "keyCredentials": [], "identifierUris": None},
    "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
}
GRACE: Final = 60.0
"""Seconds that a life may exceed the limit by. guess: clients and service do not read the same clock."""
Part = Literal["passwordCredentials", "keyCredentials"]


def default_policy(tenant: Tenant) -> Object:
    """The tenant's default as Graph shows it."""
    held = tenant.section("policies").get("defaultAppManagementPolicy")
    return {**DEFAULT, **(held if isinstance(held, dict) else {})}


def assigned(tenant: Tenant, item: Object) -> Object | None:
    """The policy assigned to an object, for reading only; there is at most one."""
    for policy in tenant.appManagementPolicies.peek():
        if item["id"] in policy.get("_appliesTo", ()):
            return policy
    return None


def check_password(request: Request, item: Object, kind: str, start: datetime, end: datetime) -> None:
    """Refuse a secret that a policy forbids, or that lives too long. Raises GraphError."""
    for policy, rule in _rules(request.tenant, item, kind, "passwordCredentials"):
        if rule.get("restrictionType") == "passwordAddition":
            raise GraphError("policy_no_passwords", policy=policy)
        if rule.get("restrictionType") == "passwordLifetime" and _too_long(rule, start, end):
            raise GraphError("policy_lifetime", policy=policy, property="EndDate")


def check_keys(request: Request, item: Object, kind: str, added: list[Object]) -> None:
    """Refuse certificates that live too long for a policy. Raises GraphError."""
    for policy, rule in _rules(request.tenant, item, kind, "keyCredentials"):
        for key in added:
            start, end = read_time(key.get("startDateTime")), read_time(key.get("endDateTime"))
            if (
                rule.get("restrictionType") == "asymmetricKeyLifetime"
                and start is not None
                and end is not None
                and _too_long(rule, start, end)
            ):
                raise GraphError("policy_key_lifetime", policy=policy)


def check_uris(request: Request, item: Object, added: list[str]) -> None:
    """Refuse identifier URIs that the directory, or a policy, does not take. Raises GraphError.

    A host outside the verified domains is refused without any policy, since 2021 (azure-docs#82762: not where
    the app asks for v2 tokens).
    """
    v2 = (item.get("api") or {}).get("requestedAccessTokenVersion") == 2
    tenant = request.tenant
    if not v2 and item.get("signInAudience", "AzureADMyOrg") in ("AzureADMyOrg", "AzureADMultipleOrgs"):
        for uri in added:
            parts = _split(uri)
            if parts.scheme in ("http", "https") and not _verified(tenant, parts.hostname):
                raise GraphError("host_not_verified", uri=uri)
    for name, error in (
        ("nonDefaultUriAddition", "policy_uri_format"),
        ("uriAdditionWithoutUniqueTenantIdentifier", "policy_uri"),
    ):
        rule = _uri_rule(tenant, item, name)
        if rule is None or (v2 and rule.get("excludeAppsReceivingV2Tokens", True)):
            continue
        fits = _is_default if name == "nonDefaultUriAddition" else _is_unique
        for uri in added:
            if not fits(tenant, item, uri):
                raise GraphError(error, uri=uri)


def _rules(tenant: Tenant, item: Object, kind: str, part: Part) -> list[tuple[str, Object]]:
    """The restrictions in force, each with the id of its policy."""
    found: dict[str, tuple[str, Object]] = {}
    default, own = default_policy(tenant), assigned(tenant, item)
    side = "applicationRestrictions" if kind == "application" else "servicePrincipalRestrictions"
    sources = [(default, default.get(side))] if default.get("isEnabled") else []
    if own is not None and own.get("isEnabled"):
        sources.append((own, own.get("restrictions")))
    for policy, restrictions in sources:
        for rule in _list((restrictions or {}).get(part)):
            found[str(rule.get("restrictionType"))] = (str(policy.get("id", DEFAULT_ID)), rule)
    return [(policy, rule) for policy, rule in found.values() if _in_force(item, rule)]


def _uri_rule(tenant: Tenant, item: Object, name: str) -> Object | None:
    default, own = default_policy(tenant), assigned(tenant, item)
    rule: Any = None
    if default.get("isEnabled"):
        rule = ((default.get("applicationRestrictions") or {}).get("identifierUris") or {}).get(name)
    if own is not None and own.get("isEnabled"):
        restrictions = (own.get("restrictions") or {}).get("applicationRestrictions") or {}
        rule = (restrictions.get("identifierUris") or {}).get(name) or rule
    return rule if isinstance(rule, dict) and _in_force(item, rule) else None


def _in_force(item: Object, rule: Object) -> bool:
    """Enabled, and for objects as new as this one."""
    since, created = read_time(rule.get("restrictForAppsCreatedAfterDateTime")), read_time(item.get("createdDateTime"))
    if rule.get("state", "enabled") != "enabled":
        return False
    return since is None or created is None or created >= since


def _too_long(rule: Object, start: datetime, end: datetime) -> bool:
    longest = read_duration(rule.get("maxLifetime"))
    return longest is not None and (end - start).total_seconds() > longest.total_seconds() + GRACE


def _is_default(tenant: Tenant, item: Object, uri: str) -> bool:
    app_id = str(item.get("appId", "")).lower()
    return uri.lower() in (f"api://{app_id}", f"api://{tenant.id.lower()}/{app_id}")


def _is_unique(tenant: Tenant, item: Object, uri: str) -> bool:
    """Whether a URI holds the tenant's id, the app's, or a verified domain (source: graph-docs
    identifierUriConfiguration).
    """
    pieces = set(uri.lower().replace("://", "/").split("/"))
    if {tenant.id.lower(), str(item.get("appId", "")).lower()} & pieces:
        return True
    return _verified(tenant, _split(uri).hostname)


def _verified(tenant: Tenant, host: str | None) -> bool:
    name = (host or "").lower()
    return any(name == domain.lower() or name.endswith("." + domain.lower()) for domain in tenant.domains)


def _split(uri: str) -> Any:
    try:
        found = urlsplit(uri)
        _ = found.hostname
        return found
    except ValueError:
        return urlsplit("")


def _list(value: Any) -> list[Object]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
