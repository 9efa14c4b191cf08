"""What the tenant has bought: state `tenant.subscribedSkus`, a list of Graph's subscribedSku.

A tenant whose state does not say has Microsoft 365 Business Premium, which brings Entra ID P1 and no P2; an empty
list is a tenant without any licence (Entra ID Free).
"""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.store import Object, Tenant

P1: Final = "AAD_PREMIUM"
P2: Final = "AAD_PREMIUM_P2"

# source: entra-docs licensing-service-plan-reference (names and ids; known).
BUSINESS_PREMIUM: Final[Object] = {
    "skuId": "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46",
    "skuPartNumber": "SPB",
    "prepaidUnits": {"enabled": 25, "suspended": 0, "warning": 0, "lockedOut": 0},
    "consumedUnits": 3,
    "servicePlans": [
        {"servicePlanId": "41781fb2-bc02-4b7c-bd55-b576c07bb09d", "servicePlanName": P1},
        {"servicePlanId": "9aaf7827-d63c-4b61-89c3-182f06f82e5c", "servicePlanName": "EXCHANGE_S_STANDARD"},
        {"servicePlanId": "c7699d2e-19aa-44de-8edf-1736da088ca1", "servicePlanName": "SHAREPOINTSTANDARD"},
        {"servicePlanId": "57ff2da0-773e-42df-b2af-ffb7a2317929", "servicePlanName": "TEAMS1"},
    ],
}


def skus(tenant: Tenant) -> list[Object]:
    """The subscriptions as Graph shows them, with every property filled in."""
    given = tenant.section("tenant").get("subscribedSkus", [BUSINESS_PREMIUM])
    return [_whole(tenant, each) for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def licensed(tenant: Tenant, *plans: str) -> bool:
    """Whether any of these service plans is there and provisioned."""
    return any(
        plan["servicePlanName"] in plans and plan["provisioningStatus"] == "Success"
        for sku in skus(tenant)
        if sku["capabilityStatus"] in ("Enabled", "Warning")
        for plan in sku["servicePlans"]
    )


def premium(tenant: Tenant) -> bool:
    """Entra ID P1 or P2."""
    return licensed(tenant, P1, P2)


def _whole(tenant: Tenant, sku: Object) -> Object:
    plans: Any = sku.get("servicePlans")
    sku_id = str(sku.get("skuId") or "00000000-0000-0000-0000-000000000000")
    return {
        "accountId": tenant.id,
        "accountName": tenant.domain.partition(".")[0],
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": 0,
        "prepaidUnits": {"enabled": 1, "suspended": 0, "warning": 0, "lockedOut": 0},
        "skuPartNumber": sku_id,
        "subscriptionIds": [],
        **sku,
        "id": f"{tenant.id}_{sku_id}",
        "skuId": sku_id,
        "servicePlans": [
            {
                "servicePlanId": "00000000-0000-0000-0000-000000000000",
                "servicePlanName": "",
                "appliesTo": "User",
                "provisioningStatus": "Success",
                **plan,
            }
            for plan in (plans if isinstance(plans, list) else [])
            if isinstance(plan, dict)
        ],
    }
