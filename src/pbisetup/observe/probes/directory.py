"""What the directory shows: the app, its service principal, what was granted to it, and who signs in to it.

Objects are asked for by the app's client id, which nobody has to look up first; so they are all asked for at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

from pbisetup.model.case import (
    APP,
    FAILED_SIGN_INS,
    GRANTS,
    MAY_CREATE_APPS,
    MAY_CREATE_GROUPS,
    MEMBERSHIPS,
    NAMED,
    NESTED,
    OPERATOR,
    PERSON,
    POLICIES,
    POWER_BI,
    ROLE_GRANTS,
    SERVICE_PRINCIPAL,
    SIGNED_IN,
    TENANT,
    TOKEN,
    Key,
    Sighting,
)
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.tenant import Person
from pbisetup.observe import reading
from pbisetup.observe.engine import Board, Probe
from pbisetup.observe.probes.question import Question
from pbisetup.observe.session import Entered, ordinary_rights, organization, who
from pbisetup.planning.manifest import is_guid
from pbisetup.services.answer import Answer
from pbisetup.services.directory import Builder
from pbisetup.services.side_by_side import side_by_side

APP_FIELDS: Final = (
    "id,appId,displayName,uniqueName,tags,passwordCredentials,keyCredentials,requiredResourceAccess,"
    "isFallbackPublicClient,publicClient,web,spa,disabledByMicrosoftStatus,isDisabled"
)
_PRINCIPAL_FIELDS: Final = "id,appId,displayName,accountEnabled,appRoleAssignmentRequired,appOwnerOrganizationId"
_RESOURCE_FIELDS: Final = "id,appId,accountEnabled,appRoles,oauth2PermissionScopes"
_GRAPH: Final = (SIGNED_IN, "graph")


def directory_probes(question: Question) -> Iterator[Probe]:
    """Everything that Graph may tell the operator, else the app itself; empty where neither can look."""
    if not question.somebody_looks:
        return
    client_id = question.asked.client_id or ""
    if question.operator is not None:
        yield _probe("operator", OPERATOR, question, _operator)
        yield _probe("organization", TENANT, question, _organization)
        yield Probe(
            "what users may",
            ((MAY_CREATE_APPS, None), (MAY_CREATE_GROUPS, None)),
            partial(_rights, question),
            (_GRAPH,),
        )
    yield _probe("power bi", POWER_BI, question, _power_bi)
    if not is_guid(client_id):
        return
    yield _probe("app", APP, question, partial(_app, client_id))
    yield _probe("service principal", SERVICE_PRINCIPAL, question, partial(_principal, client_id))
    yield _probe("consent", GRANTS, question, partial(_grants, client_id))
    yield _probe("application permissions", ROLE_GRANTS, question, partial(_role_grants, client_id))
    yield _probe("groups of the app", MEMBERSHIPS, question, partial(_groups_of, client_id, "memberOf"))
    yield _probe("groups around them", NESTED, question, partial(_groups_of, client_id, "transitiveMemberOf"))
    yield Probe(
        "what the client id is", ((NAMED, client_id),), partial(_named_client, question, client_id), (_GRAPH,),
        after=((APP, None), (SERVICE_PRINCIPAL, None)),
    )  # fmt: skip
    for id_ in question.asked.request.ids if question.asked.request else ():
        yield Probe(f"what {id_} is", ((NAMED, id_),), partial(_named, question, id_), (_GRAPH,))
    yield Probe(
        "policies", ((POLICIES, None),), partial(_policies, question), (_GRAPH,), after=((SERVICE_PRINCIPAL, None),)
    )
    if question.asked.sign_in == "user":
        yield Probe("person", ((PERSON, None),), partial(_person, question), (_GRAPH,), after=((TOKEN, "powerbi"),))
    yield Probe(
        "failed sign-ins", ((FAILED_SIGN_INS, None),), partial(_failed_sign_ins, question, client_id), (_GRAPH,),
        after=((TOKEN, "powerbi"),),
    )  # fmt: skip


def _probe(name: str, key: Key[Any], question: Question, ask: Callable[[Entered], Fact[Any]]) -> Probe:
    def look(_: Board) -> Iterable[Sighting]:
        assert question.door is not None
        yield Sighting(key, None, ask(question.door))

    return Probe(name, ((key, None),), look, (_GRAPH,))


# -- the operator --------------------------------------------------------------------------------------------------


def _operator(door: Entered) -> Fact[Any]:
    found = who(door)
    return Known(found, Evidence("sign-in", "operator", f"{found.account} by {found.route}"))


def _organization(door: Entered) -> Fact[Any]:
    found = organization(door, None)
    return Known(found, Evidence("GET /v1.0/organization", "operator", found.id))


def _rights(question: Question, _: Board) -> Iterable[Sighting]:
    assert question.door is not None
    seen = Evidence("GET /v1.0/policies/authorizationPolicy", "operator", "read")
    for key, may in zip((MAY_CREATE_APPS, MAY_CREATE_GROUPS), ordinary_rights(question.door.graph), strict=True):
        yield Sighting(key, None, Unknown("the policy could not be read", seen) if may is None else Known(may, seen))


# -- the app -------------------------------------------------------------------------------------------------------


def _app(client_id: str, door: Entered) -> Fact[Any]:
    graph = door.graph
    shown, owning, trusted = side_by_side(
        lambda: [graph.get(_of(door, "applications", client_id), select=APP_FIELDS)],
        lambda: list(graph.list(_of(door, "applications", client_id, "owners"))),
        lambda: list(graph.list(_of(door, "applications", client_id, "federatedIdentityCredentials"))),
    )
    app, owners, federated = reading.object_fact(shown[0]), _whole(owning), _whole(trusted)
    if not isinstance(app, Known):
        return app
    ids = frozenset(str(each["id"]) for each in owners.value if "id" in each) if isinstance(owners, Known) else None
    listed = federated.value if isinstance(federated, Known) else None
    return Known(reading.application(app.value, ids, listed), app.evidence)


def _principal(client_id: str, door: Entered) -> Fact[Any]:
    builder = _of(door, "servicePrincipals", client_id)
    fact = reading.object_fact(door.graph.get(builder, select=_PRINCIPAL_FIELDS))
    return Known(reading.principal(fact.value), fact.evidence) if isinstance(fact, Known) else fact


def _power_bi(door: Entered) -> Fact[Any]:
    app_id = door.network.cloud.powerbi_app_id
    builder = _of(door, "servicePrincipals", app_id)
    fact = reading.object_fact(door.graph.get(builder, select=_RESOURCE_FIELDS))
    return Known(reading.resource(fact.value, app_id), fact.evidence) if isinstance(fact, Known) else fact


def _of(door: Entered, collection: str, client_id: str, relation: str = "") -> Builder:
    """An object that is addressed by its client id, or a relation of it."""
    return door.graph.at(f"{collection}(appId='{client_id}'){f'/{relation}' if relation else ''}")


def _grants(client_id: str, door: Entered) -> Fact[Any]:
    listed = _all(door, _of(door, "servicePrincipals", client_id, "oauth2PermissionGrants"))
    return Known(tuple(map(reading.grant, listed.value)), listed.evidence) if isinstance(listed, Known) else listed


def _role_grants(client_id: str, door: Entered) -> Fact[Any]:
    listed = _all(door, _of(door, "servicePrincipals", client_id, "appRoleAssignments"))
    return Known(tuple(map(reading.role_grant, listed.value)), listed.evidence) if isinstance(listed, Known) else listed


def _groups_of(client_id: str, relation: str, door: Entered) -> Fact[Any]:
    listed = _all(door, _of(door, "servicePrincipals", client_id, relation))
    if not isinstance(listed, Known):
        return listed
    return Known(frozenset(str(each["id"]) for each in listed.value if "id" in each), listed.evidence)


def _all(door: Entered, builder: Builder) -> Fact[list[dict[str, Any]]]:
    """Every page of a collection, or what kept one from being read."""
    return _whole(list(door.graph.list(builder)))


def _whole(answers: list[Answer]) -> Fact[list[dict[str, Any]]]:
    fact = reading.values_fact(answers[-1])
    if not isinstance(fact, Known):
        return fact
    return Known([each for answer in answers for each in answer.objects], fact.evidence)


# -- ids and people ------------------------------------------------------------------------------------------------


def _named_client(question: Question, client_id: str, board: Board) -> Iterable[Sighting]:
    """Only where it is no client id: then it may be something else's object id."""
    if isinstance(board.fact(APP), Known) or isinstance(board.fact(SERVICE_PRINCIPAL), Known):
        return ()
    return _named(question, client_id, board)


