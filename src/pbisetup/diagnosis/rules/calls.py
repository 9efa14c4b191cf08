"""The calls that count: those of the purposes and the request that was named, with how each was answered."""

from __future__ import annotations

from dataclasses import dataclass

from pbisetup.catalog.operations import Operation, Service, by_id, matching
from pbisetup.catalog.purposes import purposes
from pbisetup.model.case import ANSWER, SEEN, ApiRequest, Case
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.probe import ApiAnswer

GROUPS = "GET /v1.0/myorg/groups"


@dataclass(frozen=True)
class Call:
    """One call, whether it was sent or is only meant."""

    name: str
    """`GET /v1.0/myorg/groups`."""
    answer: Fact[ApiAnswer]
    operation: Operation | None
    request: ApiRequest | None = None
    """The request that was named, where it is that."""
    meant: bool = False
    """Something that a purpose does, and that was not sent."""

    @property
    def method(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.name.partition(" ")[2].partition("?")[0]

    @property
    def known(self) -> ApiAnswer | None:
        return self.answer.value if isinstance(self.answer, Known) else None

    @property
    def ok(self) -> bool:
        return self.known is not None and self.known.ok

    @property
    def refused(self) -> bool:
        return self.known is not None and not self.known.ok


def purpose_calls(case: Case) -> list[Call]:
    """The calls that the purposes need to be answered 2xx."""
    names = [probe for name in case.asked.purposes for probe in purposes()[name].probes]
    found = []
    for line in dict.fromkeys(names):
        call = line.partition(" ")[2]
        fact = case.fact(ANSWER, call)
        if isinstance(fact, Unknown) and fact.reason == "nobody looked":
            continue  # this cloud has no such API
        found.append(Call(call, fact, operation_of(call)))
    return found


def lookups(case: Case) -> list[Call]:
    """The calls by which the workspaces were looked for."""
    seen = [fact.value.answer for _, fact in case.each(SEEN) if isinstance(fact, Known)]
    return [Call(GROUPS, Known(answer, answer.evidence), operation_of(GROUPS)) for answer in seen if answer is not None]


def meant_calls(case: Case) -> list[Call]:
    """What the purposes do besides, where nobody sent it."""
    names = [call for name in case.asked.purposes for call in purposes()[name].calls]
    request = case.asked.request
    return [
        Call(name, Unknown("not sent"), operation_of(name), meant=True)
        for name in dict.fromkeys(names)
        if request is None or request.name.partition("?")[0].lower() != name.lower()
    ]


def request_call(case: Case) -> Call | None:
    """The request that was named."""
    request = case.asked.request
    if request is None:
        return None
    service: Service = "fabric" if request.service == "fabric" else "powerbi"
    operation = by_id(service).get(request.operation) if request.operation else None
    # A call of the purposes may have the same name; what another cloud would answer is not known from that.
    answer = Unknown("not sent") if request.foreign_cloud else case.fact(ANSWER, request.name)
    return Call(request.name, answer, operation, request)


def all_calls(case: Case) -> list[Call]:
    """Every call that counts, the named request last."""
    named = request_call(case)
    return [*purpose_calls(case), *meant_calls(case), *([named] if named else [])]


def admin_calls(case: Case) -> list[Call]:
    """Those on admin routes; an app that may change things through them has the purpose, if no call."""
    return [call for call in all_calls(case) if is_admin(call)]


def is_admin(call: Call) -> bool:
    """Whether a call is on an admin route."""
    return (call.operation is not None and call.operation.admin is not None) or "/admin/" in call.path.lower()


def operation_of(name: str) -> Operation | None:
    """The documented operation that a call is."""
    method, _, path = name.partition(" ")
    service: Service = "fabric" if path.startswith("/v1/") else "powerbi"
    found = matching(service, method, path)
    return found[0] if found else None
