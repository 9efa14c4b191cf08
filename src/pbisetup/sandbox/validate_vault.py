"""What of a state the vaults read: who may do what there, and what lies in them."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.model.cloud import VAULT_NAME
from pbisetup.sandbox.shapes import LARGEST, Maybe, Named, Number, OneOf, misfits
from pbisetup.sandbox.vault.gate import ROLES

_SECOND: Final = Number(0, LARGEST, "seconds since 1970", whole=True)
_ATTRIBUTES: Final = {
    "enabled!": "flag",
    "created!": _SECOND,
    "updated!": _SECOND,
    "nbf": _SECOND,
    "exp": _SECOND,
}
_VERSION: Final = {
    "version!": "text",
    "value!": "text",
    "contentType": "text?",
    "tags": Maybe(Named("text")),
    "attributes!": _ATTRIBUTES,
}
_CERTIFICATE: Final = {
    **_VERSION,
    **dict.fromkeys(("contentType!", "cer!", "x5t!", "subject!", "kty!"), "text"),
    "keySize!": Number(0, 10**6, "bits", whole=True),
    "exportable!": "flag",
    "attributes!": {**_ATTRIBUTES, "nbf!": _SECOND, "exp!": _SECOND},
}
VAULT: Final[dict[str, Any]] = {
    "location": "text?",
    "resourceGroup": "text?",
    "networkAcls": Maybe({"defaultAction": OneOf(("Allow", "Deny"))}),
    # 7 to 90 (azure-docs soft-delete-overview).
    "softDeleteRetentionInDays": Number(7, 90, "days", whole=True, null=True),
    "roleAssignments": [{"principalId!": "text", "role!": OneOf(tuple(ROLES))}],
    "secrets": Named({"name!": "text", "versions!": [_VERSION], "deletedDate": _SECOND}),
    "certificates": Named({"name!": "text", "versions!": [_CERTIFICATE], "deletedDate": _SECOND}),
}


def vault_problems(state: dict[str, Any]) -> list[str]:
    """Every problem in words. Call when `vaults` is an object."""
    vaults = state.get("vaults", {})
    found = misfits("vaults", vaults, Named(VAULT))
    found += [
        f"vaults.{name}: a vault's name has 3 to 24 letters, digits and single hyphens, and begins with a letter"
        for name in vaults
        if VAULT_NAME.fullmatch(name) is None
    ]
    return found or [each for name, vault in vaults.items() for each in _objects(f"vaults.{name}", vault)]


def _objects(where: str, vault: dict[str, Any]) -> list[str]:
    found = []
    for kind in ("secrets", "certificates"):
        for key, item in vault.get(kind, {}).items():
            at = f"{where}.{kind}.{key}"
            if key != item["name"].lower():
                found.append(f"{at} must stand under its name in small letters, {item['name'].lower()!r}")
            if not item["versions"]:
                found.append(f"{at} must have a version")
            found += [f"{at}: version {each['version']!r} must be in small letters" for each in item["versions"]
                      if each["version"] != each["version"].lower()]  # fmt: skip
    return found
