"""Secrets of a vault, and those that stand behind its certificates."""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.store import Object
from pbisetup.sandbox.vault import objects
from pbisetup.sandbox.vault.certificates import secret_behind
from pbisetup.sandbox.vault.errors import Refused
from pbisetup.sandbox.vault.gate import Vault
from pbisetup.sandbox.wire import Call, Reply, World

LONGEST: Final = 25 * 1024
"""Bytes of a value (azure-docs about-secrets)."""


def put(world: World, vault: Vault, call: Call) -> Reply:
    """`PUT /secrets/{name}`: a new version, the latest from now on."""
    name, body = call.params["name"], call.json()
    value = body.get("value")
    objects.free(vault, "secret", name)
    if not isinstance(value, str) or len(value.encode()) > LONGEST:
        raise Refused("body", property="value")
    version: Object = {
        "value": value,
        "contentType": _content_type(body),
        "tags": objects.tags(body.get("tags")),
        "attributes": objects.attributes(vault, body.get("attributes")),
    }
    objects.add(vault, "secret", name, version)
    world.tenant.changed = True
    return Reply(200, _bundle(vault, _item(vault, name), version))


def get(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /secrets/{name}[/{version}]`, with its value."""
    item, version = _version(vault, call)
    if not version["attributes"]["enabled"]:
        raise Refused("disabled", kind="secret")
    return Reply(200, _bundle(vault, item, version))


def patch(world: World, vault: Vault, call: Call) -> Reply:
    """`PATCH /secrets/{name}[/{version}]`: attributes, tags and content type; tags as a whole."""
    item, version = _version(vault, call)
    if version.get("managed"):
        raise Refused("certificate_there", name=item["name"])
    body = call.json()
    given, kind = objects.tags(body.get("tags")), _content_type(body)
    version["attributes"] = objects.attributes(vault, body.get("attributes"), version["attributes"])
    version["tags"] = version.get("tags") if given is None else given
    version["contentType"] = kind or version.get("contentType")
    world.tenant.changed = True
    return Reply(200, _bundle(vault, item, version, value=False))


def versions(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /secrets/{name}/versions`. Of a name that is not there: none (recorded)."""
    item = _item(vault, call.params["name"])
    # By their ids, which are random (nagyesta/lowkey-vault#467).
    found = sorted(item["versions"], key=lambda each: str(each["version"])) if item else []
    path = f"secrets/{call.params['name']}/versions"
    return Reply(200, objects.page(vault, call, path, found, lambda each: _bundle(vault, item, each, value=False)))


def listed(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /secrets`: each by its latest version, without the value."""
    own = [each for each in objects.shelf(vault, "secret").values() if "deletedDate" not in each]
    behind = [
        secret_behind(vault, each) for each in objects.shelf(vault, "certificate").values() if "deletedDate" not in each
    ]
    found = sorted([*own, *behind], key=lambda each: str(each["name"]).lower())
    return Reply(200, objects.page(vault, call, "secrets", found, lambda each: _listed(vault, each)))


def delete(world: World, vault: Vault, call: Call) -> Reply:
    """`DELETE /secrets/{name}`: it stays recoverable."""
    item, _ = _version(vault, call)
    if item.get("managed"):
        raise Refused("certificate_there", name=item["name"])
    item["deletedDate"] = vault.now
    world.tenant.changed = True
    return Reply(200, _deleted(vault, item))


def get_deleted(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /deletedsecrets/{name}`."""
    return Reply(200, _deleted(vault, objects.deleted(vault, "secret", call.params["name"])))


def list_deleted(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /deletedsecrets`."""
    found = [each for each in objects.shelf(vault, "secret").values() if "deletedDate" in each]
    return Reply(200, objects.page(vault, call, "deletedsecrets", found, lambda each: _deleted(vault, each)))


def recover(world: World, vault: Vault, call: Call) -> Reply:
    """`POST /deletedsecrets/{name}/recover`: as it was."""
    item = objects.deleted(vault, "secret", call.params["name"])
    del item["deletedDate"]
    world.tenant.changed = True
    return Reply(200, _bundle(vault, item, item["versions"][-1], value=False))


def purge(world: World, vault: Vault, call: Call) -> Reply:
    """`DELETE /deletedsecrets/{name}`: gone for good."""
    objects.deleted(vault, "secret", call.params["name"])
    del objects.shelf(vault, "secret")[call.params["name"].lower()]
    world.tenant.changed = True
    return Reply(204)


def _item(vault: Vault, name: str) -> Object:
    found = objects.present(vault, "secret", name)
    if found is not None:
        return found
    behind = objects.present(vault, "certificate", name)
    return secret_behind(vault, behind) if behind else {}


def _version(vault: Vault, call: Call) -> tuple[Object, Object]:
    name = call.params["name"]
    item = _item(vault, name)
    return item, objects.version_of(item, "secret", name, call.params.get("version", ""))


def _bundle(vault: Vault, item: Object, version: Object, *, value: bool = True) -> Object:
    found = {"value": version["value"]} if value else {}
    if version.get("contentType") is not None:
        found["contentType"] = version["contentType"]
    found |= objects.shown(vault, "secret", item, version)
    return found | ({"kid": version["kid"], "managed": True} if version.get("managed") else {})


def _listed(vault: Vault, item: Object) -> Object:
    latest = item["versions"][-1]
    found = _bundle(vault, item, latest, value=False)
    return found | {"id": objects.shown(vault, "secret", item, latest, versioned=False)["id"]}


def _deleted(vault: Vault, item: Object) -> Object:
    return objects.of_deleted(vault, "secret", item) | _bundle(vault, item, item["versions"][-1], value=False)


def _content_type(body: Object) -> str | None:
    found = body.get("contentType")
    if found is not None and (not isinstance(found, str) or len(found) > 255):
        raise Refused("body", property="contentType")
    return found
