"""Rules of the claims: for which API, of which tenant and app, with which permissions, and for how long."""

from __future__ import annotations

from pbisetup.catalog.purposes import purposes
from pbisetup.diagnosis.rules.consent import declare_params, grant_params
from pbisetup.diagnosis.rules.report import Report
from pbisetup.model.case import (
    AUTHORITY,
    CREDENTIAL,
    POWER_BI,
    ROLE_GRANTS,
    SERVICE_PRINCIPAL,
    SIGNATURE,
    TOKEN,
)
from pbisetup.model.claims import Claims
from pbisetup.model.cloud import Cloud
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Known
from pbisetup.model.finding import CheckStatus


def claims(report: Report, cloud: Cloud) -> None:
    """What the token for Power BI says, and for whom the one is that was asked for in its place."""
    attempt = report.case.value(TOKEN, "powerbi")
    if attempt is None or not attempt.issued:
        report.check("claims", "Claims of the token", "skip", "not examined because there is no token")
    elif attempt.claims is None:
        report.check("claims", "Claims of the token", "unknown", "the token is opaque")
    else:
        _audience(report, attempt.claims, cloud, "powerbi")
        _issuer(report, attempt.claims, cloud)
        _identity(report, attempt.claims)
        _permissions(report, attempt.claims)
        _life(report, attempt.claims)
        _signature(report)
    asked = report.case.value(TOKEN, "asked")
    if asked is not None and asked.claims is not None:
        _audience(report, asked.claims, cloud, "asked")


def audiences(cloud: Cloud, service: str) -> tuple[str, ...]:
    """The audiences that an API takes (powerbi.md 5)."""
    if service == "graph":
        return (cloud.graph_resource, "00000003-0000-0000-c000-000000000000")
    if service == "arm":
        return tuple(each for each in (cloud.arm_resource, "https://management.core.windows.net") if each)
    return tuple(each for each in (cloud.powerbi_resource, cloud.powerbi_app_id, cloud.fabric_resource) if each)


def _audience(report: Report, found: Claims, cloud: Cloud, which: str) -> None:
    request = report.case.asked.request
    service = request.service if request is not None and which == "asked" else "powerbi"
    seen = (Evidence("access token", "app", f"aud {found.audience}, tid {found.tenant_id}"),)
    id_ = "claims.audience" if which == "powerbi" else "claims.audience.asked"
    wanted = audiences(cloud, service)
    if found.audience.rstrip("/") in {each.rstrip("/") for each in wanted}:
        report.check(id_, "Audience", "pass", found.audience)
        return
    whose = "Power BI's" if service in ("powerbi", "fabric", "xmla", "other") else f"{service}'s"
    report.check(id_, "Audience", "fail", f"{found.audience} is not {whose}", seen)
    report.find(
        "wrong_audience", "certain", seen, words={"audience": found.audience, "wanted": wanted[0]},
    )  # fmt: skip


def _issuer(report: Report, found: Claims, cloud: Cloud) -> None:
    wanted = cloud.token_issuer.format(tenant=found.tenant_id)
    fits = found.issuer.rstrip("/") == wanted.rstrip("/")
    because = found.issuer if fits else f"{found.issuer}; Power BI's tokens come from {wanted}"
    report.check("claims.issuer", "Issuer", "pass" if fits else "warn", because)


def _identity(report: Report, found: Claims) -> None:
    case = report.case
    authority, principal, shape = case.value(AUTHORITY), case.value(SERVICE_PRINCIPAL), case.value(CREDENTIAL)
    tenant = authority.tenant_id if authority and authority.tenant_id else None
    _same(report, "claims.tenant", "Tenant", found.tenant_id, tenant)
    meant = None if shape is None or shape.kind == "token" else shape.client_id
    _same(report, "claims.client", "Client id", found.client_id, meant or case.asked.client_id)
    if case.asked.sign_in == "app":
        same_app = principal is not None and principal.client_id.lower() == found.client_id.lower()
        wanted = principal.object_id if principal and same_app else case.asked.principal_id
        _same(report, "claims.object", "Service principal", found.object_id, wanted)


def _same(report: Report, id_: str, title: str, actual: str, wanted: str | None) -> None:
    if wanted is None:
        report.check(id_, title, "unknown", f"{actual} (nothing to compare it with)")
    elif actual.lower() == wanted.lower():
        report.check(id_, title, "pass", actual)
    else:
        seen = (Evidence("access token", "app", f"{title.lower()} {actual}, expected {wanted}"),)
        report.check(id_, title, "fail", f"{actual}, not {wanted}", seen)
        report.find(
            "unexpected_token", "certain", seen, words={"message": f"Its {title.lower()} is {actual}, not {wanted}."}
        )


