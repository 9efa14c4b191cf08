"""Errors of Graph's protocol layer: revoked tokens, throttling, queries and batches; `errors.py` joins them to
its table.

source: the page or issue named (concepts/* are pages of microsoft-graph-docs-contrib); "known" = general
knowledge, not looked up again; "guess" = nobody published it.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.graph.error_row import Row

_ADVANCED = "concepts/aad-advanced-queries.md"
_LIVE_BATCH = "bradleymarques/microslop_one_drive test/fixtures/batch*"

PROTOCOL_ERRORS: Final[dict[str, Row]] = {
    # Whole requests
    "revoked": Row(
        401,
        "InvalidAuthenticationToken",
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: {event}",
        "msgraph-sdk-dotnet#1416, Azure.Core's claims challenge tests (TokenIssuedBeforeRevocationTimestamp); "
        "that a disabled or deleted principal gets the same code: guess",
        "several sources",
    ),
    "throttled": Row(
        429,
        "TooManyRequests",
        "Too many requests.",
        "concepts/throttling-limits.md (status and headers), office-js#6619 (code); text guess",
        "several sources",
    ),
    "method_not_allowed": Row(
        405,
        "Request_BadRequest",
        "Specified HTTP method is not allowed for the request target.",
        "concepts/json-batching.md, its example response",
        "documented",
    ),
    "content_type_missing": Row(
        400,
        "BadRequest",
        "Write requests (excluding DELETE) must contain the Content-Type header declaration.",
        "several public logs, 2018 to 2025",
        "several sources",
    ),
    "content_type_other": Row(
        400,
        "BadRequest",
        "Entity only allows writes with a JSON Content-Type header.",
        "several public logs, 2021 to 2025",
        "several sources",
    ),
    "empty_payload": Row(
        400,
        "BadRequest",
        "Empty Payload. JSON content expected.",
        "n8n GroupDescription (microsoft entra node), which expects it of a PATCH",
        "several sources",
    ),
    # Query options: $filter
    "filter_syntax": Row(
        400, "BadRequest", "Invalid filter clause: {reason}", "several public logs", "several sources"
    ),
    "filter_property": Row(
        400,
        "BadRequest",
        "Invalid filter clause: Could not find a property named '{property}' on type 'microsoft.graph.{type}'.",
        "several public logs",
        "several sources",
    ),
    "filter_types": Row(
        400,
        "BadRequest",
        "Invalid filter clause: A binary operator with incompatible types was detected. Found operand types "
        "'{left}' and '{right}' for operator kind '{operator}'.",
        "known (OData library)",
        "one source",
    ),
    "filter_operator": Row(
        400,
        "Request_UnsupportedQuery",
        "Operator '{operator}' is not supported because the required parameters might be missing. Try adding "
        "$count=true query parameter and ConsistencyLevel:eventual header. Refer to "
        "https://aka.ms/graph-docs/advanced-queries for more information",
        f"{_ADVANCED} (for endsWith; the other operators' names in it: guess)",
        "documented",
    ),
    "query_unsupported": Row(
        400,
        "Request_UnsupportedQuery",
        "Unsupported or invalid query filter clause specified for property '{property}' of resource '{resource}'.",
        _ADVANCED,
        "documented",
    ),
    "filter_clauses": Row(
        400,
        "Request_UnsupportedQuery",
        "Too many child clauses specified in search filter expression containing 'OR' operators: {count}. Max "
        "allowed: {most}.",
        "a published script with the service's answer of 2019-12; for `in`: guess",
        "observed",
    ),
    # Query options: the others
    "query_property": Row(
        400,
        "BadRequest",
        "Could not find a property named '{property}' on type 'microsoft.graph.{type}'.",
        "known",
        "one source",
    ),
    "select_property": Row(
        400,
        "BadRequest",
        "Parsing OData Select and Expand failed: Could not find a property named '{property}' on type "
        "'microsoft.graph.{type}'.",
        "microsoft-graph-docs-contrib#4529, msgraph-sdk-powershell#2103",
        "several sources",
    ),
    "select_term": Row(
        400,
        "BadRequest",
        "Parsing OData Select and Expand failed: Term '{term}' is not valid in a $select or $expand expression.",
        "msgraph-sdk-dotnet#1181, #2376",
        "several sources",
    ),
    "expand_not_navigation": Row(
        400,
        "BadRequest",
        "Parsing OData Select and Expand failed: Property '{property}' on type 'microsoft.graph.{type}' is not a "
        "navigation property or complex property. Only navigation properties can be expanded.",
        "known (OData library)",
        "one source",
    ),
    "expand_many": Row(
        400,
        "BadRequest",
        "The result of parsing $expand contained at least {count} items, but the maximum allowed is 1.",
        "microsoft-graph-docs#96",
        "observed",
    ),
    "expand_option": Row(
        400,
        "Request_BadRequest",
        "Invalid {option} properties.",
        "microsoft-graph-docs#12838 (for $select; for the other nested options: guess)",
        "observed",
    ),
    "expand_unsupported": Row(
        400,
        "Request_UnsupportedQuery",
        "Expand of '{property}' is not supported for '{resource}' with this query.",
        f"{_ADVANCED} (rule: $expand is not supported with advanced queries); text guess",
        "inferred",
    ),
    "order_query": Row(
        400,
        "Request_UnsupportedQuery",
        "Sorting not supported for current query.",
        "microsoft-graph-docs#13762: $filter with $orderby and no advanced query parameters",
        "observed",
    ),
    "order_property": Row(
        400,
        "Request_UnsupportedQuery",
        "Unsupported sort property '{property}' for '{resource}'.",
        "microsoft-graph-docs#20427",
        "observed",
    ),
    "order_resource": Row(
        400,
        "Request_UnsupportedQuery",
        "Sorting not supported for '{resource}'.",
        "microsoft-graph-docs#20330 (for Device; for other types: guess)",
        "observed",
    ),
    "search_header": Row(
        400,
        "Request_UnsupportedQuery",
        "Request with $search query parameter only works through MSGraph with a special request header: "
        "'ConsistencyLevel: eventual'",
        _ADVANCED,
        "documented",
    ),
    "search_syntax": Row(400, "BadRequest", "Syntax error: {reason}", "known", "one source"),
    "count_header": Row(400, "Request_BadRequest", "$count is not currently supported.", _ADVANCED, "documented"),
    "skip": Row(
        400,
        "Request_BadRequest",
        "'$skip' is not supported by the service.",
        "msgraph-metadata#135, msgraph-sdk-dotnet#348",
        "several sources",
    ),
    "page_size": Row(
        400,
        "Request_UnsupportedQuery",
        "Invalid page size specified: '{size}'. Must be between 1 and 999 inclusive.",
        "steampipe-plugin-azuread, a comment with the service's answer",
        "several sources",
    ),
    "top_value": Row(
        400,
        "BadRequest",
        "Invalid value '{value}' for $top query option found. The $top query option requires a non-negative "
        "integer value.",
        "known (OData library)",
        "one source",
    ),
    "count_value": Row(
        400,
        "BadRequest",
        "Invalid value '{value}' for $count query option found. Valid values are 'true' and 'false'.",
        "known (OData library)",
        "one source",
    ),
    "query_value": Row(
        400,
        "BadRequest",
        "Invalid value for query option '{option}'.",
        "known (code); text guess",
        "inferred",
    ),
    "page_token": Row(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
        "known",
        "one source",
    ),
    # Batches
    "batch_format": Row(400, "BadRequest", "Invalid batch payload format.", _LIVE_BATCH, "live"),
    "batch_id": Row(400, "BadRequest", "Request Id {id} has to be unique in a batch.", _LIVE_BATCH, "live"),
    "batch_size": Row(400, "BadRequest", "Number of requests inside batch exceed the limit.", _LIVE_BATCH, "live"),
    "batch_dependency": Row(
        400,
        "BadRequest",
        "Invalid dependency for request Id {id}.",
        "msgraph-sdk-dotnet-core#891: also where the request depended on comes later (text cut short there)",
        "observed",
    ),
    "batch_write": Row(
        400,
        "BadRequest",
        "Write request id : {id} does not contain Content-Type header or body.",
        "pnp/pnpcore, a comment on teams/{id}/unarchive",
        "observed",
    ),
    "batch_nested": Row(
        400,
        "BadRequest",
        "A batch request cannot contain a batch request.",
        "msgraph-sdk-design BatchRequestContent (rule); code and text guess",
        "inferred",
    ),
    "dependency_failed": Row(
        424,
        "FailedDependency",
        "The request was not executed because a request it depends on failed.",
        "concepts/json-batching.md (status); code and text guess",
        "documented",
    ),
}
