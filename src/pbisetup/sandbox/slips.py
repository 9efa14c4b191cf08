"""What of a state can be, but is hardly meant: ids that name nothing, names that are nearly right. A real tenant can hold a
dangling id, so none of it is refused; whoever wrote the state is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from pbisetup.sandbox import validate_content, validate_directory, validate_fabric, validate_vault
from pbisetup.sandbox.shapes import Named, strangers
from pbisetup.sandbox.store import COLLECTIONS

Object = dict[str, Any]

MOST: Final = 100
"""So many are told; a tenant put together by a program may have one mistake ten thousand times."""
_KINDS: Final = {"users": "User", "groups": "Group", "servicePrincipals": "ServicePrincipal"}
_ENTITIES: Final = {
    "applications": "application", "servicePrincipals": "servicePrincipal", "groups": "group", "users": "user",
}  # fmt: skip


def slips(state: Object) -> list[str]:
    """Each in words. Call when `validate.problems` found none."""
    people = _People(state)
    found = [
        *_settings(state, people),
        *_roles(state, people),
        *_content(state),
        *_directory(state, people),
        *_keys(state),
        *_vaults(state, people),
    ]
    return found if len(found) <= MOST else [*found[:MOST], f"and {len(found) - MOST} more"]


class _People:
    """Whose id is whose."""

    def __init__(self, state: Object) -> None:
        self._kinds: dict[str, str] = {}
        self._others: dict[str, str] = {}
        for app in state.get("applications", []):
            self._others[app["id"].lower()] = f"the object id of the app registration {_title(app)}"
        for collection in ("applications", "servicePrincipals"):
            for each in state.get(collection, []):
                self._others[each["appId"].lower()] = f"the client id of {_title(each)}"
        for each in state.get("profiles", []):
            self._kinds[each["id"].lower()] = "ServicePrincipalProfile"
        for collection, kind in _KINDS.items():
            self._kinds |= dict.fromkeys((each["id"].lower() for each in state.get(collection, [])), kind)
        self._names = {each["userPrincipalName"].lower() for each in state.get("users", [])}

    def kind(self, id_: str) -> str | None:
        return self._kinds.get(id_.lower())

    def known(self, id_or_name: str) -> bool:
        return id_or_name.lower() in self._kinds or id_or_name.lower() in self._names

    def nobody(self, id_: str) -> str:
        """What to say of an id that no principal has."""
        other = self._others.get(id_.lower())
        return f"{id_} is {other}; a principal goes by its object id" if other else f"{id_} is nobody's in this tenant"


def _settings(state: Object, people: _People) -> Iterator[str]:
    from pbisetup.sandbox.access import OLD_PUBLIC_APIS
    from pbisetup.sandbox.tenant_settings import SETTINGS

    read = {**dict.fromkeys((name for name, *_ in SETTINGS), "any"), OLD_PUBLIC_APIS: "any"}
    for index, setting in enumerate(state.get("tenantSettings", [])):
        where, name = f"tenantSettings[{index}]", setting["settingName"]
        if name.lower() not in {each.lower() for each in read}:
            yield from (each.replace(" has ", ": ") for each in strangers(where, {name: None}, read))
        for key in ("enabledSecurityGroups", "excludedSecurityGroups"):
            for group in setting.get(key) or []:
                kind = people.kind(group["graphId"])
                if kind is None:
                    yield f"{where}.{key}: {people.nobody(group['graphId'])}"
                elif kind != "Group":
                    yield f"{where}.{key}: {group['graphId']} is a {kind}, and only groups count"


def _roles(state: Object, people: _People) -> Iterator[str]:
    for collection in ("workspaces", "connections", "gateways"):
        for index, shared in enumerate(state.get(collection, [])):
            for number, each in enumerate(shared.get("roleAssignments") or []):
                where = f"{collection}[{index}].roleAssignments[{number}]"
                id_, said = each["principal"]["id"], each["principal"]["type"]
                kind = people.kind(id_)
                if said == "EntireTenant":
                    continue
                if kind is None:
                    yield f"{where}: {people.nobody(id_)}"
                elif kind != said:
                    yield f"{where}: {id_} is a {kind}, not a {said}"


def _vaults(state: Object, people: _People) -> Iterator[str]:
    for name, vault in state.get("vaults", {}).items():
        for number, each in enumerate(vault.get("roleAssignments", [])):
            if people.kind(each["principalId"]) is None:
                yield f"vaults.{name}.roleAssignments[{number}]: {people.nobody(each['principalId'])}"
    yield from strangers("vaults", state.get("vaults", {}), Named(validate_vault.VAULT))


def _content(state: Object) -> Iterator[str]:
    capacities = {each["id"].lower() for each in state.get("capacities", [])}
    places = [(f"workspaces[{n}]", each) for n, each in enumerate(state.get("workspaces", []))]
    places += [
        (f"users[{n}].myWorkspace", each.get("myWorkspace") or {}) for n, each in enumerate(state.get("users", []))
    ]
    models = {model["id"].lower() for _, place in places for model in place.get("datasets", [])}
    for where, place in places:
        if place.get("capacityId") is not None and place["capacityId"].lower() not in capacities:
            yield f"{where}.capacityId: the tenant has no capacity {place['capacityId']}"
        for index, report in enumerate(place.get("reports", [])):
            if report.get("datasetId") and report["datasetId"].lower() not in models:
                yield f"{where}.reports[{index}].datasetId: no workspace has a model {report['datasetId']}"


def _directory(state: Object, people: _People) -> Iterator[str]:
    for collection, keys in (
        ("groups", ("members", "owners")),
        ("applications", ("owners",)),
        ("servicePrincipals", ("owners",)),
        ("capacities", ("admins", "contributors")),
        ("gateways", ("admins",)),
    ):
        for index, each in enumerate(state.get(collection, [])):
            for key in keys:
                yield from (
                    f"{collection}[{index}].{key}: {people.nobody(id_)}"
                    for id_ in each.get(key) or []
                    if not people.known(id_)
                )
    for collection, others in (
        ("appRoleAssignments", ("principalId", "resourceId")),
        ("oauth2PermissionGrants", ("clientId", "resourceId", "principalId")),
        ("profiles", ("servicePrincipalId",)),
    ):
        for index, each in enumerate(state.get(collection, [])):
            yield from (
                f"{collection}[{index}].{key}: {people.nobody(each[key])}"
                for key in others
                if each.get(key) and not people.known(each[key])
            )


def _keys(state: Object) -> Iterator[str]:
    for collection in COLLECTIONS:
        shape: Object = {"id": "text"}
        for part in (validate_directory, validate_content, validate_fabric):
            shape |= part.COLLECTIONS.get(collection, {})
        if len(shape) > 1:
            shape |= dict.fromkeys(_graph_keys(collection) - {key.rstrip("!") for key in shape}, "any")
            yield from strangers(collection, state.get(collection, []), [shape])


@cache
def _graph_keys(collection: str) -> frozenset[str]:
    if collection == "tenantSettings":
        return frozenset({"settingName"})
    if collection not in _ENTITIES:
        return frozenset()
    from pbisetup.sandbox.graph.schema import ENTITIES

    entity = ENTITIES[_ENTITIES[collection]]
    return frozenset({*entity.writable, *entity.read_only})


def _title(item: Object) -> str:
    return str(item.get("displayName") or item["id"])
