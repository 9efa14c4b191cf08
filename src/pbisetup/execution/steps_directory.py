"""What the directory lets the app and its people do: consent, permissions, assignments, groups."""

from __future__ import annotations

from pbisetup.execution.bench import Outputs, Params, Workbench

DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"
"""Assigns somebody to an app that has no roles for users (graph-docs, appRoleAssignment)."""


def grant_delegated(bench: Workbench, params: Params) -> Outputs:
    """Consent for everybody, or for the person `principal_id`. One grant holds all scopes of an API as one text, so what it
    holds by now is kept.
    """
    graph, person = bench.session.graph, params.get("principal_id")
    grants = graph.client.oauth2_permission_grants
    wanted = set(params["scopes"])
    if params["grant_id"]:
        shown = bench.found(lambda: graph.get(grants.by_o_auth2_permission_grant_id(params["grant_id"])), "the consent")
        if shown is not None:
            _extend_grant(bench, shown, wanted)
            return {}
    whom = {"consentType": "Principal", "principalId": person} if person else {"consentType": "AllPrincipals"}
    body = {
        "clientId": params["sp_object_id"],
        **whom,
        "resourceId": params["resource_id"],
        "scope": " ".join(sorted(wanted)),
    }
    if not bench.sent(lambda: graph.send("POST", grants, body), "the consent").ok:
        # There is one already, made by somebody since the plan: it may hold less than is wanted.
        query = f"clientId eq '{params['sp_object_id']}' and consentType eq '{whom['consentType']}'"
        listed = bench.sent(lambda: graph.get(grants, filter=query), "the consent").objects
        for held in listed:
            if held.get("resourceId") == params["resource_id"] and (held.get("principalId") or None) == (
                person or None
            ):
                _extend_grant(bench, held, wanted)
    return {}


def _extend_grant(bench: Workbench, held: Params, wanted: set[str]) -> None:
    graph = bench.session.graph
    scopes = set(str(held.get("scope") or "").split())
    if wanted <= scopes:
        return
    one = graph.client.oauth2_permission_grants.by_o_auth2_permission_grant_id(str(held["id"]))
    body = {"scope": " ".join(sorted(scopes | wanted))}
    bench.sent(lambda: graph.send("PATCH", one, body), "the consent")


def grant_app_role(bench: Workbench, params: Params) -> Outputs:
    """Consent to an application permission; one that was granted already is as good (entra.md 1.5)."""
    graph = bench.session.graph
    granted = graph.client.service_principals.by_service_principal_id(params["resource_id"]).app_role_assigned_to
    body = {
        "principalId": params["sp_object_id"],
        "resourceId": params["resource_id"],
        "appRoleId": params["role_id"],
    }
    bench.sent(lambda: graph.send("POST", granted, body), f"the permission {params['permission']}")
    return {}


def revoke_app_role(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    held = graph.client.service_principals.by_service_principal_id(params["sp_object_id"]).app_role_assignments
    one = held.by_app_role_assignment_id(params["assignment_id"])
    bench.removed(lambda: graph.send("DELETE", one), f"the permission {params['permission']}")
    return {}


def assign_user(bench: Workbench, params: Params) -> Outputs:
    """Assign somebody to the app, in its first role for users, or in none where it has none."""
    graph = bench.session.graph
    app = graph.client.service_principals.by_service_principal_id(params["sp_object_id"])
    roles = bench.read(app, "id,appRoles", "the service principal").get("appRoles") or []
    usable = (r for r in roles if r.get("isEnabled", True) and "User" in (r.get("allowedMemberTypes") or ()))
    body = {
        "principalId": params["user_id"],
        "resourceId": params["sp_object_id"],
        "appRoleId": str(next(usable, {"id": DEFAULT_ROLE})["id"]),
    }
    bench.sent(lambda: graph.send("POST", app.app_role_assigned_to, body), f"the assignment of {params['account']}")
    return {}


def create_group(bench: Workbench, params: Params) -> Outputs:
    """Make the group. Its id is handed on as `group_id`, or as what `output` says where a plan makes several."""
    builder = bench.session.graph.at(f"groups(uniqueName='{params['unique_name']}')")
    body = {
        "displayName": params["display_name"],
        "description": "Service principals that may call the Power BI and Fabric APIs",
        "mailEnabled": False,
        "mailNickname": params["mail_nickname"],
        "securityEnabled": True,
    }
    made = bench.shared.once(
        f"group {params['unique_name']}", lambda: bench.upsert(builder, body, "the security group", "id")
    )
    return {str(params.get("output", "group_id")): made["id"]}


def add_group_member(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    members = graph.client.groups.by_group_id(params["group_id"]).members
    bench.sent(
        lambda: graph.send("POST", members.ref, bench.reference(params["sp_object_id"])),
        "the group membership",
    )
    return {}


def remove_from_excluded_group(bench: Workbench, params: Params) -> Outputs:
    """Take the service principal out of the group; the group and its other members stay."""
    graph = bench.session.graph
    members = graph.client.groups.by_group_id(params["group_id"]).members
    # `ref` is the membership: without it a DELETE removes the member itself from the directory.
    membership = members.by_directory_object_id(params["sp_object_id"]).ref
    bench.removed(lambda: graph.send("DELETE", membership), "the group membership")
    return {}
