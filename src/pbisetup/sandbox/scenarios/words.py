"""The `{words}` that texts of a scenario may hold, so that nobody writes ids: what each stands for in this tenant."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.permissions import permission
from pbisetup.sandbox.caller import SECRET
from pbisetup.sandbox.first_party import GRAPH, POWER_BI
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios.file import Object, near, plain

_WORD: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_TIME: Final = re.compile(r"(now|epoch)(?:([+-])(\d{1,6})([smhd]))?")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_OBJECTS: Final = {
    "app": ("applications", "id"),
    "client": ("applications", "appId"),
    "sp": ("servicePrincipals", "id"),
    "user": ("users", "id"),
    "group": ("groups", "id"),
    "workspace": ("workspaces", "id"),
    "capacity": ("capacities", "id"),
    "gateway": ("gateways", "id"),
    "connection": ("connections", "id"),
    "profile": ("profiles", "id"),
}
_CONTENT: Final = {"report": "reports", "dataset": "datasets", "dashboard": "dashboards"}
_RESOURCES: Final = {"powerbi": POWER_BI, "graph": GRAPH}
KNOWN: Final = (
    *_OBJECTS,
    *_CONTENT,
    "id",
    "role",
    "scope",
    "secret",
    "secret-id",
    "tenant",
    "domain",
    "now",
    "now-7d",
    "epoch",
)


class BadWord(Exception):
    """A text holds a word that stands for nothing; the message says which."""


def called(element: Object) -> set[str]:
    """Everything by which an element of a list may be called, in lower case; a user also without the domain."""
    names = ("settingName", "displayName", "name", "value", "id", "userPrincipalName", "appId", "keyId")
    given = [str(element[name]).lower() for name in names if isinstance(element.get(name), str)]
    return {*given, *(name.partition("@")[0] for name in given if "@" in name)}


def title(element: Object) -> str:
    """What messages call an element of a list."""
    for name in ("settingName", "displayName", "name", "value", "userPrincipalName", "id"):
        if isinstance(element.get(name), str) and element[name]:
            return str(element[name])
    return "?"


def named(elements: list[Any], name: str) -> Object | None:
    """The first element that is called this."""
    return next((each for each in elements if isinstance(each, dict) and name.lower() in called(each)), None)


class Words:
    """What the words of a scenario stand for in one tenant, as it is when they are asked for."""

    def __init__(self, identity: Identity, state: Object) -> None:
        self._identity = identity
        self._state = state

    def text(self, text: str) -> str:
        """The text with every word replaced. Raises BadWord."""
        return text if text == SECRET else _WORD.sub(self._replaced, text)

    def value(self, value: Any) -> Any:
        """The same for every text inside a value; times become texts. Raises BadWord."""
        if isinstance(value, str):
            text = self.text(value)
            return int(text) if value.startswith("{epoch") and text.isdigit() else text
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(each) for name, each in value.items()}
        return plain(value)

    def resource(self, name: str) -> Object:
        """The service principal of an API: `powerbi`, `graph` or its display name. Raises BadWord."""
        principals: list[Object] = self._state.get("servicePrincipals", [])
        known = _RESOURCES.get(name.lower())
        if known == POWER_BI:  # GCC has an app of its own
            cloud = self._state["tenant"].get("cloud", "public")
            known = clouds()[cloud].powerbi_app_id if cloud in tuple(clouds()) else known
        found = named(principals, known or name)
        if found is None:
            raise BadWord(f"no API {name!r} in this tenant{near(name, _RESOURCES)}")
        return found

    def permission(self, kind: str, text: str) -> tuple[Object, str, str]:
        """API, id and name of `powerbi/Tenant.Read.All`; `kind` is `role` or `scope`. Raises BadWord."""
        api, _, name = text.rpartition("/")
        if not api:
            raise BadWord(f"{text!r} names no API; write powerbi/{text} or graph/{text}")
        resource = self.resource(api)
        published = resource.get("appRoles" if kind == "role" else "oauth2PermissionScopes") or []
        for each in published:
            if str(each.get("value", "")).lower() == name.lower():
                return resource, str(each["id"]), str(each["value"])
        fact = permission(api.lower(), "Role" if kind == "role" else "Scope", name)
        if fact is not None:
            return resource, fact.id, fact.value
        others = near(name, [str(each.get("value", "")) for each in published])
        raise BadWord(f"{api} publishes no {'app role' if kind == 'role' else 'scope'} {name!r}{others}")

    def _replaced(self, match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        kind, colon, name = match[1].partition(":")
        if kind in _OBJECTS and colon:
            return self._object(kind, name)
        if kind in _CONTENT and colon:
            return self._content(kind, name)
        if kind == "id" and name:
            return self._identity.id(f"own {name}")
        if kind in ("role", "scope") and colon:
            return self.permission(kind, name)[1]
        if kind == "secret-id":
            return self._secret_id(name)
        if not colon and kind in ("tenant", "domain"):
            return self._identity.tenant_id if kind == "tenant" else str(self._state["tenant"]["domain"])
        moment = _TIME.fullmatch(match[1])
        if moment is not None:
            return _moment(moment)
        if match[0] == SECRET:
            raise BadWord(f"{SECRET} stands alone, and only under caller")
        raise BadWord(f"{match[0]} stands for nothing{near(kind, KNOWN)}")

    def _object(self, kind: str, name: str) -> str:
        collection, key = _OBJECTS[kind]
        elements: list[Object] = self._state.get(collection, [])
        found = named(elements, name)
        if found is None and kind == "client":
            found = named(self._state.get("servicePrincipals", []), name)
        if found is None:
            raise BadWord(f"{{{kind}:{name}}}: {collection} has no {name!r}{near(name, map(title, elements))}")
        return str(found[key])

    def _content(self, kind: str, name: str) -> str:
        """What stands in a workspace, by its name or by WORKSPACE/NAME; the first of that name."""
        place, _, own = name.rpartition("/")
        items: list[Object] = [
            each
            for workspace in self._state.get("workspaces", [])
            if not place or place.lower() in called(workspace)
            for each in workspace.get(_CONTENT[kind], [])
        ]
        found = named(items, own)
        if found is None:
            raise BadWord(f"{{{kind}:{name}}}: no workspace has such a {kind}{near(own, map(title, items))}")
        return str(found["id"])

    def _secret_id(self, name: str) -> str:
        for app in self._state.get("applications", []):
            if not name or name.lower() in called(app):
                for each in app.get("passwordCredentials") or []:
                    if each.get("_renewed"):
                        return str(each["keyId"])
        raise BadWord("{secret-id}: no app has a secret of this start")


def _moment(match: re.Match[str]) -> str:
    """A time as Graph writes it, or with `epoch` as seconds since 1970."""
    shift = timedelta(**{_UNITS[match[4]]: int(match[3])}) if match[2] else timedelta()
    try:
        moment = datetime.now(UTC) + (-shift if match[2] == "-" else shift)
    except OverflowError:
        raise BadWord(f"{{{match[0]}}} is beyond the calendar") from None
    return str(int(moment.timestamp())) if match[1] == "epoch" else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
