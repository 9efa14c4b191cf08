"""Stand-ins for names, ids and addresses: the same one for the same thing, and of the same form, so that whatever can be
told by comparing two of them or by what they look like can still be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pbisetup.model.vocabulary import AUTHORITIES, TIGHT, UNSPOKEN, is_everybodys, is_file, is_public, tells_nothing

_GUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
PATTERNS: Final = (
    ("guid", rf"(?<![0-9a-fA-F]){_GUID}(?![0-9a-fA-F])"),
    ("hex", r"(?<![0-9a-zA-Z])[0-9a-fA-F]{32}(?![0-9a-zA-Z])"),
    ("thumbprint", r"(?<![0-9a-zA-Z])[0-9a-fA-F]{40}(?![0-9a-zA-Z])"),
    ("account", r"[^\s'\"<>()@,;:=/]+@[\w-]+(?:\.[\w-]+)+"),
    ("home", r"(?:/home/|/Users/|/root/|[A-Za-z]:\\Users\\)[^\s'\":;,]+"),
    ("host", r"(?<![\w.-])(?:[\w-]+\.)+(?:[a-z]{2,}|[A-Z]{2,})(?![\w-])"),
    (
        "ip",
        r"(?<![\w.])(?!127\.)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w.])|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){4,}[0-9a-fA-F:]*",
    ),
)
GUIDS: Final = re.compile(_GUID)
INSIDE: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in PATTERNS))
_OWN: Final = re.compile(r"(pbisetup)([-:])([a-z0-9]+)([-/])(.+)")
"""A unique name or tag that pbisetup made: project and environment are names in it."""
_ENDS: Final = re.compile(r"([\s'\"{}<>\u200b\ufeff]*)(.*?)([\s'\"{}<>\u200b\ufeff]*)", re.DOTALL)
_GUID_FORM: Final = "00000000-0000-4000-8000-{:012d}"


class StandIns:
    """All that were made for one recording."""

    def __init__(self, taken: frozenset[str], keep: frozenset[str], words: frozenset[str]) -> None:
        """`taken`: texts that no stand-in may be; `keep`: ids that stay; `words`: of paths and permissions, that stay."""
        self.keep, self.words = keep, words
        self.spoken: set[str] = set()
        """Names that may stand in texts too."""
        self._taken = taken | {guid.lower() for text in taken for guid in GUIDS.findall(text)}
        self._made: dict[tuple[str, str], str] = {}
        self._count: dict[str, int] = {}
        self._spellings: dict[str, list[str]] = {}

    # -- names and ids as a whole --------------------------------------------------------------------------------

    def named(self, text: str, label: str) -> str:
        """A text that is a name or an id as a whole."""
        if is_everybodys(text) or not text.strip("*") or (label == "tenant id" and text.lower() in AUTHORITIES):
            return text
        own = _OWN.fullmatch(text)
        if own:
            self.spoken |= {own[3], own[5]}
            project, environment = self.name(own[3], "project"), self.name(own[5], "env")
            return f"{own[1]}{own[2]}{project}{own[4]}{environment}"
        whole = INSIDE.fullmatch(text)
        if whole and whole.lastgroup != "host":
            return self.found(str(whole.lastgroup), text)
        if label == "domain" or whole:
            return self._domain(text, label)
        before, core, after = _ENDS.fullmatch(text).groups()  # type: ignore[union-attr]
        if core != text and (INSIDE.fullmatch(core) or core.lower() in AUTHORITIES):
            # Quotes around an id are a mistake that must still be seen, and the id in them the same as elsewhere.
            return f"{before}{self.named(core, label)}{after}"
        if label not in UNSPOKEN and (label == "env" or not tells_nothing(text)):
            self.spoken.add(text)
        return self.name(text, label)

    def _domain(self, text: str, label: str) -> str:
        if label not in ("domain", "tenant id") and is_public(text):
            return text
        if is_file(text):
            self.spoken.add(text)  # in a text it would be taken for a file's name
        return self._host(text, always=True)

    def name(self, text: str, label: str) -> str:
        """The stand-in of a name. Names that differ in upper and lower case alone have stand-ins that do."""
        key = text.casefold()
        label = label.replace(" ", "-")
        stand_in = self._new(("name", key), f"{label}{'' if label in TIGHT else '-'}{{}}", label)
        spellings = self._spellings.setdefault(key, [])
        if text not in spellings:
            spellings.append(text)
        return _respelled(stand_in, spellings.index(text))

    def found(self, kind: str, text: str) -> str:
        """The stand-in of what one of `PATTERNS` has found."""
        return _BY_PATTERN[kind](self, text)

    def inside(self, text: str) -> str:
        """The text with the ids, accounts and addresses in it replaced."""
        return INSIDE.sub(lambda match: self.found(str(match.lastgroup), match[0]), text)

    # -- by pattern ----------------------------------------------------------------------------------------------

    def _guid(self, text: str) -> str:
        if text.lower() in self.keep:
            return text
        return self._new(("guid", text.replace("-", "").lower()), _GUID_FORM, "guid")

    def _hex(self, text: str) -> str:
        if text.lower() in self.keep:
            return text
        return self._new(("guid", text.lower()), _GUID_FORM, "guid").replace("-", "")

    def _thumbprint(self, text: str) -> str:
        return self._new(("thumbprint", text.lower()), "{:040X}", "thumbprint")

    def _account(self, text: str) -> str:
        user, _, domain = text.rpartition("@")
        guest = user[-5:] if user.lower().endswith("#ext#") else ""
        return f"{self._new(('account', text.casefold()), 'user{}', 'user')}{guest}@{self._host(domain, always=True)}"

    def _host(self, text: str, *, always: bool = False) -> str:
        if not always and (is_public(text) or is_file(text) or text.lower() in self.words):
            return text
        return self._new(("host", text.lower()), "domain{}.example", "host")

    def _ip(self, text: str) -> str:
        # Of the ranges that are set apart for documents and tests (RFC 2544, RFC 3849).
        if ":" in text:
            return self._new(("ip", text.lower()), "2001:db8:0:0:0:0:0:{:x}", "ip")
        return self._new(("ip", text), lambda number: f"198.18.{number // 250}.{number % 250 + 1}", "ip")

    def _home(self, text: str) -> str:
        return self.name(text, "folder")

    def _new(self, key: tuple[str, str], pattern: str | Callable[[int], str], label: str) -> str:
        """A stand-in that nothing in the recording is called."""
        while key not in self._made:
            number = self._count[label] = self._count.get(label, 0) + 1
            made = pattern.format(number) if isinstance(pattern, str) else pattern(number)
            if made.casefold() not in self._taken:
                self._made[key] = made
        return self._made[key]


_BY_PATTERN: Final[dict[str, Callable[[StandIns, str], str]]] = {
    "guid": StandIns._guid,
    "hex": StandIns._hex,
    "thumbprint": StandIns._thumbprint,
    "account": StandIns._account,
    "home": StandIns._home,
    "host": StandIns._host,
    "ip": StandIns._ip,
}


def _respelled(stand_in: str, number: int) -> str:
    """The same letters in another mixture of upper and lower case, for every number another one."""
    places = [place for place, each in enumerate(stand_in) if each.isalpha()]
    turned = {place for bit, place in enumerate(places) if number >> bit & 1}
    return "".join(each.swapcase() if place in turned else each for place, each in enumerate(stand_in))
