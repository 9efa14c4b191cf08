"""Answers of Graph and Fabric as plain values, and as facts: known, absent, or unknown with what the service said."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.tenant import (
    AccessPolicy,
    AppRegistration,
    Certificate,
    DelegatedGrant,
    DirectoryObject,
    FailedSignIn,
    FederatedCredential,
    Group,
    Password,
    ResourceApp,
    RoleGrant,
    ServicePrincipal,
    TenantSetting,
)
from pbisetup.services.answer import Answer


def read_setting(raw: Mapping[str, Any]) -> TenantSetting:
    """A tenant setting from its JSON; lists may be missing (powerbi.md 7)."""

    def groups(key: str) -> dict[str, str]:
        return {str(g.get("graphId", "")): str(g.get("name", "")) for g in raw.get(key) or []}

    return TenantSetting(
        name=str(raw.get("settingName", "")),
        title=str(raw.get("title", "")),
        enabled=bool(raw.get("enabled")),
        enabled_groups=groups("enabledSecurityGroups"),
        excluded_groups=groups("excludedSecurityGroups"),
        can_specify_groups=bool(raw.get("canSpecifySecurityGroups", True)),
        raw=raw,
    )


GROUP_FIELDS = "id,displayName,securityEnabled,onPremisesSyncEnabled,groupTypes,isAssignableToRole"
"""What `read_group` reads."""


def read_group(raw: Mapping[str, Any], operator_owns: bool | None = None) -> Group:
    """A group from its JSON."""
    kinds = raw.get("groupTypes") or []
    return Group(
        id=str(raw["id"]),
        name=str(raw.get("displayName", "")),
        security=bool(raw.get("securityEnabled", True)),
        synced=bool(raw.get("onPremisesSyncEnabled")),
        unified="Unified" in kinds,
        dynamic="DynamicMembership" in kinds,
        role_assignable=bool(raw.get("isAssignableToRole")),
        operator_owns=operator_owns,
    )


def settings_fact(answers: Sequence[Answer]) -> Fact[Mapping[str, TenantSetting]]:
    """The tenant settings by name, from all pages of their list; unknown where one of them could not be read."""
    last = answers[-1]
    if not last.ok:
        fact = failed(last)
        if last.status in (401, 403):
            return Unknown("only a Fabric administrator may read the tenant settings", fact.evidence)
        return fact
    found: dict[str, TenantSetting] = {}
    for answer in answers:
        listed = answer.object.get("value", answer.object.get("tenantSettings"))
        if not isinstance(listed, list) or not all(isinstance(raw, dict) for raw in listed):
            return failed(answer)
        found.update({setting.name: setting for setting in map(read_setting, listed)})
    return Known(found, last.evidence(f"{len(found)} settings"))


def application(
    raw: Mapping[str, Any], owners: frozenset[str] | None, federated: Sequence[Mapping[str, Any]] | None = None
) -> AppRegistration:
    """An app registration from its JSON; `federated`: its federated credentials, None where they were not read."""

    def redirects(*platforms: str) -> frozenset[str]:
        return frozenset(uri for name in platforms for uri in (raw.get(name) or {}).get("redirectUris") or ())

    return AppRegistration(
        object_id=str(raw["id"]),
        client_id=str(raw["appId"]),
        display_name=str(raw.get("displayName", "")),
        unique_name=raw.get("uniqueName"),
        tags=frozenset(raw.get("tags") or ()),
        owners=owners,
        declared=frozenset(
            (str(api["resourceAppId"]), str(access["id"]), str(access["type"]))
            for api in raw.get("requiredResourceAccess") or []
            for access in api.get("resourceAccess") or []
        ),
        passwords=tuple(_password(p) for p in raw.get("passwordCredentials") or []),
        public_client=bool(raw.get("isFallbackPublicClient")),
        redirect_uris=redirects("publicClient"),
        other_redirect_uris=redirects("web", "spa"),
        certificates=tuple(_certificate(each) for each in raw.get("keyCredentials") or []),
        federated=None if federated is None else tuple(_federated(each) for each in federated),
        barred=_barred(raw),
        disabled=bool(raw.get("isDisabled")),
        created=read_moment(raw.get("createdDateTime")),
    )


def _barred(raw: Mapping[str, Any]) -> str:
    status = str(raw.get("disabledByMicrosoftStatus") or "")
    return "" if status in ("", "NotDisabled") else status


def _certificate(raw: Mapping[str, Any]) -> Certificate:
    return Certificate(
        key_id=str(raw.get("keyId", "")),
        display_name=str(raw.get("displayName") or ""),
        thumbprint=_thumbprint(str(raw.get("customKeyIdentifier") or "")),
        ends=read_moment(raw.get("endDateTime")),
        starts=read_moment(raw.get("startDateTime")),
    )


def _thumbprint(identifier: str) -> str:
    """In hexadecimal; Graph gives it so, or as the base64 of its bytes (entra.md 1.8)."""
    if re.fullmatch(r"[0-9A-Fa-f]{40}", identifier):
        return identifier.upper()
    try:
        return base64.b64decode(identifier).hex().upper()
    except ValueError:
        return identifier.upper()


def _federated(raw: Mapping[str, Any]) -> FederatedCredential:
    return FederatedCredential(
        name=str(raw.get("name", "")),
        issuer=str(raw.get("issuer", "")),
        subject=str(raw.get("subject") or ""),
        audiences=frozenset(map(str, raw.get("audiences") or ())),
    )


def principal(raw: Mapping[str, Any]) -> ServicePrincipal:
    """A service principal from its JSON."""
    return ServicePrincipal(
        object_id=str(raw["id"]),
        client_id=str(raw["appId"]),
        enabled=bool(raw.get("accountEnabled", True)),
        name=str(raw.get("displayName") or ""),
        assignment_required=bool(raw.get("appRoleAssignmentRequired")),
        owner_tenant=str(raw.get("appOwnerOrganizationId") or ""),
    )


def resource(raw: Mapping[str, Any], app_id: str) -> ResourceApp:
    """The tenant's own service principal of an API, with what it publishes."""
    return ResourceApp(
        object_id=str(raw["id"]),
        app_id=app_id,
        roles={str(r["value"]): str(r["id"]) for r in raw.get("appRoles") or [] if r.get("value")},
        scopes={str(s["value"]): str(s["id"]) for s in raw.get("oauth2PermissionScopes") or [] if s.get("value")},
        enabled=bool(raw.get("accountEnabled", True)),
    )


