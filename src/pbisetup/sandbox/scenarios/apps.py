"""An app in few lines: registration, service principal, secret, memberships, roles, permissions and consent."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.first_party import service_principal
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios.file import Object, near
from pbisetup.sandbox.scenarios.made import application, secret
from pbisetup.sandbox.scenarios.words import BadWord, Words, named, title

SHORT: Final = ("secret", "groups", "workspaces", "capacities", "roles", "scopes", "consent")
"""What is said of an app in few words; everything else under `new.apps` is a property of the app registration."""
WORKSPACE_ROLES: Final = ("Admin", "Member", "Contributor", "Viewer")
CAPACITY_RIGHTS: Final = {"Admin": "admins", "Contributor": "contributors"}


class Apps:
    """Makes and changes apps in a state. Every method raises BadWord where something is not there."""

    def __init__(self, identity: Identity, state: Object, words: Words) -> None:
        self._identity = identity
        self._state = state
        self._words = words

    def make(self, name: str) -> None:
        """An app registration with its service principal; they have what `new` leaves out."""
        app = application(self._identity, name)
        self._state["applications"].append(app)
        self._state["servicePrincipals"].append(service_principal(self._identity, app["appId"], name, []))

    def application(self, name: str) -> Object:
        """The app registration of this name."""
        applications: list[Object] = self._state["applications"]
        found = named(applications, name)
        if found is None:
            raise BadWord(f"no app {name!r}{near(name, map(title, applications))}")
        return found

    def principal(self, name: str) -> tuple[Object, str]:
        """Who this is, with the type that role assignments say: a service principal, user or group, by name or id."""
        for collection, kind in (("servicePrincipals", "ServicePrincipal"), ("users", "User"), ("groups", "Group")):
            found = named(self._state.get(collection, []), name)
            if found is not None:
                return found, kind
        everybody = [title(e) for c in ("servicePrincipals", "users", "groups") for e in self._state.get(c, [])]
        raise BadWord(f"no app, user or group {name!r}{near(name, everybody)}")

    def assign(self, workspace: str, principal: str, role: str) -> None:
        """Give somebody a role in a workspace, in place of the one held."""
        self._assign(workspace, *self.principal(principal), role)

    def add(self, name: str, word: str, value: Any) -> None:
        """Do what one of the short words says of an app."""
        app = self.application(name)
        if word == "secret":
            if _flag(word, value):
                app["passwordCredentials"].append(secret(self._identity, name))
            return
        own = self._own(app)
        if word == "groups":
            for each in _texts(word, value):
                members = self._group(each).setdefault("members", [])
                members.extend([own["id"]] if own["id"] not in members else [])
        elif word == "workspaces":
            for each, role in _table(word, value).items():
                self._assign(each, own, "ServicePrincipal", role)
        elif word == "capacities":
            for each, right in _table(word, value).items():
                if right not in CAPACITY_RIGHTS:
                    raise BadWord(f"{right!r} is none of {', '.join(CAPACITY_RIGHTS)}")
                self._of("capacities", each).setdefault(CAPACITY_RIGHTS[right], []).append(own["id"])
        elif word == "roles":
            for each in _texts(word, value):
                self._grant_role(app, own, each)
        elif word == "scopes":
            for each in _texts(word, value):
                resource, id_, _ = self._words.permission("scope", each)
                _require(app, str(resource["appId"]), id_, "Scope")
        else:
            self._consent(app, own, value)

    def remove(self, name: str, word: str, value: Any) -> None:
        """Undo what the same word did."""
        app = self.application(name)
        if word == "secret":
            app["passwordCredentials"] = [c for c in app["passwordCredentials"] if not c.get("_renewed")]
            return
        own = self._own(app)
        if word == "consent":
            grants = self._state["oauth2PermissionGrants"]
            self._state["oauth2PermissionGrants"] = [g for g in grants if g["clientId"] != own["id"]]
            return
        for each in _texts(word, value):
            if word == "groups":
                members = self._group(each)["members"]
                _take(members, own["id"], f"{name} is not in {each}")
            elif word == "workspaces":
                workspace = self._of("workspaces", each)
                held = [a for a in workspace["roleAssignments"] if a["principal"]["id"] != own["id"]]
                if len(held) == len(workspace["roleAssignments"]):
                    raise BadWord(f"{name} has no role in {each}")
                workspace["roleAssignments"] = held
            elif word == "capacities":
                capacity = self._of("capacities", each)
                for holders in CAPACITY_RIGHTS.values():
                    if own["id"] in capacity.get(holders, []):
                        capacity[holders].remove(own["id"])
            else:
                self._take_permission(app, own, "role" if word == "roles" else "scope", each)

    def _own(self, app: Object) -> Object:
        found = named(self._state["servicePrincipals"], app["appId"])
        if found is None:
            raise BadWord(f"{app['displayName']} has no service principal")
        return found

    def _group(self, name: str) -> Object:
        return self._of("groups", name)

    def _of(self, collection: str, name: str) -> Object:
        elements: list[Object] = self._state[collection]
        found = named(elements, self._words.text(name))
        if found is None:
            raise BadWord(f"{collection} has no {name!r}{near(name, map(title, elements))}")
        return found

    def _assign(self, workspace: str, principal: Object, kind: str, role: Any) -> None:
        if role not in WORKSPACE_ROLES:
            raise BadWord(f"{role!r} is none of {', '.join(WORKSPACE_ROLES)}")
        target = self._of("workspaces", workspace)
        id_ = principal["id"]
        entry = {"id": id_, "principal": {"id": id_, "type": kind}, "role": role}
        others = [a for a in target.get("roleAssignments", []) if a["principal"]["id"] != id_]
        target["roleAssignments"] = [*others, entry]

    def _grant_role(self, app: Object, own: Object, text: str) -> None:
        resource, id_, _ = self._words.permission("role", text)
        _require(app, str(resource["appId"]), id_, "Role")
        self._state["appRoleAssignments"].append(
            {
                "id": self._identity.id(f"grant {own['id']} {id_}"),
                "appRoleId": id_,
                "createdDateTime": "2026-02-02T09:00:00Z",
                "principalId": own["id"],
                "principalDisplayName": own["displayName"],
                "principalType": "ServicePrincipal",
                "resourceId": resource["id"],
                "resourceDisplayName": resource["displayName"],
            }
        )

    def _consent(self, app: Object, own: Object, value: Any) -> None:
        """`"everybody"`, or a list of users: to all scopes that the app asks for."""
        if value == "everybody":
            users: list[Object | None] = [None]
        elif isinstance(value, list):
            users = [self._of("users", str(each)) for each in value]
        else:
            raise BadWord('consent is "everybody", or a list of users')
        for required in app["requiredResourceAccess"]:
            resource = self._words.resource(required["resourceAppId"])
            wanted = {each["id"] for each in required["resourceAccess"] if each["type"] == "Scope"}
            scopes = [s["value"] for s in resource["oauth2PermissionScopes"] if s["id"] in wanted]
            for user in users if scopes else ():
                id_ = self._identity.id(f"consent {own['id']} {resource['id']} {user and user['id']}")
                grants = self._state["oauth2PermissionGrants"]
                grants[:] = [each for each in grants if each["id"] != id_]
                grants.append(
                    {
                        "id": id_,
                        "clientId": own["id"],
                        "consentType": "Principal" if user else "AllPrincipals",
                        "principalId": user["id"] if user else None,
                        "resourceId": resource["id"],
                        "scope": " ".join(scopes),
                    }
                )

    def _take_permission(self, app: Object, own: Object, kind: str, text: str) -> None:
        resource, id_, name = self._words.permission(kind, text)
        for required in app["requiredResourceAccess"]:
            required["resourceAccess"] = [each for each in required["resourceAccess"] if each["id"] != id_]
        app["requiredResourceAccess"] = [each for each in app["requiredResourceAccess"] if each["resourceAccess"]]
        if kind == "role":
            held = self._state["appRoleAssignments"]
            self._state["appRoleAssignments"] = [
                each for each in held if (each["principalId"], each["appRoleId"]) != (own["id"], id_)
            ]
            return
        for grant in self._state["oauth2PermissionGrants"]:
            if (grant["clientId"], grant["resourceId"]) == (own["id"], resource["id"]):
                grant["scope"] = " ".join(each for each in grant["scope"].split() if each != name)


def _require(app: Object, resource: str, id_: str, kind: str) -> None:
    """Put a permission among those that the app registration asks for."""
    found = next((each for each in app["requiredResourceAccess"] if each["resourceAppId"] == resource), None)
    if found is None:
        found = {"resourceAppId": resource, "resourceAccess": []}
        app["requiredResourceAccess"].append(found)
    entry = {"id": id_, "type": kind}
    if entry not in found["resourceAccess"]:
        found["resourceAccess"].append(entry)


def _take(values: list[Any], value: Any, otherwise: str) -> None:
    if value not in values:
        raise BadWord(otherwise)
    values.remove(value)


def _texts(word: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadWord(f"{word} must be a list of texts")
    return value


def _table(word: str, value: Any) -> Object:
    if not isinstance(value, dict):
        raise BadWord(f"{word} must be a table such as {{ NAME = ROLE }}")
    return value


def _flag(word: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadWord(f"{word} must be true or false")
    return value
