"""Groups with their members and owners (source: entra.md 1.11)."""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox.graph import lag, quotas, recycle_bin, refs
from pbisetup.sandbox.graph.applications import or_missing
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.owners import CASTS, may_own, related, relation_routes
from pbisetup.sandbox.graph.query import Typed, count, listing, selected, single
from pbisetup.sandbox.graph.schema import GROUP
from pbisetup.sandbox.graph.service import Handle, Request, route
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_KINDS: Final = {"Unified", "DynamicMembership"}
_ADMINS: Final = {"Global Administrator", "Groups Administrator"}
_FORBIDDEN: Final = set('@()\\[]";:<>, ')  # source: Graph group page, mailNickname (known)


def list_groups(request: Request, _: Any) -> Reply:
    return listing(request, "groups", "group", _all(request))


def count_groups(request: Request, _: Any) -> Reply:
    return count(request, "group", _all(request))


def get_group(request: Request, item: Object) -> Reply:
    lag.check(request.world, "groups.get", item)
    return Reply(200, single(request, "group", item, "groups", selected(request, "group")))


def create_group(request: Request, _: Any) -> Reply:
    return Reply(201, single(request, "group", _create(request, request.call.json()), "groups"))


def patch_group(request: Request, item: Object) -> Reply:
    lag.check(request.world, "groups.patch", item)
    _update(request, item, request.call.json())
    return Reply(204)


def upsert_group(request: Request, item: Object | None) -> Reply:
    """PATCH by uniqueName; `Prefer: create-if-missing` creates (source: entra.md 1.2, the same contract as
    apps).
    """
    body = request.call.json()
    if item is not None:
        request.require("groups.write", item)
        _update(request, item, body)
        return Reply(204)
    request.require("groups.create")
    created = _create(request, {**body, "uniqueName": refs.key(request, "uniqueName")})
    return Reply(201, single(request, "group", created, "groups"))


def delete_group(request: Request, item: Object) -> Reply:
    """Soft for Microsoft 365 groups, permanent for others (source: graph-docs directory-deleteditems-restore;
    entra.md 1.11: assume no restore of security groups).
    """
    _check_source(item)
    if item.get("isAssignableToRole"):
        request.require("members.write.role_assignable", item)
    if is_unified(item):
        recycle_bin.put(request, "group", item)
        return Reply(204)
    request.tenant.groups.remove(item["id"])
    recycle_bin.forget(request.tenant, item["id"])
    quotas.purged(request, item)
    request.changed()
    return Reply(204)


def transitive_members(request: Request, item: Object) -> Reply:
    return listing(request, "directoryObjects", None, _transitive(request, item))


def transitive_members_of(cast: str) -> Handle:
    """GET of the members of one kind, also through nested groups."""

    def handle(request: Request, item: Object) -> Reply:
        rows = [pair for pair in _transitive(request, item) if pair[0] == cast]
        return listing(request, f"{cast}s", cast, rows)

    return handle


def count_transitive_members(request: Request, item: Object) -> Reply:
    return count(request, None, _transitive(request, item))


def _transitive(request: Request, item: Object) -> list[Typed]:
    found: dict[str, Typed] = {}
    wanted = [item]
    while wanted:
        for kind, member in related(request, wanted.pop(), "members"):
            if member["id"] not in found:
                found[member["id"]] = (kind, member)
                if kind == "group":
                    wanted.append(member)
    return list(found.values())


def is_unified(item: Object) -> bool:
    """A Microsoft 365 group."""
    return "Unified" in (item.get("groupTypes") or [])


def _all(request: Request) -> list[Typed]:
    return [("group", item) for item in request.tenant.groups.peek()]


