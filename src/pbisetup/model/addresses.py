"""Stand-ins within addresses: scheme, port and the words of an API stay, and so does what makes two addresses differ."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

from pbisetup.model.stand_ins import GUIDS, INSIDE, StandIns
from pbisetup.model.vocabulary import AUTHORITIES, is_public

URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_SCHEMES: Final = frozenset((
    "http", "https", "api", "spn", "powerbi", "abfss", "wasbs", "asazure", "ms-appx-web", "ms-appx", "ws", "wss",
))  # fmt: skip
_PORT: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")
_LOOPBACK: Final = re.compile(r"localhost|127(\.\d{1,3}){3}|\[?::1\]?", re.IGNORECASE)
_PLAIN_PART: Final = re.compile(
    r"v?\d{1,4}(\.\d{1,2})?|[$.][A-Za-z]+|\{[A-Za-z]+\}"
    r"|(Default|Microsoft)(\.[A-Za-z]+)+|[A-Za-z]+\.(Read|ReadWrite|Create|Execute|Reshare|Commit|Deploy)(\.All)?|",
    re.ASCII,
)
"""Of a path: versions and short numbers, `$batch`, `.default`, placeholders of a documentation, names of actions and
permissions, and nothing."""
_PLAIN_VALUE: Final = re.compile(r"true|false|\d{1,6}|\d{4}-\d\d-\d\d(-preview)?|", re.IGNORECASE)
_CHOICES: Final = frozenset(("$select", "$top", "$skip", "$expand", "$orderby", "$count", "api-version"))
_SCOPE: Final = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_]+)*", re.ASCII)
_OF_XMLA: Final = frozenset(("xmla",))
_CALL: Final = re.compile(r"([A-Za-z.]+)\((.*)\)", re.DOTALL)
"""`reports(reportId=...)`: a key in the manner of OData."""
_SAFE: Final = "@'(),:=$+"


class Addresses(StandIns):
    """Stand-ins for names and ids, and for what is made of them."""

    names_within: frozenset[str] = frozenset()
    """Paths in which a name may look like a word of the API."""

    def named(self, text: str, label: str) -> str:
        """A text that is a name, an id or an address as a whole."""
        return self.url(text) if URL.fullmatch(text) else super().named(text, label)

    def url(self, text: str) -> str:
        """An address: scheme, port and what is the API's stay, and whether it ends with a slash."""
        match = URL.fullmatch(text)
        if match is None:
            plain = text.lower().startswith(("urn:", "spn:"))
            return (
                self.path(text) if text.startswith("/") else self.inside(text) if plain else self.named(text, "address")
            )
        scheme, place, path, query, fragment = match.groups()
        if scheme.lower() not in _SCHEMES:
            scheme = self.inside(scheme) if GUIDS.search(scheme) else self.name(scheme, "scheme")
        place = self.host(place.rpartition("@")[2])
        path = self._parts(path, named=scheme.lower() == "powerbi")
        query = f"?{self._query(query[1:])}" if query else ""
        return f"{scheme}://{place}{path}{query}{'#' + self.name(fragment, 'part') if fragment else ''}"

    def host(self, text: str) -> str:
        """A host with or without a port."""
        host, port = _PORT.fullmatch(text).groups() if _PORT.fullmatch(text) else (text, "")  # type: ignore[union-attr]
        if not host or _LOOPBACK.fullmatch(host) or is_public(host):
            return text
        whole = INSIDE.fullmatch(host)
        kind = str(whole.lastgroup) if whole else "host"
        return (self._host(host, always=True) if kind == "host" else self.found(kind, host)) + (port or "")

    def path(self, text: str) -> str:
        """A path, with or without a method in front."""
        method, space, rest = text.partition(" ")
        if not (space and method.isalpha() and rest[:1] in ("/", "h")):
            method, space, rest = "", "", text
        if URL.fullmatch(rest):
            return f"{method}{space}{self.url(rest)}"
        path, mark, query = rest.partition("?")
        parts = self._parts(path, named=rest in self.names_within)
        return f"{method}{space}{parts}{mark}{self._query(query) if mark else ''}"

    def scope(self, text: str) -> str:
        """Scopes, each of which is a name that its API published, with or without the API in front."""
        return " ".join(map(self._one_scope, text.split(" ")))

    def _one_scope(self, text: str) -> str:
        if not text or text.lower() in self.words:
            return text
        match = URL.fullmatch(text)
        if match:
            api, slash, name = text.rpartition("/")
            published = match[1].lower() == "api" or is_public(match[2])
            return self.url(api) + slash + name if published and match[3] and _SCOPE.fullmatch(name) else self.url(text)
        api, slash, name = text.partition("/")
        if INSIDE.fullmatch(api):
            return self.named(api, "app") + slash + self._parts(name)
        return text if _SCOPE.fullmatch(text) else self.named(text, "scope")

    def _parts(self, path: str, *, named: bool = False) -> str:
        """`named`: behind `myorg` stands a name, whatever it looks like."""
        parts = path.split("/")
        names = parts.index("myorg") + 1 if named and "myorg" in parts else len(parts)
        # Behind it stands the name of a setting, which is Microsoft's.
        settings = {place + 1 for place, part in enumerate(parts) if part.lower() == "tenantsettings"}
        return "/".join(
            part
            if place in settings and part.isalnum()
            else self._part(part, _OF_XMLA if place >= names else self.words)
            for place, part in enumerate(parts)
        )

    def _part(self, part: str, words: frozenset[str]) -> str:
        text = unquote(part)
        if _PLAIN_PART.fullmatch(text) or text.lower() in words or text.lower() in AUTHORITIES or text == "myorg":
            return part
        call = _CALL.fullmatch(text)
        if call and call[1].lower() in words:
            inner = re.sub(r"'([^']*)'", lambda match: f"'{self.named(match[1], 'part')}'", call[2])
            return f"{call[1]}({quote(self.inside(inner), safe=_SAFE)})"
        return quote(self.named(text, "part"), safe=_SAFE)

    def _query(self, text: str) -> str:
        return "&".join(map(self._parameter, text.split("&")))

    def _parameter(self, text: str) -> str:
        name, equals, value = text.partition("=")
        if not equals:
            return quote(self.named(unquote(name), "part"), safe=_SAFE) if name else ""
        if _PLAIN_VALUE.fullmatch(value) or name in _CHOICES:
            return text
        plain = unquote(value)
        if name == "$filter":
            plain = re.sub(r"'([^']*)'", lambda match: f"'{self.named(match[1], 'part')}'", plain)
            return f"{name}={quote(self.inside(plain), safe=_SAFE)}"
        return f"{name}={quote(self.named(plain, 'part'), safe=_SAFE)}"
