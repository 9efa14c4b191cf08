"""The tenant's state: named collections of plain JSON objects, with the look-ups that the services need.

The state is exactly what `GET /_sandbox/state` shows and `PUT` takes: a dict with one list a collection plus a few plain
sections. No object holds a secret in clear: a client secret is kept as its SHA-256 and its first three characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Object = dict[str, Any]

COLLECTIONS = (
    "users",
    "applications",
    "servicePrincipals",
    "groups",
    "directoryRoles",
    "appRoleAssignments",
    "oauth2PermissionGrants",
    "deletedItems",
    "tenantSettings",
    "workspaces",
    "capacities",
)
"""Lists of objects, each with a unique `id` (tenant settings: `settingName`)."""

INDEXED = ("appId", "uniqueName", "userPrincipalName")
"""Properties that a collection can be asked for in constant time, without regard to case."""


class Collection:
    """Objects of one kind in the order they were made, found by id or by an indexed property without scanning."""

    def __init__(self, objects: Iterable[Object], key: str = "id") -> None:
        self._key = key
        self._objects: dict[str, Object] = {}
        self._index: dict[str, dict[str, Object]] = {name: {} for name in INDEXED}
        for each in objects:
            self.add(each)

    def __iter__(self) -> Iterator[Object]:
        return iter(list(self._objects.values()))

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and id_.lower() in self._objects

    def add(self, item: Object) -> Object:
        """Put an object in, replacing one with the same id."""
        self._objects[str(item[self._key]).lower()] = item
        self.reindex(item)
        return item

    def reindex(self, item: Object) -> None:
        """Call after an indexed property of an object has changed."""
        for name, index in self._index.items():
            value = item.get(name)
            if isinstance(value, str) and value:
                index[value.lower()] = item

    def get(self, id_: str) -> Object | None:
        return self._objects.get(id_.lower())

    def by(self, name: str, value: str) -> Object | None:
        """The object whose indexed property `name` has this value now."""
        found = self._index[name].get(value.lower())
        if found is None or str(found.get(name, "")).lower() != value.lower():
            return None
        return found if self._objects.get(str(found[self._key]).lower()) is found else None

    def remove(self, id_: str) -> Object | None:
        return self._objects.pop(id_.lower(), None)

    def where(self, **equal: Any) -> list[Object]:
        """Objects whose properties equal all of these; a scan."""
        return [o for o in self._objects.values() if all(o.get(k) == v for k, v in equal.items())]


class Tenant:
    """One tenant's whole state. `changed` tells the server that there is something to save."""

    def __init__(self, state: Object) -> None:
        self.sections: Object = {k: v for k, v in state.items() if k not in COLLECTIONS}
        for name in COLLECTIONS:
            key = "settingName" if name == "tenantSettings" else "id"
            setattr(self, name, Collection(state.get(name, []), key))
        self.changed = False

    users: Collection
    applications: Collection
    servicePrincipals: Collection
    groups: Collection
    directoryRoles: Collection
    appRoleAssignments: Collection
    oauth2PermissionGrants: Collection
    deletedItems: Collection
    tenantSettings: Collection
    workspaces: Collection
    capacities: Collection

    def dump(self) -> Object:
        """The state as one JSON object, in a stable order."""
        return {**self.sections, **{name: list(getattr(self, name)) for name in COLLECTIONS}}

    @property
    def id(self) -> str:
        return str(self.sections["tenant"]["id"])

    @property
    def domain(self) -> str:
        return str(self.sections["tenant"]["domain"])

    def section(self, name: str) -> Object:
        """A plain section such as `policies`; made empty if the state has none."""
        found = self.sections.setdefault(name, {})
        assert isinstance(found, dict)
        return found

    def named(self, name: str) -> bool:
        """Whether a path segment means this tenant: its id or its domain."""
        return name.lower() in (self.id.lower(), self.domain.lower())

    def principal(self, id_: str) -> tuple[str, Object] | None:
        """The directory object with this object id, with its Graph type name: user, group or servicePrincipal.

        An application's object id or a client id is not a principal: they are different ids, on purpose.
        """
        for kind, collection in (
            ("servicePrincipal", self.servicePrincipals),
            ("user", self.users),
            ("group", self.groups),
        ):
            found = collection.get(id_)
            if found is not None:
                return kind, found
        return None

    def groups_of(self, member_id: str, *, transitive: bool = False) -> list[Object]:
        """The groups that hold this object id as a direct member, or also through nested groups."""
        found: dict[str, Object] = {}
        wanted = [member_id]
        while wanted:
            target = wanted.pop()
            for group in self.groups:
                if group["id"] not in found and target in group.get("members", []):
                    found[group["id"]] = group
                    if transitive:
                        wanted.append(group["id"])
        return list(found.values())
