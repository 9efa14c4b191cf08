"""The headers that Graph's gateway puts on every answer.

source: recordings of graph.microsoft.com in Azure/azure-cli (role/tests/latest/recordings, 2022 to 2025).
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Final

from pbisetup.sandbox.wire import Call, Reply, World

_ALWAYS: Final = {
    "Cache-Control": "no-cache",
    "Strict-Transport-Security": "max-age=31536000",
    # Which machine answered: the real value changes with each, clients only print it.
    "x-ms-ags-diagnostic": (
        '{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"001",'
        '"RoleInstance":"AM4PEPF00000001"}}'
    ),
    # What the call cost of the quota; `throttle.py` says it of every call that came as far as its account.
    "x-ms-resource-unit": "1",
}
_CONTEXT: Final = re.compile(r"\$metadata#(\w+)(?:\('[^']*'\)/(\w+))?/\$entity$")
_TYPES: Final = {
    "applications": "Application",
    "servicePrincipals": "ServicePrincipal",
    "groups": "Group",
    "users": "User",
}
"""Entity sets whose new objects get a Location below directoryObjects, by their type in the directory."""


def dressed(world: World, call: Call, answer: Reply) -> Reply:
    """The answer as it leaves the gateway."""
    headers = dict(_ALWAYS)
    if isinstance(answer.body, dict) and answer.status < 400:
        headers["OData-Version"] = "4.0"
        where = _location(world, call, answer)
        if where is not None:
            headers["Location"] = where
    return dataclasses.replace(answer, headers={**headers, **answer.headers})


def _location(world: World, call: Call, answer: Reply) -> str | None:
    """Of a new object its address in the directory, of an action the service root."""
    if call.method != "POST" and answer.status != 201:
        return None
    if answer.status == 200:
        return call.origin if not call.path.endswith("/$batch") else None
    body: dict[str, Any] = answer.body
    found = _CONTEXT.search(str(body.get("@odata.context")))
    if found is None or "id" not in body:
        return None
    root = f"{call.origin}/v2/{world.tenant.id}"
    if found[2] == "federatedIdentityCredentials":
        return f"{root}/federatedIdentityCredentials/{body['id']}"
    if found[2] is None and found[1] in _TYPES:
        return f"{root}/directoryObjects/{body['id']}/Microsoft.DirectoryServices.{_TYPES[found[1]]}"
    return None
