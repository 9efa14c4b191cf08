"""What is done to the app's certificates: one made here or brought, its public part put on the app; or one taken off.

With a certificate that the app has and whose key is held here, addKey and removeKey change one entry alone. Without, the
list is written as a whole, as it was read a moment before: Graph knows no other way (entra.md 1.8).
"""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.execution.replacing import Made, best_effort, is_too_long, policy_code, put, shorter
from pbisetup.execution.replication import PASSING, already_gone, is_not_yet
from pbisetup.model.errors import Refused, StoreError, Unreachable
from pbisetup.model.tenant import Note
from pbisetup.services.answer import Answer
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.certificate import NotReadable, Pair, make_pair, read_pair
from pbisetup.services.clock import count_down
from pbisetup.services.possession import proof
from pbisetup.services.stores.store import Kept

_TRIES = 8
LAG = 30.0
"""Seconds for which a list may be older than what was written a moment ago."""


def make_certificate(bench: Workbench, params: Params) -> Outputs:
    """Make a certificate, or take the one that was brought; put its public part on the app, and keep the key."""
    days: int | None = int(params["days"])
    while days is not None:
        pair = (
            _brought(bench)
            if params.get("brought")
            else make_pair(_subject(params), bench.clock.now(), timedelta(days))
        )
        try:
            return put(bench, params, _made(bench, params, pair))
        except Refused as error:
            days = shorter(days) if is_too_long(error) and not params.get("brought") else None
            if days is None:
                raise
    raise AssertionError("a life that no policy takes ends in an error")


def keep_certificate(bench: Workbench, params: Params) -> Outputs:
    """Keep a certificate that was brought and that the app has already; nothing is changed in the directory."""
    pair = _brought(bench)
    assert bench.brought is not None
    tenant, client = bench.session.tenant.id, bench.outputs["client_id"]
    key_id = str(params["certificate_key"])
    kept = Kept(tenant, client, Note(), file=bench.brought[0], password=bench.brought[1])
    credential = Credential("certificate", tenant, client, "the certificate", pem=pair.pem)
    return put(bench, params, Made(key_id, key_id, pair.ends, credential, kept, lambda: None))


def remove_certificate(bench: Workbench, params: Params) -> Outputs:
    """Take one certificate off the app; the others stay, whosever they are."""
    key_id = str(params["key_id"])
    _remove(bench, str(params["app_object_id"]), key_id, bench.held_pair())
    if name := bench.journal.open_keys(bench.environment).get(key_id):
        bench.journal.done(bench.environment, name)
    return {}


def _subject(params: Params) -> str:
    """A common name that any directory takes: what a person calls the app, without what names are set apart by."""
    return "".join(c for c in str(params["subject"]) if c.isprintable() and c not in '",=+<>#;\\')[:64].strip() or "app"


def _brought(bench: Workbench) -> Pair:
    assert bench.brought is not None
    path, password = bench.brought
    try:
        return read_pair(path, password)
    except NotReadable as error:
        raise StoreError(
            "PBI113",
            f"the certificate {path.name} {error}",
            remedy="Name another in credential.file; nothing was made.",
        ) from None


def _made(bench: Workbench, params: Params, pair: Pair) -> Made:
    object_id, now = str(params["app_object_id"]), bench.clock.now()
    name = f"{params['label']} {now:%Y-%m-%d} {secrets.token_hex(3)}"
    key_id = str(uuid.uuid4())
    ends = min(pair.ends, now + timedelta(days=int(params["days"]))) if not params.get("brought") else pair.ends
    entry = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "keyId": key_id,
        "displayName": name[:90],
        "key": base64.b64encode(pair.der).decode(),
        "startDateTime": f"{pair.starts:%Y-%m-%dT%H:%M:%SZ}",
        "endDateTime": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
    }
    held = bench.held_pair()
    bench.journal.intend(bench.environment, name, key_id)
    try:
        given = _add(bench, object_id, entry, held)
    except Refused:
        bench.journal.done(bench.environment, name)
        raise

    def remove() -> None:
        def off() -> None:
            _remove(bench, object_id, given, held)
            bench.journal.done(bench.environment, name)

        best_effort(off)

    tenant, client = bench.session.tenant.id, bench.outputs["client_id"]
    kept = Kept(tenant, client, Note(), certificate=pair.pem)
    if params.get("brought"):
        assert bench.brought is not None
        kept = Kept(tenant, client, Note(), file=bench.brought[0], password=bench.brought[1])
    credential = Credential("certificate", tenant, client, "the new certificate", pem=pair.pem)
    return Made(name, given, ends, credential, kept, remove, str(params.get("instead_of") or ""))


