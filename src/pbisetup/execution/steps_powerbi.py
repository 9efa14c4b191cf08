"""What lets the app through in Power BI and Fabric: tenant settings, roles in workspaces."""

from __future__ import annotations

from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.model.errors import PlanOutdated, Unavailable
from pbisetup.model.tenant import TenantSetting
from pbisetup.observe.reading import read_setting


def update_tenant_setting(bench: Workbench, params: Params) -> Outputs:
    """One read, one merged write: an update replaces the setting's lists, so what is there is sent back (powerbi.md 7).

    Decided anew from what is read now: a setting that is open to everybody by then is left open, never narrowed.
    """
    current = _read_setting(bench, params["setting"])
    group_id = params["group_id"]
    if current.enabled and (not current.scoped or group_id in current.enabled_groups):
        return {}
    if group_id in current.excluded_groups:
        raise PlanOutdated(
            "PBI906",
            f"the tenant setting excludes the group {params['group_name']!r} by now",
            remedy="Nothing was changed there. Run again to see the plan as it is now.",
        )
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
