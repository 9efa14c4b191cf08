"""What the stores of pipelines have in common: secrets that nobody can read back, and variables beside them.

Several values cannot be swapped at once there, so their order keeps the promise that what a pipeline reads works:

1. the note becomes `unfinished`: from here on it names no credential, so it cannot name a wrong one;
2. tenant and client id, where they differ (in a rotation they do not);
3. the secret or certificate: this one write is the swap. Before it pipelines use the old credential, behind it the new one,
   and both work, because the old one is removed only when all of this is over;
4. the value of another kind goes (a secret, where a certificate took its place);
5. the note says which credential it is now.

Killed before 3: the old one is there and works. Killed behind 3: the new one is there and works. In both cases the note is
`unfinished`, `stored()` names no key id, and the next run makes another credential and removes those that nothing names.
"""

from __future__ import annotations

import re
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, StoredCredential
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.stores.notes import note_text, read_note
from pbisetup.services.stores.store import CLIENT, SECRET, TENANT, Kept, OpenStore, Unclear
from pbisetup.services.stores.tool import Answer

PEM = "AZURE_CLIENT_CERTIFICATE"
"""A certificate with its key as text: a pipeline has no file that a path could name."""
_MARK = re.compile(r"(?P<owner>[\w-]+/[\w-]+)(?: (?P<kind>secret|certificate|federated|unfinished))?")
_PAUSES = (0.5, 2.0)
"""Seconds before the second and the third try."""
Outcome = Literal["done", "refused", "lost"]


@dataclass(frozen=True)
class Names:
    """What the values are called in the pipeline."""

    tenant: str
    client: str
    secret: str
    certificate: str
    note: str
    proof: str

    @classmethod
    def made(cls, certificate: str = PEM, suffix: str = "") -> Names:
        plain = (TENANT, CLIENT, SECRET, certificate, "PBISETUP_NOTE", "PBISETUP_PROOF")
        return cls(*(f"{name}{suffix}" for name in plain))


@dataclass(frozen=True)
class Held:
    """What is there, by names in upper case."""

    variables: Mapping[str, str]
    secrets: frozenset[str]


