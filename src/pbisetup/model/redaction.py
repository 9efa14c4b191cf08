"""A recording without its names and ids: each replaced by a stand-in, the same one everywhere, so that relations survive.

What is not known to be vocabulary is taken for a name and replaced whole. Texts that people read keep their words, but
ids, addresses, hosts, what stands in quotes and every name of the recording are replaced inside them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote, quote_plus, urlsplit

from pbisetup.model.recording import Json, RecordedFact, Recording

_VOCABULARY = frozenset((
    "acct", "amr", "area", "codes", "credential_type", "directory_roles", "failure", "graph_permissions",
    "headers_seen", "idtyp", "issued", "kind", "kinds", "observer", "operator_role",
    "oauth_error", "ends", "starts", "permission",
    "permissions", "purpose", "purposes", "algorithm", "role", "roles", "route", "scopes", "setting",
    "sign_in", "sku", "state", "status", "tenant_setting_group", "title", "type", "usage", "version", "code",
    "credential", "signature",
))  # fmt: skip
"""Keys whose texts are Microsoft's or our own words, or times. Ids and addresses are replaced in them all the same."""
_TEXTS = frozenset((
    "message", "reason", "said", "source", "where",
))  # fmt: skip
_ADDRESSES = frozenset((
    "audience", "audiences", "issuer", "issuers", "portal", "redirect_uris",
))  # fmt: skip
_ADDRESS_FACTS = frozenset(("probe",))
"""Kinds whose `of` is a request, in which only ids and hosts are replaced."""
_LABELS = {
    "account": "user", "app": "app", "domain": "domain", "environment": "env", "group": "group", "groups": "group",
    "enabled_groups": "group", "excluded_groups": "group", "hint": "h", "capacities": "capacity", "items": "item",
    "delegated_grants": "grant", "key": "workspace", "passwords": "secret", "project_id": "project", "tags": "tag",
    "tenant": "tenant", "where": "place", "workspace": "workspace", "workspace_visible": "workspace",
    "workspaces": "workspace", "certificates": "certificate", "federated_credentials": "federated credential",
}  # fmt: skip
"""What stand-ins are called, by the nearest key or kind of fact that says what is named."""
_TIGHT = frozenset(("env", "h", "project", "domain"))
"""Stand-ins without a space, because they stand in names with rules of their own."""
_OWN = re.compile(r"(pbisetup)([-:])([a-z0-9]+)([-/])(.+)")
"""A unique name or tag that pbisetup made: project and environment are names in it."""

_PUBLIC = (
    "microsoft.com", "microsoftonline.com", "microsoftonline.us", "microsoftonline.cn", "windows.net", "azure.com",
    "azure.us", "azure.cn", "azure.net", "powerbi.com", "powerbigov.us", "powerbi.cn", "usgovcloudapi.net",
    "chinacloudapi.cn", "partner.outlook.cn", "sts.windows.net", "azurewebsites.us", "github.com",
    "githubusercontent.com", "localhost", "aka.ms",
)  # fmt: skip
"""Hosts that say nothing of a tenant: exactly these, and the ones of a service below them."""
_TENANTS_OWN = ("onmicrosoft.com", "onmicrosoft.us", "partner.onmschina.cn", "sharepoint.com", "b2clogin.com")
_FILES = frozenset((
    "toml", "json", "env", "py", "yml", "yaml", "txt", "pem", "crt", "md", "tsv", "lock", "cer", "exe", "dll",
))  # fmt: skip
_QUOTABLE = frozenset((
    "assertion", "client_assertion", "client_assertion_type", "client_id", "client_secret", "code", "common",
    "consumers", "device_code", "grant_type", "nonce", "organizations", "password", "refresh_token",
    "resource", "response_type", "scope", "tenant", "username", "/common", "/consumers", "/organizations",
    "client_credentials",
))  # fmt: skip
"""What services quote although nobody named it."""

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_JWT = r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*"
_PATTERNS = (
    ("guid", rf"(?<![0-9a-fA-F]){_GUID}(?![0-9a-fA-F])"),
    ("hex", r"(?<![0-9a-zA-Z])[0-9a-fA-F]{32}(?![0-9a-zA-Z])"),
    ("quoted", r"(?<!\w)'[^'\n]{1,400}'(?!\w)|\"[^\"\n]{1,400}\"|(?<=')\([^()\n]{1,400}\)"),
    ("account", r"[^\s'\"<>()@,;:=/]+@[\w-]+(?:\.[\w-]+)+"),
    ("home", r"(?:/home/|/Users/|/root/|[A-Za-z]:\\Users\\)[^\s'\":;,]+"),
    ("host", r"(?<![\w.-])(?:[\w-]+\.)+(?:[a-z]{2,}|[A-Z]{2,})(?![\w-])"),
    (
        "ip",
        r"(?<![\w.])(?!127\.)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w.])|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){4,}[0-9a-fA-F:]*",
    ),
)
_GUIDS = re.compile(_GUID)
_HOST, _ACCOUNT = (re.compile(dict(_PATTERNS)[name]) for name in ("host", "account"))
_PATTERN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS))
_IN_VOCABULARY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS if name != "quoted"))


