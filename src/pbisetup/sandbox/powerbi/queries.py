"""`executeQueries`: who may ask a semantic model, and a small honest answer.

This tenant has no engine for DAX. A model answers a query whose very text stands in its `_answers` ({query: rows}), one of
a whole table (`EVALUATE Sales`, `VALUES('Sales')`, `DISTINCT(Sales)`) from `_tables` ({name: rows}), and one that holds its
rows itself (`ROW("a", 1)`, `{1}`). What is no DAX, names a table that the model lacks, or calls INFO functions fails as the
service's own would; any other query is not carried, and says so. Further state of a model: `isEffectiveIdentityRequired`
(row-level security), `_sso` (true where its source is asked as the person who asks, so that no service principal can).

source: powerbi-swagger.json (Datasets_ExecuteQueriesInGroup and its limitations); public recordings of answers.
"""

from __future__ import annotations

import json
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.gate.door import not_carried
from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi import dax
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.content import Found, dataset, pair, running
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

MOST_ROWS: Final = 100_000
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
    body = given.read(request)
    query, include_nulls = _query(body)
    person = given.optional_text(body, "impersonatedUserName")
    if person and not _known(request, person):
        raise given.invalid("impersonatedUserName")
    if request.is_app and found.item.get("isEffectiveIdentityRequired") and not person:
        raise Refused("rls_of_an_app")
    if request.is_app and found.item.get("_sso"):
        raise Refused("sso_of_an_app")
    rows = _rows(found, query)
    if rows is None:
        return not_carried(request, "The caller may ask this model", "such a query: it has no engine for DAX")
    shown = [{k: v for k, v in row.items() if include_nulls or v is not None} for row in rows[:MOST_ROWS]]
    result: Object = {"tables": [{"rows": shown}]}
    if len(rows) > MOST_ROWS:
        result["error"] = {
            "code": "QueryResultTooLarge",  # guess; the text is documented
            "message": f"More than {MOST_ROWS} rows in a query result",
        }
    return Reply(200, {"results": [result]})


def _query(body: Fields) -> tuple[str, bool]:
    """The one query of a body, and whether nulls are wanted. Raises Refused."""
    queries, settings = given.objects(body, "queries"), body.get("serializerSettings")
    if len(queries) != 1:
        raise given.invalid("queries")
    if settings is not None and not isinstance(settings, Fields):
        raise given.invalid("serializerSettings")
    return given.text(queries[0], "query").strip(), given.flag(settings or Fields(), "includeNulls")


def _known(request: Request, name: str) -> bool:
    return request.tenant.users.by("userPrincipalName", name) is not None


def _rows(found: Found, query: str) -> list[Object] | None:
    """The rows; None for a query that only an engine could run. Raises Refused."""
    answers: dict[str, list[Object]] = found.item.get("_answers", {})
    for text, rows in answers.items():
        if text.strip() == query:
            return rows
    read = dax.read(query)
    if read is None or read.asks_for_schema:
        raise Refused("query_failed", detail=_FAILED, number=_REFUSED)
    if "_tables" not in found.item:
        return read.constant  # nobody knows which tables it has
    held: dict[str, list[Object]] = found.item["_tables"]
    tables = {name.lower(): (name, rows) for name, rows in held.items()}
    scan = read.scanned
    for name in read.named_tables if scan is None else [scan[0]]:
        if name.lower() not in tables:
            raise Refused("query_failed", detail=_not_found(query, name), number=_REFUSED)
    if scan is None:
        return read.constant
    table, rows = tables[scan[0].lower()]
    shown = [{_column(table, key): value for key, value in row.items()} for row in rows]
    return list({json.dumps(row): row for row in shown}.values()) if scan[1] else shown


def _not_found(query: str, name: str) -> str:
    """Where a table is named that the model lacks: line and column, as recorded for the first line."""
    at = max(query.lower().find(name.lower(), len("evaluate")), 0)
    at -= query[at - 1 : at] == "'"
    line = query.count("\n", 0, at) + 1
    return f"Query ({line}, {at - query.rfind(chr(10), 0, at)}) The table '{name}' cannot be found."


def _column(table: str, name: Any) -> str:
    """Columns of a table carry its name (source: swagger)."""
    return f"{table}[{name}]"


routes: Final[list[Route]] = pair(
    "Datasets_ExecuteQueries", execute, "Viewer", capacity=True, settings=(access.EXECUTE_QUERIES,)
)
