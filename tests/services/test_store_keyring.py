"""The operating system's keyring as a store, by a real backend of the package keyring that keeps its entries in a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import keyring
import pytest
from keyring.backends import chainer, fail, null

from pbisetup.model.errors import StoreError
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, Retiring, StoredCredential
from pbisetup.services.certificate import Pair, make_pair
from pbisetup.services.stores.keyring_store import KeyringStore
from pbisetup.services.stores.store import Kept, Unclear
from tests.support import ring

TENANT, CLIENT = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
OLD, SECRET = "Zz9~old.secret_value-0", "aB3~very.secret_value-1"
NOW = datetime(2026, 11, 28, tzinfo=UTC)
ENTRY = "pbisetup|k7f3q2/dev"


@pytest.fixture(autouse=True)
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RING", str(tmp_path / "ring.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(ring.Ring())
    yield tmp_path / "ring.json"
    keyring.set_keyring(before)


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make_pair("pbisetup k7f3q2/dev", NOW, timedelta(days=90))


def store(environment: str = "dev", **more: object) -> KeyringStore:
    return KeyringStore("k7f3q2", environment, **more)  # type: ignore[arg-type]


def keep(secret: str = SECRET, key: str = "key-new") -> KeyringStore:
    made = store()
    opened = made.open()
    assert opened.keep(Kept(TENANT, CLIENT, Note(key, "2027-02-01"), secret=Secret(secret))) == made.name
    opened.close()
    return made


def held(made: KeyringStore) -> StoredCredential:
    fact = made.stored()
    assert isinstance(fact, Known), fact
    return fact.value


def test_a_secret_that_is_kept_can_be_used_again(entries: Path) -> None:
    credential = keep().credential()
    assert credential is not None
    assert credential.secret == Secret(SECRET)
    assert (credential.tenant_id, credential.client_id, credential.where) == (TENANT, CLIENT, "keyring (k7f3q2/dev)")
    assert list(json.loads(entries.read_text())) == [ENTRY]


def test_what_is_stored_is_known_without_showing_the_secret() -> None:
    fact = held(keep())
    assert (fact.kind, fact.key_id, fact.hint) == ("secret", "key-new", "aB3")
    assert SECRET not in repr(fact)


def test_a_new_secret_takes_the_place_of_the_old_and_other_environments_keep_theirs() -> None:
    other = store("prod")
    other.open().keep(Kept(TENANT, CLIENT, Note("key-prod"), secret=Secret(OLD)))
    keep(OLD, "key-old")
    assert held(keep()).key_id == "key-new"
    assert held(other).key_id == "key-prod"
    other.forget(CLIENT)
    assert isinstance(other.stored(), Absent)
    assert held(store()).key_id == "key-new"


def test_a_certificate_lies_in_the_entry_with_its_key(pair: Pair) -> None:
    made = store(kind="certificate")
    made.open().keep(Kept(TENANT, CLIENT, Note("key-new"), certificate=pair.pem))
    fact, credential = held(made), made.credential()
    assert (fact.kind, fact.thumbprint) == ("certificate", pair.thumbprint)
    assert credential is not None
    assert credential.pem == pair.pem
    assert credential.usable


def test_of_a_certificate_that_was_brought_only_the_path_is_kept(
    pair: Pair, tmp_path: Path, entries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.pem"
    file.write_text(pair.pem.reveal())
    made = store(kind="certificate", brought=True)
    made.open().keep(Kept(TENANT, CLIENT, Note("key-new"), file=file))
    monkeypatch.chdir("/")
    assert held(made).thumbprint == pair.thumbprint
    assert "PRIVATE KEY" not in entries.read_text()
    credential = made.credential()
    assert credential is not None
    assert credential.certificate == file
    file.unlink()
    assert isinstance(made.stored(), Absent)
    broken = made.credential()
    assert broken is not None
    assert not broken.usable


def test_forgotten_only_where_it_is_this_apps() -> None:
    made = keep()
    made.forget(TENANT)
    assert held(made).client_id == CLIENT
    made.forget(CLIENT.upper())
    assert isinstance(made.stored(), Absent)
    made.forget(CLIENT)


def test_an_entry_that_is_not_ours_is_neither_read_nor_replaced() -> None:
    keyring.set_password("pbisetup", "k7f3q2/dev", "hunter2")
    made = store()
    assert isinstance(made.stored(), Unknown)
    assert made.credential() is None
    for change in (made.open, lambda: made.forget(CLIENT)):
        with pytest.raises(StoreError, match="not one that pbisetup wrote"):
            change()
    assert keyring.get_password("pbisetup", "k7f3q2/dev") == "hunter2"


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "{}", '{"kind":"secret","secret":1}', '{"kind":"token"}'])
def test_an_entry_of_another_shape_is_unknown(text: str) -> None:
    keyring.set_password("pbisetup", "k7f3q2/dev", text)
    assert isinstance(store().stored(), Unknown)


def test_opened_and_not_used_nothing_is_left_and_what_was_there_is_untouched(entries: Path) -> None:
    keep()
    before = entries.read_text()
    store().open().close()
    assert json.loads(entries.read_text()) == json.loads(before)


# -- keyrings that will not do -----------------------------------------------------------------------------------------


def plaintext() -> object:
    """As keyrings.alt has it: the module's name is what gives it away."""
    module = types.ModuleType("keyrings.alt.file")
    made = type("PlaintextKeyring", (ring.Ring,), {"__module__": module.__name__})
    return made()


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, plaintext], ids=["none", "null", "plain text"])
def test_a_machine_without_a_keyring_is_told_the_other_way(backend: type) -> None:
    keyring.set_keyring(backend())
    with pytest.raises(StoreError) as caught:
        store().open()
    assert caught.value.code == "PBI119"
    assert "env-file" in str(caught.value.remedy)
    assert ("PlaintextKeyring" in caught.value.message) == (backend is plaintext)
    assert isinstance(store().stored(), Unknown)


