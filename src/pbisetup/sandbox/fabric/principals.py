"""A principal with the details that Fabric shows of each kind (source: fabric-rest-api-specs, Principal)."""

from __future__ import annotations

from pbisetup.sandbox.store import Object, Tenant


def described(tenant: Tenant, principal: Object) -> Object:
    """`principal` holds id and type; names and details come from the directory."""
    kind, item = tenant.principal(principal["id"]) or ("", {})
    body: Object = {"id": principal["id"], "displayName": item.get("displayName"), "type": principal["type"]}
    if kind == "servicePrincipal":
        body["servicePrincipalDetails"] = {"aadAppId": item["appId"]}
    elif kind == "user":
        body["userDetails"] = {"userPrincipalName": item.get("userPrincipalName")}
    elif kind == "group":
        body["groupDetails"] = {"groupType": "SecurityGroup"}
    return body
