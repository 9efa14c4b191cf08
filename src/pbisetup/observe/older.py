"""What was examined, out of recordings that do not say it in so many words: those of before `asked` was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from pbisetup.model.case import Asked
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.probe import Configured
from pbisetup.model.recording import RecordedFact, Recording
from pbisetup.model.tenant import WorkspaceRole
from pbisetup.observe.codec import Codec, listed, pairs, shape
from pbisetup.planning.manifest import is_guid

T = TypeVar("T")
_A_PERSON: Final = "a person signs in"
"""Why no credential was known."""
_ASSUMED: Final = {"app": "automation", "user": "user-sign-in"}
"""What an app was taken to be for that no manifest named."""


@dataclass(frozen=True)
class _Place:
    key: str
    role: WorkspaceRole


@dataclass(frozen=True)
class _Wanted:
    """Of the fact `manifest`."""

    purposes: tuple[str, ...] = ()
    workspaces: tuple[_Place, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Ids:
    """Of the facts `expected` and `credential`."""

    tenant_id: str = ""
    client_id: str = ""
    sign_in: Literal["", "app", "user"] = ""
    scopes: frozenset[str] = frozenset()


_WANTED: Final = shape(_Wanted, workspaces=listed(shape(_Place, "key role")), groups=pairs("purpose", "group"))
_IDS: Final = shape(_Ids)


def asked_before(recording: Recording) -> Asked:
    """From the manifest, what a token was expected to say, and the workspaces that were looked at. Raises Misfit."""
    wanted = _value(recording, "manifest", _WANTED, _Wanted())
    expected, credential = (_value(recording, name, _IDS, _Ids()) for name in ("expected", "credential"))
    looked_at = dict.fromkeys(each.of for each in recording.all("workspace_visible") if each.of)
    people = any(map(is_person, recording.all("credential")))
    sign_in = expected.sign_in or ("user" if people else "app")
    return Asked(
        environment=recording.environment,
        cloud=recording.cloud,
        sign_in=sign_in,
        purposes=wanted.purposes or (_ASSUMED[sign_in],),
        tenant=expected.tenant_id or credential.tenant_id or None,
        client_id=expected.client_id or credential.client_id or None,
        workspaces=tuple(_spec(each.key, each.role) for each in wanted.workspaces)
        or tuple(_spec(key, "Viewer") for key in looked_at),
        stated_roles=bool(wanted.workspaces),
        scopes=expected.scopes,
        operator=any(each.observer == "operator" for each in recording.facts),
        groups=wanted.groups,
    )


def is_person(fact: RecordedFact) -> bool:
    """Whether the fact `credential` says that there is none because somebody signs in, as it did."""
    return fact.status == "unknown" and fact.reason == _A_PERSON


def sign_in_of(asked: Asked) -> Configured:
    """What stands in its place since."""
    return Configured("sign-in", asked.tenant or "", asked.client_id or "", has_secret=False, kind="sign-in")


def _value(recording: Recording, name: str, codec: Codec[Any], instead: T) -> T:
    found = recording.find(name)
    return instead if found is None or found.status != "known" else codec.read(found.value, name)


def _spec(key: str, role: WorkspaceRole) -> WorkspaceSpec:
    return WorkspaceSpec(role, **({"id": key} if is_guid(key) else {"name": key}))
