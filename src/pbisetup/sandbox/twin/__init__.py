"""A twin: the state of a healthy tenant, changed to have what a recording knows.

What the recording says of the tenant is taken as it stands. What only the app saw is turned into the likeliest state that
shows it the same (`seen.py`). What nobody saw is healthy. Each assumption is said.
"""

from __future__ import annotations

from dataclasses import dataclass

from pbisetup.model.recording import Recording, RecordingError
from pbisetup.sandbox.store import Object


@dataclass(frozen=True)
class Twin:
    """A tenant built from a recording."""

    state: Object
    assumed: tuple[str, ...]
    """What was not recorded and what was taken instead, one line each."""
    missing: tuple[str, ...]
    """What was recorded and is not in the twin, one line each."""


def build(recording: Recording) -> Twin:
    """The twin. Raises RecordingError where the recording's values are not what its facts are about."""
    from pbisetup.sandbox.caller import problems as caller_problems
    from pbisetup.sandbox.twin import calling, consent, directory, registration, seen, settings, unbuilt, workspaces
    from pbisetup.sandbox.twin.draft import Draft
    from pbisetup.sandbox.validate import hash_secrets, problems

    try:
        draft = Draft(recording)
        for step in (
            directory.tenant,
            directory.person,
            registration.app,
            registration.principal,
            registration.deleted,
            directory.named,
            directory.sign_ins,
            directory.policies,
            settings.settings,
            settings.groups,
            workspaces.capacities,
            workspaces.workspaces,
            consent.consent,
            consent.assignment,
            consent.power_bi,
            consent.policies,
            calling.caller,
            calling.sign_in,
            seen.refusals,
            seen.admission,
            seen.calls,
            seen.workspaces,
            unbuilt.unbuilt,
        ):
            step(draft)
    except RecordingError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise RecordingError(
            f"a fact's value is not as docs/recording.md says ({type(error).__name__}: {error})"
        ) from None
    draft.state["caller"] = {name: value for name, value in draft.caller.items() if value}
    found = [*problems(draft.state), *caller_problems(draft.state)]
    if found:
        raise RecordingError(*found[:20])
    hash_secrets(draft.state)
    return Twin(draft.state, tuple(draft.assumed), tuple(dict.fromkeys(draft.missing)))
