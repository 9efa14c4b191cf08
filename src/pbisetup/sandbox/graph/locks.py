"""The app instance property lock: an application's `servicePrincipalLockConfiguration` keeps anybody from changing
credentials on its service principals (source: graph-docs servicePrincipalLockConfiguration; azure-cli#28734).
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.store import Object

# Property of the service principal -> the switches of the lock that cover it. A secret is a credential to verify with.
SWITCHES: Final = {
    "passwordCredentials": ("allProperties", "credentialsWithUsageVerify"),
    "keyCredentials": ("allProperties", "credentialsWithUsageVerify", "credentialsWithUsageSign"),
    "tokenEncryptionKeyId": ("allProperties", "tokenEncryptionKeyId"),
    "servicePrincipalNames": ("allProperties", "identifierUris"),
}


def check(request: Request, item: Object, kind: str, name: str) -> None:
    """Refuse a change of this property where the application locks it. An application's own are never locked."""
    if kind != "servicePrincipal":
        return
    application = request.tenant.applications.by("appId", str(item.get("appId"))) or {}
    lock = application.get("servicePrincipalLockConfiguration")
    if isinstance(lock, dict) and lock.get("isEnabled") and any(lock.get(each) for each in SWITCHES[name]):
        raise GraphError("locked", property=name)
