"""What a refusal of the token endpoint means: by its number, decided by what the directory shows of the app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from pbisetup.catalog.aadsts import deep, numbers
from pbisetup.diagnosis.paste.numbers import own
from pbisetup.diagnosis.rules import consent
from pbisetup.diagnosis.rules.local import MOST_SKEW, NO_ANSWER, new_secret, sure
from pbisetup.diagnosis.rules.report import Report, sentence
from pbisetup.model.case import (
    APP,
    AUTHORITY,
    CLOCK,
    CREDENTIAL,
    NAMED,
    POWER_BI,
    SERVICE_PRINCIPAL,
    TENANT,
    TOKEN,
)
from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import Absent, Known
from pbisetup.model.finding import Certainty
from pbisetup.model.probe import TokenAttempt
from pbisetup.model.signal import Signal

_FEW: Final = 5
# Numbers that say by themselves what is wrong (entra.md 5, documented).
PLAIN: Final[dict[int, tuple[str, Certainty]]] = {
    7000222: ("secret_expired", "certain"),
    7000229: ("sp_missing_in_tenant", "certain"),
    500014: ("resource_sp_disabled", "certain"),
    53003: ("conditional_access_blocked", "certain"),
    53000: ("conditional_access_blocked", "certain"),
    53001: ("conditional_access_blocked", "certain"),
    53002: ("conditional_access_blocked", "certain"),
    530034: ("conditional_access_blocked", "certain"),
    530035: ("conditional_access_blocked", "certain"),
    530036: ("conditional_access_blocked", "certain"),
    53004: ("conditional_access_blocked", "likely"),
    53011: ("conditional_access_blocked", "likely"),
    530032: ("conditional_access_blocked", "likely"),
    530033: ("conditional_access_blocked", "likely"),
    650053: ("wrong_scope_name", "certain"),
    700213: ("federated_credential_mismatch", "certain"),
    700211: ("federated_credential_mismatch", "certain"),
    700212: ("federated_credential_mismatch", "certain"),
    7002138: ("federated_credential_mismatch", "certain"),
    70021: ("federated_credential_mismatch", "likely"),
    50011: ("redirect_uri_mismatch", "certain"),
    500117: ("redirect_uri_mismatch", "certain"),
    500113: ("redirect_uri_mismatch", "certain"),
    900971: ("redirect_uri_mismatch", "certain"),
    50194: ("wrong_authority_for_client_credentials", "likely"),
    50059: ("wrong_authority_for_client_credentials", "likely"),
    900382: ("wrong_cloud", "likely"),
    900383: ("wrong_cloud", "likely"),
    900384: ("wrong_cloud", "likely"),
    90038: ("wrong_cloud", "likely"),
}


def refused(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """The finding, or findings, that a refusal stands for."""
    if attempt.failure:
        _no_answer(report, attempt)
        return
    for code in attempt.codes:
        rule = _RULES.get(code)
        if rule is not None:
            rule(report, attempt, cloud)
            return
        if code in PLAIN:
            name, certainty = PLAIN[code]
            _plain(report, name, certainty, attempt)
            return
    _another(report, attempt)


def _no_answer(report: Report, attempt: TokenAttempt) -> None:
    if report.broken and attempt.failure.startswith("PBI2"):
        return  # the network was found wanting already
    if report.found("conflicting_auth_configuration", "client_configuration_or_bug") and attempt.failure in NO_ANSWER:
        return
    name = NO_ANSWER.get(attempt.failure, "unreachable")
    seen = attempt.evidence or report.case.evidence((CREDENTIAL, None))
    report.find(
        name, sure(attempt.failure), seen, words={"message": sentence(attempt.message)}, params=new_secret(report)
    )


def _plain(report: Report, name: str, certainty: Certainty, attempt: TokenAttempt) -> None:
    detail = _trusts(report) if name == "federated_credential_mismatch" else ""
    report.find(
        name, certainty, attempt.evidence, params=_params(report, name), words=_words(report, attempt), detail=detail
    )


def _trusts(report: Report) -> str:
    """Whom the app trusts, where that could be read: what was presented stands in the message."""
    app = report.case.value(APP)
    if app is None or app.federated is None:
        return ""
    if not app.federated:
        return "The app has no federated credential at all."
    listed = [f"{each.subject!r} of {each.issuer}" for each in app.federated[:_FEW]]
    more = len(app.federated) - len(listed)
    return f"The app trusts {', '.join(listed)}{f' and {more} more' if more else ''}."


def _words(report: Report, attempt: TokenAttempt) -> dict[str, str]:
    shape = report.case.value(CREDENTIAL)
    ids = {"client_id": shape.client_id, "tenant_id": shape.tenant_id} if shape else {}
    return {"message": attempt.message, **ids}


def _params(report: Report, name: str) -> dict[str, dict[str, Any]]:
    """What the remedies of a finding would be done with, as far as it is known."""
    case = report.case
    app, principal, resource = case.value(APP), case.value(SERVICE_PRINCIPAL), case.value(POWER_BI)
    found: dict[str, dict[str, Any]] = {}
    if name in ("secret_expired", "invalid_secret", "secret_in_quotes", "secret_id_used_as_value"):
        return dict(new_secret(report))
    if name == "sp_missing_in_tenant" and app:
        found["create_service_principal"] = {"client_id": app.client_id}
    if name == "app_disabled" and principal and not principal.enabled:
        found["enable_service_principal"] = {"sp_object_id": principal.object_id, "name": principal.name}
    if name == "resource_sp_disabled" and resource:
        found["enable_resource"] = {"sp_object_id": resource.object_id, "name": "Power BI Service"}
    if name == "public_client_flow_disabled" and app:
        found["allow_public_client"] = {"app_object_id": app.object_id}
    return found


# -- numbers that the directory decides ----------------------------------------------------------------------------


def _wrong_secret(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """7000215: not a secret of the app. Its form, and the beginnings of the app's secrets, say which mistake it is."""
    del cloud
    case = report.case
    shape, app = case.value(CREDENTIAL), case.value(APP)
    evidence, name = attempt.evidence, "invalid_secret"
    certainty: Certainty = "likely"
    decided: str | None = None
    if app is not None:
        evidence = (*evidence, *case.evidence((APP, None)))
    if shape is not None and shape.secret_looks_like_guid:
        name, certainty = "secret_id_used_as_value", "certain"
    elif shape is not None and shape.secret_has_odd_ends:
        name = "secret_in_quotes"
        certainty = "certain" if app and any(p.hint and p.hint == shape.hint for p in app.passwords) else "likely"
    elif app is not None and shape is not None and not _just_made(report):
        alike = [p for p in app.passwords if p.hint and p.hint == shape.hint]
        certainty = "likely" if alike else "certain"
        decided = "whether the whole value is what was copied: it begins like a secret of the app" if alike else None
    report.find(
        name,
        certainty,
        evidence,
        params=_params(report, name),
        decided_by=decided,
        words=_words(report, attempt),
    )
    if _just_made(report):
        report.find("propagation_delay", "possible", evidence)


