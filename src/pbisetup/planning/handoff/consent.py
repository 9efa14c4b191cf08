"""Pages on which an administrator consents with a click, where there can be any.

source: entra.md 10 (v1 and v2 admin consent), 12 (an app without a reply address fails there with AADSTS500113).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import value_of
from pbisetup.model.plan import Plan
from pbisetup.model.snapshot import Snapshot
from pbisetup.planning.handoff.model import Consent

_KINDS: Final = frozenset({"grant_delegated", "grant_app_role"})
_HEADLESS: Final = (
    "No page to click consent on: the app has no reply address, and such an app ends there with AADSTS500113. "
    "The commands grant the same through Microsoft Graph."
)
_PERSON: Final = "No page to click consent on: it would consent for everybody, and one person is meant."
_NOT_YET: Final = "A page to click consent on can be named once the app is registered; ask again then."
_REMARK: Final = (
    "Either page consents to what the app registration lists and may drop consent that it no longer lists. "
    "Afterwards the browser goes to the app's own address, where nothing may answer: that is no failure."
)


def asks_for_consent(plan: Plan) -> bool:
    """Whether somebody else is to consent to anything."""
    return any(step.action is not None and step.action.kind in _KINDS for step in plan.others)


def consent_page(
    kind: str, params: Mapping[str, Any], cloud: Cloud, ids: Mapping[str, str], snapshot: Snapshot | None
) -> Consent | None:
    """The pages for an action that is consent, a word on why there are none, or None for every other action."""
    if kind not in _KINDS or snapshot is None:
        return None
    if params.get("principal_id"):
        return Consent(note=_PERSON)
    app, client_id, tenant = value_of(snapshot.app), ids.get("client_id"), ids.get("tenant_id")
    if app is None or not client_id or not tenant:
        return Consent(note=_NOT_YET)
    addresses = sorted(app.redirect_uris | app.other_redirect_uris, key=_usable)
    if not addresses:
        return Consent(note=_HEADLESS)
    asked = {"client_id": client_id, "redirect_uri": addresses[0]}
    scope = {"scope": cloud.scope(cloud.powerbi_resource)}
    return Consent(
        f"{cloud.login}/{tenant}/adminconsent?{urlencode(asked)}",
        f"{cloud.login}/{tenant}/v2.0/adminconsent?{urlencode(asked | scope)}",
        _REMARK,
    )


def _usable(address: str) -> tuple[bool, bool, str]:
    """A web address before a loopback one, that before a scheme of a program's own."""
    web = address.startswith("https://")
    return not web, not address.startswith("http://"), address
