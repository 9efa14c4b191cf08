"""What is tested: commands with the state that they start from, and every kind of credential in every store."""

from __future__ import annotations

import base64
import copy
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.certificate import ClientCertificate

State = dict[str, Any]

PROJECT, ENVIRONMENT = "k1llt3", "dev"
UNIQUE = f"pbisetup-{PROJECT}-{ENVIRONMENT}"
SETTING = "ServicePrincipalAccessPermissionAPIs"
THERE, MADE = "Reports Dev", "Reports New"
"""A workspace that exists, and one that is to be made."""

VAULT, REPOSITORY = "contoso-vault", "contoso/reports"
TRUSTED, SUBJECT = "https://token.actions.githubusercontent.com", "repo:contoso@101/reports@202:environment:prod"
"""Whom a federated credential trusts."""

STORES = {
    "env-file": "env-file",
    "keyring": "keyring",
    "key-vault": f"key-vault:{VAULT}",
    "github": f"github:{REPOSITORY}",
    "github-environment": f"github:{REPOSITORY}/prod",
    "azure-devops": "azure-devops:contoso/Sales & Co/Reports",
    "stdout": "stdout",
}
"""What the manifest says of each store."""
CREDENTIALS = {
    (kind, store): f'{{ kind = "{kind}", {more}, store = "{said}" }}'
    for kind, more in {
        "secret": 'lifetime = "90d"',
        "certificate": 'lifetime = "90d"',
        "federated": f'issuer = "{TRUSTED}", subject = "{SUBJECT}"',
    }.items()
    for store, said in STORES.items()
    # It has nothing that a vault or a keyring could keep.
    if kind != "federated" or store not in ("key-vault", "keyring")
}
"""(kind, store) -> what the manifest says of the credential."""

MANIFEST = """\
# Hands off: this comment stays.
[project]
id = "{project}"
name = "kill"
cloud = "sandbox"
tenant = "contoso.onmicrosoft.com"

[environments.{environment}]
purposes = ["automation"]
credential = {credential}
workspaces = [
    {{ name = "{there}", role = "Member" }}, # the team's
    {{ name = "{made}", role = "Contributor", create = true }},
]
"""


@dataclass(frozen=True)
class Scene:
    """A command, and how the tenant and the folder are before it."""

    argv: tuple[str, ...]
    writes_manifest: bool = False
    """The manifest does not exist before."""
    applied: bool = False
    """The environment was applied before, and then changed by `later`."""
    later: Callable[[State], None] = lambda _state: None
    loses_store: bool = False
    """What the store held is gone, too."""
    leaves_old: bool = False
    """The replaced credential stays until the next run."""
    kinds: tuple[str, ...] = ("secret", "certificate", "federated")
    stores: tuple[str, ...] = tuple(STORES)

    @property
    def rotates(self) -> bool:
        """There is a credential that works before, and another one in its place afterwards."""
        return self.applied and not self.loses_store


def manifest(kind: str, store: str) -> str:
    """The manifest with a credential of this kind in this store."""
    names = {"project": PROJECT, "environment": ENVIRONMENT, "there": THERE, "made": MADE}
    return MANIFEST.format(credential=CREDENTIALS[kind, store], **names)


def before_all(state: State) -> None:
    """What stands in the tenant whatever the command: other people's things, and somebody who approves device codes."""
    state["auto_approve"] = "admin"
    excluded = _group("Never these")
    state["groups"].append(excluded)
    for setting in state["tenantSettings"]:
        if setting["settingName"] == SETTING:
            setting["excludedSecurityGroups"] = [{"graphId": excluded["id"], "name": excluded["displayName"]}]
    at = {"enabled": True, "created": 1_700_000_000, "updated": 1_700_000_000}
    version = {"version": "0" * 32, "value": "theirs", "tags": {}, "attributes": at}
    state["vaults"][VAULT]["secrets"]["theirs"] = {"name": "theirs", "versions": [version]}


def foreign(state: State) -> None:
    """Somebody else's secret, certificate and federated credential on the app."""
    app = ours(state)
    key = ClientCertificate(common_name="theirs")
    ends = "2099-01-01T00:00:00Z"
    secret = "abc8Q~somebody-elses-secret-of-40-letters"
    app["passwordCredentials"].insert(
        0,
        {
            "keyId": str(uuid.uuid4()),
            "displayName": "somebody else's",
            "startDateTime": "2024-01-01T00:00:00Z",
            "endDateTime": ends,
            "hint": secret[:3],
            "secretHash": hashlib.sha256(secret.encode()).hexdigest(),
        },
    )
    app.setdefault("keyCredentials", []).insert(
        0,
        {
            "keyId": str(uuid.uuid4()),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "key": key.base64,
            "displayName": "CN=theirs",
            "customKeyIdentifier": base64.b64encode(hashlib.sha1(key.der, usedforsecurity=False).digest()).decode(),
            "startDateTime": "2024-01-01T00:00:00Z",
            "endDateTime": ends,
        },
    )
    app.setdefault("federatedIdentityCredentials", []).insert(
        0,
        {
            "id": str(uuid.uuid4()),
            "name": "theirs",
            "issuer": "https://token.actions.githubusercontent.com",
            "subject": "repo:somebody/else:ref:refs/heads/main",
            "audiences": ["api://AzureADTokenExchange"],
        },
    )