def test_of_several_keyrings_the_first_that_keeps_secrets_is_used(
    monkeypatch: pytest.MonkeyPatch, entries: Path
) -> None:
    backends = [ring.Feed(), plaintext(), ring.Ring()]
    monkeypatch.setattr(chainer.ChainerBackend, "backends", backends)
    keyring.set_keyring(chainer.ChainerBackend())
    assert held(keep()).key_id == "key-new"
    store().forget(CLIENT)
    assert json.loads(entries.read_text()) == {}


def test_one_that_only_reads_is_refused() -> None:
    keyring.set_keyring(ring.Feed())
    with pytest.raises(StoreError, match="could not be written"):
        store().open()


def test_without_the_extra_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(StoreError, match="not installed") as caught:
        store().open()
    assert (caught.value.code, caught.value.command) == ("PBI119", 'pip install "pbisetup[keyring]"')
    assert isinstance(store().stored(), Unknown)
    assert store().credential() is None


MOODS = {
    "locked": "is locked",
    "waiting": "did not answer within",
    "denied": "could not be written",
    "broken": "could not be written",
    "short": "gives back something else",
}


@pytest.mark.parametrize(("mood", "words"), MOODS.items(), ids=MOODS)
def test_what_is_wrong_with_the_keyring_is_told_before_anything_is_made(
    mood: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RING_MOOD", mood)
    with pytest.raises(StoreError, match=words) as caught:
        store(patience=0.3).open()
    assert caught.value.code == "PBI119"
    assert SECRET not in f"{caught.value} {caught.value.evidence}"


def test_a_write_that_failed_after_all_counts_as_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(OLD, "key-old")
    opened = store().open()
    monkeypatch.setenv("RING_MOOD", "failing late")
    opened.keep(Kept(TENANT, CLIENT, Note("key-new"), secret=Secret(SECRET)))
    assert held(store()).key_id == "key-new"


@pytest.mark.parametrize("mood", ["locked", "waiting"])
def test_where_the_answer_never_comes_it_is_not_known(mood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(OLD, "key-old")
    opened = store(patience=0.3).open()
    monkeypatch.setenv("RING_MOOD", mood)
    with pytest.raises(Unclear):
        opened.keep(Kept(TENANT, CLIENT, Note("key-new"), secret=Secret(SECRET)))


def test_a_refused_write_leaves_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(OLD, "key-old")
    opened = store().open()
    monkeypatch.setenv("RING_MOOD", "denied")
    with pytest.raises(StoreError) as caught:
        opened.keep(Kept(TENANT, CLIENT, Note("key-new"), secret=Secret(SECRET)))
    assert not isinstance(caught.value, Unclear)
    assert held(store()).key_id == "key-old"


# -- Windows -----------------------------------------------------------------------------------------------------------


def test_a_certificate_does_not_fit_into_credential_manager_and_that_is_told_first(entries: Path) -> None:
    keyring.set_keyring(ring.Windows())
    with pytest.raises(StoreError, match="at most 1,280 characters") as caught:
        store(kind="certificate").open()
    assert "env-file" in str(caught.value.remedy)
    assert not entries.exists()


def test_a_secret_and_the_path_of_a_certificate_fit(pair: Pair, tmp_path: Path) -> None:
    keyring.set_keyring(ring.Windows())
    assert held(keep()).key_id == "key-new"
    file = tmp_path / "mine.pem"
    file.write_text(pair.pem.reveal())
    made = store("prod", kind="certificate", brought=True)
    made.open().keep(Kept(TENANT, CLIENT, Note("key"), file=file))
    assert held(made).thumbprint == pair.thumbprint


def test_an_entry_that_grew_too_long_is_refused_with_the_old_one_in_place() -> None:
    keyring.set_keyring(ring.Windows())
    keep(OLD, "key-old")
    retiring = tuple(Retiring(f"{n:036}", NOW) for n in range(20))
    with pytest.raises(StoreError, match=r"1,280") as caught:
        store().open().keep(Kept(TENANT, CLIENT, Note("key-new", retiring=retiring), secret=Secret(SECRET)))
    assert caught.value.code == "PBI113"
    assert held(store()).key_id == "key-old"


# -- a process of its own ----------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note
from pbisetup.services.stores.keyring_store import KeyringStore
from pbisetup.services.stores.store import Kept
from pbisetup.model.errors import StoreError
store = KeyringStore("k7f3q2", "dev", patience=5)
try:
    store.open().keep(Kept("t", "c", Note("key-new"), secret=Secret(sys.stdin.read())))
except StoreError as error:
    print(error)
else:
    print(store.stored())
"""


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("tests.support.ring.Ring", "key_id='key-new'"),
        ("no.such.Backend", "could not be opened"),
        ("keyring.backends.fail.Keyring", "no keyring that can be used"),
    ],
)
def test_the_keyring_that_the_machine_names_is_used(backend: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=SECRET,
        env={**os.environ, "PYTHON_KEYRING_BACKEND": backend},
        cwd=Path(__file__).parents[2],
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert said in done.stdout, done
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
