"""Rules of one call: what it needs, which of that is missing, and else what the service's own words speak for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.needs import role_of, runs_on_capacity, settings_of
from pbisetup.catalog.tenant_settings import READ_ADMIN, WRITE_ADMIN
from pbisetup.catalog.wellknown import FABRIC_ADMINISTRATOR, GLOBAL_ADMINISTRATOR, MICROSOFT_TENANT
from pbisetup.diagnosis.paste.judge import judge, recognise
from pbisetup.diagnosis.rules.calls import Call, is_admin
from pbisetup.diagnosis.rules.claims import revoke_params
from pbisetup.diagnosis.rules.consent import declare_params, grant_params
from pbisetup.diagnosis.rules.report import Report, at_most
from pbisetup.diagnosis.rules.settings import FINDINGS, of_call, standing_of
from pbisetup.diagnosis.rules.workspace import RANK, capacity_of, role_in, role_params
from pbisetup.model.case import (
    APP,
    GRANTS,
    MODEL,
    NAMED,
    PERSON,
    REFRESH,
    SEEN,
    SERVICE_PRINCIPAL,
    TOKEN,
    WORKSPACE,
)
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Known
from pbisetup.model.finding import Certainty, Finding
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.probe import ApiAnswer
from pbisetup.model.tenant import Workspace, WorkspaceRole

_ADMINISTRATORS: Final = frozenset({FABRIC_ADMINISTRATOR, GLOBAL_ADMINISTRATOR})
_RANK: Final[dict[Certainty, int]] = {"certain": 0, "likely": 1, "possible": 2}


@dataclass(frozen=True)
class Look:
    """One call under examination."""

    report: Report
    call: Call

    @property
    def app(self) -> bool:
        return self.report.case.asked.sign_in == "app"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return (self.call.known.evidence,) if self.call.known is not None else ()

    @property
    def profile(self) -> str | None:
        """The service principal profile that the call is made as."""
        return self.call.request.profile if self.call.request else None

    @property
    def claims(self) -> Claims | None:
        """Of the token that the call is sent with."""
        case = self.report.case
        for audience in ("asked", "fabric" if self.call.path.startswith("/v1/") else "powerbi", "powerbi"):
            attempt = case.value(TOKEN, audience)
            if attempt is not None and attempt.claims is not None:
                return attempt.claims
        return None

    @property
    def place(self) -> Workspace | None:
        """The workspace that the call is about, as the operator sees it."""
        case = self.report.case
        wanted = self.call.request.workspace if self.call.request else None
        if wanted is None:
            return None
        for _, fact in case.each(WORKSPACE):
            if isinstance(fact, Known) and fact.value.id.lower() == wanted.lower():
                return fact.value
        return None


def missing_needs(report: Report, call: Call) -> bool:
    """Every need of the call that is known not to be met, each a finding; whether there was one."""
    before = len(report.findings)
    look = Look(report, call)
    for rule in _NEEDS:
        rule(look)
    return len(report.findings) > before


# -- the route -----------------------------------------------------------------------------------------------------


def _other_cloud(look: Look) -> None:
    request = look.call.request
    if request is not None and request.foreign_cloud is not None:
        here = look.report.case.asked.cloud
        detail = f"{request.url} is an address of the cloud {request.foreign_cloud!r}, and {here!r} is examined."
        seen = (Evidence("the request", "local", request.url),)
        look.report.find("wrong_cloud", "certain", seen, detail=detail)


def _not_for_apps(look: Look) -> None:
    """Routes about My workspace, and operations that are documented as not for service principals."""
    operation = look.call.operation
    if not look.app or operation is None:
        return
    # executeQueries without /groups/ asks for rights on the model alone: an app got 200 there (bagofwords pull 807).
    if operation.my_workspace and not operation.path.lower().endswith("/executequeries"):
        look.report.find("my_workspace_or_missing_group_in_url", "certain", _seen(look))
    elif operation.app == "no" and operation.admin is None:
        said = look.call.known is not None and "not accessible for application" in look.call.known.message
        certainty: Certainty = "certain" if said or look.call.known is None else "likely"
        look.report.find("api_not_supported_for_sp", certainty, _seen(look))
    elif operation.admin == "user":
        look.report.find("api_not_supported_for_sp", "likely", _seen(look))


def _seen(look: Look) -> tuple[Evidence, ...]:
    return look.evidence or (Evidence("the documented operation", "local", look.call.name),)


# -- admin routes --------------------------------------------------------------------------------------------------


def _app_roles(look: Look) -> None:
    claims = look.claims
    if not look.app or not is_admin(look.call) or claims is None:
        return
    roles = sorted(role for role in claims.roles if role.startswith("Tenant."))
    if roles and not (look.call.operation and look.call.operation.admin == "user"):
        seen = (*look.evidence, Evidence("access token", "app", f"roles {' '.join(roles)}"))
        detail = f"The token holds {', '.join(roles)} as application permissions."
        look.report.find(
            "admin_consented_permission_blocks_admin_api", "certain", seen, detail=detail,
            params=revoke_params(look.report),
        )  # fmt: skip


def _administrator(look: Look) -> None:
    """A person on an admin route: an administrator's role, in the token or not."""
    claims = look.claims
    if look.app or not is_admin(look.call) or claims is None:
        return
    person = look.report.case.value(PERSON)
    active = claims.directory_roles | (person.roles if person else frozenset())
    if active & _ADMINISTRATORS:
        if person and person.roles & _ADMINISTRATORS and not claims.directory_roles & _ADMINISTRATORS:
            detail = "The role is active, and the token is older than that: get a new one."
            look.report.find("user_not_admin_role", "likely", look.evidence, detail=detail)
        return
    seen = (
        *look.evidence,
        Evidence("access token", "app", f"wids {' '.join(sorted(claims.directory_roles)) or 'none'}"),
    )
    eligible = person.eligible & _ADMINISTRATORS if person and person.eligible else frozenset()
    lacks = "holds no administrator's role" if person else "shows no administrator's role in the token"
    if eligible:
        lacks = "is eligible for an administrator's role and has not activated it"
    detail = f"{claims.account} {lacks}."
    # That the claim is missing does not prove that the role is (powerbi.md 5): the directory decides.
    certain = person is not None
    look.report.find("user_not_admin_role", "certain" if certain else "likely", seen, detail=detail)


