"""Whether the hosts can be reached, and what the authority says of the tenant before anybody signs in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from pbisetup.model.case import AUTHORITY, HOST, Sighting
from pbisetup.model.errors import Evidence, SignInFailed
from pbisetup.model.facts import Absent, Known
from pbisetup.observe.engine import Board, Probe
from pbisetup.observe.probes.question import Question
from pbisetup.services import authority
from pbisetup.services.handshake import shake_hands


def network_probes(question: Question) -> Iterator[Probe]:
    """One for each host that requests go to, and one for the tenant."""
    cloud = question.network.cloud
    services = {"login": cloud.login, "powerbi": cloud.powerbi, "fabric": cloud.fabric, "graph": cloud.graph}
    told: set[str] = set()
    for service, origin in services.items():
        if origin and origin not in told:
            told.add(origin)
            yield Probe(f"host {service}", ((HOST, service),), partial(_host, service, origin))
    if question.asked.tenant:
        yield Probe("tenant", ((AUTHORITY, None),), _authority)


def _host(service: str, origin: str, board: Board) -> Iterable[Sighting]:
    seen = shake_hands(board.network, origin)
    through = f" through {seen.proxy}" if seen.proxy else ""
    yield Sighting(HOST, service, Known(seen, Evidence(seen.host, "local", f"answers and is trusted{through}")))


def _authority(board: Board) -> Iterable[Sighting]:
    name = board.asked.tenant or ""
    try:
        found = authority.describe(board.network, name)
    except SignInFailed as error:
        yield Sighting(AUTHORITY, None, Absent(error.evidence[0]))
        return
    told = " ".join(part for part in (found.cloud, found.region, found.subregion) if part)
    evidence = Evidence("discovery document", "local", f"tenant {found.tenant_id} {told}".strip())
    yield Sighting(AUTHORITY, None, Known(found, evidence))
