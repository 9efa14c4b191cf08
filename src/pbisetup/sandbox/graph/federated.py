"""Federated identity credentials of an application (source: entra.md 1.9)."""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

from pbisetup.sandbox.graph import quotas, refs, search
from pbisetup.sandbox.graph.applications import creates_if_missing
from pbisetup.sandbox.graph.documents import documents, known
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.names import among
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.graph.view import public
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

# At most 120 characters and URL friendly (Graph, federatedIdentityCredential). That there be three at least, and a letter
# or digit first, is said only of the portal and of managed identities (entra-docs): here the latter holds, a guess.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")
_TEXTS: Final = ("issuer", "subject", "description")
_SETTABLE: Final = ("name", "audiences", *_TEXTS)
_SHOWN: Final = ("id", *_SETTABLE)
_KIND: Final = "federatedIdentityCredential"
# A flexible credential (beta) matches by an expression instead of a subject; only these issuers can (entra-docs
# workload-identities-flexible-federated-identity-credentials).
_EXPRESSION: Final = "claimsMatchingExpression"
_FLEXIBLE: Final = (
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
    "https://app.terraform.io",
)
_CLAUSE: Final = re.compile(r"claims\['[A-Za-z0-9_]+'\] (?:eq|matches) '[^']+'(?: and claims\['[A-Za-z0-9_]+'\] "
                            r"(?:eq|matches) '[^']+')*")  # fmt: skip
_CONTEXT: Final = "applications('{id}')/federatedIdentityCredentials"


def list_credentials(request: Request, app: Object) -> Reply:
    properties = (*_SHOWN, _EXPRESSION) if request.beta else _SHOWN
    rows = [_public(request, each) for each in _held(app)]
    text = request.call.query.get("$search")
    if text:
        # guess: searched as directory objects are, in an advanced query.
        if request.call.headers.get("consistencylevel", "").lower() != "eventual":
            raise GraphError("search_header")
        hit = search.parse(text, lambda name: _searched(name, properties))
        rows = [row for row in rows if hit(row)]
    return documents(request, _CONTEXT.format(id=app["id"]), _KIND, properties, rows)


def _searched(name: str, properties: tuple[str, ...]) -> str:
    name = among(name, properties)
    known(name, _KIND, properties)
    return name


def get_credential(request: Request, app: Object) -> Reply:
    return Reply(200, _shown(request, app, _find(request, app)))


def create_credential(request: Request, app: Object) -> Reply:
    return Reply(201, _shown(request, app, _create(request, app, request.call.json())))


def patch_credential(request: Request, app: Object) -> Reply:
    _update(request, app, _find(request, app), request.call.json())
    return Reply(204)


def upsert_credential(request: Request, app: Object) -> Reply:
    """PATCH by name; `Prefer: create-if-missing` creates (source: entra.md 1.2)."""
    name = refs.key(request, "name")
    body = request.call.json()
    found = _by_name(app, name)
    if found is not None:
        _update(request, app, found, body)
        return Reply(204)
    if not creates_if_missing(request):
        raise GraphError("not_found", id=name)
    return Reply(201, _shown(request, app, _create(request, app, {**body, "name": name})))


def delete_credential(request: Request, app: Object) -> Reply:
    _held(app).remove(_find(request, app))
    request.changed()
    return Reply(204)


def _held(app: Object) -> list[Object]:
    found: list[Object] = app.setdefault("federatedIdentityCredentials", [])
    return found


def _by_name(app: Object, name: str) -> Object | None:
    return next((c for c in _held(app) if c["name"].lower() == name.lower()), None)


def _find(request: Request, app: Object) -> Object:
    """By id or by name: both are keys (source: clients.md 3)."""
    wanted = refs.key(request, "name" if "name" in request.call.params else "credentialId")
    found = _by_name(app, wanted) or next((c for c in _held(app) if c["id"] == wanted.lower()), None)
    if found is None:
        raise GraphError("not_found", id=wanted)
    return found


def _create(request: Request, app: Object, body: Object) -> Object:
    values = _checked(request, body)
    # source: entra-docs workload-identities-set-up-flexible-federated-identity-credential: one of the two.
    matched = _EXPRESSION if values.get(_EXPRESSION) else "subject"
    for name in ("name", "issuer", matched, "audiences"):
        if not values.get(name):
            raise GraphError("value_required", property=name, resource="FederatedIdentityCredential")
    _check_issuer(values)
    _check_flexible(values)
    if not _NAME.fullmatch(values["name"]):
        raise GraphError("value_invalid", property="name", resource="FederatedIdentityCredential")
    if _by_name(app, values["name"]) is not None:
        raise GraphError("credential_name_taken", name=values["name"])
    most = quotas.of(request.world, "federatedCredentialsPerApplication")
    if len(_held(app)) >= most:
        raise GraphError("limit", what="federated identity credentials", limit=most)
    _check_pair(app, values, None)
    entry = {"id": str(uuid.uuid4()), "description": None, "subject": None, **values, "_createdAt": request.born()}
    _held(app).append(entry)
    request.changed()
    return entry


