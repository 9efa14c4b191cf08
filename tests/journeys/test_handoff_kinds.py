"""Every kind of action that others may be asked for, run from the script: it changes what it says, and only once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pbisetup.catalog.clouds import sandbox_cloud
from pbisetup.model.plan import PLANNED_KINDS
from pbisetup.model.tenant import TenantInfo
from pbisetup.ui.handoff import bash
from tests.journeys.test_init import INIT, ours
from tests.planning.handoffs import one, packet
from tests.support.az import Administrator, became
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant, State

POWER_BI_APP = "00000009-0000-0000-c000-000000000000"
TENANT_READ = "654b31ae-d941-4e22-8798-7add8fdf049f"
WORKSPACE_READ = "b2f1b2fa-f35c-407c-979c-a858a808ba85"
LOCAL = "http://localhost:8400"


class Place:
    """A tenant in which the app stands, and requests that an administrator makes there."""

    def __init__(self, sandbox: SandboxTenant) -> None:
        self.sandbox = sandbox
        self.headers = {"Authorization": f"Bearer {sandbox.user_token()}"}
        made = ours(sandbox.state())
        self.app, self.sp = made["apps"][0], made["principals"][0]

    def graph(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.sandbox.http.request(method, f"/v1.0/{path}", json=body, headers=self.headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    @property
    def power_bi(self) -> str:
        return str(self.graph("GET", f"servicePrincipals(appId='{POWER_BI_APP}')?$select=id")["id"])

    def user(self, name: str = "developer") -> str:
        return str(self.graph("GET", f"users/{name}@{self.sandbox.domain}")["id"])

    def granted(self) -> list[dict[str, Any]]:
        return [g for g in self.sandbox.state()["oauth2PermissionGrants"] if g["clientId"] == self.sp["id"]]

    def fresh(self) -> dict[str, Any]:
        return dict(self.graph("GET", f"applications/{self.app['id']}"))


Prepared = tuple[dict[str, Any], Callable[[], bool]]
"""The action's parameters, and whether it is done."""


def _owner(p: Place) -> Prepared:
    owner = p.user("fabricadmin")
    listed = lambda: owner in [o["id"] for o in p.graph("GET", f"applications/{p.app['id']}/owners")["value"]]  # noqa: E731
    return {"app_object_id": p.app["id"], "owner_id": owner}, listed


def _update(p: Place) -> Prepared:
    p.graph("PATCH", f"applications/{p.app['id']}", {"publicClient": {"redirectUris": ["http://localhost/theirs"]}})
    changes = {"displayName": "renamed", "publicClient": {"redirectUris": [LOCAL]}}

    def done() -> bool:
        app = p.fresh()
        return app["displayName"] == "renamed" and set(app["publicClient"]["redirectUris"]) == {
            "http://localhost/theirs",
            LOCAL,
        }

    return {"app_object_id": p.app["id"], "changes": changes}, done


def _disabled(p: Place) -> Prepared:
    p.graph("PATCH", f"servicePrincipals/{p.sp['id']}", {"accountEnabled": False})
    shown = lambda: p.graph("GET", f"servicePrincipals/{p.sp['id']}")["accountEnabled"] is True  # noqa: E731
    return {"sp_object_id": p.sp["id"], "name": "x"}, shown


def _public_client(p: Place) -> Prepared:
    return {"app_object_id": p.app["id"]}, lambda: p.fresh()["isFallbackPublicClient"] is True


def _redirect(p: Place) -> Prepared:
    p.graph("PATCH", f"applications/{p.app['id']}", {"web": {"redirectUris": ["https://theirs.example/back"]}})
    uri = "https://reports.example/back"
    return (
        {"app_object_id": p.app["id"], "uri": uri},
        lambda: (
            p.fresh()["web"]["redirectUris"]
            == [
                "https://theirs.example/back",
                uri,
            ]
        ),
    )


def _permission(p: Place) -> Prepared:
    held = [{"resourceAppId": POWER_BI_APP, "resourceAccess": [{"id": TENANT_READ, "type": "Role"}]}]
    p.graph("PATCH", f"applications/{p.app['id']}", {"requiredResourceAccess": held})
    params = {"resource_app_id": POWER_BI_APP, "scope_ids": [WORKSPACE_READ], "scopes": ["Workspace.Read.All"]}

    def done() -> bool:
        [api] = p.fresh()["requiredResourceAccess"]
        return [each["id"] for each in api["resourceAccess"]] == [TENANT_READ, WORKSPACE_READ]

    return {"app_object_id": p.app["id"], **params}, done


def _deleted(p: Place) -> None:
    p.graph("DELETE", f"applications/{p.app['id']}")


