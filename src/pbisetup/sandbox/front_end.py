"""The headers that the common front end of Power BI and Fabric puts on every answer.

source: recordings of api.fabric.microsoft.com in microsoft/fabric-cli (2025-09, 2026-04); GT-Analytics/fuam-basic#20
shows the same on a Power BI route.
"""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.wire import Call, Reply

CLUSTER: Final = "https://wabi-west-europe-redirect.analysis.windows.net/"
"""The cluster of the sandbox's region; the real one is the tenant's home."""
_ALWAYS: Final = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
    "home-cluster-uri": CLUSTER,
    "request-redirected": "true",
}
_UNCACHED: Final = {"Cache-Control": "no-store, must-revalidate, no-cache", "Pragma": "no-cache"}


def dressed(call: Call, status: int, body: Any, headers: dict[str, str]) -> Reply:
    """The answer as it leaves the front end: an empty body has a type too, and a throttled answer comes from before
    the service, without its cache headers.
    """
    exposed = ",".join(["RequestId", *(name for name in headers if name in ("Location", "Retry-After"))])
    found = {"RequestId": call.request_id, **_ALWAYS}
    if status != 429:
        found |= {**_UNCACHED, "Access-Control-Expose-Headers": exposed}
    found["Content-Type"] = "application/octet-stream" if body is None else "application/json; charset=utf-8"
    return Reply(status, body, {**found, **headers})
