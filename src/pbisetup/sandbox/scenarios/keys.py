"""Which keys a part of the state has, so that a slip of the pen is found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from pbisetup.sandbox.scenarios.file import ABOUT, WORDS
from pbisetup.sandbox.store import COLLECTIONS
from pbisetup.sandbox.validate import SECTIONS

_ENTITIES: Final = {
    "applications": "application",
    "servicePrincipals": "servicePrincipal",
    "groups": "group",
    "users": "user",
}
_OF_THE_STATE: Final = {
    "applications": "owners federatedIdentityCredentials disabledByMicrosoftStatus isDisabled "
    "servicePrincipalLockConfiguration uniqueName",
    "servicePrincipals": "owners directoryRoles federatedIdentityCredentials",
    "groups": "owners members directoryRoles isAssignableToRole",
    "users": "directoryRoles myWorkspace manager powerBiLicense",
}
"""Beside what Graph shows. Keys with an underscore are the tenant's own and are not checked."""


def top_level(state: Iterable[str]) -> set[str]:
    """What a scenario may say at its top."""
    return {*SECTIONS, *COLLECTIONS, *ABOUT, *WORDS, *state}


def wrong_key(collection: str, key: str, present: Iterable[str]) -> str | None:
    """The right spelling of a key of an element, where this is none; an empty text where none is near.

    `present`: keys that elements of the collection have in this tenant. The directory's keys are all known; of the
    rest only what is nearly a known key counts as a slip.
    """
    known = {*present, *_OF_THE_STATE.get(collection, "").split()}
    if key.startswith("_") or key in known:
        return None
    entity = _ENTITIES.get(collection)
    if entity is not None:
        from pbisetup.sandbox.graph.schema import ENTITIES  # all of Graph comes with it: only when there is need

        known |= {*ENTITIES[entity].writable, *ENTITIES[entity].read_only}
        if key in known:
            return None
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6 if entity else 0.85)
    if close:
        return close[0]
    return "" if entity else None
