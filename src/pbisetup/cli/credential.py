"""Which app is meant: from flags, else a named environment, else the scenario's caller, else AZURE_* variables, else the
manifest's only environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pbisetup.cli.context import Common, choose_one, load_manifest, sign_in_text, signed_in, tenant_of

if TYPE_CHECKING:
    from pbisetup.model.manifest import Environment, Manifest, WorkspaceSpec
    from pbisetup.model.secret import Secret
    from pbisetup.services.app_sign_in import Credential
    from pbisetup.services.identity import CredentialTokens
    from pbisetup.services.network import Network
    from pbisetup.services.stores.store import Store
    from pbisetup.ui.terminal import Terminal


@dataclass(frozen=True)
class Found:
    """The app that is meant, with what the manifest or a scenario's caller says of it."""

    credential: Credential | None
    where: str
    manifest: Manifest | None = None
    environment: Environment | None = None
    workspaces: tuple[WorkspaceSpec, ...] = ()
    """That the app should see, as far as something says so."""
    purpose: str | None = None
    """What a scenario's caller wants the app for."""
    kept: bool = False
    """What the app signs in with lies in a store that is asked once the network is there: see `reached`."""
    given: Secret | None = None
    """A secret that was piped in, which goes before the stored one."""
    store: Store | None = None
    """The environment's store, once the network is there: whoever it had sign in need not do so again."""
    in_tenant: Secret | bool = False
    """The tenant itself says which app: see `asked_of_tenant`. A secret that was given goes before the tenant's."""
    request: str | None = None
    body: str | None = None
    profile: str | None = None
    scope: str | None = None
    redirect_uri: str | None = None
    token_age: float | None = None

    @property
    def signs_people_in(self) -> bool:
        """Whether nobody but a person can sign in to the app."""
        from pbisetup.catalog.purposes import purposes
        from pbisetup.planning.wanted import is_service_app

        if self.credential is not None and self.credential.kind in ("sign-in", "password"):
            return True
        if self.environment is not None:
            return not is_service_app(self.environment)
        known = purposes().get(self.purpose or "")
        return known is not None and known.sign_in == "user"


def app_credential(
    common: Common, name: str | None, client_id: str | None, secret: str | None, *, token: bool = False
) -> Found:
    """Find the app's credential. Raises UsageError where it is not clear which one is meant.

    A `token` that is handed over says itself whose it is: then nothing else has to.
    """
    from pbisetup.model.errors import UsageError

    given = _given_secret(secret)
    if client_id:
        tenant = common.tenant or os.environ.get("AZURE_TENANT_ID", "")
        if not tenant:
            raise UsageError("PBI109", "--client-id needs --tenant, or AZURE_TENANT_ID")
        return Found(from_environment(tenant, client_id, given, "command line"), "command line")
    if common.scenario and name is None:
        return Found(None, "the scenario", in_tenant=given or True)
    has_manifest = common.manifest_path.exists()
    if name is None and os.environ.get("AZURE_CLIENT_ID"):
        tenant = common.tenant or os.environ.get("AZURE_TENANT_ID", "")
        where = "environment variables"
        credential = from_environment(tenant, os.environ["AZURE_CLIENT_ID"], given, where)
        chosen = common.cloud or common.sandbox
        # The variables say which app; in which cloud it lives is the manifest's to say, where there is one.
        return Found(credential, where, load_manifest(common) if has_manifest and not chosen else None)
    if name is None and not has_manifest:
        if token:
            return Found(None, "standard input")
        raise UsageError(
            "PBI109",
            "which app? there is neither a manifest here nor AZURE_CLIENT_ID",
            remedy="Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or make an app with `pbisetup init`.",
        )
    manifest = load_manifest(common)
    if token and name is None and len(manifest.environments) != 1:
        return Found(None, "standard input", manifest)
    environment = choose_one(manifest, name)
    tenant_of(common, environment)  # raises where --tenant contradicts the manifest
    where = named_store(environment)
    return Found(None, where, manifest, environment, environment.workspaces, kept=True, given=given)


def named_store(environment: Environment) -> str:
    """What a person calls the environment's store, before anybody looked into it."""
    spec = environment.credential
    if spec.store == "env-file":
        return f".env.{environment.name}"
    return f"{spec.store}:{spec.place}" if spec.place else spec.store


