"""Each kind of action as operations on the tenant: the one table that every form of a hand-off is written from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pbisetup.model.cloud import Cloud
from pbisetup.planning.handoff.operations import (
    AddKey,
    AdmitGroup,
    Assign,
    Find,
    Grant,
    Listed,
    Make,
    MakeWorkspace,
    Merge,
    Operation,
    Place,
    Role,
    Send,
    Written,
)
from pbisetup.planning.handoff.text import name_filter, segment, variable
from pbisetup.planning.redirects import is_native

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Scope:
    """What a writer knows besides the action."""

    cloud: Cloud
    finders: Mapping[str, Find]
    """Variable -> how its id is found."""


Writer = Callable[[Params, Scope], Written]


def _graph(path: str) -> Place:
    return Place("graph", path)


def _only(*operations: Operation, note: str = "") -> Written:
    return Written(operations, note)


def application(unique_name: str) -> Place:
    """The app by the key under which every run finds it again."""
    return _graph(f"/v1.0/applications(uniqueName='{segment(unique_name)}')")


def service_principal(client_id: str) -> Place:
    return _graph(f"/v1.0/servicePrincipals(appId='{segment(client_id)}')")


def group(unique_name: str) -> Place:
    return _graph(f"/v1.0/groups(uniqueName='{segment(unique_name)}')")


def workspace_called(name: str) -> Place:
    return Place("powerbi", f"/v1.0/myorg/groups?{name_filter(name)}")


def _upsert_application(p: Params, s: Scope) -> Written:
    finds = (s.finders["CLIENT_ID"], s.finders["APP_OBJECT_ID"])
    return _only(Make(application(p["unique_name"]), p["body"], finds))


def _create_service_principal(p: Params, s: Scope) -> Written:
    made = Make(service_principal(p["client_id"]), {"appId": p["client_id"]}, (s.finders["SP_OBJECT_ID"],))
    return _only(made)


def _add_resource(p: Params, _: Scope) -> Written:
    return _only(Make(service_principal(p["client_id"]), {"appId": p["client_id"]}))


def _create_group(p: Params, s: Scope) -> Written:
    body = {
        "displayName": p["display_name"],
        "mailEnabled": False,
        "mailNickname": p["mail_nickname"],
        "securityEnabled": True,
    }
    find = s.finders[str(p.get("output") or "group_id").upper()]
    note = "If a group for service principals exists already, use that one and leave this out."
    return _only(Make(group(p["unique_name"]), body, (find,)), note=note)


def _update_application(p: Params, _: Scope) -> Written:
    return _only(Merge(_app(p), p["changes"]))


def _app(p: Params, more: str = "") -> Place:
    return _graph(f"/v1.0/applications/{segment(p['app_object_id'])}{more}")


def _principal(object_id: str, more: str = "") -> Place:
    return _graph(f"/v1.0/servicePrincipals/{segment(object_id)}{more}")


def _reference(object_id: str, s: Scope) -> dict[str, str]:
    return {"@odata.id": f"{s.cloud.graph}/v1.0/directoryObjects/{object_id}"}


def _add_owner(p: Params, s: Scope) -> Written:
    there = Listed(_app(p, "/owners?$select=id"), {"id": p["owner_id"]})
    return _only(Send("post", _app(p, "/owners/$ref"), _reference(p["owner_id"], s), there))


def _grant_delegated(p: Params, _: Scope) -> Written:
    person, grant_id = p.get("principal_id") or None, p.get("grant_id") or None
    return _only(Grant(p["sp_object_id"], p["resource_id"], tuple(p["scopes"]), person, grant_id))


def _grant_app_role(p: Params, _: Scope) -> Written:
    sp, resource, role = p["sp_object_id"], p["resource_id"], p["role_id"]
    there = Listed(_principal(sp, "/appRoleAssignments"), {"appRoleId": role, "resourceId": resource})
    body = {"principalId": sp, "resourceId": resource, "appRoleId": role}
    return _only(Send("post", _principal(resource, "/appRoleAssignedTo"), body, there))


def _revoke_app_role(p: Params, _: Scope) -> Written:
    sp, assignment = p["sp_object_id"], p["assignment_id"]
    there = Listed(_principal(sp, "/appRoleAssignments"), {"id": assignment})
    gone = Send("delete", _principal(sp, f"/appRoleAssignments/{segment(assignment)}"), None, there, gone=True)
    return _only(gone)


def _assign_user(p: Params, _: Scope) -> Written:
    return _only(Assign(p["sp_object_id"], p["user_id"]))


def _member_of(p: Params) -> Listed:
    return Listed(_principal(p["sp_object_id"], "/memberOf?$select=id"), {"id": p["group_id"]})


def _add_group_member(p: Params, s: Scope) -> Written:
    at = _graph(f"/v1.0/groups/{segment(p['group_id'])}/members/$ref")
    return _only(Send("post", at, _reference(p["sp_object_id"], s), _member_of(p)))


def _remove_from_group(p: Params, _: Scope) -> Written:
    # `$ref` is the membership: without it the member itself would be deleted.
    at = _graph(f"/v1.0/groups/{segment(p['group_id'])}/members/{segment(p['sp_object_id'])}/$ref")
    return _only(Send("delete", at, None, _member_of(p), gone=True))


def _enable_service_principal(p: Params, _: Scope) -> Written:
    return _only(Merge(_principal(p["sp_object_id"]), {"accountEnabled": True}))


def _allow_public_client(p: Params, _: Scope) -> Written:
    return _only(Merge(_app(p), {"isFallbackPublicClient": True}))


def _add_redirect_uri(p: Params, _: Scope) -> Written:
    platform = "publicClient" if is_native(p["uri"]) else "web"
    elsewhere = tuple(f"{name}.redirectUris" for name in ("publicClient", "web", "spa") if name != platform)
    return _only(Merge(_app(p), {platform: {"redirectUris": [p["uri"]]}}, elsewhere))


def _add_delegated_permission(p: Params, _: Scope) -> Written:
    access = [{"id": each, "type": "Scope"} for each in p["scope_ids"]]
    declared = [{"resourceAppId": p["resource_app_id"], "resourceAccess": access}]
    return _only(Merge(_app(p), {"requiredResourceAccess": declared}))


def _update_tenant_setting(p: Params, s: Scope) -> Written:
    if not p.get("setting"):
        return _only(note="Which setting it is, is seen once the app has a token.")
    if not s.cloud.fabric or not s.cloud.fabric_resource:
        return _only(note="No Fabric API is published for this cloud: only the portal can do it.")
    announced = tuple(map(str, p.get("announced") or ()))
    return _only(AdmitGroup(p["setting"], p["group_id"], p["group_name"], announced), note=_SETTING_NOTE)


_SETTING_NOTE: Final = (
    "An update replaces the setting's list of groups, so what it lists is read and sent back with the new group. "
    "A setting that is on for everybody is left as it is."
)


def _set_workspace_role(p: Params, _: Scope) -> Written:
    workspace, before = _workspace(p)
    return _only(*before, Role(workspace, p["sp_object_id"], p["role"], p.get("replaces") or None))


def _workspace(p: Params) -> tuple[str, list[Find]]:
    """The workspace's id, or the variable for it and how it is found by its name."""
    if p["workspace_id"]:
        return p["workspace_id"], []
    name = str(p["workspace_name"])
    find = Find("WORKSPACE_ID", workspace_called(name), "id", f"the workspace {name!r}", by_name=True)
    return variable("workspace_id"), [find]