def _create(request: Request, body: Object) -> Object:
    quotas.check_new(request, "group")
    accepted = GROUP.accept(body)
    for name in ("displayName", "mailNickname", "mailEnabled", "securityEnabled"):
        if accepted.get(name) in (None, ""):
            raise GraphError("value_required", property=name, resource="Group")
    _check(request, accepted)
    _check_kind(request, accepted)
    owners = refs.bound(request, body, "owners")
    members = refs.bound(request, body, "members")
    for id_ in members:
        _check_member({**GROUP.blank(), **accepted, "id": None}, *refs.principal(request, id_))
    refs.check_bound(len(owners) + len(members))
    # source: graph-docs known issues, "Nonadmin user can't add self as group owner": a user who is no admin owns a new
    # group, also beside other owners unless it is a Microsoft 365 group, and may not say so himself.
    me = request.caller.object_id
    if request.caller.kind == "user" and not active_roles(request.tenant, me) & _ADMINS:
        if me in owners:
            raise GraphError("reference_twice", property="owners")
        if not owners or not is_unified(accepted):
            owners = [me, *owners]
    item: Object = {
        "id": str(uuid.uuid4()),
        "createdDateTime": request.stamp(),
        **GROUP.blank(),
        "renewedDateTime": request.stamp(),
        **accepted,
        "owners": owners,
        "members": members,
        "_createdAt": request.born(),
        "_createdBy": request.caller.object_id,
    }
    request.tenant.groups.add(item)
    request.changed()
    return item


def _update(request: Request, item: Object, body: Object) -> None:
    accepted = GROUP.accept(body, item)
    changed = {name for name, value in accepted.items() if value != item.get(name)}
    if changed:
        _check_source(item)
    if item.get("isAssignableToRole"):
        request.require("members.write.role_assignable", item)
    # source: graph-docs group: set when the group is created and immutable then; the kind of a group stays, except
    # that membership becomes dynamic or assigned.
    for name in {"isAssignableToRole", "mailEnabled"} & changed:
        raise GraphError("immutable", property=name)
    if "groupTypes" in changed:
        if ("Unified" in accepted["groupTypes"]) != is_unified(item):
            raise GraphError("immutable", property="groupTypes")
        _check_kind(request, {**item, **accepted})
    if item.get("uniqueName") and accepted.get("uniqueName", item["uniqueName"]) != item["uniqueName"]:
        raise GraphError("immutable", property="uniqueName")
    _check(request, {k: v for k, v in accepted.items() if v != item.get(k)})
    if "displayName" in accepted and not accepted["displayName"]:
        raise GraphError("value_required", property="displayName", resource="Group")
    added = _added(request, item, body)
    item.update(accepted)
    item.setdefault("members", []).extend(added)
    request.world.note_members(item, added)
    request.tenant.groups.reindex(item)
    request.changed()


def _added(request: Request, item: Object, body: Object) -> list[str]:
    """The members that a PATCH adds with `members@odata.bind` (source: graph-docs group-post-members)."""
    ids = refs.bound(request, body, "members")
    if ids:
        request.require("members.write", item)
    for id_ in ids:
        _may_add(request, item, *refs.principal(request, id_))
        if id_ in item.get("members", []):
            raise GraphError("reference_exists", property="members")
    return ids


def _check(request: Request, accepted: Object) -> None:
    nickname = accepted.get("mailNickname")
    if nickname is not None and (_FORBIDDEN & set(nickname) or not nickname.isascii()):
        raise GraphError("value_invalid", property="mailNickname", resource="Group")
    types = accepted.get("groupTypes") or []
    if not all(isinstance(each, str) and each in _KINDS for each in types):
        raise GraphError("value_invalid", property="groupTypes", resource="Group")
    name = accepted.get("uniqueName")
    deleted = [entry["object"] for entry in recycle_bin.entries(request, "group")] if name else []
    taken = any(str(each.get("uniqueName") or "").lower() == str(name).lower() for each in deleted)
    if name and (taken or request.tenant.groups.by("uniqueName", name) is not None):
        raise GraphError("taken", property="uniqueName")


