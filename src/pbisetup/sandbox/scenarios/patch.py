"""Changes to a state, as a scenario says them: over what is there, to the end of a list, or away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pbisetup.sandbox.scenarios.apps import SHORT, Apps
from pbisetup.sandbox.scenarios.file import Object, Path, Scenario, near
from pbisetup.sandbox.scenarios.keys import wrong_key
from pbisetup.sandbox.scenarios.words import BadWord, Words, named, title
from pbisetup.sandbox.store import COLLECTIONS

_DIRECTORY: Final = ("users", "groups", "servicePrincipals", "applications")


class Patch:
    """The changes of one scenario to one state; mistakes are collected."""

    def __init__(self, scenario: Scenario, state: Object, words: Words, apps: Apps) -> None:
        self._scenario = scenario
        self._state = state
        self._words = words
        self._apps = apps
        self._found: list[tuple[int, str]] = []

    @property
    def found(self) -> list[str]:
        """The mistakes so far, in the order of the file."""
        return [message for _, message in sorted(self._found, key=lambda each: each[0])]

    def say(self, path: Path, message: str) -> None:
        """A mistake, about what stands at this path of the file."""
        said = self._scenario.at(path, message)
        if said not in [each for _, each in self._found]:
            self._found.append((self._scenario.line(path) or 0, said))

    def attempt(self, path: Path, act: Callable[..., Any], *arguments: Any) -> Any:
        """What it returns; None where it finds a mistake, which is said."""
        try:
            return act(*arguments)
        except BadWord as bad:
            self.say(path, str(bad))
            return None

    def short(self, name: str, short: Any, path: Path, *, adding: bool) -> None:
        """What the short words say of an app (`apps.py`)."""
        if not isinstance(short, dict):
            self.say(path, f"{name} must be a table")
            return
        for word, value in short.items():
            if word in SHORT:
                self.attempt((*path, word), self._apps.add if adding else self._apps.remove, name, word, value)
            else:
                self.say((*path, word), f"unknown key {word!r}; there are {', '.join(SHORT)}")

    def assign(self, workspace: str, roles: Any, path: Path) -> None:
        """The roles of a workspace: who = role."""
        if not isinstance(roles, dict):
            self.say(path, "roles must be a table: who = role")
            return
        for who, role in roles.items():
            at = (*path, who)
            principal = self.attempt(at, self._words.text, who)
            if principal is not None:
                self.attempt(at, self._apps.assign, workspace, principal, role)

    def changed(self, target: Any, patch: Any, path: Path, *, collection: str = "") -> Any:
        """The target with the patch over it: tables merge, a table over a list changes what its keys name."""
        if isinstance(patch, dict) and isinstance(target, list):
            for name, value in patch.items():
                element = self._element(target, name, (*path, name))
                if element is not None:
                    inner = path[0] if len(path) == 1 and path[0] in COLLECTIONS else ""
                    if not isinstance(value, dict):
                        self.say((*path, name), f"{name} must be a table")
                    else:
                        self.changed(element, value, (*path, name), collection=inner)
            return target
        if isinstance(patch, dict):
            merged = target if isinstance(target, dict) else {}
            for key, value in patch.items():
                at = (*path, key)
                name = self.attempt(at, self._words.text, key)
                if name is not None and self._right(collection, name, at):
                    merged[name] = self.changed(merged.get(name), value, at)
            return merged
        if isinstance(target, list) and not isinstance(patch, list):
            self.say(path, f"{path[-1]} is a list")
            return target
        return self._leaf(patch, path)

    def _right(self, collection: str, key: str, path: Path) -> bool:
        if not collection:
            return True
        present = {each for element in self._state[collection] for each in element}
        right = wrong_key(collection, key, present)
        if right is None:
            return True
        self.say(path, f"{collection} have no key {key!r}" + (f"; nearest: {right}" if right else ""))
        return False

    def _leaf(self, value: Any, path: Path) -> Any:
        found = self.attempt(path, self._words.value, value)
        if not isinstance(found, list):
            return found
        if path[-1] in ("enabledSecurityGroups", "excludedSecurityGroups"):
            return [self._group(each, path) if isinstance(each, str) else each for each in found]
        if path[-1] in ("directoryRoles", "_eligibleRoles"):
            from pbisetup.sandbox.roles import ROLES

            return [ROLES.get(each, each) if isinstance(each, str) else each for each in found]
        return found

    def _group(self, name: str, path: Path) -> Object:
        groups: list[Object] = self._state["groups"]
        group = named(groups, name)
        if group is None:
            self.say(path, f"groups has no {name!r}{near(name, map(title, groups))}")
            return {"graphId": name, "name": name}
        return {"graphId": group["id"], "name": group["displayName"]}

    def _element(self, elements: list[Any], name: str, path: Path) -> Object | None:
        wanted = self.attempt(path, self._words.text, name)
        if wanted is None:
            return None
        element = named(elements, wanted)
        if element is None:
            known = [title(each) for each in elements if isinstance(each, dict)]
            self.say(path, f"{'.'.join(path[:-1])} has no {wanted!r}{near(wanted, known)}")
        return element

    def add(self, target: Any, given: Any, path: Path) -> None:
        """Mirror of the state: a list under `add` goes to the end of the list that stands there."""
        for key, value in given.items():
            at = (*path, key)
            if path == ("add",) and key == "apps":
                for name, short in value.items() if isinstance(value, dict) else ():
                    self.short(name, short, (*at, name), adding=True)
            elif len(path) == 3 and path[1] == "workspaces" and key == "roles":
                self.assign(path[2], value, at)
            elif isinstance(value, list):
                name = self.attempt(at, self._words.text, key)
                there = target.setdefault(name, []) if isinstance(target, dict) else None
                if isinstance(there, list):
                    there.extend(each for each in self._leaf(value, at) or [] if each not in there)
                else:
                    self.say(at, f"{key} is no list")
            elif isinstance(value, dict):
                inner = self._inside(target, key, at)
                if inner is not None:
                    self.add(inner, value, at)
            else:
                self.say(at, f"`add` takes lists; `{'.'.join(at[1:])}` without `add.` sets a value")

    def remove(self, target: Any, given: Any, path: Path) -> None:
        """Mirror of the state: `true` removes what stands there, a list these values from the list there."""
        for key, value in given.items():
            at = (*path, key)
            if path == ("remove",) and key == "apps":
                for name, short in value.items() if isinstance(value, dict) else ():
                    if short is True:
                        self.remove(self._state, {"applications": {name: True}}, path)
                        self.remove(self._state, {"servicePrincipals": {name: True}}, path)
                    else:
                        self.short(name, short, (*at, name), adding=False)
            elif value is True:
                self._take(target, key, at)
            elif isinstance(value, list):
                there = self._inside(target, key, at)
                for each in self._leaf(value, at) or () if isinstance(there, list) else ():
                    if each in there:
                        there.remove(each)
                    else:
                        self.say(at, f"{key} has no {each!r}")
            elif isinstance(value, dict):
                inner = self._inside(target, key, at)
                if inner is not None:
                    self.remove(inner, value, at)
            else:
                self.say(at, "`remove` takes true, a list of values, or a table")

    def _inside(self, target: Any, key: str, path: Path) -> Any:
        if isinstance(target, list):
            return self._element(target, key, path)
        name = self.attempt(path, self._words.text, key)
        if isinstance(target, dict) and isinstance(target.get(name), dict | list):
            return target[name]
        if name is not None:
            known = (
                [each for each in target if isinstance(target[each], dict | list)] if isinstance(target, dict) else []
            )
            self.say(path, f"there is no {name!r}{near(name, known)}")
        return None

    def _take(self, target: Any, key: str, path: Path) -> None:
        if isinstance(target, list):
            element = self._element(target, key, path)
            if element is not None:
                target.remove(element)
                if len(path) == 3 and path[1] in _DIRECTORY:
                    self._forget(str(element["id"]))
            return
        name = self.attempt(path, self._words.text, key)
        if isinstance(target, dict) and name in target:
            del target[name]
        elif name is not None:
            self.say(path, f"there is no {name!r}{near(name, target)}")

    def _forget(self, id_: str) -> None:
        """Who leaves the directory leaves grants, groups and ownerships too; Power BI keeps its entries (guess)."""
        state = self._state
        state["appRoleAssignments"] = [
            each for each in state["appRoleAssignments"] if id_ not in (each["principalId"], each["resourceId"])
        ]
        state["oauth2PermissionGrants"] = [
            each
            for each in state["oauth2PermissionGrants"]
            if id_ not in (each["clientId"], each["resourceId"], each.get("principalId"))
        ]
        for collection in _DIRECTORY:
            for each in state[collection]:
                for relation in ("members", "owners"):
                    if id_ in each.get(relation, ()):
                        each[relation] = [other for other in each[relation] if other != id_]
