"""What lets the app through in Power BI and Fabric: tenant settings, roles in workspaces."""

from __future__ import annotations

from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.execution.settings_desk import Change, write_settings
from pbisetup.model.errors import Unavailable


def update_tenant_setting(bench: Workbench, params: Params) -> Outputs:
    """One setting by itself; a run with several changes makes them together, at the end: `settings_desk`."""
    change = setting_change(params)
    error = write_settings(bench.session, [change], bench.clock, bench.waits)[change]
    if error is not None:
        raise error
    return {}


def setting_change(params: Params) -> Change:
    """What a step asks for."""
    named = (frozenset(params["announced"]), frozenset(params.get("gone", ())))
    return Change(params["setting"], params["group_id"], params["group_name"], *named)


def set_workspace_role(bench: Workbench, params: Params) -> Outputs:
    body = {
        "identifier": params["sp_object_id"],
        "principalType": "App",
        "groupUserAccessRight": params["role"],
    }
    method = "PUT" if params["replaces"] else "POST"
    path = f"/v1.0/myorg/groups/{params['workspace_id']}/users"
    # In a workspace that was made a moment ago even the role of who made it may not count yet: guess.
    new = params["workspace_id"] in {each for name, each in bench.outputs.items() if name.startswith("workspace_")}
    early = frozenset({401, 403, 404}) if new else frozenset[int]()
    bench.sent(lambda: bench.session.powerbi.request(method, path, json=body), "the workspace role", early=early)
    return {}


def create_workspace(bench: Workbench, params: Params) -> Outputs:
    """Make a workspace. Its name is free or it is refused (409), so a try whose answer was lost is looked for by name."""
    return bench.shared.once(f"workspace {params['name']}", lambda: _create_workspace(bench, params))


def _create_workspace(bench: Workbench, params: Params) -> Outputs:
    fabric, name = bench.session.fabric, params["name"]
    if fabric is None:
        raise Unavailable("PBI905", "no address of the Fabric API is published for this cloud")
    body = {"displayName": name, **({"capacityId": params["capacity_id"]} if params["capacity_id"] else {})}
    answer = bench.answered(lambda: fabric.request("POST", "/v1/workspaces", json=body))
    if answer.ok and "id" in answer.object:
        return {params["output"]: str(answer.object["id"])}
    if answer.status != 409 and answer.status < 500:
        raise answer.refusal("the workspace")
    query = {"$filter": "name eq '{}'".format(name.replace("'", "''"))}
    shown = bench.session.powerbi.get("/v1.0/myorg/groups", query).objects
    found = next((str(each["id"]) for each in shown if each.get("name") == name), None)
    if found is None:
        raise answer.refusal("the workspace")
    return {params["output"]: found}


def assign_capacity(bench: Workbench, params: Params) -> Outputs:
    fabric = bench.session.fabric
    if fabric is None:
        raise Unavailable("PBI905", "no address of the Fabric API is published for this cloud")
    path, body = f"/v1/workspaces/{params['workspace_id']}/assignToCapacity", {"capacityId": params["capacity_id"]}
    bench.sent(lambda: fabric.request("POST", path, json=body), "the capacity")
    return {}
