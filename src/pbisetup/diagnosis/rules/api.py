"""Rules of the APIs: each call that counts, passed or refused, and the first reason for a refusal that the facts give."""

from __future__ import annotations

from pbisetup.diagnosis.rules.calls import Call, admin_calls, lookups, meant_calls, purpose_calls, request_call
from pbisetup.diagnosis.rules.local import NO_ANSWER, sure
from pbisetup.diagnosis.rules.report import Report, sentence
from pbisetup.diagnosis.rules.request import by_words, missing_needs, refresh
from pbisetup.diagnosis.rules.settings import is_admission, refused_admission, shown_too_early
from pbisetup.model.case import TOKEN
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Known, Unknown
from pbisetup.model.probe import ApiAnswer


def apis(report: Report) -> None:
    """The calls of the purposes: those that were sent, and those that are only meant."""
    for call in purpose_calls(report.case):
        _call(report, call, f"api.{call.name}", call.name)
    for call in meant_calls(report.case):
        if missing_needs(report, call):
            report.check(f"api.{call.name}", call.name, "fail", "something that it needs is missing")
        else:
            report.check(
                f"api.{call.name}", call.name, "skip", "not sent: it would make something; name it with --request"
            )
    if any(name == "admin-write" for name in report.case.asked.purposes):
        _admin_roles(report)
    for call in lookups(report.case):
        if call.refused:  # the check is the workspace's own
            _find_why(report, call)


def request(report: Report) -> None:
    """The request that was named, sent or not."""
    call = request_call(report.case)
    if call is None:
        return
    foreign = call.request is not None and call.request.foreign_cloud is not None
    if not foreign and any(each.name == call.name for each in purpose_calls(report.case)):
        return
    _call(report, call, "request", call.name)
    refresh(report, call)


def _admin_roles(report: Report) -> None:
    """No call that changes nothing asks for this setting; the token's roles can be judged without one."""
    if not admin_calls(report.case):
        missing_needs(report, Call("POST /v1/admin/tenantsettings/update", Unknown("not sent"), None, meant=True))


def _call(report: Report, call: Call, id_: str, title: str) -> None:
    answer = call.answer
    if call.ok:
        assert call.known is not None
        report.check(id_, title, "pass", f"answered {call.known.status}", (call.known.evidence,))
        return
    if isinstance(answer, Known):
        _refused(report, call, id_, title)
        return
    request = call.request
    if request is not None and (not request.send or request.foreign_cloud):
        missing = missing_needs(report, call)
        why = "something that it needs is missing" if missing else "not sent: only a GET is, unless --send is given"
        if request.foreign_cloud:
            why = f"not sent: its host is one of the cloud {request.foreign_cloud!r}"
        report.check(id_, title, "fail" if missing else "skip", why)
        return
    reason = answer.reason if isinstance(answer, Unknown) else "it was not sent"
    if not _has_token(report):
        missing_needs(report, call)
        report.check(id_, title, "skip", "not examined because there is no token")
        return
    seen = (answer.evidence,) if isinstance(answer, Unknown) and answer.evidence else ()
    report.check(id_, title, "fail", reason, seen)
    code = answer.code if isinstance(answer, Unknown) else ""
    _unheard(report, reason, code, seen)


def _has_token(report: Report) -> bool:
    return any(isinstance(fact, Known) and fact.value.issued for _, fact in report.case.each(TOKEN))


def _unheard(report: Report, reason: str, code: str, seen: tuple[Evidence, ...]) -> None:
    """The service itself was not heard: what stood in between, by the code of the error."""
    name = NO_ANSWER.get(code, "unreachable")
    report.find(name, sure(code), seen, words={"message": sentence(reason)})


def _refused(report: Report, call: Call, id_: str, title: str) -> None:
    answer = call.known
    assert answer is not None
    report.check(id_, title, "fail", _said(answer), (answer.evidence,))
    _find_why(report, call)


def _said(answer: ApiAnswer) -> str:
    return f"HTTP {answer.status} {answer.code or answer.message[:120] or 'with an empty body'}"


def _find_why(report: Report, call: Call) -> None:
    answer = call.known
    assert answer is not None
    if is_admission(call):
        if not report.found("tenant_setting_off", "sp_not_in_allowed_group", "wrong_group_type"):
            refused_admission(report, call)
        missing_needs(report, call)  # what else it lacks does not hang on being let in
        return
    if answer.status == 429:
        wait = f" It asks to wait {answer.retry_after} s." if answer.retry_after else ""
        report.find("throttled", "certain", (answer.evidence,), detail=wait.strip())
        return
    found = missing_needs(report, call)
    if found or _explained(report):
        return
    if answer.status >= 500:
        report.find(
            "service_trouble", "likely", (answer.evidence,), words={"message": f"It answered HTTP {answer.status}."}
        )
        return
    before = len(report.findings)
    by_words(report, call)
    shown_too_early(report, call, "likely" if len(report.findings) == before else "possible")
    if len(report.findings) == before:
        report.find("undetermined", "possible", (answer.evidence,), words={"message": f"{_said(answer)}."})


def _explained(report: Report) -> bool:
    """Whether what is wrong before this call is reason enough for its refusal."""
    return any(each.severity == "error" and each.certainty != "possible" for each in report.findings)
