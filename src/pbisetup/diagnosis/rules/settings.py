"""Rules of the tenant settings: each that a purpose or the request needs, and whether it lets the app in."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.catalog.needs import PROFILES, settings_of
from pbisetup.catalog.purposes import purposes
from pbisetup.catalog.tenant_settings import (
    CREATE,
    OLDER_NAMES,
    READ_ADMIN,
    TITLES,
    WRITE_ADMIN,
    XMLA,
)
from pbisetup.catalog.wellknown import ADMISSION_CODE, PUBLIC_API_SETTING
from pbisetup.diagnosis.rules.calls import Call, all_calls, is_admin
from pbisetup.diagnosis.rules.report import Report
from pbisetup.diagnosis.rules.standing import Standing, standing
from pbisetup.model.case import SERVICE_PRINCIPAL, SETTINGS, Case
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Known
from pbisetup.model.finding import Certainty, CheckStatus

# Which finding a shut setting is; anything else is a feature that is switched off.
FINDINGS: Final = {CREATE: "create_setting_off", XMLA: "xmla_tenant_setting_off", PROFILES: "profile_refused"}
_GROUP_FOR: Final = {
    PUBLIC_API_SETTING: "api",
    READ_ADMIN: "admin-read",
    WRITE_ADMIN: "admin-write",
    CREATE: "create",
    PROFILES: "profiles",
    "Embedding": "embed",
}
NO_PRINCIPAL: Final = "not examined because there is no service principal"


def settings(report: Report) -> None:
    """Every setting that counts: as it stands, and a finding where it is what keeps the app out."""
    case = report.case
    for name, calls in wanted_settings(case).items():
        stands = standing_of(case, name)
        id_, title = f"settings.{name}", stands.title
        if any(call.ok for call in calls):
            said = f"lets the app in: {next(call.name for call in calls if call.ok)} was answered"
            lately = stands.shut
            status: CheckStatus = "warn" if lately else "pass"
            report.check(
                id_, title, status, f"{stands.why}, which does not act yet" if lately else said, stands.evidence
            )
        elif stands.shut:
            report.check(id_, title, "fail", stands.why, stands.evidence)
            _shut(report, name, stands, calls)
        elif stands.lets_in:
            report.check(id_, title, "pass", stands.why, stands.evidence)
        elif isinstance(case.fact(SERVICE_PRINCIPAL), Absent) and isinstance(case.fact(SETTINGS), Known):
            report.check(id_, title, "skip", NO_PRINCIPAL)
        else:
            report.check(id_, title, "unknown", stands.why, stands.evidence)


def wanted_settings(case: Case) -> dict[str, list[Call]]:
    """Settings that must let the caller in -> the calls that show whether they do. Of people only what a request needs."""
    found: dict[str, list[Call]] = {}
    app = case.asked.sign_in == "app"
    calls = all_calls(case)
    if app:
        for purpose in case.asked.purposes:
            for name in purposes()[purpose].settings:
                found.setdefault(name, [])
    for call in calls:
        for name in of_call(call, app=app):
            found.setdefault(name, []).append(call)
    if app and case.asked.workspaces:
        found.setdefault(PUBLIC_API_SETTING, [])  # they are looked for by an ordinary call
    if app and PUBLIC_API_SETTING in found:
        # Whatever an API answers to a service principal, it has let it in (powerbi.md 6.1).
        found[PUBLIC_API_SETTING] += [c for c in calls if c not in found[PUBLIC_API_SETTING] and not is_admin(c)]
        found = {PUBLIC_API_SETTING: found.pop(PUBLIC_API_SETTING), **found}  # the first that a call comes to
    return found


def of_call(call: Call, *, app: bool) -> list[str]:
    """Names of the settings that must let the caller in for this call."""
    names: list[str] = []
    if app and is_admin(call):
        kind = call.operation.admin if call.operation else None
        if kind != "user":
            names.append(WRITE_ADMIN if kind == "update" or call.method != "GET" else READ_ADMIN)
    elif app and (call.request is None or call.request.service in ("powerbi", "fabric", "xmla")):
        names.append(PUBLIC_API_SETTING)
    profile = call.request is not None and call.request.profile is not None
    more = settings_of(call.method, call.path, profile=profile)
    return names + [name for name in more if app or name not in (CREATE, PROFILES)]


def standing_of(case: Case, name: str) -> Standing:
    """How a setting stands to the app, by today's name or the one of before May 2025."""
    older = OLDER_NAMES.get(name)
    return standing(case, (name, older) if older else (name,), TITLES.get(name, name))


