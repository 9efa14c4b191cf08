"""One workspace of the manifest, as whoever calls sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.tenant import Operator, Workspace
from pbisetup.observe.reading import values_fact
from pbisetup.services.rest import RestClient


def workspace(api: RestClient, spec: WorkspaceSpec, operator: Operator | None = None) -> Fact[Workspace]:
    """The workspace with its roles; absent where the caller is shown none, unknown where the API did not say.

    `operator`: whose own role is told, where it is they who call.
    """
    fact = listed(api, "/v1.0/myorg/groups", {"$filter": condition(spec)}, spec)
    return Known(entered(api, fact.value, operator), fact.evidence) if isinstance(fact, Known) else fact


def condition(spec: WorkspaceSpec) -> str:
    """The workspace's own condition for a `$filter`."""
    return f"id eq '{spec.id}'" if spec.id else "name eq '{}'".format((spec.name or "").replace("'", "''"))


def listed(api: RestClient, path: str, query: Mapping[str, str], spec: WorkspaceSpec) -> Fact[dict[str, Any]]:
    """The row of this workspace in a list; unknown where several bear its name, or where the list could not be had."""
    try:
        fact = values_fact(api.get(path, query))
    except PbisetupError as error:
        return Unknown(error.message)
    if not isinstance(fact, Known):
        return fact
    alive = [raw for raw in fact.value if raw.get("state", "Active") != "Deleted"]
    hits = [raw for raw in alive if (raw.get("id") == spec.id if spec.id else raw.get("name") == spec.name)]
    if len(hits) > 1:
        return Unknown(f"{len(hits)} workspaces are called {spec.name!r}: name one by its id", fact.evidence)
    return Known(hits[0], fact.evidence) if hits else Absent(fact.evidence)


def entered(api: RestClient, raw: Mapping[str, Any], operator: Operator | None) -> Workspace:
    """A workspace with the roles that its own list shows."""
    try:
        users = values_fact(api.get(f"/v1.0/myorg/groups/{raw['id']}/users"))
    except PbisetupError:
        users = Unknown("not read")
    return with_roles(raw, users.value if isinstance(users, Known) else None, operator)


def with_roles(
    raw: Mapping[str, Any], users: Sequence[Mapping[str, Any]] | None, operator: Operator | None
) -> Workspace:
    """A workspace from its row and the rows of its users; None where those could not be read."""
    workspace = Workspace(
        id=str(raw["id"]),
        name=str(raw.get("name", "")),
        capacity_id=raw.get("capacityId"),
        on_capacity=raw.get("isOnDedicatedCapacity"),
        classic=raw.get("type") == "Group" if raw.get("type") else None,
    )
    if users is None:
        return workspace
    # A profile of a service principal bears the principal's id: its role is the profile's own.
    rows = [user for user in users if not user.get("profile")]
    roles = {str(user.get("identifier", "")): user.get("groupUserAccessRight", "Viewer") for user in rows}
    kinds = {str(user.get("identifier", "")): str(user.get("principalType", "")) for user in rows}
    # A person is listed by address, a service principal by object id (swagger GroupUser.identifier).
    own = (roles.get(operator.account) or roles.get(operator.object_id)) if operator is not None else None
    return replace(workspace, roles=roles, operator_role=own, kinds=kinds)
