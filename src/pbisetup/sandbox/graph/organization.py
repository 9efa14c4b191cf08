"""The tenant itself: organization, domains and what it has subscribed to. Policies and roles stand elsewhere."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.graph import licences, quotas, refs
from pbisetup.sandbox.graph.documents import document, documents
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_SKU: Final = (
    "id", "accountId", "accountName", "appliesTo", "capabilityStatus", "consumedUnits", "prepaidUnits", "servicePlans",
    "skuId", "skuPartNumber", "subscriptionIds",
)  # fmt: skip
_DOMAIN: Final = (
    "id", "authenticationType", "availabilityStatus", "isAdminManaged", "isDefault", "isInitial", "isRoot", "isVerified",
    "passwordNotificationWindowInDays", "passwordValidityPeriodInDays", "supportedServices",
)  # fmt: skip
_CREATED: Final = "2024-01-15T09:00:00Z"
# Which service a plan belongs to, as assignedPlans names it (known); others count as none.
_SERVICES: Final = {
    "AAD_PREMIUM": "AADPremiumService",
    "AAD_PREMIUM_P2": "AADPremiumService",
    "EXCHANGE_S_STANDARD": "exchange",
    "SHAREPOINTSTANDARD": "SharePoint",
    "TEAMS1": "TeamspaceAPI",
}


def list_organization(request: Request, _: Any) -> Reply:
    item = _organization(request)
    return documents(request, "organization", "organization", item, [item])


def get_organization(request: Request, _: Any) -> Reply:
    if refs.key(request, "id").lower() != request.tenant.id.lower():
        raise GraphError("not_found", id=refs.key(request, "id"))
    item = _organization(request)
    return document(request, "organization", "organization", item, item)


def _organization(request: Request) -> Object:
    section = request.tenant.section("tenant")
    return {
        "id": request.tenant.id,
        "deletedDateTime": None,
        "businessPhones": [],
        "city": None,
        "country": None,
        "countryLetterCode": section.get("countryLetterCode", "US"),
        "createdDateTime": section.get("createdDateTime", _CREATED),
        "defaultUsageLocation": None,
        "directorySizeQuota": {"used": int(quotas.used(request.world)), "total": quotas.room(request.world)},
        "displayName": section.get("displayName"),
        "isMultipleDataLocationsForServicesEnabled": None,
        "marketingNotificationEmails": [],
        "onPremisesLastSyncDateTime": None,
        "onPremisesSyncEnabled": None,
        "partnerTenantType": None,
        "postalCode": None,
        "preferredLanguage": "en",
        "privacyProfile": None,
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "state": None,
        "street": None,
        "tenantType": "AAD",
        "technicalNotificationMails": [],
        "assignedPlans": _plans(request),
        "provisionedPlans": [],
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": name == request.tenant.domain,
                "isInitial": name.endswith(".onmicrosoft.com"),
                "name": name,
                "type": "Managed",
            }
            for name in request.tenant.domains
        ],
    }


def list_skus(request: Request, _: Any) -> Reply:
    return documents(request, "subscribedSkus", "subscribedSku", _SKU, licences.skus(request.tenant))


def get_sku(request: Request, item: Object) -> Reply:
    return document(request, "subscribedSkus", "subscribedSku", _SKU, item)


def list_domains(request: Request, _: Any) -> Reply:
    rows = [_domain(request, name) for name in request.tenant.domains]
    return documents(request, "domains", "domain", _DOMAIN, rows)


def get_domain(request: Request, item: Object) -> Reply:
    return document(request, "domains", "domain", _DOMAIN, item)


def _domain(request: Request, name: str) -> Object:
    return {
        "id": name,
        "authenticationType": "Managed",
        "availabilityStatus": None,
        "isAdminManaged": True,
        "isDefault": name == request.tenant.domain,
        "isInitial": name.endswith(".onmicrosoft.com"),
        "isRoot": True,
        "isVerified": True,
        "passwordNotificationWindowInDays": None,
        "passwordValidityPeriodInDays": request.tenant.section("policies").get("passwordValidityPeriodInDays"),
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
    }


def _find_sku(request: Request) -> Object:
    wanted = refs.key(request, "skuId").lower()
    for each in licences.skus(request.tenant):
        if wanted in (str(each["id"]).lower(), str(each["skuId"]).lower()):
            return each
    raise GraphError("not_found", id=wanted)


def _find_domain(request: Request) -> Object:
    wanted = refs.key(request, "domainId")
    for name in request.tenant.domains:
        if name.lower() == wanted.lower():
            return _domain(request, name)
    raise GraphError("not_found", id=wanted)


def _plans(request: Request) -> list[Object]:
    return [
        {
            "assignedDateTime": request.tenant.section("tenant").get("createdDateTime", _CREATED),
            "capabilityStatus": sku["capabilityStatus"],
            "service": _SERVICES[plan["servicePlanName"]],
            "servicePlanId": plan["servicePlanId"],
        }
        for sku in licences.skus(request.tenant)
        for plan in sku["servicePlans"]
        if plan["servicePlanName"] in _SERVICES
    ]


def _routes() -> list[Route]:
    found = route("GET", "/organization", "organization.read", list_organization)
    found += route("GET", "/organization/{id}", "organization.read", get_organization)
    found += route("GET", "/subscribedSkus", "licences.read", list_skus)
    found += route("GET", "/subscribedSkus/{skuId}", "licences.read", get_sku, _find_sku)
    found += route("GET", "/domains", "domains.read", list_domains)
    found += route("GET", "/domains/{domainId}", "domains.read", get_domain, _find_domain)
    return found


routes = _routes()
