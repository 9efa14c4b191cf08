"""Where each task is done by hand: the page of a portal and what to choose there.

source: blades of the Entra admin center as many public scripts link to them (several sources; none is documented as an
interface); entra.microsoft.us and entra.microsoftonline.cn for the national clouds (several sources each);
admin-portal/tenantSettings and admin-portal/capacities under the Power BI portal (fabric-docs and several public scripts
for the public cloud, for other clouds inferred from the portal's origin).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from pbisetup.model.cloud import Cloud
from pbisetup.planning.handoff.model import Portal
from pbisetup.planning.handoff.text import VARIABLE

_ENTRA: Final = {
    "public": "https://entra.microsoft.com",
    "gcc": "https://entra.microsoft.com",
    "gcchigh": "https://entra.microsoft.us",
    "dod": "https://entra.microsoft.us",
    "china": "https://entra.microsoftonline.cn",
}
_PUBLIC: Final = frozenset({"public"})

Ids = Mapping[str, str]


@dataclass(frozen=True)
class _Page:
    """A page, by the ids that it takes. Where one is not known yet, the list that it is chosen from is opened."""

    url: Callable[[Mapping[str, Any], Ids], str | None]
    steps: str
    instead: str = ""
    """The page, where the ids are not known."""


def _blade(blade: str, *names: str) -> Callable[[Mapping[str, Any], Ids], str | None]:
    """A blade of the Entra admin center with these ids behind it."""

    def url(params: Mapping[str, Any], ids: Ids) -> str | None:
        found = [_id(name, params, ids) for name in names]
        return None if None in found else f"entra:{blade.format(*found)}"

    return url


def _id(name: str, params: Mapping[str, Any], ids: Ids) -> str | None:
    value = params.get(name) or ids.get(name)
    return None if not isinstance(value, str) or VARIABLE.search(value) else quote(value, safe="")


_APPS: Final = "entra:#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade/quickStartType~/null"
_ENTERPRISE: Final = "entra:#view/Microsoft_AAD_IAM/StartboardApplicationsMenuBlade/~/AppAppsPreview"
_GROUPS: Final = "entra:#view/Microsoft_AAD_IAM/GroupsManagementMenuBlade/~/AllGroups"
_MENU: Final = "#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/"
_ENTERPRISE_MENU: Final = "#view/Microsoft_AAD_IAM/ManagedAppMenuBlade/~/"


def _app_page(page: str, steps: str) -> _Page:
    return _Page(_blade(f"{_MENU}{page}/appId/{{}}", "client_id"), steps, _APPS)


def _enterprise_page(page: str, steps: str) -> _Page:
    blade = f"{_ENTERPRISE_MENU}{page}/objectId/{{}}/appId/{{}}"
    return _Page(_blade(blade, "sp_object_id", "client_id"), steps, _ENTERPRISE)


def _fixed(url: str) -> Callable[[Mapping[str, Any], Ids], str | None]:
    return lambda _params, _ids: url


def _members(params: Mapping[str, Any], ids: Ids) -> str | None:
    return _blade("#view/Microsoft_AAD_IAM/GroupDetailsMenuBlade/~/Members/groupId/{}", "group_id")(params, ids)


def _workspace(params: Mapping[str, Any], ids: Ids) -> str | None:
    found = _id("workspace_id", params, ids)
    return f"fabric:/groups/{found}/list" if found else None


_PAGES: Final[Mapping[str, _Page]] = {
    "upsert_application": _Page(_fixed(_APPS), "New registration, for this organizational directory only"),
    "update_application": _app_page("Overview", "Branding, Authentication and API permissions hold what differs"),
    "create_service_principal": _app_page("Overview", "Create service principal, beside 'Managed application'"),
    "add_owner": _app_page("Owners", "Add owners"),
    "allow_public_client": _app_page("Authentication", "Settings: Allow public client flows: Yes"),
    "add_redirect_uri": _app_page("Authentication", "Add the address to the platform that it is for"),
    "add_delegated_permission": _app_page("CallAnAPI", "Add a permission: Power BI Service, delegated permissions"),
    "add_secret": _app_page("Owners", "Add owners"),
    "remove_secret": _app_page("Credentials", "Client secrets: delete the one that is named"),
    "make_certificate": _app_page("Owners", "Add owners"),
    "remove_federated_credential": _app_page("Credentials", "Federated credentials: delete the one that is named"),
    "remove_certificate": _app_page("Credentials", "Certificates: delete the one that is named"),
    "add_certificate": _app_page("Credentials", "Certificates: Upload certificate, the public one"),
    "add_federated_credential": _app_page("Credentials", "Federated credentials: Add credential, other issuer"),
    "update_federated_credential": _app_page(
        "Credentials", "Federated credentials: open the one that is named, edit it"
    ),
    "restore_application": _Page(_fixed(_APPS), "Deleted applications: restore app registration"),
    "purge_application": _Page(_fixed(_APPS), "Deleted applications: delete permanently"),
    "grant_delegated": _app_page("CallAnAPI", "Grant admin consent"),
    "grant_app_role": _app_page("CallAnAPI", "Add the application permission, then: Grant admin consent"),
    "revoke_app_role": _enterprise_page("Permissions", "Review permissions: revoke the one that is named"),
    "assign_user": _enterprise_page("Users", "Add user"),
    "enable_service_principal": _enterprise_page("Properties", "Enabled for users to sign-in: Yes"),
    "enable_resource": _Page(_fixed(_ENTERPRISE), "All types: open the API, Properties, Enabled for users to sign-in"),
    "create_group": _Page(_fixed(_GROUPS), "New group: Security, membership type Assigned"),
    "add_group_member": _Page(_members, "Members: Add members, the service principal", _GROUPS),
    "remove_group_member": _Page(_members, "Members: remove the service principal", _GROUPS),
    "delete_application": _app_page("Overview", "Delete"),
    "purge_deleted_application": _Page(_fixed(_APPS), "Deleted applications: delete permanently"),
    "delete_group": _Page(_fixed(_GROUPS), "The group: Delete"),
    "remove_from_excluded_group": _Page(_members, "Members: remove the service principal", _GROUPS),
    "update_tenant_setting": _Page(
        _fixed("fabric:/admin-portal/tenantSettings"),
        "Tenant settings: the setting, Specific security groups, add the group beside those that are there, Apply",
    ),
    "set_workspace_role": _Page(_workspace, "Manage access: Add people or groups, by the app's name", "fabric:/"),
    "remove_workspace_role": _Page(_workspace, "Manage access: remove the service principal", "fabric:/"),
    "create_workspace": _Page(_fixed("fabric:/"), "Workspaces: New workspace"),
    "assign_capacity": _Page(_workspace, "Workspace settings: License info, Edit, choose the capacity", "fabric:/"),
    "add_capacity_contributor": _Page(
        _fixed("fabric:/admin-portal/capacities"),
        "Capacity settings: the capacity, Contributor permissions, Specific users or security groups, add the app",
    ),
}


def portal(kind: str, params: Mapping[str, Any], cloud: Cloud, ids: Ids) -> Portal | None:
    """The page for an action, or None where no portal has one. What is not published for the cloud is marked a guess."""
    page = _PAGES.get(kind)
    if page is None:
        return None
    address = page.url(params, ids) or page.instead
    host, _, path = address.partition(":")
    meant = cloud.meant
    if host == "entra":
        return Portal(f"{_ENTRA.get(meant, _ENTRA['public'])}/{path}", page.steps, guess=meant not in ("public", "gcc"))
    return Portal(f"{cloud.portal}{path}", page.steps, guess=meant not in _PUBLIC)
