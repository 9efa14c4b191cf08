"""Which tenant an authority path means, and what the directory says about the client that calls."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.home import INSTANCES, elsewhere
from pbisetup.sandbox.wire import World

Object = dict[str, Any]

GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
MULTI_TENANT = ("common", "organizations")
CLOUD_NAMES = {"usgov": "gcchigh", "gcchigh": "gcchigh", "dod": "dod", "china": "china", "public": "public"}
"""The clouds that `otherClouds` may name, with the cloud that is meant."""


def check_tenant(world: World, name: str, *, discovery: bool = False, origin: str = "") -> bool:
    """Whether the path names this tenant itself (False: `common` or `organizations`). With the `origin` that was
    called, it must be that of the tenant's own cloud. Raises Refused.
    """
    lowered = name.lower()
    if world.tenant.named(name):
        own = elsewhere(world.tenant, origin) if origin else None
        if own is not None:
            raise Refused("tenant_other_cloud", tenant=name, cloud=INSTANCES[own.name].redirect)
        return True
    if lowered in MULTI_TENANT:
        return False
    cloud = other_cloud(world, name)
    if cloud:
        raise Refused("tenant_other_cloud", tenant=name, cloud=INSTANCES[CLOUD_NAMES[cloud]].redirect)
    # guess: `consumers` is the tenant of personal accounts, which this cloud does not have.
    if GUID.fullmatch(name) or "." in name or lowered == "consumers":
        raise Refused("tenant_unknown_discovery" if discovery else "tenant_unknown", tenant=name)
    raise Refused("tenant_malformed", tenant=name)


def other_cloud(world: World, name: str) -> str | None:
    """The cloud of a tenant that the state knows to live elsewhere (`otherClouds`: cloud by tenant id or domain)."""
    clouds = world.tenant.section("otherClouds")
    return next((str(cloud) for tenant, cloud in clouds.items() if tenant.lower() == name.lower()), None)


def check_audience(client: Client, authority: str) -> None:
    """Refuse an authority that an app's `signInAudience` leaves out. Raises Refused."""
    audience = (client.application or {}).get("signInAudience")
    where = {"app": client.app_id, "name": client.name}
    lowered = authority.lower()
    if lowered == "consumers":
        if audience in ("AzureADMyOrg", "AzureADMultipleOrgs"):
            raise Refused("client_work_accounts_only", **where)
        raise Refused("tenant_unknown", tenant=authority)  # guess: there are no personal accounts here
    if audience == "PersonalMicrosoftAccount":
        raise Refused("client_personal_accounts_only", **where)
    if lowered in MULTI_TENANT and audience == "AzureADMyOrg" and not _of_old(client):
        raise Refused("client_not_multi_tenant", **where)


def _of_old(client: Client) -> bool:
    """Whether an app was registered before apps of one tenant lost the shared authorities (source: the text of AADSTS50194,
    which names the day).
    """
    created = (client.application or {}).get("createdDateTime")
    return bool(created) and instant(str(created)) < _ONE_TENANT_ALONE_SINCE


_ONE_TENANT_ALONE_SINCE: Final = datetime(2018, 10, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Proof:
    """With what a client proved itself: `kind` is clientSecret, clientAssertion or federatedIdentityCredential."""

    kind: str
    key_id: str | None = None
    thumbprint: str | None = None
    federated_id: str | None = None


@dataclass(frozen=True)
class Client:
    """The client of a token request, as the directory knows it."""

    app_id: str
    name: str
    application: Object | None
    """The app registration; None for an app of another organization, such as Microsoft's own."""
    service_principal: Object | None
    first_party: bool
    acr: str = "0"
    """How it proved itself: `0` not at all (a public client), `1` by a secret, `2` by a certificate or a federated
    credential.
    """
    proof: Proof | None = None

    @property
    def is_public(self) -> bool:
        """Whether it may sign users in without a credential ("Allow public client flows")."""
        return self.first_party or bool((self.application or {}).get("isFallbackPublicClient"))


def find_client(world: World, app_id: str, directory: str | None = None) -> Client:
    """The client with this client id. Raises Refused where the directory has neither app nor service
    principal.
    """
    if not app_id.strip():
        raise Refused("parameter_missing", name="client_id")
    if not app_id.replace("-", "").strip("0") and GUID.fullmatch(app_id):
        raise Refused("client_id_null", app=app_id)
    application = world.tenant.applications.by("appId", app_id)
    service_principal = world.tenant.servicePrincipals.by("appId", app_id)
    first_party = app_id.lower() in {name.lower() for name in world.tenant.section("firstPartyClients")}
    # A new app reaches the token service later than Graph (entra.md 3.1, MSAL.NET#3706).
    if (application is None and service_principal is None and not first_party) or not visible(world, application):
        raise Refused(
            "client_unknown", app=app_id, directory=directory or world.tenant.section("tenant")["displayName"]
        )
    known = application or service_principal or {}
    return Client(
        str(known.get("appId", app_id)),
        str(known.get("displayName", "")),
        application,
        service_principal,
        first_party,
    )


def require_service_principal(world: World, client: Client) -> Object:
    """The client's service principal, present and enabled. Raises Refused."""
    principal = client.service_principal
    for each in (client.application, principal):
        if (each or {}).get("disabledByMicrosoftStatus") not in (None, "NotDisabled"):
            # The same as an administrator's switch (source: luoye663/e5#30, OOFSponder#42, presencelight#935; 2023 to 2024).
            raise Refused("client_disabled", app=client.app_id, name=client.name)
    if principal is None or not visible(world, principal):
        raise Refused("service_principal_missing", app=client.app_id, tenant=world.tenant.id)
    disabled = principal.get("accountEnabled") is False or bool((client.application or {}).get("isDisabled"))
    if disabled:
        raise Refused("client_disabled", app=client.app_id, name=client.name)
    return principal


def addressed(world: World, app_id: str, authority: str) -> Client:
    """The client that a browser comes from, at an authority that it may use. Raises Refused.

    An app without a service principal passes: consent makes one.
    """
    check_tenant(world, authority)
    client = find_client(world, app_id)
    check_audience(client, authority)
    if client.service_principal is not None:
        require_service_principal(world, client)
    return client


def visible(world: World, item: Object | None) -> bool:
    """Whether a directory object has reached the token service: older than the replication lag."""
    created = (item or {}).get("_createdAt")
    lag = float(world.tenant.section("weather").get("replication_lag_seconds") or 0)
    if not created or lag <= 0:
        return True
    return (world.now() - instant(str(created))).total_seconds() >= lag


def instant(text: str) -> datetime:
    """A time of the state: ISO 8601 with a zone, as Graph writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def find_user(world: World, name: str) -> Object | None:
    """A user by user principal name, object id, or the part before the @."""
    users = world.tenant.users
    return (
        users.by("userPrincipalName", name)
        or users.get(name)
        or users.by("userPrincipalName", f"{name}@{world.tenant.domain}")
    )
