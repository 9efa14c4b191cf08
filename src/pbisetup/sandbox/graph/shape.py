"""How stored objects look on the wire: private fields gone, computed ones added."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.graph.schema import ENTITIES
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.odata import select
from pbisetup.sandbox.store import Object, Tenant

# Relations and inner state that Graph never shows as properties.
_HIDDEN: Final = frozenset(
    (
        "owners",
        "members",
        "directoryRoles",
        "secretHash",
        "secretText",
        "federatedIdentityCredentials",
        "myWorkspace",
    )
)


def public(value: Any) -> Any:
    """A copy without anything private, at every depth."""
    if isinstance(value, dict):
        return {k: public(v) for k, v in value.items() if not k.startswith("_") and k not in _HIDDEN}
    if isinstance(value, list):
        return [public(each) for each in value]
    return value


def entity(tenant: Tenant, kind: str, item: Object) -> Object:
    """A directory object with every property a plain GET shows; `kind` as in `microsoft.graph.<kind>`."""
    spec = ENTITIES.get(kind)
    shown: Object = {"id": item["id"], **(spec.blank() if spec else {}), **public(item)}
    if kind == "servicePrincipal":
        application = tenant.applications.by("appId", str(item.get("appId")))
        if application is not None:
            # source: entra.md 1.1: the tags of an app also surface on every service principal of it.
            shown["tags"] = list(dict.fromkeys([*shown["tags"], *application.get("tags", [])]))
    if kind in ("application", "servicePrincipal"):
        _hide_secrets(shown)
    return shown


def typed(tenant: Tenant, kind: str, item: Object) -> Object:
    """The object as a member of a polymorphic list, with its `@odata.type` first."""
    return {"@odata.type": f"#microsoft.graph.{kind}", **entity(tenant, kind, item)}


def single(request: Request, kind: str, item: Object, context: str, names: list[str] | None = None) -> Object:
    """One entity as the body of an answer, with `@odata.context` and only the selected properties.

    `key` of a certificate is shown only where keyCredentials is selected on a single object (entra.md 1.8).
    """
    body = entity(request.tenant, kind, item)
    where = f"{request.base}/$metadata#{context}"
    if names:
        if "keyCredentials" in names:
            for shown, stored in zip(body.get("keyCredentials", []), item.get("keyCredentials", []), strict=True):
                shown["key"] = stored.get("key")
        return {"@odata.context": f"{where}({','.join(names)})/$entity", **select(body, names)}
    if kind == "user":
        # Without $select a user shows only its default properties.
        body = select(body, ["id", *ENTITIES["user"].defaults])
    return {"@odata.context": f"{where}/$entity", **body}


def _hide_secrets(shown: Object) -> None:
    shown["passwordCredentials"] = [
        {"customKeyIdentifier": None, **entry, "secretText": None} for entry in shown["passwordCredentials"]
    ]
    shown["keyCredentials"] = [{**entry, "key": None} for entry in shown["keyCredentials"]]
