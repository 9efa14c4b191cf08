"""What each kind of action does. One function a kind; each is idempotent or guarded, and returns what it hands on."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pbisetup.execution.replication import PASSING, already_there, is_not_yet, repeat
from pbisetup.model.errors import PbisetupError, PlanOutdated, Unavailable, Unreachable
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import TenantSetting
from pbisetup.observe.reading import read_setting
from pbisetup.observe.session import Session
from pbisetup.services.answer import Answer
from pbisetup.services.clock import Clock, Waits, count_down
from pbisetup.services.journal import Journal
from pbisetup.services.network import not_its_own
from pbisetup.services.secret_store import AppCredential, OpenStore

Outputs = dict[str, str]


@dataclass
class Workbench:
    """What the steps of one environment work with."""

    session: Session
    environment: str
    journal: Journal
    clock: Clock
    waits: Waits
    store: OpenStore | None
    """Opened and proved writable before the first write, where a secret is going to be made."""
    outputs: Outputs = field(default_factory=dict)
    credential: AppCredential | None = None
    """The credential that was made in this run, for the proof; the only place outside the store that holds it."""

    def sent(self, call: Callable[[], Answer], what: str) -> Answer:
        """An idempotent call, repeated while replicas disagree. Raises Refused with the service's words."""
        answer = repeat(call, f"{what}: the directory does not show it everywhere yet", self.clock, self.waits)
        if answer.ok or already_there(answer):
            return answer
        raise answer.refusal(what)


Params = Mapping[str, Any]


def _upsert(bench: Workbench, builder: Any, body: Params, what: str, ids: str) -> dict[str, str]:
    """Make the object with this key, or find it where an earlier try made it (entra.md 1.2); the ids asked for."""
    graph = bench.session.graph
    answer = bench.sent(lambda: graph.send("PATCH", builder, body, headers={"Prefer": "create-if-missing"}), what)
    names = ids.split(",")
    made = answer.object if answer.ok else {}
    if not all(name in made for name in names):
        # 204 has no body: it existed already.
        found = bench.sent(lambda: graph.get(builder, select=ids), what)
        made = found.object
        if not all(name in made for name in names):
            raise not_its_own(found.url, found.status)
    return {name: str(made[name]) for name in names}


def upsert_application(bench: Workbench, params: Params) -> Outputs:
    builder = bench.session.graph.client.applications_with_unique_name(params["unique_name"])
    made = _upsert(bench, builder, params["body"], "the app registration", "id,appId")
    return {"app_object_id": made["id"], "client_id": made["appId"]}


