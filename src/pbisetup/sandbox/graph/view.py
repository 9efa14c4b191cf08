"""How stored objects look on the wire: private fields gone, computed ones added, in the words of the API version."""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox.graph.schema import ENTITIES, is_guid
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.store import Object, Tenant

# Relations and inner state that Graph never shows as properties.
_HIDDEN: Final = frozenset(
    (
        "owners",
        "members",
        "directoryRoles",
        "secretHash",
        "secretText",
        "federatedIdentityCredentials",
        "myWorkspace",
        "manager",
    )
)
_LISTS: Final = frozenset(
    (
        "assignedLabels",
        "assignedLicenses",
        "assignedPlans",
        "businessPhones",
        "identities",
        "imAddresses",
        "infoCatalogs",
        "interests",
        "licenseAssignmentStates",
        "onPremisesProvisioningErrors",
        "otherMails",
        "pastProjects",
        "provisionedPlans",
        "proxyAddresses",
        "responsibilities",
        "schools",
        "serviceProvisioningErrors",
        "skills",
    )
)
"""Properties without a default in the table that are empty lists where nothing is known."""


def public(value: Any) -> Any:
    """A copy without anything private, at every depth."""
    if isinstance(value, dict):
        return {k: public(v) for k, v in value.items() if not k.startswith("_") and k not in _HIDDEN}
    if isinstance(value, list):
        return [public(each) for each in value]
    return value


def entity(tenant: Tenant, kind: str, item: Object) -> Object:
    """A directory object with every property a plain GET shows; `kind` as in `microsoft.graph.<kind>`."""
    spec = ENTITIES.get(kind)
    shown: Object = {"id": item["id"], **(spec.blank() if spec else {}), **public(item)}
    if kind == "servicePrincipal":
        application = tenant.applications.by("appId", str(item.get("appId")))
        if application is not None:
            # source: entra.md 1.1: the tags of an app also surface on every service principal of it.
            shown["tags"] = list(dict.fromkeys([*(shown["tags"] or ()), *(application.get("tags") or ())]))
    if kind == "group" and not shown.get("securityIdentifier"):
        shown["securityIdentifier"] = _security_identifier(item["id"])
    if kind == "application":
        # source: recorded in Azure/azure-cli (test_app_scenario): where a role was declared.
        shown["appRoles"] = [{"origin": "Application", **role} for role in shown["appRoles"]]
        if shown.get("optionalClaims"):
            shown["optionalClaims"] = _whole_claims(shown["optionalClaims"])
    if kind in ("application", "servicePrincipal"):
        _hide_secrets(shown)
    return shown


def _whole_claims(claims: Object) -> Object:
    """All three kinds of token, and every claim with every property (source: as above)."""
    blank: Object = {"additionalProperties": [], "essential": False, "name": None, "source": None}
    kinds = ("accessToken", "idToken", "saml2Token")
    return {**claims, **{kind: [{**blank, **each} for each in claims.get(kind) or ()] for kind in kinds}}


def _security_identifier(id_: str) -> str | None:
    """The SID of a cloud group: its object id as four numbers (source: pairs of both in Azure/azure-cli's
    recordings).
    """
    if not is_guid(id_):
        return None
    raw = uuid.UUID(id_).bytes_le
    return "S-1-12-1-" + "-".join(str(int.from_bytes(raw[at : at + 4], "little")) for at in (0, 4, 8, 12))


def typed(tenant: Tenant, kind: str, item: Object) -> Object:
    """The object as a member of a polymorphic list, with its `@odata.type` first."""
    return {"@odata.type": f"#microsoft.graph.{kind}", **entity(tenant, kind, item)}


def shown(request: Request, kind: str, item: Object, names: list[str] | None = None) -> Object:
    """A directory object as one answer shows it: in this API version, only the selected properties, or those that
    the version shows without `$select`.
    """
    body = entity(request.tenant, kind, item)
    spec = ENTITIES.get(kind)
    if request.beta and spec is not None:
        for name, v1 in spec.beta.items():
            if v1 is not None:
                body[name] = body.pop(v1, [])
    if names is not None:
        return project(body, kind, names)
    if kind == "user" and not request.beta:
        # source: concepts/query-parameters.md: v1.0 shows a limited set by default; that beta shows all: the same.
        return project(body, kind, ["id", *ENTITIES["user"].defaults])
    return body


def project(body: Object, kind: str | None, names: list[str]) -> Object:
    """The selected properties, annotations kept. What the type has and the object has not is null or empty; a
    path (`web/redirectUris`) keeps only that part of a complex value.
    """
    chosen: Object = {}
    for name, value in body.items():
        inner = [path.partition("/")[2] for path in names if path.partition("/")[0] == name]
        if name.startswith("@") or "" in inner:
            chosen[name] = value
        elif inner:
            chosen[name] = {k: value.get(k) for k in inner} if isinstance(value, dict) else None
    spec = ENTITIES.get(kind or "")
    for name in names:
        if spec is not None and "/" not in name and name not in chosen and (spec.knows(name) or name in spec.beta):
            chosen[name] = [] if name in _LISTS else None
    return chosen


def _hide_secrets(shown: Object) -> None:
    shown["passwordCredentials"] = [
        {"customKeyIdentifier": None, **entry, "secretText": None} for entry in shown["passwordCredentials"]
    ]
    shown["keyCredentials"] = [{**entry, "key": None} for entry in shown["keyCredentials"]]
