"""The subject of a job from what GitHub says: both forms, customised ones, and everything that cannot be told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.model.manifest import Trust
from pbisetup.planning.github_subject import CannotTell, claim_keys, needs_repository, subject_of

OLD, NEW = "repo:contoso/reports", "repo:Contoso@101/Reports@202"
ABOUT = {
    "id": 202,
    "full_name": "Contoso/Reports",
    "visibility": "private",
    "owner": {"login": "Contoso", "id": 101},
}
PROD = Trust("github", repository="contoso/reports", environment="prod")
MAIN = Trust("github", repository="contoso/reports", branch="main")


def told(trust: Trust, settings: dict[str, Any], about: Any = None) -> str:
    return subject_of(trust, settings, claim_keys(settings), ABOUT if about is None else about)


def default(prefix: str = OLD, **more: Any) -> dict[str, Any]:
    return {"use_default": True, "sub_claim_prefix": prefix, **more}


def keys(*names: str, **more: Any) -> dict[str, Any]:
    return {"use_default": False, "include_claim_keys": list(names), "sub_claim_prefix": NEW, **more}


SUBJECTS = [
    (PROD, default(), "repo:contoso/reports:environment:prod"),
    (PROD, default(NEW), "repo:Contoso@101/Reports@202:environment:prod"),
    # what tokens begin with outweighs the switch beside it (azure-dev issue 9382)
    (PROD, default(NEW, use_immutable_subject=False), "repo:Contoso@101/Reports@202:environment:prod"),
    (PROD, default(OLD, use_immutable_subject=True), "repo:contoso/reports:environment:prod"),
    (MAIN, default(NEW), "repo:Contoso@101/Reports@202:ref:refs/heads/main"),
    (Trust("github", repository="contoso/reports", tag="v1"), default(), "repo:contoso/reports:ref:refs/tags/v1"),
    (Trust("github", repository="contoso/reports", pull_request=True), default(), "repo:contoso/reports:pull_request"),
    (Trust("github", repository="CONTOSO/Reports", environment="prod"), default(), f"{OLD}:environment:prod"),
    (Trust("github", repository="contoso/reports", environment="a:V1"), default(), f"{OLD}:environment:a%3AV1"),
    (Trust("github", repository="contoso/reports", environment="50% ä/b @1"), default(), f"{OLD}:environment:50% ä/b @1"),
    # keys that the default ignores
    (PROD, default(include_claim_keys=["job_workflow_ref"]), f"{OLD}:environment:prod"),
    (PROD, keys("repo", "context"), f"{NEW}:environment:prod"),
    (PROD, keys("environment", "repository_owner"), "environment:prod:repository_owner:Contoso"),
    (PROD, keys("repository_owner_id", "repository_id"), "repository_owner_id:101:repository_id:202"),
    (MAIN, keys("repository", "ref"), "repository:Contoso/Reports:ref:refs/heads/main"),
    (PROD, keys("repository_owner", "repository_visibility"), "repository_owner:Contoso:repository_visibility:private"),
]  # fmt: skip


@pytest.mark.parametrize(("trust", "settings", "subject"), SUBJECTS)
def test_the_subject_is_what_github_says(trust: Trust, settings: dict[str, Any], subject: str) -> None:
    assert told(trust, settings) == subject


UNTOLD: dict[str, tuple[Trust, dict[str, Any], Any, str]] = {
    "an answer of before 2026": (PROD, {"use_default": True}, None, "sub_claim_prefix"),
    "a prefix of an unknown form": (PROD, default("enterprise:x:repo:a/b"), None, "a form that is not known"),
    "a prefix that is no text": (PROD, default(5), None, "sub_claim_prefix"),  # type: ignore[arg-type]
    "another repository answers": (PROD, default("repo:contoso/other"), None, "renamed or moved"),
    "no word on the default": (PROD, {"sub_claim_prefix": OLD}, None, "not the form that is known"),
    "keys that are no list": (PROD, {"use_default": False, "include_claim_keys": "repo"}, None, "not the form"),
    "the organization's template": (PROD, keys(), None, "a template of the organization"),
    "a workflow": (PROD, keys("repo", "context", "job_workflow_ref"), None, "'job_workflow_ref'"),
    "a property": (PROD, keys("repo_property_team"), None, "'repo_property_team'"),
    "a branch has no environment": (MAIN, keys("repo", "environment"), None, "'environment'"),
    "an environment says no branch": (PROD, keys("repo", "ref"), None, "'ref'"),
    "the repository was not described": (PROD, keys("repository_id"), {"owner": 5}, "'repository_id'"),
    "an id that is none": (PROD, keys("repository_owner_id"), {"owner": {"id": True}}, "'repository_owner_id'"),
}


@pytest.mark.parametrize(("trust", "settings", "about", "why"), UNTOLD.values(), ids=UNTOLD)
def test_what_cannot_be_told_is_never_made_up(trust: Trust, settings: dict[str, Any], about: Any, why: str) -> None:
    with pytest.raises(CannotTell, match=why.replace("(", r"\(")):
        told(trust, settings, about)


def test_the_repository_is_described_only_where_that_is_needed() -> None:
    assert not needs_repository(claim_keys(default()))
    assert not needs_repository(claim_keys(keys("repo", "context")))
    assert needs_repository(claim_keys(keys("repo", "repository_owner_id")))


json = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda e: st.lists(e, max_size=3))
answers = st.dictionaries(st.sampled_from(["use_default", "include_claim_keys", "sub_claim_prefix"]), json)


@given(answers, st.text(min_size=1, max_size=20))
def test_whatever_comes_back_it_is_a_subject_or_a_reason(settings: dict[str, Any], environment: str) -> None:
    said = ""
    try:
        said = told(Trust("github", repository="contoso/reports", environment=environment), settings)
    except CannotTell as error:
        said = str(error)
    assert said


@given(st.text(min_size=1, max_size=20), st.sampled_from([OLD, NEW]))
def test_no_environment_can_pretend_to_be_another_claim(environment: str, prefix: str) -> None:
    subject = told(Trust("github", repository="contoso/reports", environment=environment), default(prefix))
    assert subject.count(":") == prefix.count(":") + 2
    assert subject.startswith(f"{prefix}:environment:")
