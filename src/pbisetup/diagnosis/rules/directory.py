"""Rules of the directory: what stands against the app whatever the token endpoint said, because the directory shows it.

Of a broken sign-in the token endpoint names one thing at a time. What is independent of that is told at once.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from pbisetup.catalog.purposes import purposes
from pbisetup.diagnosis.rules.calls import admin_calls
from pbisetup.diagnosis.rules.claims import revoke_params
from pbisetup.diagnosis.rules.consent import declare_params, grant_params
from pbisetup.diagnosis.rules.report import Report
from pbisetup.model.case import (
    APP,
    CREDENTIAL,
    FAILED_SIGN_INS,
    GRANTS,
    OPERATOR,
    PERSON,
    POLICIES,
    POWER_BI,
    ROLE_GRANTS,
    SERVICE_PRINCIPAL,
    SETTINGS,
    SIGNED_IN,
    TENANT,
    TOKEN,
)
from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.finding import Certainty

# Service plans that are a licence of Power BI (entra-docs licensing-service-plan-reference, documented).
_PLANS: Final = ("BI_AZURE_P0", "BI_AZURE_P1", "BI_AZURE_P2", "BI_AZURE_P3")


def directory(report: Report, cloud: Cloud) -> None:
    """The app, its service principal, and who signs in to it."""
    if report.case.asked.operator:
        _operator(report)
    elif not isinstance(report.case.fact(SIGNED_IN, "graph"), Known):
        return  # nobody looked: that is no finding, and no news
    _app(report)
    _principal(report)
    _resource(report)
    _switched_off(report, cloud)
    _roles(report)
    if report.case.asked.sign_in == "user":
        _declared(report)
        _consent(report)
        _person(report)
    _policies(report)
    _log(report)


def _log(report: Report) -> None:
    """What the tenant's log holds of refused sign-ins of the app: only looked for where it was refused just now."""
    fact = report.case.fact(FAILED_SIGN_INS)
    if not isinstance(fact, Known) or not fact.value:
        return
    codes = Counter(each.code for each in fact.value)
    said = ", ".join(f"AADSTS{code}{f' ({count} times)' if count > 1 else ''}" for code, count in codes.items())
    report.check("directory.sign-ins", "Refused sign-ins in the log", "warn", said, (fact.evidence,))


def _issued(report: Report) -> bool:
    attempt = report.case.value(TOKEN, "powerbi")
    return attempt is not None and attempt.issued


def _operator(report: Report) -> None:
    fact = report.case.fact(SIGNED_IN, "graph")
    title = "Operator"
    if not isinstance(fact, Known):
        reason = fact.reason if isinstance(fact, Unknown) else "nobody"
        report.check("directory.operator", title, "unknown", f"nobody looks: {reason}")
        return
    operator = report.case.value(OPERATOR)
    who = operator.account if operator else fact.value
    blind = not isinstance(report.case.fact(SETTINGS), Known)
    more = "; may not read the tenant settings" if blind else ""
    report.check("directory.operator", title, "pass", f"{who}, by {fact.value}{more}", (fact.evidence,))


def _app(report: Report) -> None:
    fact = report.case.fact(APP)
    id_, title = "directory.app", "App registration"
    if isinstance(fact, Known):
        report.check(id_, title, "pass", fact.value.display_name or fact.value.client_id, (fact.evidence,))
    elif isinstance(fact, Absent):
        # It may be registered in another tenant: then only its service principal is here.
        principal, tenant = report.case.value(SERVICE_PRINCIPAL), report.case.value(TENANT)
        if principal is None:
            report.check(id_, title, "fail", "there is none with this client id", (fact.evidence,))
        elif tenant is not None and principal.owner_tenant.lower() == tenant.id.lower():
            report.check(id_, title, "warn", "it was deleted here; its service principal is left", (fact.evidence,))
        else:
            report.check(id_, title, "pass", "registered in another tenant", (fact.evidence,))
    else:
        report.check(id_, title, "unknown", fact.reason)


def _principal(report: Report) -> None:
    case = report.case
    fact = case.fact(SERVICE_PRINCIPAL)
    id_, title = "directory.principal", "Service principal"
    if isinstance(fact, Known):
        status = "pass" if fact.value.enabled else "fail"
        said = fact.value.object_id if fact.value.enabled else "it is switched off for sign-in"
        report.check(id_, title, status, said, (fact.evidence,))  # type: ignore[arg-type]
        return
    if isinstance(fact, Unknown):
        report.check(id_, title, "unknown", fact.reason)
        return
    report.check(id_, title, "fail", "the tenant has none for this client id", (fact.evidence,))
    app = case.value(APP)
    if app is not None:
        made = {"create_service_principal": {"client_id": app.client_id}}
        report.find("sp_missing_in_tenant", "certain", (fact.evidence,), params=made)


