"""The types of items: what each is called in a path, how its calls are answered, what it needs.

source: which types and paths there are, and whether a service principal may: fabric-rest-api-specs, through the catalogue of
operations (its ItemType, less SQLEndpoint's own routes); which calls take a long-running operation: recorded in
microsoft/fabric-cli (2025-09 to 2026-06), for the types named in the two sets below; the rest answers at once (guess).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from pbisetup.catalog.operations import Operation, by_id

NAMES: Final = (
    "Dashboard", "Report", "SemanticModel", "PaginatedReport", "Datamart", "Lakehouse", "Eventhouse", "Environment",
    "KQLDatabase", "KQLQueryset", "KQLDashboard", "DataPipeline", "Notebook", "SparkJobDefinition", "MLExperiment",
    "MLModel", "Warehouse", "Eventstream", "SQLEndpoint", "MirroredWarehouse", "MirroredDatabase", "Reflex", "GraphQLApi",
    "MountedDataFactory", "SQLDatabase", "CopyJob", "VariableLibrary", "Dataflow", "ApacheAirflowJob",
    "WarehouseSnapshot", "DigitalTwinBuilder", "DigitalTwinBuilderFlow", "MirroredAzureDatabricksCatalog", "Map",
    "AnomalyDetector", "UserDataFunction", "GraphModel", "GraphQuerySet", "SnowflakeDatabase", "OperationsAgent",
    "CosmosDBDatabase", "Ontology", "EventSchemaSet", "DataAgent", "MirroredCatalog", "AppBackend", "OrgApp",
    "OrgAppAudience", "DataBuildToolJob", "AzureDatabricksStorage", "Plan",
)  # fmt: skip

_LONG_TO_MAKE: Final = {
    "CosmosDBDatabase", "DigitalTwinBuilder", "Eventstream", "KQLDatabase", "MLExperiment", "MLModel", "Notebook",
    "Report", "SemanticModel", "SQLDatabase", "Warehouse",
}  # fmt: skip
_LONG_TO_MAKE_FROM_A_DEFINITION: Final = {
    *_LONG_TO_MAKE, "DigitalTwinBuilderFlow", "Environment", "Eventhouse", "Lakehouse", "Map", "UserDataFunction",
}  # fmt: skip
_LONG_TO_DEFINE: Final = {
    "CosmosDBDatabase", "DigitalTwinBuilder", "DigitalTwinBuilderFlow", "Environment", "Eventhouse", "GraphQLApi",
    "GraphQuerySet", "KQLDatabase", "Map", "Notebook", "Report", "SQLDatabase", "SemanticModel", "UserDataFunction",
    "VariableLibrary",
}  # fmt: skip
_LONG_TO_REDEFINE: Final = {*_LONG_TO_DEFINE, "Lakehouse"}

WITHOUT_CAPACITY: Final = {"Dashboard", "Report", "SemanticModel", "PaginatedReport", "Datamart"}
"""Items of Power BI, which need a licence and no capacity (source: fabric-rest-api-specs, Items - Create Item; which types
these are is inferred).
"""
NEEDS_DEFINITION: Final = {"Report", "SemanticModel"}
"""Cannot be made without a definition (source: fabric-rest-api-specs, where it is required)."""
MADE_BY_OTHERS: Final = {"Dashboard", "Datamart", "SQLEndpoint", "MirroredWarehouse"}
"""Nobody makes one by this API: it lists them only (source: fabric-rest-api-specs)."""
WITH_CONNECTIONS: Final = {
    "Report", "SemanticModel", "DataPipeline", "Notebook", "Dataflow", "CopyJob", "Lakehouse", "PaginatedReport", "Reflex",
    "Eventstream", "MirroredDatabase", "Environment", "SparkJobDefinition",
}  # fmt: skip
"""Whose connections can be listed (recorded in microsoft/fabric-cli: not a warehouse's; which others not is a guess)."""


@dataclass(frozen=True)
class ItemType:
    """One type of item."""

    name: str
    folder: str | None
    """Its collection below the workspace, as the catalogue writes it; None where it has none."""
    operations: dict[str, Operation]
    """Its own operations by what they do: list, create, get, update, delete, getDefinition, updateDefinition."""

    @property
    def closed_to_apps(self) -> bool:
        """Whether a service principal may not make one (source: the operation for this type)."""
        return self.name in MADE_BY_OTHERS or ("create" in self.operations and self.operations["create"].app == "no")

    def long(self, what: str, *, defined: bool = False) -> bool:
        """Whether a call is answered with a long-running operation."""
        found = {
            "create": _LONG_TO_MAKE_FROM_A_DEFINITION if defined else _LONG_TO_MAKE,
            "getDefinition": _LONG_TO_DEFINE,
            "updateDefinition": _LONG_TO_REDEFINE,
        }
        return self.name in found[what]


_PATH: Final = re.compile(
    r"/v1/workspaces/\{workspaceId\}/(?P<folder>\w+)(?P<one>/\{\w+\}(?P<action>/getDefinition|/updateDefinition)?)?"
)
_PLAIN: Final = {
    ("GET", False): "list",
    ("POST", False): "create",
    ("GET", True): "get",
    ("PATCH", True): "update",
    ("DELETE", True): "delete",
}


@cache
def item_types() -> dict[str, ItemType]:
    """All of them, by their name in lower case."""
    found: dict[str, tuple[str, dict[str, Operation]]] = {}
    wanted = {name.lower(): name for name in NAMES}
    for operation in by_id("fabric").values():
        name = wanted.get(operation.id.partition(".")[0].lower())
        match = _PATH.fullmatch(operation.path)
        if name and match:
            action = match["action"]
            what = action[1:] if action else _PLAIN[operation.method, bool(match["one"])]
            found.setdefault(name, (match["folder"], {}))[1][what] = operation
    return {name.lower(): ItemType(name, *found.get(name, (None, {}))) for name in NAMES}


def named(text: object) -> ItemType | None:
    """The type of this name, without regard to case."""
    return item_types().get(text.lower()) if isinstance(text, str) else None
