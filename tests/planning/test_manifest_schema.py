"""The schema that editors check a manifest with says what the reader takes, and nothing else."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.purposes import group_kinds, purposes
from pbisetup.model.manifest import Consent, CredentialKind, StoreKind
from pbisetup.model.tenant import WORKSPACE_ROLES
from pbisetup.planning import manifest as reader
from pbisetup.planning.credential_spec import CREDENTIAL_KEYS
from pbisetup.planning.manifest import ManifestError, parse_manifest

SCHEMA: dict[str, Any] = json.loads(
    files("pbisetup.catalog").joinpath("data/manifest.schema.json").read_text(encoding="utf-8")
)
ENVIRONMENT = SCHEMA["$defs"]["environment"]["properties"]
HEAD = '[project]\nid = "abcd"\nname = "x"\n[environments.dev]\n'
PAGE = (Path(__file__).parents[2] / "docs" / "provisioning.md").read_text(encoding="utf-8")


def fits(text: str) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(tomllib.loads(text))


def taken(text: str) -> bool:
    try:
        parse_manifest(text)
    except ManifestError:
        return False
    return True


def test_both_know_the_same_keys_and_values() -> None:
    assert tuple(SCHEMA["properties"]["project"]["properties"]) == reader._PROJECT
    assert set(ENVIRONMENT) == set(reader._ENVIRONMENT)
    assert set(ENVIRONMENT["workspaces"]["items"]["properties"]) == set(reader._WORKSPACE)
    assert set(ENVIRONMENT["credential"]["properties"]) == set(CREDENTIAL_KEYS)
    assert set(ENVIRONMENT["groups"]["properties"]) == set(group_kinds())
    assert set(ENVIRONMENT["purposes"]["items"]["enum"]) == set(purposes())
    assert set(SCHEMA["properties"]["project"]["properties"]["cloud"]["enum"]) == {*clouds(), "sandbox"}
    assert ENVIRONMENT["workspaces"]["items"]["properties"]["role"]["enum"] == list(WORKSPACE_ROLES)
    assert ENVIRONMENT["credential"]["properties"]["kind"]["enum"] == list(get_args(CredentialKind))
    stores = ENVIRONMENT["credential"]["properties"]["store"]
    assert {text.partition(":")[0] for text in stores["examples"]} == set(get_args(StoreKind))
    assert all(re.search(stores["pattern"], text) for text in stores["examples"])
    assert ENVIRONMENT["consent"]["enum"] == list(get_args(Consent))


def test_the_manifest_of_the_page_is_one() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert fits(example)
    made = parse_manifest(example).environments
    assert made["test"].makes == {"Reports Test"}
    assert made["test"].workspaces[0].role == "Contributor"
    assert made["prod"].client_id == "11111111-2222-3333-4444-555555555555"
    assert made["portal"].consent == "all"


@pytest.mark.parametrize(
    "line",
    [
        'purposes = ["automaton"]',
        "purposes = []",
        'client_id = "an object id"',
        'consent = "everybody"',
        'profiles = "yes"',
        'capacity = ""',
        'groups = { readers = "x" }',
        'workspaces = [{ name = "a", id = "11111111-2222-3333-4444-555555555555" }]',
        'workspaces = [{ name = "a", create = "please" }]',
        'workspaces = [{ name = "a", role = "Owner" }]',
        'credential = { lifetime = "a year" }',
        "unknown = 1",
    ],
)
def test_what_one_refuses_the_other_refuses(line: str) -> None:
    assert not taken(HEAD + line)
    assert not fits(HEAD + line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('purposes = ["gateway", "admin-read"]', "do not go together"),
        (
            'workspaces = [{ id = "11111111-2222-3333-4444-555555555555", create = true }]',
            "makes a workspace by its name",
        ),
        ('redirect_uris = ["http://portal.example/"]', "must begin with https://"),
        ('redirect_uris = ["https://*.example/"]', "neither * nor #"),
        ('redirect_uris = ["portal"]', "is no address"),
        ('redirect_uris = ["javascript:alert(1)"]', "is nowhere to come back to"),
        ('groups = { api = "a", admin-read = "a" }', "a group of its own"),
        (
            'client_id = "11111111-2222-3333-4444-555555555555"\n[environments.test]\n'
            'client_id = "11111111-2222-3333-4444-555555555555"',
            "dev takes over the same app",
        ),
    ],
)
def test_what_only_the_reader_can_tell(line: str, said: str) -> None:
    with pytest.raises(ManifestError, match=re.escape(said)):
        parse_manifest(HEAD + line)
