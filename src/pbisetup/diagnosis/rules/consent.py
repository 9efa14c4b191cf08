"""Rules of what people consented to, what the app asks for, and who may sign in to it."""

from __future__ import annotations

from typing import Any

from pbisetup.diagnosis.rules.report import Report
from pbisetup.model.case import APP, GRANTS, PERSON, POWER_BI, SERVICE_PRINCIPAL
from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import Known
from pbisetup.model.finding import Certainty
from pbisetup.model.probe import TokenAttempt


def missing(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """65001 and its kin: nobody consented to what is asked for, or only somebody else did, for themselves."""
    case = report.case
    grants, resource, person = case.fact(GRANTS), case.value(POWER_BI), case.value(PERSON)
    evidence, detail = attempt.evidence, ""
    certainty: Certainty = "likely"
    if report.found("wrong_authority_for_client_credentials"):
        return
    if isinstance(grants, Known) and resource is not None:
        ours = [g for g in grants.value if g.resource_id == resource.object_id]
        everybody = frozenset(s for g in ours if g.principal_id is None for s in g.scopes)
        theirs = frozenset(s for g in ours if person and g.principal_id == person.object_id for s in g.scopes)
        lacking = case.asked.scopes - everybody - theirs
        if lacking or not ours:
            certainty = "certain"
            evidence = (*evidence, grants.evidence)
        if not ours:
            detail = "Nobody has consented to anything of Power BI for this app."
        elif not everybody:
            detail = (
                f"{len(ours)} {'person has' if len(ours) == 1 else 'people have'} consented, each for themselves alone."
            )
        elif lacking:
            detail = f"Consent does not cover {', '.join(sorted(lacking))}."
    report.find(
        "consent_missing",
        certainty,
        evidence,
        detail=detail,
        params=grant_params(report),
        words={"message": attempt.message},
    )
    del cloud


def grant_params(report: Report) -> dict[str, dict[str, Any]]:
    """What consent for everybody would be given with."""
    case = report.case
    resource, principal = case.value(POWER_BI), case.value(SERVICE_PRINCIPAL)
    wanted = sorted(s for s in case.asked.scopes if resource and s in resource.scopes)
    if resource is None or principal is None or not wanted:
        return {}
    grants = case.value(GRANTS) or ()
    own = next((g for g in grants if g.resource_id == resource.object_id and g.principal_id is None), None)
    scopes = sorted({*wanted, *(own.scopes if own else ())})
    return {
        "grant_delegated": {
            "sp_object_id": principal.object_id,
            "resource_id": resource.object_id,
            "scopes": scopes,
            "grant_id": own.id if own else None,
        }
    }


def declare_params(report: Report, scopes: frozenset[str]) -> dict[str, dict[str, Any]]:
    """What the app registration would ask for in addition."""
    case = report.case
    app, resource = case.value(APP), case.value(POWER_BI)
    asks = {id_ for api, id_, kind in app.declared if kind == "Scope"} if app else set()
    known = sorted(s for s in scopes if resource and s in resource.scopes and resource.scopes[s] not in asks)
    if app is None or resource is None or not known:
        return {}
    return {
        "add_delegated_permission": {
            "app_object_id": app.object_id,
            "resource_app_id": resource.app_id,
            "scope_ids": [resource.scopes[s] for s in known],
            "scopes": known,
        }
    }


def not_declared(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """650057, 65005: the API is not among what the app registration asks for."""
    case = report.case
    app = case.fact(APP)
    if report.found("wrong_cloud"):
        return
    evidence = attempt.evidence
    certainty: Certainty = "likely"
    if isinstance(app, Known) and not any(api == cloud.powerbi_app_id for api, _, _ in app.value.declared):
        evidence = (*evidence, app.evidence)
        certainty = "certain"
    params = declare_params(report, case.asked.scopes)
    report.find(
        "resource_not_in_required_access", certainty, evidence, params=params, words={"message": attempt.message}
    )


def not_assigned(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """50105, 501051: the app takes only who is assigned to it."""
    del cloud
    case = report.case
    principal, person = case.fact(SERVICE_PRINCIPAL), case.value(PERSON)
    evidence, detail = attempt.evidence, ""
    params: dict[str, dict[str, Any]] = {}
    if isinstance(principal, Known) and principal.value.assignment_required:
        evidence = (*evidence, principal.evidence)
        detail = f"{principal.value.name!r} takes only who is assigned to it."
        if person is not None:
            params = {
                "assign_user": {
                    "sp_object_id": principal.value.object_id,
                    "user_id": person.object_id,
                    "account": person.account,
                }
            }
    report.find(
        "user_not_assigned_to_app",
        "certain",
        evidence,
        detail=detail,
        params=params,
        words={"message": attempt.message},
    )
