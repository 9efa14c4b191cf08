"""What secrets and certificates have in common: names, versions, attributes, tags, pages, and that a deleted one stays
recoverable until it is purged. source, unless said otherwise: azure-rest-api-specs and recordings in azure-sdk-for-js.

In the state each is `{name, versions: [{version, tags, attributes, ...}], deletedDate?}` under its name in small letters;
the last version is the latest.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, urlencode

from pbisetup.sandbox.shapes import LARGEST
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.vault.errors import Refused
from pbisetup.sandbox.vault.gate import Kind, Vault
from pbisetup.sandbox.wire import Call

NAME: Final = re.compile(r"[0-9a-zA-Z-]{1,127}")
MOST_TAGS: Final = 15
LONGEST_TAG: Final = 256
"""Of a name and of a value (azure-docs about-secrets; since 2023 a page says 512, and the shorter holds for both)."""
PAGE: Final = 25
DAY: Final = 86400


def shelf(vault: Vault, kind: Kind) -> dict[str, Object]:
    """All of a kind, the deleted ones too but for those whose time is over."""
    found: dict[str, Object] = vault.state.setdefault(f"{kind}s", {})
    for key in [k for k, each in found.items() if _over(vault, each)]:
        del found[key]
    return found


def _over(vault: Vault, item: Object) -> bool:
    return "deletedDate" in item and vault.now >= int(item["deletedDate"]) + vault.retention * DAY


def present(vault: Vault, kind: Kind, name: str) -> Object | None:
    """One that is there and not deleted."""
    found = shelf(vault, kind).get(name.lower())
    return None if found is None or "deletedDate" in found else found


def deleted(vault: Vault, kind: Kind, name: str) -> Object:
    """One that is deleted and recoverable. Raises Refused."""
    found = shelf(vault, kind).get(name.lower())
    if found is None or "deletedDate" not in found:
        raise Refused("not_deleted", kind=kind, name=name)
    return found


def version_of(item: Object | None, kind: Kind, name: str, version: str) -> Object:
    """A version of one, the latest where none is named. Raises Refused."""
    versions: list[Object] = item["versions"] if item else []
    found = next((each for each in reversed(versions) if not version or each["version"] == version.lower()), None)
    if found is None:
        raise Refused("not_found", kind=kind, name=f"{name}/{version}" if version else name)
    return found


def free(vault: Vault, kind: Kind, name: str) -> None:
    """Raise Refused where a new version cannot be made under this name."""
    if NAME.fullmatch(name) is None:
        raise Refused("name", name=name)
    other: Kind = "certificate" if kind == "secret" else "secret"
    for each in (kind, other):
        if "deletedDate" in shelf(vault, each).get(name.lower(), {}):
            raise Refused("deleted", kind=kind, name=name)
    if present(vault, other, name):
        raise Refused(f"{other}_there", name=name)


def add(vault: Vault, kind: Kind, name: str, version: Object) -> Object:
    """Put a new version in, which is the latest from now on."""
    item = shelf(vault, kind).setdefault(name.lower(), {"name": name, "versions": []})
    version["version"] = secrets.token_hex(16)
    item["versions"].append(version)
    return version


def attributes(vault: Vault, given: Any, before: Object | None = None) -> Object:
    """Those of a version, as a request changes or begins them. Raises Refused."""
    if given is not None and not isinstance(given, dict):
        raise Refused("body", property="attributes")
    found: Object = dict(before or {"enabled": True, "created": vault.now}) | {"updated": vault.now}
    for name, value in (given or {}).items():
        if value is None or name not in ("enabled", "nbf", "exp"):
            continue
        right = isinstance(value, bool) if name == "enabled" else _is_time(value)
        if not right:
            raise Refused("body", property=f"attributes.{name}")
        found[name] = value
    return found


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def tags(given: Any) -> dict[str, str] | None:
    """The tags of a request; None where it has none. Raises Refused."""
    if given is None:
        return None
    if not isinstance(given, dict) or not all(isinstance(each, str) for each in given.values()):
        raise Refused("body", property="tags")
    if len(given) > MOST_TAGS or any(len(each) > LONGEST_TAG for pair in given.items() for each in pair):
        raise Refused("tags")
    return dict(given)


def shown(vault: Vault, kind: Kind, item: Object, version: Object, *, versioned: bool = True) -> Object:
    """Id, attributes and tags."""
    path = f"{kind}s/{quote(item['name'])}" + (f"/{version['version']}" if versioned else "")
    recovery = "Recoverable+Purgeable" if vault.retention == 90 else "CustomizedRecoverable+Purgeable"
    found: Object = {
        "id": f"{vault.address}/{path}",
        "attributes": {**version["attributes"], "recoveryLevel": recovery, "recoverableDays": vault.retention},
    }
    return found if version.get("tags") is None else found | {"tags": version["tags"]}


def of_deleted(vault: Vault, kind: Kind, item: Object) -> Object:
    """What a deleted one has beside that."""
    date = int(item["deletedDate"])
    return {
        "recoveryId": f"{vault.address}/deleted{kind}s/{quote(item['name'])}",
        "deletedDate": date,
        "scheduledPurgeDate": date + vault.retention * DAY,
    }


def page(vault: Vault, call: Call, path: str, items: list[Any], write: Callable[[Any], Object]) -> Object:
    """A page of a list. Raises Refused."""
    asked, place = call.query.get("maxresults", ""), call.query.get("$skiptoken", "")
    size = int(asked) if re.fullmatch(r"[0-9]{1,2}", asked) else 0 if asked else PAGE
    if not 1 <= size <= PAGE:
        raise Refused("body", property="maxresults")
    start = int(place) if re.fullmatch(r"[0-9]{1,9}", place) else 0
    more = None
    if start + size < len(items):
        # guess: the token's form; clients hand it back as it came.
        query = {"api-version": call.query["api-version"], "$skiptoken": str(start + size), "maxresults": str(size)}
        more = f"{vault.base}/{path}?{urlencode(query)}"
    return {"value": [write(each) for each in items[start : start + size]], "nextLink": more}
