"""Groups with their members and owners (source: entra.md 1.11)."""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox.graph import lag, refs
from pbisetup.sandbox.graph.applications import or_missing
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.owners import may_own, related, relation_routes
from pbisetup.sandbox.graph.query import Typed, count, listing, selected
from pbisetup.sandbox.graph.schema import GROUP
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.graph.shape import single
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

BASES: Final = ("/groups/{id}", "/groups(uniqueName='{uniqueName}')")
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
    """Permanent (source: entra.md 1.11: assume no restore of security groups)."""
    request.tenant.groups.remove(item["id"])
    for other in request.tenant.groups:
        if item["id"] in other.get("members", []):
            other["members"].remove(item["id"])
    request.changed()
    return Reply(204)


def transitive_members(request: Request, item: Object) -> Reply:
    found: dict[str, Typed] = {}
    wanted = [item]
    while wanted:
        for kind, member in related(request, wanted.pop(), "members"):
            if member["id"] not in found:
                found[member["id"]] = (kind, member)
                if kind == "group":
                    wanted.append(member)
    return listing(request, "directoryObjects", None, found.values())


def _all(request: Request) -> list[Typed]:
    return [("group", item) for item in request.tenant.groups]


def _create(request: Request, body: Object) -> Object:
    accepted = GROUP.accept(body)
    for name in ("displayName", "mailNickname", "mailEnabled", "securityEnabled"):
        if accepted.get(name) in (None, ""):
            raise GraphError("value_required", property=name, resource="Group")
    _check(request, accepted)
    owners = refs.bound(request, body, "owners")
    members = refs.bound(request, body, "members")
    user = request.caller.kind == "user"
    admins = {"Global Administrator", "Groups Administrator"}
    # source: Graph create-group page: a user who is no admin becomes the owner of what it creates (known).
    if user and not owners and not active_roles(request.tenant, request.caller.object_id) & admins:
        owners = [request.caller.object_id]
    item: Object = {
        "id": str(uuid.uuid4()),
        "createdDateTime": request.stamp(),
        **GROUP.blank(),
        "renewedDateTime": request.stamp(),
        **accepted,
        "owners": owners,
        "members": members,
        "_createdAt": request.born(),
    }
    request.tenant.groups.add(item)
    request.changed()
    return item


def _update(request: Request, item: Object, body: Object) -> None:
    accepted = GROUP.accept(body, item)
    if item.get("uniqueName") and accepted.get("uniqueName", item["uniqueName"]) != item["uniqueName"]:
        raise GraphError("immutable", property="uniqueName")
    _check(request, {k: v for k, v in accepted.items() if v != item.get(k)})
    if "displayName" in accepted and not accepted["displayName"]:
        raise GraphError("value_required", property="displayName", resource="Group")
    item.update(accepted)
    request.tenant.groups.reindex(item)
    request.changed()


def _check(request: Request, accepted: Object) -> None:
    nickname = accepted.get("mailNickname")
    if nickname is not None and (_FORBIDDEN & set(nickname) or not nickname.isascii()):
        raise GraphError("value_invalid", property="mailNickname", resource="Group")
    if not all(isinstance(each, str) for each in accepted.get("groupTypes", [])):
        raise GraphError("value_invalid", property="groupTypes", resource="Group")
    name = accepted.get("uniqueName")
    if name and request.tenant.groups.by("uniqueName", name) is not None:
        raise GraphError("taken", property="uniqueName")
    if accepted.get("isAssignableToRole"):
        request.require("members.write.role_assignable", {})


def _may_add(request: Request, group: Object, kind: str, item: Object) -> None:
    _may_change(request, group, kind, item)
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
    if "DynamicMembership" in group.get("groupTypes", []) or group.get("onPremisesSyncEnabled"):
        # guess: the text; that neither kind of group takes members here is known.
        raise GraphError("bad_reference")


def _keep_one_owner(_request: Request, group: Object, _kind: str, _item: Object) -> None:
    if len(group.get("owners", [])) == 1:
        raise GraphError("last_owner")


def _routes() -> list[Route]:
    found = route("GET", "/groups", "groups.read", list_groups)
    found += route("GET", "/groups/$count", "groups.read", count_groups)
    found += route("POST", "/groups", "groups.create", create_group)
    for base in BASES:
        found += route("GET", base, "groups.read", get_group, refs.group)
        found += route("DELETE", base, "groups.write", delete_group, refs.group)
        found += route("GET", f"{base}/transitiveMembers", "groups.read", transitive_members, refs.group)
        found += relation_routes(base, "members", "groups.read", "members.write", refs.group, _may_add, _may_change)
        found += relation_routes(base, "owners", "groups.read", "groups.write", refs.group, may_own, _keep_one_owner)
    found += route("PATCH", BASES[0], "groups.write", patch_group, refs.group)
    found += route("PATCH", BASES[1], "groups.upsert", upsert_group, or_missing(refs.group))
    return found


routes = _routes()
