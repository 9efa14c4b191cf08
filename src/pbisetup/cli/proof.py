"""Proving environments after a run: each app signs in and asks the API, and what came of it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbisetup.cli.talk import Talk
    from pbisetup.execution.converged import Converged
    from pbisetup.model.finding import Examination
    from pbisetup.services.clock import ServiceClock
    from pbisetup.ui.terminal import Terminal


def prove_all(
    terminal: Terminal,
    done: Sequence[Converged],
    clock: ServiceClock,
    talk: Talk,
    patience: int,
    *,
    only_problems: bool = False,
) -> None:
    """Prove what was not declined, stopped or shut: apps side by side, people one after the other."""
    from pbisetup.execution.applying import MOST
    from pbisetup.planning.wanted import is_service_app
    from pbisetup.services.side_by_side import side_by_side
    from pbisetup.ui.progress import examination_lines

    if any(each.interrupted for each in done):
        return
    due = [each for each in done if not each.declined and each.error is None]
    apps = [each for each in due if is_service_app(each.environment)]
    side_by_side(*(partial(_prove_app, each, clock, talk, patience) for each in apps), most=MOST)
    for each in due:
        if not is_service_app(each.environment):
            each.examination = _prove_user(each, talk)
    terminal.clear()
    for each in due:
        # Of several, those that work are told by the summary alone.
        brief = only_problems or len(due) > 1
        if each.examination is not None and not (brief and each.examination.healthy):
            terminal.say()
            terminal.say(f"Proof for {each.environment.name}", "bold")
            for line, style in examination_lines(each.examination, terminal.width):
                terminal.say(line, style)


def _prove_app(done: Converged, clock: ServiceClock, talk: Talk, patience: int) -> None:
    """Sign in to the app and ask the API; nothing where there is nothing here to sign in with."""
    from pbisetup.catalog.purposes import purposes
    from pbisetup.diagnosis.rules import examine
    from pbisetup.execution.proving import proof_patience, prove_app
    from pbisetup.observe.patience import Patience

    credential, known, place = done.credential, done.outputs, done.place
    if place is None or "client_id" not in known or credential is None or not credential.usable:
        return
    session, waiting = place.session, talk.of(done.environment.name).waiting
    waits = proof_patience(done, patience)
    own = known.get("sp_object_id")
    # Where no call can be tried, what the operator can see is all there is.
    blind = not any(purposes()[name].probes for name in done.environment.purposes)
    ran = prove_app(session, done.environment, credential, clock, waiting, waits, principal_id=own, with_operator=blind)
    done.examination = examine(ran.case, session.network.cloud)
    if not done.examination.healthy:
        # What the operator can see may say why.
        ran = prove_app(session, done.environment, credential, clock, waiting, Patience(), with_operator=True)
        done.examination = examine(ran.case, session.network.cloud)


def _prove_user(done: Converged, talk: Talk) -> Examination | None:
    """A person signs in to the app; None where nobody is there to do it."""
    from pbisetup.diagnosis.rules import examine
    from pbisetup.execution.proving import prove_user

    known, place = done.outputs, done.place
    if place is None or "client_id" not in known:
        return None
    ran = prove_user(place.session, done.environment, known["client_id"], talk.sign_in_prompt)
    return examine(ran.case, place.session.network.cloud) if ran is not None else None
