"""What the APIs answer the app: the calls that its purposes need, the workspaces it should see, and the request named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from pbisetup.catalog.purposes import purposes
from pbisetup.model.case import ANSWER, MODEL, REFRESH, SEEN, TOKEN, ApiRequest, Sighting
from pbisetup.model.facts import Absent, Fact, Known
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.probe import ApiAnswer, WorkspaceSeen
from pbisetup.observe.engine import Board, Probe
from pbisetup.observe.probes.question import Question
from pbisetup.observe.probes.token import ASKED, FABRIC, POWER_BI, wanted_scopes
from pbisetup.observe.reading import failed
from pbisetup.services.answer import Answer
from pbisetup.services.identity import FixedToken
from pbisetup.services.network import not_its_own
from pbisetup.services.rest import RestClient

GROUPS: Final = "GET /v1.0/myorg/groups"
"""The call that only asks whether the caller is let in: 200 with an empty list means yes (powerbi.md 6.1)."""
_MESSAGE: Final = 600


def api_probes(question: Question) -> Iterator[Probe]:
    """The calls that the purposes need, each workspace, and the request, as soon as its token is there."""
    scopes = wanted_scopes(question)
    for line in needed_calls(question):
        service, call = line.split(" ", 1)
        audience = service if service in scopes else POWER_BI
        yield Probe(call, ((ANSWER, call),), partial(_call, question, audience, call), needs=((TOKEN, audience),))
    for spec in question.asked.workspaces:
        yield Probe(
            f"workspace {spec.key}", ((SEEN, spec.key),), partial(_workspace, question, spec),
            needs=((TOKEN, POWER_BI),),
        )  # fmt: skip
    request = question.asked.request
    if request is not None and request.foreign_cloud is None:
        yield from _request_probes(question, request)


def needed_calls(question: Question) -> tuple[str, ...]:
    """`powerbi GET /v1.0/myorg/groups`, ...: the calls of the purposes, without those that this cloud has no API for."""
    cloud = question.network.cloud
    wanted = [probe for name in question.asked.purposes for probe in purposes()[name].probes]
    return tuple(dict.fromkeys(each for each in wanted if cloud.fabric_resource or not each.startswith("fabric ")))


def _request_probes(question: Question, request: ApiRequest) -> Iterator[Probe]:
    scopes = wanted_scopes(question)
    audience = ASKED if ASKED in scopes else request.service if request.service in scopes else POWER_BI
    known = {call.split(" ", 1)[1] for call in needed_calls(question)}
    if request.send and request.name not in known:
        yield Probe(
            "request", ((ANSWER, request.name),), partial(_request, question, audience, request),
            needs=((TOKEN, audience),),
        )  # fmt: skip
    if request.path.lower().rstrip("/").endswith("/refreshes"):
        yield Probe(
            "refresh", ((REFRESH, request.path),), partial(_refresh, question, request.path),
            needs=((TOKEN, POWER_BI),), after=((ANSWER, request.name),),
        )  # fmt: skip
    place = model_of(request.path)
    if place is not None:
        yield Probe("model", ((MODEL, place[1]),), partial(_model, question, *place), needs=((TOKEN, POWER_BI),))


def model_of(path: str) -> tuple[str, str] | None:
    """Workspace and id of the semantic model that a path is about, or None."""
    parts = path.strip("/").split("/")
    names = [part.lower() for part in parts]
    if "groups" in names and "datasets" in names:
        group, model = names.index("groups") + 1, names.index("datasets") + 1
        if max(group, model) < len(parts):
            return parts[group], parts[model]
    return None


def client(question: Question, audience: str, base: str | None = None) -> RestClient:
    """A client that sends the app's token of this audience."""
    cloud = question.network.cloud
    origins = {POWER_BI: cloud.powerbi, FABRIC: cloud.fabric or cloud.powerbi}
    origin = base or origins.get(audience, cloud.powerbi)
    with question.lock:
        if (audience, origin) not in question.opened:
            token = FixedToken(question.tokens[audience])
            question.opened[audience, origin] = RestClient(
                question.network, origin, cloud.powerbi_resource, token, "app"
            )
        return question.opened[audience, origin]


