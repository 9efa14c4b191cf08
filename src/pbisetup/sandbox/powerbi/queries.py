"""`executeQueries`: who may ask a semantic model, and a small honest answer.

This tenant has no engine for DAX. A model answers a query whose very text stands in its `_answers` ({query: rows}), and a
scan of one whole table, `EVALUATE Sales` or `EVALUATE 'Sales'`, from `_tables` ({name: rows}); any other query fails as a
query that DAX refuses. Further state of a model: `isEffectiveIdentityRequired` (row-level security), `_sso` (true where its
source is asked as the person who asks, so that no service principal can).

source: powerbi-swagger.json (Datasets_ExecuteQueriesInGroup and its limitations); public recordings of answers.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.content import Found, dataset, pair, running
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

MOST_ROWS: Final = 100_000
_SCAN: Final = re.compile(r"EVALUATE\s+(?:'((?:[^']|'')+)'|(\w+))\s*;?", re.IGNORECASE)
_FAILED: Final = "Failed to execute the DAX query."
# Numbers of Analysis Services. source: public recordings: refused here (INFO functions and others).
_REFUSED: Final = "3239575574"


def execute(request: Request) -> Reply:
    """Rows of one query, or the refusal that an unknown model and a missing Build permission share."""
    id_ = request.call.params["datasetId"]
    try:
        found = dataset(request)
    except Refused:
        raise Refused("build_missing", dataset=id_) from None
    if "Explore" not in found.rights:
        raise Refused("build_missing", dataset=id_)
    running(request, found)
    body = request.call.json()
    query, include_nulls = _query(body)
    person = body.get("impersonatedUserName")
    if person is not None and (not isinstance(person, str) or not _known(request, person)):
        raise Refused("input_invalid")
    if request.is_app and found.item.get("isEffectiveIdentityRequired") and person is None:
        raise Refused("rls_of_an_app")
    if request.is_app and found.item.get("_sso"):
        raise Refused("sso_of_an_app")
    rows = _rows(found, query)
    shown = [{k: v for k, v in row.items() if include_nulls or v is not None} for row in rows[:MOST_ROWS]]
    result: Object = {"tables": [{"rows": shown}]}
    if len(rows) > MOST_ROWS:
        result["error"] = {
            "code": "QueryResultTooLarge",  # guess; the text is documented
            "message": f"More than {MOST_ROWS} rows in a query result",
        }
    return Reply(200, {"results": [result]})


def _query(body: Object) -> tuple[str, bool]:
    """The one query of a body, and whether nulls are wanted. Raises Refused."""
    queries, settings = body.get("queries"), body.get("serializerSettings") or {}
    if not isinstance(queries, list) or len(queries) != 1 or not isinstance(settings, dict):
        raise Refused("input_invalid")
    query = queries[0].get("query") if isinstance(queries[0], dict) else None
    if not isinstance(query, str) or not query.strip():
        raise Refused("input_invalid")
    return query.strip(), settings.get("includeNulls") is True


def _known(request: Request, name: str) -> bool:
    return request.tenant.users.by("userPrincipalName", name) is not None


def _rows(found: Found, query: str) -> list[Object]:
    answers: dict[str, list[Object]] = found.item.get("_answers", {})
    for text, rows in answers.items():
        if text.strip() == query:
            return rows
    scan = _SCAN.fullmatch(query)
    if scan is None:
        raise Refused("query_failed", detail=_FAILED, number=_REFUSED)
    name = (scan[1] or scan[2]).replace("''", "'")
    tables: dict[str, list[Object]] = found.item.get("_tables", {})
    for table, rows in tables.items():
        if table.lower() == name.lower():
            return [{_column(table, key): value for key, value in row.items()} for row in rows]
    position = query.lower().index(name.lower()[:1], len("evaluate")) + 1
    detail = f"Query (1, {position}) The table '{name}' cannot be found."
    raise Refused("query_failed", detail=detail, number=_REFUSED)


def _column(table: str, name: Any) -> str:
    """Columns of a table carry its name (source: swagger)."""
    return f"{table}[{name}]"


routes: Final[list[Route]] = pair(
    "Datasets_ExecuteQueries", execute, "Viewer", capacity=True, settings=(access.EXECUTE_QUERIES,)
)
