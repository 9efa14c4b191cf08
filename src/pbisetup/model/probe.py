"""What the app's own token got: the raw material of a diagnosis, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence

Signature = Literal["verified", "wrong", "no key", "not checked"]
CredentialKind = Literal["secret", "certificate", "federated", "password", "sign-in", "token", "none"]
"""How the app, or a person through it, proves who it is."""
IdForm = Literal["id", "domain", "authority", "odd ends", "empty", "secret", "other"]
"""What an id looks like: a GUID, a domain, a word for all tenants such as `common`, one of these with quotes or white
space around it, nothing, or something else.
"""


@dataclass(frozen=True)
class Configured:
    """The credential that was tried, as it is configured; never its value."""

    where: str
    tenant_id: str
    client_id: str
    has_secret: bool
    secret_looks_like_guid: bool = False
    secret_has_odd_ends: bool = False
    """Whether quotes or white space surround it."""
    kind: CredentialKind = "secret"
    others: tuple[str, ...] = ()
    """Other kinds of credential that are configured beside it, by the names of their variables."""
    client_id_form: IdForm = "id"
    tenant_form: IdForm = "id"
    broken: str = ""
    """Why it cannot even be tried: the certificate's file is missing, the assertion's is empty, ..."""
    elsewhere: str = ""
    """Why it cannot be tried here though nothing is wrong with it."""
    hint: str = ""
    """The first three characters of a secret, as the directory shows them for the same one."""
    account: str = ""
    """Who signs in, with a password."""


@dataclass(frozen=True)
class Variable:
    """An environment variable that changes how clients sign in or connect, without a word."""

    name: str
    value: str
    """Without user and password; stars for what may be secret."""
    effect: str
    """What it does, in a sentence."""
    suspect: bool = False
    """Whether it contradicts what is examined, such as the authority of another cloud."""


@dataclass(frozen=True)
class HostSeen:
    """A host that answered: who signed its certificate, and how it was reached."""

    host: str
    stack: Literal["httpx", "requests"]
    issuer: str = ""
    """Of the certificate; only looked up where it is not trusted."""
    proxy: str = ""


@dataclass(frozen=True)
class Authority:
    """What the authority's discovery document says of a tenant, before anybody signs in."""

    tenant_id: str
    cloud: str = ""
    """`microsoftonline.com`, `microsoftonline.us`, ... (`cloud_instance_name`)."""
    region: str = ""
    """`NA`, `EU`, `USGov`, ... (`tenant_region_scope`)."""
    subregion: str = ""
    """`GCC`, `DOD`, ... (`tenant_region_sub_scope`)."""


@dataclass(frozen=True)
class TokenAttempt:
    """One try at the token endpoint: claims, or why there are none."""

    claims: Claims | None = None
    opaque: bool = False
    """A token was issued whose claims cannot be read."""
    codes: tuple[int, ...] = ()
    """AADSTS numbers of a refusal."""
    oauth_error: str = ""
    message: str = ""
    failure: str = ""
    """Code of the error where Entra itself gave no answer."""
    evidence: tuple[Evidence, ...] = ()
    scope: str = ""
    """What was asked for."""

    @property
    def issued(self) -> bool:
        return self.claims is not None or self.opaque


@dataclass(frozen=True)
class ApiAnswer:
    """What an API said to the app."""

    status: int
    code: str | None
    message: str
    evidence: Evidence
    retry_after: str = ""
    challenge: str = ""
    """`error` of the WWW-Authenticate header."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class WorkspaceSeen:
    """Whether the app can see a workspace that it should."""

    key: str
    visible: bool
    answer: ApiAnswer | None
    id: str | None = None


@dataclass(frozen=True)
class Expected:
    """What the token should say; None where it is not known from here."""

    tenant_id: str | None
    client_id: str | None
    sp_object_id: str | None
    audiences: tuple[str, ...]
    issuers: tuple[str, ...]
    portal: str
    """Origin of the cloud's Fabric portal, for links in remedies."""
    sign_in: Literal["app", "user"] = "app"
    scopes: frozenset[str] = frozenset()
