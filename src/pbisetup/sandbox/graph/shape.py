"""One entity as the body of an answer; how it looks is `view.py`'s."""

from __future__ import annotations

from pbisetup.sandbox.graph.expand import expansion, expected, with_expansion
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.graph.view import entity, public, shown, typed
from pbisetup.sandbox.store import Object

__all__ = ["entity", "public", "single", "typed"]


def single(request: Request, kind: str, item: Object, context: str, names: list[str] | None = None) -> Object:
    """One entity as the body of an answer, with `@odata.context`, only the selected properties, and what `$expand`
    asks for where this answers a GET.

    `key` of a certificate is shown only where keyCredentials is selected on a single object (entra.md 1.8).
    """
    body = shown(request, kind, item, names)
    if names and "keyCredentials" in names:
        for entry, stored in zip(body.get("keyCredentials") or [], item.get("keyCredentials") or [], strict=True):
            entry["key"] = stored.get("key")
    asked = expansion(request, kind) if request.call.method == "GET" else None
    parts = [*(names or ()), *([expected(asked)] if asked else [])]
    where = f"{request.base}/$metadata#{context}" + (f"({','.join(parts)})" if parts else "")
    return {"@odata.context": f"{where}/$entity", **with_expansion(request, asked, item, body)}
