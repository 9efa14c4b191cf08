"""Rules of the workspaces: whether the app sees them, with which role, and on what capacity they run."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.catalog.purposes import purposes
from pbisetup.diagnosis.rules.report import Report
from pbisetup.diagnosis.rules.settings import NO_PRINCIPAL
from pbisetup.model.case import (
    CAPACITIES,
    MEMBERSHIPS,
    PERSON,
    SEEN,
    SERVICE_PRINCIPAL,
    WORKSPACE,
    Case,
)
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Fact, Known
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.probe import WorkspaceSeen
from pbisetup.model.tenant import WORKSPACE_ROLES, Capacity, Workspace, WorkspaceRole

RANK: Final = {role: number for number, role in enumerate(reversed(WORKSPACE_ROLES))}
"""Viewer 0 ... Admin 3."""


def workspaces(report: Report) -> None:
    """Each workspace that the app should see."""
    for spec in report.case.asked.workspaces:
        _workspace(report, spec)


def role_in(case: Case, place: Workspace, profile: str | None = None) -> WorkspaceRole | str | None:
    """The role of whom the API sees, by itself or by a group; None: none; `unknown` where that cannot be told.

    A call that names a profile is made with the profile's own role, whatever the service principal's is (powerbi.md 3).
    """
    if place.roles is None:
        return "unknown"
    if profile is not None:
        return next((role for id_, role in place.roles.items() if id_.lower() == profile.lower()), None)
    if case.asked.sign_in == "user":
        person = case.value(PERSON)
        if person is None:
            return "unknown"
        own = place.roles.get(person.account) or place.roles.get(person.object_id)
        return own or "unknown"  # by which groups is not looked at
    principal = case.value(SERVICE_PRINCIPAL)
    if principal is None:
        return "unknown"
    groups = case.fact(MEMBERSHIPS)
    ids = {principal.object_id, *(groups.value if isinstance(groups, Known) else ())}
    held = [role for id_, role in place.roles.items() if id_ in ids]
    if held:
        return max(held, key=lambda role: RANK.get(role, 0))
    by_group = any(kind == "Group" for kind in place.kinds.values())
    return "unknown" if by_group and not isinstance(groups, Known) else None


def _workspace(report: Report, spec: WorkspaceSpec) -> None:
    case = report.case
    id_, title = f"workspace.{spec.key}", f"Workspace {spec.key!r}"
    seen, place = case.fact(SEEN, spec.key), case.fact(WORKSPACE, spec.key)
    told = (seen.evidence,) if isinstance(seen, Known) else ()
    role = role_in(case, place.value) if isinstance(place, Known) else "unknown"
    if isinstance(seen, Known) and seen.value.visible:
        shown = f", as {role}" if role in RANK else ""
        report.check(id_, title, "pass", f"the API shows it to the app{shown}", told)
        _role_too_low(report, spec, place, role)
        return
    answered = isinstance(seen, Known) and seen.value.answer is not None and seen.value.answer.ok
    if not answered and isinstance(case.fact(SERVICE_PRINCIPAL), Absent) and case.asked.sign_in == "app":
        report.check(id_, title, "skip", NO_PRINCIPAL)
        return
    if role is None:
        report.check(id_, title, "fail", "the app has no role in it", (*told, *case.evidence((WORKSPACE, spec.key))))
        _no_role(report, spec, place, told)
        return
    if not answered:
        _not_asked(report, id_, title, seen, role)
        return
    report.check(id_, title, "fail", "the API does not show it to the app", told)
    if role in RANK:
        detail = f"The app is {role} of {spec.key!r}."
        report.find("propagation_delay", "likely", (*told, *case.evidence((WORKSPACE, spec.key))), detail=detail)
        return
    detail = f"{_operator(case)} does not see it either." if isinstance(place, Absent) else ""
    report.find(
        "sp_not_in_workspace", "likely", told, words={"workspace": repr(spec.key)}, detail=detail,
        params=role_params(report, spec, place),
    )  # fmt: skip
    report.find("runs_as_other_identity", "possible", told)


def _operator(case: Case) -> str:
    from pbisetup.model.case import OPERATOR

    operator = case.value(OPERATOR)
    return operator.account if operator else "the operator"


def _not_asked(report: Report, id_: str, title: str, seen: Fact[WorkspaceSeen], role: str) -> None:
    """The API was not asked, or did not let the app in: what the operator sees is all there is."""
    if role in RANK:
        report.check(id_, title, "pass", f"the app is {role} of it")
    elif report.broken:
        report.check(id_, title, "skip", "not examined because the app does not get that far")
    else:
        reason = "the API refused to list it" if isinstance(seen, Known) else getattr(seen, "reason", "not looked for")
        report.check(id_, title, "unknown", reason)


def _no_role(report: Report, spec: WorkspaceSpec, place: Fact[Workspace], told: tuple[Evidence, ...]) -> None:
    """The workspace's own list of users does not hold the app: that is certain, whatever the API says."""
    case = report.case
    evidence = (*told, *case.evidence((WORKSPACE, spec.key)))
    assert isinstance(place, Known)
    words = {"workspace": repr(spec.key)}
    others = _other_apps(case, place.value)
    if len(others) == 1 and not _roles_anywhere(case):
        # The role is another app's: given to the wrong one, or the program runs as the wrong one. Both are told.
        detail = f"{spec.key!r} is open to another service principal ({others[0]}), and this app has a role nowhere."
        report.find("runs_as_other_identity", "likely", evidence, detail=detail)
    report.find(
        "sp_not_in_workspace", "certain", evidence, words=words, params=role_params(report, spec, place),
        detail=_mix_up(case, place.value),
    )  # fmt: skip


