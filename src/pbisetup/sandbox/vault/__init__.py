"""Azure Key Vault's own API, for secrets and certificates: `https://NAME.vault.azure.net`, on loopback by path below
`/vaults/NAME`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pbisetup.sandbox.vault import certificates, gate, secrets
from pbisetup.sandbox.vault.errors import CAUSES, Refused, refusal
from pbisetup.sandbox.vault.gate import Kind, Vault
from pbisetup.sandbox.wire import BadBody, Call, Handler, Reply, Route, World

Answer = Callable[[World, Vault, Call], Reply]


def _guarded(kind: Kind, verb: str, answer: Answer) -> Handler:
    """Who may not, and who is at the wrong vault, is refused before anything is looked at."""

    def handler(world: World, call: Call) -> Reply:
        try:
            vault = gate.find(world, call)
            gate.let_in(world, call, vault, kind, verb, call.params.get("name", ""))
            return answer(world, vault, call)
        except BadBody:
            return refusal("body", {"property": ""})
        except Refused as error:
            challenge = gate.challenge(world, call) if CAUSES[error.cause].status == 401 else None
            return refusal(error.cause, error.values, challenge)

    return handler


_S, _C, _D, _E = "/secrets", "/certificates", "/deletedsecrets", "/deletedcertificates"
_TABLE: Final[list[tuple[str, str, Kind, str, Answer]]] = [
    ("GET", _S, "secret", "list", secrets.listed),
    ("PUT", f"{_S}/{{name}}", "secret", "set", secrets.put),
    ("GET", f"{_S}/{{name}}", "secret", "get", secrets.get),
    ("PATCH", f"{_S}/{{name}}", "secret", "update", secrets.patch),
    ("DELETE", f"{_S}/{{name}}", "secret", "delete", secrets.delete),
    ("GET", f"{_S}/{{name}}/versions", "secret", "list", secrets.versions),
    ("GET", f"{_S}/{{name}}/{{version}}", "secret", "get", secrets.get),
    ("PATCH", f"{_S}/{{name}}/{{version}}", "secret", "update", secrets.patch),
    ("GET", _D, "secret", "list", secrets.list_deleted),
    ("GET", f"{_D}/{{name}}", "secret", "list", secrets.get_deleted),
    ("DELETE", f"{_D}/{{name}}", "secret", "purge", secrets.purge),
    ("POST", f"{_D}/{{name}}/recover", "secret", "recover", secrets.recover),
    ("GET", _C, "certificate", "list", certificates.listed),
    ("GET", f"{_C}/{{name}}", "certificate", "get", certificates.get),
    ("PATCH", f"{_C}/{{name}}", "certificate", "update", certificates.patch),
    ("DELETE", f"{_C}/{{name}}", "certificate", "delete", certificates.delete),
    ("POST", f"{_C}/{{name}}/import", "certificate", "import", certificates.import_),
    ("GET", f"{_C}/{{name}}/policy", "certificate", "get", certificates.policy),
    ("GET", f"{_C}/{{name}}/versions", "certificate", "list", certificates.versions),
    ("GET", f"{_C}/{{name}}/{{version}}", "certificate", "get", certificates.get),
    ("PATCH", f"{_C}/{{name}}/{{version}}", "certificate", "update", certificates.patch),
    ("GET", _E, "certificate", "list", certificates.list_deleted),
    ("GET", f"{_E}/{{name}}", "certificate", "get", certificates.get_deleted),
    ("DELETE", f"{_E}/{{name}}", "certificate", "purge", certificates.purge),
    ("POST", f"{_E}/{{name}}/recover", "certificate", "recover", certificates.recover),
]

carried: list[Route] = [
    Route(method, path, _guarded(kind, verb, answer)) for method, path, kind, verb, answer in _TABLE
]
"""As a vault's own host serves them."""
routes: list[Route] = [*carried, *(replace(each, path=f"/vaults/{{vault}}{each.path}") for each in carried)]


def unknown(call: Call) -> Reply:
    """No such path, or not with this method."""
    return refusal("method" if call.allowed else "no_route", {})


def dressed(_world: World, call: Call, answer: Reply) -> Reply:
    """The headers that a vault puts on every answer (recordings in azure-sdk-for-js, service version 1.9.576.1)."""
    headers = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "x-ms-keyvault-region": "westeurope",
        "x-ms-request-id": call.request_id,
        "x-ms-keyvault-service-version": "1.9.576.1",
        "x-ms-keyvault-network-info": f"conn_type=Ipv4;addr={call.client};act_addr_fam=InterNetwork;",
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=31536000;includeSubDomains",
    }
    given = call.headers.get("x-ms-client-request-id", "")
    if given and len(given) <= 200 and given.isascii() and given.isprintable():
        headers["x-ms-client-request-id"] = given
    if answer.body is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
    return replace(answer, headers={**headers, **answer.headers})
