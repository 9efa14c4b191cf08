"""JSON batches: `POST /$batch` with up to 20 requests, each answered as if it had been sent alone.

source: concepts/json-batching.md; the refusals of whole batches: `protocol_errors.py`.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from pbisetup.sandbox import base64url
from pbisetup.sandbox.graph.errors import GraphError, reply
from pbisetup.sandbox.graph.service import PREFIXES, authenticate, finished
from pbisetup.sandbox.wire import BadBody, Call, Reply, Route, World

MOST: Final = 20
_METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")
_WRITES: Final = ("POST", "PATCH", "PUT")
_INHERITED: Final = ("authorization", "client-request-id", "host", "user-agent")
"""Headers that a part has from the batch. ConsistencyLevel is not one (source: concepts/aad-advanced-queries.md)."""
_SHOWN: Final = frozenset(
    (
        "cache-control",
        "location",
        "odata-version",
        "retry-after",
        "www-authenticate",
        "x-ms-resource-unit",
        "x-ms-throttle-information",
        "x-ms-throttle-limit-percentage",
        "x-ms-throttle-scope",
    )
)


@dataclass(frozen=True)
class Part:
    """One request of a batch."""

    id: str
    call: Call
    depends_on: tuple[str, ...]
    nested: bool


def answer(world: World, call: Call) -> Reply:
    """POST of `/$batch`: 200 with one response a request, in the order of the requests, or 400 for all of them."""
    try:
        authenticate(world, call)
        parts = _parts(call)
    except GraphError as error:
        return finished(world, call, reply(world, call, error), {})
    except BadBody:
        return finished(world, call, reply(world, call, GraphError("batch_format")), {})
    answers: dict[str, Reply] = {}
    for part in parts:
        failed = any(answers[id_].status >= 400 for id_ in part.depends_on)
        if failed:
            answers[part.id.lower()] = _refusal(world, part, "dependency_failed")
        elif part.nested:
            answers[part.id.lower()] = _refusal(world, part, "batch_nested")
        else:
            answers[part.id.lower()] = world.ask("graph", part.call)
    body = {"responses": [_response(part, answers[part.id.lower()]) for part in parts]}
    return finished(world, call, Reply(200, body), {})


def _refusal(world: World, part: Part, name: str) -> Reply:
    return reply(world, part.call, GraphError(name))


def _parts(call: Call) -> list[Part]:
    """The requests of a batch, checked as a whole. Raises GraphError."""
    given = call.json().get("requests")
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
        raise GraphError("batch_format")
    if len(given) > MOST:
        raise GraphError("batch_size")
    parts: list[Part] = []
    seen: set[str] = set()
    for each in given:
        id_ = each.get("id")
        if not isinstance(id_, str) or not id_:
            raise GraphError("batch_format")
        if id_.lower() in seen:
            raise GraphError("batch_id", id=id_)
        parts.append(_part(call, id_, each, seen))
        seen.add(id_.lower())
    return parts


def _part(outer: Call, id_: str, given: dict[str, Any], before: set[str]) -> Part:
    method, url, headers = given.get("method"), given.get("url"), given.get("headers") or {}
    if not isinstance(method, str) or method.upper() not in _METHODS or not isinstance(url, str) or not url.strip():
        raise GraphError("batch_format")
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise GraphError("batch_format")
    depends = given.get("dependsOn") or []
    if not isinstance(depends, list) or not all(isinstance(each, str) for each in depends):
        raise GraphError("batch_format")
    # What it depends on must stand before it; so no circle can be made either.
    if any(each.lower() not in before for each in depends):
        raise GraphError("batch_dependency", id=id_)
    named = {name.lower(): value for name, value in headers.items()}
    body = given.get("body")
    if method.upper() in _WRITES and ("content-type" not in named or body is None):
        raise GraphError("batch_write", id=id_)
    try:
        split = urlsplit(url.strip())
    except ValueError:
        raise GraphError("batch_format") from None
    if split.scheme or split.netloc:
        raise GraphError("batch_format")  # guess: the text; that the URL must be relative is documented
    version = outer.path.split("/", 2)[1]
    path = f"/{version}/{unquote(split.path).lstrip('/')}"
    query = parse_qs(split.query, keep_blank_values=True, errors="replace")
    inherited = {name: outer.headers[name] for name in _INHERITED if name in outer.headers}
    call = Call(
        method=method.upper(),
        path=path,
        params={},
        query={name: values[-1] for name, values in query.items()},
        headers={**named, **inherited},
        body=_body(body),
        origin=outer.origin,
        request_id=outer.request_id,
        client=outer.client,
    )
    nested = split.path.strip("/").lower() == "$batch"
    return Part(id_, call, tuple(each.lower() for each in depends), nested)


def _body(given: Any) -> bytes:
    """A JSON value as it is; a text is base64url of anything else."""
    if given is None:
        return b""
    if not isinstance(given, str):
        return json.dumps(given).encode()
    try:
        return base64url.decode(given.replace("+", "-").replace("/", "_"))
    except ValueError:
        raise GraphError("batch_format") from None


def _response(part: Part, given: Reply) -> dict[str, Any]:
    """One response; the ids of the request stand in the answer of the whole batch alone."""
    headers = {name: value for name, value in given.headers.items() if name.lower() in _SHOWN}
    if given.body is not None:
        headers["Content-Type"] = given.media_type
    shown: dict[str, Any] = {"id": part.id, "status": given.status, "headers": headers}
    if given.body is not None:
        text = given.media_type.startswith("text/") and isinstance(given.body, str)
        # guess: a bare number travels as base64, as every body that is not JSON does.
        shown["body"] = base64.b64encode(given.body.encode()).decode() if text else given.body
    return shown


routes: Final[list[Route]] = [Route("POST", f"{prefix}/$batch", answer) for prefix in PREFIXES]
