"""What is done to the app's client secret: made and kept, or removed."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial
from typing import Any

from pbisetup.execution.bench import Outputs, Params, Workbench
from pbisetup.execution.replacing import Made, best_effort, is_forbidden_kind, is_too_long, policy_code, put, shorter
from pbisetup.execution.replication import PASSING, is_not_yet
from pbisetup.execution.steps_certificate import make_certificate
from pbisetup.model.errors import Refused, Unreachable
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note
from pbisetup.services.answer import Answer
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.clock import count_down
from pbisetup.services.network import not_its_own
from pbisetup.services.stores.store import Kept


def add_secret(bench: Workbench, params: Params) -> Outputs:
    """Make a client secret and keep it.

    Where a policy of the tenant forbids secrets, the next best kind takes its place: a certificate, which is said in what is
    handed on. Where it allows shorter lives only, the longest of the usual ones that it takes.
    """
    days: int | None = int(params["days"])
    while days is not None:
        try:
            return put(bench, params, _made(bench, params, days))
        except Refused as error:
            if is_forbidden_kind(error):
                more = {"subject": str(params["label"]), "brought": False, "instead_of": "secret"}
                return make_certificate(bench, {**params, **more})
            days = shorter(days) if is_too_long(error) else None
            if days is None:
                raise
    raise AssertionError("a life that no policy takes ends in an error")


def _made(bench: Workbench, params: Params, days: int) -> Made:
    """addPassword is the one call that must not be repeated blindly: each success is one more secret. It is made under a
    name that nothing else has, noted in the journal first; whenever its outcome is unclear, what bears that name is removed.
    """
    graph, now = bench.session.graph, bench.clock.now()
    object_id = str(params["app_object_id"])
    app = graph.client.applications.by_application_id(object_id)
    ends = now + timedelta(days=days)
    label = f"{params['label']} {now:%Y-%m-%d}"
    answer, name = _make_secret(bench, app, label, f"{ends:%Y-%m-%dT%H:%M:%SZ}")
    made = answer.object
    secret, key_id = Secret(str(made.pop("secretText", ""))), str(made.get("keyId", ""))
    if not secret.reveal():
        _remove_named(bench, object_id, name)
        raise not_its_own(answer.url, answer.status)
    tenant, client = bench.session.tenant.id, bench.outputs["client_id"]

    def remove() -> None:
        # By its name, which is the journal's too: that this very secret goes is all that matters.
        if _remove_named(bench, object_id, name):
            bench.journal.done(bench.environment, name)

    return Made(
        name,
        key_id,
        ends,
        Credential("secret", tenant, client, "the new secret", secret=secret),
        Kept(tenant, client, Note(), secret=secret),
        remove,
    )


def _make_secret(bench: Workbench, app: Any, label: str, ends: str) -> tuple[Answer, str]:
    """The answer, and the name that the secret bears. Each try has a name of its own: what an unanswered one has left may be
    shown only later, and is then known by a name that the journal still has.
    """
    graph = bench.session.graph
    object_id = str(app.path_parameters.get("application%2Did", ""))
    pause = 1.0
    for attempt in range(8):
        name = f"{label} {secrets.token_hex(3)}"
        body = {"passwordCredential": {"displayName": name, "endDateTime": ends}}
        bench.journal.intend(bench.environment, name)
        try:
            answer = graph.send("POST", app.add_password, body)
        except Unreachable:
            # It may have been done: nobody will ever know the value, so whatever is there goes.
            _remove_named(bench, object_id, name)
            if attempt >= 2:
                raise
            continue
        if answer.ok:
            return answer, name
        if answer.status in PASSING:
            _remove_named(bench, object_id, name)
        else:
            bench.journal.done(bench.environment, name)
            if not is_not_yet(answer):
                raise answer.refusal("the client secret", policy_code(answer))
        until = bench.clock.monotonic() + pause
        count_down(bench.clock, bench.waits, "the app is not known everywhere yet", pause, until)
        pause = min(pause * 2, 30.0)
    raise answer.refusal("the client secret")


def _remove_named(bench: Workbench, object_id: str, name: str) -> bool:
    """Remove every secret of this display name; whether it is certain that none is left."""
    graph = bench.session.graph
    app = graph.client.applications.by_application_id(object_id)
    clean = False

    def remove() -> None:
        nonlocal clean
        shown = bench.sent(lambda: graph.get(app, select="passwordCredentials"), "the app's secrets")
        for password in shown.object.get("passwordCredentials") or []:
            if password.get("displayName") == name:
                key = {"keyId": password["keyId"]}
                bench.removed(partial(graph.send, "POST", app.remove_password, key), "the new secret")
        clean = True

    best_effort(remove)
    return clean


def remove_secret(bench: Workbench, params: Params) -> Outputs:
    graph = bench.session.graph
    app = graph.client.applications.by_application_id(params["app_object_id"])
    remove = {"keyId": params["key_id"]}
    bench.removed(lambda: graph.send("POST", app.remove_password, remove), "the old secret")
    return {}