# -- scopes --------------------------------------------------------------------------------------------------------


def _scopes(look: Look) -> None:
    claims, operation = look.claims, look.call.operation
    if look.app or claims is None or operation is None or not operation.scopes:
        return
    if "user_impersonation" in claims.scopes or (look.call.known is None and look.call.meant):
        return
    lacking = [wanted for wanted in operation.scopes if not wanted & claims.scopes]
    if not lacking:
        return
    case = look.report.case
    said = "; ".join(" or ".join(sorted(wanted)) for wanted in lacking)
    seen = (*look.evidence, Evidence("access token", "app", f"scp {' '.join(sorted(claims.scopes)) or 'none'}"))
    detail = f"{look.call.name} needs {said}."
    principal = case.value(SERVICE_PRINCIPAL)
    if principal is not None and principal.owner_tenant.lower() == MICROSOFT_TENANT:
        # Nobody in the tenant can give Microsoft's own client more; which clients notebooks use is not published.
        detail = (
            f"{detail} The token was issued to {principal.name!r}, a client of Microsoft's, whose scopes are fixed."
        )
        look.report.find("restricted_notebook_token", "likely", seen, detail=detail)
        return
    least = frozenset(sorted(wanted, key=lambda scope: ("ReadWrite" in scope, scope))[0] for wanted in lacking)
    wider = replace(case.asked, scopes=case.asked.scopes | least)
    params = {**declare_params(look.report, least), **grant_params(_asking(look.report, wider))}
    certain = principal is not None
    look.report.find(
        "missing_delegated_scope", "certain" if certain else "likely", seen, detail=detail, params=params,
        words={"scopes": said}, decided_by=None if certain else "whose client the token was issued to",
    )  # fmt: skip
    if not certain:
        look.report.find("restricted_notebook_token", "possible", seen)


def _asking(report: Report, asked: object) -> Report:
    """The same report over a question that asks for more; only read from."""
    return Report(replace(report.case, asked=asked), report.portal)  # type: ignore[arg-type]


# -- workspace, capacity, model ------------------------------------------------------------------------------------