def reached(common: Common, terminal: Terminal, reach: Network, found: Found) -> Found:
    """The same with the credential: from the environment's store, or from the tenant's `caller`. Raises UsageError."""
    if not found.kept:
        return asked_of_tenant(common, reach, found)
    from pbisetup.cli.places import store_for
    from pbisetup.services.app_sign_in import Credential

    assert found.manifest is not None
    assert found.environment is not None
    store = store_for(common, found.environment, terminal, reach, found.manifest.project_id)
    stored = store.credential()
    if stored is None and found.given is None and found.environment.credential.kind == "federated":
        stored = _of_job(common, found.environment)
    if stored is None and found.environment.credential.store in ("keyring", "key-vault"):
        _refuse_unread(store)
    if stored is None and not store.readable:
        stored = _not_read_back(common, found.environment, store, piped=found.given is not None)
    if stored is not None and found.given is not None:
        stored = Credential("secret", stored.tenant_id, stored.client_id, "standard input", secret=found.given)
    return replace(found, credential=stored, where=store.name, store=store)


def _refuse_unread(store: Store) -> None:
    """Raise Unavailable where a store could not be looked into: that is not the same as that it holds nothing."""
    from pbisetup.model.errors import Unavailable
    from pbisetup.model.facts import Unknown

    fact = store.stored()
    if isinstance(fact, Unknown):
        seen = (fact.evidence,) if fact.evidence else ()
        remedy = (
            "Sign in as somebody who may read it (--operator), or pipe the secret into --secret - with --client-id."
        )
        raise Unavailable(
            "PBI119", f"{store.name} could not be looked into: {fact.reason}", remedy=remedy, evidence=seen
        )


def _not_read_back(common: Common, environment: Environment, store: Store, *, piped: bool) -> Credential | None:
    """The credential of a store that gives nothing back: in a job it stands in the AZURE_* variables.

    Elsewhere it is there and cannot be tried, which is not the same as missing. Raises UsageError where not even the app is
    known by it.
    """
    from pbisetup.model.errors import UsageError
    from pbisetup.model.facts import Unknown, value_of
    from pbisetup.services.app_sign_in import Credential

    fact = store.stored()
    known, client = value_of(fact), os.environ.get("AZURE_CLIENT_ID", "")
    if client and (known is None or client.lower() == known.client_id.lower()):
        tenant = common.tenant or os.environ.get("AZURE_TENANT_ID", "") or environment.tenant or ""
        return from_environment(tenant, client, None, "environment variables")
    if known is not None and known.client_id:
        why = (
            f"it cannot be tried here: it is kept in {store.name}, which gives nothing back. A job that has it in its "
            "AZURE_* variables can try it, and so can whoever pipes it into --secret -"
        )
        return Credential(known.kind, known.tenant_id, known.client_id, store.name, elsewhere="" if piped else why)
    if not isinstance(fact, Unknown):
        return None
    raise UsageError(
        "PBI109",
        f"the credential of {environment.name!r} is not here: {fact.reason}",
        remedy="Put it into AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or name the app with --client-id and "
        "pipe its secret into --secret -.",
    )


def _of_job(common: Common, environment: Environment) -> Credential | None:
    """In a job the ids of the app are variables: there is no file, and of a federated credential nothing else is needed."""
    from pbisetup.services.app_sign_in import Credential

    tenant = common.tenant or os.environ.get("AZURE_TENANT_ID", "") or environment.tenant or ""
    client = os.environ.get("AZURE_CLIENT_ID", "") or environment.client_id or ""
    return Credential("federated", tenant, client, "environment variables") if tenant and client else None


def _given_secret(secret: str | None) -> Secret | None:
    from pbisetup.model.errors import UsageError
    from pbisetup.model.secret import Secret

    if secret is not None and secret != "-":  # noqa: S105 - the dash
        raise UsageError("PBI109", "a secret is never an argument", remedy="Use --secret - and pipe it in.")
    return Secret(sys.stdin.readline().strip("\r\n")) if secret == "-" else None  # noqa: S105 - the dash


# In the order in which azure-identity's EnvironmentCredential looks; the last is WorkloadIdentityCredential's.
_KINDS = {
    "AZURE_CLIENT_SECRET": "secret",
    "AZURE_CLIENT_CERTIFICATE_PATH": "certificate",
    "AZURE_USERNAME": "password",
    "AZURE_FEDERATED_TOKEN_FILE": "federated",
}