class PipelineStore(ABC):
    """Secrets of a pipeline. Nothing is read back but names, ids and the note."""

    readable = False
    name: str

    def __init__(self, project_id: str, environment: str, names: Names, brought: bool) -> None:
        self.owner: Final = f"{project_id}/{environment}"
        """Whose credential it is, in the note: two environments, or two projects, may name the same place."""
        self.names: Final = names
        self._brought: Final = brought

    # -- what each of them does its own way ----------------------------------------------------------------------------

    @abstractmethod
    def held(self) -> Held:
        """What is there. Raises StoreError with the reason."""

    @abstractmethod
    def set_secret(self, name: str, value: Secret) -> Answer:
        """Make or replace it. Raises StoreError where the program is missing."""

    @abstractmethod
    def set_variable(self, name: str, value: str) -> Answer: ...

    @abstractmethod
    def delete(self, name: str, *, secret: bool) -> Answer: ...

    @abstractmethod
    def refused(self, answer: Answer) -> bool:
        """Whether the service itself said no, so that nothing was changed."""

    @abstractmethod
    def absent(self, answer: Answer) -> bool:
        """Whether the service said that there is no such thing."""

    @abstractmethod
    def failed(self, doing: str, answer: Answer) -> StoreError:
        """The error for a run that failed, with what helps."""

    @abstractmethod
    def claim(self) -> str:
        """The command by which a person says that the value in place is pbisetup's to replace."""

    def certificate_text(self, pem: Secret) -> Secret:
        """How the certificate is kept."""
        return pem

    def remove_note(self, held: Held) -> Answer:  # noqa: ARG002 - where it matters what else is there
        return self.delete(self.names.note, secret=False)

    def prove(self) -> None:
        """Write something and take it away again. Raises StoreError."""
        proof, value = self.names.proof, Secret(secrets.token_hex(16))
        self.proved("secrets", partial(self.set_secret, proof, value), partial(self.delete, proof, secret=True))

    def proved(self, what: str, write: Callable[[], Answer], delete: Callable[[], Answer]) -> None:
        """Raise StoreError where one of the two does not succeed."""
        _, answer = self.persist(write)
        self.must(f"write {what}", answer)
        _, answer = self.gone(delete)
        self.must(f"remove {what}", answer)

    # -- what they do alike --------------------------------------------------------------------------------------------

    def must(self, doing: str, answer: Answer) -> None:
        if not answer.ok:
            raise self.failed(doing, answer)

    def stored(self) -> Fact[StoredCredential]:
        """What the note and the names say; the value itself cannot be read."""
        evidence = Evidence(self.name, "operator", "read")
        try:
            held = self.held()
        except StoreError as error:
            return Unknown(error.message, evidence)
        mark, note = self.note(held)
        if mark and mark["owner"] != self.owner:
            return Absent(Evidence(self.name, "operator", f"it holds the credential of {mark['owner']}"))
        tenant, client = (held.variables.get(name, "") for name in (self.names.tenant, self.names.client))
        kind = self._kind_of(held, (mark and mark["kind"]) or "", note)
        if kind is None:
            return Absent(Evidence(self.name, "operator", "no credential is kept there"))
        return Known(StoredCredential(self.name, tenant, client, "", kind, note=note), evidence)

    def credential(self) -> Credential | None:
        """Never: what a pipeline keeps is not given out again."""
        return None

    def open(self) -> OpenStore:
        """Prove that it can be written, by writing something and removing it. Raises StoreError; nothing was made yet."""
        if self._brought:
            raise self.no_brought()
        held = self.held()
        mark, _ = self.note(held)
        if mark and mark["owner"] != self.owner:
            raise StoreError(
                "PBI119",
                f"{self.name} holds the credential of {mark['owner']}",
                remedy="No credential was made. Give each environment a place of its own.",
            )
        foreign = held.secrets & {self.names.secret, self.names.certificate}
        if foreign and not mark:
            raise StoreError(
                "PBI119",
                f"{self.name} already has {' and '.join(sorted(foreign))}, which pbisetup did not put there",
                remedy="No credential was made. What is there cannot be read back once it is replaced: name another "
                "place, or say that it is this environment's, and run again.",
                command=self.claim(),
            )
        self.prove()
        return _OpenPipeline(self, held)

    def forget(self, client_id: str) -> None:
        """Take this app's values out, the note last. What has no note of this environment stays. Raises StoreError."""
        held = self.held()
        mark, _ = self.note(held)
        present = held.variables.get(self.names.client, client_id)
        if not mark or mark["owner"] != self.owner or present.lower() != client_id.lower():
            return
        secrets_there = [name for name in (self.names.secret, self.names.certificate) if name in held.secrets]
        ids = [name for name in (self.names.client, self.names.tenant) if name in held.variables]
        for name in (*secrets_there, *ids, self.names.note):
            note = name == self.names.note
            answer = self.remove_note(held) if note else self.delete(name, secret=name in secrets_there)
            if not self.absent(answer):
                self.must(f"remove {name}", answer)

    def marked(self, kind: str, note: Note) -> str:
        """The text of the note's variable."""
        text = note_text(note)
        return f"{self.owner} {kind}: {text}" if text else f"{self.owner} {kind}"

    def persist(self, write: Callable[[], Answer]) -> tuple[Outcome, Answer]:
        """Write until it is certain what became of it, or for three times.

        `lost`: at least one try was not answered by the service, and none of them succeeded.
        """
        unanswered: Answer | None = None
        for pause in (*_PAUSES, None):
            answer = write()
            if answer.ok:
                return "done", answer
            if self.refused(answer):
                return ("lost", unanswered) if unanswered else ("refused", answer)
            unanswered = answer
            if pause is not None:
                time.sleep(pause)
        return "lost", answer

    def gone(self, delete: Callable[[], Answer]) -> tuple[Outcome, Answer]:
        """The same for a removal: what is not there, because a try that was not answered had removed it, is done."""

        def removed() -> Answer:
            answer = delete()
            return replace(answer, code=0) if self.absent(answer) else answer

        return self.persist(removed)

    def looked(self, look: Callable[[], Answer]) -> Answer:
        """What a look came to, taken again where the connection broke: a store of which nothing is known for a moment is
        not one that holds nothing. What took all its time is not asked again.
        """
        for pause in _PAUSES:
            answer = look()
            if answer.ok or answer.code is None or self.refused(answer):
                return answer
            time.sleep(pause)
        return look()

    def note(self, held: Held) -> tuple[re.Match[str] | None, Note]:
        text = held.variables.get(self.names.note, "")
        return _MARK.match(text), read_note(text)

    def _kind_of(self, held: Held, said: str, note: Note) -> Literal["secret", "certificate", "federated"] | None:
        secret, certificate = (name in held.secrets for name in (self.names.secret, self.names.certificate))
        if said == "secret":
            return "secret" if secret else None
        if said == "certificate":
            return "certificate" if certificate else None
        if said == "federated":
            return "federated" if note.key_id else None
        # Unfinished, or claimed by hand: in the order in which EnvironmentCredential looks.
        return "secret" if secret else "certificate" if certificate else None

    def no_brought(self) -> StoreError:
        return StoreError(
            "PBI119",
            f"a certificate that was brought stays where it is, and {self.name} cannot keep where that is: its pipelines "
            "have no such file",
            remedy="No credential was made. Leave `file` out of the manifest, so that one is made, or use env-file.",
        )


