"""What a token of an app should say, from what is known of cloud, tenant and app."""

from __future__ import annotations

from typing import Literal

from pbisetup.model.cloud import Cloud
from pbisetup.model.probe import Expected


def expected(
    cloud: Cloud,
    tenant_id: str | None,
    client_id: str | None,
    sp_object_id: str | None,
    *,
    sign_in: Literal["app", "user"] = "app",
    scopes: frozenset[str] = frozenset(),
) -> Expected:
    """Audiences: the resource as it is asked for, its app id, and Fabric's name for it (powerbi.md 5)."""
    audiences = [cloud.powerbi_resource, cloud.powerbi_app_id]
    if cloud.fabric_resource:
        audiences.append(cloud.fabric_resource)
    issuers = (cloud.token_issuer.format(tenant=tenant_id),) if tenant_id else ()
    return Expected(tenant_id, client_id, sp_object_id, tuple(audiences), issuers, cloud.portal, sign_in, scopes)
