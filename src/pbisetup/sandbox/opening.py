"""With what a sandbox begins: the tenants of its state files, or new ones, as `sandbox start` was told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.keys import SigningKey
from pbisetup.sandbox.scenarios import Scenario
from pbisetup.sandbox.seed import default_state, merge_patch, renew_credentials
from pbisetup.sandbox.statefile import StateFile
from pbisetup.sandbox.store import Tenant
from pbisetup.sandbox.wire import World

SHOWN = 20
"""Problems of a state file that are told."""

Kept = tuple[dict[str, Any], SigningKey] | None


class StartError(Exception):
    """The sandbox cannot start; the text says why."""


@dataclass(frozen=True)
class Options:
    """What `sandbox start` was told."""

    port: int = 0
    proxy_port: int = 0
    listen: str | None = None
    """An address beside loopback; None: loopback only."""
    names: tuple[str, ...] = ()
    """Further host names by which others reach it there."""
    state: Path | None = None
    tenants: int = 1
    """How many there are."""
    scenario: Scenario | None = None
    replace: bool = False
    """Give up the tenant that the state file keeps, for one in this scenario."""
    latency_ms: float | None = None
    replication_lag: float | None = None
    until_stdin_closes: bool = False
    """End when whoever started it is gone."""

    def state_files(self) -> list[Path]:
        """Where each tenant is kept: the first in the file that was named, others beside it (`tenant.2.json`)."""
        if self.state is None:
            return []
        first = self.state
        return [first, *(first.with_name(f"{first.stem}.{n}{first.suffix}") for n in range(2, self.tenants + 1))]


@dataclass(frozen=True)
class Opened:
    """One tenant, ready to be served."""

    world: World
    identity: Identity
    file: StateFile | None


def opened(
    options: Options, files: list[StateFile], names: frozenset[str], new_key: Callable[[], SigningKey]
) -> list[Opened]:
    """The tenants of the state files, or new ones; with this start's credentials and weather. Raises StateFileError,
    ScenarioError, and StartError where a scenario would replace what is kept.
    """
    kept: list[Kept] = [file.load() for file in files] or [None] * options.tenants
    key = _key(kept)
    found: list[Opened] = []
    for number, each in enumerate(kept, 1):
        file = files[number - 1] if files else None
        tenant_id = str(each[0]["tenant"]["id"]) if each else None
        identity = found[0].identity.beside(number, tenant_id) if found else Identity.new(tenant_id)
        state = _state(options, identity, file.path if file else None, each[0] if each else None)
        tenant = Tenant(state)
        tenant.changed = True
        _check_apart(tenant, found)
        key = key or new_key()  # a new one is still being made, and the state was not to wait for it
        found.append(Opened(World(tenant, key, names=names), identity, file))
    if options.scenario:
        _tell(options.scenario, found[0].world.tenant)
    return found


def _key(kept: list[Kept]) -> SigningKey | None:
    """The first tenant's key, which all sign with. A foreign issuer's key may have been made while another one asked."""
    keys = [each[1] for each in kept if each]
    same = [each for each in keys if each.kid == keys[0].kid]
    return next((each for each in same if each.has_issuers), None) or next(iter(keys), None)


def _state(options: Options, identity: Identity, path: Path | None, kept: dict[str, Any] | None) -> dict[str, Any]:
    state = kept
    if state is not None:
        if not options.replace:
            _check(path, state)
        if options.scenario and not options.replace:
            raise StartError(
                f"{path} keeps a tenant already, and a scenario begins with another one. Leave --scenario out "
                "to go on with it, name another file, or add --replace to give it up."
            )
    if state is None or options.scenario:
        state = default_state(identity, options.scenario)
    renew_credentials(state, identity)
    weather = {"latency_ms": options.latency_ms, "replication_lag_seconds": options.replication_lag}
    state["weather"] = merge_patch(state.get("weather", {}), {k: v for k, v in weather.items() if v is not None})
    return state


def _tell(scenario: Scenario, tenant: Tenant) -> None:
    """Say on standard error what of somebody's own scenario is hardly meant."""
    from pbisetup.sandbox.scenarios import doubts

    for each in doubts(scenario, tenant.dump()):
        print(f"warning: {each}", file=sys.stderr, flush=True)


def _check_apart(tenant: Tenant, others: list[Opened]) -> None:
    """Raise StartError where two tenants have one name, so that nobody could say which is meant."""
    taken = {name for each in others for name in each.world.tenant.names}
    for name in sorted(tenant.names & taken):
        raise StartError(f"two tenants would be named {name}; each needs an id and domains of its own")


def _check(path: Path | None, state: dict[str, Any]) -> None:
    """A file that somebody wrote, or an older version did, may hold what no tenant can be. Raises StartError."""
    from pbisetup.sandbox.validate import problems

    found = problems(state)
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise StartError(
            f"{path} holds a state that cannot be: {'; '.join(found[:SHOWN])}{more}. Mend it there, or move the file "
            "away to start with a new tenant."
        )
