"""What an environment of the manifest asks for, before anything was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pbisetup.catalog.needs import PROFILES
from pbisetup.catalog.purposes import PROFILES_GROUP, purposes
from pbisetup.catalog.tenant_settings import OLDER_NAMES
from pbisetup.catalog.wellknown import OLD_PUBLIC_API_SETTING, PUBLIC_API_SETTING
from pbisetup.model.facts import Absent, Fact, Known
from pbisetup.model.manifest import Environment
from pbisetup.model.tenant import TenantSetting
from pbisetup.planning.groups import ADMIN_GROUPS

DEFAULT_GROUP = "pbi-service-principals"
PUBLIC_API_SETTINGS: Final = (PUBLIC_API_SETTING, OLD_PUBLIC_API_SETTING)


def group_for(groups: Mapping[str, str], purpose: str = "api") -> str:
    """Name or id of the group for this: as `groups` names it, else the usual one. Most settings share that of `api`."""
    named = groups.get(purpose) or ADMIN_GROUPS.get(purpose)
    return named or groups.get("api") or DEFAULT_GROUP


def group_kind(groups: Mapping[str, str], purpose: str) -> str:
    """What the group for this purpose is first of all for, so that purposes that share a group share one object."""
    name = group_for(groups, purpose)
    return next(kind for kind in ("api", *ADMIN_GROUPS, *sorted(groups), purpose) if group_for(groups, kind) == name)


def wanted_scopes(environment: Environment) -> tuple[str, ...]:
    """Delegated permissions that the purposes and the manifest ask for, without repetition."""
    asked = [scope for name in environment.purposes for scope in purposes()[name].delegated]
    return tuple(dict.fromkeys((*asked, *environment.delegated)))


def is_user_app(environment: Environment) -> bool:
    """Whether people sign in to the app."""
    return any(purposes()[name].sign_in == "user" for name in environment.purposes)


def is_service_app(environment: Environment) -> bool:
    """Whether the service principal itself calls, which takes a credential and the tenant setting."""
    return any(purposes()[name].sign_in == "app" for name in environment.purposes)


def wanted_app_roles(environment: Environment) -> frozenset[str]:
    """Application permissions of Power BI that the purposes need; every other one does harm or nothing."""
    return frozenset(role for name in environment.purposes for role in purposes()[name].app_roles)


def wanted_settings(environment: Environment) -> dict[str, str]:
    """Tenant setting that must let the service principal in -> what the group for it is for."""
    found = {setting: kind for name in environment.purposes for setting, kind in purposes()[name].settings.items()}
    if is_service_app(environment):
        if environment.workspaces:
            found.setdefault(PUBLIC_API_SETTING, "api")  # they are reached by ordinary calls
        if environment.profiles:
            found.setdefault(PROFILES, PROFILES_GROUP)
    return found


def reaches_workspaces(chosen: Iterable[str]) -> bool:
    """Whether any of these purposes works inside workspaces: one for the admin APIs sees the tenant instead."""
    return any(not name.startswith("admin-") for name in chosen)


def wanted_groups(environment: Environment) -> tuple[str, ...]:
    """Names or ids of the groups that scoped settings are joined through, unless a setting names another."""
    kinds = wanted_settings(environment).values()
    return tuple(dict.fromkeys(group_for(environment.groups, kind) for kind in kinds))


def uses_capacity_itself(environment: Environment) -> bool:
    """Whether the app itself makes things on the capacity that the manifest names."""
    return environment.capacity is not None and "deploy" in environment.purposes


def public_api_setting(settings: Fact[Mapping[str, TenantSetting]]) -> Fact[TenantSetting]:
    """The setting that lets service principals call the APIs, under today's name or the one before May 2025."""
    return named_setting(settings, PUBLIC_API_SETTING)


def named_setting(settings: Fact[Mapping[str, TenantSetting]], name: str) -> Fact[TenantSetting]:
    """The setting of this name, or of the name that it had before May 2025."""
    if not isinstance(settings, Known):
        return settings
    names = (name, OLDER_NAMES[name]) if name in OLDER_NAMES else (name,)
    names = PUBLIC_API_SETTINGS if name in PUBLIC_API_SETTINGS else names
    found = next((settings.value[each] for each in names if each in settings.value), None)
    if found is None:
        return Absent(settings.evidence)
    return Known(found, settings.evidence)
