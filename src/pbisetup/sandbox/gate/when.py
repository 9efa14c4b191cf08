"""When a cause applies: questions to a request, each answered from the state. The tables of causes are made of these."""

from __future__ import annotations

from collections.abc import Callable

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox import access
from pbisetup.sandbox.bearer import BadToken, Fault
from pbisetup.sandbox.gate.request import GUID, Request
from pbisetup.sandbox.home import home
from pbisetup.sandbox.hosts import place_of

When = Callable[[Request], bool]


def token(fault: Fault) -> When:
    """The token is bad in this way."""
    return lambda r: isinstance(r.token, BadToken) and r.token.fault == fault


def audience_of_another_cloud(r: Request) -> bool:
    """The token is for this API in another cloud than the one whose address was called."""
    return other_audience(r) and any(r.caller.audience in access.audiences(cloud) for cloud in clouds().values())


def other_audience(r: Request) -> bool:
    """The token is for another resource, such as Azure or Graph."""
    return r.caller.audience not in access.audiences(r.cloud)


def tenant_of_another_cloud(r: Request) -> bool:
    """The token fits the address that was called, but the caller's tenant lives in another cloud."""
    return r.cloud.name != home(r.tenant).name


def fabric_audience_at_fabric(r: Request) -> bool:
    """A service principal with a token for Fabric's audience calls Power BI by Fabric's host name
    (`unknowns.fabricAudienceOnPowerBi`: `taken` lets it pass).
    """
    place = place_of(r.call.origin.partition("://")[2])
    return (
        r.is_app
        and place is not None
        and place.service == "fabric"
        and r.caller.audience == r.cloud.fabric_resource
        and r.tenant.section("unknowns").get("fabricAudienceOnPowerBi", "refused") != "taken"
    )


def not_in_this_cloud(r: Request) -> bool:
    """The cloud whose address was called has no Fabric API that anybody published."""
    return r.cloud.fabric is None


def inbound_denied(r: Request) -> bool:
    """The workspace takes no calls from the public internet."""
    if r.need.role is None or r.operation.id in _OUT_OF_REACH_OF_THE_POLICY:
        return False
    policy = (r.found or {}).get("communicationPolicy") or {}
    rules = policy.get("inbound", {}).get("publicAccessRules", {}) if isinstance(policy, dict) else {}
    return rules.get("defaultAction") == "Deny"


_OUT_OF_REACH_OF_THE_POLICY = (
    "platform.Workspaces_GetNetworkCommunicationPolicy",
    "platform.Workspaces_SetNetworkCommunicationPolicy",
)
"""guess: else nobody who shut the door by a mistake could open it again."""


def unlicensed(r: Request) -> bool:
    """A user without any Power BI license."""
    return not r.is_app and r.person.get("powerBiLicense") == "none"


def app_kept_out(why: access.Admission) -> When:
    """A service principal that the setting for the public APIs does not let in, for this reason."""
    return lambda r: r.is_app and not r.operation.admin and r.admission(access.PUBLIC_APIS) == why


def app_kept_out_of_admin(why: access.Admission) -> When:
    """A service principal on an admin route whose setting does not let it in, for this reason."""

    def when(r: Request) -> bool:
        setting = {"read": access.READ_ADMIN_APIS, "update": access.UPDATE_ADMIN_APIS}.get(r.operation.admin or "")
        return r.is_app and setting is not None and r.admission(setting) == why

    return when


def app_kept_out_at_all(r: Request) -> bool:
    """A service principal that the setting for the public APIs does not let in, for whatever reason."""
    return r.is_app and not r.operation.admin and r.admission(access.PUBLIC_APIS) != "admitted"


def admin_setting_on_its_way(r: Request) -> bool:
    """A service principal on an admin route, whose setting was changed a short while ago and does not let it in yet."""
    setting = {"read": access.READ_ADMIN_APIS, "update": access.UPDATE_ADMIN_APIS}.get(r.operation.admin or "")
    if not r.is_app or setting is None or r.admission(setting) == "admitted":
        return False
    return access.on_its_way(r.world, setting)


def app_on_peoples_admin_route(r: Request) -> bool:
    """An admin route that is documented for administrators only."""
    return r.is_app and r.operation.admin == "user"


def app_roles_on_admin_route(r: Request) -> bool:
    """An admin route, and application permissions of the Power BI Service in the token."""
    return r.is_app and bool(r.operation.admin) and access.bars_admin_routes(r.tenant, r.caller.roles)


def my_workspace_of_an_app(r: Request) -> bool:
    """A route about My workspace, which an app does not have."""
    return r.is_app and r.operation.my_workspace


