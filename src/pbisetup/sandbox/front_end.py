"""The headers that the common front end of Power BI and Fabric puts on every answer.

source: recordings of api.fabric.microsoft.com in microsoft/fabric-cli (2025-09, 2026-04); GT-Analytics/fuam-basic#20
shows the same on a Power BI route.
"""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.hosts import cluster, place_of
from pbisetup.sandbox.wire import Call, Reply

CLUSTER: Final = f"https://{cluster('public')}/"
"""The home cluster of a tenant of the public cloud."""
_ALWAYS: Final = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
}
_EXPOSED: Final = ("Location", "Retry-After", "ETag", "x-ms-operation-id")
_UNCACHED: Final = {"Cache-Control": "no-store, must-revalidate, no-cache", "Pragma": "no-cache"}


def dressed(call: Call, status: int, body: Any, headers: dict[str, str]) -> Reply:
    """The answer as it leaves the front end: an empty body has a type too, and a throttled answer comes from before
    the service, without its cache headers.
    """
    exposed = ",".join(["RequestId", *(name for name in headers if name in _EXPOSED)])
    found = {"RequestId": call.request_id, **_ALWAYS, **_forwarded(call)}
    if status != 429:
        found |= {**_UNCACHED, "Access-Control-Expose-Headers": exposed}
    found["Content-Type"] = "application/octet-stream" if body is None else "application/json; charset=utf-8"
    return Reply(status, body, {**found, **headers})


def _forwarded(call: Call) -> dict[str, str]:
    """Which cluster the call was handed on to: nothing where it came to the cluster itself (the recordings) or to a
    capacity's server (guess). On loopback
    there is no cloud to be read, and the public one stands.
    """
    host = call.origin.partition("://")[2]
    place = place_of(host)
    home = cluster(min(place.clouds, default="public") if place else "public")
    if host.partition(":")[0].lower() == home or (place is not None and place.service == "xmla"):
        return {}
    return {"home-cluster-uri": f"https://{home}/", "request-redirected": "true"}
