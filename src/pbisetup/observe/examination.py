"""One examination: the facts of this machine, then every probe that the question calls for, as one case."""

from __future__ import annotations

from dataclasses import replace

from pbisetup.model.case import CLOCK, OPERATOR, WORKSPACE, Case, Sighting
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Known, Unknown
from pbisetup.model.tenant import Workspace
from pbisetup.observe.engine import Board, Probe, Ran, run
from pbisetup.observe.probes.api import api_probes
from pbisetup.observe.probes.directory import directory_probes
from pbisetup.observe.probes.local import local_sightings
from pbisetup.observe.probes.network import network_probes
from pbisetup.observe.probes.question import Question
from pbisetup.observe.probes.settings import operator_probes, service_probes
from pbisetup.observe.probes.token import token_probes

__all__ = ["Question", "examine_live", "probes_for"]


def examine_live(question: Question) -> Ran:
    """Look at everything once. Raises nothing but KeyboardInterrupt: what cannot be seen is unknown, with the reason.

    The connections stay open, for whoever goes on with them: `question.close()`.
    """
    board = Board(question.asked, question.network)
    board.add(local_sightings(question))
    ran = run(probes_for(question), board)
    answered = any(request.status is not None for request in question.network.trace.requests)
    skew = question.network.skew.total_seconds()
    seen = Evidence("Date header", "local", f"the services' clock is {skew:+.0f} s from this machine's")
    clock = Known(skew, seen) if answered else Unknown("no service has answered")
    return replace(ran, case=_joined(ran.case.with_facts([Sighting(CLOCK, None, clock)])))


def _joined(case: Case) -> Case:
    """With what two probes saw put together: the operator's own role in each workspace."""
    operator = case.value(OPERATOR)
    if operator is None:
        return case

    def with_role(sighting: Sighting) -> Sighting:
        if sighting.key != WORKSPACE or not isinstance(sighting.fact, Known):
            return sighting
        place: Workspace = sighting.fact.value
        # A person is listed by address, a service principal by object id (swagger GroupUser.identifier).
        own = (place.roles or {}).get(operator.account) or (place.roles or {}).get(operator.object_id)
        return replace(sighting, fact=Known(replace(place, operator_role=own), sighting.fact.evidence))

    return replace(case, sightings=tuple(map(with_role, case.sightings)))


def probes_for(question: Question) -> list[Probe]:
    """The probes that this question calls for, in the order of the chain."""
    return [
        *network_probes(question),
        *operator_probes(question),
        *token_probes(question),
        *api_probes(question),
        *directory_probes(question),
        *service_probes(question),
    ]
