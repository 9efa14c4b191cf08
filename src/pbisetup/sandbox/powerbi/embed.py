"""Embed tokens: for several reports and models at once (V2), and for one item of a workspace.

State: `quota.embedTokens`, how many were made on shared capacity, where `limits.embedTokens` ends the trial (the real number
is not published); of a model `isEffectiveIdentityRequired` and `isEffectiveIdentityRolesRequired`.

source: powerbi-docs generate-embed-token (2025-12-15); powerbi-swagger.json (EmbedToken and its requests); the order of the
checks is inferred.
"""

from __future__ import annotations

import base64
import gzip
import json
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from pbisetup.catalog.operations import Operation
from pbisetup.sandbox import access, limits
from pbisetup.sandbox.front_end import CLUSTER
from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi import content, items
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import context, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

LEAST: Final = "Member"
TRIAL: Final = 1000  # guess: the service says only how much of it is used, in percent
_LIFETIME: Final = 60
_LEVELS: Final = ("View", "Edit", "Create")
_XMLA: Final = ("Off", "ReadOnly")
_MODEL: Final = "Microsoft.PowerBI.ServiceContracts.Api.V1.GenerateTokenResponse"  # known from published answers
_NEEDED: Final = {
    "reports": ({"Report.ReadWrite.All", "Report.Read.All"},),
    "datasets": ({"Dataset.ReadWrite.All", "Dataset.Read.All"},),
    "targetWorkspaces": ({"Content.Create"},),
}

# Not in the swagger: a report of My workspace (source: microsoft/PowerBI-CSharp#121).
_OF_MY_WORKSPACE: Final = Operation(
    service="powerbi",
    id="Reports_GenerateToken",
    method="POST",
    path="/v1.0/myorg/reports/{reportId}/GenerateToken",
    scopes=(frozenset({"Report.ReadWrite.All", "Report.Read.All"}),),
    app="no",
    admin=None,
    rates=(),
    my_workspace=True,
    preview=False,
)


def generate(request: Request) -> Reply:
    """One token for reports, models and workspaces of the body."""
    body = given.read(request)
    reports, models, targets = (content.names_of(body, name) for name in ("reports", "datasets", "targetWorkspaces"))
    if not reports and not models:
        raise given.invalid("reports")
    for each in given.objects(body, "reports"):
        given.flag(each, "allowEdit")
    for each in given.objects(body, "datasets"):
        given.choice(each, "xmlaPermissions", _XMLA)
    _scopes(request, body)
    wanted = {"reports": reports, "datasets": models}
    found = {name: [_usable(request, name, id_) for id_ in ids] for name, ids in wanted.items()}
    for id_ in targets:
        _member(request, request.tenant.workspaces.get(id_))
    named = {id_.lower() for id_ in models}
    for item, _ in found["reports"]:
        model = str(item.get("datasetId") or "").lower()
        if model and model not in named:
            raise Refused("embed_report_without_dataset", report=item["id"])
    for item, _ in found["datasets"]:
        _identity(item, _identities(body))
    return _token(request, body, [place for pairs in found.values() for _, place in pairs])


def of_report(request: Request) -> Reply:
    """For one report of a workspace, with its model wherever that is."""
    found = content.report(request)
    model = content.anywhere(request, "datasets", str(found.item.get("datasetId") or ""))
    return _of_item(request, found.place, [model] if model else [])


def of_dataset(request: Request) -> Reply:
    found = content.dataset(request)
    return _of_item(request, found.place, [(found.item, found.place)])


def of_dashboard(request: Request) -> Reply:
    found = content.find(request, "dashboards", request.call.params["dashboardId"])
    return _of_item(request, found.place, _models(request, found.item.get("_tiles", [])))


def of_tile(request: Request) -> Reply:
    found = content.find(request, "dashboards", request.call.params["dashboardId"])
    tile = items.the_tile(found, request.call.params["tileId"])
    return _of_item(request, found.place, _models(request, [tile]))


def to_create(request: Request) -> Reply:
    """For a new report on the model that the body names."""
    model = items.find_model(request, given.text(given.read(request), "datasetId"))
    return _of_item(request, request.workspace, [(model.item, model.place)])


def of_my_workspace(_request: Request) -> Reply:
    """Never (source: powerbi-docs generate-embed-token)."""
    raise Refused("embed_my_workspace")


