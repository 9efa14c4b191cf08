"""What an environment of the manifest asks for, before anything was looked at."""

from __future__ import annotations

from collections.abc import Mapping

from pbisetup.catalog.purposes import purposes
from pbisetup.catalog.wellknown import OLD_PUBLIC_API_SETTING, PUBLIC_API_SETTING
from pbisetup.model.facts import Absent, Fact, Known
from pbisetup.model.manifest import Environment
from pbisetup.model.tenant import TenantSetting

DEFAULT_GROUP = "pbi-service-principals"


def wanted_group(environment: Environment) -> str:
    """Name or id of the group that a scoped setting is joined through, unless the setting names another."""
    return environment.groups.get("api", DEFAULT_GROUP)


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


def public_api_setting(settings: Fact[Mapping[str, TenantSetting]]) -> Fact[TenantSetting]:
    """The setting that lets service principals call the APIs, under today's name or the one before May 2025."""
    if not isinstance(settings, Known):
        return settings
    found = settings.value.get(PUBLIC_API_SETTING) or settings.value.get(OLD_PUBLIC_API_SETTING)
    if found is None:
        return Absent(settings.evidence)
    return Known(found, settings.evidence)
