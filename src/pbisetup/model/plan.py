"""What would be changed: actions as data, and steps that order them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Who = Literal[
    "you",
    "app owner",
    "cloud application administrator",
    "privileged role administrator",
    "groups administrator",
    "fabric administrator",
    "workspace admin",
    "capacity admin",
    "network administrator",
    "tool maintainer",
]
"""Who can make a change."""

ChangeKind = Literal["add", "change", "remove", "keep", "leave"]
"""`keep`: as it should be. `leave`: not as pbisetup would make it, and left alone on purpose."""


# Those that plans hold and `apply` does: execution/steps.py.
PLANNED_KINDS: Final = frozenset({
    "upsert_application", "update_application", "create_service_principal", "add_owner", "grant_delegated",
    "create_group", "add_group_member", "update_tenant_setting", "set_workspace_role", "add_secret", "remove_secret",
    "make_certificate", "remove_certificate",
    "add_federated_credential", "update_federated_credential", "keep_ids", "keep_certificate",
    "restore_application", "purge_application", "grant_app_role", "create_workspace", "assign_capacity",
    # what mends an app
    "enable_service_principal", "enable_resource", "add_resource", "allow_public_client", "add_redirect_uri",
    "add_delegated_permission", "revoke_app_role", "assign_user", "remove_from_excluded_group",
    # what takes an environment away: execution/steps_unmake.py
    "remove_workspace_role", "remove_group_member", "remove_tags", "delete_application", "purge_deleted_application",
    "delete_group", "forget_credential", "remove_federated_credential",
})  # fmt: skip
ACTION_KINDS: Final = PLANNED_KINDS | {
    # the app and its credential
    "add_certificate",
    # the directory
    "activate_role", "assign_license", "exempt_from_policy", "allow_location",
    # tenant settings
    "enable_tenant_setting", "replace_group",
    # workspace, capacity, item
    "share_item", "share_connection", "set_datasource_credentials", "take_over_item", "upgrade_workspace",
    "resume_capacity", "add_capacity_contributor", "assign_azure_role", "start_gateway",
    # the request and the program that sends it
    "correct_identifier", "correct_authority", "correct_scope", "correct_secret", "change_request_url",
    "change_request", "ask_for_audience", "choose_cloud", "renew_token", "sign_in_again", "use_own_identity",
    "use_user_sign_in", "use_app_sign_in", "change_tool_configuration", "update_tool", "correct_connection_string",
    "set_clock", "wait",
    # the network
    "allow_host", "configure_proxy", "trust_authority", "use_private_address",
    # to find out more
    "look_up", "ask_support",
}  # fmt: skip
"""Every kind of action that a plan or a remedy may name."""


@dataclass(frozen=True)
class Action:
    """A change somebody could make. What diagnosis and planning both speak."""

    kind: str
    """One of ACTION_KINDS."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON values. `{output}` names in strings stand for what an earlier step hands on."""


@dataclass(frozen=True)
class Step:
    """One action in its place, with what a person wants to know before it is done."""

    id: str
    change: ChangeKind
    title: str
    why: str
    action: Action | None = None
    """None for what is kept as it is."""
    who: tuple[Who, ...] = ()
    """Who may do it, least privilege first."""
    allowed: bool | None = True
    """Whether this operator may: yes, no, or None where only trying tells."""
    because: str = ""
    """Why the operator may not, or why it cannot be known."""
    needs: tuple[str, ...] = ()
    """Ids of steps that come first."""
    takes: str | None = None
    """How long the service may take to act on it."""
    undo: str | None = None
    warning: str | None = None
    """What else it affects, such as who else a group lets in."""
    deferred: bool = False
    """Whether nobody who is signed in can see if it is needed: the app's own token tells later, or only somebody else can
    look. It is no change of this plan."""

    tidies: bool = False
    """Whether nothing is wrong while it waits: what it removes has had its place taken."""
    blocks: bool = False
    """Of what is left alone: whether the environment is not as the manifest says because of it."""

    @property
    def writes(self) -> bool:
        return self.action is not None

    def after(self, *ids: str) -> Step:
        """The same, coming after these steps as well."""
        return replace(self, needs=tuple(dict.fromkeys((*self.needs, *ids))))


@dataclass(frozen=True)
class Plan:
    """The steps for one environment, in an order that satisfies `needs`."""

    environment: str
    steps: tuple[Step, ...]
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What is known already of what steps hand on: `client_id`, `app_object_id`, `sp_object_id`, ..."""
    again: bool = False
    """Whether the rest can only be planned after this."""

    @property
    def changes(self) -> tuple[Step, ...]:
        """What this plan would change, by whomever."""
        return tuple(step for step in self.steps if step.writes and not step.deferred)

    @property
    def wrong(self) -> tuple[Step, ...]:
        """The changes without which something is not as it should be."""
        return tuple(step for step in self.changes if not step.tidies)

    @property
    def own(self) -> tuple[Step, ...]:
        """The changes that this operator may make or may at least try."""
        return tuple(step for step in self.changes if step.allowed is not False)

    @property
    def unmet(self) -> tuple[Step, ...]:
        """What is left alone though the manifest asks for it: nobody here changes it by `apply`."""
        return tuple(step for step in self.steps if step.blocks)

    @property
    def undecided(self) -> bool:
        """Whether the app's own token will tell if a step is needed."""
        return any(step.deferred and step.allowed is None for step in self.steps)

    @property
    def unseen(self) -> tuple[Step, ...]:
        """What only somebody else can look at: to be checked, and done where it is missing."""
        return tuple(step for step in self.steps if step.deferred and step.allowed is False)

    @property
    def others(self) -> tuple[Step, ...]:
        """The changes that somebody else must make."""
        return tuple(step for step in self.changes if step.allowed is False)
