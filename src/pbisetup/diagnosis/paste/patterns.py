"""What numbers, statuses, codes, audiences and scopes look like in the output of programs: one row each."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from pbisetup.model.signal import Kind

_STATUS = r"(?P<value>[1-5]\d\d)\b"
_REFUSAL = r"(?P<value>40[0134]|407|409|415|429|50[0234])"
_WORD = (
    r"(?:unauthori[sz]ed|forbidden|not ?found|bad ?request|too many|proxy auth|internal server|service unavailable"
    r"|not authori[sz]ed|client error|server error|gateway timeout|conflict)"
)
_RESOURCE = r"(?P<value>(?:https?|api)(?:://|%3A%2F%2F)[^'\"\s&,;\])}]{4,300})"
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CODE = r"(?P<value>[A-Za-z][A-Za-z_]{3,80})(?![\w.])"

_WRITTEN: Final[tuple[tuple[Kind, str], ...]] = (
    ("aadsts", r"AADSTS-?(?P<value>\d{4,9})"),
    ("aadsts", r"error_?codes?['\"]?\W{1,8}(?P<value>\d{5,8})\b"),
    ("aadsts", r"sign-?in error code\W{1,6}(?P<value>\d{4,9})"),
    ("aadsts", r"microsoftonline\.(?:com|us)/error\?code=(?P<value>\d{4,9})"),
    (
        "oauth_error",
        r"\b(?P<value>invalid_(?:client|grant|scope|resource|request|token)|unauthorized_client|interaction_required"
        r"|consent_required|unsupported_grant_type|login_required|insufficient_claims)\b",
    ),
    # -- statuses ----------------------------------------------------------------------------------------------------
    ("status", r"HTTP(?:/[\d.]+)?['\"]? ?(?:error|status)?(?: ?code)?[:= ]{0,3}" + _STATUS),
    ("status", r"status[ _-]?code['\"]?(?: does not indicate success)?[^\w\n]{1,6}" + _STATUS),
    ("status", r"(?:does not indicate success|correcto|réussite|erfolg\w*|sucesso|successo): ?" + _STATUS),
    ("status", r"status(?:text)?['\"]?\s?[:=]\s?['\"]?" + _STATUS),
    ("status", rf"\({_REFUSAL}\)"),
    ("status", r"(?:server returned an error|returned|response|error|failed with|failed|got|code|->)\W{1,6}\(?"
        + _REFUSAL + r"(?=\W{0,3}(?:" + _WORD[3:-1] + r"|\)|$|[.,;{\v\n]))"),
    ("status", rf"\b{_REFUSAL}\b[ -]{{1,2}}\(?{_WORD}"),
    ("status", rf"^[ \t]{{0,8}}{_REFUSAL}\b(?=[ \t]{{0,4}}(?:\{{|$|The |: ))"),
    ("status", rf"\b{_REFUSAL}\b(?= (?:for|from|on) (?:url|http|/))"),
    ("status", rf"\b{_REFUSAL}\b(?: \w+){{0,2}} (?:response|status|error)\b"),
    ("status", r"invalid status code ['\"`]?(?P<value>unauthorized|forbidden|notfound|badrequest|toomanyrequests)"),
    ("status", r"status(?: ?code)?['\"]?\s?[:=]\s?['\"]?(?P<value>unauthorized|forbidden|notfound|badrequest)\b"),
    ("status", r"\b(?P<value>unauthori[sz]ed|forbidden) (?:error|response|exception)\b"),
    ("status", r"HTTP (?:error|status)[: ]{1,3}(?P<value>unauthorized|forbidden|notfound|badrequest)\b"),
    ("status", r"(?P<value>Access to the resource is forbidden)"),
    # -- codes of the services ---------------------------------------------------------------------------------------
    ("code", r"x-powerbi-error-info['\"]?\s?[:=,\]]\s?\[?['\"]?" + _CODE),
    ("code", r"x-ms-public-api-error-code['\"]?\s?[:=,\]]\s?\[?['\"]?" + _CODE),
    ("code", r"error_?code['\"]?\s?[:=]\s?['\"]?" + _CODE),
    ("code", r"\"code\"\s?:\s?\"" + _CODE),
    ("code", r"error code:? " + _CODE),
    # -- what a token was asked for ----------------------------------------------------------------------------------
    ("audience", r"['\"]aud['\"]\s?:\s?\[?\s?['\"](?P<value>[^'\"\s]{4,200})['\"]"),
    ("audience", r"--resource[ =]['\"]?(?P<value>[^'\"\s]{4,200})"),
    ("audience", r"-Resource(?:Url|TypeName)?\s+['\"]?" + _RESOURCE),
    ("audience", r"[?&\s'\"]resource['\"]?\s?[:=]\s?['\"]?" + _RESOURCE),
    ("audience", r"Resource value from request: ['\"]?(?P<value>[^'\"\s]{4,200}?)\.?(?=['\"\s]|$)"),
    ("audience", r"(?:access to resource|resource principal named) ['\"]?(?P<value>[^'\"\s]{4,200}?)['\"]?(?=\s|$)"),
    ("scope", r"['\"]?scopes?['\"]?\s?[:=]\s?[\[(]?\s?['\"]?" + _RESOURCE),
    ("scope", r"asked for scope ['\"](?P<value>[^'\"]{2,300})"),
    ("authority", r"login\.(?:(?:partner\.)?microsoftonline\.(?:com|us|cn)|windows\.net|chinacloudapi\.cn)/"
        r"(?P<value>[\w.*{}-]{3,120})"),
    # -- what values look like; the group's name is the value ----------------------------------------------------------
    ("shape", r"(?:client_?secret|client-secret)['\"]?\s?[:=]\s?['\"]?(?P<secret_is_guid>" + _GUID + r")\b"),
    ("shape", r"-ClientSecret\s+['\"]?(?P<secret_is_guid_>" + _GUID + r")\b"),
    ("shape", r"(?P<arm_token>az account get-access-token(?![^\n]{0,300}--(?:resource|scope))(?=\s|$))"),
    ("shape", r"(?P<no_tenant>Connect-PowerBIServiceAccount(?=[^\n]{0,300}-ServicePrincipal)(?![^\n]{0,300}-Tenant))"),
    ("shape", r"(?P<xmla_data_source>\bDataSource\s?=\s?powerbi://)"),
    ("shape", r"(?P<xmla_user>\bUser ?ID\s?=\s?(?:" + _GUID + r"|app:" + _GUID + r"(?!@)))"),
    ("shape", r"(?P<retry_after>\bRetry-After['\"]?\s?[:=]|\bRetry in \d+ seconds)"),
)  # fmt: skip


@cache
def patterns() -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    """The rows. Compiled when they are needed: a number alone needs none of them."""
    return tuple((kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for kind, pattern in _WRITTEN)


STATUS_WORDS: Final = {
    "unauthorized": "401",
    "unauthorised": "401",
    "accesstotheresourceisforbidden": "403",
    "forbidden": "403",
    "notfound": "404",
    "badrequest": "400",
    "toomanyrequests": "429",
}

# How shapes are quoted: never by their text, which may be the secret itself.
SHAPES: Final = {
    "secret_is_guid": "the client secret has the form of a GUID",
    "arm_token": "az account get-access-token without --resource, which gives a token for Azure Resource Manager",
    "no_tenant": "Connect-PowerBIServiceAccount -ServicePrincipal without -Tenant",
    "xmla_data_source": "DataSource= in one word",
    "xmla_user": "a User ID that is not app:CLIENT_ID@TENANT_ID",
    "retry_after": "the answer says when to try again",
}
