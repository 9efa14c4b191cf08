"""Scripts that look for one federated credential among many, and delete what they find."""

from __future__ import annotations

import pytest

from tests.sandbox.api import Api, graph, new_app
from tests.support.tenant import SandboxTenant

GITHUB = "https://token.actions.githubusercontent.com"


@pytest.fixture
def listed(sandbox: SandboxTenant) -> tuple[Api, str]:
    """An admin, and the credentials' address of an app with three."""
    admin = graph(sandbox)
    path = f"/applications/{new_app(admin).object_id}/federatedIdentityCredentials"
    for name, issuer, subject in (
        ("main", GITHUB, "repo:contoso/reports:ref:refs/heads/main"),
        ("pulls", GITHUB, "repo:contoso/reports:pull_request"),
        ("cluster", "https://oidc.example.com/cluster", "system:serviceaccount:jobs:reports"),
    ):
        body = {"name": name, "issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}
        admin.post(path, body)
    return admin, path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name eq 'main'", {"main"}),
        ("Name eq 'MAIN'", {"main"}),
        (f"issuer eq '{GITHUB}'", {"main", "pulls"}),
        ("startswith(subject,'repo:contoso/')", {"main", "pulls"}),
        ("subject eq 'system:serviceaccount:jobs:reports' and startswith(issuer,'https://oidc.')", {"cluster"}),
        ("name eq 'nobody'", set()),
    ],
)
def test_filters_find_one_among_many(listed: tuple[Api, str], text: str, found: set[str]) -> None:
    admin, path = listed
    assert {each["name"] for each in admin.get(f"{path}?$filter={text}")["value"]} == found


def test_only_what_the_filter_finds_is_deleted(listed: tuple[Api, str]) -> None:
    admin, path = listed
    for each in admin.get(f"{path}?$filter=name eq 'pulls'&$select=id")["value"]:
        assert set(each) == {"id"}
        assert admin("DELETE", f"{path}/{each['id']}").status_code == 204
    assert {each["name"] for each in admin.get(path)["value"]} == {"main", "cluster"}


def test_the_other_options(listed: tuple[Api, str]) -> None:
    admin, path = listed
    for query in ("$filter=colour eq 'x'", "$select=colour", "$filter=name", '$search="name:main"'):
        assert admin("GET", f"{path}?{query}").status_code == 400, query
    eventual = {"ConsistencyLevel": "eventual"}
    assert [each["name"] for each in admin.get(f'{path}?$search="name:clu"', **eventual)["value"]] == ["cluster"]
    assert admin("GET", f'{path}?$search="colour:x"', **eventual).status_code == 400
    page = admin.get(f"{path}?$top=2&$select=name")
    assert [set(each) for each in page["value"]] == [{"name"}] * 2
    for each in ("main", "pulls"):
        admin("DELETE", f"{path}(name='{each}')")
    assert [each["name"] for each in admin.get(page["@odata.nextLink"])["value"]] == ["cluster"]
