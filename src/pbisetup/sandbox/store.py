"""The tenant's state: named collections of plain JSON objects, with the look-ups that the services need.

The state is exactly what `GET /_sandbox/state` shows and `PUT` takes: a dict with one list a collection plus a few plain
sections. No object holds a secret in clear: a client secret is kept as its SHA-256 and its first three characters. Only a
vault holds what was put there, as it has to hand it out again.
"""

from __future__ import annotations

import json
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
    "signIns",
    "conditionalAccessPolicies",
    "appManagementPolicies",
    "tenantSettings",
    "workspaces",
    "capacities",
    "profiles",
    "gateways",
    "connections",
    "activityEvents",
)
"""Lists of objects, each with a unique `id` (tenant settings: `settingName`)."""

INDEXED = ("appId", "uniqueName", "userPrincipalName")
"""Properties that a collection can be asked for in constant time, without regard to case."""


class Collection:
    """Objects of one kind in the order they were made, found by id or by an indexed property without scanning.

    It keeps the JSON text of every object that nobody has touched since it was last written, so that saving a
    large tenant costs no more than what changed. Whoever was handed an object may have changed it; who only
    looks through all of them should use `peek`.
    """

    def __init__(self, objects: Iterable[Object], key: str = "id") -> None:
        self._key = key
        self._objects: dict[str, Object] = {}
        self._index: dict[str, dict[str, Object]] = {name: {} for name in INDEXED}
        self._texts: dict[str, str] = {}
        self._handed: set[str] = set()
        self._all_handed = False
        for each in objects:
            self.add(each)

    def __iter__(self) -> Iterator[Object]:
        self._all_handed = True
        return iter(list(self._objects.values()))

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and id_.lower() in self._objects

    def peek(self) -> Iterator[Object]:
        """All objects, for reading only."""
        return iter(self._objects.values())

    def add(self, item: Object) -> Object:
        """Put an object in, replacing one with the same id."""
        id_ = str(item[self._key]).lower()
        self._objects[id_] = item
        self._handed.add(id_)
        self.reindex(item)
        return item

    def reindex(self, item: Object) -> None:
        """Call after an indexed property of an object has changed."""
        for name, index in self._index.items():
            value = item.get(name)
            if isinstance(value, str) and value:
                index[value.lower()] = item

    def get(self, id_: str) -> Object | None:
        self._handed.add(id_.lower())
        return self._objects.get(id_.lower())

    def by(self, name: str, value: str) -> Object | None:
        """The object whose indexed property `name` has this value now."""
        found = self._index[name].get(value.lower())
        if found is None or str(found.get(name, "")).lower() != value.lower():
            return None
        id_ = str(found[self._key]).lower()
        self._handed.add(id_)
        return found if self._objects.get(id_) is found else None

    def remove(self, id_: str) -> Object | None:
        self._handed.add(id_.lower())
        return self._objects.pop(id_.lower(), None)

    def keep_newest(self, count: int) -> None:
        """Forget the oldest objects until `count` are left."""
        while len(self._objects) > count:
            self.remove(next(iter(self._objects)))

    def where(self, **equal: Any) -> list[Object]:
        """Objects whose properties equal all of these; a scan."""
        found = [o for o in self._objects.values() if all(o.get(k) == v for k, v in equal.items())]
        self._handed.update(str(o[self._key]).lower() for o in found)
        return found

    def settle(self, *, changed: bool) -> None:
        """A request is over. Where it changed something, what it was handed is written anew next time."""
        if changed:
            if self._all_handed:
                self._texts.clear()
            for id_ in self._handed:
                self._texts.pop(id_, None)
        self._handed.clear()
        self._all_handed = False

    def text(self) -> str:
        """The objects as a JSON array, one on a line."""
        texts = self._texts
        for id_, item in self._objects.items():
            if id_ not in texts:
                texts[id_] = json.dumps(item, ensure_ascii=False)
        return "[" + ",".join("\n" + texts[id_] for id_ in self._objects) + "]"


class Tenant:
    """One tenant's whole state. `changed` tells the server that there is something to save before it answers,
    `noted` that there is something to save when there is time (a line of a log).
    """

    def __init__(self, state: Object) -> None:
        self.sections: Object = {k: v for k, v in state.items() if k not in COLLECTIONS}
        for name in COLLECTIONS:
            key = "settingName" if name == "tenantSettings" else "id"
            setattr(self, name, Collection(state.get(name, []), key))
        self.changed = False
        self.noted = False

    users: Collection
    applications: Collection
    servicePrincipals: Collection
    groups: Collection
    directoryRoles: Collection
    appRoleAssignments: Collection
    oauth2PermissionGrants: Collection
    deletedItems: Collection
    signIns: Collection
    conditionalAccessPolicies: Collection
    appManagementPolicies: Collection
    tenantSettings: Collection
    workspaces: Collection
    capacities: Collection
    profiles: Collection
    gateways: Collection
    connections: Collection
    activityEvents: Collection

    def dump(self) -> Object:
        """The state as one JSON object, in a stable order."""
        return {**self.sections, **{name: list(getattr(self, name)) for name in COLLECTIONS}}

    def settle(self) -> None:
        """Call after each request, so that `text` knows what may have changed."""
        for name in COLLECTIONS:
            getattr(self, name).settle(changed=self.changed)

    def text(self) -> str:
        """The same as `dump`, as JSON text."""
        self.settle()
        parts = [f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in self.sections.items()]
        parts += [f"{json.dumps(name)}: {getattr(self, name).text()}" for name in COLLECTIONS]
        return "{" + ",\n".join(parts) + "}"

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

    @property
    def domains(self) -> list[str]:
        """The tenant's own domain and the verified ones: state `tenant.verifiedDomains`, a list of names."""
        given = self.section("tenant").get("verifiedDomains")
        names = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
        return list(dict.fromkeys([self.domain, *names]))

    @property
    def names(self) -> frozenset[str]:
        """By what a path or a person names this tenant, in small letters: its id and each of its domains."""
        return frozenset(name.lower() for name in (self.id, *self.domains))

    def named(self, name: str) -> bool:
        """Whether a path segment means this tenant."""
        return name.lower() in self.names

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
