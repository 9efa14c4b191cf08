"""What each kind of action does: the one registry of them. Each is idempotent or guarded, and returns what it hands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pbisetup.execution import (
    steps_app,
    steps_certificate,
    steps_directory,
    steps_federated,
    steps_powerbi,
    steps_secret,
    steps_unmake,
)
from pbisetup.execution.bench import Outputs, Params, Workbench

ACTIONS: Mapping[str, Callable[[Workbench, Params], Outputs]] = {
    # the app
    "upsert_application": steps_app.upsert_application,
    "update_application": steps_app.update_application,
    "create_service_principal": steps_app.create_service_principal,
    "enable_service_principal": steps_app.enable_service_principal,
    "add_owner": steps_app.add_owner,
    "allow_public_client": steps_app.allow_public_client,
    "add_redirect_uri": steps_app.add_redirect_uri,
    "add_delegated_permission": steps_app.add_delegated_permission,
    "restore_application": steps_app.restore_application,
    "purge_application": steps_app.purge_application,
    # the API that it calls
    "add_resource": steps_app.add_resource,
    "enable_resource": steps_app.enable_service_principal,
    # its credential
    "add_secret": steps_secret.add_secret,
    "remove_secret": steps_secret.remove_secret,
    "make_certificate": steps_certificate.make_certificate,
    "keep_certificate": steps_certificate.keep_certificate,
    "remove_certificate": steps_certificate.remove_certificate,
    # or whom it trusts in place of one
    "add_federated_credential": steps_federated.add_federated_credential,
    "update_federated_credential": steps_federated.update_federated_credential,
    "keep_ids": steps_federated.keep_ids,
    # what the directory lets it and its people do
    "grant_delegated": steps_directory.grant_delegated,
    "grant_app_role": steps_directory.grant_app_role,
    "revoke_app_role": steps_directory.revoke_app_role,
    "assign_user": steps_directory.assign_user,
    "create_group": steps_directory.create_group,
    "add_group_member": steps_directory.add_group_member,
    "remove_from_excluded_group": steps_directory.remove_from_excluded_group,
    # Power BI and Fabric
    "update_tenant_setting": steps_powerbi.update_tenant_setting,
    "create_workspace": steps_powerbi.create_workspace,
    "assign_capacity": steps_powerbi.assign_capacity,
    "set_workspace_role": steps_powerbi.set_workspace_role,
    # taking an environment away
    "remove_workspace_role": steps_unmake.remove_workspace_role,
    "remove_group_member": steps_unmake.remove_group_member,
    "remove_tags": steps_unmake.remove_tags,
    "delete_application": steps_unmake.delete_application,
    "purge_deleted_application": steps_unmake.purge_deleted_application,
    "delete_group": steps_unmake.delete_group,
    "remove_federated_credential": steps_unmake.remove_federated_credential,
    "forget_credential": steps_unmake.forget_credential,
}
"""Every kind of action that a plan can hold, and who does it."""