def _just_made(report: Report) -> bool:
    """Whether a secret of the app is so new that the token endpoint may not know it (entra.md 3.1)."""
    app = report.case.value(APP)
    starts = [p.starts for p in app.passwords if p.starts] if app else []
    return any(0 <= (report.case.now - start).total_seconds() < 300 for start in starts)


def _no_such_app(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """700016: no application of this client id in that tenant."""
    del cloud
    case = report.case
    shape = case.value(CREDENTIAL)
    words = _words(report, attempt)
    if report.found("wrong_authority_for_client_credentials", "client_configuration_or_bug"):
        return  # no tenant at all was asked
    app, principal = case.fact(APP), case.fact(SERVICE_PRINCIPAL)
    named = case.fact(NAMED, shape.client_id if shape else None)
    if isinstance(named, Known):
        thing = named.value
        evidence = (*attempt.evidence, named.evidence)
        detail = f"{thing.id} is the object id of the {thing.kind} {thing.name!r}"
        right = f", whose client id is {thing.client_id}." if thing.client_id else "."
        report.find("object_id_used_as_client_id", "certain", evidence, detail=detail + right, words=words)
        return
    if isinstance(app, Known) or isinstance(principal, Known):
        _app_elsewhere(report, attempt, words)
        return
    certain = isinstance(app, Absent) and isinstance(principal, Absent) and isinstance(named, Absent)
    certain = certain and _same_tenant(report)
    evidence = (*attempt.evidence, *(case.evidence((APP, None)) if certain else ()))
    report.find("app_not_in_tenant", "certain" if certain else "likely", evidence, words=words)
    if not certain:
        report.find("object_id_used_as_client_id", "possible", attempt.evidence, words=words)
        report.find("propagation_delay", "possible", attempt.evidence)


def _app_elsewhere(report: Report, attempt: TokenAttempt, words: dict[str, str]) -> None:
    """The operator sees the app in their own tenant: the one that was asked is another, or it is all too new."""
    case = report.case
    tenant, own = case.value(AUTHORITY), case.value(TENANT)
    evidence = (*attempt.evidence, *case.evidence((APP, None), (TENANT, None)))
    if own and tenant and tenant.tenant_id and not _same_tenant(report):
        asked = tenant.tenant_id
        detail = f"The app is registered in the tenant {own.id} ({own.name}), and the token was asked of {asked}."
        report.find("app_not_in_tenant", "certain", evidence, detail=detail, words=words)
        return
    report.find("propagation_delay", "likely", evidence)


def _same_tenant(report: Report) -> bool:
    """Whether the operator looks into the tenant that the token was asked of."""
    case = report.case
    asked, own = case.value(AUTHORITY), case.value(TENANT)
    return bool(asked and own and asked.tenant_id.lower() == own.id.lower())


def _no_such_tenant(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """90002: the cloud knows no such tenant. The discovery document says the same, and is a finding already."""
    del cloud
    case = report.case
    own = case.value(TENANT)
    evidence = attempt.evidence
    detail = ""
    certainty: Certainty = "certain" if isinstance(case.fact(AUTHORITY), Absent) else "likely"
    if own and isinstance(case.fact(APP), Known):
        evidence = (*evidence, *case.evidence((APP, None)))
        detail = f"The app is registered in the tenant {own.id} ({own.name})."
    report.find("tenant_unknown", certainty, evidence, detail=detail, words=_words(report, attempt))


def _no_resource(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """500011, 650052: the API that was asked for is not in this tenant, or is no API at all."""
    case = report.case
    if report.found("wrong_cloud"):
        return
    resource = case.fact(POWER_BI)
    words = _words(report, attempt)
    ours = (cloud.powerbi_resource, cloud.powerbi_app_id, cloud.fabric_resource or cloud.powerbi_resource)
    for_us = attempt.scope.rpartition("/")[0].rstrip("/") in ours
    if isinstance(resource, Absent) and for_us:
        evidence = (*attempt.evidence, resource.evidence)
        add = {"add_resource": {"client_id": cloud.powerbi_app_id, "name": "Power BI Service"}}
        report.find("resource_sp_missing", "certain", evidence, params=add, words=words)
        return
    other = report.case.value(TOKEN, "powerbi")
    there = other.evidence if other is not None and other.issued and not for_us else ()
    if isinstance(resource, Known) or there:
        # Power BI is there: what is not is what the scope names.
        evidence = (*attempt.evidence, *((resource.evidence,) if isinstance(resource, Known) else there))
        detail = f"It asked for {attempt.scope!r}." if attempt.scope and not for_us else ""
        report.find(
            "wrong_scope_format" if not for_us else "wrong_cloud", "likely", evidence, detail=detail, words=words
        )
        return
    report.find("resource_sp_missing", "likely", attempt.evidence, words=words)
    report.find("wrong_cloud", "possible", attempt.evidence, words=words)
    if not for_us:
        report.find("wrong_scope_format", "possible", attempt.evidence, words=words)


def _disabled(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """7000112: switched off in the tenant, or barred by Microsoft; only the directory tells which."""
    del cloud
    case = report.case
    app, principal = case.value(APP), case.value(SERVICE_PRINCIPAL)
    evidence, detail = attempt.evidence, ""
    if app and app.barred:
        evidence = (*evidence, *case.evidence((APP, None)))
        detail = (
            f"Microsoft has barred the app {app.display_name!r} ({app.barred}): nobody in the tenant can undo that."
        )
    elif app and app.disabled:
        evidence = (*evidence, *case.evidence((APP, None)))
        detail = f"The app registration {app.display_name!r} is deactivated."
    elif principal and not principal.enabled:
        evidence = (*evidence, *case.evidence((SERVICE_PRINCIPAL, None)))
        detail = f"The service principal {principal.name!r} is switched off for sign-in."
    params = {} if app and (app.barred or app.disabled) else _params(report, "app_disabled")
    report.find("app_disabled", "certain", evidence, detail=detail, params=params, words=_words(report, attempt))


def _scope(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """70011, 1002012: the scope. An app asks for a resource's /.default and for nothing else (documented)."""
    del cloud
    app_only = report.case.asked.sign_in == "app"
    malformed = app_only and not attempt.scope.endswith("/.default")
    detail = f"It asked for {attempt.scope!r}." if attempt.scope else ""
    report.find(
        "wrong_scope_format", "certain" if malformed else "likely", attempt.evidence, detail=detail,
        words=_words(report, attempt),
    )  # fmt: skip


def _public_client(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """7000218: no credential came with the request, and the app does not allow that."""
    del cloud
    case = report.case
    app, shape = case.fact(APP), case.value(CREDENTIAL)
    evidence = attempt.evidence
    certainty: Certainty = "likely"
    if isinstance(app, Known) and not app.value.public_client:
        evidence = (*evidence, app.evidence)
        certainty = "certain" if shape and shape.kind in ("password", "sign-in") and not shape.has_secret else "likely"
    elif isinstance(app, Absent):
        evidence = (*evidence, app.evidence)  # of an app that is registered elsewhere, or nowhere any more
    report.find(
        "public_client_flow_disabled", certainty, evidence,
        params=_params(report, "public_client_flow_disabled"), words=_words(report, attempt),
    )  # fmt: skip


def _second_factor(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """50076 and its kin: with name and password a program can show no second factor."""
    del cloud
    shape = report.case.value(CREDENTIAL)
    password = shape is not None and shape.kind == "password"
    if password:
        report.find("mfa_required_for_ropc", "certain", attempt.evidence, words=_words(report, attempt))
    else:
        report.find("conditional_access_blocked", "likely", attempt.evidence, words=_words(report, attempt))


def _certificate(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """The assertion that proves who signs in is not taken: a certificate's, or what another issuer made."""
    del cloud
    shape = report.case.value(CREDENTIAL)
    if shape is not None and shape.kind == "federated":
        detail = "What the program presents is no assertion of a federated issuer, or a broken one."
        words = _words(report, attempt)
        report.find("federated_credential_mismatch", "likely", attempt.evidence, detail=detail, words=words)
        return
    app = report.case.fact(APP)
    evidence = (*attempt.evidence, *((app.evidence,) if isinstance(app, Known) else ()))
    # 700026: the app has no keys at all (Microsoft's list of numbers).
    none = 700026 in attempt.codes or (isinstance(app, Known) and not app.value.certificates)
    detail = "The app has no certificate at all." if none else ""
    report.find(
        "certificate_not_accepted",
        "certain" if none else "likely",
        evidence,
        detail=detail,
        words=_words(report, attempt),
    )


def _assertion_time(report: Report, attempt: TokenAttempt, cloud: Cloud) -> None:
    """700024: outside its time. Either this machine's clock is wrong, or the assertion was old."""
    del cloud
    clock = report.case.value(CLOCK)
    wrong = clock is not None and abs(clock) > MOST_SKEW
    right = clock is not None and not wrong
    detail = "This machine's clock is right: the assertion itself is too old, or too new." if right else ""
    report.find(
        "clock_wrong", "certain" if wrong else "likely", attempt.evidence, detail=detail, words=_words(report, attempt)
    )


_RULES: Final[dict[int, Callable[[Report, TokenAttempt, Cloud], None]]] = {
    7000215: _wrong_secret,
    70021501: _wrong_secret,
    700016: _no_such_app,
    70001: _no_such_app,
    90002: _no_such_tenant,
    900023: _no_such_tenant,
    500011: _no_resource,
    650052: _no_resource,
    7000112: _disabled,
    70011: _scope,
    1002012: _scope,
    28002: _scope,
    28003: _scope,
    7000218: _public_client,
    50076: _second_factor,
    50079: _second_factor,
    50072: _second_factor,
    50074: _second_factor,
    700027: _certificate,
    700030: _certificate,
    1000502: _certificate,
    700026: _certificate,
    7000214: _certificate,
    50027: _certificate,
    700024: _assertion_time,
    65001: consent.missing,
    65004: consent.missing,
    90094: consent.missing,
    90095: consent.missing,
    90093: consent.missing,
    90008: consent.missing,
    650056: consent.missing,
    650057: consent.not_declared,
    65005: consent.not_declared,
    50105: consent.not_assigned,
    501051: consent.not_assigned,
}


def _another(report: Report, attempt: TokenAttempt) -> None:
    """A number without a rule: its own page in the catalogue, else what Microsoft's list says, else the word beside it."""
    for code in attempt.codes:
        entry = deep(str(code))
        if entry is None:
            continue
        if entry.cause == "entra_other":
            made = own(entry, Signal("aadsts", str(code), 0))
            report.add(replace(made, certainty="certain", decided_by=None, evidence=attempt.evidence))
        else:
            report.find(
                entry.cause, "likely", attempt.evidence, decided_by=entry.decided_by, words=_words(report, attempt)
            )
        return
    listed = [numbers()[str(code)] for code in attempt.codes if str(code) in numbers()]
    if passing := [each for each in listed if each.category == "service"]:
        said = f"The token endpoint answered AADSTS{passing[0].number}."
        report.find("service_trouble", "likely", attempt.evidence, words={"message": said})
        return
    known = next((numbers()[str(code)] for code in attempt.codes if str(code) in numbers()), None)
    detail = f"AADSTS{known.number}: {known.advice}." if known else ""
    report.find(
        "entra_other", "likely" if known else "possible", attempt.evidence, detail=detail, words=_words(report, attempt)
    )
