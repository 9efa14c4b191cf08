"""Whom a federated credential is to trust: read through gh, through GitHub's API, through az; and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pbisetup.catalog.clouds import clouds
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.manifest import Trust
from pbisetup.model.tenant import TrustedSubject
from pbisetup.services.network import Network
from pbisetup.services.trust import resolve
from tests.support.gh_api import Programs, connection, settings
from tests.support.github import GitHub

NETWORK = Network(replace(clouds()["public"], ca_bundle="ca.pem"))
EXCHANGE = "api://AzureADTokenExchange"
GITHUB = "https://token.actions.githubusercontent.com"
PROD = Trust("github", repository="contoso/reports", environment="prod")
DEVOPS = Trust("azure-devops", organization="contoso", project="Sales & Reports", service_connection="pbi")
SUB = "repos/contoso/reports/actions/oidc/customization/sub"
NEW = "repo:contoso@101/reports@202"
CANARY = "ghp_CANARYcanaryCANARYcanary0123456789"


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path / "bin")


def asked(programs: Programs, trust: Trust, **environ: str) -> Fact[TrustedSubject]:
    """With nothing on the PATH but these programs, and the shell that they are written in."""
    return resolve(NETWORK, trust, {"PATH": f"{programs.folder}:/bin:/usr/bin", **environ})


def why(fact: Fact[Any]) -> str:
    assert isinstance(fact, Unknown)
    return fact.reason


# -- as the manifest says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trust", "found"),
    [
        (Trust("https://i.example", "s"), TrustedSubject("https://i.example", "s", EXCHANGE)),
        (
            Trust("https://i.example/", " s".strip(), "api://own"),
            TrustedSubject("https://i.example/", "s", "api://own"),
        ),
        (Trust("github", "repo:a/b:environment:x"), TrustedSubject(GITHUB, "repo:a/b:environment:x", EXCHANGE)),
    ],
)
def test_what_the_manifest_says_to_the_letter_is_taken_without_asking_anybody(
    trust: Trust, found: TrustedSubject
) -> None:
    fact = resolve(NETWORK, trust, {"PATH": ""})
    assert isinstance(fact, Known)
    assert fact.value == found


@pytest.mark.parametrize(("cloud", "audience"), [("gcchigh", f"{EXCHANGE}USGov"), ("china", f"{EXCHANGE}China")])
def test_the_audience_is_the_clouds(cloud: str, audience: str) -> None:
    network = Network(replace(clouds()[cloud], ca_bundle="ca.pem"))
    fact = resolve(network, Trust("https://i.example", "s"), {"PATH": ""})
    assert isinstance(fact, Known)
    assert fact.value.audience == audience


# -- GitHub's own program --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["repo:contoso/reports", NEW])
def test_gh_is_asked_for_the_repositorys_own_settings(programs: Programs, prefix: str) -> None:
    fact = asked(programs.gh({SUB: settings(prefix)}), PROD)
    assert isinstance(fact, Known)
    assert fact.value == TrustedSubject(GITHUB, f"{prefix}:environment:prod", EXCHANGE)
    assert [each[-1] for each in programs.asked] == [SUB]


def test_a_customised_subject_is_read_with_the_repositorys_ids(programs: Programs) -> None:
    of_ids = settings(NEW, use_default=False, include_claim_keys=["repository_owner_id", "repository_id", "context"])
    about = {"id": 202, "owner": {"id": 101}}
    fact = asked(programs.gh({SUB: of_ids, "repos/contoso/reports": (200, about)}), PROD)
    assert isinstance(fact, Known)
    assert fact.value.subject == "repository_owner_id:101:repository_id:202:environment:prod"


def test_an_organizations_template_is_read_where_the_repository_follows_it(programs: Programs) -> None:
    follows = settings(NEW, use_default=False)
    template = (200, {"include_claim_keys": ["repo", "context"]})
    fact = asked(programs.gh({SUB: follows, "orgs/contoso/actions/oidc/customization/sub": template}), PROD)
    assert isinstance(fact, Known)
    assert fact.value.subject == f"{NEW}:environment:prod"
    assert "HTTP 404" in why(asked(programs.gh({SUB: follows}), PROD))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (None, "nobody is signed in to `gh`"),
        ({}, "HTTP 404"),
        ({SUB: (403, {"message": "Must have admin rights", "status": "403"})}, "may not read"),
        ({SUB: (500, {"message": "oops", "status": "500"})}, "HTTP 500"),
        ({SUB: (200, {"use_default": True})}, "sub_claim_prefix"),
        ({SUB: (200, [])}, "HTTP 200"),
        ({SUB: settings("repo:contoso/renamed")}, "renamed or moved"),
        ({SUB: settings(f"repo:contoso/{'r' * 700}")}, "renamed or moved"),
    ],
)
def test_what_gh_cannot_tell_stays_unknown_with_the_reason(programs: Programs, answers: Any, said: str) -> None:
    assert said in why(asked(programs.gh(answers), PROD))


def test_a_subject_that_entra_would_not_take_is_none(programs: Programs) -> None:
    long = replace(PROD, environment="e" * 600)
    assert "at most 600" in why(asked(programs.gh({SUB: settings(NEW)}), long))


def test_a_gh_that_is_broken_is_told(programs: Programs) -> None:
    (programs.folder / "gh").write_text("#!/bin/sh\necho 'it is all \x1b[31mred' >&2\nexit 3\n")
    (programs.folder / "gh").chmod(0o755)
    assert "`gh` could not read it: it is all" in why(asked(programs, PROD))


# -- GitHub's API ----------------------------------------------------------------------------------------------------


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with GitHub(tmp_path, {SUB: settings(NEW)}) as running:
        for name, value in running.env.items():
            monkeypatch.setenv(name, value)
        yield running


def test_without_gh_the_api_is_asked_with_the_token_of_the_environment(github: GitHub) -> None:
    fact = resolve(NETWORK, PROD, {"PATH": "", "GITHUB_TOKEN": CANARY})
    assert isinstance(fact, Known)
    assert fact.value.subject == f"{NEW}:environment:prod"
    assert github.asked == [("api.github.com", f"/{SUB}", f"Bearer {CANARY}")]
    assert CANARY not in repr(fact)


def test_the_token_follows_no_redirect(github: GitHub) -> None:
    github.answers[SUB] = (301, {"message": "Moved Permanently"})
    assert "renamed or moved" in why(resolve(NETWORK, PROD, {"PATH": "", "GH_TOKEN": CANARY, "GITHUB_TOKEN": "x"}))
    assert github.connects == ["api.github.com:443"]
    assert [held for *_, held in github.asked] == [f"Bearer {CANARY}"]


def test_a_token_that_may_not_look_is_told(github: GitHub) -> None:
    github.answers[SUB] = (403, {"message": "Resource not accessible by integration"})
    assert "may not read" in why(resolve(NETWORK, PROD, {"PATH": "", "GITHUB_TOKEN": CANARY}))


def test_without_gh_and_without_a_token_nobody_is_asked(github: GitHub) -> None:
    assert "neither GH_TOKEN nor GITHUB_TOKEN" in why(resolve(NETWORK, PROD, {"PATH": ""}))
    assert github.connects == []


# -- Azure DevOps ----------------------------------------------------------------------------------------------------

OLD_FORM = ("https://vstoken.dev.azure.com/0ca3ddd9-f0b0-4635-a98c-5866526961b6", "sc://contoso/Sales & Reports/pbi")
NEW_FORM = ("https://login.microsoftonline.com/11111111-1111-1111-1111-111111111111/v2.0", "/eid1/c/pub/t/a/b/sc/c/d")


@pytest.mark.parametrize(("issuer", "subject"), [OLD_FORM, NEW_FORM])
def test_a_service_connection_knows_issuer_and_subject(programs: Programs, issuer: str, subject: str) -> None:
    other = connection("other", "https://x", "y")
    fact = asked(programs.az([other, connection("pbi", issuer, subject)]), DEVOPS)
    assert isinstance(fact, Known)
    assert fact.value == TrustedSubject(issuer, subject, EXCHANGE)
    [call] = programs.asked
    assert "--organization=https://dev.azure.com/contoso" in call
    assert "--project=Sales & Reports" in call


def test_it_may_be_named_by_its_id(programs: Programs) -> None:
    listed = [connection("pbi", *OLD_FORM)]
    fact = asked(programs.az(listed), replace(DEVOPS, service_connection=listed[0]["id"].upper()))
    assert isinstance(fact, Known)


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (None, "'devops' is misspelled"),
        ([], "no service connection 'pbi'"),
        ([connection("other", *OLD_FORM)], "no service connection 'pbi'"),
        ([connection("pbi", *OLD_FORM), connection("PBI", *OLD_FORM)], "2 service connections 'pbi'"),
        ([connection("pbi", "", "")], "does not use workload identity federation"),
        ([{"name": "pbi", "authorization": None}], "does not use workload identity federation"),
        ({"value": []}, "could not tell"),
    ],
)
def test_what_az_cannot_tell_stays_unknown_with_the_reason(programs: Programs, listed: Any, said: str) -> None:
    assert said in why(asked(programs.az(listed), DEVOPS))


@pytest.mark.parametrize("organization", ["https://evil.example", "a/../b", "-x", "contoso?x=", "$(id)"])
def test_an_organization_is_a_name_and_no_address(programs: Programs, organization: str) -> None:
    fact = asked(programs.az([connection("pbi", *OLD_FORM)]), replace(DEVOPS, organization=organization))
    assert "is not the name of an organization" in why(fact)
    assert programs.asked == []


def test_without_az_that_is_the_reason(programs: Programs) -> None:
    assert why(resolve(NETWORK, DEVOPS, {"PATH": str(programs.folder)})) == "the Azure CLI is not installed"
