"""Answers that come page by page: what the next page's token says, and how it travels.

source: PowerBI-CSharp swagger (examples of GetActivityEvents and GetUserArtifactAccessAsAdmin): the token is handed out
percent-encoded, and stands between single quotes in the address of the next page. What is inside is the service's own.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final
from urllib.parse import quote, unquote

from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi.causes import Refused

_BEGIN: Final = "+RID:"
_END: Final = "#RT:1"


def given(request: Request) -> dict[str, Any] | None:
    """What the token of this call says; None where it has none. Raises Refused."""
    text = request.call.query.get("continuationToken")
    if text is None:
        return None
    text = unquoted(text) or ""
    if "%" in text:  # pbipy encodes what is encoded already, and reads every page of the real service so
        text = unquote(text)
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise Refused("continuation_invalid")
    try:
        value = json.loads(base64.b64decode(text[len(_BEGIN) : -len(_END)], validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise Refused("continuation_invalid") from None
    if not isinstance(value, dict) or not isinstance(value.get("from"), int) or value["from"] < 0:
        raise Refused("continuation_invalid")
    return value


def next_page(request: Request, state: dict[str, Any] | None, more: str = "") -> dict[str, Any]:
    """`continuationUri` and `continuationToken` of an answer; null after the last page."""
    if state is None:
        return {"continuationUri": None, "continuationToken": None}
    text = _BEGIN + base64.b64encode(json.dumps(state, separators=(",", ":")).encode()).decode() + _END
    token = quote(text, safe="")
    address = f"{request.call.origin}{quote(request.call.path)}?continuationToken='{token}'{more}"
    return {"continuationUri": address, "continuationToken": token}


def unquoted(text: str | None) -> str | None:
    """What stands between single quotes; None where there are none."""
    if text is None or len(text) < 2 or text[0] != "'" or text[-1] != "'":
        return None
    return text[1:-1]
