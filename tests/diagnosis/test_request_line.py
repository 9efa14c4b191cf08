"""A request as people write it down: what is read from it, and what is refused without showing what it holds."""

from __future__ import annotations

import pytest

from pbisetup.catalog.clouds import clouds
from pbisetup.diagnosis.request_line import query_of, read_request

PUBLIC = clouds()["public"]


@pytest.mark.parametrize(
    ("line", "name", "service"),
    [
        ("GET https://api.powerbi.com/v1.0/myorg/groups", "GET /v1.0/myorg/groups", "powerbi"),
        ("get groups", "GET /v1.0/myorg/groups", "powerbi"),
        ("groups", "GET /v1.0/myorg/groups", "powerbi"),
        ("v1.0/myorg/groups", "GET /v1.0/myorg/groups", "powerbi"),
        ("POST v1/workspaces", "POST /v1/workspaces", "fabric"),
        ("GET https://api.fabric.microsoft.com/v1/workspaces", "GET /v1/workspaces", "fabric"),
        ("GET groups?$top=1", "GET /v1.0/myorg/groups?", "powerbi"),
    ],
)
def test_it_is_read_however_much_of_it_is_written_down(line: str, name: str, service: str) -> None:
    found = read_request(line, PUBLIC)
    assert (found.name, found.service) == (name, service)
    assert "?" not in found.url + found.path


@pytest.mark.parametrize(
    "line",
    [
        "", "GET ", "GET", "GET a b", "BREW groups", "GET http://api.powerbi.com/v1.0/myorg/groups?sig=canary",
        "GET https://me:canary@api.powerbi.com/v1.0/myorg/groups", "GET https://evil.example/x?code=canary",
        "GET https://api.powerbi.com/v1.0/myorg/../../admin", "GET groups?sig=canary trailing",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_and_holds_its_tongue(line: str) -> None:
    with pytest.raises(ValueError, match=r".+") as refused:
        read_request(line, PUBLIC)
    assert "canary" not in str(refused.value)


def test_its_query_is_kept_apart_because_it_may_hold_a_key() -> None:
    line = "GET https://api.powerbi.com/v1.0/myorg/groups?$filter=name eq 'A'&sig=canary#top"
    assert query_of(line) == "$filter=name eq 'A'&sig=canary"
    assert query_of("GET groups") == ""