def from_environment(
    tenant: str, client_id: str, given: Secret | None, where: str, environ: Mapping[str, str] | None = None
) -> Credential:
    """The credential that the AZURE_* variables describe; `given`, a secret that was piped in, goes before them."""
    from pbisetup.model.secret import Secret
    from pbisetup.services.app_sign_in import Credential, reading_file

    environ = os.environ if environ is None else environ
    present = [name for name in _KINDS if environ.get(name)]
    if given is not None:
        return Credential("secret", tenant, client_id, where, secret=given, others=tuple(present[1:]))
    if not present:
        return Credential("none", tenant, client_id, where)
    first, rest = present[0], tuple(present[1:])
    base = Credential("none", tenant, client_id, where, others=rest)
    if first == "AZURE_CLIENT_SECRET":
        return replace(base, kind="secret", secret=Secret(environ[first]))
    if first == "AZURE_USERNAME":
        password = environ.get("AZURE_PASSWORD", "")
        broken = "" if password else "AZURE_USERNAME is set and AZURE_PASSWORD is not"
        held = Secret(password) if password else None
        return replace(base, kind="password", username=environ[first], password=held, broken=broken)
    path = Path(environ[first])
    broken = "" if path.is_file() else f"{first} names {path.name}, which is no file"
    if first == "AZURE_FEDERATED_TOKEN_FILE":
        return replace(base, kind="federated", assertion=reading_file(path), broken=broken)
    secret = environ.get("AZURE_CLIENT_CERTIFICATE_PASSWORD")
    return replace(
        base,
        kind="certificate",
        certificate=path,
        broken=broken,
        certificate_password=Secret(secret) if secret else None,
    )


def asked_of_tenant(common: Common, reach: Network, found: Found) -> Found:
    """The same where it is known which app is meant; else the app of the tenant's `caller`. Raises UsageError."""
    if found.in_tenant is False:
        return found
    from pbisetup.model.errors import UsageError
    from pbisetup.model.manifest import WorkspaceSpec
    from pbisetup.planning.manifest import is_guid
    from pbisetup.sandbox.caller import workspaces
    from pbisetup.sandbox.runfile import find_running

    running = find_running(reach.cloud.login)
    caller = running.caller_section() if running else {}
    if running is None or not caller.get("client_id"):
        raise UsageError(
            "PBI109",
            f"which app? the scenario {common.scenario!r} has no caller",
            remedy="Name one with --client-id and --secret -, or an environment of the manifest.",
        )
    specs = [WorkspaceSpec("Viewer", **({"id": w} if is_guid(w) else {"name": w})) for w in workspaces(caller)]
    return replace(
        found,
        credential=_of_caller(common, found, running, caller),
        workspaces=tuple(specs),
        purpose=caller.get("purpose"),
        request=caller.get("request"),
        body=caller.get("body"),
        profile=caller.get("profile"),
        scope=caller.get("scope"),
        redirect_uri=caller.get("redirect_uri"),
        token_age=caller.get("age_seconds"),
    )


def _of_caller(common: Common, found: Found, running: Any, caller: Mapping[str, Any]) -> Credential:
    """How a scenario's caller signs in."""
    from pbisetup.model.secret import Secret
    from pbisetup.sandbox.caller import secret_of
    from pbisetup.services.app_sign_in import Credential

    value = secret_of(dict(caller), running.app_secret)
    secret = found.in_tenant if isinstance(found.in_tenant, Secret) else Secret(value) if value else None
    tenant = common.tenant or caller.get("tenant") or running.tenant
    base = Credential("secret" if secret else "none", tenant, caller["client_id"], found.where, secret=secret)
    grant = caller.get("grant") or "client_credentials"
    if grant == "password":
        name = str(caller.get("user"))
        name = name if "@" in name else f"{name}@{running.domain}"
        return replace(base, kind="password", username=name, password=Secret(running.password))
    if grant == "federated":
        wanted = {"issuer": caller.get("issuer"), "subject": caller.get("subject")}

        def assertion() -> str:
            return str(running.control("POST", "/_sandbox/assertions", wanted)["assertion"])

        return replace(base, kind="federated", assertion=assertion)
    if grant in ("device_code", "authorization_code") or caller.get("user"):
        return replace(base, kind="sign-in")
    return base


def user_sign_in(terminal: Terminal, common: Common, reach: Network, found: Found) -> CredentialTokens:
    """A person signs in to the app: by the route that was asked for, else the cloud's first that is for people."""
    from pbisetup.model.errors import UsageError
    from pbisetup.services.identity import user_tokens

    routes = [r for r in reach.cloud.operator_routes if r in ("browser", "device")]
    route = common.operator if common.operator in ("browser", "device") else routes[0]
    if common.operator not in ("auto", "none", "browser", "device"):
        raise UsageError("PBI104", f"--user needs --operator browser or device, not {common.operator}")
    client, tenant = client_and_tenant(terminal, common, reach, found)
    return user_tokens(
        reach,
        route,
        tenant,
        client,
        prompt=lambda uri, code, _: terminal.wrapped(sign_in_text(uri, code, terminal, " to the app"), "", "bold"),
        patience=900 if terminal.interactive else 60,
        observer="app",
    )


def client_and_tenant(terminal: Terminal, common: Common, reach: Network, found: Found) -> tuple[str, str]:
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