def _call(question: Question, audience: str, call: str, board: Board) -> Iterable[Sighting]:
    del board
    method, path = call.split(" ", 1)
    base = None
    if path.startswith("/v1/"):
        base = question.network.cloud.fabric
    one = {"$top": "1"} if path.endswith("/groups") else None
    answer = client(question, audience, base).request(method, path, params=one)
    if answer.ok and not isinstance(answer.object.get("value"), list):
        raise not_its_own(answer.url, answer.status)
    yield Sighting(ANSWER, call, known(answer))


def known(answer: Answer) -> Fact[ApiAnswer]:
    """An answer as a fact."""
    seen = answer.evidence()
    return Known(api_answer(answer), seen)


def api_answer(answer: Answer) -> ApiAnswer:
    said = "" if answer.ok else (answer.message or answer.text)[:_MESSAGE]
    challenge = answer.headers.get("www-authenticate", "")
    error = challenge.partition('error="')[2].partition('"')[0]
    return ApiAnswer(
        answer.status, answer.service_code, said, answer.evidence(), answer.headers.get("retry-after", ""), error
    )


def _workspace(question: Question, spec: WorkspaceSpec, board: Board) -> Iterable[Sighting]:
    del board
    quoted = (spec.name or "").replace("'", "''")
    wanted = f"id eq '{spec.id}'" if spec.id else f"name eq '{quoted}'"
    answer = client(question, POWER_BI).get("/v1.0/myorg/groups", {"$filter": wanted})
    if answer.ok and not isinstance(answer.object.get("value"), list):
        raise not_its_own(answer.url, answer.status)
    hits = [w for w in answer.objects if answer.ok and (spec.id or w.get("name") == spec.name)]
    seen = WorkspaceSeen(spec.key, bool(hits), api_answer(answer), str(hits[0].get("id")) if hits else None)
    note = f"shows {len(hits) or 'no'} such workspace" if answer.ok else ""
    yield Sighting(SEEN, spec.key, Known(seen, answer.evidence(note)))


def _request(question: Question, audience: str, request: ApiRequest, board: Board) -> Iterable[Sighting]:
    import json

    if request.name in question.done:
        yield Sighting(ANSWER, request.name, question.done[request.name])
        return
    body = None
    if question.body:
        body = json.loads(question.body)
    more = {"X-PowerBI-Profile-Id": request.profile} if request.profile else {}
    url = question.network.cloud.address(request.url)
    url = f"{url}?{question.query}" if question.query else url
    del board
    answer = client(question, audience).request(request.method, url, json=body, headers=more)
    if answer.ok and request.method != "GET":
        question.done[request.name] = known(answer)
    yield Sighting(ANSWER, request.name, known(answer))


def _refresh(question: Question, path: str, board: Board) -> Iterable[Sighting]:
    del board
    answer = client(question, POWER_BI).get(path, {"$top": "1"})
    if not answer.ok:
        yield Sighting(REFRESH, path, failed(answer))
    elif not answer.objects:
        yield Sighting(REFRESH, path, Absent(answer.evidence()))
    else:
        newest = answer.objects[0]
        kept = {name: str(newest.get(name) or "") for name in ("status", "refreshType", "serviceExceptionJson")}
        yield Sighting(REFRESH, path, Known(kept, answer.evidence(kept["status"])))


_MODEL: Final = ("isEffectiveIdentityRequired", "isEffectiveIdentityRolesRequired", "isOnPremGatewayRequired")


def _model(question: Question, group: str, model: str, board: Board) -> Iterable[Sighting]:
    del board
    answer = client(question, POWER_BI).get(f"/v1.0/myorg/groups/{group}/datasets/{model}")
    yield Sighting(MODEL, model, read_model(answer))


def read_model(answer: Answer) -> Fact[dict[str, object]]:
    """What of a model decides: whether it wants to know for whom it is asked."""
    if answer.status == 404:
        return Absent(answer.evidence())
    if not answer.ok:
        return failed(answer)
    return Known({name: bool(answer.object.get(name)) for name in _MODEL}, answer.evidence())
