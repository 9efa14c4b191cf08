"""What is done about the app's federated credential: made or changed under its own name, and the ids kept beside."""

from __future__ import annotations

from typing import Final

from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.execution.replication import PASSING
from pbisetup.model.errors import PlanOutdated, Unavailable
from pbisetup.model.tenant import Note
from pbisetup.services.answer import Answer
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.clock import count_down
from pbisetup.services.stores.store import Kept

GOOD: Final = 3
"""Reads in a row that show it: one replica that knows it is not all of them."""
LAG: Final = 120.0
"""Seconds for which reads may disagree. source: entra.md 3.1 (minutes); the rest is waited for at the token endpoint."""
_WHAT: Final = "the federated credential"


def add_federated_credential(bench: Workbench, params: Params) -> Outputs:
    """Make the credential with this name, or find it where an earlier try made it (entra.md 1.2).

    Until the ids are kept the journal knows it: of a store that cannot be read nothing else tells the next run.
    """
    if not bench.store_readable:
        bench.journal.intend(bench.environment, params["name"])
    return _put(bench, params, {"Prefer": "create-if-missing"})


def update_federated_credential(bench: Workbench, params: Params) -> Outputs:
    """Give the credential of this name, which must be there, issuer, subject and audience."""
    return _put(bench, params, {})


def _put(bench: Workbench, params: Params, headers: dict[str, str]) -> Outputs:
    graph, name = bench.session.graph, params["name"]
    listed = f"applications/{params['app_object_id']}/federatedIdentityCredentials"
    body = {key: params[key] for key in ("issuer", "subject", "audiences")}
    one = graph.at(f"{listed}(name='{name}')")
    # "Already exists" is no proof here: it is also what another credential with the same issuer and subject is met with.
    refused = bench.sent(lambda: graph.send("PATCH", one, body, headers=headers), _WHAT)
    found = _shown(bench, listed, params, sure=refused.ok)
    if found is None and not refused.ok:
        raise refused.refusal(_WHAT)
    if found is None:
        raise Unavailable(
            "PBI924",
            "the directory does not show the federated credential everywhere yet",
            remedy="It was accepted; run again in a minute.",
        )
    return {"federated_name": found}


def _shown(bench: Workbench, listed: str, params: Params, *, sure: bool) -> str | None:
    """The name of the credential with this issuer, subject and audience, once reads in a row have shown it; None where they
    do not. Raises Refused.
    """
    graph = bench.session.graph
    until, pause, good = bench.clock.monotonic() + (LAG if sure else 0.0), 1.0, 0
    while True:
        answer = graph.get(graph.at(listed))
        if not answer.ok and answer.status != 404 and answer.status not in PASSING:
            raise answer.refusal(_WHAT)
        name = _matching(answer, params) if answer.ok else None
        good = good + 1 if name else 0
        if good == GOOD:
            return name
        if name:
            continue
        if bench.clock.monotonic() >= until:
            return None
        count_down(bench.clock, bench.waits, f"{_WHAT}: the directory does not show it everywhere yet", pause, until)
        pause = min(pause * 2, 8.0)


def _matching(answer: Answer, params: Params) -> str | None:
    for raw in answer.objects:
        same = all(raw.get(key) == params[key] for key in ("issuer", "subject", "audiences"))
        if same:
            return str(raw.get("name", ""))
    return None


def keep_ids(bench: Workbench, params: Params) -> Outputs:
    """Keep tenant and client id where programs look for them; the app signs in with its own assertion from now on."""
    assert bench.store is not None
    tenant, client_id = bench.session.tenant.id, bench.outputs.get("client_id")
    if not client_id:
        raise PlanOutdated("PBI906", "the app's client id is not known", remedy="Run again to see how it stands.")
    name = bench.outputs.get("federated_name", params["name"])
    where = bench.store.keep(Kept(tenant, client_id, Note(name, "", params["app_object_id"])))
    bench.journal.done(bench.environment, params["name"])
    bench.credential = Credential("federated", tenant, client_id, where)
    return {"ids_where": where}
