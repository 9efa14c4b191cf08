"""How much OData metadata an answer carries: `odata.metadata=none|minimal|full` in Accept.

source: OData 4.01 JSON format 3.1 (what each level holds); of Graph's own `full` the ids and edit links are known from
published responses of /users, the type annotations of properties follow the format. Minimal is what handlers write.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pbisetup.sandbox.graph.relations import RELATIONS
from pbisetup.sandbox.store import Object

_LEVEL: Final = re.compile(r"odata\.metadata\s*=\s*(none|minimal|full)", re.IGNORECASE)
_CONTEXT: Final = re.compile(r"\$metadata#(\w+)")
_KEPT: Final = ("@odata.nextLink", "@odata.deltaLink", "@odata.count")
_SETS: Final = {
    "applications": "application",
    "directoryRoles": "directoryRole",
    "groups": "group",
    "servicePrincipals": "servicePrincipal",
    "users": "user",
}
_OF: Final = {kind: name for name, kind in _SETS.items()}


def level(accept: str) -> str:
    """The level that an Accept header asks for; minimal where it says nothing."""
    hit = _LEVEL.search(accept)
    return hit[1].lower() if hit else "minimal"


def media_type(chosen: str) -> str:
    """The content type of a JSON answer (source: concepts/json-batching.md, its example response)."""
    return f"application/json;odata.metadata={chosen};odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


def apply(body: Any, chosen: str, tenant_id: str) -> Any:
    """The body of a success at this level."""
    if chosen == "minimal" or not isinstance(body, dict):
        return body
    return _none(body) if chosen == "none" else _full(body, tenant_id)


def _none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _none(v) for k, v in value.items() if "@odata." not in k or k in _KEPT}
    return [_none(each) for each in value] if isinstance(value, list) else value


def _full(body: Object, tenant_id: str) -> Object:
    hit = _CONTEXT.search(str(body.get("@odata.context", "")))
    kind = _SETS.get(hit[1]) if hit else None
    if isinstance(body.get("value"), list):
        return {**body, "value": [_annotated(each, kind, tenant_id) for each in body["value"]]}
    return _annotated(body, kind, tenant_id)


def _annotated(item: Object, kind: str | None, tenant_id: str) -> Object:
    if not isinstance(item, dict):
        return item  # a list of texts
    given = str(item.get("@odata.type", "")).rpartition(".")[2]
    kind = given or kind
    if kind not in _OF:
        return item
    head: Object = {k: v for k, v in item.items() if k == "@odata.context"}
    head["@odata.type"] = f"#microsoft.graph.{kind}"
    if "id" in item:
        name = kind[0].upper() + kind[1:]
        head["@odata.id"] = (
            f"https://graph.microsoft.com/v2/{tenant_id}/directoryObjects/{item['id']}/Microsoft.DirectoryServices.{name}"
        )
        head["@odata.editLink"] = f"{_OF[kind]}/{item['id']}"
    for key, value in item.items():
        if key.endswith("DateTime") and isinstance(value, str):
            head[f"{key}@odata.type"] = "#DateTimeOffset"
        elif isinstance(value, list) and all(isinstance(each, str) for each in value) and key not in RELATIONS[kind]:
            head[f"{key}@odata.type"] = "#Collection(String)"
        if key not in head:
            head[key] = value
    for key in RELATIONS[kind] if "@odata.editLink" in head else ():
        head[f"{key}@odata.navigationLink"] = f"{head['@odata.editLink']}/{key}"
    return head
