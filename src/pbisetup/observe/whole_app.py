"""What plans do not ask of an app and a hand-off does: its certificates, whom it trusts, and every reply address."""

from __future__ import annotations

from dataclasses import replace

from pbisetup.model.facts import Known
from pbisetup.model.snapshot import Snapshot
from pbisetup.observe.reading import application, object_fact, values_fact
from pbisetup.observe.session import Session

_FIELDS = (
    "id,appId,displayName,uniqueName,tags,passwordCredentials,keyCredentials,requiredResourceAccess,"
    "isFallbackPublicClient,publicClient,web,spa"
)


def with_whole_app(session: Session, snapshot: Snapshot) -> Snapshot:
    """The snapshot with the app read whole, as far as it can be; as it was where there is no app."""
    seen = snapshot.app
    if not isinstance(seen, Known):
        return snapshot
    path, graph = f"applications/{seen.value.object_id}", session.graph
    shown = object_fact(graph.get(graph.at(path), select=_FIELDS))
    if not isinstance(shown, Known):
        return snapshot
    trusted = values_fact(graph.get(graph.at(f"{path}/federatedIdentityCredentials")))
    listed = trusted.value if isinstance(trusted, Known) else None
    return replace(snapshot, app=Known(application(shown.value, seen.value.owners, listed), shown.evidence))
