"""From the sketch of a failure (`cases.toml`) to the state of a tenant, with what its caller does.

A sketch says what differs from a tenant in which all is well: the app has a secret and a service principal, its service
principal is in the group `g1`, and only that group is in the setting for the public APIs. `WORDS` has the sketch's keys;
each is translated by one function, whatever the case.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable
from typing import Any, Final

State = dict[str, Any]
Sketch = dict[str, Any]

GRAPH: Final = "00000003-0000-0000-c000-000000000000"
POWER_BI: Final = "00000009-0000-0000-c000-000000000000"
POWER_BI_GCC: Final = "fc4979e5-0aa5-429f-b13a-5d1365be5566"
LOOPBACK: Final = "http://localhost"
SETTINGS: Final = {
    "sp_call_public_apis": "ServicePrincipalAccessPermissionAPIs",
    "sp_readonly_admin_apis": "AllowServicePrincipalsUseReadAdminAPIs",
    "sp_update_admin_apis": "AllowServicePrincipalsUseWriteAdminAPIs",
    "create_fabric_items": "FabricGAWorkloads",
    "create_datamarts": "DatamartTenant",
    "xmla_analyze_in_excel": "OnPremAnalyzeInExcel",
}
SETTING_TAKES_MINUTES: Final = 15
DEFAULTS: Final[Sketch] = {
    "app": {"credentials": ["secret"]},
    "sp": {},
    "groups": {"g1": {"members": ["sp"]}},
    "tenant_settings": {"sp_call_public_apis": "g1"},
    "token": {"grant": "client_credentials"},
}


def id_of(name: str) -> str:
    """The id of whatever has this name in a sketch, the same in every tenant."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"case/{name}"))


def merged(below: Any, above: Any) -> Any:
    """Tables merge; everything else, and a table with `only = true`, replaces."""
    if not isinstance(below, dict) or not isinstance(above, dict) or above.get("only"):
        return {k: v for k, v in above.items() if k != "only"} if isinstance(above, dict) else above
    return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}


def tenant(state: State, sketch: Sketch, clock: float) -> Building:
    """The sketch in a new tenant's state, which is changed, at this time of its clock."""
    sketch = merged(DEFAULTS, sketch)
    unknown = set(sketch) - {"cloud", "call", "token", *WORDS}
    assert not unknown, f"the translator has no word for {sorted(unknown)}"
    state["auto_approve"] = "alice"
    building = Building(state, sketch, clock)
    for word, translate in WORDS.items():
        translate(building, sketch.get(word))
    state["caller"] = building.caller()
    return building


class Building:
    """One tenant being built."""

    def __init__(self, state: State, sketch: Sketch, clock: float) -> None:
        self.state = state
        self.sketch = sketch
        self.clock = clock
        self.domain: str = state["tenant"]["domain"]
        self.names = {name: id_of(name) for name in ("app", "sp", "client", "alice", "r1", "d1", "lh1")}
        self.names |= {"today": _instant(clock)[:10], "domain": self.domain, "tenant": state["tenant"]["id"]}

    def by(self, collection: str, key: str, value: str) -> State:
        return next(each for each in self.state[collection] if each[key] == value)

    def principal(self, name: str) -> dict[str, str]:
        """Who this is, as role assignments write it."""
        return {"id": self.names[name], "type": "User" if name == "alice" else "ServicePrincipal"}

    def roles(self, given: dict[str, str]) -> list[State]:
        held = [(self.principal(who), role) for who, role in given.items()]
        return [{"id": who["id"], "principal": who, "role": role} for who, role in held]

    def filled(self, value: Any) -> Any:
        """A text or tree of texts with the `{names}` of the sketch replaced by ids."""
        if isinstance(value, dict):
            return {key: self.filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda hit: self.names.get(hit[1], hit[0]), value)
        return value

    def caller(self) -> State:
        """The request of the sketch, in the words of the state's `caller`."""
        token, call = self.sketch["token"], self.sketch.get("call", {})
        given = {"client_id": self.names["client"], **{k: v for k, v in token.items() if k in _AS_CALLER}}
        grant = given["grant"]
        default = "right" if grant == "client_credentials" else ""
        secret = _SECRETS.get(token.get("secret", default), token.get("secret", default))
        if secret:
            given["secret"] = secret
        if grant in ("password", "authorization_code"):
            given.setdefault("user", "alice")
        if grant == "authorization_code":
            given.setdefault("redirect_uri", LOOPBACK)
        if token.get("expired"):
            given["age_seconds"] = 2 * 3600
        if call:
            given["request"] = call["request"]
            body = _definition(call) if "item" in call else call.get("body")
            if body is not None:
                given["body"] = json.dumps(self.filled(body))
        return {key: self.filled(value) for key, value in given.items()}


