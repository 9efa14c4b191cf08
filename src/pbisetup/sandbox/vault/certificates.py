"""Certificates of a vault that were imported, from PEM or PFX, and the secret that stands behind each.

A vault makes certificates too, and asks authorities for them; that is not served.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, Final

from pbisetup.sandbox.base64url import encode
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.vault import objects
from pbisetup.sandbox.vault.errors import Refused
from pbisetup.sandbox.vault.gate import Vault
from pbisetup.sandbox.wire import Call, Reply, World

PEM: Final = "application/x-pem-file"
PFX: Final = "application/x-pkcs12"


def import_(world: World, vault: Vault, call: Call) -> Reply:
    """`POST /certificates/{name}/import`: a new version, the latest from now on."""
    name, body = call.params["name"], call.json()
    objects.free(vault, "certificate", name)
    value, password, given = body.get("value"), body.get("pwd"), body.get("policy") or {}
    if not isinstance(value, str) or not isinstance(password, str | None) or not isinstance(given, dict):
        raise Refused("body", property="value")
    kind = _part(given, "secret_props").get("contentType") or PFX
    if kind not in (PEM, PFX):
        raise Refused("body", property="policy.secret_props.contentType")
    exportable = _part(given, "key_props").get("exportable")
    key, chain = _read(value, password, kind)
    made = _written(key, chain, kind, exportable=exportable is not False)
    named = objects.tags(body.get("tags"))
    held = objects.attributes(vault, body.get("attributes")) | made.pop("life")
    version = {**made, "contentType": kind, "exportable": exportable is not False, "tags": named, "attributes": held}
    objects.add(vault, "certificate", name, version)
    world.tenant.changed = True
    return Reply(200, _bundle(vault, _item(vault, name), version, policy=True))


def get(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /certificates/{name}[/{version}]`; without a version, with the policy. A disabled one too: guess."""
    item, version = _version(vault, call)
    return Reply(200, _bundle(vault, item, version, policy="version" not in call.params))


