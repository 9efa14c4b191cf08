"""Rules of this machine, the network and the tenant: everything before a token is asked for."""

from __future__ import annotations

from typing import Final

from pbisetup.catalog.clouds import clouds
from pbisetup.diagnosis.rules.report import Report, sentence
from pbisetup.model.case import AUTHORITY, CLOCK, CREDENTIAL, HOST, TOKEN, VARIABLES
from pbisetup.model.cloud import Cloud
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.finding import Certainty, CheckStatus
from pbisetup.model.probe import Authority, Configured

_FORMS: Final = {
    "odd ends": "begins or ends with quotes or white space",
    "empty": "is empty",
    "domain": "is a domain, not a GUID",
    "authority": "is a word for all tenants",
    "other": "is no GUID",
    "secret": "has the form of a secret's value, and is not shown; client id and secret may have been swapped",
}
MOST_SKEW: Final = 300.0
"""Seconds that clocks may differ before assertions are refused (entra.md: five minutes, general knowledge)."""
NO_ANSWER: Final = {
    "PBI102": "conflicting_auth_configuration",
    "PBI105": "conflicting_auth_configuration",
    "PBI201": "name_not_resolved",
    "PBI203": "proxy_refused",
    "PBI204": "certificate_not_trusted",
    "PBI207": "redirected_away",
    "PBI210": "not_its_own",
    "PBI702": "throttled",
}
"""What is found where an error kept a service from being heard; anything else is a host that cannot be reached."""
_SEEN: Final = frozenset(NO_ANSWER) - {"PBI210"} | {"PBI202"}


def sure(code: str) -> Certainty:
    """Of an error that kept a service from being heard: a name, a proxy, a certificate or a refused connection is seen to
    be at fault; a silence, or somebody else's answer, may have any reason.
    """
    return "certain" if code in _SEEN else "likely"


def machine(report: Report) -> bool:
    """The credential as it is configured; False where there is none that could be tried."""
    fact = report.case.fact(CREDENTIAL)
    title = "Credential"
    if isinstance(fact, Unknown):
        report.check("config.credential", title, "unknown", fact.reason)
        return True
    if isinstance(fact, Absent):
        where, seen = fact.evidence.source, (fact.evidence,)
        report.check("config.credential", title, "fail", f"there is no credential of the app in {where}", seen)
        _no_credential(report, f"There is no secret in {where}.", seen)
        return False
    shape, seen = fact.value, (fact.evidence,)
    usable = _usable(report, shape, seen)
    if usable:
        report.check("config.credential", title, *_shape(shape), seen)
    _ids(report, shape, seen)
    _others(report, shape, seen)
    _variables(report)
    return usable


def _usable(report: Report, shape: Configured, seen: tuple[Evidence, ...]) -> bool:
    if shape.elsewhere:
        # No fault, and no proof either: whoever asks here learns what the operator can see.
        report.check("config.credential", "Credential", "unknown", shape.elsewhere, seen)
        return False
    why = shape.broken or (f"there is no secret in {shape.where}" if shape.kind == "none" else "")
    if why:
        report.check("config.credential", "Credential", "fail", why, seen)
        _no_credential(report, sentence(why), seen)
    return not why


def _no_credential(report: Report, message: str, seen: tuple[Evidence, ...]) -> None:
    report.find(
        "conflicting_auth_configuration", "certain", seen, words={"message": message}, params=new_secret(report)
    )


def new_secret(report: Report) -> dict[str, dict[str, str]]:
    """What a new secret would be made with, where the app is known."""
    from pbisetup.model.case import APP

    app = report.case.value(APP)
    if app is None:
        return {}
    return {"add_secret": {"app_object_id": app.object_id, "client_id": app.client_id}}


