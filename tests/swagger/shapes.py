"""What the public swagger says of Power BI's answers, and whether a real answer fits it.

`shapes.json` is the part of sdk/swaggers/swagger.json of microsoft/PowerBI-CSharp (2024-10-15, MIT) that describes the
answers of operations that the sandbox carries: structure only. `python -m tests.swagger.shapes SWAGGER.JSON` makes it anew.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pbisetup.catalog.operations import by_id

FILE = Path(__file__).with_name("shapes.json")
_KEPT = ("type", "format", "enum", "required", "items", "properties", "allOf", "$ref", "additionalProperties")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
BEYOND = {
    "@odata.context": "on every answer, recorded",
    "@odata.count": "on lists of workspaces, recorded",
    "type": "of workspaces, recorded",
    "datasetWorkspaceId": "of reports, recorded",
    "id": "of refreshes, powerbi-docs",
    "lastResultSet": "of the activity log, read by public clients",
    "hasWorkspaceLevelSettings": "of workspaces in admin lists, recorded",
}
"""Properties of real answers that the swagger does not know."""
NULL_AT_LAST = ("continuationUri", "continuationToken")
"""Null where there is no next page, as public clients read them; the swagger knows no null."""


@cache
def shapes() -> dict[str, Any]:
    """`answers`: schemas by operation and status; `definitions`: what they refer to."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def misfits(operation: str, status: int, body: Any) -> list[str]:
    """Where an answer is not what the swagger says; empty where it fits."""
    answers = shapes()["answers"][operation]
    if str(status) not in answers:
        return [f"{status} is none of {', '.join(answers)}"]
    schema = answers[str(status)]
    if schema is None:
        return [] if body is None else ["the body should be empty"]
    return list(_misfits("", schema, body))


def _misfits(where: str, schema: dict[str, Any], value: Any) -> list[str]:
    schema = _whole(schema)
    kind = schema.get("type") or ("object" if "properties" in schema else None)
    if kind is not None:
        fits = isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
        if not fits:
            return [f"{where or 'the body'} should be {kind}, is {json.dumps(value)[:60]}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is {value!r}, none of {', '.join(map(str, schema['enum']))}"]
    if schema.get("format") == "uuid" and not _GUID.fullmatch(value):
        return [f"{where} is no GUID: {value!r}"]
    if schema.get("format") == "date-time" and not _is_time(value):
        return [f"{where} is no time: {value!r}"]
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [each for index, one in enumerate(value) for each in _misfits(f"{where}[{index}]", inner, one)]
    return _object(where, schema, value) if isinstance(value, dict) else []


def _object(where: str, schema: dict[str, Any], value: dict[str, Any]) -> list[str]:
    # The swagger spells some names with a capital where the service does not; its own clients read either.
    known = {name.lower(): inner for name, inner in schema.get("properties", {}).items()}
    given = {name.lower() for name in value}
    found = [f"{where}.{name} is missing" for name in schema.get("required", []) if name.lower() not in given]
    for name, one in value.items():
        if name in NULL_AT_LAST and one is None:
            continue
        if name.lower() in known:
            found += _misfits(f"{where}.{name}", known[name.lower()], one)
        elif name not in BEYOND and known and not schema.get("additionalProperties"):
            found.append(f"{where}.{name} is unknown to the swagger")
    return found


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its references and parts put together."""
    if "$ref" in schema:
        return _whole(shapes()["definitions"][schema["$ref"]])
    parts = [_whole(part) for part in schema.get("allOf", [])]
    if not parts:
        return schema
    parts.append({key: value for key, value in schema.items() if key != "allOf"})
    whole: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for part in parts:
        whole["properties"].update(part.get("properties", {}))
        whole["required"] += part.get("required", [])
    return whole


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def extract(swagger: dict[str, Any], operations: set[str]) -> dict[str, Any]:
    """The answers of some operations, and the definitions that they need."""
    answers: dict[str, Any] = {}
    for methods in swagger["paths"].values():
        for operation in methods.values():
            id_ = operation.get("operationId") if isinstance(operation, dict) else None
            if id_ in operations:
                told = operation["responses"].items()
                answers[id_] = {s: _stripped(r["schema"]) if r.get("schema") else None for s, r in told if s[0] == "2"}
    needed: dict[str, Any] = {}
    waiting = set(_references(answers))
    while waiting:
        name = waiting.pop()
        needed[name] = _stripped(swagger["definitions"][name])
        waiting |= set(_references(needed[name])) - set(needed)
    return {
        "source": "microsoft/PowerBI-CSharp sdk/swaggers/swagger.json (2024-10-15, MIT): answers, structure only",
        "answers": dict(sorted(answers.items())),
        "definitions": dict(sorted(needed.items())),
    }


def _stripped(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    kept = {key: schema[key] for key in _KEPT if key in schema}
    if "$ref" in kept:
        return {"$ref": kept["$ref"].rpartition("/")[2]}
    if "properties" in kept:
        kept["properties"] = {name: _stripped(each) for name, each in kept["properties"].items()}
    if "allOf" in kept:
        kept["allOf"] = [_stripped(each) for each in kept["allOf"]]
    return kept | ({"items": _stripped(kept["items"])} if "items" in kept else {})


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        mine = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return mine + [each for inner in value.values() for each in _references(inner)]
    return [each for inner in value for each in _references(inner)] if isinstance(value, list) else []


def main() -> None:
    from pbisetup.sandbox import powerbi

    carried = {(route.method, route.path) for route in powerbi.carried}
    # Admin routes and capacities all, so that the next one carried needs no other file.
    wanted = {
        each.id
        for each in by_id("powerbi").values()
        if (each.method, each.path.partition("?")[0]) in carried or each.admin or "apacit" in each.id
    }
    found = extract(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), wanted)
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