def closed_to_apps(r: Request) -> bool:
    """An operation that is documented as not for service principals."""
    return r.is_app and r.operation.app == "no"


def closed_to_users(r: Request) -> bool:
    """An operation that is documented for service principals only."""
    return not r.is_app and r.operation.app == "only"


def scopes_missing(r: Request) -> bool:
    """A user's token without a delegated permission that the operation needs; `user_impersonation` stands for all
    (guess).
    """
    if r.is_app or "user_impersonation" in r.caller.scopes:
        return False
    return not all(suffices(r.caller.scopes, needed) for needed in r.operation.scopes or ())


def suffices(scopes: frozenset[str], needed: frozenset[str]) -> bool:
    """Whether a token with these scopes has one of those that are needed. One without a name (`ReadWrite.All`) stands for
    the item type's own: here any passes, and the operation, which knows the type, looks again.
    """
    unnamed = needed & {"Read.All", "ReadWrite.All"}
    return not scopes.isdisjoint(needed) or any(scope.partition(".")[2] in unnamed for scope in scopes)


def not_administrator(r: Request) -> bool:
    """A user on an admin route without an administrator's role."""
    if r.is_app or not r.operation.admin:
        return False
    return not access.is_fabric_administrator(r.world, r.caller)


def profile_of_a_user(r: Request) -> bool:
    return r.profile_id is not None and not r.is_app


def profile_malformed(r: Request) -> bool:
    return r.profile_id is not None and not GUID.fullmatch(r.profile_id)


def profile_unknown(r: Request) -> bool:
    """No profile of the calling service principal has this id."""
    return r.profile_id is not None and r.profile is None


def profiles_switched_off(r: Request) -> bool:
    return r.profile_id is not None and r.admission(access.PROFILES) != "admitted"


def feature_kept_from_an_app(r: Request) -> bool:
    """One of the further settings that the operation needs does not let the service principal in."""
    return r.is_app and any(r.admission(name) != "admitted" for name in (*r.need.settings, *r.need.app_settings))


def feature_kept_from_a_user(r: Request) -> bool:
    return not r.is_app and any(r.admission(name) != "admitted" for name in r.need.settings)


def no_role(r: Request) -> bool:
    """The workspace of the path does not exist, or the caller has no role in it: nobody can tell which."""
    return r.need.role is not None and r.role is None


def workspace_unknown(r: Request) -> bool:
    """The workspace of the path does not exist."""
    return r.need.role is not None and r.found is None


def role_too_low(r: Request) -> bool:
    return r.need.role is not None and not access.at_least(r.role, r.need.role)


def capacity_paused(r: Request) -> bool:
    """The call runs on a capacity that is not active."""
    return r.need.capacity and r.capacity is not None and r.capacity.get("state", "Active") != "Active"


def capacity_unseen(r: Request) -> bool:
    """The path names a capacity that does not exist, or that the caller has no right on: nobody can tell which."""
    return _capacity_named(r) is not None and _capacity_right(r) is None


def not_capacity_admin(r: Request) -> bool:
    """The path names a capacity that the caller does not administer."""
    return _capacity_named(r) is not None and _capacity_right(r) != "Admin"


def _capacity_named(r: Request) -> str | None:
    return None if r.operation.admin else r.call.params.get("capacityId")


def _capacity_right(r: Request) -> str | None:
    found = r.tenant.capacities.get(_capacity_named(r) or "")
    return access.capacity_right(r.tenant, found, r.caller.object_id) if found else None


def both(*all_of: When) -> When:
    """All of them apply."""
    return lambda r: all(each(r) for each in all_of)


def unknown(name: str, answer: str) -> When:
    """The sources contradict each other there, and the state (`unknowns`) chooses this answer."""
    return lambda r: r.tenant.section("unknowns").get(name) == answer


def on(*operations: str) -> When:
    """The call is one of these operations."""
    return lambda r: r.operation.id in operations


def app(r: Request) -> bool:
    """A service principal calls."""
    return r.is_app


def embed_token(r: Request) -> bool:
    """The call asks for an embed token."""
    return "_GenerateToken" in r.operation.id


def personal_workspace(r: Request) -> bool:
    """The path names somebody's My workspace as if it were a group."""
    if r.need.role is None or r.workspace_id is None or r.found is not None:
        return False
    wanted = r.workspace_id.lower()
    homes = (user.get("myWorkspace") for user in r.tenant.users.peek())
    return any(isinstance(home, dict) and str(home.get("id", "")).lower() == wanted for home in homes)


def too_many_requests(r: Request) -> bool:
    """Ask last: asking counts the call."""
    return r.wait is not None