def _role(look: Look) -> None:
    need, place = role_of(look.call.method, look.call.path), look.place
    if need is None or need.role is None or place is None:
        return
    case = look.report.case
    role = role_in(case, place, look.profile)
    spec = next(
        (s for s in case.asked.workspaces if s.key in (place.name, place.id)), WorkspaceSpec(need.role, id=place.id)
    )
    fact = _fact_of(look, place)
    evidence = (*look.evidence, *((fact.evidence,) if fact else ()))
    params = role_params(look.report, spec, fact, need.role) if fact and look.profile is None else {}
    if role is None:
        detail = f"It calls as the profile {look.profile}." if look.profile else ""
        look.report.find(
            "sp_not_in_workspace",
            "certain",
            evidence,
            words={"workspace": repr(place.name)},
            detail=detail,
            params=params,
        )
    elif role in RANK and RANK[role] < RANK[need.role] and not _builds(look, role):
        detail = f"It is {role} of {place.name!r}, and {look.call.name} takes {need.role}."
        look.report.find(
            "insufficient_workspace_role", at_most("certain", need.grade), evidence, detail=detail, params=params
        )


def _builds(look: Look, role: str) -> bool:
    """A Viewer who queries a model lacks Build on it: a role is one cure, sharing the model another."""
    if not look.call.path.lower().endswith("/executequeries"):
        return False
    evidence = (*look.evidence, *look.report.case.evidence())
    detail = f"A {role} may read reports; queries need Build on the model."
    fact = _fact_of(look, look.place) if look.place else None
    certainty: Certainty = "certain" if look.call.known is not None else "likely"
    look.report.find(
        "missing_item_permission", certainty, (*evidence, *((fact.evidence,) if fact else ())), detail=detail
    )
    return True


def _fact_of(look: Look, place: Workspace) -> Known[Workspace] | None:
    for _, fact in look.report.case.each(WORKSPACE):
        if isinstance(fact, Known) and fact.value.id == place.id:
            return fact
    return None


def _capacity(look: Look) -> None:
    place = look.place
    if place is None or not runs_on_capacity(look.call.method, look.call.path):
        return
    found = capacity_of(look.report.case, place)
    if found is None or found[0].state in ("", "Active"):
        return
    capacity, seen = found
    detail = f"{place.name!r} runs on the capacity {capacity.name!r}, which is {capacity.state}."
    look.report.find("capacity_paused", "certain", (*look.evidence, seen), detail=detail)


def _model(look: Look) -> None:
    """A model with row-level security wants to know for whom it is asked, and an app is nobody (swagger, documented)."""
    request = look.call.request
    if not look.app or request is None or request.model is None:
        return
    fact = look.report.case.fact(MODEL, request.model)
    if not isinstance(fact, Known) or not request.path.lower().endswith("/executequeries"):
        return
    if fact.value.get("isEffectiveIdentityRequired"):
        look.report.find("rls_refuses_app", "certain", (*look.evidence, fact.evidence))


def _named_ids(look: Look) -> None:
    """Who is to get access: by the object id of a service principal, user or group, and by nothing else."""
    request = look.call.request
    for id_ in request.ids if request else ():
        fact = look.report.case.fact(NAMED, id_)
        if isinstance(fact, Known) and fact.value.kind == "application":
            detail = (
                f"{id_} is the object id of the app registration {fact.value.name!r}, not of its service principal."
            )
            look.report.find("wrong_object_id", "certain", (*look.evidence, fact.evidence), detail=detail)


def _people_s_rights(look: Look) -> None:
    """Consent and roles of people were set up, and the app calls as itself: those do nothing for it."""
    case = look.report.case
    app, grants = case.value(APP), case.fact(GRANTS)
    if not look.app or app is None or not isinstance(grants, Known):
        return
    scopes = [kind for _, _, kind in app.declared if kind == "Scope"]
    if scopes and grants.value and look.report.found("sp_not_in_workspace"):
        detail = "The app was given delegated permissions and consent, which count where a person signs in."
        look.report.find("app_only_vs_delegated_confusion", "likely", (*look.evidence, grants.evidence), detail=detail)


def _shared_source(look: Look) -> None:
    """Binding a model to a gateway takes the data source's own list of users, beside the role (powerbi.md 6.1)."""
    if not look.call.path.lower().endswith("/default.bindtogateway") or not look.call.refused:
        return
    place = look.place
    role = role_in(look.report.case, place, look.profile) if place else "unknown"
    if role in ("Contributor", "Member", "Admin"):
        detail = (
            "The role in the workspace is enough, so it is the gateway's data source that is not shared with the app."
        )
        look.report.find("connection_not_shared", "likely", look.evidence, detail=detail)


