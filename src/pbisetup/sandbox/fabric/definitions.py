"""Definitions of items: parts with a path and a payload in base64, kept as they were sent.

source: fabric-rest-api-specs (ItemDefinition); recorded in microsoft/fabric-cli. What the service makes of a definition
(another format, default contents of an item that was made without one) is not done here: its own part `.platform` is.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from pbisetup.sandbox.fabric import shares
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.contents import Item
from pbisetup.sandbox.gate.request import GUID, Request
from pbisetup.sandbox.store import Object

PLATFORM: Final = ".platform"
_SCHEMA: Final = (
    "https://developer.microsoft.com/json-schemas/fabric/gitIntegration/platformProperties/2.0.0/schema.json"
)
_NO_LOGICAL_ID: Final = "00000000-0000-0000-0000-000000000000"


def read(value: Any) -> list[Object]:
    """The parts of a definition that was sent. Raises Refused."""
    if not isinstance(value, dict):
        raise Refused("definition_missing")
    parts = value.get("parts")
    if not isinstance(parts, list) or not parts:
        raise Refused("definition_parts_invalid")
    found = [_part(each) for each in parts]
    if len({each["path"] for each in found}) < len(found):
        raise Refused("definition_parts_invalid")
    return found


def keep(request: Request, entry: Object, parts: list[Object], *, metadata: bool) -> None:
    """Make these parts the item's definition; with `metadata`, its name and description those of `.platform`."""
    platform = next((_json(each) for each in parts if each["path"] == PLATFORM), None)
    entry["_definition"] = [each for each in parts if each["path"] != PLATFORM]
    entry["_updated"] = request.world.now().timestamp()
    if not isinstance(platform, dict):
        return
    config, given = platform.get("config"), platform.get("metadata")
    if isinstance(config, dict) and isinstance(config.get("logicalId"), str):
        entry["_logicalId"] = config["logicalId"]
    if metadata and isinstance(given, dict):
        for name in ("displayName", "description"):
            if isinstance(given.get(name), str):
                entry[name] = given[name]


def shown(found: Item) -> Object:
    """The definition with the part that the service writes itself."""
    about = {"type": found.type, "displayName": found.name}
    if found.entry.get("description"):
        about["description"] = found.entry["description"]
    config = {"version": "2.0", "logicalId": found.entry.get("_logicalId", _NO_LOGICAL_ID)}
    text = json.dumps({"$schema": _SCHEMA, "metadata": about, "config": config}, indent=2)
    own = {"path": PLATFORM, "payload": base64.b64encode(text.encode()).decode(), "payloadType": "InlineBase64"}
    return {"definition": {"parts": [*found.entry.get("_definition", []), own]}}


def connections(parts: list[Object]) -> list[str]:
    """The ids of the connections that a definition names, each once: `connection` in JSON, as pipelines write it, and
    `connectionId`.
    """
    found = [id_ for part in parts if part["path"] != PLATFORM for id_ in _named(_json(part))]
    return list(dict.fromkeys(found))


def check_connections(request: Request, type_: str, parts: list[Object]) -> None:
    """Refuse a pipeline with a connection that is not shared with the caller. Raises Refused.

    source: fabric-cicd#203, #300, #766. That only pipelines are checked when they are saved is inferred.
    """
    if type_ != "DataPipeline" or all(shares.role(request, id_) for id_ in connections(parts)):
        return
    plain = request.tenant.section("unknowns").get("connectionNotShared") == "unspecific"
    raise Refused("connection_not_shared_unspecific" if plain else "connection_not_shared")


def _part(value: Any) -> Object:
    if not isinstance(value, dict) or not all(
        isinstance(value.get(k), str) for k in ("path", "payload", "payloadType")
    ):
        raise Refused("definition_parts_invalid")
    if value["payloadType"] != "InlineBase64":
        raise Refused("payload_type_unsupported")
    try:
        base64.b64decode(re.sub(r"\s", "", value["payload"]), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("payload_corrupted") from None
    return {key: value[key] for key in ("path", "payload", "payloadType")}


def _json(part: Object) -> Any:
    try:
        return json.loads(base64.b64decode(part["payload"]))
    except (ValueError, RecursionError):
        return None


def _named(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            for key, inner in each.items():
                if key in ("connection", "connectionId") and isinstance(inner, str) and GUID.fullmatch(inner):
                    yield inner.lower()
                waiting.append(inner)
