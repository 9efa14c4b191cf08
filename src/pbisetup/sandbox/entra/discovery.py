"""Metadata: the OpenID configuration of a tenant, its signing keys, and which authorities Microsoft knows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox.entra import cors
from pbisetup.sandbox.entra.authority import CLOUD_NAMES, check_tenant, other_cloud
from pbisetup.sandbox.entra.refusal import Refused, refusal
from pbisetup.sandbox.home import INSTANCES, addressed, elsewhere, home
from pbisetup.sandbox.wire import Call, Reply, World

# Networks that share one authority: the name MSAL prefers first, then its aliases (entra.md 6.2, 8.5;
# clients.md 1).
NETWORKS = (
    ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    ("login.microsoftonline.us", "login.usgovcloudapi.net"),
)
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of personal accounts: it has metadata, and nobody can sign in to it here (entra-docs, id-token claims)."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def configuration_v2(world: World, call: Call) -> Reply:
    """`/{tenant}/v2.0/.well-known/openid-configuration`."""
    return _configuration(world, call, "/v2.0")


def configuration_v1(world: World, call: Call) -> Reply:
    """`/{tenant}/.well-known/openid-configuration`."""
    return _configuration(world, call, "")


def _configuration(world: World, call: Call, version: str) -> Reply:
    return cors.allow(call, _described(world, call, version))


def _described(world: World, call: Call, version: str) -> Reply:
    asked = call.params["tenant"]
    named = other_cloud(world, asked)
    try:
        # The metadata of another cloud's tenant is answered here too; it names that cloud's addresses (as several
        # tools find the cloud of a tenant by it).
        personal = asked.lower() in ("consumers", CONSUMERS)
        own = False if named or personal else check_tenant(world, asked, discovery=True)
    except Refused as refused:
        return refusal(world, call, refused)
    # The real service puts the tenant's id into the addresses whatever name was asked; `common` stays, and
    # its issuer is a template (entra.md 6.2). The issuer is the real cloud's, as in the tokens.
    tenant = world.tenant.id if own else asked.lower()
    subject = world.tenant.id if own else CONSUMERS if personal else "{tenantid}"
    # Of no tenant in particular: the authority that was asked.
    cloud = (
        clouds()[CLOUD_NAMES[named]] if named else home(world.tenant) if own else addressed(world.tenant, call.origin)
    )
    instance = INSTANCES[cloud.name]
    away = named is not None or (own and elsewhere(world.tenant, call.origin) is not None)
    base = f"{cloud.login if away else call.origin}/{tenant}"
    issuer = f"{cloud.login}/{subject}/v2.0" if version else cloud.token_issuer.format(tenant=subject)
    body: dict[str, Any] = {
        "token_endpoint": f"{base}/oauth2{version}/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth",
        ],
        "jwks_uri": f"{base}/discovery{version}/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{cloud.graph}/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2{version}/authorize",
        "device_authorization_endpoint": f"{base}/oauth2{version}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2{version}/logout",
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
            "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name",
            "tid", "ver", "at_hash", "c_hash", "email",
        ],
        "kerberos_endpoint": f"{base}/kerberos",
        # Known of the live document of July 2026 (entra-emulator, golden reference); the host's answer is not here.
        "mtls_endpoint_aliases": {"token_endpoint": f"https://mtlsauth.microsoft.com/{tenant}/oauth2{version}/token"},
        "tls_client_certificate_bound_access_tokens": True,
        "tenant_region_scope": instance.region if own or named else None,
        **({"tenant_region_sub_scope": instance.sub_region} if instance.sub_region and (own or named) else {}),
        "cloud_instance_name": instance.name,
        "cloud_graph_host_name": instance.old_graph,
        "msgraph_host": urlsplit(cloud.graph).hostname,
        "rbac_url": instance.rbac,
    }  # fmt: skip
    return Reply(200, body, {"Cache-Control": "max-age=86400, private"})


def keys(world: World, call: Call) -> Reply:
    """JWKS of a tenant; each key names the issuer it is restricted to (entra.md 6.2)."""
    try:
        if call.params["tenant"].lower() not in ("consumers", CONSUMERS):
            check_tenant(world, call.params["tenant"], discovery=True)
    except Refused as refused:
        return refusal(world, call, refused)
    issuer = f"{addressed(world.tenant, call.origin).login}/{{tenantid}}/v2.0"
    found = Reply(200, {"keys": [world.keys.jwk(issuer)]}, {"Cache-Control": "max-age=86400, private"})
    return cors.allow(call, found)


def instance(world: World, call: Call) -> Reply:
    """Instance discovery: whether an authority host is Microsoft's, and the hosts that are its aliases."""
    endpoint = urlsplit(call.query.get("authorization_endpoint", ""))
    host = (endpoint.hostname or "").lower()
    if host not in LOOPBACK and not any(host in network for network in NETWORKS):
        return refusal(world, call, Refused("instance_unknown"))
    tenant = endpoint.path.strip("/").split("/")[0] or "common"
    # A client that asks about this server's own address has lost the port (clients.md 2), so it is put back.
    origin = call.origin if host in LOOPBACK else f"https://{host}"
    return Reply(
        200,
        {
            "tenant_discovery_endpoint": f"{origin}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": call.query.get("api-version", "1.1"),
            "metadata": [
                {
                    "preferred_network": network[0],
                    # Tokens are cached under login.windows.net in the public cloud, a name older than the
                    # network's.
                    "preferred_cache": "login.windows.net" if network[0].endswith(".com") else network[0],
                    "aliases": list(network),
                }
                for network in NETWORKS
            ],
        },
        {"Cache-Control": "max-age=86400, private"},
    )


def user_realm(world: World, call: Call) -> Reply:
    """Where a user signs in: here, for every user of this tenant's domains. MSAL asks before it sends a
    password.
    """
    domain = call.params["user"].rpartition("@")[2]
    managed = domain.lower() in {name.lower() for name in world.tenant.domains}
    return Reply(
        200,
        {
            "ver": "1.0",
            "account_type": "Managed" if managed else "Unknown",
            "domain_name": domain,
            "cloud_instance_name": INSTANCES[home(world.tenant).name].name,
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        },
    )