def _named(question: Question, id_: str, _: Board) -> Iterable[Sighting]:
    assert question.door is not None
    graph = question.door.graph
    fact = reading.object_fact(graph.get(graph.client.directory_objects.by_directory_object_id(id_)))
    if isinstance(fact, Known):
        yield Sighting(NAMED, id_, Known(reading.directory_object(fact.value), fact.evidence))
    else:
        yield Sighting(NAMED, id_, fact)


def _person(question: Question, board: Board) -> Iterable[Sighting]:
    assert question.door is not None
    attempt = board.value(TOKEN, "powerbi")
    claims = attempt.claims if attempt else None
    account = question.credential.username if question.credential else ""
    key = claims.object_id if claims else account
    if not key:
        yield Sighting(PERSON, None, Unknown("nobody has signed in"))
        return
    graph = question.door.graph
    user = graph.client.users.by_user_id(key)
    eligible = graph.client.role_management.directory.role_eligibility_schedule_instances
    told, roles, plans, could = side_by_side(
        lambda: graph.get(user, select="id,userPrincipalName"),
        lambda: graph.get(user.transitive_member_of.graph_directory_role, select="id,roleTemplateId"),
        lambda: graph.get(user.license_details),
        # Seen of oneself, and of others by who may read role management; by object id alone.
        lambda: graph.get(eligible, filter=f"principalId eq '{key}'"),
    )
    fact = reading.object_fact(told)
    if not isinstance(fact, Known):
        yield Sighting(PERSON, None, fact)
        return
    found = Person(
        object_id=str(fact.value["id"]),
        account=str(fact.value.get("userPrincipalName", "")),
        roles=frozenset(str(each.get("roleTemplateId")) for each in roles.objects) if roles.ok else frozenset(),
        licences=reading.plans(plans.objects) if plans.ok else None,
        eligible=frozenset(str(each.get("roleDefinitionId")) for each in could.objects) if could.ok else None,
    )
    yield Sighting(PERSON, None, Known(found, fact.evidence))


