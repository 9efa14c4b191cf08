"""What of a state Power BI reads: tenant settings, capacities, workspaces with their content, gateways, profiles."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.access import ROLES
from pbisetup.sandbox.activity import made
from pbisetup.sandbox.shapes import LARGEST, MOMENT, Maybe, Named, OneOf, misfits

PRINCIPALS: Final = ("User", "Group", "ServicePrincipal", "ServicePrincipalProfile", "EntireTenant")
"""What a principal of a role assignment can be (source: fabric-rest-api-specs, PrincipalType)."""
# source: Power BI swagger, Capacity.state; Inactive: Fabric (recorded in microsoft/fabric-cli); Paused: Azure.
_CAPACITY_STATES: Final = (
    "Active", "NotActivated", "Provisioning", "ProvisionFailed", "PreSuspended", "Suspended", "Deleting", "Deleted",
    "Invalid", "UpdatingSku", "Inactive", "Paused",
)  # fmt: skip
_GROUPS: Final = Maybe([{"graphId!": "guid", "name!": "text"}])
_ACTS: Final[dict[str, Any]] = {
    "enabled!": "flag",
    "enabledSecurityGroups": _GROUPS,
    "excludedSecurityGroups": _GROUPS,
}
_USERS: Final = [{"identifier": "text?"}]
# A flag that were a text would count as set, whatever it says.
_FLAGS: Final = dict.fromkeys(
    ("addRowsAPIEnabled", "isRefreshable", "isEffectiveIdentityRequired", "isEffectiveIdentityRolesRequired",
     "isOnPremGatewayRequired", "_sso"), "flag"
)  # fmt: skip
_CONTENT: Final[dict[str, Any]] = {
    "reports": [
        {"id!": "text", "name": "text?", "datasetId": "text?", "_pages": [{"name!": "text"}], "_users": _USERS},
    ],
    "datasets": [
        {
            "id!": "text",
            "name": "text?",
            "configuredBy": "text?",
            "targetStorageMode": "text?",
            **_FLAGS,
            "_owner": "text?",
            "_users": _USERS,
            "_datasources": [{"gatewayId": "text?", "datasourceId": "text?", "_credentialsOf": "text?"}],
            "_parameters": [{"name!": "text"}],
            "_refreshes": [{"requestId": "text?", "_ends": MOMENT, "_problem": ["text"]}],
            "_refreshSchedule": {},
            "_tables": Named([{}]),
            "_answers": Named([{}]),
            "_measures": [{"name!": "text", "table!": "text", "expression!": "text"}],
            "_expressions": [{}],
        },
    ],
    "dataflows": [
        {"objectId!": "text", "name": "text?", "_users": _USERS, "_datasources": [{"datasourceId": "text?"}]},
    ],
    "dashboards": [
        {"id!": "text", "isReadOnly": "flag", "_tiles": [{"id!": "text", "datasetId": "text?"}], "_users": _USERS}
    ],
    "imports": [{"id!": "text"}],
}


def assignments(roles: tuple[str, ...]) -> list[Any]:
    """The shape of the role assignments of something that has these roles."""
    who = {"id!": "text", "type!": OneOf(PRINCIPALS)}
    return [{"id": "text", "principal!": who, "role!": OneOf(roles), "_since": MOMENT}]


_ADMINISTRATION: Final[dict[str, Any]] = {
    "_modified": MOMENT,
    "_capacityAssignment": {"at!": MOMENT, "activityId!": "text"},
}
COLLECTIONS: Final[dict[str, Any]] = {
    "tenantSettings": {
        **_ACTS,
        **dict.fromkeys(("title", "tenantSettingGroup"), "text?"),
        "canSpecifySecurityGroups": "flag",
        "properties": Maybe([{"name!": "text", "type!": "text"}]),
        "_before": {**_ACTS, "until!": MOMENT},
    },
    "workspaces": {
        "displayName!": "text",
        "capacityId": "text?",
        "classic": "flag",
        "description": "text?",
        "app": {"id!": "text", "_users": _USERS},
        **_ADMINISTRATION,
        "type": "text?",
        "roleAssignments": assignments(ROLES),
        **_CONTENT,
    },
    "capacities": {
        **dict.fromkeys(("displayName", "sku", "region"), "text?"),
        "state": OneOf(_CAPACITY_STATES),
        "admins": ["text"],
        "contributors": ["text"],
    },
    "users": {"myWorkspace": {"id": "text?", "capacityId": "text?", **_ADMINISTRATION, **_CONTENT}},
    "gateways": {
        "name": "text?",
        "admins": ["text"],
        "datasources": [
            {
                "id!": "text",
                "users": [{"identifier": "text?", "emailAddress": "text?"}],
                "datasourceName": "text?",
                "_credentials": OneOf(("missing", "wrong"), null=True),
            }
        ],
    },
    "profiles": {"displayName": "text?", "servicePrincipalId!": "text"},
}
_SCANS: Final = Named({"at!": MOMENT, "ends!": MOMENT, "workspaces!": ["text"], "flags!": Named("flag")})
_AZURE: Final = {
    "subscriptions": [{"id!": "text", "displayName": "text?", "roleAssignments": [{"principalId!": "text"}]}],
}


def content_problems(state: dict[str, Any]) -> list[str]:
    """What is wrong; empty when nothing is. The collections must be lists of objects with ids already."""
    found = [
        problem
        for collection, shape in COLLECTIONS.items()
        for index, item in enumerate(state.get(collection, []))
        for problem in misfits(f"{collection}[{index}]", item, shape)
    ]
    found += misfits("scans", state.get("scans", {}), _SCANS)
    found += misfits("azure", state.get("azure", {}), _AZURE)
    return found + [
        f"activityEvents[{index}].CreationTime must be a time such as 2027-01-31T00:00:00"
        for index, item in enumerate(state.get("activityEvents", []))
        if not _has_happened(item)
    ]


def _has_happened(event: dict[str, Any]) -> bool:
    try:
        return 0 <= made(event) <= LARGEST
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
