"""What a store holds at this moment, read with nothing of pbisetup's, and whether it opens anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt

from tests.killtest.scenes import ENVIRONMENT, PROJECT, SUBJECT, TRUSTED, UNIQUE, VAULT
from tests.killtest.stage import Stage

POWER_BI = "https://analysis.windows.net/powerbi/api/.default"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOTE = re.compile(r"#\s*pbisetup: (.*)")
PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*-----END CERTIFICATE-----\n", re.DOTALL)
PLACES = {
    "secret": "passwordCredentials",
    "certificate": "keyCredentials",
    "federated": "federatedIdentityCredentials",
}
SUPERSEDED = "pbisetup-superseded"


@dataclass(frozen=True)
class Held:
    """The values of a store, as whoever uses it finds them."""

    tenant: str = ""
    client: str = ""
    secret: str = ""
    pem: str = ""
    note: str = ""

    def env(self, stage: Stage) -> dict[str, str]:
        """What a job sets so that programs find them."""
        found = {"AZURE_TENANT_ID": self.tenant, "AZURE_CLIENT_ID": self.client, "AZURE_CLIENT_SECRET": self.secret}
        if self.pem:
            path = stage.keepers.folder / "job.pem"
            path.write_text(self.pem)
            path.chmod(0o600)
            found["AZURE_CLIENT_CERTIFICATE_PATH"] = str(path)
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Known:
    """What a store knows."""

    current: set[str]
    """The id of the credential that it says it holds; where it says none, of the one that it does hold."""
    held: set[str]
    """Those of the app's that the value in it is."""
    named: bool
    """Whether it says which one it is."""
    retiring: dict[str, datetime]
    """Those that it was before, and when their grace is over."""
    works: Callable[[str], str] | None
    """What is wrong with the credential, for the app of this client id; None where none is held."""

    def ids(self, over: bool) -> set[str]:
        """`over`: with those whose grace is over."""
        now = datetime.now(UTC)
        return self.current | {key for key, after in self.retiring.items() if over or after > now}


def knows(stage: Stage, kind: str, store: str, app: dict[str, Any]) -> Known:
    """What the store knows now."""
    held = READERS[store](stage)
    says = set(re.findall(r"key id ([\w-]+)", held.note))
    retires = retiring(held.note) if store != "stdout" else journalled(stage)
    if kind == "federated":
        there = {
            each["id"]: each["name"]
            for each in app.get("federatedIdentityCredentials") or []
            if (each["issuer"], each["subject"]) == (TRUSTED, SUBJECT)
        }
        says = {id_ for id_, name in there.items() if name in says} or says
        return Known(
            says or set(there), set(there), bool(says), retires, _works(stage, held, kind) if held.client else None
        )
    if kind == "secret":
        digest = hashlib.sha256(held.secret.encode()).hexdigest()
        is_it = [each["keyId"] for each in app["passwordCredentials"] if each["secretHash"] == digest]
    else:
        der = base64.b64encode(_certificate(held.pem)).decode() if held.pem else ""
        is_it = [each["keyId"] for each in app.get("keyCredentials") or [] if each.get("key") == der]
    there = set(is_it)
    whole = held.secret if kind == "secret" else held.pem
    return Known(says or there, there, bool(says), retires, _works(stage, held, kind) if whole else None)


def retiring(note: str) -> dict[str, datetime]:
    """Of the old credentials in a note when their grace is over."""
    return {key: datetime.fromisoformat(after) for key, after in re.findall(r"retires ([\w-]+) after (\S+Z)", note)}


def journalled(stage: Stage) -> dict[str, datetime]:
    """The same where only this machine knows."""
    path = stage.home / "state" / "journal" / f"{PROJECT}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {each["retires"]: datetime.fromisoformat(each["after"]) for each in lines if "retires" in each}


def env_file(path: Path) -> tuple[dict[str, str], str]:
    """Its variables and the note."""
    if not path.exists():
        return {}, ""
    text = path.read_text(encoding="utf-8")
    note = NOTE.search(text)
    return variables(text), note[1] if note else ""


def variables(text: str) -> dict[str, str]:
    """Lines such as NAME=value, the last of each name."""
    return dict(re.findall(r"^(AZURE_\w+)=(.*)$", text, re.MULTILINE))


# -- each store --------------------------------------------------------------------------------------------------------