def _remove_workspace_role(p: Params, _: Scope) -> Written:
    workspace, before = _workspace(p)
    users = f"/v1.0/myorg/groups/{segment(workspace)}/users"
    there = Listed(Place("powerbi", users), {"identifier": p["sp_object_id"]})
    gone = Send("delete", Place("powerbi", f"{users}/{segment(p['sp_object_id'])}"), None, there, gone=True)
    return _only(*before, gone)


def _by_destroy(_: Params, __: Scope) -> Written:
    return _only(note="`pbisetup destroy` takes away only what it proves to be its own: whoever may runs that.")


def _create_workspace(p: Params, s: Scope) -> Written:
    find = s.finders[str(p.get("output") or "workspace_id").upper()]
    capacity = p.get("capacity_id")
    onto = [_onto(variable(find.sets), capacity)] if capacity else []
    return _only(MakeWorkspace(p["name"], find), *onto, note="Whoever makes a workspace becomes its Admin.")


def _onto(workspace: str, capacity: str) -> Send:
    at = Place("powerbi", f"/v1.0/myorg/groups/{segment(workspace)}")
    there = Place("powerbi", f"/v1.0/myorg/groups?$filter=id%20eq%20'{segment(workspace)}'")
    # Power BI writes the ids of capacities in capitals (swagger), the Fabric API does not.
    return Send(
        "post",
        Place("powerbi", f"{at.path}/AssignToCapacity"),
        {"capacityId": capacity},
        Listed(there, {"capacityId": capacity}),
    )


def _assign_capacity(p: Params, _: Scope) -> Written:
    return _only(_onto(p["workspace_id"], p["capacity_id"]), note="It takes an Admin of the workspace who may assign.")


def _add_capacity_contributor(_: Params, __: Scope) -> Written:
    return _only(note="No public API makes somebody a contributor of a capacity: only the portal can do it.")


def _add_secret(_: Params, __: Scope) -> Written:
    return _only(note=NOTE_ON_SECRETS)


