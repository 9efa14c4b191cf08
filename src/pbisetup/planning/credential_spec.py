"""The manifest's `credential`: which kind, where it is kept, and for a federated one whose assertions are taken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Protocol, get_args

from pbisetup.model.manifest import CredentialKind, CredentialSpec, StoreKind, Trust

_TRUST_TEXTS: Final = (
    "issuer", "subject", "audience", "repository", "environment", "branch", "tag",
    "organization", "project", "service_connection",
)  # fmt: skip
CREDENTIAL_KEYS: Final = ("kind", "lifetime", "store", "file", *_TRUST_TEXTS, "pull_request")
_GITHUB_ONLY: Final = ("repository", "environment", "branch", "tag", "pull_request")
_DEVOPS_ONLY: Final = ("organization", "project", "service_connection")
LONGEST: Final = 600
"""Characters of an issuer, a subject or an audience (entra.md 1.9)."""
_LIFETIME = re.compile(r"(\d{1,4})d")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_VAULT = re.compile(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]")
"""3 to 24 letters, digits and hyphens (source: Azure naming rules for Key Vault)."""
PLACES: Final[Mapping[str, tuple[str, re.Pattern[str]]]] = {
    "key-vault": ("key-vault:NAME", _VAULT),
    "github": ("github:OWNER/REPOSITORY or github:OWNER/REPOSITORY/ENVIRONMENT", re.compile(REPOSITORY.pattern + r"(/.+)?")),
    "azure-devops": ("azure-devops:ORGANIZATION/PROJECT/VARIABLE-GROUP", re.compile(r"[^/]+/[^/]+/[^/]+")),
}  # fmt: skip
"""Stores that need a place behind a colon: how it is written, and what it must match."""
_NO_SECRET: Final = ("keyring", "key-vault")


class Reader(Protocol):
    """Collects what is wrong, with file and line."""

    def table(self, value: Any, key: str, where: str) -> dict[str, Any]: ...
    def keys(self, table: dict[str, Any], known: tuple[str, ...], where: str, label: str) -> None: ...
    def choice(self, where: str, key: str, value: str, known: tuple[str, ...]) -> None: ...
    def say(self, where: str, key: str, problem: str) -> None: ...


def parse_lifetime(text: str) -> timedelta | None:
    """`90d` as a time, or None where the text is not one from 1 to 730 days."""
    match = _LIFETIME.fullmatch(text)
    if not match or not 1 <= int(match[1]) <= 730:
        return None
    return timedelta(days=int(match[1]))


def parse_store(text: str) -> tuple[StoreKind, str] | str:
    """Kind and place of `env-file`, `key-vault:NAME`, ...; or what is wrong with the text."""
    kind, colon, place = text.partition(":")
    kinds: tuple[StoreKind, ...] = get_args(StoreKind)
    known = next((each for each in kinds if each == kind), None)
    if known is None:
        return ""
    if known not in PLACES:
        return f"{kind} takes nothing behind a colon" if colon else (known, "")
    form, pattern = PLACES[known]
    if not pattern.fullmatch(place) or not place.isprintable():
        return f"{text!r} is not {form}"
    return known, place


def read_credential(reader: Reader, value: Any, where: str) -> CredentialSpec:
    """The credential of an environment; what is wrong is told to the reader and replaced by something harmless."""
    table, at = reader.table(value, "credential", where), f"{where}.credential"
    reader.keys(table, CREDENTIAL_KEYS, at, "credential")
    written = str(table.get("kind", "secret"))
    kinds: tuple[CredentialKind, ...] = get_args(CredentialKind)
    reader.choice(at, "kind", written, kinds)
    kind: CredentialKind = next((each for each in kinds if each == written), "secret")
    store, place = _store(reader, table, at)
    lifetime = parse_lifetime(str(table.get("lifetime", "90d")))
    if lifetime is None:
        reader.say(at, "lifetime", 'credential.lifetime must be days such as "90d", 1d to 730d')
        lifetime = timedelta(days=90)
    file = _text(reader, table, "file", at)
    if file is not None and kind != "certificate":
        reader.say(at, "file", f"credential.file names a certificate, which does not go with kind {kind!r}")
    trust = _trust(reader, table, at, kind)
    if kind == "federated" and store in _NO_SECRET:
        reader.say(at, "store", f"{store} keeps secrets, and a federated credential has none: use env-file")
        store, place = "env-file", ""
    return CredentialSpec(kind, lifetime, store, place, file if kind == "certificate" else None, trust)


def _store(reader: Reader, table: Mapping[str, Any], at: str) -> tuple[StoreKind, str]:
    text = str(table.get("store", "env-file"))
    read = parse_store(text)
    if not isinstance(read, str):
        return read
    if read:
        reader.say(at, "store", f"store: {read}")
    else:
        forms = (PLACES[kind][0] if kind in PLACES else kind for kind in get_args(StoreKind))
        reader.choice(at, "store", text, tuple(forms))
    return "env-file", ""


def _trust(reader: Reader, table: Mapping[str, Any], at: str, kind: CredentialKind) -> Trust | None:
    if kind != "federated":
        for key in (*_TRUST_TEXTS, "pull_request"):
            if key in table:
                reader.say(at, key, f'credential.{key} goes with kind "federated", not with {kind!r}')
        return None
    texts = {key: _text(reader, table, key, at) for key in _TRUST_TEXTS}
    pull_request = table.get("pull_request", False)
    if not isinstance(pull_request, bool):
        reader.say(at, "pull_request", "credential.pull_request must be true or false")
    issuer = texts.pop("issuer") or ""
    trust = Trust(issuer, pull_request=pull_request is True, **texts)
    for key, problem in trust_problems(trust):
        reader.say(at, key, f"credential.{key}: {problem}")
    return trust


def trust_problems(trust: Trust) -> list[tuple[str, str]]:
    """What is wrong with it: the key and a sentence for each."""
    found: list[tuple[str, str]] = []
    for key in ("issuer", "subject", "audience"):
        text = getattr(trust, key)
        if text and (len(text) > LONGEST or not text.isprintable() or text != text.strip()):
            found.append((key, f"must be text of at most {LONGEST} characters without white space around it"))
    if not trust.issuer:
        found.append(("issuer", 'is missing: "github", "azure-devops", or the address of an issuer'))
    elif trust.issuer == "github":
        found += _of_github(trust)
    elif trust.issuer == "azure-devops":
        found += _strangers(trust, _GITHUB_ONLY, "azure-devops")
        if trust.subject:
            found.append(
                ("subject", "is read from the service connection; to give it, give the issuer's address as well")
            )
        missing = [key for key in _DEVOPS_ONLY if not getattr(trust, key)]
        if missing:
            found.append(
                ("issuer", f"azure-devops needs {', '.join(missing)}; or give issuer and subject as its page shows")
            )
    else:
        if not re.match(r"https://[^/\s]+", trust.issuer):
            found.append(("issuer", f"{trust.issuer!r} is none of github, azure-devops and an address with https://"))
        if not trust.subject:
            found.append(("subject", "is missing: to the letter the `sub` of this issuer's assertions"))
        found += _strangers(trust, (*_GITHUB_ONLY, *_DEVOPS_ONLY), "an issuer of your own")
    return found


FORMS: Final = (
    "github:OWNER/NAME:environment:ENV (or branch:NAME, tag:NAME, pull_request), "
    "azure-devops:ORGANIZATION/PROJECT/CONNECTION or ISSUER=SUBJECT"
)


def parse_trust(text: str) -> Trust | str:
    """Whom `--federated` names: `github:OWNER/NAME:environment:prod` (or branch:, tag:, pull_request),
    `azure-devops:ORGANIZATION/PROJECT/CONNECTION`, or `ISSUER=SUBJECT`; or what is wrong with it.
    """
    platform, _, rest = text.partition(":")
    if platform == "github":
        repository, _, claim = rest.partition(":")
        kind, _, name = claim.partition(":")
        if kind not in ("environment", "branch", "tag", "pull_request") or (kind != "pull_request") != bool(name):
            return f"{text!r} is not {FORMS}"
        chosen: dict[str, Any] = {kind: True if kind == "pull_request" else name}
        trust = Trust("github", repository=repository, **chosen)
    elif platform == "azure-devops" and rest.count("/") == 2:
        organization, project, connection = rest.split("/")
        trust = Trust("azure-devops", organization=organization, project=project, service_connection=connection)
    else:
        issuer, equals, subject = text.partition("=")
        if not equals:
            return f"{text!r} is not {FORMS}"
        trust = Trust(issuer, subject)
    problems = trust_problems(trust)
    return f"{problems[0][0]} {problems[0][1]}" if problems else trust


def trust_table(trust: Trust) -> dict[str, Any]:
    """The same as keys of the manifest."""
    values = {key: getattr(trust, key) for key in (*_TRUST_TEXTS, "pull_request")}
    return {key: value for key, value in values.items() if value}


def _of_github(trust: Trust) -> list[tuple[str, str]]:
    found = _strangers(trust, _DEVOPS_ONLY, "github")
    wild = [key for key in ("subject", "environment", "branch", "tag") if "*" in (getattr(trust, key) or "")]
    found += [(key, "holds *, and Entra compares subjects to the letter: name one") for key in wild]
    if trust.repository and not REPOSITORY.fullmatch(trust.repository):
        found.append(("repository", f"{trust.repository!r} is not OWNER/NAME"))
    if trust.subject:
        return found
    if not trust.repository:
        found.append(("repository", "is missing: OWNER/NAME"))
    which = [key for key in ("environment", "branch", "tag", "pull_request") if getattr(trust, key)]
    if len(which) != 1:
        found.append(("repository", "needs one of environment, branch, tag and pull_request = true"))
    return found


def _strangers(trust: Trust, keys: tuple[str, ...], issuer: str) -> list[tuple[str, str]]:
    return [(key, f"does not go with {issuer}") for key in keys if getattr(trust, key)]


def _text(reader: Reader, table: Mapping[str, Any], key: str, at: str) -> str | None:
    value = table.get(key)
    if value is None or (isinstance(value, str) and value.strip() and value.isprintable()):
        return value
    reader.say(at, key, f"credential.{key} must be text that can be printed, not {value!r}")
    return None