def redact(recording: Recording, keep: Iterable[str] = ()) -> Recording:
    """The recording with stand-ins. `keep`: ids that are the same in every tenant."""
    stand_ins = _StandIns(recording, frozenset(each.lower() for each in keep))
    environment = recording.environment
    return replace(
        recording,
        environment=None if environment is None else stand_ins.name(environment, "env"),
        names="replaced",
        facts=tuple(stand_ins.fact(fact) for fact in recording.facts),
    )


def hide_secrets(recording: Recording, secrets: Iterable[str]) -> Recording:
    """The recording with stars where one of these values, or anything that is a token, stands."""
    wanted = sorted({way for each in secrets if len(each) >= 6 for way in _spellings(each)}, key=len, reverse=True)
    # Who configured an id in place of a secret wants the id to stay one; inside longer texts it goes like any secret.
    ids = {each.lower() for each in wanted if _GUIDS.fullmatch(each)}
    pattern = re.compile("|".join([_JWT, *(re.escape(each) for each in wanted)]))

    def hidden(value: Json) -> Json:
        if isinstance(value, dict):
            return {key: hidden(each) for key, each in value.items()}
        if isinstance(value, list):
            return [hidden(each) for each in value]
        return pattern.sub("***", value) if isinstance(value, str) and value.lower() not in ids else value

    def hide(fact: RecordedFact) -> RecordedFact:
        texts = {name: hidden(getattr(fact, name)) for name in ("of", "reason", "source", "said", "request_id")}
        return replace(fact, value=hidden(fact.value), **texts)

    return replace(recording, facts=tuple(hide(fact) for fact in recording.facts))


def _spellings(secret: str) -> tuple[str, ...]:
    """The ways in which a service may give a secret back."""
    raw = secret.encode()
    encoded = (base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("="))
    return secret, quote(secret, safe=""), quote(secret), quote_plus(secret), *encoded