def _permissions(report: Report, found: Claims) -> None:
    asked = report.case.asked
    seen = (Evidence("access token", "app", f"roles {' '.join(sorted(found.roles)) or 'none'}"),)
    if asked.sign_in == "user" and not found.scopes and found.app_only:
        report.check("claims.scopes", "Scopes", "fail", "none: it is the app's own token, not a person's", seen)
        report.find("app_only_vs_delegated_confusion", "certain", seen)
        return
    if asked.sign_in == "user":
        _scopes(report, found)
        return
    needed = frozenset(role for name in asked.purposes for role in purposes()[name].app_roles)
    if not found.roles:
        status: CheckStatus = "warn" if needed else "pass"
        said = (
            f"none; {', '.join(sorted(needed))} are needed"
            if needed
            else "none, as it should be for a service principal"
        )
        report.check("claims.roles", "Application permissions", status, said)
    elif found.roles <= needed:
        report.check("claims.roles", "Application permissions", "pass", " ".join(sorted(found.roles)))
    else:
        named = " ".join(sorted(found.roles))
        report.check("claims.roles", "Application permissions", "warn", named, seen)
        if not _admin_refused(report):
            report.find("power_bi_app_role", "certain", seen, words={"roles": named}, params=revoke_params(report))


def _admin_refused(report: Report) -> bool:
    """Whether an admin route is what the app is for: then the permission is the fault itself, found there."""
    from pbisetup.diagnosis.rules.calls import admin_calls

    return bool(admin_calls(report.case))


def revoke_params(report: Report) -> dict[str, dict[str, object]]:
    """What revoking the first of the app's Power BI permissions would be done with."""
    case = report.case
    grants, resource, principal = case.fact(ROLE_GRANTS), case.value(POWER_BI), case.value(SERVICE_PRINCIPAL)
    if not isinstance(grants, Known) or resource is None or principal is None:
        return {}
    ours = [g for g in grants.value if g.resource_id == resource.object_id]
    if not ours:
        return {}
    names = {id_: name for name, id_ in resource.roles.items()}
    first = ours[0]
    return {
        "revoke_app_role": {
            "sp_object_id": principal.object_id,
            "assignment_id": first.id,
            "permission": names.get(first.role_id, first.role_id),
        }
    }


def _scopes(report: Report, found: Claims) -> None:
    lacking = report.case.asked.scopes - found.scopes
    seen = (Evidence("access token", "app", f"scp {' '.join(sorted(found.scopes)) or 'none'}"),)
    if not lacking:
        report.check("claims.scopes", "Scopes", "pass", " ".join(sorted(found.scopes)), seen)
        return
    named = " ".join(sorted(lacking))
    report.check("claims.scopes", "Scopes", "fail", f"missing: {named}", seen)
    params = {**grant_params(report), **declare_params(report, lacking)}
    report.find(
        "missing_delegated_scope", "certain", seen, params=params, detail=f"The token lacks {named}.",
        words={"scopes": named},
    )  # fmt: skip


def _life(report: Report, found: Claims) -> None:
    case = report.case
    if found.expires is None:
        report.check("claims.life", "Life", "unknown", "the token names no end")
        return
    age = case.asked.token_age
    whole = (found.expires - found.issued).total_seconds() if found.issued else None
    if age is not None and whole is not None and age > whole:
        said = f"used {age / 3600:.1f} h after it was issued, and it lives {whole / 60:.0f} minutes"
        seen = (Evidence("access token", "app", f"iat to exp: {whole:.0f} s"),)
        report.check("claims.life", "Life", "fail", said, seen)
        report.find("token_expired", "certain", seen, detail=f"The token is {said}.")
    elif found.expires <= case.now:
        report.check("claims.life", "Life", "fail", f"expired {found.expires:%Y-%m-%d %H:%M} UTC")
        seen = (Evidence("access token", "app", f"exp {found.expires:%Y-%m-%d %H:%M:%S} UTC"),)
        report.find("token_expired", "certain", seen, words={"expires": f"{found.expires:%Y-%m-%d %H:%M} UTC"})
    else:
        minutes = round((found.expires - case.now).total_seconds() / 60)
        report.check("claims.life", "Life", "pass", f"{minutes} minutes left")


def _signature(report: Report) -> None:
    fact = report.case.fact(SIGNATURE)
    said: dict[str, tuple[CheckStatus, str]] = {
        "verified": ("pass", "verifies with the tenant's published key"),
        "wrong": (
            "warn",
            "does not verify; Microsoft's own APIs may sign in a private way, so this is information only",
        ),
        "no key": ("unknown", "the tenant publishes no key of this id"),
        "not checked": ("skip", "not a token whose signature can be checked"),
    }
    if isinstance(fact, Known):
        report.check("claims.signature", "Signature", *said[fact.value])
    elif not isinstance(fact, Absent):
        report.check("claims.signature", "Signature", "unknown", fact.reason)