def _resource(report: Report) -> None:
    fact = report.case.fact(POWER_BI)
    id_, title = "directory.power-bi", "Power BI in this tenant"
    if isinstance(fact, Known):
        said = "there, and enabled" if fact.value.enabled else "its service principal is disabled"
        report.check(id_, title, "pass" if fact.value.enabled else "fail", said, (fact.evidence,))
    elif isinstance(fact, Absent):
        report.check(id_, title, "fail", "it has no service principal here", (fact.evidence,))
    else:
        report.check(id_, title, "unknown", fact.reason)


def _switched_off(report: Report, cloud: Cloud) -> None:
    """What bars the app or Power BI as a whole, though the token endpoint has refused for another reason first."""
    case = report.case
    app, principal, resource = case.fact(APP), case.fact(SERVICE_PRINCIPAL), case.fact(POWER_BI)
    if _issued(report):
        return  # a token was issued all the same: what the directory shows does not act yet, or not on this
    if isinstance(app, Known) and (app.value.barred or app.value.disabled):
        how = f"was barred by Microsoft ({app.value.barred})" if app.value.barred else "is deactivated"
        detail = f"The app registration {app.value.display_name!r} {how}."
        report.find("app_disabled", "certain", (app.evidence,), detail=detail)
    elif isinstance(principal, Known) and not principal.value.enabled:
        found = principal.value
        params = {"enable_service_principal": {"sp_object_id": found.object_id, "name": found.name}}
        detail = f"The service principal {found.name!r} is switched off for sign-in."
        report.find("app_disabled", "certain", (principal.evidence,), params=params, detail=detail)
    if isinstance(resource, Known) and not resource.value.enabled:
        params = {"enable_resource": {"sp_object_id": resource.value.object_id, "name": "Power BI Service"}}
        report.find("resource_sp_disabled", "certain", (resource.evidence,), params=params)
    elif isinstance(resource, Absent) and not report.found("wrong_cloud", "tenant_unknown", "app_not_in_tenant"):
        params = {"add_resource": {"client_id": cloud.powerbi_app_id, "name": "Power BI Service"}}
        report.find("resource_sp_missing", "certain", (resource.evidence,), params=params)


def _roles(report: Report) -> None:
    """Application permissions of Power BI as the directory has them: where no token shows them."""
    case = report.case
    grants, resource = case.fact(ROLE_GRANTS), case.value(POWER_BI)
    if _issued(report) or case.asked.sign_in != "app" or not isinstance(grants, Known) or resource is None:
        return
    names = {id_: name for name, id_ in resource.roles.items()}
    held = {names.get(g.role_id, g.role_id) for g in grants.value if g.resource_id == resource.object_id}
    extra = held - {role for name in case.asked.purposes for role in purposes()[name].app_roles}
    if not extra:
        return
    named = " ".join(sorted(extra))
    report.check("directory.roles", "Application permissions", "warn", named, (grants.evidence,))
    if admin_calls(case):
        detail = f"It holds {named} as application permissions."
        name = "admin_consented_permission_blocks_admin_api"
        report.find(name, "certain", (grants.evidence,), detail=detail, params=revoke_params(report))
    else:
        report.find(
            "power_bi_app_role", "certain", (grants.evidence,), words={"roles": named}, params=revoke_params(report)
        )


# -- apps that people sign in to -----------------------------------------------------------------------------------


def _declared(report: Report) -> None:
    case = report.case
    app, resource = case.fact(APP), case.value(POWER_BI)
    if not isinstance(app, Known) or resource is None:
        return
    names = {id_: name for name, id_ in resource.scopes.items()}
    asks = {names.get(id_, id_) for api, id_, kind in app.value.declared if api == resource.app_id and kind == "Scope"}
    lacking = case.asked.scopes - asks
    if not lacking:
        report.check("directory.declared", "Permissions asked for", "pass", " ".join(sorted(asks)), (app.evidence,))
        return
    named = ", ".join(sorted(lacking))
    if _issued(report):
        # Consent may cover what the registration does not list; the token shows what counts.
        report.check("directory.declared", "Permissions asked for", "warn", f"not listed: {named}", (app.evidence,))
        return
    report.check("directory.declared", "Permissions asked for", "fail", f"not listed: {named}", (app.evidence,))
    report.find(
        "resource_not_in_required_access", "certain" if not asks else "likely", (app.evidence,),
        params=declare_params(report, lacking), detail=f"The app registration does not list {named}.",
    )  # fmt: skip


