"""Rules of the token: whether each was issued, and whether sign-in may come back to where it should."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pbisetup.diagnosis.rules.local import NO_ANSWER
from pbisetup.diagnosis.rules.refusal import refused
from pbisetup.diagnosis.rules.report import Report, sentence
from pbisetup.model.case import APP, REPLY, TOKEN
from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import Known, Unknown
from pbisetup.model.finding import CheckStatus
from pbisetup.model.probe import TokenAttempt

TITLES: Final = {
    "powerbi": "Token for Power BI",
    "fabric": "Token for Fabric",
    "asked": "Token as it is asked for",
}


def tokens(report: Report, cloud: Cloud) -> bool:
    """Every token that was asked for; whether the one for Power BI was issued."""
    case = report.case
    issued = False
    seen_refusals: set[tuple[int, ...]] = set()
    for audience, fact in case.each(TOKEN):
        title = TITLES.get(audience, audience)
        if not isinstance(fact, Known):
            reason = fact.reason if isinstance(fact, Unknown) else "there is none"
            report.check(f"token.{audience}", title, "unknown", reason)
            if isinstance(fact, Unknown) and not report.broken and not reason.startswith("not examined"):
                # Whatever kept it: without a token nothing works, so that is never without a word.
                name = NO_ANSWER.get(fact.code, "unreachable" if "no answer" in reason else "undetermined")
                seen = (fact.evidence,) if fact.evidence else ()
                report.find(name, "likely", seen, words={"message": sentence(reason)})
            continue
        attempt = fact.value
        if attempt.issued:
            issued = issued or audience == "powerbi"
            report.check(f"token.{audience}", title, "pass", _whom(attempt), attempt.evidence)
            continue
        report.check(f"token.{audience}", title, "fail", attempt.message, attempt.evidence)
        if attempt.codes in seen_refusals and not attempt.failure:
            continue  # the same refusal for another API is no other fault
        seen_refusals.add(attempt.codes)
        refused(report, attempt, cloud)
    _replies(report, cloud)
    return issued


def _whom(attempt: TokenAttempt) -> str:
    claims = attempt.claims
    if claims is None:
        return "issued; it is opaque, so its claims cannot be read"
    return f"issued to {'the service principal' if claims.app_only else claims.account} {claims.object_id}"


# -- redirect URIs -------------------------------------------------------------------------------------------------


def _replies(report: Report, cloud: Cloud) -> None:
    """The addresses that sign-in comes back to: as the authorization endpoint takes them, and as the app lists them."""
    del cloud
    case = report.case
    app = case.fact(APP)
    for uri in case.asked.redirect_uris:
        fact = case.fact(REPLY, uri)
        refused = isinstance(fact, Known) and {50011, 500117, 900971, 500113} & set(fact.value.codes)
        listed = app.value.redirect_uris | app.value.other_redirect_uris if isinstance(app, Known) else None
        missing = listed is not None and not any(same_address(uri, each) for each in listed)
        seen = tuple(e for e in (fact.evidence if isinstance(fact, Known) else None,) if e)
        seen += (app.evidence,) if isinstance(app, Known) and missing else ()
        if not refused and not missing:
            status: CheckStatus = "pass" if isinstance(fact, Known) and not fact.value.codes else "unknown"
            report.check(
                f"token.reply.{uri}", f"Redirect URI {uri}", status, "registered" if listed else "not seen", seen
            )
            continue
        report.check(f"token.reply.{uri}", f"Redirect URI {uri}", "fail", "the app does not list it", seen)
        add = {"add_redirect_uri": {"app_object_id": app.value.object_id, "uri": uri}} if isinstance(app, Known) else {}
        detail = f"The app does not list {uri}."
        report.find("redirect_uri_mismatch", "certain", seen, params=add, detail=detail)


def same_address(asked: str, listed: str) -> bool:
    """Whether a redirect URI is a registered one: to the letter, but for a loopback one's port (entra-docs reply-url)."""
    if asked == listed:
        return True
    one, other = urlsplit(asked), urlsplit(listed)
    loopback = one.hostname in ("localhost", "127.0.0.1") and one.hostname == other.hostname
    return loopback and one.scheme == other.scheme and one.path.rstrip("/") == other.path.rstrip("/")
