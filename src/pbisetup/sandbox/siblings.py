"""The second tenant of a sandbox and those after it: the same organization once more, under names of its own."""

from __future__ import annotations

import re
from typing import Any

Object = dict[str, Any]


def numbered(state: Object, number: int) -> Object:
    """The state of a first tenant as that of another: each of its domains with the number behind its first label
    (contoso2.onmicrosoft.com) wherever the state names it, so that a scenario serves for all. What has an id has that of
    its own tenant already.
    """
    tenant = state["tenant"]
    known = [str(tenant["domain"]), *(tenant.get("verifiedDomains") or ())]
    names = {name.lower(): _of(name, number) for name in known}
    # Longest first: contoso.onmicrosoft.com before a contoso.on.
    any_of = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    domain = re.compile(rf"(?<![\w.-])(?:{any_of})(?![\w-]|\.\w)", re.IGNORECASE)
    renamed: Object = _renamed(state, domain, names)
    renamed["tenant"]["displayName"] = f"{tenant['displayName']} {number}"
    return renamed


def _of(domain: str, number: int) -> str:
    first, dot, rest = domain.partition(".")
    return f"{first}{number}{dot}{rest}"


def _renamed(value: Any, domain: re.Pattern[str], names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(each, domain, names) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, domain, names) for each in value]
    return domain.sub(lambda found: names[found[0].lower()], value) if isinstance(value, str) else value
