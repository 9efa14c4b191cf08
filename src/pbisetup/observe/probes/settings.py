"""The operator's sign-in for each API, and what Power BI and Fabric show them: settings, groups, workspaces, capacities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from pbisetup.catalog.purposes import purposes
from pbisetup.diagnosis.claims import NotDecodable, decode
from pbisetup.model.case import (
    CAPACITIES,
    GROUP,
    MEMBERSHIPS,
    SETTINGS,
    SIGNED_IN,
    WORKSPACE,
    Sighting,
)
from pbisetup.model.errors import Evidence, Unavailable
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.tenant import Capacity, Workspace
from pbisetup.observe import reading
from pbisetup.observe.engine import Board, Probe
from pbisetup.observe.probes.question import Question
from pbisetup.observe.session import Entered, door_of, knock, routes
from pbisetup.planning.manifest import is_guid
from pbisetup.planning.wanted import group_for
from pbisetup.services import app_sign_in, authority
from pbisetup.services.rest import RestClient
from pbisetup.services.side_by_side import side_by_side

_MOST_GROUPS: Final = 40
"""Of the settings that count, this many groups are looked at: more would run into Graph's throttling."""
_PERSON_SECONDS: Final = 930.0


def operator_probes(question: Question) -> Iterator[Probe]:
    """Signing in; a person does that once, and gets the other APIs' tokens by it."""
    how = question.operator
    if how is None:
        if question.somebody_looks:
            yield Probe("directory as the app", ((SIGNED_IN, "graph"),), partial(_as_app, question))
        return
    patient = _PERSON_SECONDS if how.terminal else 90.0
    alone = how.route in ("env", "workload", "managed", "az")
    first = ((SIGNED_IN, "graph"),)
    yield Probe("operator graph", first, partial(_sign_in, question), seconds=patient)
    for name in ("powerbi", "fabric"):
        if name == "fabric" and not question.network.cloud.fabric_resource:
            continue
        yield Probe(
            f"operator {name}", ((SIGNED_IN, name),), partial(_also, question, name), () if alone else first,
        )  # fmt: skip


def service_probes(question: Question) -> Iterator[Probe]:
    """What the APIs show the operator."""
    if question.operator is None:
        return
    if question.network.cloud.fabric_resource:
        yield Probe("settings", ((SETTINGS, None),), partial(_settings, question), ((SIGNED_IN, "fabric"),))
        yield Probe(
            "groups of settings", ((GROUP, None),), partial(_groups, question),
            ((SIGNED_IN, "graph"), (SETTINGS, None)), after=((MEMBERSHIPS, None),),
        )  # fmt: skip
    for name in wanted_groups(question):
        slot = ((GROUP, name),)
        yield Probe(f"group {name}", slot, partial(_group_named, question, name), ((SIGNED_IN, "graph"),))
    yield Probe("capacities", ((CAPACITIES, None),), partial(_capacities, question), ((SIGNED_IN, "powerbi"),))
    for spec in looked_at(question):
        yield Probe(
            f"roles in {spec.key}", ((WORKSPACE, spec.key),), partial(_workspace, question, spec),
            ((SIGNED_IN, "powerbi"),),
        )  # fmt: skip


def looked_at(question: Question) -> tuple[WorkspaceSpec, ...]:
    """The workspaces that count: those of the question, and the one that its request is about."""
    asked = question.asked
    found = {(spec.id or spec.key).lower(): spec for spec in asked.workspaces}
    if asked.request is not None and (id_ := asked.request.workspace):
        found.setdefault(id_.lower(), WorkspaceSpec("Viewer", id=id_))
    return tuple(found.values())


# -- signing in ----------------------------------------------------------------------------------------------------


def _sign_in(question: Question, _: Board) -> Iterable[Sighting]:
    door = _door(question)
    door.sign_in()
    seen = Evidence("sign-in", "operator", f"by {door.route}, tenant {door.tenant_id}")
    yield Sighting(SIGNED_IN, "graph", Known(door.route, seen))