def _other_apps(case: Case, place: Workspace) -> list[str]:
    principal = case.value(SERVICE_PRINCIPAL)
    own = principal.object_id if principal else ""
    return [id_ for id_, kind in place.kinds.items() if kind == "App" and id_ != own]


def _roles_anywhere(case: Case) -> bool:
    return any(role_in(case, fact.value) in RANK for _, fact in case.each(WORKSPACE) if isinstance(fact, Known))


def _mix_up(case: Case, place: Workspace) -> str:
    """Whether the list of users holds another of the app's ids, which looks right and is not."""
    from pbisetup.model.case import APP

    app = case.value(APP)
    held = set(place.roles or ())
    if app and held & {app.object_id, app.client_id}:
        return "Its list of users holds another of the app's ids, which is not that of the service principal."
    return ""


def role_params(
    report: Report, spec: WorkspaceSpec, place: Fact[Workspace], needed: WorkspaceRole | None = None
) -> dict[str, dict[str, Any]]:
    """What giving the app its role would be done with."""
    case = report.case
    principal = case.value(SERVICE_PRINCIPAL)
    if not isinstance(place, Known) or principal is None or case.asked.sign_in == "user":
        return {}
    wanted = spec.role if case.asked.stated_roles else _least(case)
    if needed and RANK[needed] > RANK[wanted]:
        wanted = needed
    return {
        "set_workspace_role": {
            "workspace_id": place.value.id,
            "workspace_name": place.value.name,
            "sp_object_id": principal.object_id,
            "role": wanted,
            "replaces": (place.value.roles or {}).get(principal.object_id),
        }
    }


def _least(case: Case) -> WorkspaceRole:
    """The least role that serves all purposes."""
    return max((purposes()[name].role for name in case.asked.purposes), key=lambda role: RANK[role], default="Viewer")


def _role_too_low(report: Report, spec: WorkspaceSpec, place: Fact[Workspace], role: str | None) -> None:
    """A role that is known, and lower than what the manifest states or the purpose's own calls need."""
    case = report.case
    profile = case.asked.request.profile if case.asked.request else None
    if profile is not None and isinstance(place, Known):
        role = role_in(case, place.value, profile)  # what the purpose does is done as the profile
    if role not in RANK:
        return
    calls = [purposes()[name] for name in case.asked.purposes if purposes()[name].calls]
    needed = max((each.role for each in calls), key=lambda each: RANK[each], default=None)
    if needed is not None and RANK[needed] > RANK[role]:
        evidence = case.evidence((WORKSPACE, spec.key))
        report.check(
            f"workspace.{spec.key}.role", f"Role in {spec.key!r}", "fail", f"{role}; {needed} is needed", evidence
        )
        params = role_params(report, spec, place, needed) if profile is None else {}
        whose = f"The profile {profile}" if profile else "The app"
        detail = f"{whose} is {role} of {spec.key!r}, and needs to be {needed}."
        report.find("insufficient_workspace_role", "certain", evidence, params=params, detail=detail)
    elif case.asked.stated_roles and role != spec.role:
        said = f"{role}, and the manifest says {spec.role}"
        report.check(f"workspace.{spec.key}.role", f"Role in {spec.key!r}", "warn", said)


def capacity_of(case: Case, place: Workspace) -> tuple[Capacity, Evidence] | None:
    """The capacity that a workspace runs on, where it could be seen."""
    fact = case.fact(CAPACITIES)
    if not isinstance(fact, Known) or place.capacity_id is None:
        return None
    wanted = place.capacity_id.lower()
    found = next((each for each in fact.value if each.id.lower() == wanted), None)
    return (found, fact.evidence) if found else None
