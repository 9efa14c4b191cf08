"""A new credential in the place of the old: made, proved, kept, and whatever goes wrong undone.

At every instant the store holds one credential that works. What was made and is not kept bears a name that the journal
knows, so that this run, or the next one, takes it off the app.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.model.errors import Interrupted, PbisetupError, Refused, StoreError
from pbisetup.model.facts import value_of
from pbisetup.model.tenant import Note, Retiring
from pbisetup.observe.patience import NOT_YET, TOKEN_PATIENCE
from pbisetup.services.answer import Answer
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.app_sign_in import tokens as app_tokens
from pbisetup.services.clock import Clock, Waits, count_down
from pbisetup.services.identity import TokenRefused
from pbisetup.services.network import Network
from pbisetup.services.stores.store import Kept, Unclear

GOOD: Final = 3
"""Tokens in a row that prove a credential: one may come from the only node that knows it yet (entra.md 3.1)."""


@dataclass(frozen=True)
class Made:
    """A credential that the app has and nobody keeps yet."""

    name: str
    """Its display name, as the journal has it."""
    key_id: str
    ends: datetime
    credential: Credential
    """To try it with; `where` is filled in once it is kept."""
    kept: Kept
    """Without its note."""
    remove: Callable[[], None]
    """Takes it off the app again; best effort, the journal still knows it if that fails."""
    instead_of: str = ""


def put(bench: Workbench, params: Params, made: Made) -> Outputs:
    """Keep it: proved first where the store holds one that works. Raises; then it is off the app again, or the journal knows
    it where the store may hold it.
    """
    assert bench.store is not None
    try:
        if params.get("proved_first"):
            prove(bench.session.network, made.credential, bench.clock, bench.waits, bench.stopping)
    except TokenRefused as error:
        made.remove()
        raise _unproved(error) from None
    except BaseException:
        # Also where the person stops it a second time: nobody would ever hold its value.
        made.remove()
        raise
    # Its grace begins here: proving the new one may have taken minutes. To the second, as every store keeps it.
    after = bench.clock.now().replace(microsecond=0) + bench.grace
    note = Note(
        made.key_id,
        f"{made.ends:%Y-%m-%d}",
        params["app_object_id"],
        made.instead_of,
        _retiring(bench, params.get("retires", ()), after),
    )
    try:
        where = bench.store.keep(replace(made.kept, note=note))
    except Unclear:
        # Either may be what is held: both stay, and the journal knows the new one until the store answers again.
        raise
    except StoreError:
        made.remove()
        raise
    # What else stops it, a second Ctrl-C among it, leaves open whether the store took it: as Unclear.
    bench.journal.done(bench.environment, made.name)
    if not bench.store_readable:
        for old in note.retiring:
            bench.journal.retire(bench.environment, old)
    bench.credential = replace(made.credential, where=where)
    return {
        "secret_where": where,
        "secret_ends": note.ends,
        "secret_key_id": made.key_id,
        "secret_kind": made.kept.kind,
        "secret_instead_of": made.instead_of,
        "secret_retires": ",".join(old.key_id for old in note.retiring),
    }


def _retiring(bench: Workbench, key_ids: Iterable[str], after: datetime) -> tuple[Retiring, ...]:
    """What this one takes the place of; what waits already keeps the time that it was given."""
    stored = value_of(bench.kept.stored()) if bench.kept is not None else None
    waiting = (*bench.journal.retiring(bench.environment), *(stored.note.retiring if stored else ()))
    given = {old.key_id: old.after for old in waiting}
    return tuple(Retiring(key_id, given.get(key_id, after)) for key_id in key_ids)


def _unproved(error: TokenRefused) -> PbisetupError:
    """Not a refusal: who made it may make it, and it opens nothing."""
    return PbisetupError(
        "PBI914",
        f"the new credential did not come to work: {error.message}",
        remedy="It was taken off the app again, and the one that is stored is in use as before. `pbisetup doctor` says what "
        "keeps the app from getting tokens.",
        evidence=error.evidence,
    )


def prove(
    network: Network,
    credential: Credential,
    clock: Clock,
    waits: Waits,
    stopping: Callable[[], bool],
    patience: float = TOKEN_PATIENCE,
) -> None:
    """Get tokens with it, each with a new credential object, until several in a row were issued.

    Raises TokenRefused where it does not come to work in time or is refused for another reason than being new, Unreachable,
    and Interrupted where the person stops it.
    """
    deadline, pause, good, late = clock.monotonic() + patience, 1.0, 0, False
    scope = network.cloud.scope(network.cloud.powerbi_resource)
    while True:
        if stopping():
            raise Interrupted("PBI130", "stopped before the new credential was proved; the old one is kept")
        try:
            app_tokens(network, credential).token(scope)
        except TokenRefused as error:
            if not NOT_YET.intersection(error.codes) or clock.monotonic() >= deadline:
                raise
            good, late = 0, True
            count_down(clock, waits, "the token endpoint does not know the new credential yet", pause, deadline)
            pause = min(pause * 1.6, 15.0)
            continue
        good += 1
        if good >= GOOD:
            return
        # Where it was refused a moment ago, nodes disagree: they get time to be asked apart.
        clock.sleep(1.0 if late else 0.1)


def best_effort(action: Callable[[], object]) -> None:
    """Undo, and pass over what the undoing meets: the journal still knows what is left."""
    with contextlib.suppress(PbisetupError):
        action()


def shorter(days: int) -> int | None:
    """The next life to ask for where a policy refuses this one (entra.md 4.1)."""
    return next((each for each in (180, 90, 30, 7, 1) if each < days), None)


def is_too_long(error: Refused) -> bool:
    """Whether a policy refused the life that was asked for."""
    return "LifetimeAsPerAppPolicy" in str(error.service_code) or "InvalidLifetime" in str(error.service_code)


def is_forbidden_kind(error: Refused) -> bool:
    """Whether a policy forbids this kind of credential."""
    return "CredentialTypeNotAllowed" in str(error.service_code)


def policy_code(answer: Answer) -> str:
    """Tenant policies that forbid or shorten credentials have codes of their own (entra.md 4.1)."""
    return "PBI902" if str(answer.service_code).endswith("AsPerAppPolicy") else "PBI901"
