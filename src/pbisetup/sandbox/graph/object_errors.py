"""Errors of Graph's directory objects, policies and reports; `errors.py` joins them to its table.

source: the issue or page named; "known" = general knowledge, not looked up again; "guess" = nobody published it.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.graph.error_row import Row

OBJECT_ERRORS: Final[dict[str, Row]] = {
    # Certificates and locks
    "proof_refused": Row(
        401,
        "Authentication_MissingOrMalformed",
        "Access Token missing or malformed.",
        "microsoft-graph-docs#14626, #22076: also the answer to a proof for the wrong audience",
        "several sources",
    ),
    "no_key": Row(
        400,
        "Request_BadRequest",
        "No credentials found to be removed.",
        "guess, in the words that removePassword is known to use",
        "inferred",
    ),
    "locked": Row(
        400,
        "CannotUpdateLockedServicePrincipalProperty",
        "Property {property} is invalid.",
        "azure-cli#28734",
        "several sources",
    ),
    "entitlement_enabled": Row(
        400,
        "CannotDeleteOrUpdateEnabledEntitlement",
        "Permission (scope or role) cannot be deleted or updated unless disabled first.",
        "manicminer/hamilton odata errors; microsoft-365-agents-toolkit aadErrorCode",
        "several sources",
    ),
    "entitlement_twice": Row(
        400,
        "DuplicateValue",
        "Request contains a property with duplicate values.",
        "microsoft-graph-docs#21667, terraform-provider-azuread#269 (app roles, scopes); other lists of an application "
        "by analogy: guess",
        "several sources",
        "DuplicateValue",
    ),
    "reference_twice": Row(
        400,
        "Request_BadRequest",
        "Request contains a property with duplicate values.",
        "terraform-provider-azuread#567 (groups); for other objects guess",
        "several sources",
    ),
    # Service principals
    "principal_differs": Row(
        400,
        "Request_BadRequest",
        "Property {property} on the service principal does not match the application object.",
        "quoted in several public scripts, for displayName and servicePrincipalNames; code guess",
        "several sources",
    ),
    "app_id_invalid": Row(
        400,
        "Request_BadRequest",
        "Invalid value specified for object reference property 'appId'. Please ensure that this value has an "
        "appropriate syntax and length.",
        "msgraph-sdk-python#408",
        "observed",
    ),
    "principal_values_invalid": Row(
        400,
        "Request_BadRequest",
        "One or more properties contains invalid values.",
        "manicminer/hamilton#42 (appRoles); oauth2PermissionScopes by analogy",
        "observed",
    ),
    "pre_authorized_unknown": Row(
        400,
        "InvalidValue",
        "Property api.preAuthorizedApplications.delegatedPermissionIds has a value that is not a permission of this "
        "application.",
        "guess",
        "inferred",
    ),
    "host_not_verified": Row(
        400,
        "HostNameNotOnVerifiedDomain",
        "Values of identifierUris property must use a verified domain of the organization or its subdomain: '{uri}'",
        "Azure/Industrial-IoT#1432, azure-powershell#16097",
        "several sources",
        "HostNameNotOnVerifiedDomain",
        "identifierUris",
    ),
    # App management policies
    "policy_key_lifetime": Row(
        400,
        "CredentialInvalidLifetimeAsPerAppPolicy",
        "Credential lifetime exceeds the max value allowed as per assigned policy '{policy}'.",
        "entra.md 4.1; microsoft-365-agents-toolkit#10998 (shape)",
        "several sources",
        "InvalidKeyEndDate",
        "EndDate",
    ),
    "policy_uri": Row(
        400,
        "InvalidUniqueTenantIdentifierAsPerAppPolicy",
        "Failed to add identifier URI {uri}. All newly added URIs must contain a tenant verified domain, tenant ID, or "
        "app ID, as per the default tenant policy of your organization. See "
        "https://aka.ms/identifier-uri-addition-error for more information on this error.",
        "entra.md 4.1; entra-docs identifier-uri-restrictions",
        "several sources",
    ),
    "policy_uri_format": Row(
        400,
        "InvalidIdentifierUriFormatAsPerAppPolicy",
        "Failed to add identifier URI {uri}. The newly added URI {uri} must comply with the format 'api://{{appId}}' or "
        "'api://{{tenantId}}/{{appId}}' as per the default app management policy of your organization. If the "
        "requestedAccessTokenVersion is set to 2, this restriction may not apply. See "
        "https://aka.ms/identifier-uri-addition-error for more information on this error.",
        "entra-docs identifier-uri-restrictions (text); code guess",
        "one source",
    ),
    "policy_assigned": Row(
        400,
        "Request_BadRequest",
        "Only one app management policy can be assigned to an object.",
        "microsoft-graph-docs-contrib appmanagementpolicy-post-appliesto (rule); text guess",
        "inferred",
    ),
    # Federated credentials
    "credential_pair_taken": Row(
        400,
        "InvalidFederatedIdentityCredentialValue",
        "The combination of issuer and subject must be unique for the application. Issuer {issuer} and Subject: "
        "{subject} already exist. paramName: FederatedIdentityCredential.Subject, paramValue: {subject}, objectType: "
        "Microsoft.Online.DirectoryServices.Application",
        "azure-workload-identity#434",
        "observed",
    ),
    "credential_value": Row(
        400,
        "InvalidFederatedIdentityCredentialValue",
        "Federated Identity Credential {property} is invalid. paramName: FederatedIdentityCredential.{property}, "
        "objectType: Microsoft.Online.DirectoryServices.Application",
        "azure-workload-identity#434 (code and form); text guess",
        "inferred",
    ),
    # Quotas
    "principal_quota": Row(
        403,
        "Directory_QuotaExceeded",
        "The directory object quota limit for the Principal has been exceeded. Please ask your administrator to "
        "increase the quota limit or delete objects to reduce the used quota.",
        "entra-docs directory-service-limits; azure-sdk-tools#5169, kafka-docker-playground#17 (text)",
        "several sources",
    ),
    "tenant_quota": Row(
        403,
        "Directory_QuotaExceeded",
        "The directory object quota limit for the Tenant has been exceeded. Please ask your administrator to increase "
        "the quota limit or delete objects to reduce the used quota.",
        "entra-docs directory-service-limits; onedrivecmd#67 (text)",
        "several sources",
    ),
    "object_size": Row(
        403,
        "Directory_ResourceSizeExceeded",
        "The size of the object has exceeded its limit. Please reduce the number of values and retry your request.",
        "microsoft-graph-docs#21469, openshift-azure#1932",
        "several sources",
    ),
    # Groups and directory roles
    "synced_object": Row(
        400,
        "Request_BadRequest",
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
        "currently undergoing migration.",
        "known; quoted in many public scripts",
        "several sources",
    ),
    "mail_group": Row(
        400,
        "Request_BadRequest",
        "The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement "
        "property is unset and the security-enablement property is set.",
        "known",
        "one source",
    ),
    "role_group_type": Row(
        400,
        "Request_BadRequest",
        "GroupType cannot be set for security groups assignable to roles.",
        "microsoft-graph-docs-contrib#2815",
        "observed",
    ),
    "group_not_role_assignable": Row(
        400,
        "Request_BadRequest",
        "Groups without IsAssignableToRole property set cannot be assigned to roles.",
        "Microsoft365DSC#879",
        "observed",
    ),
    "role_assigned": Row(
        400,
        "Request_BadRequest",
        "A conflicting object with one or more of the specified property values is present in the directory.",
        "dod-ccpo/atat#1554",
        "observed",
    ),
    # Licences and reports
    "premium_required": Row(
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "Neither tenant is B2C or tenant doesn't have premium license",
        "entra.md 12; microsoft-graph-docs-contrib#3808, #7276",
        "several sources",
    ),
    "report_permission": Row(
        403,
        "Authentication_MSGraphPermissionMissing",
        "Calling principal does not have required MSGraph permissions AuditLog.Read.All",
        "known; quoted in several public clients",
        "several sources",
    ),
    "report_role": Row(
        403,
        "Authentication_RequestFromUnsupportedUserRole",
        "User is not in the allowed roles",
        "known; quoted in several public clients",
        "several sources",
    ),
    "pim_licence": Row(
        400,
        "AadPremiumLicenseRequired",
        "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
        "known; quoted in several public clients",
        "several sources",
    ),
    "pim_eligibility_scope": Row(
        403,
        "UnknownError",
        '{{"errorCode":"PermissionScopeNotGranted","message":"Authorization failed due to missing permission scope '
        "RoleEligibilitySchedule.Read.Directory,RoleEligibilitySchedule.ReadWrite.Directory,"
        "RoleManagement.ReadWrite.Directory,RoleManagement.Read.Directory,RoleManagement.Read.All."
        '","instanceAnnotations":[]}}',
        "a published log (2026); of roleEligibilityScheduleRequests microsoft-graph-docs#22292, Microsoft365DSC#3940",
        "observed",
    ),
    "pim_assignment_scope": Row(
        403,
        "UnknownError",
        '{{"errorCode":"PermissionScopeNotGranted","message":"Authorization failed due to missing permission scope '
        "RoleAssignmentSchedule.Read.Directory,RoleAssignmentSchedule.ReadWrite.Directory,"
        "RoleManagement.ReadWrite.Directory,RoleManagement.Read.Directory,RoleManagement.Read.All."
        '","instanceAnnotations":[]}}',
        "azure-cli#26471, #33778 (of roleAssignmentScheduleRequests); which permissions it names: guess",
        "one source",
    ),
    "filter_unsupported": Row(
        400,
        "Request_UnsupportedQuery",
        "Filtered searches against this resource are not supported.",
        "entra-powershell#260 (400, of licenseDetails), microsoft-graph-docs-contrib#6500 (of subscribedSkus); "
        "code guess",
        "several sources",
    ),
    # Conditional access
    "ca_denied": Row(
        403,
        "AccessDenied",
        "You cannot perform the requested operation, required scopes are missing in the token.",
        "known",
        "one source",
    ),
    "ca_licence": Row(
        403,
        "AccessDenied",
        "Your tenant is not licensed for this feature.",
        "known",
        "one source",
    ),
    "ca_not_found": Row(
        404,
        "NotFound",
        "Resource {id} is not found.",
        "guess",
        "inferred",
    ),
    "ca_schema": Row(
        400,
        "BadRequest",
        "1007: Incoming ConditionalAccessPolicy object is null or does not match the schema of ConditionalAccessPolicy "
        "type. For examples, please see API documentation at "
        "https://docs.microsoft.com/en-us/graph/api/conditionalaccessroot-post-policies?view=graph-rest-1.0.",
        "terraform-provider-azuread#790",
        "observed",
    ),
    "ca_workload_control": Row(
        400,
        "BadRequest",
        "Policies for workload identities support no grant control other than block.",
        "entra-docs workload-identity, azure-docs#114137 (rule); text guess",
        "inferred",
    ),
    "ca_security_defaults": Row(
        400,
        "BadRequest",
        "Security Defaults is enabled in the tenant. You must disable Security defaults before enabling a Conditional "
        "Access policy.",
        "j0eyv/ConditionalAccessBaseline#17",
        "observed",
    ),
}
