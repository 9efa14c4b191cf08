"""From everything that one examination knows to checks and findings: pure, in the order in which a request crosses
the chain. Root cause first; what hangs behind a broken link is skipped, what is independent of it is examined all the same.
"""

from __future__ import annotations

from pbisetup.catalog.purposes import purposes
from pbisetup.diagnosis.rules.api import apis, request
from pbisetup.diagnosis.rules.calls import purpose_calls, request_call
from pbisetup.diagnosis.rules.claims import claims
from pbisetup.diagnosis.rules.directory import directory
from pbisetup.diagnosis.rules.local import clock, machine, network, tenant
from pbisetup.diagnosis.rules.report import Report
from pbisetup.diagnosis.rules.settings import settings
from pbisetup.diagnosis.rules.token import tokens
from pbisetup.diagnosis.rules.workspace import workspaces
from pbisetup.model.case import APP, CREDENTIAL, REPLY, SEEN, TOKEN, Case
from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import Known
from pbisetup.model.finding import Examination

__all__ = ["examine"]


def examine(case: Case, cloud: Cloud) -> Examination:
    """Checks in the order of the chain, findings with the root cause first.

    Healthy: a token was issued, every call that the purposes need was answered 2xx, every workspace is seen, the request
    that was named got through, and no finding is an error. What could not be read does not count against it.
    """
    report = Report(case, cloud.portal)
    usable = machine(report)
    network(report)
    tenant(report, cloud)
    issued = usable and tokens(report, cloud)
    clock(report)
    claims(report, cloud)
    directory(report, cloud)
    settings(report)
    apis(report)
    workspaces(report)
    request(report)
    failing = any(each.severity == "error" for each in report.findings)
    failing = failing or any(each.status == "fail" for each in report.checks)
    healthy = issued and not failing and _reached(case)
    # What only deserves a warning is no root cause of what fails, however early in the chain it was met.
    findings = sorted(report.findings, key=lambda each: each.severity != "error")
    return Examination(case.asked.environment, tuple(report.checks), tuple(findings), healthy, case.requests)


def _reached(case: Case) -> bool:
    """Whether everything that was to be reached was."""
    calls = purpose_calls(case)
    named = request_call(case)
    if named is not None and named.request is not None and named.request.send:
        calls.append(named)
    if case.asked.scope and not isinstance(case.fact(TOKEN, "asked"), Known):
        return False
    listed = isinstance(case.fact(APP), Known)
    if any(not listed and not isinstance(case.fact(REPLY, uri), Known) for uri in case.asked.redirect_uris):
        return False
    seen = [fact for _, fact in case.each(SEEN)]
    visible = all(isinstance(fact, Known) and fact.value.visible for fact in seen)
    # A purpose of which no call can be tried is judged by the rest.
    tried = bool(calls) or not any(purposes()[name].probes for name in case.asked.purposes)
    return tried and all(call.ok for call in calls) and visible and isinstance(case.fact(CREDENTIAL), Known)
