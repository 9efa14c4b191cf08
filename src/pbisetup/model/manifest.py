"""The manifest: the environments as they should be. Reading and checking it is `planning.manifest`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from pbisetup.model.tenant import WorkspaceRole

CredentialKind = Literal["secret", "certificate", "federated"]
StoreKind = Literal["env-file", "keyring", "key-vault", "github", "azure-devops", "stdout"]
Consent = Literal["all", "person"]
"""Who delegated permissions are consented for: everybody in the tenant, or only whoever sets the app up."""
ADOPTED_TAG = "pbisetup-adopted"
"""On an app that was made by hand and taken over: `destroy` never deletes it."""

LEFT = "pbisetup-left:"
"""How the tag begins of an environment that has let go of an app which others keep."""


@dataclass(frozen=True)
class Trust:
    """Whose assertions the app takes: what the manifest says of them. The exact subject may have to be looked up."""

    issuer: str
    """`github`, `azure-devops`, or the address of any issuer."""
    subject: str | None = None
    """To the letter; None: it is read from the platform's own settings, never composed from names alone."""
    audience: str | None = None
    """None: the cloud's own audience for token exchange."""
    repository: str | None = None
    """GitHub: `owner/name`."""
    environment: str | None = None
    branch: str | None = None
    tag: str | None = None
    pull_request: bool = False
    organization: str | None = None
    """Azure DevOps."""
    project: str | None = None
    service_connection: str | None = None


@dataclass(frozen=True)
class CredentialSpec:
    """Which credential the app gets and where it is kept."""

    kind: CredentialKind = "secret"
    lifetime: timedelta = timedelta(days=90)
    store: StoreKind = "env-file"
    place: str = ""
    """What stands behind the store's colon: `key-vault:NAME`, `github:OWNER/REPO[/ENVIRONMENT]`,
    `azure-devops:ORGANIZATION/PROJECT/VARIABLE-GROUP`."""
    file: str | None = None
    """A certificate with its private key that was brought (PEM or PFX), beside the manifest; None: one is made."""
    trust: Trust | None = None
    """Of a federated credential."""


@dataclass(frozen=True)
class WorkspaceSpec:
    """A workspace by name or id, and the role the service principal should hold in it."""

    role: WorkspaceRole
    name: str | None = None
    id: str | None = None

    @property
    def key(self) -> str:
        """What a person calls it: its name, else its id."""
        return self.name or self.id or ""


@dataclass(frozen=True)
class Environment:
    """One named target."""

    name: str
    tenant: str | None
    """Tenant id or domain; None: the tenant the operator signs in to."""
    purposes: tuple[str, ...]
    credential: CredentialSpec = CredentialSpec()
    groups: Mapping[str, str] = field(default_factory=dict)
    """What the group is for (`api`, `admin-read`, ...) -> display name or object id."""
    workspaces: tuple[WorkspaceSpec, ...] = ()
    makes: frozenset[str] = frozenset()
    """Names of those workspaces that are to be made where they do not exist."""
    delegated: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    client_id: str | None = None
    """Of an app that was made by hand and is to be taken over; None: the app is made, or found by its unique name."""
    capacity: str | None = None
    """Name or id of the capacity that the workspaces are to run on."""
    profiles: bool = False
    """Whether the service principal works through profiles, one for each customer."""
    consent: Consent = "all"


@dataclass(frozen=True)
class Manifest:
    """The whole file. `project_id` tells two teams' objects apart."""

    project_id: str
    name: str
    cloud: str
    environments: Mapping[str, Environment]

    def unique_name(self, environment: str) -> str:
        """The application's uniqueName: the key by which every run finds it again. Immutable once set (entra.md 1.2)."""
        return f"pbisetup-{self.project_id}-{environment}"

    def display_name(self, environment: str) -> str:
        return f"{self.name}-{environment}"

    def tag(self, environment: str) -> str:
        """The tag that proves an object ours."""
        return f"pbisetup:{self.project_id}/{environment}"

    def adopted_tag(self, environment: str) -> str:
        """Beside ADOPTED_TAG: for which environment the app was taken over."""
        return f"{ADOPTED_TAG}:{self.project_id}/{environment}"

    def left_tag(self, environment: str) -> str:
        """In place of `tag` on an app that others keep: `destroy` has let go of it, and may finish once they have, too."""
        return f"{LEFT}{self.project_id}/{environment}"

    def secret_label(self, environment: str) -> str:
        """How the display names of the environment's client secrets begin: projects may share an app."""
        return f"pbisetup {self.project_id}/{environment}"

    def federated_name(self, environment: str) -> str:
        """The name of the environment's federated credential, by which every run finds it again.

        Letters, digits and hyphens, fewer than 120, as Graph wants them; it cannot be changed afterwards (entra.md 1.9).
        """
        return f"pbisetup-{self.project_id}-{environment}"

    def group_unique_name(self, kind: str, named: str | None = None) -> str:
        """The uniqueName of the group that the project makes for this (`api`, ...); its environments share it.

        `named`: what the manifest calls it, where it does: two names are two groups.
        """
        unique = f"pbisetup-{self.project_id}-{kind}"
        return f"{unique}-{hashlib.sha256(named.encode()).hexdigest()[:8]}" if named else unique