def _restore(p: Place) -> Prepared:
    _deleted(p)
    return {"app_object_id": p.app["id"]}, lambda: p.fresh()["id"] == p.app["id"]


def _purge(p: Place) -> Prepared:
    _deleted(p)
    gone = lambda: p.app["id"] not in [o["id"] for o in p.sandbox.state().get("deletedItems", [])]  # noqa: E731
    return {"app_object_id": p.app["id"]}, gone


def _remove_secret(p: Place) -> Prepared:
    key = p.app["passwordCredentials"][0]["keyId"]
    return {"app_object_id": p.app["id"], "key_id": key}, lambda: p.fresh()["passwordCredentials"] == []


def _grant(p: Place) -> Prepared:
    body = {
        "clientId": p.sp["id"],
        "consentType": "AllPrincipals",
        "resourceId": p.power_bi,
        "scope": "Dataset.Read.All",
    }
    p.graph("POST", "oauth2PermissionGrants", body)
    params = {"grant_id": None, "sp_object_id": p.sp["id"], "resource_id": p.power_bi, "scopes": ["Workspace.Read.All"]}
    return params, lambda: [g["scope"].split() for g in p.granted()] == [["Dataset.Read.All", "Workspace.Read.All"]]


def _grant_person(p: Place) -> Prepared:
    person = p.user()
    params = {"sp_object_id": p.sp["id"], "resource_id": p.power_bi, "scopes": ["Workspace.Read.All"]}
    found = lambda: [(g["consentType"], g["principalId"]) for g in p.granted()] == [("Principal", person)]  # noqa: E731
    return {**params, "grant_id": None, "principal_id": person}, found


def _roles(p: Place) -> list[str]:
    held = p.graph("GET", f"servicePrincipals/{p.sp['id']}/appRoleAssignments")["value"]
    return [each["appRoleId"] for each in held]


def _grant_role(p: Place) -> Prepared:
    params = {"sp_object_id": p.sp["id"], "resource_id": p.power_bi, "role_id": TENANT_READ, "permission": "x"}
    return params, lambda: _roles(p) == [TENANT_READ]


def _revoke_role(p: Place) -> Prepared:
    body = {"principalId": p.sp["id"], "resourceId": p.power_bi, "appRoleId": TENANT_READ}
    made = p.graph("POST", f"servicePrincipals/{p.power_bi}/appRoleAssignedTo", body)
    params = {"sp_object_id": p.sp["id"], "assignment_id": made["id"], "permission": "Tenant.Read.All"}
    return params, lambda: _roles(p) == []


def _assign(p: Place) -> Prepared:
    person = p.user()

    def done() -> bool:
        listed = p.graph("GET", f"servicePrincipals/{p.sp['id']}/appRoleAssignedTo")["value"]
        return [each["principalId"] for each in listed] == [person]

    return {"sp_object_id": p.sp["id"], "user_id": person, "account": "x"}, done


def _group(p: Place) -> dict[str, Any]:
    return dict(ours(p.sandbox.state())["groups"][0]) if ours(p.sandbox.state())["groups"] else {}


def _leave(p: Place) -> Prepared:
    group = _group(p)
    params = {"group_id": group["id"], "group_name": "x", "sp_object_id": p.sp["id"]}
    return params, lambda: _group(p) == {}


def _role_in(p: Place) -> Prepared:
    workspace = next(w for w in p.sandbox.state()["workspaces"] if w["displayName"] == "Reports Test")
    params = {"workspace_id": None, "workspace_name": "Reports Test", "sp_object_id": p.sp["id"]}

    def done() -> bool:
        found = next(w for w in p.sandbox.state()["workspaces"] if w["id"] == workspace["id"])
        return [r["role"] for r in found["roleAssignments"] if r["principal"]["id"] == p.sp["id"]] == ["Viewer"]

    return {**params, "role": "Viewer", "replaces": None}, done


def _role_gone(p: Place) -> Prepared:
    """`init` gave it one in Reports Dev."""
    params = {"workspace_id": None, "workspace_name": "Reports Dev", "sp_object_id": p.sp["id"]}
    return params, lambda: ours(p.sandbox.state())["roles"] == []


def _workspace(p: Place) -> Prepared:
    capacity = p.sandbox.state()["capacities"][0]["id"]

    def done() -> bool:
        found = [w for w in p.sandbox.state()["workspaces"] if w["displayName"] == "Brand new"]
        return [w["capacityId"] for w in found] == [capacity]

    return {"name": "Brand new", "capacity_id": capacity.upper(), "output": "workspace_0_id"}, done


