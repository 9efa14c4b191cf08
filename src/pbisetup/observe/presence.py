"""In which workspaces an app has a role: those of the manifest as the operator sees them, others as the app itself does."""

from __future__ import annotations

from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.manifest import Environment, WorkspaceSpec
from pbisetup.model.tenant import AppRegistration, Workspace
from pbisetup.observe.session import Session
from pbisetup.observe.workspaces import condition, entered, listed, with_roles, workspace
from pbisetup.services.app_sign_in import tokens as app_tokens
from pbisetup.services.rest import RestClient
from pbisetup.services.stores.store import Store

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
        if credential is None or not credential.usable or credential.client_id.lower() != app.client_id.lower():
            return ()
        try:
            tokens = app_tokens(network, credential)
            api = RestClient(network, network.cloud.powerbi, network.cloud.powerbi_resource, tokens, "app")
            try:
                answer = api.get("/v1.0/myorg/groups")
            finally:
                api.close()
        except PbisetupError:
            return ()
        shown = answer.objects if answer.ok else []
        named = {key for spec in self._env.workspaces for key in (spec.name, spec.id)}
        others = [raw for raw in shown if not {raw.get("id"), raw.get("name")} & named][:MOST]
        session = self._session
        return tuple(entered(session.powerbi, raw, session.operator) for raw in others if raw.get("id"))

    def _workspace(self, spec: WorkspaceSpec) -> Fact[Workspace]:
        api, operator = self._session.powerbi, self._session.operator
        fact = workspace(api, spec, operator)
        if not isinstance(fact, Absent):
            return fact
        unseen = Unknown("it does not exist, or you have no role in it", fact.evidence)
        if not self._admin:
            return unseen
        # A workspace that somebody has no role in is invisible to them: whether it exists, an administrator's view tells.
        query = {"$filter": condition(spec), "$expand": "users", "$top": "10"}
        seen = listed(api, "/v1.0/myorg/admin/groups", query, spec)
        if not isinstance(seen, Known):
            return seen if isinstance(seen, Absent) else unseen
        users = seen.value.get("users")
        shown = with_roles(seen.value, users if isinstance(users, list) else None, operator)
        self.foreign.add(shown.id)
        return Known(shown, seen.evidence)