def _add(bench: Workbench, object_id: str, entry: Mapping[str, Any], held: Pair | None) -> str:
    """The key id under which the app has it now. Each try looks first whether an earlier one arrived."""
    if held is not None and (given := _vouched(bench, object_id, entry, held)):
        return given
    pause, broken = 1.0, 0
    for _ in range(_TRIES):
        listed = _listed(bench, object_id)
        there = next((e for e in listed if entry["keyId"] == e.get("keyId")), None)
        if there is not None:
            return str(there["keyId"])
        try:
            answer = _written(bench, object_id, [*listed, entry])
        except Unreachable:
            broken += 1
            if broken > 2:
                raise
            continue
        if answer.ok:
            return str(entry["keyId"])
        if not (is_not_yet(answer) or answer.status in PASSING):
            raise answer.refusal("the certificate", policy_code(answer))
        until = bench.clock.monotonic() + pause
        count_down(bench.clock, bench.waits, "the app is not known everywhere yet", pause, until)
        pause = min(pause * 2, 30.0)
    raise answer.refusal("the certificate")


def _vouched(bench: Workbench, object_id: str, entry: Mapping[str, Any], held: Pair) -> str | None:
    """The same by the word of a certificate that the app has; None where its word is not taken."""
    graph = bench.session.graph
    broken = 0
    while True:
        body = {"keyCredential": entry, "passwordCredential": None, "proof": proof(held, object_id, bench.clock.now())}
        try:
            answer = graph.send("POST", graph.at(f"applications/{object_id}/addKey"), body)
        except Unreachable:
            answer = None
            broken += 1
        if answer is not None and answer.ok:
            return str(answer.object.get("keyId") or entry["keyId"])
        if answer is not None and answer.status not in PASSING:
            return None
        # It may have been done: a second one of the same key would only be refused, or stay for ever.
        _unvouched(bench, object_id, str(entry["keyId"]), held)
        if broken > 2:
            return None
        pause = bench.clock.monotonic() + 1.0
        count_down(bench.clock, bench.waits, "the directory does not answer", 1.0, pause)


def _unvouched(bench: Workbench, object_id: str, key_id: str, held: Pair) -> bool:
    """Take an entry off by the word of a certificate that the app has; whether it is certain that it is not there."""
    graph = bench.session.graph
    body = {"keyId": key_id, "proof": proof(held, object_id, bench.clock.now())}
    # Asked again where the connection broke: one that is gone already is what was wanted.
    answer = bench.answered(lambda: graph.send("POST", graph.at(f"applications/{object_id}/removeKey"), body))
    return answer.ok or already_gone(answer)


def _written(bench: Workbench, object_id: str, entries: list[Any]) -> Answer:
    graph = bench.session.graph
    return graph.send("PATCH", graph.at(f"applications/{object_id}"), {"keyCredentials": entries})


def _remove(bench: Workbench, object_id: str, key_id: str, held: Pair | None) -> None:
    """Take it off; what is not there counts as removed. Raises Refused."""
    if held is not None and _unvouched(bench, object_id, key_id, held):
        return
    listed = _listed(bench, object_id, held)
    left = [each for each in listed if str(each.get("keyId")) != key_id]
    if len(left) < len(listed):
        bench.sent(lambda: _written(bench, object_id, left), "the old certificate")


def _listed(bench: Workbench, object_id: str, held: Pair | None = None) -> list[dict[str, Any]]:
    """The app's certificates as they are to be written back: only with $select does Graph show the keys themselves.

    Where one is known to be among them, a list without it comes from a replica that lags behind, and written back it would
    take that one off: it is read again for a while.
    """
    graph = bench.session.graph
    deadline, pause = bench.clock.monotonic() + LAG, 1.0
    while True:
        app = bench.read(graph.at(f"applications/{object_id}"), "id,keyCredentials", "the app's certificates")
        listed = [each for each in app.get("keyCredentials") or [] if isinstance(each, dict)]
        shown = {str(each.get("customKeyIdentifier") or "").upper() for each in listed}
        shown |= {str(each.get("key") or "") for each in listed}
        known = held is None or bool(shown & {held.thumbprint, base64.b64encode(held.der).decode()})
        if known or bench.clock.monotonic() >= deadline:
            return listed
        count_down(bench.clock, bench.waits, "the app's certificates are not shown in full yet", pause, deadline)
        pause = min(pause * 2, 8.0)
