"""In which workspaces an app has a role: those of the manifest as the operator sees them, others as the app itself does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.manifest import Environment, WorkspaceSpec
from pbisetup.model.tenant import AppRegistration, Workspace
from pbisetup.observe.reading import values_fact
from pbisetup.observe.session import Session
from pbisetup.services.identity import app_tokens
from pbisetup.services.rest import RestClient
from pbisetup.services.secret_store import Store

MOST = 50
"""Workspaces beside the manifest's whose roles are read; an app in more of them is no small matter to take away."""


class Presence:
    """Looks at workspaces as one operator; `admin`: whether they administer Power BI, too."""

    def __init__(self, session: Session, environment: Environment, *, admin: bool) -> None:
        self._session, self._env, self._admin = session, environment, admin
        self.foreign: set[str] = set()
        """Ids of workspaces that only an administrator's view showed."""

    def workspaces(self) -> dict[str, Fact[Workspace]]:
        """Those of the manifest, by its keys; absent only where an administrator's view shows none either."""
        return {spec.key: self._workspace(spec) for spec in self._env.workspaces}

    def elsewhere(self, app: AppRegistration, store: Store) -> tuple[Workspace, ...]:
        """Workspaces beside the manifest's that the app's own token shows; none where it has no credential that works."""
        credential, network = store.credential(), self._session.network
        if credential is None or credential.secret is None or credential.client_id.lower() != app.client_id.lower():
            return ()
        try:
            tokens = app_tokens(network, credential.tenant_id, credential.client_id, credential.secret)
            api = RestClient(network, network.cloud.powerbi, network.cloud.powerbi_resource, tokens, "app")
            try:
                answer = api.get("/v1.0/myorg/groups")
            finally:
                api.close()
        except PbisetupError:
            return ()
        listed = answer.objects if answer.ok else []
        named = {key for spec in self._env.workspaces for key in (spec.name, spec.id)}
        others = [raw for raw in listed if not {raw.get("id"), raw.get("name")} & named][:MOST]
        return tuple(self._entered(raw) for raw in others if raw.get("id"))

    def _workspace(self, spec: WorkspaceSpec) -> Fact[Workspace]:
        wanted = f"id eq '{spec.id}'" if spec.id else "name eq '{}'".format((spec.name or "").replace("'", "''"))
        fact = self._listed("/v1.0/myorg/groups", {"$filter": wanted}, spec)
        if isinstance(fact, Known):
            return Known(self._entered(fact.value), fact.evidence)
        if isinstance(fact, Unknown):
            return fact
        unseen = Unknown("it does not exist, or you have no role in it", fact.evidence)
        if not self._admin:
            return unseen
        # A workspace that somebody has no role in is invisible to them: whether it exists, an administrator's view tells.
        query = {"$filter": wanted, "$expand": "users", "$top": "10"}
        seen = self._listed("/v1.0/myorg/admin/groups", query, spec)
        if not isinstance(seen, Known):
            return seen if isinstance(seen, Absent) else unseen
        users = seen.value.get("users")
        workspace = self._read(seen.value, users if isinstance(users, list) else None)
        self.foreign.add(workspace.id)
        return Known(workspace, seen.evidence)

    def _listed(self, path: str, query: Mapping[str, str], spec: WorkspaceSpec) -> Fact[dict[str, Any]]:
        try:
            fact = values_fact(self._session.powerbi.get(path, query))
        except PbisetupError as error:
            return Unknown(error.message)
        if not isinstance(fact, Known):
            return fact
        alive = [raw for raw in fact.value if raw.get("state", "Active") != "Deleted"]
        hits = [raw for raw in alive if (raw.get("id") == spec.id if spec.id else raw.get("name") == spec.name)]
        if len(hits) > 1:
            return Unknown(f"{len(hits)} workspaces are called {spec.name!r}: name one by its id", fact.evidence)
        return Known(hits[0], fact.evidence) if hits else Absent(fact.evidence)

    def _entered(self, raw: Mapping[str, Any]) -> Workspace:
        """A workspace with the roles that its own list shows."""
        try:
            users = values_fact(self._session.powerbi.get(f"/v1.0/myorg/groups/{raw['id']}/users"))
        except PbisetupError:
            users = Unknown("not read")
        return self._read(raw, users.value if isinstance(users, Known) else None)

    def _read(self, raw: Mapping[str, Any], users: list[dict[str, Any]] | None) -> Workspace:
        workspace = Workspace(id=str(raw["id"]), name=str(raw.get("name", "")))
        if users is None:
            return workspace
        # A profile of a service principal bears the principal's id: its role is the profile's own.
        rows = [user for user in users if not user.get("profile")]
        operator = self._session.operator
        roles = {str(user.get("identifier", "")): user.get("groupUserAccessRight", "Viewer") for user in rows}
        # A person is listed by address, a service principal by object id (swagger GroupUser.identifier).
        own = roles.get(operator.account) or roles.get(operator.object_id)
        kinds = {str(user.get("identifier", "")): str(user.get("principalType", "")) for user in rows}
        return replace(workspace, roles=roles, operator_role=own, kinds=kinds)
