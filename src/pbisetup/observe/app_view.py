"""Workspaces as the app itself sees them, where the operator has no role in them and so cannot see what others did there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Absent, Fact, Known, value_of
from pbisetup.model.manifest import Environment, WorkspaceSpec
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Workspace
from pbisetup.observe.reading import values_fact
from pbisetup.observe.session import Session
from pbisetup.services.identity import FixedToken, app_tokens
from pbisetup.services.rest import RestClient
from pbisetup.services.secret_store import Store


def with_apps_view(session: Session, environment: Environment, store: Store, snapshot: Snapshot) -> Snapshot:
    """The snapshot with the workspaces that only the app can see, as far as it could look.

    It looks with its stored secret, and only where the operator sees less than the manifest names.
    """
    app, principal = value_of(snapshot.app), value_of(snapshot.service_principal)
    visible = {key for key, fact in snapshot.workspaces.items() if isinstance(fact, Known)}
    hidden = [spec for spec in environment.workspaces if spec.key not in visible]
    held = store.credential() if hidden and app and principal else None
    if held is None or held.secret is None or app is None or held.client_id.lower() != app.client_id.lower():
        return snapshot
    network = session.network
    try:
        tokens = app_tokens(network, held.tenant_id, held.client_id, held.secret)
        token = FixedToken(tokens.token(network.cloud.scope(network.cloud.powerbi_resource)))
        api = RestClient(network, network.cloud.powerbi, network.cloud.powerbi_resource, token, "app")
        try:
            found = {spec.key: _seen(api, spec) for spec in hidden}
        finally:
            api.close()
    except PbisetupError:
        return snapshot
    if any(fact is None for fact in found.values()):
        return snapshot
    seen = {key: fact for key, fact in found.items() if isinstance(fact, Known)}
    return replace(snapshot, workspaces={**snapshot.workspaces, **seen}, app_looked=True)


def _seen(api: RestClient, spec: WorkspaceSpec) -> Fact[Workspace] | None:
    """The workspace with its roles, absent, or None where the API did not say."""
    quoted = (spec.name or "").replace("'", "''")
    wanted = f"id eq '{spec.id}'" if spec.id else f"name eq '{quoted}'"
    fact = values_fact(api.get("/v1.0/myorg/groups", {"$filter": wanted}))
    if not isinstance(fact, Known):
        return None
    hits = [w for w in fact.value if (w.get("id") == spec.id if spec.id else w.get("name") == spec.name)]
    if len(hits) != 1:
        return Absent(fact.evidence)
    return Known(_workspace(api, hits[0]), fact.evidence)


def _workspace(api: RestClient, raw: Mapping[str, Any]) -> Workspace:
    users = values_fact(api.get(f"/v1.0/myorg/groups/{raw['id']}/users"))
    roles = None
    if isinstance(users, Known):
        roles = {str(u.get("identifier", "")): u.get("groupUserAccessRight", "Viewer") for u in users.value}
    return Workspace(str(raw["id"]), str(raw.get("name", "")), roles)