def half_undone(state: State) -> None:
    """Somebody has taken our credential, the membership and the role away, and put credentials of their own on the app."""
    app = ours(state)
    principal = next(each for each in state["servicePrincipals"] if each["appId"] == app["appId"])
    for name in ("passwordCredentials", "keyCredentials", "federatedIdentityCredentials"):
        app[name] = []
    for group in state["groups"]:
        group["members"] = [each for each in group["members"] if each != principal["id"]]
    for workspace in state["workspaces"]:
        if workspace["displayName"] == THERE:
            workspace["roleAssignments"] = [
                each for each in workspace["roleAssignments"] if each["principal"]["id"] != principal["id"]
            ]
    foreign(state)


def emptied(state: State) -> None:
    """Nothing of ours is in the vault any more."""
    for kind in ("secrets", "certificates"):
        shelf = state["vaults"][VAULT][kind]
        for name in [each for each in shelf if vault_name(each)]:
            del shelf[name]


def vault_name(name: str) -> bool:
    """Whether something in the vault is this environment's."""
    return name.removeprefix("certificate-") == UNIQUE


_QUIET = ("--yes", "--wait", "0")
SCENES = {
    "init": Scene(
        (
            *("init", "--cloud", "sandbox", "--name", "kill", "--env", ENVIRONMENT, "--purpose", "automation"),
            *("--workspace", THERE, "--workspace", MADE, "--create-workspaces", *_QUIET),
        ),
        writes_manifest=True,
    ),
    "apply": Scene(("apply", *_QUIET)),
    "again": Scene(("apply", *_QUIET), applied=True, later=half_undone, loses_store=True),
    "rotate": Scene(
        ("rotate", ENVIRONMENT, "--yes", "--grace", "0"), applied=True, later=foreign, kinds=("secret", "certificate")
    ),
    "rotate-keep": Scene(
        ("rotate", ENVIRONMENT, "--yes"), applied=True, later=foreign, leaves_old=True, kinds=("secret", "certificate")
    ),
    "roll": Scene(
        ("rotate", ENVIRONMENT, "--yes", "--grace", "0", "--operator", "none"),
        applied=True,
        later=foreign,
        kinds=("certificate",),
        # The others cannot be read without somebody's sign-in, or not at all.
        stores=("env-file", "keyring"),
    ),
}
"""`again`: `apply` on an app that is there, with credentials of others on it. `rotate-keep`: the old credential stays until
the next run. `roll`: the certificate vouches for its successor, and nobody signs in.
"""


def rows(command: str = "all", kind: str = "all", store: str = "all") -> list[tuple[str, str, str]]:
    """(command, kind, store) of everything that there is to test, or of what is meant."""
    return [
        (name, *credential)
        for name, scene in SCENES.items()
        for credential in CREDENTIALS
        if command in ("all", name)
        and kind in ("all", credential[0])
        and store in ("all", credential[1])
        and credential[0] in scene.kinds
        and credential[1] in scene.stores
        # The wizard writes the manifest by itself.
        and (not scene.writes_manifest or credential == ("secret", "env-file"))
    ]


def ours(state: State) -> dict[str, Any]:
    """The one app of the project."""
    return next(each for each in state["applications"] if str(each.get("uniqueName", "")).startswith("pbisetup-"))


def foreign_credentials(state: State) -> dict[str, list[Any]]:
    """The credentials that others have put on the app."""
    app = next((a for a in state["applications"] if str(a.get("uniqueName", "")).startswith("pbisetup-")), {})
    listed = {
        name: app.get(name) or [] for name in ("passwordCredentials", "keyCredentials", "federatedIdentityCredentials")
    }
    return copy.deepcopy({name: [each for each in held if _theirs(each)] for name, held in listed.items()})


def _theirs(credential: dict[str, Any]) -> bool:
    said = (credential.get("displayName"), credential.get("name"))
    return bool({"somebody else's", "CN=theirs", "theirs"} & set(said))


def _group(name: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "displayName": name,
        "securityEnabled": True,
        "mailEnabled": False,
        "mailNickname": "never",
        "groupTypes": [],
        "members": [],
        "owners": [],
    }
