"""Operations as `az rest` commands to be pasted: what a ticket shows, without the checks of the script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pbisetup.model.cloud import Cloud
from pbisetup.planning.handoff import jmespath
from pbisetup.planning.handoff.operations import (
    AddKey,
    AdmitGroup,
    Assign,
    Find,
    Grant,
    Make,
    MakeWorkspace,
    Merge,
    Operation,
    Place,
    Role,
    Send,
)
from pbisetup.planning.handoff.text import ascii_json, replaced, segment, variable

UPSERT = "Prefer=create-if-missing"
FIRST_ROLE = (
    'not_null(appRoles[?isEnabled && contains(allowedMemberTypes, `"User"`)] | [0].id, '
    '`"00000000-0000-0000-0000-000000000000"`)'
)
"""The first role of an app that people can be assigned in; the id that means none where it has no such role."""


class Az:
    """Commands for one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def url(self, place: Place) -> str:
        """A place's whole address."""
        base = {"graph": self.cloud.graph, "powerbi": self.cloud.powerbi, "fabric": self.cloud.fabric}[place.service]
        return f"{base}{place.path}"

    def resource(self, place: Place) -> str:
        """What the token for a place is asked for."""
        found = {
            "graph": self.cloud.graph_resource,
            "powerbi": self.cloud.powerbi_resource,
            "fabric": self.cloud.fabric_resource,
        }[place.service]
        return str(found)

    def commands(self, operation: Operation) -> list[str]:
        """One operation in commands."""
        match operation:
            case Find():
                query = f"value[0].{operation.field}" if operation.by_name else operation.field
                return [self._variable(operation.sets, operation.at, query, _selecting(operation))]
            case Make():
                made = self._rest("patch", operation.at, ascii_json(operation.body), (UPSERT,))
                return [made, *(each for find in operation.finds for each in self.commands(find))]
            case Send():
                body = None if operation.body is None else ascii_json(operation.body)
                return [self._rest(operation.method, operation.at, body)]
            case Merge():
                return self._merge(operation)
            case AddKey():
                at = Place(operation.at.service, f"{operation.at.path}?$select=keyCredentials")
                return self._read_and_write(at, f"{jmespath.key_added(operation)}[1]", "patch", operation.at)
            case Grant():
                return [self._grant(operation)]
            case Assign():
                sp = Place("graph", f"/v1.0/servicePrincipals/{segment(operation.sp)}")
                assigned = ascii_json(assignment(operation, variable("role_id")))
                to = Place("graph", f"{sp.path}/appRoleAssignedTo")
                return [self._variable("ROLE_ID", sp, FIRST_ROLE), self._rest("post", to, assigned)]
            case AdmitGroup():
                return self._setting(operation)
            case Role():
                return [
                    self._rest("put" if operation.replaces else "post", users(operation), ascii_json(role(operation)))
                ]
            case MakeWorkspace():
                name = ascii_json({"name": operation.name})
                return [self._rest("post", NEW_WORKSPACE, name), *self.commands(operation.find)]

    def _merge(self, operation: Merge) -> list[str]:
        if not any(isinstance(each, (list, Mapping)) for each in operation.properties.values()):
            return [self._rest("patch", operation.at, ascii_json(operation.properties))]
        at = Place(operation.at.service, f"{operation.at.path}?$select={selected(operation)}")
        return self._read_and_write(at, f"{jmespath.merged(operation)}[1]", "patch", operation.at)

    def _grant(self, operation: Grant) -> str:
        if operation.grant_id:
            one = Place("graph", f"{GRANTS.path}/{segment(operation.grant_id)}")
            return self._rest("patch", one, ascii_json({"scope": " ".join(operation.scopes)}))
        return self._rest("post", GRANTS, ascii_json(grant(operation)))

    def _setting(self, operation: AdmitGroup) -> list[str]:
        found, query = jmespath.named_setting(operation.setting), jmespath.setting_update(operation)
        update = Place("fabric", f"/v1/admin/tenantsettings/{segment(operation.setting)}/update")
        shows = f"{found}.{{enabled: enabled, groups: enabledSecurityGroups, excluded: excludedSecurityGroups}}"
        url, resource = dq(self.url(SETTINGS)), self.resource(SETTINGS)
        look = f"az rest --method get --url {url} --resource {resource} --query {sq(shows)}"
        return [look, *self._read_and_write(SETTINGS, query, "post", update)]

    def _read_and_write(self, read: Place, query: str, method: str, write: Place) -> list[str]:
        body = self._variable("BODY", read, query)
        sent = self._rest(method, write, None, ("Content-Type=application/json",))
        return [body, f'[ -z "$BODY" ] || {sent} \\\n    --body "$BODY"']

    def _variable(self, name: str, place: Place, query: str, more: str = "") -> str:
        url = dq(self.url(place) + more)
        return (
            f"{name}=$(az rest --method get --url {url} --resource {self.resource(place)} "
            f"--query {sq(query)} --output tsv)"
        )

    def _rest(self, method: str, place: Place, body: str | None, headers: Iterable[str] = ()) -> str:
        parts = [f"az rest --method {method} --url {dq(self.url(place))} --resource {self.resource(place)}"]
        sent = ["Content-Type=application/json", *headers] if body is not None else list(headers)
        if sent:
            parts.append("--headers " + " ".join(sent))
        if body is not None:
            parts.append("--body " + sq(body))
        return " \\\n    ".join(parts)


SETTINGS = Place("fabric", "/v1/admin/tenantsettings")
GRANTS = Place("graph", "/v1.0/oauth2PermissionGrants")
NEW_WORKSPACE = Place("powerbi", "/v1.0/myorg/groups?workspaceV2=True")


def _selecting(find: Find) -> str:
    return "" if find.by_name else f"?$select={find.field}"


def selected(operation: Merge) -> str:
    """The properties to read: those that are merged, and those where an entry may stand already."""
    names = (*operation.properties, *(each.split(".")[0] for each in operation.elsewhere))
    return ",".join(dict.fromkeys(names))


def grant(operation: Grant) -> dict[str, Any]:
    """The body of a new grant."""
    body = {
        "clientId": operation.sp,
        "consentType": "Principal" if operation.principal else "AllPrincipals",
        "resourceId": operation.resource,
        "scope": " ".join(operation.scopes),
    }
    return {**body, "principalId": operation.principal} if operation.principal else body


def assignment(operation: Assign, role_id: str) -> dict[str, Any]:
    return {"principalId": operation.person, "resourceId": operation.sp, "appRoleId": role_id}


def role(operation: Role) -> dict[str, Any]:
    return {"identifier": operation.sp, "principalType": "App", "groupUserAccessRight": operation.role}


def users(operation: Role) -> Place:
    return Place("powerbi", f"/v1.0/myorg/groups/{segment(operation.workspace)}/users")


def sq(text: str) -> str:
    """A single-quoted shell word with its variables filled in by the shell."""
    return "'" + replaced(text, lambda plain: plain.replace("'", "'\\''"), lambda name: f"'\"${name}\"'") + "'"


def dq(text: str) -> str:
    """A double-quoted shell word with its variables filled in by the shell; whatever else a shell would read is escaped."""
    inner = replaced(text, lambda plain: re.sub(r'([\\"`$])', r"\\\1", plain).replace("!", "\"'!'\""), _braced)
    return f'"{inner}"'


def _braced(name: str) -> str:
    return f"${{{name}}}"