def _capacity(p: Place) -> Prepared:
    state = p.sandbox.state()
    workspace, capacity = state["workspaces"][0]["id"], state["capacities"][0]["id"]

    def clear(state: State) -> None:
        state["workspaces"][0]["capacityId"] = None

    p.sandbox.put_state(clear)
    params = {"workspace_id": workspace, "workspace_name": "x", "capacity_id": capacity, "capacity_name": "y"}
    return params, lambda: p.sandbox.state()["workspaces"][0]["capacityId"] == capacity


def _trust(p: Place) -> Prepared:
    params = {
        "name": "pipeline",
        "issuer": "https://i.example",
        "subject": "s",
        "audiences": ["api://AzureADTokenExchange"],
    }

    def done() -> bool:
        listed = p.graph("GET", f"applications/{p.app['id']}/federatedIdentityCredentials")["value"]
        return [each["name"] for each in listed] == ["pipeline"]

    return {"app_object_id": p.app["id"], **params}, done


def _trust_another(p: Place) -> Prepared:
    """Somebody else's stays as it is."""
    audiences = ["api://AzureADTokenExchange"]
    for name in ("pipeline", "theirs"):
        body = {"name": name, "issuer": "https://i.example", "subject": f"old {name}", "audiences": audiences}
        p.graph("POST", f"applications/{p.app['id']}/federatedIdentityCredentials", body)
    wanted = {"name": "pipeline", "issuer": "https://i.example", "subject": "new $(x)'", "audiences": audiences}

    def done() -> bool:
        listed = p.graph("GET", f"applications/{p.app['id']}/federatedIdentityCredentials")["value"]
        return {each["name"]: each["subject"] for each in listed} == {"pipeline": "new $(x)'", "theirs": "old theirs"}

    return {"app_object_id": p.app["id"], **wanted}, done


KINDS: dict[str, Callable[[Place], Prepared]] = {
    "add_owner": _owner,
    "update_application": _update,
    "enable_service_principal": _disabled,
    "enable_resource": _disabled,
    "allow_public_client": _public_client,
    "add_redirect_uri": _redirect,
    "add_delegated_permission": _permission,
    "restore_application": _restore,
    "purge_application": _purge,
    "remove_secret": _remove_secret,
    "grant_delegated": _grant,
    "grant_delegated for one person": _grant_person,
    "grant_app_role": _grant_role,
    "revoke_app_role": _revoke_role,
    "assign_user": _assign,
    "remove_from_excluded_group": _leave,
    "remove_group_member": _leave,
    "remove_workspace_role": _role_gone,
    "set_workspace_role": _role_in,
    "create_workspace": _workspace,
    "assign_capacity": _capacity,
    "add_federated_credential": _trust,
    "update_federated_credential": _trust_another,
}
ELSEWHERE = frozenset(
    {
        # test_handoff.py runs these
        "upsert_application",
        "create_service_principal",
        "create_group",
        "add_group_member",
        "update_tenant_setting",
        "add_certificate",
        # by hand
        "add_secret",
        "make_certificate",
        "remove_certificate",
        # by whoever runs `apply`
        "keep_ids",
        "keep_certificate",
        "add_capacity_contributor",
        # as create_service_principal
        "add_resource",
        # by whoever runs `destroy`
        "remove_federated_credential",
        "remove_tags",
        "delete_application",
        "purge_deleted_application",
        "delete_group",
        "forget_credential",
    }
)


@pytest.mark.parametrize("case", KINDS)
def test_it_is_done_once(cli: Cli, sandbox: SandboxTenant, tmp_path: Path, case: str) -> None:
    cli.ok(*INIT)
    place = Place(sandbox)
    params, done = KINDS[case](place)
    cloud = sandbox_cloud(sandbox.url, sandbox.ca)
    handed = one(case.split(maxsplit=1)[0], params, cloud)
    asked = replace(packet(handed, cloud=cloud), tenant=TenantInfo(sandbox.tenant, "Contoso", sandbox.domain))
    script = tmp_path / "handoff.sh"
    script.write_text(bash(asked), encoding="utf-8")
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)

    sandbox.clear_requests()
    assert "would change" in admin.script(script, "--check").stdout
    assert sandbox.writes() == []
    first = admin.script(script)
    assert first.returncode == 0, first
    assert became(first.stdout) == {"changed": ["title"]}, first
    assert done()

    sandbox.clear_requests()
    second = admin.script(script)
    assert became(second.stdout) == {"already so": ["title"]}, second
    assert sandbox.writes() == []


def test_every_kind_that_a_plan_holds_is_run_somewhere() -> None:
    assert set(PLANNED_KINDS) <= {case.split()[0] for case in KINDS} | ELSEWHERE