def _elsewhere(look: Look) -> None:
    """An embed token is for reports and their models; one that is not found may be in a workspace that is closed."""
    answer = look.call.known
    if answer is None or not look.call.path.lower().endswith("/generatetoken") or answer.status != 404:
        return
    detail = (
        "A report or model that the call names is not there for the app; a report's model may be in another workspace."
    )
    places = [fact for _, fact in look.report.case.each(WORKSPACE) if isinstance(fact, Known)]
    closed = [fact for fact in places if role_in(look.report.case, fact.value, look.profile) is None]
    if closed:
        whose = f"the profile {look.profile}" if look.profile else "the app"
        detail = f"{detail} In {', '.join(repr(fact.value.name) for fact in closed)} {whose} has no role."
    evidence = (*look.evidence, *(fact.evidence for fact in closed))
    look.report.find("missing_item_permission", "likely", evidence, detail=detail)


_NEEDS: Final[tuple[Callable[[Look], None], ...]] = (
    _other_cloud, _not_for_apps, _app_roles, _scopes, _administrator, _role, _capacity, _model, _named_ids, _shared_source,
    _elsewhere, _people_s_rights,
)  # fmt: skip


# -- what a refusal may mean where nobody could look ---------------------------------------------------------------


def candidates(report: Report, call: Call) -> None:
    """What the call needs beside being let in, and what could not be seen: each may be the reason."""
    answer, look = call.known, Look(report, call)
    assert answer is not None
    if answer.status not in (401, 403, 404) or is_admin(call):
        return
    profile = call.request is not None and call.request.profile is not None
    for name in settings_of(call.method, call.path, profile=profile):
        stands = standing_of(report.case, name)
        if stands.state == "unknown":
            finding = FINDINGS.get(name, "feature_tenant_setting_off")
            report.find(finding, "likely", look.evidence, detail=f"It needs the setting {stands.title!r}.")
    need, place = role_of(call.method, call.path), look.place
    if look.profile is not None:
        report.find("profile_refused", "likely", look.evidence, detail=f"It calls as the profile {look.profile}.")
    unseen = place is None or role_in(report.case, place, look.profile) == "unknown"
    if need is not None and need.role not in (None, "Viewer") and unseen:
        detail = f"{call.name} takes the role {need.role}."
        enough = _enough(look, need.role)
        report.find("insufficient_workspace_role", "possible" if enough else "likely", look.evidence, detail=detail)
    if call.path.lower().endswith("/default.bindtogateway"):
        report.find("connection_not_shared", "likely", look.evidence)


def _enough(look: Look, needed: WorkspaceRole) -> bool:
    """Whether the role is held in every workspace that is known: a call may be about one that it names only in its body."""
    places = [fact.value for _, fact in look.report.case.each(WORKSPACE) if isinstance(fact, Known)]
    roles = [role_in(look.report.case, place, look.profile) for place in places]
    return bool(roles) and all(role in RANK and RANK[role] >= RANK[needed] for role in roles)


# -- the answer's own words ----------------------------------------------------------------------------------------


def by_words(report: Report, call: Call, path: str | None = None) -> None:
    """What the answer's status, code and text speak for, by the same table that pasted texts are judged by."""
    answer = call.known
    assert answer is not None
    app = report.case.asked.sign_in == "app"
    text = "\n".join(
        part
        for part in (
            f"{call.method} {_address(report, call)}{path or call.path}",
            f"HTTP/1.1 {answer.status}",
            f"x-powerbi-error-info: {answer.code}" if answer.code else "",
            f"Retry-After: {answer.retry_after}" if answer.retry_after else "",
            answer.message,
            "idtyp=app" if app else "",
        )
        if part
    )
    settled = _settled(call)
    if settled is not None:
        report.find(settled, "certain", (answer.evidence,))
        return
    judged = [each for each in _judged(text, _told(answer)) if not _ruled_out(report, each, call, app=app)]
    sure = [each for each in judged if each.certainty == "certain"]
    if not sure:
        candidates(report, call)
    for made in sure or judged:
        report.add(made, params=_params_of(report, made), detail=_which(report, made, call))


def _told(answer: ApiAnswer) -> Evidence:
    """The answer with the service's own words, where it had some."""
    words = answer.message.partition("\n")[0][:200]
    seen = answer.evidence
    return seen if not words or words.startswith(("{", "<")) else replace(seen, fact=f"{seen.fact}: {words}")


def _which(report: Report, made: Finding, call: Call) -> str:
    """Of a setting that is only suspected, which one it is."""
    if made.cause != "admin_api_setting_off":
        return ""
    names = of_call(call, app=report.case.asked.sign_in == "app")
    return " ".join(f"It needs the setting {standing_of(report.case, name).title!r}." for name in names)