class _StandIns:
    def __init__(self, recording: Recording, keep: frozenset[str]) -> None:
        self._keep = keep
        self._made: dict[tuple[str, str], str] = {}
        self._count: dict[str, int] = {}
        self._taken = {text.casefold() for text in _all_texts(recording)}
        self._taken |= {guid.lower() for text in self._taken for guid in _GUIDS.findall(text)}
        self._names: dict[str, str] = {}
        self._spelled: set[str] = set()
        if recording.environment:
            self.name(recording.environment, "env")
        for fact in recording.facts:
            self._learn(fact)
        self._known = self._compiled()

    # -- what there is -------------------------------------------------------------------------------------------

    def _learn(self, fact: RecordedFact) -> None:
        """Give every name of a fact its stand-in, before texts are read that may hold it."""
        if fact.of and fact.fact not in _ADDRESS_FACTS and not _GUIDS.fullmatch(fact.of):
            self.name(fact.of, _LABELS.get(fact.fact, "name"))
        for path, text in _leaves(fact.value, (fact.fact,)):
            if _kind(path) == "name" and not _is_authority(path, text):
                self._named(text, _label(path))

    def _compiled(self) -> re.Pattern[str] | None:
        """All names that were learnt, the longest first."""
        known = sorted((each for each in self._spelled if each.strip()), key=lambda name: (-len(name), name))
        # A short name is replaced as a word only: as a part of words it would make every text unreadable.
        names = [re.escape(n) if len(n) >= 4 else rf"(?<!\w){re.escape(n)}(?!\w)" for n in known]
        return re.compile(f"(?P<known>{'|'.join(names)})", re.IGNORECASE) if names else None

    # -- the parts of a fact -------------------------------------------------------------------------------------

    def fact(self, fact: RecordedFact) -> RecordedFact:
        of = fact.of
        if of is not None:
            of = (
                self.text(of, words=False)
                if fact.fact in _ADDRESS_FACTS
                else self._named(of, _LABELS.get(fact.fact, "name"))
            )
        return replace(
            fact,
            of=of,
            value=self._value(fact.value, (fact.fact,)),
            reason=self._maybe(fact.reason),
            source=self._maybe(fact.source),
            said=self._maybe(fact.said),
            request_id=None if fact.request_id is None else self._named(fact.request_id, "request"),
        )

    def _maybe(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)

    def _value(self, value: Json, path: tuple[str, ...]) -> Json:
        if isinstance(value, dict):
            return {key: self._value(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self._value(each, path) for each in value]
        if not isinstance(value, str) or not value:
            return value
        kind = _kind(path)
        if kind == "address":
            return self._address(value)
        if _is_authority(path, value):
            return value
        if kind == "name":
            return self._named(value, _label(path))
        return self.text(value, words=kind == "text")

    def _named(self, text: str, label: str) -> str:
        """A text that is a name or an id as a whole."""
        if _GUIDS.fullmatch(text):
            return self._guid(text)
        if text == "pbisetup":
            return text
        own = _OWN.fullmatch(text)
        if own:
            project, environment = self.name(own[3], "project"), self.name(own[5], "env")
            return f"{own[1]}{own[2]}{project}{own[4]}{environment}"
        if _ACCOUNT.fullmatch(text):
            return self._account(text)
        if label == "domain" or _HOST.fullmatch(text):
            return self._host(text, always=label == "domain")
        return self.name(text, label)

    def _address(self, text: str) -> str:
        try:
            parts = urlsplit(text)
            host = parts.hostname or ""
        except ValueError:
            return self.name(text, "address")
        if _GUIDS.fullmatch(text) or (parts.scheme in ("https", "http") and _public(host)):
            return self.text(text)
        if parts.scheme == "api" and _GUIDS.fullmatch(parts.netloc):
            return self.text(text)
        return f"https://{self._new(('address', text.casefold()), 'address-{}.example')}/"

    def text(self, text: str, *, words: bool = True) -> str:
        """A text with what is in it replaced; without `words` only ids, accounts and addresses."""
        found = list(_PATTERN.finditer(text)) if words else list(_IN_VOCABULARY.finditer(text))
        if words and self._known:
            found += self._known.finditer(text)
        parts, end = [], 0
        for start, stop, match in _apart(found):
            parts += [text[end:start], self._found(match) if match else self.name(text[start:stop], "name")]
            end = stop
        return "".join([*parts, text[end:]])

    def _found(self, match: re.Match[str]) -> str:
        kind, text = str(match.lastgroup), match[0]
        return text[0] + self._quoted(text[1:-1]) + text[-1] if kind == "quoted" else _BY_PATTERN[kind](self, text)

    def _quoted(self, inner: str) -> str:
        whole = (self._known and self._known.fullmatch(inner)) or _PATTERN.fullmatch(inner)
        if whole and whole.lastgroup != "quoted":
            return self._found(whole)
        if inner.lower() in _QUOTABLE or inner.lower() in self._keep:
            return inner
        if inner.startswith(("https://", "http://", "api://")):
            return self._address(inner)
        return self._named(inner, "name")

    # -- stand-ins -----------------------------------------------------------------------------------------------

    def name(self, text: str, label: str) -> str:
        """The stand-in of a name, whatever its case."""
        key = text.casefold()
        self._spelled.add(text)
        if key not in self._names:
            pattern = f"{label}{'' if label in _TIGHT else ' '}{{}}"
            self._names[key] = self._new(("name", key), pattern, label)
        return self._names[key]

    def _guid(self, text: str) -> str:
        if text.lower() in self._keep:
            return text
        return self._new(("guid", text.replace("-", "").lower()), "00000000-0000-4000-8000-{:012d}", "guid")

    def _hex(self, text: str) -> str:
        return (
            text
            if text.lower() in self._keep
            else self._new(("guid", text.lower()), _GUID_FORM, "guid").replace("-", "")
        )

    def _account(self, text: str) -> str:
        user, _, domain = text.rpartition("@")
        del user
        return f"{self._new(('account', text.casefold()), 'user{}', 'user')}@{self._host(domain, always=True)}"

    def _host(self, text: str, *, always: bool = False) -> str:
        lower = text.lower()
        if not always and (_public(lower) or lower.rpartition(".")[2] in _FILES):
            return text
        return self._new(("host", lower), "domain{}.example", "host")

    def _ip(self, text: str) -> str:
        return self._new(("ip", text.lower()), "address {}", "ip")

    def _home(self, text: str) -> str:
        return self.name(text, "folder")

    def _new(self, key: tuple[str, str], pattern: str, label: str | None = None) -> str:
        """A stand-in that nothing in the recording is called."""
        label = label or pattern
        while key not in self._made:
            self._count[label] = self._count.get(label, 0) + 1
            made = pattern.format(self._count[label])
            if made.casefold() not in self._taken:
                self._made[key] = made
        return self._made[key]


_GUID_FORM = "00000000-0000-4000-8000-{:012d}"
_BY_PATTERN: dict[str, Callable[[_StandIns, str], str]] = {
    "guid": _StandIns._guid,
    "hex": _StandIns._hex,
    "account": _StandIns._account,
    "home": _StandIns._home,
    "host": _StandIns._host,
    "ip": _StandIns._ip,
    "known": lambda stand_ins, text: stand_ins.name(text, "name"),
}


def _kind(path: tuple[str, ...]) -> str:
    key = path[-1]
    if key in _ADDRESSES:
        return "address"
    return "text" if key in _TEXTS else "word" if key in _VOCABULARY else "name"


def _is_authority(path: tuple[str, ...], text: str) -> bool:
    """Whether a tenant is none, but what stands for all of them."""
    return path[-1] == "tenant_id" and text.lower() in ("common", "organizations", "consumers")


def _label(path: tuple[str, ...]) -> str:
    return next((_LABELS[key] for key in reversed(path) if key in _LABELS), "name")


def _apart(found: list[re.Match[str]]) -> Iterator[tuple[int, int, re.Match[str] | None]]:
    """Matches from left to right without overlap: one that holds others stands for them; of two that only overlap there
    is neither, but what both cover together.
    """
    found = sorted(found, key=lambda match: (match.start(), -match.end()))
    while found:
        start, stop, whole = found[0].start(), found[0].end(), found[0] if found[0].end() > found[0].start() else None
        found.pop(0)
        while found and found[0].start() < stop:
            if found[0].end() > stop:
                stop, whole = found[0].end(), None
            found.pop(0)
        if stop > start:
            yield start, stop, whole


def _leaves(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, (*path, key))
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, path)
    elif isinstance(value, str) and value:
        yield path, value


def _all_texts(recording: Recording) -> Iterator[str]:
    for fact in recording.facts:
        for text in (fact.of, fact.reason, fact.source, fact.said, fact.request_id):
            if text:
                yield text
        yield from (text for _, text in _leaves(fact.value, ()))


def _public(host: str) -> bool:
    """Whether a host is a service's, and says nothing of who uses it."""
    host = host.lower().rstrip(".")
    if any(host == name or host.endswith("." + name) for name in _TENANTS_OWN):
        return False
    return any(host == name or host.endswith("." + name) for name in _PUBLIC)
