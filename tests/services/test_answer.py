"""Reading answers: each service puts its code and its words somewhere else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.services.answer import Answer

URL = "https://api.powerbi.com/v1.0/myorg/groups?$filter=name"


def answer(status: int = 401, headers: dict[str, str] | None = None, json: Any = None) -> Answer:
    return Answer("GET", URL, status, headers or {}, json, "app")


SHAPES: dict[str, tuple[dict[str, str], Any, str | None, str]] = {
    "Power BI, empty body": (
        {"x-powerbi-error-info": "ServicePrincipalIsNotAllowedByTenantAdminSwitch"},
        None,
        "ServicePrincipalIsNotAllowedByTenantAdminSwitch",
        "",
    ),
    "Power BI, body": ({}, {"error": {"code": "TokenExpired", "message": "it is over"}}, "TokenExpired", "it is over"),
    "Power BI, header before body": (
        {"x-powerbi-error-info": "A"},
        {"error": {"code": "B", "message": "m"}},
        "A",
        "m",
    ),
    "Fabric, header": ({"x-ms-public-api-error-code": "InsufficientScopes"}, None, "InsufficientScopes", ""),
    "Fabric, body": (
        {},
        {"errorCode": "InsufficientPrivileges", "message": "no", "requestId": "r"},
        "InsufficientPrivileges",
        "no",
    ),
    "Graph": (
        {},
        {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}},
        "Authorization_RequestDenied",
        "Insufficient privileges",
    ),
    "Entra": ({}, {"error": "invalid_client", "error_description": "AADSTS7000215"}, None, ""),
    "capital Message": ({}, {"Message": "An error has occurred."}, None, "An error has occurred."),
    "empty": ({}, None, None, ""),
    "a list": ({}, [1], None, ""),
    "a code without words": ({}, {"error": {"code": "X"}}, "X", ""),
    "a code that is a number": ({}, {"error": {"code": 17}}, "17", ""),
    "an empty code": ({}, {"error": {"code": ""}}, None, ""),
}


@pytest.mark.parametrize(("headers", "json", "code", "message"), SHAPES.values(), ids=SHAPES)
def test_code_and_words_are_found_wherever_the_service_puts_them(
    headers: dict[str, str], json: Any, code: str | None, message: str
) -> None:
    read = answer(headers=headers, json=json)
    assert (read.service_code, read.message) == (code, message)


def test_evidence_names_request_status_code_and_the_services_own_id() -> None:
    read = answer(headers={"x-powerbi-error-info": "Why", "requestid": "r1"})
    evidence = read.evidence("note")
    assert evidence.source == "GET /v1.0/myorg/groups"
    assert (evidence.fact, evidence.observer, evidence.request_id) == ("HTTP 401 Why note", "app", "r1")


@pytest.mark.parametrize(
    ("json", "said"),
    [
        ({"error": {"code": "X", "message": "words"}}, "the role: words"),
        ({"error": {"code": "X"}}, "the role: X"),
        (None, "the role: HTTP 401"),
    ],
    ids=["words", "code", "nothing"],
)
def test_a_refusal_says_the_most_telling_thing_there_is(json: Any, said: str) -> None:
    refusal = answer(json=json).refusal("the role")
    assert (refusal.message, refusal.status, refusal.code) == (said, 401, "PBI901")
    assert refusal.forbidden
    assert refusal.evidence[0].source == "GET /v1.0/myorg/groups"


@pytest.mark.parametrize(
    ("status", "ok", "forbidden"),
    [
        (200, True, False),
        (204, True, False),
        (307, False, False),
        (403, False, True),
        (404, False, False),
        (503, False, False),
    ],
)
def test_success_and_lacking_rights_are_told_apart(status: int, ok: bool, forbidden: bool) -> None:
    assert answer(status).ok is ok
    assert answer(status).refusal("x").forbidden is forbidden


bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["error", "code", "message", "Message", "errorCode"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(bodies, st.dictionaries(st.sampled_from(["x-powerbi-error-info", "request-id"]), st.text(max_size=5)))
def test_any_body_is_read_without_a_traceback(json: Any, headers: dict[str, str]) -> None:
    read = answer(headers=headers, json=json)
    assert isinstance(read.message, str)
    assert read.service_code is None or read.service_code
    assert read.refusal("x").message.startswith("x: ")