def _policies(question: Question, board: Board) -> Iterable[Sighting]:
    assert question.door is not None
    graph = question.door.graph
    answer = graph.get(graph.client.identity.conditional_access.policies)
    fact = reading.values_fact(answer)
    if isinstance(fact, Known):
        principal = board.value(SERVICE_PRINCIPAL)
        names = {question.network.cloud.powerbi_app_id, question.asked.client_id or ""}
        own = principal.object_id if principal else ""
        app = question.asked.sign_in == "app"
        found = tuple(
            reading.access_policy(raw) for raw in fact.value if reading.concerns(raw, names, own, app_only=app)
        )
        yield Sighting(POLICIES, None, Known(found, fact.evidence))
    else:
        yield Sighting(POLICIES, None, fact)


def _failed_sign_ins(question: Question, client_id: str, board: Board) -> Iterable[Sighting]:
    """Of the last hours, where the app was refused a token; only beta knows those of service principals (entra.md 12)."""
    assert question.door is not None
    attempt = board.value(TOKEN, "powerbi")
    if attempt is None or attempt.issued:
        return
    graph = question.door.graph
    kind = "servicePrincipal" if question.asked.sign_in == "app" else "nonInteractiveUser"
    wanted = f"appId eq '{client_id}' and signInEventTypes/any(t:t eq '{kind}') and status/errorCode ne 0"
    answer = graph.get(graph.at("beta/auditLogs/signIns"), filter=wanted, top="5")
    fact = reading.values_fact(answer)
    if isinstance(fact, Known):
        yield Sighting(FAILED_SIGN_INS, None, Known(tuple(map(reading.failed_sign_in, fact.value)), fact.evidence))
    else:
        yield Sighting(FAILED_SIGN_INS, None, fact)
