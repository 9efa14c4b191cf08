"""Capacities and workspaces of a twin, with who has which role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pbisetup.model.recording import Json, RecordingError
from pbisetup.sandbox import access
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.twin.draft import GUID, Draft, guid_of, name_of, shown, visible

_HEALTHY_ROLE: Final = "Contributor"
_KINDS: Final = {
    "App": "ServicePrincipal", "ServicePrincipal": "ServicePrincipal", "Profile": "ServicePrincipalProfile",
    "User": "User", "Group": "Group",
}  # fmt: skip


def capacities(draft: Draft) -> None:
    """Capacities, in place of the default one. Who sees one has a right to it."""
    fact = next((each for each in draft.recording.all("capacities") if each.status == "known"), None)
    if fact is None:
        return
    operator = draft.object("operator")
    looked = [str(operator.get("account") or "")] if fact.observer == "operator" and operator.get("account") else []
    draft.state["capacities"] = [
        {
            "id": guid_of(each["id"], "capacities.id"),
            "displayName": name_of(each.get("capacity") or "recorded", "capacities.capacity"),
            "sku": str(each.get("sku") or "F2"),
            "state": str(each.get("state") or "Active"),
            "region": str(each.get("region") or "West Europe"),
            "admins": [name_of(who["id"], "capacities.admins") for who in each.get("admins") or ()] or looked,
            "contributors": [name_of(who["id"], "capacities.contributors") for who in each.get("contributors") or ()],
        }
        for each in fact.value
    ]
    kept = {each["id"] for each in draft.state["capacities"]}
    for workspace in draft.state["workspaces"]:
        workspace["capacityId"] = workspace["capacityId"] if workspace.get("capacityId") in kept else None


def workspaces(draft: Draft) -> None:
    """Workspaces that were looked for, in place of the default ones, with who has which role."""
    keys = list(dict.fromkeys(wanted(draft)))
    if not keys:
        return
    draft.state["workspaces"] = []
    for key in keys:
        fact = next((f for f in draft.recording.all("workspace") if f.of == key), None)
        seen = next((f.value for f in draft.recording.all("workspace_visible") if f.of == key and f.value), None) or {}
        if fact is not None and fact.status == "absent" and not visible(seen):
            continue
        _workspace(draft, key, fact.value if fact is not None and fact.status == "known" else None, seen)


def wanted(draft: Draft) -> Iterator[str]:
    """The workspaces that the recording speaks of, by name or id."""
    for each in draft.wanted_workspaces():
        yield str(each["key"])
    for kind in ("workspace", "workspace_visible"):
        yield from (fact.of for fact in draft.recording.all(kind) if fact.of)


def _workspace(draft: Draft, key: str, seen: Object | None, shown_to_app: Object) -> None:
    name = name_of((seen or {}).get("workspace") or key, "workspace.workspace")
    item = made.element(draft.identity, draft.state, "workspaces", name)
    if seen is not None:
        item["id"] = guid_of(seen["id"], "workspace.id")
    elif GUID.fullmatch(key) or shown_to_app.get("id"):
        item["id"] = guid_of(shown_to_app.get("id") or key, "workspace_visible.id")
    if item["id"] in draft.keys:  # known by name and by id
        return
    draft.keys[item["id"]] = key
    draft.state["workspaces"].append(item)
    if (seen or {}).get("classic") is True:
        item["classic"] = True
    item["capacityId"] = _capacity_of(draft, seen, name)
    _roles(draft, item, seen or {}, key, shut=visible(shown_to_app) is False)


def _roles(draft: Draft, item: Object, seen: Object, key: str, *, shut: bool) -> None:
    roles, name = seen.get("roles"), item["displayName"]
    for each in roles or ():
        _role(draft, item, str(each["principal"]), each.get("role"), each.get("kind"))
    who = draft.caller_principal()
    if roles is None and who is not None and not shut:
        role = next((w.get("role") for w in draft.wanted_workspaces() if w["key"] == key), None) or _HEALTHY_ROLE
        _role(draft, item, who[0], role, who[1])
        whom = "the person" if draft.for_people else "the app"
        draft.assume(f"who has a role in the workspace {shown(name)}", f"{whom}, {role}")
    elif roles is None:
        draft.assume(f"who has a role in the workspace {shown(name)}", "nobody who was asked for")
    operator = draft.object("operator")
    if roles is None and seen.get("operator_role") and operator.get("account"):
        _role(draft, item, str(operator["account"]), seen["operator_role"], "User")


def _capacity_of(draft: Draft, seen: Object | None, name: str) -> str | None:
    given, dedicated = (seen or {}).get("capacity_id"), (seen or {}).get("on_capacity")
    if given is not None:
        id_ = guid_of(given, "workspace.capacity_id")
        if not any(each["id"] == id_ for each in draft.state["capacities"]):
            hidden = made.element(draft.identity, draft.state, "capacities", "recorded") | {"id": id_}
            draft.state["capacities"].append(hidden)
            draft.assume(f"the capacity of the workspace {shown(name)}", "an active one")
        return id_
    told = seen is not None and "capacity_id" in seen and "on_capacity" not in seen
    first = next(iter(draft.state["capacities"]), None)
    if dedicated is False or told or first is None:
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
