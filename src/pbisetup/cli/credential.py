"""Which app is meant: from flags, else a named environment, else the scenario's caller, else AZURE_* variables, else the
manifest's only environment.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pbisetup.cli.context import Common, choose_one, load_manifest, sign_in_text, signed_in, tenant_of

if TYPE_CHECKING:
    from pbisetup.model.manifest import Environment, Manifest, WorkspaceSpec
    from pbisetup.model.secret import Secret
    from pbisetup.services.identity import CredentialTokens
    from pbisetup.services.network import Network
    from pbisetup.services.secret_store import AppCredential
    from pbisetup.ui.terminal import Terminal


@dataclass(frozen=True)
class Found:
    """The app that is meant, with what the manifest says of it."""

    credential: AppCredential | None
    where: str
    manifest: Manifest | None = None
    environment: Environment | None = None
    workspaces: tuple[WorkspaceSpec, ...] = ()
    """That the app should see, as far as something says so."""
    purpose: str | None = None
    """What a scenario's caller wants the app for."""
    person: bool = False
    """The scenario's caller is somebody who signs in."""
    in_tenant: Secret | bool = False
    """The tenant itself says which app: see `asked_of_tenant`. A secret that was given goes before the tenant's."""

    @property
    def signs_people_in(self) -> bool:
        """Whether nobody but a person can sign in to the app."""
        from pbisetup.catalog.purposes import purposes
        from pbisetup.planning.wanted import is_service_app

        if self.environment is not None:
            return not is_service_app(self.environment)
        known = purposes().get(self.purpose or "")
        return self.person or (known is not None and known.sign_in == "user")

    @property
    def scopes(self) -> frozenset[str]:
        """The delegated permissions that a person's token should hold."""
        from pbisetup.catalog.purposes import purposes
        from pbisetup.planning.wanted import wanted_scopes

        if self.environment is not None:
            return frozenset(wanted_scopes(self.environment))
        known = purposes().get(self.purpose or "")
        return frozenset(known.delegated if known else ())


def app_credential(common: Common, name: str | None, client_id: str | None, secret: str | None) -> Found:
    """Find the app's credential. Raises UsageError where it is not clear which one is meant."""
    from pbisetup.model.errors import UsageError
    from pbisetup.model.secret import Secret
    from pbisetup.services.secret_store import AppCredential

    if secret is not None and secret != "-":  # noqa: S105 - the dash
        raise UsageError("PBI109", "a secret is never an argument", remedy="Use --secret - and pipe it in.")
    given = Secret(sys.stdin.readline().strip("\r\n")) if secret == "-" else None  # noqa: S105 - the dash
    if client_id:
        tenant = common.tenant or os.environ.get("AZURE_TENANT_ID", "")
        if not tenant:
            raise UsageError("PBI109", "--client-id needs --tenant, or AZURE_TENANT_ID")
        value = given or _secret_from_environment()
        return Found(AppCredential(tenant, client_id, value, "command line"), "command line")
    if common.scenario and name is None:
        return Found(None, "the scenario", in_tenant=given or True)
    has_manifest = common.manifest_path.exists()
    if name is None and os.environ.get("AZURE_CLIENT_ID"):
        tenant = common.tenant or os.environ.get("AZURE_TENANT_ID", "")
        value = given or _secret_from_environment()
        credential = AppCredential(tenant, os.environ["AZURE_CLIENT_ID"], value, "environment variables")
        chosen = common.cloud or common.sandbox
        # The variables say which app; in which cloud it lives is the manifest's to say, where there is one.
        return Found(
            credential, "environment variables", load_manifest(common) if has_manifest and not chosen else None
        )
    if name is None and not has_manifest:
        raise UsageError(
            "PBI109",
            "which app? there is neither a manifest here nor AZURE_CLIENT_ID",
            remedy="Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or make an app with `pbisetup init`.",
        )
    manifest = load_manifest(common)
    environment = choose_one(manifest, name)
    tenant_of(common, environment)  # raises where --tenant contradicts the manifest
    from pbisetup.services.secret_store import EnvFile

    store = EnvFile(common.manifest_path.parent, environment.name)
    stored = store.credential()
    if stored is not None and given is not None:
        stored = AppCredential(stored.tenant_id, stored.client_id, given, "standard input")
    return Found(stored, store.name, manifest, environment, environment.workspaces)


