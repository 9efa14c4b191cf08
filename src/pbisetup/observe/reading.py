"""Answers of Graph and Fabric as plain values, and as facts: known, absent, or unknown with what the service said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.tenant import AppRegistration, Password, TenantSetting
from pbisetup.services.answer import Answer


def read_setting(raw: Mapping[str, Any]) -> TenantSetting:
    """A tenant setting from its JSON; lists may be missing (powerbi.md 7)."""

    def groups(key: str) -> dict[str, str]:
        return {str(g.get("graphId", "")): str(g.get("name", "")) for g in raw.get(key) or []}

    return TenantSetting(
        name=str(raw.get("settingName", "")),
        title=str(raw.get("title", "")),
        enabled=bool(raw.get("enabled")),
        enabled_groups=groups("enabledSecurityGroups"),
        excluded_groups=groups("excludedSecurityGroups"),
        can_specify_groups=bool(raw.get("canSpecifySecurityGroups", True)),
        raw=raw,
    )


def application(raw: Mapping[str, Any], owners: frozenset[str] | None) -> AppRegistration:
    return AppRegistration(
        object_id=str(raw["id"]),
        client_id=str(raw["appId"]),
        display_name=str(raw.get("displayName", "")),
        unique_name=raw.get("uniqueName"),
        tags=frozenset(raw.get("tags") or ()),
        owners=owners,
        declared=frozenset(
            (str(api["resourceAppId"]), str(access["id"]), str(access["type"]))
            for api in raw.get("requiredResourceAccess") or []
            for access in api.get("resourceAccess") or []
        ),
        passwords=tuple(_password(p) for p in raw.get("passwordCredentials") or []),
        public_client=bool(raw.get("isFallbackPublicClient")),
        redirect_uris=frozenset((raw.get("publicClient") or {}).get("redirectUris") or ()),
    )


def _password(raw: Mapping[str, Any]) -> Password:
    ends = None
    if raw.get("endDateTime"):
        # Graph gives up to seven decimals, which Python 3.11 reads.
        ends = datetime.fromisoformat(str(raw["endDateTime"]))
    return Password(
        key_id=str(raw.get("keyId", "")),
        display_name=str(raw.get("displayName") or ""),
        hint=str(raw.get("hint") or ""),
        ends=ends,
    )


def object_fact(answer: Answer) -> Fact[dict[str, Any]]:
    """One object: known, absent (404), or unknown with what the service said."""
    if answer.ok and answer.object.get("id"):
        return Known(answer.object, answer.evidence())
    if answer.status == 404:
        return Absent(answer.evidence())
    return failed(answer)


def values_fact(answer: Answer) -> Fact[list[dict[str, Any]]]:
    listed = answer.object.get("value") if answer.ok else None
    if isinstance(listed, list) and all(isinstance(each, dict) for each in listed):
        return Known(listed, answer.evidence())
    return failed(answer)


def failed(answer: Answer) -> Unknown:
    said = answer.message or answer.service_code or ("not what this API answers" if answer.ok else "no reason given")
    return Unknown(f"HTTP {answer.status}: {said}", answer.evidence())
