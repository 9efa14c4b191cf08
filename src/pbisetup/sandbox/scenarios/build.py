"""From a scenario to the state of a tenant: its layers are applied one after the other, and every mistake is said."""

from __future__ import annotations

import re
from typing import Any, Final

from pbisetup.sandbox import caller
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.scenarios.apps import SHORT, Apps
from pbisetup.sandbox.scenarios.file import ABOUT, WORDS, Object, Path, Scenario, ScenarioError, near
from pbisetup.sandbox.scenarios.keys import top_level
from pbisetup.sandbox.scenarios.patch import Patch
from pbisetup.sandbox.scenarios.words import Words, named, title
from pbisetup.sandbox.store import COLLECTIONS

_IN_THE_STATE: Final = re.compile(r"(\w+)\[(\d+)\]")


def build(scenario: Scenario, identity: Identity, state: Object) -> Object:
    """The state, changed. Raises ScenarioError."""
    for layer in scenario.chain():
        try:
            found = _Layer(layer, identity, state).apply()
        except (TypeError, KeyError, AttributeError, ValueError, RecursionError) as error:
            # A part of the state was replaced by something of another shape, and a later part needs it as it was.
            raise ScenarioError([f"{layer.where}: the parts do not fit together ({error!r})"]) from None
        if found:
            raise ScenarioError(found)
    if scenario.shipped:
        return state
    from pbisetup.sandbox.validate import problems  # all of Entra comes with it, which a start does not wait for

    found = [_said(scenario, state, each) for each in problems(state)]
    if found:
        raise ScenarioError(found)
    return state


def doubts(scenario: Scenario, state: Object) -> list[str]:
    """What is hardly meant (`slips.py`), with the names and lines of the scenario."""
    while scenario.base is not None and not scenario.content:  # a name that came over HTTP
        scenario = scenario.base
    if scenario.shipped:
        return []
    from pbisetup.sandbox.slips import slips

    return [_said(scenario, state, each) for each in slips(state)]


def _said(scenario: Scenario, state: Object, problem: str) -> str:
    """A problem of the state, with the names and lines of the scenario."""
    match = _IN_THE_STATE.match(problem)
    if match is None:
        return scenario.at((problem.partition(" ")[0].partition(".")[0],), problem)
    element = state[match[1]][int(match[2])]
    name = title(element) if isinstance(element, dict) else match[2]
    message = f"{match[1]} {name!r}{problem[match.end() :]}"
    for path in ((match[1], name), ("new", match[1], name), ("new", "apps", name)):
        said = scenario.at(path, message)
        if said != scenario.at((), message):
            return said
    return scenario.at((), message)


class _Layer:
    """One scenario without its base."""

    def __init__(self, scenario: Scenario, identity: Identity, state: Object) -> None:
        self._scenario = scenario
        self._identity = identity
        self._state = state
        self._words = Words(identity, state)
        self._apps = Apps(identity, state, self._words)
        self._patch = Patch(scenario, state, self._words, self._apps)

    def apply(self) -> list[str]:
        """Change the state; the mistakes, in the order of the file."""
        content = self._scenario.content
        new = content.get("new", {})
        self._many(content.get("many", {}))
        self._make(new)
        for collection in sorted(new, key=lambda name: name == "apps"):  # apps last: they join what the others are
            elements = new[collection]
            if isinstance(elements, dict) and collection in (*COLLECTIONS, "apps"):
                for name, element in elements.items():
                    self._fill(collection, name, element, ("new", collection, name))
        known = top_level(self._state)
        for name, value in content.items():
            if name in (*ABOUT, *WORDS):
                continue
            if name not in known:
                self._patch.say((name,), f"unknown key {name!r}{near(name, known)}")
            else:
                self._state[name] = self._patch.changed(self._state.get(name), value, (name,))
        self._patch.add(self._state, content.get("add", {}), ("add",))
        self._patch.remove(self._state, content.get("remove", {}), ("remove",))
        self._caller(content.get("caller", {}))
        return self._patch.found

    # new

    def _many(self, many: Object) -> None:
        for name, number in many.items():
            if name not in made.MANY:
                self._patch.say(("many", name), f"unknown key {name!r}; there are {', '.join(made.MANY)}")
            elif isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 100_000:
                self._patch.say(("many", name), f"{name} must be a number up to 100000")
        if many and not self._patch.found:
            made.crowd(self._identity, self._state, many)

    def _make(self, new: Object) -> None:
        """Every new element by its name alone first, so that they can mean each other."""
        for collection, elements in new.items():
            path = ("new", collection)
            if collection not in (*COLLECTIONS, "apps"):
                self._patch.say(path, f"unknown key {collection!r}{near(collection, (*COLLECTIONS, 'apps'))}")
                continue
            if not isinstance(elements, dict):
                self._patch.say(path, f"new.{collection} must be a table: [new.{collection}.NAME]")
                continue
            there: list[Object] = self._state.setdefault("applications" if collection == "apps" else collection, [])
            for name in elements:
                if named(there, name) is not None:
                    self._patch.say((*path, name), f"{collection} has {name!r} already; without `new.` it is changed")
                elif collection == "apps":
                    self._apps.make(name)
                else:
                    there.append(made.element(self._identity, self._state, collection, name))

    def _fill(self, collection: str, name: str, content: Any, path: Path) -> None:
        if not isinstance(content, dict):
            self._patch.say(path, f"{name} must be a table")
            return
        if collection == "apps":
            short = {"secret": True, **{k: v for k, v in content.items() if k in SHORT}}
            short = {word: short[word] for word in SHORT if word in short}
            rest = {k: v for k, v in content.items() if k not in SHORT}
            app = named(self._state["applications"], name)
            if app is not None:
                self._patch.changed(app, rest, path, collection="applications")
            self._patch.short(name, short, path, adding=True)
            return
        element = named(self._state[collection], name)
        if element is None:
            return
        roles = content.get("roles") if collection == "workspaces" else None
        rest = {k: v for k, v in content.items() if k != "roles" or roles is None}
        self._patch.changed(element, rest, path, collection=collection)
        if roles is not None:
            self._patch.assign(name, roles, (*path, "roles"))

    # the caller

    def _caller(self, given: Object) -> None:
        section = self._state.setdefault("caller", {}) if given else {}
        for key, value in given.items():
            path = ("caller", key)
            if key not in caller.KEYS:
                self._patch.say(path, f"unknown key {key!r}{near(key, caller.KEYS)}")
            elif value is False:
                section.pop(key, None)
            elif key == "secret" and value == caller.SECRET:
                section[key] = value
            else:
                section[key] = self._patch.attempt(path, self._words.value, value)