# Codes that say by themselves what is wrong (powerbi.md 6.1, 6.2: several sources or documented).
_CODES: Final = {
    "CapacityNotActive": "capacity_paused",
    "RequestDeniedByInboundPolicy": "private_link_inbound_policy",
    "InsufficientPermissionsOverCapacity": "capacity_permission_missing",
    "CredentialTypeNotAllowedAsPerAppPolicy": "secret_blocked_by_policy",
    "CredentialInvalidLifetimeAsPerAppPolicy": "secret_blocked_by_policy",
    "AuthorizationFailed": "azure_rbac_missing",
    "PowerBINotLicensedException": "user_license_missing",
    "UserNotLicensed": "user_license_missing",
    "TenantSwitchDisabled": "feature_tenant_setting_off",
}


def _settled(call: Call) -> str | None:
    answer = call.known
    assert answer is not None
    name = _CODES.get(answer.code or "")
    if name == "azure_rbac_missing" and not (call.request and call.request.service == "arm"):
        return None
    if name == "user_license_missing" and not call.path.lower().rstrip("/").endswith(("/groups", "/v1/workspaces")):
        return None  # of other calls a capacity that is not there is told in the same words
    return name


def _address(report: Report, call: Call) -> str:
    meant = clouds().get(report.case.asked.cloud) or clouds()["public"]
    if call.request is not None and call.request.url.startswith("https://"):
        return ""
    return (meant.fabric or meant.powerbi) if call.path.startswith("/v1/") else meant.powerbi


def _judged(text: str, seen: Evidence) -> list[Finding]:
    found = [replace(each, evidence=(seen,)) for each in judge(recognise(text.encode()))]
    return sorted(found, key=lambda each: _RANK[each.certainty])[:4]


def _ruled_out(report: Report, made: Finding, call: Call, *, app: bool) -> bool:
    """What the facts of the case exclude."""
    case = report.case
    if app and made.cause in ("user_not_admin_role", "user_license_missing", "missing_delegated_scope"):
        return True
    if made.cause in ("wrong_audience", "token_expired", "wrong_cloud"):
        return True  # the claims were examined
    if made.cause in ("admin_api_setting_off", "admin_consented_permission_blocks_admin_api") and not is_admin(call):
        return True
    passed = {check.id for check in report.checks if check.status == "pass"}
    if made.cause in ("tenant_setting_off", "sp_not_in_allowed_group", "wrong_group_type"):
        return any(id_.startswith("settings.ServicePrincipalAccess") for id_ in passed)
    if made.cause == "admin_api_setting_off":
        return any(f"settings.{name}" in passed for name in of_call(call, app=app) if name in (READ_ADMIN, WRITE_ADMIN))
    if made.cause == "admin_consented_permission_blocks_admin_api":
        attempt = case.value(TOKEN, "powerbi")
        return attempt is not None and attempt.claims is not None and not attempt.claims.roles
    if made.cause == "sp_not_in_workspace":
        wanted = call.request.workspace if call.request else None
        seen = [fact.value for _, fact in case.each(SEEN) if isinstance(fact, Known) and fact.value.visible]
        return any(wanted is None or (each.id or "").lower() == wanted.lower() for each in seen)
    return False


def _params_of(report: Report, made: Finding) -> dict[str, dict[str, object]]:
    return revoke_params(report) if made.cause == "admin_consented_permission_blocks_admin_api" else {}


# -- what happens after a call was taken ---------------------------------------------------------------------------


def refresh(report: Report, call: Call) -> None:
    """A refresh is taken at once and fails later: its newest entry tells."""
    path = call.path
    fact = report.case.fact(REFRESH, path)
    if not isinstance(fact, Known) or fact.value.get("status") != "Failed":
        return
    said = str(fact.value.get("serviceExceptionJson") or "")
    seen = Evidence(fact.evidence.source, fact.evidence.observer, f"Failed {said[:200]}", fact.evidence.request_id)
    report.check("request.refresh", "Newest refresh", "fail", f"failed: {said[:120]}", (seen,))
    if "CredentialsNotSpecified" in said or "Credentials" in said:
        certain: Certainty = "certain" if "CredentialsNotSpecified" in said else "likely"
        report.find("dataset_datasource_credentials_missing", certain, (seen,))
        return
    for made in _judged(said, seen):
        report.add(made)
