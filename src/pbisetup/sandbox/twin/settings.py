"""Tenant settings of a twin, the groups that they name, and which groups hold the service principal."""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox import access
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.twin.draft import SETTINGS, Draft, guid_of, name_of, shown

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
        for name in (access.PUBLIC_APIS, *(_OPENED[each] for each in draft.purposes if each in _OPENED)):
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
    _nested(draft)


def _group(draft: Draft, seen: Object) -> None:
    id_ = guid_of(seen["id"], "group.id")
    group = draft.group(id_) or _new_group(draft, id_, seen.get("group") or "Recorded group")
    group["securityEnabled"] = seen.get("security") is not False
    kinds = {"unified": "Unified", "dynamic": "DynamicMembership"}
    group["groupTypes"] = [kind for name, kind in kinds.items() if seen.get(name)]
    group["mailEnabled"] = bool(seen.get("unified"))
    if seen.get("synced"):
        group["onPremisesSyncEnabled"] = True
    if seen.get("role_assignable"):
        group["isAssignableToRole"] = True
    operator = draft.object("operator")
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


def _held(draft: Draft, fact: str) -> list[Object] | None:
    """Groups by their ids, made where there is none; None where nothing is known of them."""
    seen = draft.value(fact)
    if seen is None:
        return None
    ids = [guid_of(each["id"], f"{fact}.id") for each in seen]
    return [draft.group(id_) or _new_group(draft, id_, "Recorded group") for id_ in ids]


def _memberships(draft: Draft) -> None:
    if draft.principal is None:
        return
    seen = _held(draft, "memberships")
    for group in seen or ():
        draft.join(group)
    allowed = draft.public_apis().get("enabledSecurityGroups") or ()
    if seen is None and allowed and draft.admitted() is not False:
        first = draft.group(allowed[0]["graphId"])
        assert first is not None
        draft.join(first)
        draft.assume("the groups of the service principal", f"that {shown(first['displayName'])} holds it")


def _nested(draft: Draft) -> None:
    """Groups that hold the service principal by another group in them; by which one was not recorded."""
    direct = {each["id"]: each for each in _held(draft, "memberships") or ()}
    outer = [each for each in _held(draft, "nested_memberships") or () if each["id"] not in direct]
    if draft.principal is None or not outer:
        return
    inner = next(iter(direct.values()), None)
    if inner is None:
        inner = _new_group(draft, draft.identity.id("twin inner group"), "Recorded inner group")
        draft.join(inner)
    for group in outer:
        if inner["id"] not in group["members"]:
            group["members"].append(inner["id"])
    names = ", ".join(shown(each["displayName"]) for each in outer)
    draft.assume(f"which group stands between the service principal and {names}", shown(inner["displayName"]))