_AS_CALLER: Final = ("grant", "client_id", "scope", "tenant", "redirect_uri", "issuer", "subject", "user")
SECRET: Final = "abc8Q~correct-horse-battery-staple-value"
SECRET_NAME: Final = "reports secret"
_SECRETS: Final = {"right": SECRET, "wrong": "abc8Q~not-the-value", "display name": SECRET_NAME, "id": id_of("secret")}


def _definition(call: Sketch) -> State:
    """The body that publishes an item; a pipeline copies by the connection that it names."""
    made: State = {"displayName": "Sales load", "type": call["item"]}
    if "uses_connection" in call:
        source = {"externalReferences": {"connection": id_of(call["uses_connection"])}}
        content = {"properties": {"activities": [{"type": "Copy", "typeProperties": {"source": source}}]}}
        payload = base64.b64encode(json.dumps(content).encode()).decode()
        part = {"path": "pipeline-content.json", "payload": payload, "payloadType": "InlineBase64"}
        made["definition"] = {"parts": [part]}
    return made


def _instant(epoch: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# The words


def _user(b: Building, given: Sketch | None) -> None:
    """alice: `roles`, `license` (none), `mfa_registered`."""
    given = given or {}
    user = {**b.state["users"][-1], "id": b.names["alice"], "userPrincipalName": f"alice@{b.domain}"}
    user |= {"displayName": "Alice", "mail": user["userPrincipalName"], "myWorkspace": {"id": id_of("my workspace")}}
    ids = {role["displayName"]: role["roleTemplateId"] for role in b.state["directoryRoles"]}
    user["directoryRoles"] = [ids[role] for role in given.get("roles", [])]
    if "license" in given:
        user["powerBiLicense"] = given["license"]
    b.state["users"].append(user)


def _app(b: Building, given: Sketch) -> None:
    """The registration: `credentials` (secret, expired secret, or issuer and subject), `redirects` by platform,
    `public_client`, `exists`, and any property of Graph's.
    """
    if given.get("exists") is False:
        return
    app: State = {
        "id": b.names["app"],
        "appId": b.names["client"],
        "displayName": "Reports",
        "signInAudience": "AzureADMyOrg",
        "isFallbackPublicClient": bool(given.get("public_client")),
        "createdDateTime": _instant(b.clock - 30 * 86400),
        "passwordCredentials": [],
        "requiredResourceAccess": [],
        "federatedIdentityCredentials": [],
    }
    for credential in given["credentials"]:
        if isinstance(credential, dict):
            audience = {"id": id_of("trust"), "name": "trust", "audiences": ["api://AzureADTokenExchange"]}
            app["federatedIdentityCredentials"].append({**audience, **credential})
            continue
        secret = {"keyId": id_of("secret"), "displayName": SECRET_NAME, "secretText": SECRET}
        begun, ends = (-700, -3) if credential == "expired secret" else (-20, 300)
        secret["startDateTime"] = _instant(b.clock + begun * 86400)
        secret["endDateTime"] = _instant(b.clock + ends * 86400)
        app["passwordCredentials"].append(secret)
    for platform, uris in given.get("redirects", {"publicClient": [LOOPBACK]}).items():
        app[platform] = {"redirectUris": uris}
    known = ("exists", "credentials", "redirects", "public_client")
    b.state["applications"].append(app | {k: v for k, v in given.items() if k not in known})


def _sp(b: Building, given: Sketch) -> None:
    """Its service principal: `exists`, and any property of Graph's."""
    if given.get("exists") is False:
        return
    own = {
        "id": b.names["sp"],
        "appId": b.names["client"],
        "displayName": "Reports",
        "accountEnabled": True,
        "servicePrincipalNames": [b.names["client"]],
        "servicePrincipalType": "Application",
        "appOwnerOrganizationId": b.state["tenant"]["id"],
    }
    b.state["servicePrincipals"].append(own | {k: v for k, v in given.items() if k != "exists"})


def _resource_sp(b: Building, given: Sketch | None) -> None:
    """Power BI's own service principal: properties of Graph's."""
    b.by("servicePrincipals", "appId", POWER_BI).update(given or {})


def _apis(b: Building, given: dict[str, Sketch] | None) -> None:
    """Further APIs of the tenant's own, by identifier URI, with their `scopes`."""
    for uri, api in (given or {}).items():
        scopes = [
            {"id": id_of(f"{uri}/{name}"), "value": name, "type": "User", "isEnabled": True}
            for name in api.get("scopes", [])
        ]
        own = {"id": id_of(uri), "appId": id_of(f"client {uri}"), "displayName": uri, "accountEnabled": True}
        names = {"servicePrincipalNames": [own["appId"], uri], "oauth2PermissionScopes": scopes, "appRoles": []}
        b.state["servicePrincipals"].append({**own, **names, "appOwnerOrganizationId": b.state["tenant"]["id"]})


def _clients(b: Building, given: dict[str, Sketch] | None) -> None:
    """Microsoft's own programs beside those of every tenant, with the permissions they hold in it: `powerbi`."""
    for name, holds in (given or {}).items():
        b.names |= {name: id_of(f"client {name}"), f"{name}_sp": id_of(name)}
        own = {"id": id_of(name), "appId": b.names[name], "displayName": name, "accountEnabled": True}
        microsoft = {"appOwnerOrganizationId": b.by("servicePrincipals", "appId", POWER_BI)["appOwnerOrganizationId"]}
        b.state["servicePrincipals"].append({**own, **microsoft, "servicePrincipalNames": [own["appId"]]})
        b.state["firstPartyClients"][b.names[name]] = {POWER_BI: holds.get("powerbi", [])}


def _grants(b: Building, given: Sketch | None) -> None:
    """`application`: app roles assigned; `delegated`: consented for everybody; `required`: what the registration asks for,
    which is what was consented unless it is said. A name is Power BI's unless it begins with `graph/`, `gcc/` or the
    identifier URI of one of the tenant's own.
    """
    given = given or {}
    roles, scopes = given.get("application", []), given.get("delegated", [])
    for name in roles:
        resource, permission = _permission(b, "appRoles", name)
        grant = {"id": id_of(f"grant {name}"), "appRoleId": permission["id"], "resourceId": resource["id"]}
        who = {"principalId": b.names["sp"], "principalType": "ServicePrincipal", "principalDisplayName": "Reports"}
        created = {"createdDateTime": _instant(b.clock - 86400), "resourceDisplayName": resource["displayName"]}
        b.state["appRoleAssignments"].append({**grant, **who, **created})
    consented: dict[str, list[str]] = {}
    for name in scopes:
        resource, permission = _permission(b, "oauth2PermissionScopes", name)
        consented.setdefault(resource["id"], []).append(permission["value"])
    b.state["oauth2PermissionGrants"] += [
        {
            "id": id_of(f"consent {resource}"),
            "clientId": b.names["sp"],
            "consentType": "AllPrincipals",
            "principalId": None,
            "resourceId": resource,
            "scope": " ".join(values),
        }
        for resource, values in consented.items()
    ]
    apps = [each for each in b.state["applications"] if each["id"] == b.names["app"]]
    for app in apps:
        for kind, names in (("appRoles", roles), ("oauth2PermissionScopes", given.get("required", scopes))):
            for name in names:
                resource, permission = _permission(b, kind, name)
                _require(app, resource["appId"], permission["id"], "Role" if kind == "appRoles" else "Scope")


def _permission(b: Building, kind: str, name: str) -> tuple[State, State]:
    prefix, _, value = name.rpartition("/")
    known = {"": POWER_BI, "graph": GRAPH, "gcc": POWER_BI_GCC}
    resource = b.by("servicePrincipals", "appId", known.get(prefix) or id_of(f"client {prefix}"))
    return resource, next(each for each in resource[kind] if each["value"] == value)


def _require(app: State, resource: str, id_: str, kind: str) -> None:
    entry = next((e for e in app["requiredResourceAccess"] if e["resourceAppId"] == resource), None)
    if entry is None:
        entry = {"resourceAppId": resource, "resourceAccess": []}
        app["requiredResourceAccess"].append(entry)
    entry["resourceAccess"].append({"id": id_, "type": kind})


def _groups(b: Building, given: dict[str, Sketch]) -> None:
    """Security groups of the cloud with their `members`; `type` = synced for one from on premises."""
    for name, group in {"other": {"members": []}, **given}.items():
        made = {"id": id_of(name), "displayName": name, "securityEnabled": True, "mailEnabled": False}
        made |= {"groupTypes": [], "members": [b.names[who] for who in group["members"]], "owners": []}
        if group.get("type") == "synced":
            made["onPremisesSyncEnabled"] = True
        b.state["groups"].append(made)


def _tenant_settings(b: Building, given: dict[str, str]) -> None:
    """A setting is `off`, on for `everybody`, or on for one group."""
    for name, who in given.items():
        setting = b.by("tenantSettings", "settingName", SETTINGS[name])
        setting["enabled"] = who != "off"
        setting["enabledSecurityGroups"] = [] if who in ("off", "everybody") else [{"graphId": id_of(who), "name": who}]


def _changed_minutes_ago(b: Building, given: float | None) -> None:
    """The settings of the sketch were switched on so long ago, and a setting takes a quarter of an hour to act."""
    if given is None:
        return
    b.state["weather"]["tenant_setting_seconds"] = SETTING_TAKES_MINUTES * 60
    for name in b.sketch["tenant_settings"]:
        until = b.clock + (SETTING_TAKES_MINUTES - given) * 60
        b.by("tenantSettings", "settingName", SETTINGS[name])["_before"] = {"enabled": False, "until": until}


def _capacities(b: Building, given: dict[str, Sketch] | None) -> None:
    """`admins`, `state` and `sku` of each."""
    for name, capacity in {"c1": {}, **(given or {})}.items():
        b.names[name] = id_of(name)
        about = {"id": b.names[name], "displayName": name, "sku": capacity.get("sku", "F2"), "region": "West Europe"}
        admins = [b.names[who] for who in capacity.get("admins", [])]
        b.state["capacities"].append({**about, "state": capacity.get("state", "Active"), "admins": admins})


def _workspaces(b: Building, given: dict[str, Sketch] | None) -> None:
    """`roles`, `capacity`, `classic`, `inbound`, `name`; each has a report and its model, which may have an `owner` and a
    data source whose credentials somebody stored (`credentials_of`).
    """
    for name, workspace in (given or {}).items():
        b.names[name] = id_of(name)
        model: State = {"id": b.names["d1"], "name": "Sales", "configuredBy": f"alice@{b.domain}"}
        model |= {"targetStorageMode": "Abf", "_tables": {"Sales": [{"Region": "North", "Amount": 1200}]}}
        if "owner" in workspace:
            model["_owner"] = b.names[workspace["owner"]]
        if "credentials_of" in workspace:
            connection = json.dumps({"server": "contoso.database.windows.net", "database": "sales"})
            source = {"datasourceType": "Sql", "connectionDetails": connection}
            model["_datasources"] = [{**source, "_credentialsOf": b.names[workspace["credentials_of"]]}]
        made: State = {
            "id": b.names[name],
            "displayName": workspace.get("name", name),
            "type": "Workspace",
            "roleAssignments": b.roles(workspace.get("roles", {})),
            "datasets": [model],
            "reports": [{"id": b.names["r1"], "name": "Sales", "datasetId": model["id"]}],
            "items": [{"id": b.names["lh1"], "type": "Lakehouse", "displayName": "Lake"}],
        }
        if workspace.get("capacity", "c1") != "none":
            made["capacityId"] = b.names[workspace.get("capacity", "c1")]
        if workspace.get("classic"):
            made["classic"] = True
        if "inbound" in workspace:
            made["communicationPolicy"] = {"inbound": {"publicAccessRules": {"defaultAction": workspace["inbound"]}}}
        b.state["workspaces"].append(made)


def _my_workspace(b: Building, given: Sketch | None) -> None:
    """Alice's own: with a report."""
    if given is not None:
        reports = [{"id": b.names["r1"], "name": "Mine", "datasetId": b.names["d1"]}]
        datasets = [{"id": b.names["d1"], "name": "Mine", "configuredBy": f"alice@{b.domain}"}]
        b.by("users", "id", b.names["alice"])["myWorkspace"] |= {"reports": reports, "datasets": datasets}


def _connections(b: Building, given: dict[str, Sketch] | None) -> None:
    """With whom each is shared: `users`."""
    for name, connection in (given or {}).items():
        about = {"id": id_of(name), "displayName": name, "connectivityType": "ShareableCloud"}
        details = {"connectionDetails": {"type": "SQL", "path": "server;sales"}, "privacyLevel": "Organizational"}
        users = b.roles(dict.fromkeys(connection["users"], "User"))
        b.state["connections"] = [*b.state.get("connections", []), {**about, **details, "roleAssignments": users}]


def _gateways(b: Building, given: dict[str, Sketch] | None) -> None:
    """Each with its `admins` and one data source."""
    for name, gateway in (given or {}).items():
        b.names |= {name: id_of(name), f"{name}_source": id_of(f"{name} source")}
        details = json.dumps({"server": "sql1", "database": "sales"})
        source = {"id": b.names[f"{name}_source"], "datasourceName": "sales", "datasourceType": "Sql", "users": []}
        source |= {"connectionDetails": details, "credentialType": "Windows"}
        admins = [b.names[who] for who in gateway["admins"]]
        made = {"id": b.names[name], "name": name, "admins": admins, "datasources": [source], "gatewayStatus": "Live"}
        b.state["gateways"] = [*b.state.get("gateways", []), made]


def _conditional_access(b: Building, given: Sketch | None) -> None:
    """One policy: for `sp` or `users`, with a `control`; `outside` = trusted: everywhere but in trusted locations."""
    if given is None:
        return
    conditions: State = {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]}}
    if given["for"] == "sp":
        conditions["clientApplications"] = {"includeServicePrincipals": [b.names["sp"]]}
    else:
        conditions["users"] = {"includeUsers": ["All"]}
    if given.get("outside") == "trusted":
        conditions["locations"] = {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}
    grant = {"operator": "OR", "builtInControls": [given["control"]]}
    policy = {"id": id_of("policy"), "displayName": "policy", "state": "enabled", "conditions": conditions}
    b.state["conditionalAccessPolicies"] = [{**policy, "grantControls": grant, "sessionControls": None}]