def _consent(report: Report) -> None:
    case = report.case
    grants, resource, person = case.fact(GRANTS), case.value(POWER_BI), case.value(PERSON)
    title = "Consent"
    if not isinstance(grants, Known) or resource is None:
        reason = grants.reason if isinstance(grants, Unknown) else "there is no service principal"
        report.check("directory.consent", title, "unknown", reason)
        return
    ours = [g for g in grants.value if g.resource_id == resource.object_id]
    given = {
        s for g in ours if g.principal_id is None or (person and g.principal_id == person.object_id) for s in g.scopes
    }
    lacking = case.asked.scopes - given
    everybody = any(g.principal_id is None for g in ours)
    if not lacking:
        whom = "for everybody" if everybody else "for this person alone"
        report.check("directory.consent", title, "pass", f"{whom}: {' '.join(sorted(given))}", (grants.evidence,))
        return
    named = ", ".join(sorted(lacking))
    if _issued(report):
        report.check("directory.consent", title, "warn", f"does not cover {named}", (grants.evidence,))
        return
    if report.found("resource_not_in_required_access"):
        # Nobody can consent to what the app does not ask for.
        report.check("directory.consent", title, "skip", "not examined because the app does not ask for all of it")
        return
    report.check("directory.consent", title, "fail", f"does not cover {named}", (grants.evidence,))
    others = [g for g in ours if g.principal_id is not None]
    detail = (
        "Only other people have consented, each for themselves."
        if others and not given
        else f"It does not cover {named}."
    )
    # Where the app does not even ask for it, that is the fault: nobody could consent.
    certainty: Certainty = "certain" if _asks_for(report, lacking) else "likely"
    report.find("consent_missing", certainty, (grants.evidence,), params=grant_params(report), detail=detail)


def _asks_for(report: Report, scopes: frozenset[str] | set[str]) -> bool:
    app, resource = report.case.value(APP), report.case.value(POWER_BI)
    if app is None or resource is None:
        return False
    asks = {id_ for api, id_, kind in app.declared if api == resource.app_id and kind == "Scope"}
    return all(resource.scopes.get(scope) in asks for scope in scopes)


def _person(report: Report) -> None:
    fact = report.case.fact(PERSON)
    if not isinstance(fact, Known):
        reason = fact.reason if isinstance(fact, Unknown) else "there is no such user"
        report.check("directory.person", "Who signs in", "unknown", reason)
        return
    person = fact.value
    licences = person.licences
    if licences is None:
        report.check("directory.person", "Who signs in", "pass", person.account, (fact.evidence,))
        return
    plans = sorted(plan for plan in licences if plan.startswith(_PLANS))
    if plans:
        report.check(
            "directory.person",
            "Who signs in",
            "pass",
            f"{person.account}, licensed: {' '.join(plans)}",
            (fact.evidence,),
        )
        return
    report.check(
        "directory.person", "Who signs in", "fail", f"{person.account} has no Power BI licence", (fact.evidence,)
    )
    report.find(
        "user_license_missing", "certain", (fact.evidence,), detail=f"{person.account} has no service plan of Power BI."
    )


# -- policies ------------------------------------------------------------------------------------------------------


def _policies(report: Report) -> None:
    """Conditional Access that names the app: told where the sign-in failed on something else before it came to that."""
    fact = report.case.fact(POLICIES)
    attempt = report.case.value(TOKEN, "powerbi")
    shape = report.case.value(CREDENTIAL)
    title = "Conditional Access"
    if not isinstance(fact, Known):
        if attempt is not None and not attempt.issued:
            reason = fact.reason.removeprefix("not examined: ") if isinstance(fact, Unknown) else "there is none"
            report.check("directory.policies", title, "unknown", f"not examined: {reason}")
        return
    blocking = [policy for policy in fact.value if policy.blocks]
    if not blocking or shape is None:
        report.check("directory.policies", title, "pass", "no policy blocks this app", (fact.evidence,))
        return
    named = ", ".join(repr(policy.name) for policy in blocking)
    passed = attempt is not None and attempt.issued
    where = " except from trusted locations" if all(policy.conditional for policy in blocking) else ""
    report.check(
        "directory.policies", title, "pass" if passed else "fail", f"{named} blocks it{where}", (fact.evidence,)
    )
    if not passed:
        report.find("conditional_access_blocked", "likely", (fact.evidence,), detail=f"{named} blocks the app{where}.")
