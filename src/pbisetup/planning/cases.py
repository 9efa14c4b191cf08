"""A case as the planner's snapshot, so that one examination and one plan speak of the same tenant."""

from __future__ import annotations

from collections.abc import Mapping

from pbisetup.catalog.wellknown import ADMISSION_CODE
from pbisetup.model import case as keys
from pbisetup.model.case import Case
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Group, Operator, TenantInfo

ADMISSION_REQUEST = "GET /v1.0/myorg/groups"
"""What tells whether the tenant setting admits the app (powerbi.md 6.1)."""


def snapshot_of(case: Case, operator: Operator, environment: str, without: frozenset[str] = frozenset()) -> Snapshot:
    """What is known of the tenant. `without`: groups that are left as if the service principal were not in them."""
    memberships = case.fact(keys.MEMBERSHIPS)
    if isinstance(memberships, Known):
        memberships = Known(memberships.value - without, memberships.evidence)
    tenant = case.value(keys.TENANT) or TenantInfo(operator.tenant_id, operator.tenant_id, operator.tenant_id)
    refusals = (fact.value.codes for fact in case.all(keys.TOKEN) if isinstance(fact, Known))
    return Snapshot(
        environment=environment,
        tenant=tenant,
        operator=operator,
        app=case.fact(keys.APP),
        deleted_app=Unknown("nobody looked"),
        service_principal=case.fact(keys.SERVICE_PRINCIPAL),
        power_bi=case.fact(keys.POWER_BI),
        delegated_grants=case.fact(keys.GRANTS),
        memberships=memberships,
        settings=case.fact(keys.SETTINGS),
        stored=case.fact(keys.STORED),
        admitted=_admitted(case),
        token_refusals=frozenset(code for codes in refusals for code in codes),
        groups=_groups(case),
        workspaces={of: case.fact(keys.WORKSPACE, of) for of, _ in case.each(keys.WORKSPACE)},
        may_create_apps=case.value(keys.MAY_CREATE_APPS),
        may_create_groups=case.value(keys.MAY_CREATE_GROUPS),
    )


def wanted_group(groups: Mapping[str, Fact[Group]], wanted: str) -> Fact[Group]:
    """What is known of the group of this name or id. Unknown where nobody looked for it: then it may well be there."""
    if wanted in groups:
        return groups[wanted]
    named = {fact.value.id: fact for fact in groups.values() if isinstance(fact, Known) and fact.value.name == wanted}
    return next(iter(named.values())) if len(named) == 1 else Unknown("nobody looked for it")


def group_by_id(case: Case, group_id: str) -> Group | None:
    """What is known of a group, whether it was looked for by its id or its name."""
    known = (fact.value for fact in case.all(keys.GROUP) if isinstance(fact, Known))
    return next((group for group in known if group.id == group_id), None)


def _groups(case: Case) -> dict[str, Fact[Group]]:
    """By what was looked for, and by the id of what was found."""
    found: dict[str, Fact[Group]] = {of: case.fact(keys.GROUP, of) for of, _ in case.each(keys.GROUP)}
    for fact in tuple(found.values()):
        if isinstance(fact, Known):
            found[fact.value.id] = fact
    return found


def _admitted(case: Case) -> Fact[bool]:
    """Whether the API lets the app in. Only an answer to the app itself says so; a person is let in otherwise."""
    if case.asked.sign_in == "user":
        return Unknown("people sign in")
    answer = case.value(keys.ANSWER, ADMISSION_REQUEST)
    if answer is not None and answer.ok:
        return Known(True, answer.evidence)
    if answer is not None and answer.code == ADMISSION_CODE:
        return Known(False, answer.evidence)
    return Unknown("the API did not say")
