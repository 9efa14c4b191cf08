"""What somebody else must do, as `az rest` commands: each kind of action in the words of the Azure CLI. Pure.

Every section looks up for itself what it needs and does not know, so that each role can run its own part in its own shell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pbisetup.model.cloud import Cloud
from pbisetup.model.manifest import Manifest
from pbisetup.model.plan import Plan, Step, Who

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_VARIABLE = re.compile("\ue000([A-Z_]+)\ue001")
"""A shell variable inside a word, between two characters that no name of a tenant holds."""


@dataclass(frozen=True)
class Task:
    """One change that is asked for."""

    title: str
    why: str
    commands: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """What one role is asked for."""

    who: tuple[Who, ...]
    lookups: tuple[str, ...]
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Handoff:
    """Everything that is missing for one environment."""

    environment: str
    sections: tuple[Section, ...]
    yours: tuple[Step, ...]
    """What the asking person does afterwards, with `pbisetup apply`."""
    outputs: Mapping[str, str]


def hand_off(manifest: Manifest, plan: Plan, cloud: Cloud) -> Handoff:
    """The missing steps by role."""
    missing = [s for s in plan.others if s.who != ("you",)]
    yours = tuple(s for s in plan.changes if s not in missing)
    grouped: dict[tuple[Who, ...], list[Step]] = {}
    for step in missing:
        grouped.setdefault(step.who, []).append(step)
    writer = _Writer(manifest, plan, cloud)
    return Handoff(
        plan.environment, tuple(writer.section(who, steps) for who, steps in grouped.items()), yours, plan.outputs
    )


class _Writer:
    def __init__(self, manifest: Manifest, plan: Plan, cloud: Cloud) -> None:
        self.manifest, self.plan, self.cloud = manifest, plan, cloud

    def section(self, who: tuple[Who, ...], steps: Iterable[Step]) -> Section:
        tasks, made, needed = [], set[str](), list[str]()
        for step in steps:
            assert step.action is not None
            wanted = [n for n in _names(step.action.params) if n not in self.plan.outputs]
            if step.action.kind == "create_service_principal" and "client_id" in wanted:
                wanted = ["client_id"]
            needed += [n for n in wanted if n not in made]
            commands, note, makes = self.commands(step.action.kind, _with_variables(step.action.params))
            made |= makes
            tasks.append(Task(step.title, step.why, tuple(commands), note))
        return Section(who, tuple(self.lookups(needed)), tuple(tasks))

    def lookups(self, names: Iterable[str]) -> Iterable[str]:
        """Commands that find ids which did not exist when this was written."""
        wanted = set(names)
        unique = self.manifest.unique_name(self.plan.environment)
        app = f"/v1.0/applications(uniqueName='{unique}')"
        if wanted & {"client_id", "sp_object_id"} and "client_id" not in self.plan.outputs:
            yield self.graph_value("CLIENT_ID", app, "appId")
        if "app_object_id" in wanted:
            yield self.graph_value("APP_OBJECT_ID", app, "id")
        if "sp_object_id" in wanted:
            client = self.plan.outputs.get("client_id", _variable("client_id"))
            yield self.graph_value("SP_OBJECT_ID", f"/v1.0/servicePrincipals(appId='{client}')", "id")
        if "group_id" in wanted:
            yield self.graph_value(
                "GROUP_ID", f"/v1.0/groups(uniqueName='pbisetup-{self.manifest.project_id}-api')", "id"
            )

    def commands(self, kind: str, p: Mapping[str, Any]) -> tuple[list[str], str, set[str]]:
        """Commands for one action, what to know before running them, and the names that they set."""
        unique = self.manifest.unique_name(self.plan.environment)
        app = f"/v1.0/applications(uniqueName='{unique}')"
        upsert = ["Prefer=create-if-missing"]
        if kind == "upsert_application":
            return (
                [
                    self.graph("patch", app, p["body"], upsert),
                    self.graph_value("CLIENT_ID", app, "appId"),
                    self.graph_value("APP_OBJECT_ID", app, "id"),
                ],
                "",
                {"client_id", "app_object_id"},
            )
        if kind == "update_application":
            return [self.graph("patch", f"/v1.0/applications/{p['app_object_id']}", p["changes"])], "", set()
        if kind == "create_service_principal":
            by_app = f"/v1.0/servicePrincipals(appId='{p['client_id']}')"
            return (
                [
                    self.graph("patch", by_app, {"appId": p["client_id"]}, upsert),
                    self.graph_value("SP_OBJECT_ID", by_app, "id"),
                ],
                "",
                {"sp_object_id"},
            )
        if kind == "add_owner":
            path = f"/v1.0/applications/{p['app_object_id']}/owners/$ref"
            return [self.graph("post", path, self.reference(p["owner_id"]))], "", set()
        if kind == "grant_delegated":
            scope = " ".join(p["scopes"])
            if p["grant_id"]:
                return (
                    [self.graph("patch", f"/v1.0/oauth2PermissionGrants/{p['grant_id']}", {"scope": scope})],
                    "",
                    set(),
                )
            body = {
                "clientId": p["sp_object_id"],
                "consentType": "AllPrincipals",
                "resourceId": p["resource_id"],
                "scope": scope,
            }
            return [self.graph("post", "/v1.0/oauth2PermissionGrants", body)], "", set()
        if kind == "create_group":
            path = f"/v1.0/groups(uniqueName='{p['unique_name']}')"
            body = {
                "displayName": p["display_name"],
                "mailEnabled": False,
                "mailNickname": p["mail_nickname"],
                "securityEnabled": True,
            }
            note = "If a group for service principals exists already, use that one and leave this out."
            return (
                [self.graph("patch", path, body, upsert), self.graph_value("GROUP_ID", path, "id")],
                note,
                {"group_id"},
            )
        if kind == "add_group_member":
            path = f"/v1.0/groups/{p['group_id']}/members/$ref"
            return [self.graph("post", path, self.reference(p["sp_object_id"]))], "", set()
        if kind == "update_tenant_setting":
            return self.setting(p)
        if kind == "set_workspace_role":
            return self.workspace(p), "", set()
        if kind == "remove_secret":
            path = f"/v1.0/applications/{p['app_object_id']}/removePassword"
            return [self.graph("post", path, {"keyId": p["key_id"]})], "", set()
        if kind == "add_secret":
            return [], _NOTE_ON_SECRETS, set()
        path = f"/v1.0/directory/deletedItems/{p['app_object_id']}"
        if kind == "restore_application":
            return [self.graph("post", f"{path}/restore", None)], "", set()
        assert kind == "purge_application", kind
        return [self.graph("delete", path, None)], "", set()

    def setting(self, p: Mapping[str, Any]) -> tuple[list[str], str, set[str]]:
        base, resource = self.cloud.fabric, self.cloud.fabric_resource
        if not base or not resource:
            portal = f"{self.cloud.portal}/admin-portal/tenantSettings"
            return [], f"No Fabric API is published for this cloud. Limit the setting to the group at {portal}.", set()
        name = p["setting"]
        look = (
            f"az rest --method get --url {_dq(base + '/v1/admin/tenantsettings')} --resource {resource} "
            f"--query \"value[?settingName=='{name}'].{{enabled:enabled,groups:enabledSecurityGroups}}\""
        )
        body = {
            "enabled": True,
            "enabledSecurityGroups": [{"graphId": p["group_id"], "name": p["group_name"]}],
        }
        change = _rest("post", f"{base}/v1/admin/tenantsettings/{name}/update", resource, body)
        return [look, change], _SETTING_NOTE, set()

    def workspace(self, p: Mapping[str, Any]) -> list[str]:
        base, resource = self.cloud.powerbi, self.cloud.powerbi_resource
        commands, workspace = [], p["workspace_id"]
        if not workspace:
            name = quote(str(p["workspace_name"]).replace("'", "''"), safe="")
            url = f"{base}/v1.0/myorg/groups?$filter=name eq '{name}'"
            commands.append(
                f"WORKSPACE_ID=$(az rest --method get --url {_dq(url)} --resource {resource} "
                "--query 'value[0].id' --output tsv)"
            )
            workspace = _variable("workspace_id")
        body = {"identifier": p["sp_object_id"], "principalType": "App", "groupUserAccessRight": p["role"]}
        method = "put" if p["replaces"] else "post"
        return [*commands, _rest(method, f"{base}/v1.0/myorg/groups/{workspace}/users", resource, body)]

    def graph(self, method: str, path: str, body: Any, headers: Iterable[str] = ()) -> str:
        return _rest(method, f"{self.cloud.graph}{path}", self.cloud.graph_resource, body, headers)

    def graph_value(self, variable: str, path: str, field: str) -> str:
        url = _dq(f"{self.cloud.graph}{path}?$select={field}")
        resource = self.cloud.graph_resource
        return f"{variable}=$(az rest --method get --url {url} --resource {resource} --query {field} --output tsv)"

    def reference(self, object_id: str) -> dict[str, str]:
        return {"@odata.id": f"{self.cloud.graph}/v1.0/directoryObjects/{object_id}"}


_NOTE_ON_SECRETS = (
    "Do not make one and send it. Whoever runs `pbisetup apply` makes it, and it never leaves that machine: let that "
    "account own the app, or, where a policy of the tenant forbids secrets, exempt the app."
)
_SETTING_NOTE = (
    "An update replaces the setting's list of groups. If the first command shows that the setting is on and names groups, "
    "put those into the second command too, or simply add the service principal to one of them. If it is on and names none, "
    "it is open to everybody: leave it."
)


def _rest(method: str, url: str, resource: str, body: Any, headers: Iterable[str] = ()) -> str:
    parts = [f"az rest --method {method} --url {_dq(url)} --resource {resource}"]
    sent = ["Content-Type=application/json", *headers] if body is not None else list(headers)
    if sent:
        parts.append("--headers " + " ".join(sent))
    if body is not None:
        parts.append("--body " + _sq(json.dumps(body, ensure_ascii=False)))
    return " \\\n    ".join(parts)


def _names(params: Mapping[str, Any]) -> list[str]:
    """Outputs of other steps that these parameters wait for."""
    return [
        m[1].lower() for v in _with_variables(params).values() if isinstance(v, str) and (m := _VARIABLE.fullmatch(v))
    ]


def _with_variables(params: Mapping[str, Any]) -> dict[str, Any]:
    """Ids that are handed on by other steps as shell variables. Names of the tenant stay text, whatever they look like."""
    return {
        key: _variable(match[1])
        if key.endswith("_id") and isinstance(value, str) and (match := _PLACEHOLDER.fullmatch(value))
        else _unmarked(value)
        for key, value in params.items()
    }


def _unmarked(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub("[\ue000\ue001]", "", value)
    if isinstance(value, Mapping):
        return {key: _unmarked(each) for key, each in value.items()}
    return [_unmarked(each) for each in value] if isinstance(value, list) else value


def _variable(output: str) -> str:
    return f"\ue000{output.upper()}\ue001"


def _sq(text: str) -> str:
    """A single-quoted shell word with its variables filled in by the shell."""
    quoted = "'" + text.replace("'", "'\"'\"'") + "'"
    return _VARIABLE.sub(lambda m: f"'\"${m[1]}\"'", quoted)


def _dq(text: str) -> str:
    """A double-quoted shell word with its variables filled in by the shell; whatever else a shell would read is escaped."""
    escaped = re.sub(r'([\\"`$])', r"\\\1", text).replace("!", "\"'!'\"")
    return '"' + _VARIABLE.sub(lambda m: f"${m[1]}", escaped) + '"'