def trial_usage(request: Request) -> int:
    """How much of the trial is used, in percent."""
    most = limits.limit(request.world, "embedTokens", TRIAL)
    return min(100, 100 * _used(request) // most) if most > 0 else 100


def _used(request: Request) -> int:
    used = request.tenant.section("quota").get("embedTokens", 0)
    return used if isinstance(used, int) else 0


def _scopes(request: Request, body: Fields) -> None:
    """A user's token needs what the body asks for (source: swagger)."""
    if request.is_app or "user_impersonation" in request.caller.scopes:
        return
    for name, needed in _NEEDED.items():
        if body.get(name) and any(request.caller.scopes.isdisjoint(each) for each in needed):
            lenient = request.tenant.section("unknowns").get("missingScope") == "403"
            raise Refused("scopes_missing_403" if lenient else "scopes_missing")


def _usable(request: Request, kind: str, id_: str) -> tuple[Object, Object]:
    """An item and its workspace, where the caller is at least Member. Raises Refused."""
    there = content.anywhere(request, kind, id_)  # type: ignore[arg-type]
    if there is None:
        raise Refused("item_unknown")
    if not content.is_group(request, there[1]):
        raise Refused("embed_my_workspace" if there[1] is content.my_workspace(request) else "item_unknown")
    _member(request, there[1])
    return there


def _member(request: Request, place: Object | None) -> None:
    role = content.role(request, place) if place is not None else None
    if role is None:
        raise Refused("item_unknown")
    if not access.at_least(role, LEAST):
        odd = request.tenant.section("unknowns").get("embedTokenRoleTooLow") == "401"
        raise Refused("embed_role_too_low_401" if odd else "embed_role_too_low")


def _models(request: Request, tiles: list[Object]) -> list[tuple[Object, Object]]:
    ids = dict.fromkeys(str(each["datasetId"]) for each in tiles if each.get("datasetId"))
    return [found for found in (content.anywhere(request, "datasets", id_) for id_ in ids) if found]


def _of_item(request: Request, place: Object, models: list[tuple[Object, Object]]) -> Reply:
    body = given.read(request)
    given.choice(body, "accessLevel", _LEVELS)
    given.flag(body, "allowSaveAs")
    given.optional_text(body, "datasetId")
    for item, there in models:
        if there is not place:
            _member(request, there)
        _identity(item, _identities(body))
    return _token(request, body, [place, *(there for _, there in models)])


def _identities(body: Fields) -> list[Fields]:
    found = given.objects(body, "identities")
    for each in found:
        lists = [each.get(name) or [] for name in ("datasets", "roles", "reports")]
        if not isinstance(each.get("username"), str) or not all(isinstance(one, list) for one in lists):
            raise given.invalid("identities")
        if not all(isinstance(name, str) for one in lists for name in one):
            raise given.invalid("identities")
    return found


def _identity(model: Object, identities: list[Fields]) -> None:
    """Whether a model gets the effective identity that it needs, and none that it does not take. Raises Refused."""
    id_ = str(model["id"]).lower()
    # An identity that names no model is meant for all of them.
    mine = [e for e in identities if not e.get("datasets") or id_ in {str(name).lower() for name in e["datasets"]}]
    required = bool(model.get("isEffectiveIdentityRequired"))
    if required and not mine:
        raise Refused("embed_identity_missing", dataset=model["id"])
    if required and model.get("isEffectiveIdentityRolesRequired") and not all(each.get("roles") for each in mine):
        raise Refused("embed_roles_missing", dataset=model["id"])
    if not required and mine:
        raise Refused("embed_identity_unwanted", dataset=model["id"])


def _token(request: Request, body: Fields, places: list[Object]) -> Reply:
    minutes = given.whole(body, "lifetimeInMinutes") or _LIFETIME
    if not 0 < minutes < 1_000_000:
        raise given.invalid("lifetimeInMinutes")
    if any(_on_trial(request, place) for place in places):
        if _used(request) >= limits.limit(request.world, "embedTokens", TRIAL):
            raise Refused("embed_quota_used_up")
        request.tenant.section("quota")["embedTokens"] = _used(request) + 1
        request.changed()
    # Never longer than the token that asked (source: powerbi-docs generate-embed-token).
    ends = min(float(request.caller.claims["exp"]), request.world.now().timestamp() + minutes * 60)
    expiration = datetime.fromtimestamp(int(ends), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = {"token": _opaque(int(ends)), "tokenId": str(uuid.uuid4()), "expiration": expiration}
    return Reply(200, {"@odata.context": context(request, _MODEL, below=items.below(request)), **answer})


def _on_trial(request: Request, place: Object) -> bool:
    """On shared capacity, per-user capacity, or one that is paused (source: powerbi-docs#2066 on the last)."""
    found = content.capacity(request, place)
    return found is None or str(found.get("sku", "")).startswith("PP") or content.paused(request, place)


def _opaque(ends: int) -> str:
    """Zipped, as every published embed token begins; inside is nothing that anybody could use."""
    first = gzip.compress(json.dumps({"k": secrets.token_urlsafe(48)}).encode(), mtime=0)
    second: dict[str, Any] = {"clusterUrl": CLUSTER.rstrip("/"), "exp": ends, "allowAccessOverPublicInternet": True}
    return f"{base64.b64encode(first).decode()}.{base64.b64encode(json.dumps(second).encode()).decode()}"


def _route(operation: str | Operation, handle: Any, role: str | None = LEAST) -> Route:
    return route(operation, handle, role=role, settings=(access.EMBEDDING,))


routes: Final[list[Route]] = [
    _route("EmbedToken_GenerateToken", generate, None),
    _route("Reports_GenerateTokenInGroup", of_report),
    _route("Reports_GenerateTokenForCreateInGroup", to_create),
    _route("Datasets_GenerateTokenInGroup", of_dataset),
    _route("Dashboards_GenerateTokenInGroup", of_dashboard),
    _route("Tiles_GenerateTokenInGroup", of_tile),
    _route(_OF_MY_WORKSPACE, of_my_workspace, None),
]