def _check_kind(request: Request, accepted: Object) -> None:
    """Which combinations of properties make a group (source: graph-docs groups-overview)."""
    types = accepted.get("groupTypes") or []
    if accepted.get("mailEnabled") and "Unified" not in types:
        raise GraphError("mail_group")
    if "Unified" in types and not accepted.get("mailEnabled"):
        raise GraphError("value_invalid", property="mailEnabled", resource="Group")
    if not accepted.get("securityEnabled") and "Unified" not in types:
        raise GraphError("value_invalid", property="securityEnabled", resource="Group")
    if "DynamicMembership" in types and not accepted.get("membershipRule"):
        raise GraphError("value_required", property="membershipRule", resource="Group")
    if accepted.get("isAssignableToRole"):
        request.require("members.write.role_assignable", {})
        if types:
            raise GraphError("role_group_type")
        most = quotas.of(request.world, "roleAssignableGroups")
        if sum(bool(each.get("isAssignableToRole")) for each in request.tenant.groups.peek()) >= most:
            raise GraphError("limit", what="role-assignable groups", limit=most)


def _may_add(request: Request, group: Object, kind: str, item: Object) -> None:
    _may_change(request, group, kind, item)
    _check_member(group, kind, item)
    lag.check(request.world, "members.add_to_new_group", group)
    lag.check(request.world, "members.add", item)


def _may_change(request: Request, group: Object, kind: str, _item: Object) -> None:
    """What the door `members.write` does not know: role-assignable groups, and service principals as
    members.
    """
    if group.get("isAssignableToRole"):
        request.require("members.write.role_assignable", group)
    if kind == "servicePrincipal":
        request.require("members.write.service_principal", group)
    _check_source(group)
    if "DynamicMembership" in (group.get("groupTypes") or []):
        # source: SupportArticles-docs authorization-requestdenied-403-error-add-user-group
        raise GraphError("denied")


def _check_source(group: Object) -> None:
    """A group that comes from on-premises is changed there."""
    if group.get("onPremisesSyncEnabled"):
        raise GraphError("synced_object")


def _check_member(group: Object, kind: str, item: Object) -> None:
    """Which objects a group can hold (source: graph-docs group-post-members: a Microsoft 365 group holds users; a
    group in a role-assignable group is not supported). guess: the texts.
    """
    if is_unified(group) and kind != "user":
        raise GraphError("group_values_invalid")
    if kind == "group" and (group.get("isAssignableToRole") or item["id"] == group["id"] or is_unified(item)):
        raise GraphError("group_values_invalid")


def _keep_one_owner(_request: Request, group: Object, _kind: str, _item: Object) -> None:
    if len(group.get("owners", [])) == 1:
        raise GraphError("last_owner")


def _routes() -> list[Route]:
    found = route("GET", "/groups", "groups.read", list_groups)
    found += route("GET", "/groups/$count", "groups.read", count_groups)
    found += route("POST", "/groups", "groups.create", create_group)
    for base in refs.GROUPS:
        found += route("GET", base, "groups.read", get_group, refs.group)
        found += route("DELETE", base, "groups.write", delete_group, refs.group)
        path = f"{base}/transitiveMembers"
        found += route("GET", path, "groups.read", transitive_members, refs.group)
        found += route("GET", f"{path}/$count", "groups.read", count_transitive_members, refs.group)
        for cast in CASTS:
            for prefix in ("microsoft.graph", "graph"):
                handle = transitive_members_of(cast)
                found += route("GET", f"{path}/{prefix}.{cast}", "groups.read", handle, refs.group)
        found += relation_routes(base, "members", "groups.read", "members.write", refs.group, _may_add, _may_change)
        found += relation_routes(base, "owners", "groups.read", "groups.write", refs.group, may_own, _keep_one_owner)
    by_id, by_name = refs.GROUPS
    found += route("PATCH", by_id, "groups.write", patch_group, refs.group)
    found += route("PATCH", by_name, "groups.upsert", upsert_group, or_missing(refs.group))
    return found


routes = _routes()
