"""Which store an environment names, ready to be looked into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pbisetup.model.manifest import Environment
from pbisetup.services.stores.store import Store

if TYPE_CHECKING:
    from pbisetup.services.identity import TokenSource
    from pbisetup.services.network import Network


@dataclass(frozen=True)
class Surroundings:
    """What stores are reached by."""

    folder: Path
    """Of the manifest."""
    project_id: str
    network: Network
    sign_in: Callable[[], TokenSource]
    """Tokens of whoever reads and writes a vault; called when the first request needs one."""
    write: Callable[[str], None]
    """Where a credential is printed."""


def store_of(environment: Environment, around: Surroundings) -> Store:
    """The store that the environment names. Touches nothing yet."""
    spec, name = environment.credential, environment.name
    brought = around.folder / spec.file if spec.file else None
    if spec.store == "stdout":
        from pbisetup.services.stores.printed import PrintOnce

        return PrintOnce(around.write)
    if spec.store == "keyring":
        from pbisetup.services.stores.keyring_store import KeyringStore

        return KeyringStore(around.project_id, name, kind=spec.kind, brought=brought is not None)
    if spec.store == "github":
        from pbisetup.services.stores.github import GitHub

        return GitHub(spec.place, around.project_id, name, brought=brought is not None)
    if spec.store == "azure-devops":
        from pbisetup.services.stores.azure_devops import AzureDevOps

        return AzureDevOps(spec.place, around.project_id, name, brought=brought is not None)
    if spec.store == "key-vault":
        from pbisetup.services.stores.key_vault import KeyVault

        return KeyVault(around.network, spec.place, around.project_id, name, spec.kind, around.sign_in)
    from pbisetup.services.stores.env_file import EnvFile

    return EnvFile(around.folder, name, brought)
