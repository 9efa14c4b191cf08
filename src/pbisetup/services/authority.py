"""What the authority says of a tenant before anybody signs in."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import quote

from pbisetup.model.errors import Evidence, SignInFailed
from pbisetup.model.probe import Authority
from pbisetup.services.network import Network, json_or_none, not_its_own, unreachable

_TENANT_IN_ISSUER = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")


def tenant_id(network: Network, name: str) -> str:
    """The id of a tenant given by id or domain. Raises SignInFailed where this cloud knows no such tenant."""
    return describe(network, name).tenant_id


def describe(network: Network, name: str) -> Authority:
    """What the discovery document of a tenant says. Raises SignInFailed where this cloud knows no such tenant.

    Of an authority for all tenants, such as `common`, the id is empty.
    """
    url = f"{network.cloud.login}/{quote(name, safe='')}/v2.0/.well-known/openid-configuration"
    status, body = _get(network, url)
    found = _TENANT_IN_ISSUER.search(str(body.get("issuer", ""))) if isinstance(body, dict) else None
    if status == 200 and found:
        return _authority(found[1].lower(), body)
    if status == 200 and isinstance(body, dict) and "{tenantid}" in str(body.get("issuer", "")):
        return _authority("", body)
    said = str(body.get("error_description", "")) if isinstance(body, dict) else ""
    if "AADSTS90002" not in said and "AADSTS900023" not in said:
        raise not_its_own(url, status)
    raise SignInFailed(
        "PBI316",
        f"{network.cloud.login} knows no tenant {name!r}",
        remedy="Check the tenant's id or domain, and the cloud: a tenant of another cloud is unknown here (--cloud).",
        evidence=(Evidence("discovery document", "local", f"HTTP {status} {said.split(' Trace ID:')[0]}".strip()),),
    )


def _authority(tenant: str, body: dict[str, Any]) -> Authority:
    def said(name: str) -> str:
        return str(body.get(name) or "")

    return Authority(tenant, said("cloud_instance_name"), said("tenant_region_scope"), said("tenant_region_sub_scope"))


def signing_keys(network: Network, tenant: str) -> list[dict[str, Any]]:
    """The tenant's public signing keys (JWKS). Raises Unreachable where they cannot be had."""
    url = f"{network.cloud.login}/{tenant}/discovery/keys"
    status, body = _get(network, url)
    keys = body.get("keys") if status == 200 and isinstance(body, dict) else None
    if not isinstance(keys, list):
        raise not_its_own(url, status)
    return [key for key in keys if isinstance(key, dict)]


def _get(network: Network, url: str) -> tuple[int, Any]:
    import httpx

    network.check(url)
    started = time.perf_counter()
    try:
        with httpx.Client(verify=network.ssl_context(), timeout=network.timeout()) as client:
            response = client.get(url)
    except httpx.HTTPError as error:
        network.record("GET", url, started, None, {})
        raise unreachable(url, error) from None
    network.record("GET", url, started, response.status_code, response.headers)
    return response.status_code, json_or_none(response.text)