def _app_policy(b: Building, given: Sketch | None) -> None:
    """`restricts`: kinds of credential that the tenant's policy forbids on every app."""
    rules = [
        {"restrictionType": kind, "state": "enabled", "restrictForAppsCreatedAfterDateTime": "2019-01-01T00:00:00Z"}
        for kind in (given or {}).get("restricts", [])
    ]
    if rules:
        policy = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": rules}}
        b.state["policies"]["defaultAppManagementPolicy"] = policy


def _network(b: Building, given: Sketch | None) -> None:
    """Where requests come from: the state's own section."""
    b.state.setdefault("network", {}).update(given or {})


def _azure(b: Building, given: Sketch | None) -> None:
    """The Azure subscription of the capacities, with the principals who have a `role` in it."""
    if given is not None:
        b.names["subscription"] = id_of("subscription")
        roles = [{"principalId": b.names[who]} for who in given["role"]]
        b.state["azure"] = {"subscriptions": [{"id": b.names["subscription"], "roleAssignments": roles}]}


def _embed_trial_usage(b: Building, given: int | None) -> None:
    """Percent of the trial's embed tokens that are used."""
    if given is not None:
        b.state["limits"] = {**b.state.get("limits", {}), "embedTokens": 100}
        b.state["quota"] = {**b.state.get("quota", {}), "embedTokens": given}


def _unknowns(b: Building, given: Sketch | None) -> None:
    """Which of the answers is staged where published ones contradict each other."""
    b.state.setdefault("unknowns", {}).update(given or {})


WORDS: Final[dict[str, Callable[[Building, Any], None]]] = {
    "user": _user,
    "app": _app,
    "sp": _sp,
    "resource_sp": _resource_sp,
    "apis": _apis,
    "clients": _clients,
    "grants": _grants,
    "groups": _groups,
    "tenant_settings": _tenant_settings,
    "changed_minutes_ago": _changed_minutes_ago,
    "capacities": _capacities,
    "workspaces": _workspaces,
    "my_workspace": _my_workspace,
    "connections": _connections,
    "gateways": _gateways,
    "conditional_access": _conditional_access,
    "app_policy": _app_policy,
    "network": _network,
    "azure": _azure,
    "embed_trial_usage": _embed_trial_usage,
    "unknowns": _unknowns,
}