def update_application(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    builder = graph.client.applications.by_application_id(params["app_object_id"])
    bench.sent(lambda: graph.send("PATCH", builder, params["changes"]), "the app registration")
    return {}


def create_service_principal(bench: Workbench, params: Params) -> Outputs:
    builder = bench.session.graph.client.service_principals_with_app_id(params["client_id"])
    made = _upsert(bench, builder, {"appId": params["client_id"]}, "the service principal", "id")
    return {"sp_object_id": made["id"]}


def add_owner(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    owners = graph.client.applications.by_application_id(params["app_object_id"]).owners
    bench.sent(lambda: graph.send("POST", owners.ref, _reference(bench, params["owner_id"])), "the owner")
    return {}


def grant_delegated(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    scope = " ".join(params["scopes"])
    grants = graph.client.oauth2_permission_grants
    if params["grant_id"]:
        one = grants.by_o_auth2_permission_grant_id(params["grant_id"])
        bench.sent(lambda: graph.send("PATCH", one, {"scope": scope}), "the consent")
        return {}
    body = {
        "clientId": params["sp_object_id"],
        "consentType": "AllPrincipals",
        "resourceId": params["resource_id"],
        "scope": scope,
    }
    bench.sent(lambda: graph.send("POST", grants, body), "the consent")
    return {}


def create_group(bench: Workbench, params: Params) -> Outputs:
    builder = bench.session.graph.client.groups_with_unique_name(params["unique_name"])
    body = {
        "displayName": params["display_name"],
        "description": "Service principals that may call the Power BI and Fabric APIs",
        "mailEnabled": False,
        "mailNickname": params["mail_nickname"],
        "securityEnabled": True,
    }
    return {"group_id": _upsert(bench, builder, body, "the security group", "id")["id"]}


def add_group_member(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    members = graph.client.groups.by_group_id(params["group_id"]).members
    bench.sent(
        lambda: graph.send("POST", members.ref, _reference(bench, params["sp_object_id"])),
        "the group membership",
    )
    return {}


def update_tenant_setting(bench: Workbench, params: Params) -> Outputs:
    """One read, one merged write: an update replaces the setting's lists, so what is there is sent back (powerbi.md 7).

    Decided anew from what is read now: a setting that is open to everybody by then is left open, never narrowed.
    """
    current = _read_setting(bench, params["setting"])
    group_id = params["group_id"]
    if current.enabled and (not current.scoped or group_id in current.enabled_groups):
        return {}
    if set(current.enabled_groups) - {group_id} - set(params["announced"]):
        others = ", ".join(repr(name) for name in current.enabled_groups.values())
        raise PlanOutdated(
            "PBI906",
            f"the tenant setting names groups that the plan did not show: {others}",
            remedy="Nothing was changed there. Run again to see the plan as it is now.",
        )
    groups = {**current.enabled_groups, group_id: params["group_name"]}
    kept = {key: value for key, value in current.raw.items() if key in _WRITABLE and value is not None}
    listed = [{"graphId": id_, "name": name} for id_, name in groups.items()]
    body = {**kept, "enabled": True, "enabledSecurityGroups": listed}
    path = f"/v1/admin/tenantsettings/{current.name}/update"
    fabric = bench.session.fabric
    assert fabric is not None
    bench.sent(lambda: fabric.request("POST", path, json=body), "the tenant setting")
    return {}


def _read_setting(bench: Workbench, name: str) -> TenantSetting:
    """The setting as it is now. Raises Refused where it cannot be read, Unavailable where the tenant has none."""
    fabric = bench.session.fabric
    if fabric is None:
        raise Unavailable("PBI905", "no address of the Fabric API is published for this cloud")
    for page in fabric.pages("/v1/admin/tenantsettings"):
        if not page.ok:
            raise page.refusal("reading the tenant settings")
        for raw in page.objects:
            if raw.get("settingName") == name:
                return read_setting(raw)
    raise Unavailable("PBI905", f"this tenant has no setting {name}")


_WRITABLE = (
    "excludedSecurityGroups",
    "properties",
    "delegateToCapacity",
    "delegateToWorkspace",
    "delegateToDomain",
)


def set_workspace_role(bench: Workbench, params: Params) -> Outputs:
    body = {
        "identifier": params["sp_object_id"],
        "principalType": "App",
        "groupUserAccessRight": params["role"],
    }
    method = "PUT" if params["replaces"] else "POST"
    path = f"/v1.0/myorg/groups/{params['workspace_id']}/users"
    bench.sent(lambda: bench.session.powerbi.request(method, path, json=body), "the workspace role")
    return {}


def add_secret(bench: Workbench, params: Params) -> Outputs:
    """Make a client secret and store it before anything else is tried with it.

    addPassword is the one call that must not be repeated blindly: each success is one more secret. It is made under a name
    that nothing else has, noted in the journal first; whenever its outcome is unclear, whatever bears that name is removed.
    """
    assert bench.store is not None
    graph, now = bench.session.graph, bench.clock.now()
    app = graph.client.applications.by_application_id(params["app_object_id"])
    ends = now + timedelta(days=int(params["days"]))
    name = f"pbisetup {bench.environment} {now:%Y-%m-%d} {secrets.token_hex(3)}"
    body = {"passwordCredential": {"displayName": name, "endDateTime": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}}
    bench.journal.intend(bench.environment, name)
    answer = _make_secret(bench, app, body, name)
    made = answer.object
    secret, key_id = Secret(str(made.pop("secretText", ""))), str(made.get("keyId", ""))
    client_id = bench.outputs["client_id"]
    if not secret.reveal():
        _remove_named(bench, params["app_object_id"], name)
        raise not_its_own(answer.url, answer.status)
    try:
        where = bench.store.keep(bench.session.tenant.id, client_id, key_id, f"{ends:%Y-%m-%d}", secret)
    except BaseException:
        _remove_named(bench, params["app_object_id"], name)
        bench.journal.done(bench.environment, name)
        raise
    bench.journal.done(bench.environment, name)
    bench.credential = AppCredential(bench.session.tenant.id, client_id, secret, where)
    return {"secret_where": where, "secret_ends": f"{ends:%Y-%m-%d}", "secret_key_id": key_id}


def _make_secret(bench: Workbench, app: Any, body: Mapping[str, Any], name: str) -> Answer:
    graph = bench.session.graph
    object_id = str(app.path_parameters.get("application%2Did", ""))
    pause = 1.0
    for attempt in range(8):
        try:
            answer = graph.send("POST", app.add_password, body)
        except Unreachable:
            # It may have been done: nobody will ever know the value, so whatever is there goes.
            _remove_named(bench, object_id, name)
            if attempt >= 2:
                raise
            continue
        if answer.ok:
            return answer
        if answer.status in PASSING:
            _remove_named(bench, object_id, name)
        elif not is_not_yet(answer):
            bench.journal.done(bench.environment, name)
            raise answer.refusal("the client secret", _policy_code(answer))
        until = bench.clock.monotonic() + pause
        count_down(bench.clock, bench.waits, "the app is not known everywhere yet", pause, until)
        pause = min(pause * 2, 30.0)
    raise answer.refusal("the client secret")


def _policy_code(answer: Answer) -> str:
    """Tenant policies that forbid or shorten secrets have codes of their own (entra.md 4.1)."""
    return "PBI902" if str(answer.service_code).endswith("AsPerAppPolicy") else "PBI901"


def _remove_named(bench: Workbench, object_id: str, name: str) -> None:
    """Remove every secret of this display name. Best effort: the journal still knows the name if this fails."""
    graph = bench.session.graph
    app = graph.client.applications.by_application_id(object_id)
    try:
        shown = graph.get(app, select="passwordCredentials")
        for password in shown.object.get("passwordCredentials") or []:
            if password.get("displayName") == name:
                graph.send("POST", app.remove_password, {"keyId": password["keyId"]})
    except PbisetupError:
        return


def remove_secret(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    app = graph.client.applications.by_application_id(params["app_object_id"])
    bench.sent(lambda: graph.send("POST", app.remove_password, {"keyId": params["key_id"]}), "the old secret")
    return {}


def restore_application(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    item = graph.client.directory.deleted_items.by_directory_object_id(params["app_object_id"])
    bench.sent(lambda: graph.send("POST", item.restore), "the deleted app registration")
    return {}


def purge_application(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    item = graph.client.directory.deleted_items.by_directory_object_id(params["app_object_id"])
    answer = graph.send("DELETE", item)
    if not answer.ok and answer.status != 404:
        raise answer.refusal("the deleted app registration")
    return {}


def _reference(bench: Workbench, object_id: str) -> dict[str, str]:
    return {"@odata.id": f"{bench.session.network.cloud.graph}/v1.0/directoryObjects/{object_id}"}


ACTIONS: Mapping[str, Callable[[Workbench, Params], Outputs]] = {
    "upsert_application": upsert_application,
    "update_application": update_application,
    "create_service_principal": create_service_principal,
    "add_owner": add_owner,
    "grant_delegated": grant_delegated,
    "create_group": create_group,
    "add_group_member": add_group_member,
    "update_tenant_setting": update_tenant_setting,
    "set_workspace_role": set_workspace_role,
    "add_secret": add_secret,
    "remove_secret": remove_secret,
    "restore_application": restore_application,
    "purge_application": purge_application,
}
"""Every kind of action that a plan can hold, and who does it."""
