"""What the tenant has bought: state `tenant.subscribedSkus`, a list of Graph's subscribedSku; and which Power BI
licence each user has: state `powerBiLicense`.

A tenant whose state does not say has Microsoft 365 Business Premium, which brings Entra ID P1 and no P2; an empty
list is a tenant without any licence (Entra ID Free). A user whose state does not say has Power BI Pro.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox import base64url
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


def _plan(name: str, id_: str, applies_to: str = "User") -> Object:
    return {"servicePlanId": id_, "servicePlanName": name, "provisioningStatus": "Success", "appliesTo": applies_to}


_FOUNDATION: Final = _plan("EXCHANGE_S_FOUNDATION", "113feb6c-3fe4-4440-bddc-54d774bf0318", "Company")
_FREE: Final = _plan("BI_AZURE_P0", "2049e525-b859-401b-b2a0-e0a31c4b1fe4")
_PRO: Final = _plan("BI_AZURE_P2", "70d33638-9c74-4d01-bfd3-562de28bd4ba")
_PER_USER: Final = _plan("BI_AZURE_P3", "0bf3c642-7bb5-4ccc-884e-59d09df0266c")
# source: entra-docs licensing-service-plan-reference (2025-10-29): Pro and Premium Per User; a published answer to
# licenseDetails: the free one, and what EXCHANGE_S_FOUNDATION applies to. guess: the same products in every cloud;
# government clouds have some of their own (POWERBI_PRO_GOV).
POWER_BI: Final[dict[str, Object]] = {
    "Free": {
        "skuId": "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235",
        "skuPartNumber": "POWER_BI_STANDARD",
        "servicePlans": [_FOUNDATION, _FREE],
    },
    "Pro": {
        "skuId": "f8a1db68-be16-40ed-86d5-cb42ce701560",
        "skuPartNumber": "POWER_BI_PRO",
        "servicePlans": [_FOUNDATION, _PRO],
    },
    "PremiumPerUser": {
        "skuId": "c1d032e0-5619-4761-9b5c-75b6831e1711",
        "skuPartNumber": "PBI_PREMIUM_PER_USER",
        "servicePlans": [_FOUNDATION, _PER_USER, _PRO],
    },
}
"""By what `powerBiLicense` says; `none` has nothing."""
DETAILS: Final = ("id", "servicePlans", "skuId", "skuPartNumber")
"""The properties of licenseDetails."""


def of_user(tenant: Tenant, user: Object) -> list[Object]:
    """A user's licences as Graph's licenseDetails. The id is made of the tenant's and the product's (source: the
    example of graph-docs user-list-licensedetails, and a published answer).
    """
    sku = POWER_BI.get(user.get("powerBiLicense") or "Pro")
    if sku is None:
        return []
    raw = uuid.UUID(tenant.id).bytes_le + uuid.UUID(sku["skuId"]).bytes_le
    return [{"id": base64url.encode(raw), **sku}]


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