class _OpenPipeline:
    def __init__(self, store: PipelineStore, before: Held) -> None:
        self._store, self._before = store, before

    def keep(self, kept: Kept) -> str:
        """As the module says. Raises StoreError where the old values are in place, Unclear where that is not known."""
        store, names, before = self._store, self._store.names, self._before
        if kept.file is not None:
            raise store.no_brought()
        unfinished = self._unfinished(kept.note)
        changed: list[str] = []
        for name, text in ((names.note, unfinished), (names.tenant, kept.tenant_id), (names.client, kept.client_id)):
            if before.variables.get(name) == text:
                continue
            changed.append(name)
            outcome, answer = store.persist(partial(store.set_variable, name, text))
            if outcome != "done":
                raise self._undone(changed, store.failed(f"write {name}", answer))
        value = kept.secret or (store.certificate_text(kept.certificate) if kept.certificate else None)
        written = {"secret": names.secret, "certificate": names.certificate}.get(kept.kind)
        if value is not None and written is not None:
            outcome, answer = store.persist(partial(store.set_secret, written, value))
            if outcome == "refused":
                raise self._undone(changed, store.failed(f"write {written}", answer))
            if outcome == "lost":
                error = store.failed(f"write {written}", answer)
                raise Unclear(
                    error.code,
                    f"whether {store.name} took the new credential is not known: {error.message}",
                    remedy="Nothing that works was removed. Run again when it answers; then another one is made.",
                    evidence=error.evidence,
                )
        # From here on the new one is in place. What fails is left for the next run, which finds the note unfinished.
        for name in (names.secret, names.certificate):
            if name in before.secrets and name != written:
                outcome, answer = store.gone(partial(store.delete, name, secret=True))
                if outcome != "done":
                    raise self._left(f"remove {name}", answer)
        outcome, answer = store.persist(partial(store.set_variable, names.note, store.marked(kept.kind, kept.note)))
        if outcome != "done":
            raise self._left(f"write {names.note}", answer)
        return store.name

    def close(self) -> None:
        """Nothing was reserved."""

    def _unfinished(self, note: Note) -> str:
        """Without a credential's name, and without a word that the one in place retires: either may be in place."""
        held = self._store.note(self._before)[1].key_id
        left = tuple(old for old in note.retiring if old.key_id != held)
        return self._store.marked("unfinished", replace(note, key_id=None, ends="", instead_of="", retiring=left))

    def _left(self, doing: str, answer: Answer) -> Unclear:
        """The new one is in place and nothing says so: whoever comes next cannot tell it from the one before."""
        error = self._store.failed(doing, answer)
        return Unclear(
            error.code,
            f"the new credential is in {self._store.name}, but {error.message}",
            remedy="Nothing that works was removed. Run again when it answers; then another one is made.",
            evidence=error.evidence,
        )

    def _undone(self, changed: list[str], error: StoreError) -> StoreError:
        """The error, after the variables have their old values again; what could not be put back is named in it."""
        store, stuck = self._store, []
        for name in reversed(changed):
            old = self._before.variables.get(name)
            answer = store.delete(name, secret=False) if old is None else store.set_variable(name, old)
            if not answer.ok and not (old is None and store.absent(answer)):
                stuck.append(name)
        if stuck:
            told = f"{error.message}; {', '.join(stuck)} could not be put back"
            return StoreError(error.code, told, remedy=error.remedy, command=error.command, evidence=error.evidence)
        return error