def _update(request: Request, app: Object, entry: Object, body: Object) -> None:
    values = _checked(request, body)
    if values.get("name", entry["name"]) != entry["name"]:
        raise GraphError("immutable", property="name")
    wanted = {**entry, **values}
    for name in ("issuer", "audiences"):
        if not wanted.get(name):
            raise GraphError("value_required", property=name, resource="FederatedIdentityCredential")
    if not wanted.get("subject") and not wanted.get(_EXPRESSION):
        raise GraphError("value_required", property="subject", resource="FederatedIdentityCredential")
    if "issuer" in values:
        _check_issuer(values)
    _check_flexible(wanted)
    _check_pair(app, wanted, entry)
    entry.update(values)
    # A credential that was changed reaches the token service as late as a new one (entra.md 3.1).
    entry["_createdAt"] = request.born()
    request.changed()


def _check_pair(app: Object, values: Object, own: Object | None) -> None:
    """issuer and subject together are unique per app."""
    pair = (values["issuer"], values.get("subject"))
    if pair[1] and any(c is not own and (c["issuer"], c.get("subject")) == pair for c in _held(app)):
        raise GraphError("credential_pair_taken", issuer=pair[0], subject=pair[1])


def _check_flexible(values: Object) -> None:
    expression = values.get(_EXPRESSION)
    if expression is None:
        return
    if values.get("subject"):
        raise GraphError("credential_value", property="Subject")
    if str(values["issuer"]).rstrip("/") not in _FLEXIBLE:
        raise GraphError("credential_value", property="Issuer")
    fits = isinstance(expression, dict) and expression.get("languageVersion") == 1
    if not fits or not _CLAUSE.fullmatch(str(expression.get("value"))):
        raise GraphError("credential_value", property="ClaimsMatchingExpression")


def _check_issuer(values: Object) -> None:
    if not _is_issuer(values["issuer"]):
        raise GraphError("credential_value", property="Issuer")


def _checked(request: Request, body: Object) -> Object:
    resource = "FederatedIdentityCredential"
    values: Object = {}
    for name, value in body.items():
        if "@" in name or name == "id":
            continue
        if name == _EXPRESSION and request.beta:
            if value is not None and not isinstance(value, dict):
                raise GraphError("value_invalid", property=name, resource=resource)
            values[name] = value
            continue
        if name not in _SETTABLE:
            raise GraphError("property_unknown", property=name)
        fits = _is_audiences(value) if name == "audiences" else isinstance(value, str) and len(value) <= 600
        if not fits and not (value is None and name in ("description", "subject")):
            raise GraphError("value_invalid", property=name, resource=resource)
        values[name] = value
    return values


def _is_issuer(value: object) -> bool:
    """guess: the issuer is an https URL without spaces around it; the directory keeps texts as they came."""
    return isinstance(value, str) and re.fullmatch(r"https://[^\s/?#]+[^\s?#]*", value) is not None


def _is_audiences(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) and 0 < len(value[0]) <= 600


def _shown(request: Request, app: Object, entry: Object) -> Object:
    context = f"{request.base}/$metadata#{_CONTEXT.format(id=app['id'])}/$entity"
    return {"@odata.context": context, **_public(request, entry)}


def _public(request: Request, entry: Object) -> Object:
    """v1.0 does not know expressions."""
    shown: Object = public(entry)
    if request.beta:
        return {_EXPRESSION: None, **shown}
    shown.pop(_EXPRESSION, None)
    return shown


def _routes() -> list[Route]:
    found: list[Route] = []
    for base in refs.APPLICATIONS:
        path = f"{base}/federatedIdentityCredentials"
        found += route("GET", path, "applications.read", list_credentials, refs.application)
        found += route("POST", path, "applications.write", create_credential, refs.application)
        found += route("GET", f"{path}(name='{{name}}')", "applications.read", get_credential, refs.application)
        found += route("PATCH", f"{path}(name='{{name}}')", "applications.write", upsert_credential, refs.application)
        found += route("DELETE", f"{path}(name='{{name}}')", "applications.write", delete_credential, refs.application)
        found += route("GET", f"{path}/{{credentialId}}", "applications.read", get_credential, refs.application)
        found += route("PATCH", f"{path}/{{credentialId}}", "applications.write", patch_credential, refs.application)
        found += route("DELETE", f"{path}/{{credentialId}}", "applications.write", delete_credential, refs.application)
    return found


routes = _routes()