def _as_app(question: Question, _: Board) -> Iterable[Sighting]:
    """The app's own eyes: most apps hold no permission on Graph, and then nothing is asked of it."""
    assert question.credential is not None
    network = question.network
    source = app_sign_in.tokens(network, question.credential)
    token = source.token(network.cloud.scope(network.cloud.graph_resource))
    try:
        permissions = decode(token.reveal()).roles
    except NotDecodable:
        permissions = frozenset()
    if not permissions:
        raise Unavailable("PBI311", "the app holds no permission on Microsoft Graph")
    question.door = door_of(network, source, "app")
    yield Sighting(SIGNED_IN, "graph", Known("app", Evidence("sign-in", "app", " ".join(sorted(permissions)))))


def _also(question: Question, name: str, _: Board) -> Iterable[Sighting]:
    """A token for one more API; it is kept where the calls take it from."""
    door = _door(question)
    api = door.powerbi if name == "powerbi" else door.fabric
    assert api is not None
    api.sign_in()
    yield Sighting(SIGNED_IN, name, Known(door.route, Evidence("sign-in", "operator", f"by {door.route}")))


def _door(question: Question) -> Entered:
    """The operator's connections, made by whoever needs them first."""
    with question.lock:
        if question.door is None:
            assert question.operator is not None
            question.door = knock(question.network, question.operator, _tenant(question))
        return question.door


def _tenant(question: Question) -> str | None:
    """The tenant to sign in to: its id where the Azure CLI's session is compared with it, else any of its names."""
    how = question.operator
    assert how is not None
    if how.tenant and not is_guid(how.tenant) and routes(question.network, how)[0] == "az":
        return authority.tenant_id(question.network, how.tenant)
    return how.tenant


# -- settings and their groups -------------------------------------------------------------------------------------


def _settings(question: Question, _: Board) -> Iterable[Sighting]:
    fabric = _door(question).fabric
    assert fabric is not None
    yield Sighting(SETTINGS, None, reading.settings_fact(list(fabric.pages("/v1/admin/tenantsettings"))))


def _groups(question: Question, board: Board) -> Iterable[Sighting]:
    """What kind of groups they are that the settings which count name: those with the app first."""
    settings = board.value(SETTINGS) or {}
    inside = board.value(MEMBERSHIPS) or frozenset()
    named: dict[str, str] = {}
    for name in counting_settings(question):
        if setting := settings.get(name):
            named |= {**setting.enabled_groups, **setting.excluded_groups}
    wanted = sorted(named, key=lambda id_: id_ not in inside)[:_MOST_GROUPS]
    graph = _door(question).graph
    for id_, fact in zip(
        wanted,
        side_by_side(
            *(
                partial(lambda each: graph.get(graph.client.groups.by_group_id(each), select=reading.GROUP_FIELDS), id_)
                for id_ in wanted
            )
        ),
        strict=True,
    ):
        told = reading.object_fact(fact)
        yield Sighting(
            GROUP, id_, Known(reading.read_group(told.value), told.evidence) if isinstance(told, Known) else told
        )


def counting_settings(question: Question) -> tuple[str, ...]:
    """The tenant settings that the purposes and the request need, under today's names and the one of before May 2025."""
    from pbisetup.catalog.needs import settings_of
    from pbisetup.catalog.wellknown import OLD_PUBLIC_API_SETTING, PUBLIC_API_SETTING

    asked = question.asked
    names = [name for purpose in asked.purposes for name in purposes()[purpose].settings]
    if asked.request is not None:
        names += settings_of(asked.request.method, asked.request.path, profile=asked.request.profile is not None)
    return tuple(dict.fromkeys((PUBLIC_API_SETTING, OLD_PUBLIC_API_SETTING, *names)))


def wanted_groups(question: Question) -> tuple[str, ...]:
    """Groups that the app would join, or a setting would be limited to, by name or id."""
    if question.asked.sign_in == "user":
        return ()
    kinds = [kind for purpose in question.asked.purposes for kind in purposes()[purpose].settings.values()]
    return tuple(dict.fromkeys(group_for(question.asked.groups, kind) for kind in ("api", *kinds)))