def policy(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /certificates/{name}/policy`."""
    return Reply(200, _policy(vault, *_version(vault, call)))


def patch(world: World, vault: Vault, call: Call) -> Reply:
    """`PATCH /certificates/{name}[/{version}]`: attributes and tags, these as a whole."""
    item, version = _version(vault, call)
    body = call.json()
    given = objects.tags(body.get("tags"))
    version["attributes"] = objects.attributes(vault, body.get("attributes"), version["attributes"])
    version["tags"] = version.get("tags") if given is None else given
    world.tenant.changed = True
    return Reply(200, _bundle(vault, item, version, policy="version" not in call.params))


def versions(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /certificates/{name}/versions`."""
    item = objects.present(vault, "certificate", call.params["name"]) or {"versions": []}
    found = sorted(item["versions"], key=lambda each: str(each["version"]))
    path = f"certificates/{call.params['name']}/versions"
    return Reply(200, objects.page(vault, call, path, found, lambda each: _listed(vault, item, each, versioned=True)))


def listed(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /certificates`."""
    found = [each for each in objects.shelf(vault, "certificate").values() if "deletedDate" not in each]
    found.sort(key=lambda each: str(each["name"]).lower())
    write = lambda each: _listed(vault, each, each["versions"][-1], versioned=False)  # noqa: E731
    return Reply(200, objects.page(vault, call, "certificates", found, write))


def delete(world: World, vault: Vault, call: Call) -> Reply:
    """`DELETE /certificates/{name}`: it and the secret behind it stay recoverable."""
    item, _ = _version(vault, call)
    item["deletedDate"] = vault.now
    world.tenant.changed = True
    return Reply(200, _deleted(vault, item))


def get_deleted(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /deletedcertificates/{name}`."""
    return Reply(200, _deleted(vault, objects.deleted(vault, "certificate", call.params["name"])))


def list_deleted(_world: World, vault: Vault, call: Call) -> Reply:
    """`GET /deletedcertificates`."""
    found = [each for each in objects.shelf(vault, "certificate").values() if "deletedDate" in each]
    write = lambda each: objects.of_deleted(vault, "certificate", each) | _listed(vault, each, each["versions"][-1])  # noqa: E731
    return Reply(200, objects.page(vault, call, "deletedcertificates", found, write))


def recover(world: World, vault: Vault, call: Call) -> Reply:
    """`POST /deletedcertificates/{name}/recover`: as it was."""
    item = objects.deleted(vault, "certificate", call.params["name"])
    del item["deletedDate"]
    world.tenant.changed = True
    return Reply(200, _bundle(vault, item, item["versions"][-1], policy=True))


def purge(world: World, vault: Vault, call: Call) -> Reply:
    """`DELETE /deletedcertificates/{name}`: gone for good."""
    objects.deleted(vault, "certificate", call.params["name"])
    del objects.shelf(vault, "certificate")[call.params["name"].lower()]
    world.tenant.changed = True
    return Reply(204)


def secret_behind(vault: Vault, item: Object) -> Object:
    """A certificate's secret, in the shape of a secret; each version shares attributes and tags with the certificate's."""
    return {
        "name": item["name"],
        "managed": True,
        "versions": [
            {**each, "managed": True, "kid": f"{vault.address}/keys/{item['name']}/{each['version']}"}
            for each in item["versions"]
        ],
    }


def _item(vault: Vault, name: str) -> Object:
    return objects.present(vault, "certificate", name) or {}


def _version(vault: Vault, call: Call) -> tuple[Object, Object]:
    name = call.params["name"]
    item = _item(vault, name)
    return item, objects.version_of(item, "certificate", name, call.params.get("version", ""))


def _part(given: Object, name: str) -> Object:
    found = given.get(name) or {}
    if not isinstance(found, dict):
        raise Refused("body", property=f"policy.{name}")
    return found


def _read(value: str, password: str | None, kind: str) -> tuple[Any, list[Any]]:
    """The key and the certificates, its own first. Raises Refused."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

    word = password.encode() if password else None
    wrong = Refused("pem" if kind == PEM else "pfx")
    try:
        data = value.encode() if "-----BEGIN" in value else base64.b64decode(value, validate=True)
        if kind == PFX:
            key, own, others = pkcs12.load_key_and_certificates(data, word)
            chain = [each for each in (own, *others) if each is not None]
        else:
            # Only PKCS#8 (azure-docs certificate-scenarios; seen by users: winterdom.com, 2019-10-31).
            if b"-----BEGIN PRIVATE KEY" not in data and b"-----BEGIN ENCRYPTED PRIVATE KEY" not in data:
                raise wrong
            key, chain = load_pem_private_key(data, word), x509.load_pem_x509_certificates(data)
        if key is None or not chain or key.public_key() != chain[0].public_key():
            raise wrong
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise wrong from None
    return key, chain


def _written(key: Any, chain: list[Any], kind: str, *, exportable: bool) -> Object:
    """What a version holds: the secret's value, the certificate, and what is read out of it."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

    der = chain[0].public_bytes(Encoding.DER)
    if kind == PEM:
        # guess: what a certificate's secret holds where the key may not leave the vault.
        parts = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())] if exportable else []
        value = b"".join([*parts, *(each.public_bytes(Encoding.PEM) for each in chain)]).decode()
    else:
        held = key if exportable else None
        value = base64.b64encode(
            pkcs12.serialize_key_and_certificates(None, held, chain[0], chain[1:], NoEncryption())
        ).decode()
    return {
        "value": value,
        "cer": base64.b64encode(der).decode(),
        "x5t": encode(hashlib.sha1(der, usedforsecurity=False).digest()),
        "subject": chain[0].subject.rfc4514_string(),
        "kty": "RSA" if type(key).__name__.startswith("RSA") else "EC",
        "keySize": int(getattr(key, "key_size", 0)),
        "life": {
            "nbf": max(0, int(chain[0].not_valid_before_utc.timestamp())),
            "exp": max(0, int(chain[0].not_valid_after_utc.timestamp())),
        },
    }


def _bundle(vault: Vault, item: Object, version: Object, *, policy: bool) -> Object:
    place = f"{item['name']}/{version['version']}"
    found = objects.shown(vault, "certificate", item, version)
    found |= {
        "kid": f"{vault.address}/keys/{place}",
        "sid": f"{vault.address}/secrets/{place}",
        "x5t": version["x5t"],
        "cer": version["cer"],
    }
    return found | ({"policy": _policy(vault, item, version)} if policy else {})


def _policy(vault: Vault, item: Object, version: Object) -> Object:
    """As an import without issuer and lifetime actions leaves it (azure-docs import-certificate)."""
    times = version["attributes"]
    return {
        "id": f"{vault.address}/certificates/{item['name']}/policy",
        "key_props": {
            "exportable": version["exportable"],
            "kty": version["kty"],
            "key_size": version["keySize"],
            "reuse_key": False,
        },
        "secret_props": {"contentType": version["contentType"]},
        "x509_props": {
            "subject": version["subject"],
            "validity_months": max(1, (int(times["exp"]) - int(times["nbf"])) // (30 * objects.DAY)),
        },
        "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "EmailContacts"}}],
        "issuer": {"name": "Unknown"},
        "attributes": {"enabled": True, "created": times["created"], "updated": times["updated"]},
    }


def _listed(vault: Vault, item: Object, version: Object, *, versioned: bool = False) -> Object:
    return objects.shown(vault, "certificate", item, version, versioned=versioned) | {
        "x5t": version["x5t"],
        "subject": version["subject"],
    }


def _deleted(vault: Vault, item: Object) -> Object:
    found = _bundle(vault, item, item["versions"][-1], policy=True)
    return objects.of_deleted(vault, "certificate", item) | found