def grant(raw: Mapping[str, Any]) -> DelegatedGrant:
    """Consent to delegated permissions."""
    return DelegatedGrant(
        id=str(raw["id"]),
        resource_id=str(raw.get("resourceId", "")),
        scopes=frozenset(str(raw.get("scope") or "").split()),
        principal_id=raw.get("principalId") if raw.get("consentType") == "Principal" else None,
    )


def role_grant(raw: Mapping[str, Any]) -> RoleGrant:
    """An application permission that was granted."""
    return RoleGrant(str(raw.get("id", "")), str(raw.get("resourceId", "")), str(raw.get("appRoleId", "")))


def directory_object(raw: Mapping[str, Any]) -> DirectoryObject:
    """What an id is, told by its @odata.type."""
    kinds: dict[str, Any] = {
        "application": "application",
        "servicePrincipal": "service principal",
        "user": "user",
        "group": "group",
    }
    kind = kinds.get(str(raw.get("@odata.type", "")).rpartition(".")[2], "other")
    return DirectoryObject(str(raw["id"]), kind, str(raw.get("displayName") or ""), raw.get("appId"))


def plans(details: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The service plans of a person's licences by name."""
    return frozenset(
        str(plan.get("servicePlanName"))
        for each in details
        for plan in each.get("servicePlans") or []
        if plan.get("provisioningStatus") in (None, "Success")
    )


def access_policy(raw: Mapping[str, Any]) -> AccessPolicy:
    """A Conditional Access policy from its JSON."""
    conditions = raw.get("conditions") or {}
    controls = (raw.get("grantControls") or {}).get("builtInControls") or []
    narrower = ("locations", "devices", "platforms", "servicePrincipalRiskLevels", "signInRiskLevels", "userRiskLevels")
    return AccessPolicy(
        id=str(raw.get("id", "")),
        name=str(raw.get("displayName") or ""),
        blocks="block" in controls,
        conditional=any(conditions.get(name) for name in narrower),
    )


def concerns(raw: Mapping[str, Any], apps: set[str], principal: str, *, app_only: bool) -> bool:
    """Whether a policy is on and names the app: by its service principal where it calls as itself, else by what it uses."""
    if raw.get("state") != "enabled":
        return False
    conditions = raw.get("conditions") or {}
    if app_only:
        named = (conditions.get("clientApplications") or {}).get("includeServicePrincipals") or []
        spared = (conditions.get("clientApplications") or {}).get("excludeServicePrincipals") or []
        return principal not in spared and bool({principal, "ServicePrincipalsInMyTenant"} & set(named))
    included = set((conditions.get("applications") or {}).get("includeApplications") or [])
    people = (conditions.get("users") or {}).get("includeUsers") or []
    return bool(included & {"All", *apps}) and "All" in people


def failed_sign_in(raw: Mapping[str, Any]) -> FailedSignIn:
    """One refused sign-in of the log."""
    status = raw.get("status") or {}
    code = status.get("errorCode")
    return FailedSignIn(
        time=read_moment(raw.get("createdDateTime")),
        code=code if isinstance(code, int) else 0,
        reason=str(status.get("failureReason") or ""),
        resource=str(raw.get("resourceDisplayName") or ""),
    )


def _password(raw: Mapping[str, Any]) -> Password:
    return Password(
        key_id=str(raw.get("keyId", "")),
        display_name=str(raw.get("displayName") or ""),
        hint=str(raw.get("hint") or ""),
        ends=read_moment(raw.get("endDateTime")),
        starts=read_moment(raw.get("startDateTime")),
    )


def read_moment(text: Any) -> datetime | None:
    """A time of Graph's: up to seven decimals, which Python 3.11 reads; None where it is none."""
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def object_fact(answer: Answer) -> Fact[dict[str, Any]]:
    """One object: known, absent (404), or unknown with what the service said."""
    if answer.ok and answer.object.get("id"):
        return Known(answer.object, answer.evidence())
    if answer.status == 404:
        return Absent(answer.evidence())
    return failed(answer)


def values_fact(answer: Answer) -> Fact[list[dict[str, Any]]]:
    listed = answer.object.get("value") if answer.ok else None
    if isinstance(listed, list) and all(isinstance(each, dict) for each in listed):
        return Known(listed, answer.evidence())
    return failed(answer)


def failed(answer: Answer) -> Unknown:
    said = answer.message or answer.service_code or ("not what this API answers" if answer.ok else "no reason given")
    return Unknown(f"HTTP {answer.status}: {said}", answer.evidence())
