"""What is done to the app's client secret: made and kept, or removed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.execution.replication import PASSING, is_not_yet
from pbisetup.model.errors import PbisetupError, Unreachable
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note
from pbisetup.services.answer import Answer
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.clock import count_down
from pbisetup.services.network import not_its_own
from pbisetup.services.stores.store import Kept


def add_secret(bench: Workbench, params: Params) -> Outputs:
    """Make a client secret and store it before anything else is tried with it.

    addPassword is the one call that must not be repeated blindly: each success is one more secret. It is made under a name
    that nothing else has, noted in the journal first; whenever its outcome is unclear, whatever bears that name is removed.
    """
    assert bench.store is not None
    graph, now = bench.session.graph, bench.clock.now()
    app = graph.client.applications.by_application_id(params["app_object_id"])
    ends = now + timedelta(days=int(params["days"]))
    name = f"{params['label']} {now:%Y-%m-%d} {secrets.token_hex(3)}"
    body = {"passwordCredential": {"displayName": name, "endDateTime": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}}
    bench.journal.intend(bench.environment, name)
    answer = _make_secret(bench, app, body, name)
    made = answer.object
    secret, key_id = Secret(str(made.pop("secretText", ""))), str(made.get("keyId", ""))
    client_id = bench.outputs["client_id"]
    if not secret.reveal():
        _remove_named(bench, params["app_object_id"], name)
        raise not_its_own(answer.url, answer.status)
    try:
        where = bench.store.keep(
            Kept(
                bench.session.tenant.id,
                client_id,
                Note(key_id, f"{ends:%Y-%m-%d}", params["app_object_id"]),
                secret=secret,
            )
        )
    except BaseException:
        _remove_named(bench, params["app_object_id"], name)
        bench.journal.done(bench.environment, name)
        raise
    bench.journal.done(bench.environment, name)
    bench.credential = Credential("secret", bench.session.tenant.id, client_id, where, secret=secret)
    return {"secret_where": where, "secret_ends": f"{ends:%Y-%m-%d}", "secret_key_id": key_id}


def _make_secret(bench: Workbench, app: Any, body: Mapping[str, Any], name: str) -> Answer:
    graph = bench.session.graph
    object_id = str(app.path_parameters.get("application%2Did", ""))
    pause = 1.0
    for attempt in range(8):
        try:
            answer = graph.send("POST", app.add_password, body)
        except Unreachable:
            # It may have been done: nobody will ever know the value, so whatever is there goes.
            _remove_named(bench, object_id, name)
            if attempt >= 2:
                raise
            continue
        if answer.ok:
            return answer
        if answer.status in PASSING:
            _remove_named(bench, object_id, name)
        elif not is_not_yet(answer):
            bench.journal.done(bench.environment, name)
            raise answer.refusal("the client secret", _policy_code(answer))
        until = bench.clock.monotonic() + pause
        count_down(bench.clock, bench.waits, "the app is not known everywhere yet", pause, until)
        pause = min(pause * 2, 30.0)
    raise answer.refusal("the client secret")


def _policy_code(answer: Answer) -> str:
    """Tenant policies that forbid or shorten secrets have codes of their own (entra.md 4.1)."""
    return "PBI902" if str(answer.service_code).endswith("AsPerAppPolicy") else "PBI901"


def _remove_named(bench: Workbench, object_id: str, name: str) -> None:
    """Remove every secret of this display name. Best effort: the journal still knows the name if this fails."""
    graph = bench.session.graph
    app = graph.client.applications.by_application_id(object_id)
    try:
        shown = graph.get(app, select="passwordCredentials")
        for password in shown.object.get("passwordCredentials") or []:
            if password.get("displayName") == name:
                graph.send("POST", app.remove_password, {"keyId": password["keyId"]})
    except PbisetupError:
        return


def remove_secret(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    app = graph.client.applications.by_application_id(params["app_object_id"])
    bench.sent(lambda: graph.send("POST", app.remove_password, {"keyId": params["key_id"]}), "the old secret")
    return {}