def _in_env_file(stage: Stage) -> Held:
    values, note = env_file(stage.folder / f".env.{ENVIRONMENT}")
    path = Path(values.get("AZURE_CLIENT_CERTIFICATE_PATH") or "nowhere")
    return _held(values, path.read_text() if path.is_file() else "", note)


def _held(values: dict[str, str], pem: str, note: str) -> Held:
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    return Held(*(values.get(name, "") for name in names), pem, note)


def _in_keyring(stage: Stage) -> Held:
    entry = json.loads(stage.keepers.entries.get(f"pbisetup|{PROJECT}/{ENVIRONMENT}") or "{}")
    return Held(*(entry.get(name, "") for name in ("tenant", "client", "secret", "pem", "note")))


def _in_vault(stage: Stage) -> Held:
    """The certificate counts unless it is marked as superseded, else the secret; of each the latest version."""
    vault = stage.tenant.state()["vaults"][VAULT]
    for kind, name in (("certificates", f"certificate-{UNIQUE}"), ("secrets", UNIQUE)):
        latest = vault[kind].get(name, {"versions": [{"attributes": {"enabled": False}}]})["versions"][-1]
        tags = latest.get("tags") or {}
        if not latest["attributes"]["enabled"] or SUPERSEDED in tags:
            continue
        note = "".join(tags.get(each, "") for each in ("pbisetup-note", *(f"pbisetup-note-{n}" for n in range(2, 10))))
        pem = latest["value"] if kind == "certificates" else ""
        return _held({**tags, "AZURE_CLIENT_SECRET": "" if pem else latest["value"]}, pem, note)
    return Held()


def _in_pipeline(store: str) -> Callable[[Stage], Held]:
    def read(stage: Stage) -> Held:
        plain, secret = stage.keepers.pipeline(store)
        suffix = f"_{ENVIRONMENT.upper()}" if store == "github" else ""
        values = {name.removesuffix(suffix): value for name, value in {**plain, **secret}.items()}
        pem = values.get("AZURE_CLIENT_CERTIFICATE", "")
        if store == "azure-devops":
            pem = base64.b64decode(values.get("AZURE_CLIENT_CERTIFICATE_BASE64", "")).decode()
        return _held(values, pem, values.get("PBISETUP_NOTE", ""))

    return read


def _on_stdout(stage: Stage) -> Held:
    """Whoever ran it has what was printed; the newest that was printed whole is the one they use."""
    whole = [each for each in stage.outs if re.search(r"^AZURE_CLIENT_ID=", each, re.MULTILINE)]
    newest = whole[-1] if whole else ""
    pem = PEM.search(newest)
    return _held(variables(newest), pem[0] if pem else "", "")


READERS: dict[str, Callable[[Stage], Held]] = {
    "env-file": _in_env_file,
    "keyring": _in_keyring,
    "key-vault": _in_vault,
    "stdout": _on_stdout,
    **{store: _in_pipeline(store) for store in ("github", "github-environment", "azure-devops")},
}


# -- does it work ------------------------------------------------------------------------------------------------------


def _works(stage: Stage, held: Held, kind: str) -> Callable[[str], str]:
    def works(client_id: str) -> str:
        if (held.tenant, held.client) != (stage.tenant.tenant, client_id):
            return f"it is for the app {held.client!r} of {held.tenant!r}, not for {client_id!r}"
        audience = f"{stage.tenant.url}/{stage.tenant.tenant}/oauth2/v2.0/token"
        form = {"grant_type": "client_credentials", "client_id": client_id, "scope": POWER_BI}
        if kind == "secret":
            form["client_secret"] = held.secret
        else:
            said = (
                stage.keepers.assertion(stage.tenant) if kind == "federated" else signed(held.pem, client_id, audience)
            )
            form |= {"client_assertion_type": ASSERTION, "client_assertion": said}
        answer = stage.tenant.token(**form)
        return "" if answer.status_code == 200 else answer.text

    return works


def _certificate(pem: str) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


def signed(pem: str, client: str, audience: str) -> str:
    """A client assertion, signed with the key in a PEM that also holds the certificate."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pem.encode(), None)
    digest = hashlib.sha256(_certificate(pem)).digest()
    now = time.time()
    claims = {
        "aud": audience,
        "iss": client,
        "sub": client,
        "jti": str(uuid.uuid4()),
        "nbf": now - 60,
        "exp": now + 600,
    }
    header = {"x5t#S256": base64.urlsafe_b64encode(digest).decode().rstrip("=")}
    return jwt.encode(claims, key, "RS256", header)  # type: ignore[arg-type]