def _shape(shape: Configured) -> tuple[CheckStatus, str]:  # and the reason
    if shape.secret_has_odd_ends:
        return "warn", "the secret begins or ends with quotes or white space"
    words = {
        "secret": "a client secret",
        "certificate": "a certificate",
        "federated": "a federated assertion",
        "password": f"name and password of {shape.account or 'a user'}",
        "sign-in": "a person signs in",
        "token": "a token that was handed over",
    }
    if shape.kind == "secret" and shape.secret_looks_like_guid:
        return "warn", f"the secret from {shape.where} has the form of a GUID, which no secret has"
    return "pass", f"{words.get(shape.kind, shape.kind)}, from {shape.where}"


def _ids(report: Report, shape: Configured, seen: tuple[Evidence, ...]) -> None:
    if shape.kind == "token":
        return
    wrong = []
    for id_, title, value, form, fine in (
        ("config.client", "Client id", shape.client_id, shape.client_id_form, ("id",)),
        ("config.tenant", "Tenant", shape.tenant_id, shape.tenant_form, ("id", "domain")),
    ):
        if form in fine:
            report.check(id_, title, "pass", value, seen)
            continue
        if id_ == "config.tenant" and form == "authority":
            _authority(report, value, seen, app_only=report.case.asked.sign_in == "app")
            continue
        why = f"{value!r} {_FORMS[form]}" if value and form != "secret" else _FORMS[form]
        report.check(id_, title, "fail", why, seen)
        wrong.append(f"The {title.lower()} {why}.")
    if wrong:
        report.find("id_malformed", "certain", seen, words={"message": " ".join(wrong)})


def _authority(report: Report, value: str, seen: tuple[Evidence, ...], *, app_only: bool) -> None:
    """`common` and its kin stand for no tenant: people may sign in there, an app cannot (powerbi-docs#2517; documented)."""
    if not app_only:
        report.check("config.tenant", "Tenant", "pass", f"{value}: whoever signs in decides", seen)
        return
    report.check("config.tenant", "Tenant", "fail", f"{value} is no tenant, and an app needs one", seen)
    report.find("wrong_authority_for_client_credentials", "certain", seen)


def _others(report: Report, shape: Configured, seen: tuple[Evidence, ...]) -> None:
    if not shape.others:
        return
    listed = ", ".join(shape.others)
    report.check("config.others", "Other credentials", "warn", f"set beside it: {listed}", seen)
    report.find(
        "conflicting_auth_configuration", "possible", seen, severity="warning",
        words={"message": f"Beside the {shape.kind} these are set: {listed}."},
    )  # fmt: skip


def _variables(report: Report) -> None:
    """Variables that change behaviour silently: named in one line, and a finding where one contradicts what is examined."""
    fact = report.case.fact(VARIABLES)
    found = fact.value if isinstance(fact, Known) else ()
    plain = [each.name for each in found if not each.suspect]
    if plain:
        report.check("config.variables", "Variables in effect", "pass", ", ".join(plain))
    suspect = [each for each in found if each.suspect]
    seen = tuple(Evidence("environment variables", "local", f"{each.name}={each.value}") for each in suspect)
    for each, evidence in zip(suspect, seen, strict=True):
        report.check(f"config.{each.name}", each.name, "warn", f"{each.value}: {each.effect}", (evidence,))
    if suspect:
        told = " ".join(f"{each.name} is {each.value}: {each.effect}." for each in suspect)
        report.find("misleading_variable", "possible", seen, words={"message": told})


def clock(report: Report) -> None:
    """This machine's clock against the services': it matters where this machine signs something itself."""
    fact = report.case.fact(CLOCK)
    if not isinstance(fact, Known):
        report.check("config.clock", "Clock", "unknown", "no service has answered")
        return
    if abs(fact.value) <= MOST_SKEW:
        off = "" if abs(fact.value) < 1 else f", {abs(fact.value):.0f} s off"
        report.check("config.clock", "Clock", "pass", f"agrees with the services'{off}", (fact.evidence,))
        return
    ways = "behind" if fact.value > 0 else "ahead of"
    said = f"{abs(fact.value) / 60:.0f} minutes {ways} the services'"
    report.check("config.clock", "Clock", "warn", said, (fact.evidence,))
    signs = _signs_itself(report)
    report.find(
        "clock_wrong", "certain" if 700024 in signs else "likely", (fact.evidence,),
        severity="error" if signs else "warning", detail=f"This machine's clock is {said}.",
    )  # fmt: skip


