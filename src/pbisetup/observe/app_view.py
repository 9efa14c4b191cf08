"""Workspaces as the app itself sees them, where the operator has no role in them and so cannot see what others did there."""

from __future__ import annotations

from dataclasses import replace

from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Known, Unknown, value_of
from pbisetup.model.manifest import Environment
from pbisetup.model.snapshot import Snapshot
from pbisetup.observe.session import Session
from pbisetup.observe.workspaces import workspace
from pbisetup.services.app_sign_in import tokens as app_tokens
from pbisetup.services.identity import FixedToken
from pbisetup.services.rest import RestClient
from pbisetup.services.stores.store import Store


def with_apps_view(session: Session, environment: Environment, store: Store, snapshot: Snapshot) -> Snapshot:
    """The snapshot with the workspaces that only the app can see, as far as it could look.

    It looks with its stored credential, and only where the operator sees less than the manifest names.
    """
    app, principal = value_of(snapshot.app), value_of(snapshot.service_principal)
    visible = {key for key, fact in snapshot.workspaces.items() if isinstance(fact, Known)}
    hidden = [spec for spec in environment.workspaces if spec.key not in visible]
    held = store.credential() if hidden and app and principal else None
    if held is None or not held.usable or app is None or held.client_id.lower() != app.client_id.lower():
        return snapshot
    network = session.network
    try:
        tokens = app_tokens(network, held)
        token = FixedToken(tokens.token(network.cloud.scope(network.cloud.powerbi_resource)))
        api = RestClient(network, network.cloud.powerbi, network.cloud.powerbi_resource, token, "app")
        try:
            found = {spec.key: workspace(api, spec) for spec in hidden}
        finally:
            api.close()
    except PbisetupError:
        return snapshot
    if any(isinstance(fact, Unknown) for fact in found.values()):
        return snapshot
    seen = {key: fact for key, fact in found.items() if isinstance(fact, Known)}
    return replace(snapshot, workspaces={**snapshot.workspaces, **seen}, app_looked=True)
