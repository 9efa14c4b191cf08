"""What of a state Power BI reads: workspaces with their content, My workspaces, gateways, profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.access import ROLES
from pbisetup.sandbox.activity import made


@dataclass(frozen=True)
class _Named:
    """An object whose values all have one shape, whatever their names."""

    shape: Any


@dataclass(frozen=True)
class _OneOf:
    values: tuple[str, ...]


# A shape: "text", "flag", "number", with `?` also null; a list of one shape; an object of shapes, whose keys are optional
# but for those that end in `!`. Keys that are not named here may hold anything.
_USERS: Final = [{"identifier": "text?"}]
_CONTENT: Final[dict[str, Any]] = {
    "reports": [
        {"id!": "text", "name": "text?", "datasetId": "text?", "_pages": [{"name!": "text"}], "_users": _USERS},
    ],
    "datasets": [
        {
            "id!": "text",
            "name": "text?",
            "configuredBy": "text?",
            "addRowsAPIEnabled": "flag",
            "_owner": "text?",
            "_sso": "flag",
            "_users": _USERS,
            "_datasources": [{"gatewayId": "text?", "datasourceId": "text?", "_credentialsOf": "text?"}],
            "_parameters": [{"name!": "text"}],
            "_refreshes": [{"requestId": "text?", "_ends": "number", "_problem": ["text"]}],
            "_refreshSchedule": {},
            "_tables": _Named([{}]),
            "_answers": _Named([{}]),
            "_measures": [{"name!": "text", "table!": "text", "expression!": "text"}],
            "_expressions": [{}],
        },
    ],
    "dataflows": [
        {"objectId!": "text", "name": "text?", "_users": _USERS, "_datasources": [{"datasourceId": "text?"}]},
    ],
    "dashboards": [{"id!": "text", "_tiles": [{"id!": "text", "datasetId": "text?"}], "_users": _USERS}],
    "imports": [{"id!": "text"}],
}
_ADMINISTRATION: Final[dict[str, Any]] = {
    "_modified": "number",
    "_capacityAssignment": {"at!": "number", "activityId!": "text"},
}
_COLLECTIONS: Final[dict[str, Any]] = {
    "workspaces": {
        "displayName!": "text",
        "capacityId": "text?",
        "classic": "flag",
        "description": "text?",
        "app": {"id!": "text", "_users": _USERS},
        **_ADMINISTRATION,
        "roleAssignments": [{"principal!": {"id!": "text"}, "role!": _OneOf(ROLES)}],
        **_CONTENT,
    },
    "capacities": {"displayName": "text?", "state": "text?", "admins": ["text"], "contributors": ["text"]},
    "users": {"myWorkspace": {"id": "text?", "capacityId": "text?", **_ADMINISTRATION, **_CONTENT}},
    "gateways": {
        "name": "text?",
        "admins": ["text"],
        "datasources": [
            {
                "id!": "text",
                "users": [{"identifier": "text?", "emailAddress": "text?"}],
                "datasourceName": "text?",
            }
        ],
    },
    "profiles": {"displayName": "text?", "servicePrincipalId!": "text"},
}
_SCANS: Final = _Named({"at!": "number", "ends!": "number", "workspaces!": ["text"], "flags!": _Named("flag")})
_AZURE: Final = {
    "subscriptions": [{"id!": "text", "displayName": "text?", "roleAssignments": [{"principalId!": "text"}]}],
}
_WORDS: Final = {"text": "a text", "flag": "true or false", "number": "a number"}


def content_problems(state: dict[str, Any]) -> list[str]:
    """What is wrong; empty when nothing is. The collections must be lists of objects with ids already."""
    found = [
        problem
        for collection, shape in _COLLECTIONS.items()
        for index, item in enumerate(state.get(collection, []))
        for problem in _problems(f"{collection}[{index}]", item, shape)
    ]
    found += _problems("scans", state.get("scans", {}), _SCANS)
    found += _problems("azure", state.get("azure", {}), _AZURE)
    return found + [
        f"activityEvents[{index}].CreationTime must be a time such as 2027-01-31T00:00:00"
        for index, item in enumerate(state.get("activityEvents", []))
        if not _has_happened(item)
    ]


def _has_happened(event: dict[str, Any]) -> bool:
    try:
        return made(event) >= 0
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def _problems(where: str, value: Any, shape: Any) -> list[str]:
    if isinstance(shape, _OneOf):
        return [] if value in shape.values else [f"{where} must be one of {', '.join(shape.values)}"]
    if isinstance(shape, str):
        return [] if _plain(value, shape) else [f"{where} must be {_WORDS[shape.rstrip('?')]}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} must be a list"]
        return [p for index, each in enumerate(value) for p in _problems(f"{where}[{index}]", each, shape[0])]
    if not isinstance(value, dict):
        return [f"{where} must be an object"]
    if isinstance(shape, _Named):
        return [p for name, each in value.items() for p in _problems(f"{where}.{name}", each, shape.shape)]
    found = []
    for key, inner in shape.items():
        name = key.rstrip("!")
        if name in value:
            found += _problems(f"{where}.{name}", value[name], inner)
        elif key.endswith("!"):
            found.append(f"{where} must have {name}")
    return found


def _plain(value: Any, shape: str) -> bool:
    if value is None:
        return shape.endswith("?")
    kind = shape.rstrip("?")
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, bool if kind == "flag" else str)
