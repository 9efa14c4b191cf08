"""Each row of the table of Graph's protocol errors, staged by state and request alone."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from pbisetup.sandbox.graph.protocol_errors import PROTOCOL_ERRORS
from pbisetup.sandbox.graph.service import unknown
from pbisetup.sandbox.wire import Call, Reply
from tests.sandbox.api import graph, new_app
from tests.sandbox.graph_cases import SCOPES, check_error, send
from tests.sandbox.inprocess import ORIGIN, Inside
from tests.support.tenant import SandboxTenant

EVENTUAL = {"consistencylevel": "eventual"}
APPS, USERS = "/applications", "/users"
Query = tuple[str, dict[str, str], bool]
# A GET with this query and, with True, ConsistencyLevel: eventual.
QUERIES: dict[str, Query] = {
    "filter_syntax": (APPS, {"$filter": "displayName eq"}, False),
    "filter_property": (APPS, {"$filter": "colour eq 'red'"}, False),
    "filter_types": (USERS, {"$filter": "accountEnabled eq 'true'"}, False),
    "filter_operator": (APPS, {"$filter": "displayName ne 'x'", "$count": "true"}, False),
    "filter_clauses": (APPS, {"$filter": " or ".join(f"displayName eq '{n}'" for n in range(16))}, False),
    "query_unsupported": ("/groups", {"$filter": "createdDateTime ge 2021-11-01", "$count": "true"}, True),
    "query_property": (USERS, {"$orderby": "colour"}, False),
    "select_property": (APPS, {"$select": "colour"}, False),
    "select_term": (APPS, {"$select": "displayName,,id"}, False),
    "expand_not_navigation": (APPS, {"$expand": "displayName"}, False),
    "expand_many": (USERS, {"$expand": "manager,memberOf"}, False),
    "expand_option": (APPS, {"$expand": "owners($top=5)"}, False),
    "expand_unsupported": (APPS, {"$expand": "owners", "$search": '"displayName:x"'}, True),
    "order_query": (APPS, {"$orderby": "displayName", "$filter": "startswith(displayName,'a')"}, True),
    "order_property": (USERS, {"$orderby": "createdDateTime desc"}, False),
    "order_resource": ("/directoryRoles", {"$orderby": "displayName"}, False),
    "search_header": (APPS, {"$search": '"displayName:x"'}, False),
    "search_syntax": (APPS, {"$search": "displayName:x"}, True),
    "count_header": ("/applications/$count", {}, False),
    "skip": (USERS, {"$skip": "1"}, False),
    "page_size": (APPS, {"$top": "1000"}, False),
    "top_value": (APPS, {"$top": "many"}, False),
    "count_value": (APPS, {"$count": "yes"}, False),
    "query_value": (USERS, {"$orderby": "displayName up"}, False),
    "page_token": (APPS, {"$skiptoken": "x"}, False),
}
ME = {"id": "1", "method": "GET", "url": "/me"}
BATCHES: dict[str, list[dict[str, Any]]] = {
    "batch_format": [],
    "batch_id": [ME, ME],
    "batch_size": [{**ME, "id": str(n)} for n in range(21)],
    "batch_dependency": [{**ME, "dependsOn": ["2"]}, {**ME, "id": "2"}],
    "batch_write": [{**ME, "method": "POST"}],
    "batch_nested": [{**ME, "url": "/$batch"}],
    "dependency_failed": [{**ME, "url": "/nowhere"}, {**ME, "id": "2", "dependsOn": ["1"]}],
}


def batch(inside: Inside, requests: list[dict[str, Any]]) -> Reply:
    """The refusal of the batch, or of its last request."""
    answer = send(inside, "POST", "/$batch", {"requests": requests})
    if answer.status != 200:
        return answer
    last = answer.body["responses"][-1]
    return Reply(last["status"], last["body"])


def revoked(inside: Inside) -> Reply:
    user = inside.user("developer")
    user["accountEnabled"] = False
    token = inside.token("graph", user["id"], scp=SCOPES, xms_cc=["CP1"], iat=int(time.time()))
    return inside.call("graph", "GET", "/v1.0/me", token)


def throttled(inside: Inside) -> Reply:
    inside.tenant.section("weather")["graph_throttle"] = 1
    token = inside.token("graph", inside.user("admin")["id"], scp=SCOPES, appid="one")
    inside.call("graph", "GET", "/v1.0/me", token)
    return inside.call("graph", "GET", "/v1.0/me", token)


def method_not_allowed(_: Inside) -> Reply:
    return unknown(Call("PUT", "/v1.0/me", {}, {}, {}, b"", ORIGIN, str(uuid.uuid4()), allowed=frozenset({"GET"})))


def content_type(kind: str) -> Callable[[Inside], Reply]:
    return lambda inside: send(inside, "POST", APPS, {"displayName": "x"}, headers={"content-type": kind})


def empty_payload(inside: Inside) -> Reply:
    app, _ = inside.add_app()
    return send(inside, "PATCH", f"{APPS}/{app['id']}")


OTHERS = {
    "revoked": revoked,
    "throttled": throttled,
    "method_not_allowed": method_not_allowed,
    "content_type_missing": content_type(""),
    "content_type_other": content_type("text/plain"),
    "empty_payload": empty_payload,
}


@pytest.mark.parametrize("name", PROTOCOL_ERRORS)
def test_each_error(name: str) -> None:
    inside = Inside()
    if name in QUERIES:
        path, query, eventual = QUERIES[name]
        answer = send(inside, "GET", path, query=query, headers=EVENTUAL if eventual else {})
    elif name in BATCHES:
        answer = batch(inside, BATCHES[name])
    else:
        answer = OTHERS[name](inside)
    check_error(name, answer)


def test_what_a_write_must_declare(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    bearer = {"Authorization": f"Bearer {admin.token}"}

    def sent(method: str, path: str, body: str | None, **headers: str) -> tuple[int, str]:
        named = {**bearer, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = sandbox.http.request(method, f"/v1.0{path}", content=body, headers=named)
        return answer.status_code, answer.json()["error"]["message"] if answer.status_code >= 400 else ""

    path = f"/applications/{app.object_id}"
    undeclared = (400, PROTOCOL_ERRORS["content_type_missing"].message)
    assert sent("PATCH", path, '{"displayName": "x"}') == undeclared
    assert sent("POST", "/applications", '{"displayName": "x"}') == undeclared
    other = (400, PROTOCOL_ERRORS["content_type_other"].message)
    assert sent("PATCH", path, '{"displayName": "x"}', Content_Type="text/plain") == other
    empty = (400, PROTOCOL_ERRORS["empty_payload"].message)
    assert sent("PATCH", path, None, Content_Type="application/json") == empty
    plain = "application/json;odata.metadata=none; charset=utf-8"
    assert sent("PATCH", path, '{"displayName": "x"}', Content_Type=plain)[0] == 204
    # What has no body needs no declaration.
    assert sent("DELETE", path, None)[0] == 204
    assert sent("POST", f"/directory/deletedItems/{app.object_id}/restore", None)[0] == 200
    assert sent("POST", "/me/revokeSignInSessions", None)[0] == 200
