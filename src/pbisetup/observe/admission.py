"""What the app itself sees: whether tenant settings let it in, and which capacities it may use.

It tells what nobody who is signed in here may look up. The calls change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pbisetup.catalog.tenant_settings import READ_ADMIN
from pbisetup.catalog.wellknown import ADMISSION_CODE
from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.services.answer import Answer
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.app_sign_in import tokens as app_tokens
from pbisetup.services.identity import TokenRefused, TokenSource
from pbisetup.services.network import Network
from pbisetup.services.rest import RestClient

SHOWN_BY: Final = {READ_ADMIN: "/v1.0/myorg/admin/capacities"}
"""Setting -> a call that is answered where it lets the app in (200 an hour: powerbi.md 7)."""
_NOT_ASKED: Final = Unknown("not needed")
Reader = Callable[[Answer], Fact[bool]]


@dataclass(frozen=True)
class AsSeen:
    """What the app's own calls told. Unknown where it has no credential, or where nothing was to be asked."""

    admitted: Fact[bool] = _NOT_ASKED
    admitted_by: Mapping[str, Fact[bool]] = field(default_factory=dict)
    refusals: frozenset[int] = frozenset()
    """AADSTS numbers of a refused token."""
    capacities: Fact[frozenset[str]] = _NOT_ASKED
    """Ids and names, in small letters."""


def as_the_app(
    network: Network, credential: Credential, wanted: Iterable[str], *, admission: bool, capacities: bool
) -> AsSeen:
    """Sign in as the app and ask. Raises nothing: what cannot be told is unknown, with the reason.

    `wanted`: tenant settings of SHOWN_BY to be asked about; `admission`: whether to ask about the one for all APIs.
    """
    if not credential.usable:
        return AsSeen(Unknown("the app has no credential that can be tried here"))
    try:
        tokens = app_tokens(network, credential)
        tokens.token(network.cloud.scope(network.cloud.powerbi_resource))
    except TokenRefused as error:
        return AsSeen(Unknown(error.message), refusals=frozenset(error.codes))
    except PbisetupError as error:
        return AsSeen(Unknown(error.message))
    return AsSeen(
        _asked(network, tokens, "/v1.0/myorg/groups", _admitted) if admission else _NOT_ASKED,
        {name: _asked(network, tokens, SHOWN_BY[name], _let_in) for name in wanted if name in SHOWN_BY},
        capacities=_capacities(network, tokens) if capacities else _NOT_ASKED,
    )


def _asked(network: Network, tokens: TokenSource, path: str, read: Reader) -> Fact[bool]:
    api = RestClient(network, network.cloud.powerbi, network.cloud.powerbi_resource, tokens, "app")
    try:
        return read(api.get(path))
    except PbisetupError as error:
        return Unknown(error.message)
    finally:
        api.close()


def _admitted(answer: Answer) -> Fact[bool]:
    if answer.ok:
        return Known(True, answer.evidence())
    if answer.service_code == ADMISSION_CODE:
        return Known(False, answer.evidence())
    return Unknown(f"the API answered HTTP {answer.status}", answer.evidence())


def _let_in(answer: Answer) -> Fact[bool]:
    """Any refusal counts: whichever of the reasons it is, the setting has to be looked at."""
    if answer.ok or answer.status in (401, 403):
        return Known(answer.ok, answer.evidence())
    return Unknown(f"the API answered HTTP {answer.status}", answer.evidence())


def _capacities(network: Network, tokens: TokenSource) -> Fact[frozenset[str]]:
    cloud = network.cloud
    if not cloud.fabric or not cloud.fabric_resource:
        return Unknown("no address of the Fabric API is published for this cloud")
    api = RestClient(network, cloud.fabric, cloud.fabric_resource, tokens, "app")
    try:
        answers = list(api.pages("/v1/capacities"))
    except PbisetupError as error:
        return Unknown(error.message)
    finally:
        api.close()
    last = answers[-1]
    if not last.ok:
        return Unknown(f"the API answered HTTP {last.status}", last.evidence())
    named = (str(o.get(key) or "").lower() for a in answers for o in a.objects for key in ("id", "displayName"))
    return Known(frozenset(named), last.evidence())
