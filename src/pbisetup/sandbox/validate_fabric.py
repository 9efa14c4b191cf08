"""What of a state Fabric reads: what lies in workspaces, policies, connections, operations."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.access import CONNECTION_ROLES, GATEWAY_ROLES
from pbisetup.sandbox.shapes import MOMENT, Maybe, Named, Number, OneOf, misfits
from pbisetup.sandbox.validate_content import assignments

_PART: Final = {"path!": "text", "payload!": "text", "payloadType!": "text"}
_SIDE: Final = Maybe({"publicAccessRules": Maybe({"defaultAction": OneOf(("Allow", "Deny"))})})
COLLECTIONS: Final[dict[str, Any]] = {
    "workspaces": {
        "items": [
            {
                **dict.fromkeys(("id!", "type!", "displayName!"), "text"),
                **dict.fromkeys(("description", "folderId"), "text?"),
                "_definition": [_PART],
                "_appears": MOMENT,
                "_updated": MOMENT,
            }
        ],
        "folders": [{"id!": "text", "displayName!": "text", "parentFolderId": "text?"}],
        "_heldNames": [{"type!": "text", "name!": "text", "until!": MOMENT}],
        "workspaceIdentity": Maybe("object"),
        "gitProviderDetails": Maybe("object"),
        "communicationPolicy": Maybe({"inbound": _SIDE, "outbound": _SIDE}),
    },
    "connections": {
        "displayName": "text?",
        **dict.fromkeys(("allowConnectionUsageInGateway", "allowUsageInUserControlledCode"), "flag?"),
        "roleAssignments": Maybe(assignments(CONNECTION_ROLES)),
    },
    "gateways": {"displayName": "text?", "roleAssignments": Maybe(assignments(GATEWAY_ROLES))},
}
_OPERATION: Final = {
    "result!": "any",
    "began!": MOMENT,
    "until!": MOMENT,
    "retryAfter!": Number(0, 10**9, "seconds"),
}


def fabric_problems(state: dict[str, Any]) -> list[str]:
    """Every problem in words. Call when the state's collections are lists of objects with an id."""
    found = [
        problem
        for collection, shape in COLLECTIONS.items()
        for index, item in enumerate(state.get(collection, []))
        for problem in misfits(f"{collection}[{index}]", item, shape)
    ]
    return found + misfits("operations", state.get("operations", {}), Named(_OPERATION))
