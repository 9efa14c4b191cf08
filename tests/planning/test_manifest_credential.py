"""The manifest's credential: kinds and stores, and whom a federated one trusts; every mistake is told with its key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.model.manifest import CredentialSpec, Trust
from pbisetup.planning.credential_spec import LONGEST, parse_store, trust_problems
from pbisetup.planning.manifest import ManifestError, parse_manifest

HEAD = '[project]\nid = "k7f3q2"\nname = "contoso-reports"\n[environments.prod]\n'
FEDERATED = 'kind = "federated", '
GITHUB = f'{FEDERATED}issuer = "github", repository = "contoso/reports", '
DEVOPS = (
    f'{FEDERATED}issuer = "azure-devops", organization = "contoso", project = "Reports", service_connection = "pbi"'
)
OWN = f'{FEDERATED}issuer = "https://issuer.example/path", subject = "system:serviceaccount:a:b"'


def read(text: str) -> CredentialSpec:
    return parse_manifest(f"{HEAD}credential = {{ {text} }}\n").environments["prod"].credential


def problems(text: str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read(text)
    assert all(each.startswith("pbisetup.toml:5: ") for each in caught.value.problems)
    return [each.removeprefix("pbisetup.toml:5: ") for each in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "trust"),
    [
        (f'{GITHUB}environment = "prod"', Trust("github", repository="contoso/reports", environment="prod")),
        (f'{GITHUB}branch = "release/2"', Trust("github", repository="contoso/reports", branch="release/2")),
        (f'{GITHUB}tag = "v1"', Trust("github", repository="contoso/reports", tag="v1")),
        (f"{GITHUB}pull_request = true", Trust("github", repository="contoso/reports", pull_request=True)),
        (f'{GITHUB}environment = "a:b é"', Trust("github", repository="contoso/reports", environment="a:b é")),
        (f'{FEDERATED}issuer = "github", subject = "repo:a/b:c"', Trust("github", "repo:a/b:c")),
        (f'{GITHUB}subject = "repo:a/b:c"', Trust("github", "repo:a/b:c", repository="contoso/reports")),
        (DEVOPS, Trust("azure-devops", organization="contoso", project="Reports", service_connection="pbi")),
        (OWN, Trust("https://issuer.example/path", "system:serviceaccount:a:b")),
        (
            f'{OWN}, audience = "api://own"',
            Trust("https://issuer.example/path", "system:serviceaccount:a:b", "api://own"),
        ),
    ],
)
def test_whom_a_federated_credential_trusts_is_read_as_it_is_meant(text: str, trust: Trust) -> None:
    spec = read(text)
    assert (spec.kind, spec.store, spec.trust) == ("federated", "env-file", trust)


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ('store = "env-file"', "env-file", ""),
        ('store = "keyring"', "keyring", ""),
        ('store = "key-vault:contoso-vault"', "key-vault", "contoso-vault"),
        ('store = "github:contoso/reports"', "github", "contoso/reports"),
        ('store = "github:contoso/reports/prod:eu"', "github", "contoso/reports/prod:eu"),
        ('store = "azure-devops:contoso/My Reports/secrets"', "azure-devops", "contoso/My Reports/secrets"),
        ('store = "stdout"', "stdout", ""),
        (f'{OWN}, store = "github:contoso/reports"', "github", "contoso/reports"),
    ],
)
def test_where_it_is_kept(text: str, kind: str, place: str) -> None:
    spec = read(text)
    assert (spec.store, spec.place) == (kind, place)


def test_a_certificate_may_be_brought() -> None:
    spec = read('kind = "certificate", file = "app.pfx", lifetime = "365d"')
    assert (spec.kind, spec.file, spec.lifetime.days, spec.trust) == ("certificate", "app.pfx", 365, None)


TOO_LONG = "x" * (LONGEST + 1)
MISTAKES: dict[str, tuple[str, str]] = {
    "no issuer": (f'{FEDERATED}subject = "s"', "credential.issuer: is missing"),
    "an issuer without https": (f'{FEDERATED}issuer = "http://i", subject = "s"', "none of github, azure-devops"),
    "an issuer that is a word": (f'{FEDERATED}issuer = "gitlab", subject = "s"', "'gitlab' is none of github"),
    "no subject": (f'{FEDERATED}issuer = "https://i.example"', "credential.subject: is missing"),
    "a long subject": (f'{FEDERATED}issuer = "https://i.example", subject = "{TOO_LONG}"', "at most 600 characters"),
    "a long audience": (f'{OWN}, audience = "{TOO_LONG}"', "credential.audience: must be text"),
    "white space around": (f'{FEDERATED}issuer = "https://i.example", subject = " s"', "without white space around"),
    "a line break": (f'{FEDERATED}issuer = "https://i.example", subject = "a\\nb"', "text that can be printed"),
    "a number as subject": (f'{FEDERATED}issuer = "https://i.example", subject = 5', "text that can be printed"),
    "no repository": (f'{FEDERATED}issuer = "github", environment = "prod"', "credential.repository: is missing"),
    "a repository without owner": (f'{FEDERATED}issuer = "github", repository = "r", tag = "v"', "is not OWNER/NAME"),
    "a repository as address": (
        f'{FEDERATED}issuer = "github", repository = "https://github.com/a/b", tag = "v"',
        "is not OWNER/NAME",
    ),
    "a repository that climbs": (
        f'{FEDERATED}issuer = "github", repository = "a/../b", tag = "v"',
        "is not OWNER/NAME",
    ),
    "which jobs": (GITHUB.rstrip(", "), "needs one of environment, branch, tag and pull_request"),
    "two kinds of jobs": (f'{GITHUB}environment = "a", branch = "b"', "needs one of environment"),
    "any branch": (f'{GITHUB}branch = "release/*"', "credential.branch: holds *"),
    "any environment": (f'{GITHUB}environment = "*"', "credential.environment: holds *"),
    "any subject": (f'{FEDERATED}issuer = "github", subject = "repo:a/b:*"', "credential.subject: holds *"),
    "a pull request as text": (f'{GITHUB}pull_request = "yes"', "must be true or false"),
    "github with a project": (f'{GITHUB}tag = "v", project = "p"', "credential.project: does not go with github"),
    "devops without its connection": (
        f'{FEDERATED}issuer = "azure-devops", organization = "contoso"',
        "azure-devops needs project, service_connection",
    ),
    "devops with a branch": (f'{DEVOPS}, branch = "main"', "credential.branch: does not go with azure-devops"),
    "devops with a subject": (f'{DEVOPS}, subject = "sc://a/b/c"', "is read from the service connection"),
    "an own issuer with a repository": (f'{OWN}, repository = "a/b"', "does not go with an issuer of your own"),
    "an unknown key": (f'{GITHUB}enviroment = "prod"', "did you mean 'environment'?"),
    "trust of a secret": ('issuer = "github"', "credential.issuer goes with kind \"federated\", not with 'secret'"),
    "trust of a certificate": ('kind = "certificate", pull_request = true', "credential.pull_request goes with kind"),
    "a file of a secret": ('file = "app.pem"', "does not go with kind 'secret'"),
    "a file of a federated one": (f'{OWN}, file = "app.pem"', "does not go with kind 'federated'"),
    "a vault for what is no secret": (f'{OWN}, store = "key-vault:contoso"', "key-vault keeps secrets"),
    "a keyring for what is no secret": (f'{OWN}, store = "keyring"', "keyring keeps secrets"),
    "a vault without a name": ('store = "key-vault"', "is not key-vault:NAME"),
    "a vault that is none": ('store = "key-vault:a--b"', "is not key-vault:NAME"),
    "a keyring with a place": ('store = "keyring:x"', "keyring takes nothing behind a colon"),
    "a repository that is none": ('store = "github:contoso"', "is not github:OWNER/REPOSITORY"),
    "a group that is none": ('store = "azure-devops:contoso/p"', "is not azure-devops:ORGANIZATION"),
    "a store that is none": ('store = "env-fil"', "did you mean 'env-file'?"),
}


@pytest.mark.parametrize(("text", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_key(text: str, said: str) -> None:
    assert len([each for each in problems(text) if said in each]) == 1


def test_all_mistakes_come_at_once() -> None:
    text = (
        f'{FEDERATED}issuer = "github", repository = "r", branch = "*", tag = "v", store = "keyring", lifetime = "1h"'
    )
    assert len(problems(text)) == 5


texts = st.none() | st.text(max_size=12) | st.sampled_from(["github", "azure-devops", "https://i", "a/b", "*", " x"])
trusts = st.builds(
    Trust, issuer=st.text(max_size=12) | st.sampled_from(["github", "azure-devops", "https://i.example"]), subject=texts,
    audience=texts, repository=texts, environment=texts, branch=texts, tag=texts, pull_request=st.booleans(),
    organization=texts, project=texts, service_connection=texts,
)  # fmt: skip


@given(trusts)
def test_what_is_fine_says_enough_to_look_it_up(trust: Trust) -> None:
    if trust_problems(trust):
        return
    if trust.issuer == "github":
        assert trust.subject or (
            trust.repository and (trust.environment or trust.branch or trust.tag or trust.pull_request)
        )
    elif trust.issuer == "azure-devops":
        assert trust.organization
        assert trust.project
        assert trust.service_connection
    else:
        assert trust.issuer.startswith("https://")
        assert trust.subject


@given(st.text(max_size=40))
def test_any_text_is_a_store_or_is_refused(text: str) -> None:
    found: Any = parse_store(text)
    assert isinstance(found, str) or found[1].isprintable()