def asked_of_tenant(common: Common, reach: Network, found: Found) -> Found:
    """The same where it is known which app is meant; else the app of the tenant's `caller`. Raises UsageError."""
    if found.in_tenant is False:
        return found
    from pbisetup.model.errors import UsageError
    from pbisetup.model.manifest import WorkspaceSpec
    from pbisetup.model.secret import Secret
    from pbisetup.planning.manifest import is_guid
    from pbisetup.sandbox.caller import secret_of, workspaces
    from pbisetup.sandbox.runfile import find_running
    from pbisetup.services.secret_store import AppCredential

    running = find_running(reach.cloud.login)
    caller = running.caller_section() if running else {}
    if running is None or not caller.get("client_id"):
        raise UsageError(
            "PBI109",
            f"which app? the scenario {common.scenario!r} has no caller",
            remedy="Name one with --client-id and --secret -, or an environment of the manifest.",
        )
    value = secret_of(caller, running.app_secret)
    secret = found.in_tenant if isinstance(found.in_tenant, Secret) else Secret(value) if value else None
    tenant = common.tenant or caller.get("tenant") or running.tenant
    specs = [WorkspaceSpec("Viewer", **({"id": w} if is_guid(w) else {"name": w})) for w in workspaces(caller)]
    credential = AppCredential(tenant, caller["client_id"], secret, found.where)
    person = bool(caller.get("user"))
    return replace(found, credential=credential, workspaces=tuple(specs), purpose=caller.get("purpose"), person=person)


def _secret_from_environment() -> Secret | None:
    from pbisetup.model.secret import Secret

    value = os.environ.get("AZURE_CLIENT_SECRET", "")
    return Secret(value) if value else None


def user_sign_in(terminal: Terminal, common: Common, reach: Network, found: Found) -> CredentialTokens:
    """A person signs in to the app: by the route that was asked for, else the cloud's first that is for people."""
    from pbisetup.model.errors import UsageError
    from pbisetup.services.identity import user_tokens

    routes = [r for r in reach.cloud.operator_routes if r in ("browser", "device")]
    route = common.operator if common.operator not in ("auto", "none") else routes[0]
    if route not in ("browser", "device"):
        raise UsageError("PBI104", f"--user needs --operator browser or device, not {route}")
    client, tenant = _client(terminal, common, reach, found)
    return user_tokens(
        reach,
        route,
        tenant,
        client,
        prompt=lambda uri, code, _text: terminal.wrapped(sign_in_text(uri, code, terminal), "", "bold"),
        patience=900 if terminal.interactive else 60,
        observer="app",
    )


def _client(terminal: Terminal, common: Common, reach: Network, found: Found) -> tuple[str, str]:
    """Client id and tenant of the app; an app without a stored credential is looked up by its unique name."""
    if found.credential is not None:
        return found.credential.client_id, found.credential.tenant_id
    assert found.manifest is not None
    assert found.environment is not None
    from pbisetup.model.errors import UsageError
    from pbisetup.observe.environment import find_app

    person = replace(common, operator="auto" if common.operator == "none" else common.operator)
    with signed_in(person, terminal, reach, tenant_of(common, found.environment)) as session:
        app = find_app(session, found.manifest.unique_name(found.environment.name))
        if app is None:
            raise UsageError(
                "PBI105",
                f"the app of {found.environment.name!r} does not exist yet",
                command=f"pbisetup apply {found.environment.name}",
            )
        return app, session.tenant.id
