"""What a token of an app should say, from what is known of cloud, tenant and app: for those who build a twin of it."""

from __future__ import annotations

from pbisetup.model.case import AUTHORITY, SERVICE_PRINCIPAL, Case
from pbisetup.model.cloud import Cloud
from pbisetup.model.probe import Expected


def expected_of(case: Case, cloud: Cloud) -> Expected:
    """Audiences: the resource as it is asked for, its app id, and Fabric's name for it (powerbi.md 5)."""
    audiences = [cloud.powerbi_resource, cloud.powerbi_app_id]
    if cloud.fabric_resource:
        audiences.append(cloud.fabric_resource)
    authority, principal, asked = case.value(AUTHORITY), case.value(SERVICE_PRINCIPAL), case.asked
    tenant = authority.tenant_id if authority and authority.tenant_id else asked.tenant
    issuers = (cloud.token_issuer.format(tenant=tenant),) if tenant else ()
    return Expected(
        tenant,
        asked.client_id,
        principal.object_id if principal else None,
        tuple(audiences),
        issuers,
        cloud.portal,
        asked.sign_in,
        asked.scopes,
    )