def _signs_itself(report: Report) -> tuple[int, ...]:
    """The numbers with which an assertion that this machine signed was refused."""
    shape = report.case.value(CREDENTIAL)
    attempt = report.case.value(TOKEN, "powerbi")
    if shape is None or shape.kind not in ("certificate", "federated") or attempt is None or attempt.issued:
        return ()
    return attempt.codes or (0,)


# -- the network ---------------------------------------------------------------------------------------------------


_HOSTS: Final = {"login": "Sign-in", "powerbi": "Power BI's API", "fabric": "Fabric's API", "graph": "Microsoft Graph"}
_NEEDED: Final = ("login", "powerbi")
"""Without these nothing works; without the others less can be seen."""


def network(report: Report) -> None:
    """Each host: answers, or what stands in between."""
    for service, fact in report.case.each(HOST):
        id_, title = f"network.{service}", f"{_HOSTS.get(service, service)} host"
        if isinstance(fact, Known):
            report.check(id_, title, "pass", f"{fact.value.host} {fact.evidence.fact}", (fact.evidence,))
            continue
        assert isinstance(fact, Unknown)
        seen = (fact.evidence,) if fact.evidence else ()
        needed = service in _NEEDED
        report.check(id_, title, "fail" if needed else "warn", fact.reason, seen)
        name = NO_ANSWER.get(fact.code, "unreachable")
        report.find(
            name, sure(fact.code), seen, severity=None if needed else "warning",
            words={"message": sentence(fact.reason)},
        )  # fmt: skip


# -- the tenant ----------------------------------------------------------------------------------------------------


def tenant(report: Report, cloud: Cloud) -> None:
    """Whether there is such a tenant, and whether it lives in the cloud that was chosen."""
    fact = report.case.fact(AUTHORITY)
    if report.case.asked.tenant is None:
        return
    if isinstance(fact, Known):
        elsewhere = other_cloud(fact.value, cloud)
        if elsewhere is None:
            report.check("tenant.exists", "Tenant", "pass", fact.value.tenant_id or "any", (fact.evidence,))
            return
        report.check("tenant.exists", "Tenant", "fail", f"it lives in {elsewhere}", (fact.evidence,))
        report.find("wrong_cloud", "certain", (fact.evidence,), detail=f"The tenant lives in {elsewhere}.")
    elif isinstance(fact, Absent):
        report.check("tenant.exists", "Tenant", "fail", fact.evidence.fact, (fact.evidence,))
        if _malformed_tenant(report):
            return  # that is why
        report.find("tenant_unknown", "certain", (fact.evidence,), words={"tenant_id": report.case.asked.tenant})
    else:
        report.check("tenant.exists", "Tenant", "unknown", fact.reason)


def _malformed_tenant(report: Report) -> bool:
    shape = report.case.value(CREDENTIAL)
    return shape is not None and shape.kind != "token" and shape.tenant_form in ("odd ends", "empty", "other", "secret")


def other_cloud(found: Authority, cloud: Cloud) -> str | None:
    """The cloud that a tenant lives in, where it is another one than `cloud`; by the words of its discovery document."""
    if not found.tenant_id or not found.cloud or not cloud.instance:
        return None
    if _lives_in(found, cloud):
        return None
    home = next((each.name for each in clouds().values() if _lives_in(found, each)), None)
    return f"the cloud {home!r}" if home else f"a cloud that signs in at {found.cloud}"


def _lives_in(found: Authority, cloud: Cloud) -> bool:
    """Only the marks that a cloud is known by: other subregions than these may come up anywhere."""
    special = {each.subregion for each in clouds().values() if each.subregion}
    subregion = found.subregion.upper() if found.subregion.upper() in special else ""
    return found.cloud.lower() == cloud.instance and subregion == cloud.subregion