NOTE_ON_SECRETS: Final = (
    "Do not make one and send it. Whoever runs `pbisetup apply` makes it, and it never leaves that machine: let that "
    "account own the app, or, where a policy of the tenant forbids secrets, exempt the app. Or have `pbisetup handoff "
    "--certificate FILE` or `--federated ISSUER=SUBJECT` ask for a public credential instead."
)


def _remove_secret(p: Params, _: Scope) -> Written:
    there = Listed(_app(p, "?$select=passwordCredentials"), {"keyId": p["key_id"]})
    return _only(Send("post", _app(p, "/removePassword"), {"keyId": p["key_id"]}, there, gone=True))


def _remove_certificate(p: Params, _: Scope) -> Written:
    return _only(
        note=f"In the portal, below `Certificates & secrets`: delete the certificate with the key id {p['key_id']}."
    )


def _add_certificate(p: Params, _: Scope) -> Written:
    return _only(AddKey(_app(p), p["key"], tuple(p["identifiers"]), p["entry"]))


def _add_federated_credential(p: Params, _: Scope) -> Written:
    body = {key: p[key] for key in ("name", "issuer", "subject", "audiences")}
    there = Listed(_app(p, "/federatedIdentityCredentials"), {"issuer": p["issuer"], "subject": p["subject"]})
    return _only(Send("post", _app(p, "/federatedIdentityCredentials"), body, there))


def _update_federated_credential(p: Params, _: Scope) -> Written:
    body = {key: p[key] for key in ("issuer", "subject", "audiences")}
    one = _app(p, f"/federatedIdentityCredentials(name='{segment(p['name'])}')")
    if p.get("audience_only"):
        # Lists are not compared: it is written again, which changes nothing the second time.
        return _only(Send("patch", one, body, one, gone=True))
    same = {key: p[key] for key in ("name", "issuer", "subject")}
    return _only(Send("patch", one, body, Listed(_app(p, "/federatedIdentityCredentials"), same)))


def _keep_ids(_: Params, __: Scope) -> Written:
    return _only(note="Whoever runs `pbisetup apply` keeps the ids; there is nothing to send.")


def _deleted(p: Params) -> Place:
    return _graph(f"/v1.0/directory/deletedItems/{segment(p['app_object_id'])}")


def _restore_application(p: Params, _: Scope) -> Written:
    return _only(Send("post", _graph(f"{_deleted(p).path}/restore"), None, _deleted(p), gone=True))


def _purge_application(p: Params, _: Scope) -> Written:
    return _only(Send("delete", _deleted(p), None, _deleted(p), gone=True))


WRITERS: Final[Mapping[str, Writer]] = {
    # the app
    "upsert_application": _upsert_application,
    "update_application": _update_application,
    "create_service_principal": _create_service_principal,
    "enable_service_principal": _enable_service_principal,
    "add_owner": _add_owner,
    "allow_public_client": _allow_public_client,
    "add_redirect_uri": _add_redirect_uri,
    "add_delegated_permission": _add_delegated_permission,
    "restore_application": _restore_application,
    "purge_application": _purge_application,
    # the API that it calls
    "add_resource": _add_resource,
    "enable_resource": _enable_service_principal,
    # its credential
    "add_secret": _add_secret,
    "remove_secret": _remove_secret,
    "make_certificate": _add_secret,
    "remove_certificate": _remove_certificate,
    "add_certificate": _add_certificate,
    "add_federated_credential": _add_federated_credential,
    "update_federated_credential": _update_federated_credential,
    "keep_ids": _keep_ids,
    "keep_certificate": _keep_ids,
    # what the directory lets it and its people do
    "grant_delegated": _grant_delegated,
    "grant_app_role": _grant_app_role,
    "revoke_app_role": _revoke_app_role,
    "assign_user": _assign_user,
    "create_group": _create_group,
    "add_group_member": _add_group_member,
    "remove_from_excluded_group": _remove_from_group,
    # Power BI and Fabric
    "update_tenant_setting": _update_tenant_setting,
    "set_workspace_role": _set_workspace_role,
    "create_workspace": _create_workspace,
    "assign_capacity": _assign_capacity,
    "add_capacity_contributor": _add_capacity_contributor,
    # what takes an environment away
    "remove_workspace_role": _remove_workspace_role,
    "remove_group_member": _remove_from_group,
    "remove_tags": _by_destroy,
    "delete_application": _by_destroy,
    "purge_deleted_application": _by_destroy,
    "delete_group": _by_destroy,
    "remove_federated_credential": _by_destroy,
    "forget_credential": _by_destroy,
}


def written(kind: str, params: Params, scope: Scope) -> Written:
    """An action in operations; one that nothing is known of is told in words, for a person."""
    writer = WRITERS.get(kind)
    if writer is None:
        return _only(note="There is no command for this: it is done by hand.")
    return writer(params, scope)