def _group_named(question: Question, name: str, _: Board) -> Iterable[Sighting]:
    graph = _door(question).graph
    if is_guid(name):
        told = reading.object_fact(graph.get(graph.client.groups.by_group_id(name), select=reading.GROUP_FIELDS))
        yield Sighting(
            GROUP, name, Known(reading.read_group(told.value), told.evidence) if isinstance(told, Known) else told
        )
        return
    quoted = name.replace("'", "''")
    fact = reading.values_fact(
        graph.get(graph.client.groups, filter=f"displayName eq '{quoted}'", select=reading.GROUP_FIELDS)
    )
    if not isinstance(fact, Known):
        yield Sighting(GROUP, name, fact)
    elif not fact.value:
        yield Sighting(GROUP, name, Absent(fact.evidence))
    elif len(fact.value) > 1:
        reason = f"{len(fact.value)} groups are called {name!r}: name one by its object id"
        yield Sighting(GROUP, name, Unknown(reason, fact.evidence))
    else:
        yield Sighting(GROUP, name, Known(reading.read_group(fact.value[0]), fact.evidence))


# -- workspaces and capacities -------------------------------------------------------------------------------------


def _workspace(question: Question, spec: WorkspaceSpec, _: Board) -> Iterable[Sighting]:
    api = _door(question).powerbi
    wanted = f"id eq '{spec.id}'" if spec.id else "name eq '{}'".format((spec.name or "").replace("'", "''"))
    answer = api.get("/v1.0/myorg/groups", {"$filter": wanted})
    fact = reading.values_fact(answer)
    if not isinstance(fact, Known):
        yield Sighting(WORKSPACE, spec.key, fact)
        return
    wanted_id = (spec.id or "").lower()
    hits = [
        w for w in fact.value
        if (str(w.get("id", "")).lower() == wanted_id if spec.id else w.get("name") == spec.name)
    ]  # fmt: skip
    if not hits:
        yield Sighting(WORKSPACE, spec.key, Absent(fact.evidence))
    elif len(hits) > 1:
        reason = f"{len(hits)} workspaces are called {spec.name!r}: name one by its id"
        yield Sighting(WORKSPACE, spec.key, Unknown(reason, fact.evidence))
    else:
        yield Sighting(WORKSPACE, spec.key, Known(_roles(api, hits[0]), fact.evidence))


def _roles(api: RestClient, raw: Mapping[str, Any]) -> Workspace:
    workspace_id = str(raw["id"])
    users = reading.values_fact(api.get(f"/v1.0/myorg/groups/{workspace_id}/users"))
    roles, kinds = None, {}
    if isinstance(users, Known):
        roles = {_holder(u): u.get("groupUserAccessRight", "Viewer") for u in users.value}
        kinds = {_holder(u): "Profile" if _profile(u) else str(u.get("principalType", "")) for u in users.value}
    capacity = raw.get("capacityId")
    return Workspace(
        id=workspace_id,
        name=str(raw.get("name", "")),
        roles=roles,
        kinds=kinds,
        capacity_id=str(capacity) if capacity else None,
        on_capacity=raw.get("isOnDedicatedCapacity"),
        classic=raw.get("type") == "Group" if raw.get("type") else None,
    )


def _holder(user: Mapping[str, Any]) -> str:
    """Whose role it is: a service principal's profile has one of its own, and is listed by the principal's id (swagger)."""
    return _profile(user) or str(user.get("identifier", ""))


def _profile(user: Mapping[str, Any]) -> str:
    return str((user.get("profile") or {}).get("id") or "")


def _capacities(question: Question, _: Board) -> Iterable[Sighting]:
    """Every one for a Fabric administrator, else those that the operator may use."""
    api = _door(question).powerbi
    answer = api.get("/v1.0/myorg/admin/capacities")
    if not answer.ok:
        answer = api.get("/v1.0/myorg/capacities")
    fact = reading.values_fact(answer)
    if not isinstance(fact, Known):
        yield Sighting(CAPACITIES, None, fact)
        return
    found = tuple(
        Capacity(str(c.get("id", "")), str(c.get("displayName", "")), str(c.get("sku", "")), str(c.get("state", "")))
        for c in fact.value
    )
    yield Sighting(CAPACITIES, None, Known(found, fact.evidence))
