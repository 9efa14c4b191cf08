"""Who is signed in where for the environments that are meant: once for each tenant."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pbisetup.cli.context import Common, signed_in, tenant_of

if TYPE_CHECKING:
    from pbisetup.execution.bench import Brought
    from pbisetup.execution.looking import Place
    from pbisetup.model.errors import PbisetupError
    from pbisetup.model.manifest import Environment
    from pbisetup.observe.session import Session
    from pbisetup.services.identity import TokenSource
    from pbisetup.services.network import Network
    from pbisetup.services.stores.store import Store
    from pbisetup.ui.terminal import Terminal


@dataclass
class Places:
    """The environments whose tenant somebody is signed in to, in the order asked for, and the others with the reason."""

    found: list[Place] = field(default_factory=list)
    shut: list[tuple[Environment, PbisetupError]] = field(default_factory=list)


@contextlib.contextmanager
def places(
    common: Common,
    terminal: Terminal,
    reach: Network,
    environments: Sequence[Environment],
    project_id: str,
    *,
    all_shut: bool = False,
) -> Iterator[Places]:
    """Sign in to each tenant, one after the other: a person is asked by each.

    Where one of several tenants cannot be entered, its environments are `shut` and the others go on. Raises what signing in
    raises where there is only one, unless `all_shut` says that even this is an answer. Raises UsageError.
    """
    from pbisetup.execution.looking import Place
    from pbisetup.model.errors import PbisetupError, UsageError

    wanted = {environment.name: tenant_of(common, environment) for environment in environments}
    sessions: dict[str | None, Session | PbisetupError] = {}
    with contextlib.ExitStack() as stack:
        for tenant in dict.fromkeys(wanted.values()):
            try:
                session = stack.enter_context(signed_in(common, terminal, reach, tenant))
            except PbisetupError as error:
                if isinstance(error, UsageError) or (len(set(wanted.values())) == 1 and not all_shut):
                    raise
                sessions[tenant] = error
            else:
                # A tenant may be called by its id here and by its domain there: it is looked at and written to as one.
                known = (each for each in sessions.values() if not isinstance(each, PbisetupError))
                sessions[tenant] = next((each for each in known if each.tenant.id == session.tenant.id), session)
        made = Places()
        for environment in environments:
            entered = sessions[wanted[environment.name]]
            if isinstance(entered, PbisetupError):
                made.shut.append((environment, entered))
            else:
                store = store_for(common, environment, terminal, reach, project_id, entered.door.tokens)
                made.found.append(Place(entered, environment, store, brought_for(common, environment)))
        yield made


def store_for(
    common: Common,
    environment: Environment,
    terminal: Terminal,
    reach: Network,
    project_id: str,
    tokens: TokenSource | None = None,
) -> Store:
    """Where the environment's credential is kept. `tokens`: of whoever is signed in; else somebody signs in for a vault once
    it is looked into.
    """
    from pbisetup.services.stores.opening import Surroundings, store_of

    def sign_in() -> TokenSource:
        return tokens or operator_for(common, environment, terminal, reach)

    return store_of(environment, Surroundings(common.manifest_path.parent, project_id, reach, sign_in, terminal.value))


def operator_for(common: Common, environment: Environment, terminal: Terminal, reach: Network) -> TokenSource:
    """Tokens of whoever is at hand to read the environment's store: the operator that was asked for, else the first."""
    from pbisetup.cli.context import sign_in_text
    from pbisetup.observe.session import SignIn, operator_tokens

    route = "auto" if common.operator == "none" else common.operator
    return operator_tokens(
        reach,
        SignIn(
            route,
            tenant_of(common, environment),
            common.operator_client_id,
            terminal.interactive,
            lambda uri, code, _: terminal.wrapped(sign_in_text(uri, code, terminal), "", "bold"),
        ),
    )


def brought_for(common: Common, environment: Environment) -> Brought | None:
    """The certificate that the manifest names, beside it, and the password that AZURE_CLIENT_CERTIFICATE_PASSWORD holds."""
    import os

    from pbisetup.model.secret import Secret
    from pbisetup.services.stores.store import PASSWORD

    if environment.credential.file is None:
        return None
    password = os.environ.get(PASSWORD)
    path = common.manifest_path.parent / environment.credential.file
    return path, Secret(password) if password else None
