"""Where the app's secret is kept: the env-file `.env.<environment>`, or printed once on standard output.

A store is opened and proved writable before the secret is made, so that a full disk, a read-only folder or a file that git
tracks is found while there is nothing to lose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import StoredCredential
from pbisetup.services import git
from pbisetup.services.files import PrivateFile, write_private

KEYS = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_KEY_ID = re.compile(r"#\s*pbisetup: key id ([0-9a-fA-F-]{36})")


@dataclass(frozen=True)
class AppCredential:
    """The credential of an app, ready to sign in with."""

    tenant_id: str
    client_id: str
    secret: Secret | None
    where: str


class OpenStore(Protocol):
    """A store that was proved writable and waits for the secret."""

    def keep(self, tenant_id: str, client_id: str, key_id: str, ends: str, secret: Secret) -> str:
        """Store it and say where. Raises StoreError; then the secret is nowhere."""
        ...

    def close(self) -> None:
        """Give up what was reserved, if nothing was kept."""
        ...


class EnvFile:
    """`.env.<environment>` beside the manifest, with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.

    Other lines of the file stay as they are.
    """

    def __init__(self, folder: Path, environment: str) -> None:
        self.path = folder / f".env.{environment}"
        self.name = self.path.name

    def stored(self) -> Fact[StoredCredential]:
        """What the file holds, without the secret."""
        evidence = Evidence(self.name, "local", "read")
        try:
            values, key_id = self._read()
        except FileNotFoundError:
            return Absent(Evidence(self.name, "local", "there is no such file"))
        except (OSError, UnicodeDecodeError) as error:
            return Unknown(f"{self.name} cannot be read: {_reason(error)}", evidence)
        secret = values.get("AZURE_CLIENT_SECRET", "")
        if not secret:
            return Absent(Evidence(self.name, "local", "the file holds no AZURE_CLIENT_SECRET"))
        return Known(
            StoredCredential(
                where=self.name,
                tenant_id=values.get("AZURE_TENANT_ID", ""),
                client_id=values.get("AZURE_CLIENT_ID", ""),
                key_id=key_id,
                hint=secret[:3],
            ),
            evidence,
        )

    def credential(self) -> AppCredential | None:
        """The credential with its secret, or None where the file is missing or incomplete."""
        try:
            values, _ = self._read()
        except (OSError, UnicodeDecodeError):
            return None
        tenant, client, secret = (values.get(key, "") for key in KEYS)
        if not (tenant and client):
            return None
        return AppCredential(tenant, client, Secret(secret) if secret else None, self.name)

    def open(self) -> OpenStore:
        """Prove that the secret can be kept here. Raises StoreError with the reason; nothing was made yet."""
        if self.path.is_symlink():
            raise StoreError(
                "PBI112",
                f"{self.name} is a symbolic link, so the secret would land somewhere else",
                remedy="Replace the link by a file, or use another folder.",
            )
        if git.is_tracked(self.path):
            raise StoreError(
                "PBI111",
                f"git tracks {self.name}: the next commit would publish the secret",
                remedy="Take it out of git first; it stays on the disk.",
                command=f"git rm --cached {self.name}",
            )
        try:
            before = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
            file = PrivateFile(self.path)
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable(error) from None
        try:
            # Room for everything that keep() writes, while there is nothing to lose.
            file.reserve(len(before.encode()) + 1024)
            git.ignore(self.path, ".env.*")
        except (OSError, UnicodeDecodeError) as error:
            file.discard()
            raise self._unusable(error) from None
        return _OpenEnvFile(self, file, before)

    def forget(self, client_id: str) -> None:
        """Take this app's credential out; other lines stay, and a file with nothing else in it goes.

        A credential of another app stays. Raises StoreError where the file cannot be changed.
        """
        try:
            if _unquoted(self._read()[0].get("AZURE_CLIENT_ID", "")).lower() != client_id.lower():
                return
            if self.path.is_symlink():
                raise StoreError(
                    "PBI112",
                    f"{self.name} is a symbolic link, and is left as it is",
                    remedy=f"Take {', '.join(KEYS)} out of the file that it points at.",
                )
            with self.path.open(encoding="utf-8", newline="") as file:
                left = _without(file.read())
            if left.strip():
                write_private(self.path, left)
            else:
                self.path.unlink()
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(
                "PBI113",
                f"the credential could not be taken out of {self.path}: {_reason(error)}",
                remedy=f"It opens nothing any more. Take {', '.join(KEYS)} out yourself, or run again.",
            ) from None

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(
            "PBI113",
            f"the secret could not be kept in {self.path}: {_reason(error)}",
            remedy="No secret was made. Free the disk or make the folder writable, and run again.",
        )

    def _read(self) -> tuple[dict[str, str], str | None]:
        text = self.path.read_text(encoding="utf-8")
        values = {m[1]: _unquoted(m[2]) for line in text.split("\n") if (m := _LINE.fullmatch(line))}
        found = _KEY_ID.search(text)
        return values, found[1] if found else None


class _OpenEnvFile:
    def __init__(self, store: EnvFile, file: PrivateFile, before: str) -> None:
        self._store, self._file, self._before = store, file, before

    def keep(self, tenant_id: str, client_id: str, key_id: str, ends: str, secret: Secret) -> str:
        values = dict(zip(KEYS, (tenant_id, client_id, secret.reveal()), strict=True))
        text = _merged(self._before, values, f"# pbisetup: key id {key_id}, ends {ends}")
        try:
            self._file.commit(text)
        except OSError as error:
            raise StoreError(
                "PBI113", f"the secret could not be kept in {self._store.path}: {_reason(error)}"
            ) from None
        return self._store.name

    def close(self) -> None:
        self._file.discard()


class PrintOnce:
    """The secret goes to standard output, once, in the same three lines; nothing is kept."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def stored(self) -> Fact[StoredCredential]:
        return Unknown("it was printed, not stored")

    def credential(self) -> AppCredential | None:
        return None

    def open(self) -> OpenStore:
        return self

    def forget(self, client_id: str) -> None:
        """Nothing was kept."""

    def keep(self, tenant_id: str, client_id: str, key_id: str, ends: str, secret: Secret) -> str:
        values = zip(KEYS, (tenant_id, client_id, secret.reveal()), strict=True)
        self._write("".join(f"{key}={value}\n" for key, value in values))
        del key_id, ends
        return "standard output"

    def close(self) -> None:
        """Nothing was reserved."""


