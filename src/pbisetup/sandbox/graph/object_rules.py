"""Who may read and change policies, roles, users' sessions and reports; `permissions.py` joins this to its table."""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.graph.rule import Rule

_GA = "Global Administrator"
_APP_ADMINS = (_GA, "Application Administrator", "Cloud Application Administrator")
_REPORT_READERS = (
    _GA,
    "Global Reader",
    "Reports Reader",
    "Security Administrator",
    "Security Operator",
    "Security Reader",
)
_CA_READERS = (
    _GA, "Global Reader", "Security Administrator", "Security Reader", "Security Operator",
    "Conditional Access Administrator", "Application Administrator", "Cloud Application Administrator",
)  # fmt: skip
_CA_WRITERS = (_GA, "Security Administrator", "Conditional Access Administrator")
_USER_ADMINS = (_GA, "User Administrator")
_ROLE_READ = ("RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "RoleManagement.Read.All")
# source: graph-docs rbac-pim-entra-roles-apis; that a Global Administrator may is known.
_PIM_READERS = (
    _GA, "Global Reader", "Security Operator", "Security Reader", "Security Administrator",
    "Privileged Role Administrator",
)  # fmt: skip
# source: graph-docs user-list-licensedetails; the first two, who read everything, are known.
_LICENCE_READERS = (
    _GA, "Global Reader", "Directory Readers", "Directory Writers", "User Administrator",
    "95e79109-95c0-4d8e-aee3-d01accf2d47b",  # Guest Inviter
    "4d6ac14f-3453-41d0-bef9-a3e0c569773a",  # License Administrator
)  # fmt: skip
_LICENCE_READ = (
    "LicenseAssignment.Read.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All",
    "Directory.ReadWrite.All",
)  # fmt: skip
_PIM_ASSIGNED = ("RoleAssignmentSchedule.Read.Directory", "RoleAssignmentSchedule.ReadWrite.Directory", *_ROLE_READ)
_PIM_ELIGIBLE = ("RoleEligibilitySchedule.Read.Directory", "RoleEligibilitySchedule.ReadWrite.Directory", *_ROLE_READ)
_AS_USER = "Directory.AccessAsUser.All"
_USER_WRITE = ("User.ReadWrite.All", "Directory.ReadWrite.All")
_DIRECTORY_READ = ("Directory.Read.All", _AS_USER)
_DIRECTORY_WRITE = ("Application.ReadWrite.All", "Group.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")

# "permissions.json" and "graph-docs" = microsoft-graph-devx-content and microsoft-graph-docs-contrib.
OBJECT_RULES: Final[dict[str, Rule]] = {
    # Policies
    "authorization_policy.write": Rule(
        ("Policy.ReadWrite.Authorization",),
        ("Policy.ReadWrite.Authorization",),
        directory_roles=(_GA, "Privileged Role Administrator"),
        source="graph-docs authorizationpolicy-update",
    ),
    "app_policy.write": Rule(
        ("Policy.ReadWrite.ApplicationConfiguration", "Policy.Read.All+Policy.ReadWrite.ApplicationConfiguration"),
        ("Policy.ReadWrite.ApplicationConfiguration",),
        directory_roles=(*_APP_ADMINS, "Security Administrator"),
        source="entra.md 2.2; graph-docs tenantappmanagementpolicy-update",
    ),
    "app_policy.assign": Rule(
        (
            "Policy.ReadWrite.ApplicationConfiguration+Application.ReadWrite.All",
            "Policy.Read.All+Policy.ReadWrite.ApplicationConfiguration+Application.ReadWrite.All",
        ),
        ("Policy.ReadWrite.ApplicationConfiguration+Application.ReadWrite.All",),
        directory_roles=(*_APP_ADMINS, "Security Administrator"),
        source="graph-docs appmanagementpolicy-post-appliesto",
    ),
    "consent_request_policy.write": Rule(
        ("Policy.ReadWrite.ConsentRequest",),
        ("Policy.ReadWrite.ConsentRequest",),
        directory_roles=(_GA,),
        source="graph-docs adminconsentrequestpolicy-update",
    ),
    "permission_grant_policy.read": Rule(
        ("Policy.Read.PermissionGrant", "Policy.ReadWrite.PermissionGrant", "Policy.Read.All"),
        ("Policy.Read.PermissionGrant", "Policy.ReadWrite.PermissionGrant", "Policy.Read.All"),
        others=("member",),
        source="graph-docs policyroot-list-permissiongrantpolicies",
    ),
    "security_defaults.write": Rule(
        ("Policy.ReadWrite.SecurityDefaults", "Policy.Read.All+Policy.ReadWrite.ConditionalAccess"),
        ("Policy.ReadWrite.SecurityDefaults", "Policy.Read.All+Policy.ReadWrite.ConditionalAccess"),
        directory_roles=_CA_WRITERS,
        source="graph-docs identitysecuritydefaultsenforcementpolicy-update",
    ),
    "conditional_access.read": Rule(
        ("Policy.Read.All", "Policy.Read.ConditionalAccess"),
        ("Policy.Read.All", "Policy.Read.ConditionalAccess"),
        directory_roles=_CA_READERS,
        source="graph-docs conditionalaccessroot-list-policies",
        without_permission="ca_denied",
        without_right="ca_denied",
    ),
    "conditional_access.write": Rule(
        (
            "Policy.Read.All+Policy.ReadWrite.ConditionalAccess",
            "Policy.Read.ConditionalAccess+Policy.ReadWrite.ConditionalAccess",
        ),
        (
            "Policy.Read.All+Policy.ReadWrite.ConditionalAccess",
            "Policy.Read.ConditionalAccess+Policy.ReadWrite.ConditionalAccess",
        ),
        directory_roles=_CA_WRITERS,
        source="graph-docs conditionalaccessroot-post-policies",
        without_permission="ca_denied",
        without_right="ca_denied",
    ),
    "consent_requests.read": Rule(
        ("ConsentRequest.Read.All", "ConsentRequest.ReadWrite.All"),
        ("ConsentRequest.Read.All", "ConsentRequest.ReadWrite.All"),
        directory_roles=(_GA, "Global Reader", "Application Administrator", "Cloud Application Administrator"),
        source="entra.md 2.1; roles known",
    ),
    # Deleted items: the door; the rule for the kind of object is asked for next.
    "deleted.open": Rule(
        ("Application.Read.All", "Group.Read.All", "User.Read.All", *_DIRECTORY_READ, *_DIRECTORY_WRITE),
        ("Application.Read.All", "Group.Read.All", "User.Read.All", "Directory.Read.All", *_DIRECTORY_WRITE),
        owned=("Application.ReadWrite.OwnedBy",),
        others=("member",),
        source="graph-docs directory-deleteditems-get",
    ),
    "deleted.change": Rule(
        (*_DIRECTORY_WRITE, _AS_USER),
        _DIRECTORY_WRITE,
        owned=("Application.ReadWrite.OwnedBy",),
        others=("member",),
        source="graph-docs directory-deleteditems-restore",
    ),
    # Credentials
    "application_keys.roll": Rule(
        ("Application.ReadWrite.All", "Directory.ReadWrite.All", _AS_USER),
        ("Application.ReadWrite.All", "Directory.ReadWrite.All"),
        owned=("Application.ReadWrite.OwnedBy",),
        directory_roles=_APP_ADMINS,
        others=("owner",),
        source="entra.md 1.8; graph-docs application-addkey: an application rolls its own keys without permission",
        own_application=True,
    ),
    # Directory roles
    "role_assignments.write": Rule(
        ("RoleManagement.ReadWrite.Directory",),
        ("RoleManagement.ReadWrite.Directory",),
        directory_roles=(_GA, "Privileged Role Administrator"),
        source="graph-docs rbacapplication-post-roleassignments",
    ),
    "role_schedule.read": Rule(
        _PIM_ASSIGNED,
        (),
        others=("member",),
        source="entra.md 1.12: filterByCurrentUser is about the signed-in user",
        without_permission="pim_assignment_scope",
    ),
    "role_eligibility.read": Rule(
        _PIM_ELIGIBLE,
        (),
        others=("member",),
        source="entra.md 1.12",
        without_permission="pim_eligibility_scope",
    ),
    "role_eligibility.read_all": Rule(
        _PIM_ELIGIBLE,
        _PIM_ELIGIBLE,
        directory_roles=_PIM_READERS,
        source="permissions.json; graph-docs rbacapplication-list-roleeligibilityscheduleinstances (roles)",
        without_permission="pim_eligibility_scope",
    ),
    # Users
    "users.change": Rule(
        (*_USER_WRITE, "User.EnableDisableAccount.All+User.Read.All", _AS_USER),
        (*_USER_WRITE, "User.EnableDisableAccount.All+User.Read.All"),
        others=("member",),
        source="graph-docs user-update: the door; the body tells which of the next is asked for",
    ),
    "users.write_privileged": Rule(
        (*_USER_WRITE, "User.EnableDisableAccount.All+User.Read.All", _AS_USER),
        (),
        directory_roles=(_GA,),
        source="entra-docs privileged-roles-permissions; simplified, and apps would need a directory role",
    ),
    "users.write": Rule(
        ("User.ReadWrite.All", "Directory.ReadWrite.All", _AS_USER),
        ("User.ReadWrite.All", "Directory.ReadWrite.All"),
        directory_roles=_USER_ADMINS,
        source="graph-docs user-update",
    ),
    "users.enable": Rule(
        ("User.EnableDisableAccount.All+User.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All", _AS_USER),
        ("User.EnableDisableAccount.All+User.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All"),
        directory_roles=_USER_ADMINS,
        source="graph-docs user-update: least privileged for accountEnabled",
    ),
    "sessions.revoke": Rule(
        ("User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All", _AS_USER),
        ("User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"),
        directory_roles=(*_USER_ADMINS, "Security Administrator"),
        source="graph-docs user-revokesigninsessions; roles known",
    ),
    "sessions.revoke_own": Rule(
        ("User.RevokeSessions.All", "User.ReadWrite", "User.ReadWrite.All", "Directory.ReadWrite.All", _AS_USER),
        (),
        others=("anyone",),
        source="graph-docs user-revokesigninsessions",
    ),
    "licence_details.read": Rule(
        ("User.Read", *_LICENCE_READ, _AS_USER),
        _LICENCE_READ,
        others=("anyone",),
        source="permissions.json; graph-docs user-list-licensedetails, which has no application permissions. The door, "
        "and one's own licences: that these need no role is known",
    ),
    "licence_details.read_others": Rule(
        (*_LICENCE_READ, _AS_USER),
        _LICENCE_READ,
        directory_roles=_LICENCE_READERS,
        source="graph-docs user-list-licensedetails (roles); that User.Read is not enough for somebody else's: known",
    ),
    # The tenant
    "licences.read": Rule(
        ("LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"),
        ("LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"),
        others=("member",),
        source="graph-docs subscribedsku-list",
    ),
    "domains.read": Rule(
        ("Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
        ("Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"),
        others=("member",),
        source="graph-docs domain-list; that members may is known",
    ),
    # Reports
    "sign_ins.read": Rule(
        ("AuditLog.Read.All",),
        ("AuditLog.Read.All",),
        directory_roles=_REPORT_READERS,
        source="entra.md 2.1; entra-docs licensing-monitoring-health (roles)",
        without_permission="report_permission",
        without_right="report_role",
    ),
}
