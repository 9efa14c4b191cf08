"""What of a state the directory reads: its objects, who is granted what, and the sections about tenant and policies."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.shapes import MOMENT, Maybe, Named, Number, OneOf, Shape, misfits

_IDS: Final = ["text"]
_TEXTS: Final = Maybe(["text"])
_ROLE: Final = {"id!": "text", "value": "text?", "displayName": "text?", "description": "text?", "isEnabled": "flag?"}
_APP_ROLES: Final = Maybe([{**_ROLE, "allowedMemberTypes": _TEXTS}])
_SCOPE_WORDS: Final = dict.fromkeys(
    (f"{whose}Consent{part}" for whose in ("admin", "user") for part in ("DisplayName", "Description")), "text?"
)
_SCOPES: Final = Maybe([{**_ROLE, **_SCOPE_WORDS, "type": "text?"}])
_URIS: Final = Maybe({"redirectUris": _TEXTS})
_PASSWORD: Final = {"keyId": "text?", "displayName": "text?", "hint": "text?", "secretText": "text", "secretHash": "text",
                    "startDateTime": "time", "endDateTime": "time", "_renewed": "flag"}  # fmt: skip
_KEY: Final = {"keyId!": "text", "key": "text?", "displayName": "text?", "type": "text?", "usage": "text?",
               "customKeyIdentifier": "text?", "startDateTime!": "time", "endDateTime!": "time"}  # fmt: skip
_PRIVATE: Final = {"_createdAt": "time?", "_createdBy": "text?", "_asked": Named(Number(0, 10**9, whole=True))}
_HOLDS_ROLES: Final = {
    "directoryRoles": _IDS,
    "_eligibleRoles": Maybe(["any"]),
    "_activatedRoles": Maybe([{"roleDefinitionId": "text"}]),
}
_CREDENTIALS: Final = {
    "passwordCredentials": [_PASSWORD],
    "keyCredentials": [_KEY],
    "federatedIdentityCredentials": Maybe([{"id": "text?", "name": "text?", "issuer!": "text", "subject": "text?"}]),
}
_APPLICATION: Final[dict[str, Shape]] = {
    "appId!": "guid",
    **dict.fromkeys(
        ("displayName", "description", "notes", "signInAudience", "uniqueName", "groupMembershipClaims",
         "defaultRedirectUri", "disabledByMicrosoftStatus", "serviceManagementReference", "publisherDomain"), "text?"
    ),
    **dict.fromkeys(("createdDateTime", "deletedDateTime"), "time?"),
    **dict.fromkeys(("isDisabled", "isFallbackPublicClient", "isDeviceOnlyAuthSupported"), "flag?"),
    "identifierUris": _TEXTS,
    "tags": _TEXTS,
    "requiredResourceAccess": Maybe(
        [{"resourceAppId!": "text", "resourceAccess!": [{"id!": "text", "type!": OneOf(("Scope", "Role"))}]}]
    ),
    "appRoles": _APP_ROLES,
    "api": Maybe(
        {
            "oauth2PermissionScopes": _SCOPES,
            "requestedAccessTokenVersion": Number(1, 2, whole=True, null=True),
            "knownClientApplications": _TEXTS,
            "preAuthorizedApplications": Maybe(
                [{"appId": "text", "permissionIds": _TEXTS, "delegatedPermissionIds": _TEXTS}]
            ),
        }
    ),
    "web": Maybe(
        {
            "redirectUris": _TEXTS,
            "homePageUrl": "text?",
            "logoutUrl": "text?",
            "implicitGrantSettings": Maybe({"enableAccessTokenIssuance": "flag?", "enableIdTokenIssuance": "flag?"}),
        }
    ),
    "spa": _URIS,
    "publicClient": _URIS,
    "info": Maybe(Named("any")),
    "optionalClaims": Maybe(Named(Maybe([{}]))),
    "servicePrincipalLockConfiguration": Maybe(Named("any")),
    "owners": _IDS,
    **_CREDENTIALS,
    **_PRIVATE,
}  # fmt: skip
_SERVICE_PRINCIPAL: Final[dict[str, Shape]] = {
    "appId!": "guid",
    **dict.fromkeys(
        ("displayName", "appDisplayName", "description", "notes", "servicePrincipalType", "signInAudience", "homepage",
         "loginUrl", "logoutUrl", "appOwnerOrganizationId", "disabledByMicrosoftStatus"), "text?"
    ),
    **dict.fromkeys(("createdDateTime", "deletedDateTime"), "time?"),
    **dict.fromkeys(("accountEnabled", "appRoleAssignmentRequired", "isDisabled"), "flag?"),
    **dict.fromkeys(("servicePrincipalNames", "alternativeNames", "replyUrls", "tags"), _TEXTS),
    "appRoles": _APP_ROLES,
    "oauth2PermissionScopes": _SCOPES,
    "info": Maybe(Named("any")),
    "owners": _IDS,
    **_HOLDS_ROLES,
    **_CREDENTIALS,
    **_PRIVATE,
}  # fmt: skip
_GROUP: Final[dict[str, Shape]] = {
    **dict.fromkeys(("displayName", "description", "mail", "mailNickname", "uniqueName", "visibility"), "text?"),
    **dict.fromkeys(("securityEnabled", "mailEnabled", "onPremisesSyncEnabled", "isAssignableToRole"), "flag?"),
    **dict.fromkeys(("createdDateTime", "deletedDateTime"), "time?"),
    "groupTypes": _IDS,
    "members": _IDS,
    "owners": _IDS,
    **_HOLDS_ROLES,
    "_since": Named(MOMENT),
    **_PRIVATE,
}
_USER: Final[dict[str, Shape]] = {
    "userPrincipalName!": "text",
    **dict.fromkeys(
        ("displayName", "givenName", "surname", "mail", "jobTitle", "preferredLanguage", "manager"), "text?"
    ),
    "userType": OneOf(("Member", "Guest"), null=True),
    "accountEnabled": "flag?",
    "powerBiLicense": OneOf(("none", "Free", "Pro", "PremiumPerUser"), null=True),
    "businessPhones": _TEXTS,
    **_HOLDS_ROLES,
    "_passwordHash": "text?",
    "_mfaRegistered": "flag?",
    "_failedSignIns": Number(0, 10**9, whole=True, null=True),
    "_lockedUntil": "time?",
    "_permissionsRefreshed": MOMENT,
    **_PRIVATE,
}
COLLECTIONS: Final[dict[str, Shape]] = {
    "applications": _APPLICATION,
    "servicePrincipals": _SERVICE_PRINCIPAL,
    "groups": _GROUP,
    "users": _USER,
    "directoryRoles": {"displayName": "text?", "description": "text?", "roleTemplateId!": "text"},
    "appRoleAssignments": {
        "appRoleId!": "text",
        "principalId!": "text",
        "resourceId!": "text",
        **dict.fromkeys(("principalDisplayName", "principalType", "resourceDisplayName"), "text?"),
        "createdDateTime": "time?",
        **_PRIVATE,
    },
    "oauth2PermissionGrants": {
        "clientId!": "text",
        "resourceId!": "text",
        "consentType!": OneOf(("AllPrincipals", "Principal")),
        "principalId": "text?",
        "scope": "text?",
        **_PRIVATE,
    },
    "deletedItems": {"_type": "text", "object": {"id!": "text"}, "_deletedAt": "time?"},
    "appManagementPolicies": {"_appliesTo": _IDS, "isEnabled": "flag?", "displayName": "text?", "description": "text?"},
}
_SECTIONS: Final[dict[str, Shape]] = {
    "tenant": {
        "subscribedSkus": [{"skuId": "text?", "servicePlans": Maybe([{"servicePlanName": "text"}])}],
        "verifiedDomains": ["text"],
        "createdDateTime": "time",
        "countryLetterCode": "text?",
    },
    "policies": {
        **dict.fromkeys(("allowedToCreateApps", "allowedToCreateSecurityGroups"), "flag"),
        "permissionGrantPoliciesAssigned": ["text"],
        "namedLocations": [{"id!": "text"}],
        "adminConsentRequestPolicy": {"isEnabled": "flag", "version": Number(0, 10**9, whole=True)},
        "adminConsentRequests": [{"id": "text", "appId": "text", "pendingScopes": ["any"]}],
        "permissionGrantPolicies": [{"id!": "text"}],
        "passwordValidityPeriodInDays": Number(0, 2**31 - 1, "days", whole=True, null=True),
    },
    "firstPartyClients": Named(Named(["text"])),
    "portal": {"servicePrincipalsMayConsent": "flag"},
    "quota": {"embedTokens": Number(0, 10**9, whole=True), "purged": [{"createdBy": "text?", "when": "time"}]},
    "rates": Named(Named([MOMENT])),
    "managedIdentity": {"headerHash": "text?"},
}


def directory_problems(state: dict[str, Any]) -> list[str]:
    """What is wrong; empty when nothing is. The collections must be lists of objects with ids already."""
    found = [
        problem
        for collection, shape in COLLECTIONS.items()
        for index, item in enumerate(state.get(collection, []))
        for problem in misfits(f"{collection}[{index}]", item, shape)
    ]
    for section, shape in _SECTIONS.items():
        if section in state:
            found += misfits(section, state[section], shape)
    if state.get("auto_approve") is not None and not isinstance(state["auto_approve"], str):
        found.append("auto_approve must be a text or null")
    return found
