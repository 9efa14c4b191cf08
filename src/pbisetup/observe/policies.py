"""What the tenant's app management policies say of an app's credentials (source: entra.md 4.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.tenant import CredentialPolicy
from pbisetup.observe.reading import object_fact, read_moment, values_fact
from pbisetup.observe.session import Session

_DAYS = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def default_policy(session: Session) -> Fact[Mapping[str, Any]]:
    """The tenant's default, which holds for every app that has none of its own; unknown where it may not be read."""
    fact: Fact[Any] = object_fact(session.graph.get(session.graph.at("policies/defaultAppManagementPolicy")))
    return fact


def credential_policy(
    session: Session, default: Fact[Mapping[str, Any]], app_object_id: str | None, created: datetime | None
) -> Fact[CredentialPolicy]:
    """Default and the app's own policy together; `created`: None for an app that is about to be made."""
    if not isinstance(default, Known):
        return Unknown("the tenant's policies for credentials cannot be read here")
    sources = [(default.value, default.value.get("applicationRestrictions"))]
    if app_object_id is not None:
        own = values_fact(session.graph.get(session.graph.at(f"applications/{app_object_id}/appManagementPolicies")))
        if isinstance(own, Known):
            sources += [(policy, policy.get("restrictions")) for policy in own.value]
    rules = {name: (policy, rule) for policy, held in sources for name, rule in _rules(policy, held)}
    return Known(_merged(rules, created), default.evidence)


def _rules(policy: Mapping[str, Any], held: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not policy.get("isEnabled") or not isinstance(held, Mapping):
        return
    for part in ("passwordCredentials", "keyCredentials"):
        for rule in held.get(part) or ():
            yield str(rule.get("restrictionType")), rule


def _merged(
    rules: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]], created: datetime | None
) -> CredentialPolicy:
    force = {name: rule for name, (_, rule) in rules.items() if _in_force(rule, created)}
    named = next((str(policy.get("displayName") or "") for name, (policy, _) in rules.items() if name in force), "")
    return CredentialPolicy(
        named or "app management policy",
        "passwordAddition" in force,
        _longest(force.get("passwordLifetime")),
        _longest(force.get("asymmetricKeyLifetime")),
        "trustedCertificateAuthority" in force,
    )


def _in_force(rule: Mapping[str, Any], created: datetime | None) -> bool:
    since = read_moment(rule.get("restrictForAppsCreatedAfterDateTime"))
    if rule.get("state", "enabled") != "enabled":
        return False
    return since is None or created is None or created >= since


def _longest(rule: Mapping[str, Any] | None) -> timedelta | None:
    match = _DAYS.fullmatch(str(rule.get("maxLifetime") or "")) if rule else None
    if match is None or not any(match.groups()):
        return None
    years, months, weeks, days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
    # A month has 30 days here and a year 365: never longer than what the directory reckons with.
    days += years * 365 + months * 30 + weeks * 7
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
