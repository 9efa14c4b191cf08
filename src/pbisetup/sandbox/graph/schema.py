"""The properties of each entity: their kind, who may set them, and what an unset one reads as.

source: msgraph-sdk 1.65 models (names and kinds); what is read-only: entra.md 1.1, 1.2; defaults: entra.md
1.1, 1.3.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.store import Object

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Entity:
    """One Graph type."""

    name: str
    """As in `microsoft.graph.<name>`."""
    resource: str
    """As error messages spell it."""
    writable: Mapping[str, type]
    read_only: frozenset[str]
    defaults: Mapping[str, Any]
    longest: Mapping[str, int]
    """Most characters of a text property."""
    beta: Mapping[str, str | None] = field(default_factory=dict)
    """Properties of beta only, each with the v1.0 property that it is another name of, or None."""

    def knows(self, name: str, *, beta: bool = False) -> bool:
        """Whether a version of the API has this property."""
        if name in self.beta:
            return beta
        if beta and name in self.beta.values():
            return False
        return name in self.writable or name in self.read_only

    def nested(self, name: str) -> frozenset[str] | None:
        """The names inside a complex property, or None where it has none or they are not listed."""
        default = self.defaults.get(name)
        return frozenset(default) if isinstance(default, dict) else None

    def _spelled(self, given: str) -> str:
        """A property name in the service's own spelling: it reads bodies without regard to case (CLI for Microsoft 365
        creates groups with `mailNickName`).
        """
        if given in self.writable or given in self.read_only:
            return given
        known = {name.lower(): name for name in (*self.writable, *self.read_only)}
        return known.get(given.lower(), given)

    def _check_type(self, given: str, value: object) -> None:
        """A body that says to be of another type is refused (OData protocol; the text is a guess)."""
        if given == "@odata.type" and value is not None:
            name = str(value).removeprefix("#").removeprefix("microsoft.graph.")
            if name.lower() != self.name.lower():
                raise GraphError("value_invalid", property=given, resource=self.resource)

    def blank(self) -> Object:
        """A fresh object with every default."""
        return copy.deepcopy(dict(self.defaults))

    def accept(self, body: Object, current: Object | None = None) -> Object:
        """The settable properties of a request body, checked. Raises GraphError.

        A read-only property is let through where it says what the object already has, because clients send
        back
        what they fetched (clients.md 4); that the service does the same is a guess.
        """
        accepted: Object = {}
        for given, value in body.items():
            if "@" in given:
                self._check_type(given, value)
                continue
            if given in self.beta and value is None:
                continue
            name = self.beta.get(given) or self._spelled(given)
            if name in self.read_only:
                if current is None or current.get(name, self.defaults.get(name)) != value:
                    raise GraphError("property_read_only", property=name)
                continue
            if name not in self.writable:
                raise GraphError("property_unknown", property=name)
            if value is not None and not isinstance(value, self.writable[name]):
                raise GraphError("value_invalid", property=name, resource=self.resource)
            if isinstance(value, str) and len(value) > self.longest.get(name, 1_000_000):
                raise GraphError("value_invalid", property=name, resource=self.resource)
            # guess: a name that shows nothing, or holds characters that cannot be shown, is refused.
            if name == "displayName" and isinstance(value, str) and value and not _shows(value):
                raise GraphError("value_invalid", property=name, resource=self.resource)
            # null clears: a list or a complex value falls back to its default.
            accepted[name] = copy.deepcopy(self.defaults.get(name)) if value is None else value
        return accepted


def is_guid(value: object) -> bool:
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


def _shows(text: str) -> bool:
    return bool(text.strip()) and all(ord(each) >= 32 for each in text)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _kind(kind: type, text: str) -> dict[str, type]:
    return dict.fromkeys(text.split(), kind)


def _unset(text: str) -> dict[str, Any]:
    return dict.fromkeys(text.split())


def _empty(text: str) -> dict[str, Any]:
    return {name: [] for name in text.split()}


# An object of nulls, not null (source: recordings in Azure/azure-cli).
_INFO: Final = _unset("logoUrl marketingUrl privacyStatementUrl supportUrl termsOfServiceUrl")

APPLICATION: Final = Entity(
    "application",
    "Application",
    {
        **_kind(
            str,
            "displayName description notes signInAudience uniqueName groupMembershipClaims "
            "defaultRedirectUri serviceManagementReference samlMetadataUrl tokenEncryptionKeyId "
            "nativeAuthenticationApisEnabled",
        ),
        **_kind(
            list,
            "identifierUris tags requiredResourceAccess keyCredentials passwordCredentials appRoles addIns",
        ),
        **_kind(
            dict,
            "api web spa publicClient info optionalClaims parentalControlSettings "
            "servicePrincipalLockConfiguration requestSignatureVerification",
        ),
        **_kind(bool, "isFallbackPublicClient isDeviceOnlyAuthSupported isDisabled oauth2RequirePostResponse"),
    },
    _words(
        "appId applicationTemplateId authenticationBehaviors certification createdByAppId createdDateTime "
        "deletedDateTime disabledByMicrosoftStatus id logo publisherDomain verifiedPublisher"
    ),
    {
        **_unset(
            "deletedDateTime displayName description notes uniqueName applicationTemplateId "
            "disabledByMicrosoftStatus isDisabled isFallbackPublicClient isDeviceOnlyAuthSupported "
            "groupMembershipClaims optionalClaims defaultRedirectUri serviceManagementReference "
            "samlMetadataUrl tokenEncryptionKeyId certification servicePrincipalLockConfiguration "
            "requestSignatureVerification nativeAuthenticationApisEnabled"
        ),
        **_empty("identifierUris tags requiredResourceAccess keyCredentials passwordCredentials appRoles addIns"),
        "signInAudience": "AzureADMyOrg",
        "api": {
            "acceptMappedClaims": None,
            "knownClientApplications": [],
            "requestedAccessTokenVersion": None,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
        },
        "web": {
            "homePageUrl": None,
            "logoutUrl": None,
            "redirectUris": [],
            "redirectUriSettings": [],
            "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
        },
        "spa": {"redirectUris": []},
        "publicClient": {"redirectUris": []},
        "info": _INFO,
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
    },
    # source: entra.md 1.1: 120 in practice, though the API text says 256.
    {"displayName": 120, "description": 1024, "notes": 1024},
    # source: msgraph-beta-sdk models beside msgraph-sdk 1.65's.
    {"onPremisesPublishing": None, "windows": None},
)

SERVICE_PRINCIPAL: Final = Entity(
    "servicePrincipal",
    "ServicePrincipal",
    {
        **_kind(
            str,
            "displayName description notes homepage logoutUrl loginUrl "
            "preferredSingleSignOnMode preferredTokenSigningKeyThumbprint tokenEncryptionKeyId",
        ),
        **_kind(bool, "accountEnabled appRoleAssignmentRequired"),
        **_kind(
            list,
            "tags alternativeNames servicePrincipalNames keyCredentials passwordCredentials replyUrls "
            "notificationEmailAddresses addIns",
        ),
        **_kind(dict, "samlSingleSignOnSettings info customSecurityAttributes"),
    },
    _words(
        # appId: graph-docs servicePrincipal; servicePrincipalType: "set by Microsoft Entra ID internally" there.
        "appDescription appDisplayName appId appOwnerOrganizationId appRoles applicationTemplateId createdByAppId "
        "createdDateTime deletedDateTime disabledByMicrosoftStatus id isDisabled oauth2PermissionScopes "
        "resourceSpecificApplicationPermissions servicePrincipalType signInAudience verifiedPublisher"
    ),
    {
        **_unset(
            "deletedDateTime appDisplayName appDescription applicationTemplateId appOwnerOrganizationId "
            "description disabledByMicrosoftStatus displayName homepage loginUrl logoutUrl notes "
            "preferredSingleSignOnMode preferredTokenSigningKeyThumbprint tokenEncryptionKeyId "
            "samlSingleSignOnSettings"
        ),
        "info": _INFO,
        **_empty(
            "alternativeNames notificationEmailAddresses replyUrls servicePrincipalNames tags addIns "
            "appRoles keyCredentials passwordCredentials oauth2PermissionScopes "
            "resourceSpecificApplicationPermissions"
        ),
        "accountEnabled": True,
        "appRoleAssignmentRequired": False,
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg",
        "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
    },
    {"displayName": 256, "description": 1024, "notes": 1024},
    # source: msgraph-beta-sdk models beside msgraph-sdk 1.65's.
    {
        "publishedPermissionScopes": "oauth2PermissionScopes",
        "errorUrl": None,
        "passwordSingleSignOnSettings": None,
        "preferredTokenSigningKeyEndDateTime": None,
        "publisherName": None,
        "samlMetadataUrl": None,
    },
)

GROUP: Final = Entity(
    "group",
    "Group",
    {
        **_kind(
            str,
            "displayName description mailNickname visibility uniqueName membershipRule "
            "membershipRuleProcessingState theme preferredLanguage preferredDataLocation classification",
        ),
        **_kind(bool, "mailEnabled securityEnabled isAssignableToRole"),
        **_kind(list, "groupTypes"),
    },
    _words(
        "assignedLabels assignedLicenses createdDateTime creationOptions deletedDateTime expirationDateTime "
        "hasMembersWithLicenseErrors hideFromAddressLists hideFromOutlookClients id infoCatalogs isArchived "
        "isManagementRestricted licenseProcessingState mail onPremisesDomainName "
        "onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesProvisioningErrors "
        "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled proxyAddresses "
        "renewedDateTime resourceBehaviorOptions resourceProvisioningOptions securityIdentifier "
        "serviceProvisioningErrors"
    ),
    {
        **_unset(
            "deletedDateTime classification description displayName expirationDateTime isAssignableToRole "
            "mail mailNickname membershipRule membershipRuleProcessingState onPremisesDomainName "
            "onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName "
            "onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage "
            "renewedDateTime theme uniqueName visibility"
        ),
        **_empty(
            "creationOptions groupTypes proxyAddresses resourceBehaviorOptions resourceProvisioningOptions "
            "onPremisesProvisioningErrors serviceProvisioningErrors"
        ),
        "mailEnabled": False,
        "securityEnabled": True,
    },
    {"displayName": 256, "description": 1024, "mailNickname": 64},
)

USER: Final = Entity(
    "user",
    "User",
    {},
    _words(
        "aboutMe accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo birthday businessPhones "
        "city companyName consentProvidedForMinor country createdDateTime creationType customSecurityAttributes "
        "deletedDateTime department displayName employeeHireDate employeeId employeeLeaveDateTime "
        "employeeOrgData employeeType externalUserState externalUserStateChangeDateTime faxNumber givenName "
        "hireDate id identities imAddresses interests isManagementRestricted isResourceAccount jobTitle "
        "lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates mail mailNickname "
        "mailboxSettings mobilePhone mySite officeLocation onPremisesDistinguishedName onPremisesDomainName "
        "onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime "
        "onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier "
        "onPremisesSyncEnabled onPremisesUserPrincipalName otherMails passwordPolicies passwordProfile "
        "pastProjects postalCode preferredDataLocation preferredLanguage preferredName provisionedPlans "
        "proxyAddresses responsibilities schools securityIdentifier serviceProvisioningErrors "
        "showInAddressList signInActivity signInSessionsValidFromDateTime skills state streetAddress surname "
        "usageLocation userPrincipalName userType"
    ),
    {
        **_unset(
            "displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname userPrincipalName"
        ),
        **_empty("businessPhones"),
    },
    {},
)

DIRECTORY_ROLE: Final = Entity(
    "directoryRole",
    "DirectoryRole",
    {},
    _words("deletedDateTime description displayName id roleTemplateId"),
    {
        **_unset("deletedDateTime description"),
    },
    {},
)

ENTITIES: Final = {e.name: e for e in (APPLICATION, SERVICE_PRINCIPAL, GROUP, USER, DIRECTORY_ROLE)}
