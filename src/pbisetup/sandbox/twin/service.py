"""What Fabric has in a twin: tenant settings with their groups, capacities, workspaces; and the caller of the app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pbisetup.model.recording import Json, RecordingError
from pbisetup.sandbox import access
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.twin.draft import GUID, SETTINGS, Draft, guid_of, name_of, shown

_HEALTHY_ROLE: Final = "Contributor"
_KINDS: Final = {"App": "ServicePrincipal", "User": "User", "Group": "Group", "ServicePrincipal": "ServicePrincipal"}
_OPENED: Final = {
    "admin-read": access.READ_ADMIN_APIS,
    "admin-write": access.UPDATE_ADMIN_APIS,
    "embed-customers": access.EMBEDDING,
}
"""Tenant settings that a purpose needs beside the one that admits service principals."""


def settings(draft: Draft) -> None:
    """Tenant settings with the groups that they name."""
    seen = draft.value("settings")
    if seen is None:
        purposes = (draft.value("manifest") or {}).get("purposes") or ()
        for name in (access.PUBLIC_APIS, *(_OPENED[each] for each in purposes if each in _OPENED)):
            draft.setting(name)["enabled"] = True
        draft.assume(SETTINGS, "those of a new tenant, service principals admitted for all")
        return
    draft.state["tenantSettings"] = [
        {
            "settingName": name_of(each["setting"], "settings.setting"),
            "title": name_of(each.get("title") or each["setting"], "settings.title"),
            "enabled": bool(each.get("enabled")),
            "canSpecifySecurityGroups": each.get("can_specify_groups") is not False,
            "tenantSettingGroup": each.get("tenant_setting_group") or "",
            **{
                key: [{"graphId": guid_of(g["id"], f"settings.{part}"), "name": g.get("group") or ""} for g in groups]
                for key, part in (
                    ("enabledSecurityGroups", "enabled_groups"),
                    ("excludedSecurityGroups", "excluded_groups"),
                )
                if (groups := each.get(part))
            },
        }
        for each in seen
    ]


def groups(draft: Draft) -> None:
    """Groups with their kind, and which of them hold the service principal."""
    for fact in draft.recording.all("group"):
        if fact.status == "known":
            _group(draft, fact.value)
    for setting in draft.state["tenantSettings"]:
        for key in ("enabledSecurityGroups", "excludedSecurityGroups"):
            for named in setting.get(key) or ():
                if draft.group(named["graphId"]) is None:
                    _new_group(draft, named["graphId"], named["name"] or "Recorded group")
                    draft.assume(f"the kind of the group {shown(named['name'])}", "a security group of the cloud")
    _memberships(draft)


def _group(draft: Draft, seen: Object) -> None:
    id_ = guid_of(seen["id"], "group.id")
    group = draft.group(id_) or _new_group(draft, id_, seen.get("group") or "Recorded group")
    group["securityEnabled"] = seen.get("security") is not False
    group["groupTypes"] = ["Unified"] if seen.get("unified") else []
    group["mailEnabled"] = bool(seen.get("unified"))
    if seen.get("synced"):
        group["onPremisesSyncEnabled"] = True
    if seen.get("role_assignable"):
        group["isAssignableToRole"] = True
    operator = draft.value("operator") or {}
    if seen.get("operator_owns") and operator.get("object_id") and operator["object_id"] not in group["owners"]:
        group["owners"].append(operator["object_id"])
    for member in seen.get("members") or ():
        id_ = guid_of(member["id"], "group.members")
        if id_ not in group["members"]:
            group["members"].append(id_)


def _new_group(draft: Draft, id_: str, name: str) -> Object:
    group = made.group(draft.identity, name_of(name, "a group's name")) | {"id": id_}
    draft.state["groups"].append(group)
    return group


def _memberships(draft: Draft) -> None:
    if draft.principal is None:
        return
    seen = draft.value("memberships")
    for each in seen or ():
        id_ = guid_of(each["id"], "memberships.id")
        group = draft.group(id_) or _new_group(draft, id_, "Recorded group")
        draft.join(group)
    allowed = draft.public_apis().get("enabledSecurityGroups") or ()
    if seen is None and allowed and draft.admitted() is not False:
        first = draft.group(allowed[0]["graphId"])
        assert first is not None
        draft.join(first)
        draft.assume("the groups of the service principal", f"that {shown(first['displayName'])} holds it")


def capacities(draft: Draft) -> None:
    """Capacities, in place of the default one."""
    seen = draft.value("capacities")
    if seen is None:
        return
    draft.state["capacities"] = [
        {
            "id": guid_of(each["id"], "capacities.id"),
            "displayName": name_of(each.get("capacity") or "recorded", "capacities.capacity"),
            "sku": str(each.get("sku") or "F2"),
            "state": str(each.get("state") or "Active"),
            "region": str(each.get("region") or "West Europe"),
            "admins": [name_of(who["id"], "capacities.admins") for who in each.get("admins") or ()],
            "contributors": [name_of(who["id"], "capacities.contributors") for who in each.get("contributors") or ()],
        }
        for each in seen
    ]
    kept = {each["id"] for each in draft.state["capacities"]}
    for workspace in draft.state["workspaces"]:
        workspace["capacityId"] = workspace["capacityId"] if workspace.get("capacityId") in kept else None


def workspaces(draft: Draft) -> None:
    """Workspaces that were looked for, in place of the default ones, with who has which role."""
    wanted = list(dict.fromkeys(_wanted(draft)))
    if not wanted:
        return
    draft.state["workspaces"] = []
    for key in wanted:
        fact = next((f for f in draft.recording.all("workspace") if f.of == key), None)
        seen = next((f.value for f in draft.recording.all("workspace_visible") if f.of == key and f.value), None)
        visible = seen.get("visible") if seen else None
        if fact is not None and fact.status == "absent" and visible is not True:
            continue
        _workspace(draft, key, fact.value if fact is not None and fact.status == "known" else None, visible)


def _wanted(draft: Draft) -> Iterator[str]:
    for each in (draft.value("manifest") or {}).get("workspaces") or ():
        yield str(each["key"])
    for kind in ("workspace", "workspace_visible"):
        yield from (fact.of for fact in draft.recording.all(kind) if fact.of)


def _workspace(draft: Draft, key: str, seen: Object | None, visible: bool | None) -> None:
    name = name_of((seen or {}).get("workspace") or key, "workspace.workspace")
    item = made.element(draft.identity, draft.state, "workspaces", name)
    if seen is not None:
        item["id"] = guid_of(seen["id"], "workspace.id")
    elif GUID.fullmatch(key):
        item["id"] = key.lower()
    if item["id"] in draft.keys:  # known by name and by id
        return
    draft.keys[item["id"]] = key
    draft.state["workspaces"].append(item)
    item["capacityId"] = _capacity_of(draft, seen, name)
    roles = (seen or {}).get("roles")
    for each in roles or ():
        _role(draft, item, str(each["principal"]), each.get("role"), each.get("kind"))
    who = draft.caller_principal()
    if roles is None and who is not None and visible is not False:
        role = next(
            (w.get("role") for w in (draft.value("manifest") or {}).get("workspaces") or () if w["key"] == key), None
        )
        _role(draft, item, who[0], role or _HEALTHY_ROLE, who[1])
        whom = "the person" if draft.for_people else "the app"
        draft.assume(f"who has a role in the workspace {shown(name)}", f"{whom}, {role or _HEALTHY_ROLE}")
    elif roles is None:
        draft.assume(f"who has a role in the workspace {shown(name)}", "nobody who was asked for")
    operator = draft.value("operator") or {}
    if roles is None and (seen or {}).get("operator_role") and operator.get("account"):
        _role(draft, item, str(operator["account"]), (seen or {})["operator_role"], "User")


def _capacity_of(draft: Draft, seen: Object | None, name: str) -> str | None:
    if seen is not None and "capacity_id" in seen:
        return None if seen["capacity_id"] is None else guid_of(seen["capacity_id"], "workspace.capacity_id")
    first = next(iter(draft.state["capacities"]), None)
    if first is None:
        return None
    draft.assume(f"the capacity of the workspace {shown(name)}", shown(first["displayName"]))
    return str(first["id"])


def _role(draft: Draft, item: Object, principal: str, role: Json, kind: Json) -> None:
    if role not in access.ROLES:
        raise RecordingError(f"{str(role)[:40]!r} is not one of {', '.join(access.ROLES)}")
    if "@" in principal:
        id_, type_ = draft.user(principal)["id"], "User"
    else:
        id_ = guid_of(principal, "workspace.roles.principal")
        type_ = _KINDS.get(str(kind), "Group" if draft.group(id_) else "ServicePrincipal")
    item["roleAssignments"].append({"id": id_, "principal": {"id": id_, "type": type_}, "role": role})


def caller(draft: Draft) -> None:
    """What the app was configured with; its secret is `seen.secret`."""
    credential = draft.value("credential") or {}
    tenant = credential.get("tenant_id")
    draft.caller["client_id"] = credential.get("client_id") or draft.client_id()
    if tenant and tenant.lower() not in (draft.identity.tenant_id, draft.state["tenant"]["domain"].lower()):
        draft.caller["tenant"] = tenant
    draft.caller["workspace"] = list(dict.fromkeys(_wanted(draft)))
    draft.caller["purpose"] = next(iter((draft.value("manifest") or {}).get("purposes") or ()), None)