def action_params(name: str, stands: Standing, report: Report) -> dict[str, dict[str, Any]]:
    """What letting the app in would be done with; which group and how is the planner's to decide."""
    principal = report.case.value(SERVICE_PRINCIPAL)
    if principal is None:
        return {}
    common = {"setting": stands.name, "title": stands.title, "group_for": _GROUP_FOR.get(name, "api")}
    if stands.state == "excluded":
        id_, group = stands.groups[0]
        gone = {"group_id": id_, "group_name": group, "sp_object_id": principal.object_id}
        return {"remove_from_excluded_group": gone}
    ids = {"group_id": stands.groups[0][0]} if stands.state == "outside" and len(stands.groups) == 1 else {}
    return {
        "enable_tenant_setting": common,
        "add_group_member": {**common, **ids},
        "replace_group": common,
    }


def _shut(report: Report, name: str, stands: Standing, calls: list[Call]) -> None:
    """The setting keeps the app out. Nothing else is needed for that to be certain but the setting itself."""
    evidence = (*_answers(calls), *stands.evidence)
    params = action_params(name, stands, report)
    detail = f"{stands.title!r}: {stands.why}."
    words = {"setting": stands.title}
    if name != PUBLIC_API_SETTING:
        finding = "admin_api_setting_off" if name in (READ_ADMIN, WRITE_ADMIN) else FINDINGS.get(name)
        known = stands.state in ("off", "outside") and stands.sure
        report.find(
            finding or "feature_tenant_setting_off", "certain" if known else "likely", evidence, params=params,
            detail=detail, words=words,
        )  # fmt: skip
    elif stands.state == "off":
        report.find("tenant_setting_off", "certain", evidence, params=params, detail=detail)
    elif stands.state == "outside":
        certainty: Certainty = "certain" if stands.sure else "likely"
        report.find("sp_not_in_allowed_group", certainty, evidence, params=params, detail=detail)
    elif stands.state == "excluded":
        # That excluded groups outweigh allowed ones is inferred.
        report.find("sp_in_excluded_group", "likely", evidence, params=params, detail=detail)
    else:
        # One source for synchronised groups, none for the other kinds: never certain.
        report.find("wrong_group_type", "likely", evidence, params=params, detail=detail)


def _answers(calls: list[Call]) -> tuple[Evidence, ...]:
    return tuple(call.known.evidence for call in calls if call.known is not None and call.refused)[:1]


def refused_admission(report: Report, call: Call) -> None:
    """The API says that the tenant does not let the app in, and nothing that was seen says why."""
    answer = call.known
    assert answer is not None
    stands = standing_of(report.case, PUBLIC_API_SETTING)
    evidence = (answer.evidence, *stands.evidence)
    if stands.shut:
        _shut(report, PUBLIC_API_SETTING, stands, [call])
        return
    if stands.lets_in:
        report.find("propagation_delay", "likely", evidence, detail=f"{stands.title!r}: {stands.why}.")
        return
    params = action_params(PUBLIC_API_SETTING, stands, report)
    if not isinstance(report.case.fact(SETTINGS), Known) or stands.name not in (report.case.value(SETTINGS) or {}):
        report.find("tenant_setting_off", "likely", evidence, params=params)
    report.find("sp_not_in_allowed_group", "likely", evidence, params=params)
    report.find("wrong_group_type", "possible", evidence)
    report.find("propagation_delay", "possible", evidence)


def shown_too_early(report: Report, call: Call, certainty: Certainty) -> None:
    """A refusal though every setting of the call lets the app in: settings and memberships are shown before they act."""
    case, answer = report.case, call.known
    assert answer is not None
    if case.asked.sign_in != "app" or answer.status not in (401, 403):
        return
    acting = {name for name, calls in wanted_settings(case).items() if any(each.ok for each in calls)}
    stands = [standing_of(case, name) for name in of_call(call, app=True) if name not in acting]
    if stands and all(each.lets_in for each in stands):
        detail = " ".join(f"{each.title!r}: {each.why}." for each in stands)
        evidence = (answer.evidence, *(seen for each in stands for seen in each.evidence))
        report.find("propagation_delay", certainty, evidence, detail=detail)


def is_admission(call: Call) -> bool:
    """Whether the answer is the one that only a shut tenant setting gives."""
    return call.known is not None and call.known.code == ADMISSION_CODE