Store = EnvFile | PrintOnce


def _merged(before: str, values: Mapping[str, str], note: str) -> str:
    """The file's text with these values set: lines of other variables and comments stay, in their order."""
    left = dict(values)
    lines = []
    # Not splitlines(), which also splits at form feeds and at separators that a value may hold.
    for line in before.removesuffix("\n").split("\n") if before else ():
        if _KEY_ID.search(line):
            continue
        match = _LINE.fullmatch(line)
        if match and match[1] in values:
            if match[1] in left:
                lines.append(f"{match[1]}={left.pop(match[1])}")
            continue
        lines.append(line)
    lines.extend(f"{key}={value}" for key, value in left.items())
    at = next(i for i, line in enumerate(lines) if line.startswith("AZURE_CLIENT_SECRET="))
    lines.insert(at, note)
    return "\n".join(lines) + "\n"


def _without(before: str) -> str:
    """The file's text without the credential and the note on it."""
    # Not splitlines(), which also splits at form feeds and at separators that a value may hold.
    kept = [line for line in before.split("\n") if not (_KEY_ID.search(line) or _is_credential(line))]
    return "\n".join(kept)


def _is_credential(line: str) -> bool:
    match = _LINE.fullmatch(line)
    return match is not None and match[1] in KEYS


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
