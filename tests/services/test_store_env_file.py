"""Where the secret goes: a private file whose other lines stay, that git never sees; a certificate lies beside it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbisetup.model.errors import StoreError
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, StoredCredential
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.certificate import Pair, make_pair, pair_of_pem
from pbisetup.services.files import PrivateFile
from pbisetup.services.stores.env_file import EnvFile
from pbisetup.services.stores.store import Kept

TENANT, CLIENT = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
KEY = "33333333-3333-3333-3333-333333333333"
SECRET = "aB3~very.secret_value-1"


def keep(folder: Path, secret: str = SECRET, key: str = KEY) -> EnvFile:
    """The store after one secret was kept in it."""
    store = EnvFile(folder, "dev")
    opened = store.open()
    assert opened.keep(Kept(TENANT, CLIENT, Note(key, "2027-02-01"), secret=Secret(secret))) == ".env.dev"
    opened.close()
    return store


def held(store: EnvFile) -> StoredCredential:
    fact = store.stored()
    assert isinstance(fact, Known)
    return fact.value


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.excludesFile=")
    run = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


def test_a_secret_that_is_kept_can_be_used_again(tmp_path: Path) -> None:
    store = keep(tmp_path)
    credential = store.credential()
    assert credential is not None
    assert credential.secret == Secret(SECRET)
    assert (credential.tenant_id, credential.client_id, credential.where) == (TENANT, CLIENT, ".env.dev")
    assert list(tmp_path.iterdir()) == [tmp_path / ".env.dev"]


def test_what_is_stored_is_known_without_showing_the_secret(tmp_path: Path) -> None:
    fact = held(keep(tmp_path))
    assert (fact.key_id, fact.hint) == (KEY, "aB3")
    assert SECRET not in repr(fact)


def test_a_new_secret_takes_the_place_of_the_old_with_its_key_id(tmp_path: Path) -> None:
    keep(tmp_path)
    store = keep(tmp_path, secret="Zz9~another", key=KEY.replace("3", "4"))
    text = store.path.read_text()
    assert SECRET not in text
    assert text.count("AZURE_") == 3
    assert text.count("key id") == 1
    assert (held(store).key_id, held(store).hint) == (KEY.replace("3", "4"), "Zz9")


def test_what_a_person_writes_while_the_credential_is_made_stays(tmp_path: Path) -> None:
    store = keep(tmp_path)
    opened = store.open()
    with store.path.open("a", encoding="utf-8") as file:
        file.write("MINE=1\n")
    opened.keep(Kept(TENANT, CLIENT, Note(KEY, "2027-02-01"), secret=Secret("Zz9~another")))
    assert "MINE=1\n" in store.path.read_text()
    assert held(store).hint == "Zz9"


@pytest.mark.skipif(sys.platform == "win32", reason="modes do not protect there; the access list does")
def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env.dev").write_text("OTHER=1\n")
    (tmp_path / ".env.dev").chmod(0o644)
    assert stat.S_IMODE(keep(tmp_path).path.stat().st_mode) == 0o600


MERGED = {
    "other variables": ("A=1\nB='2'\n", ["A=1", "B='2'"]),
    "comments and blank lines": ("# mine\n\nA=1\n", ["# mine", "", "A=1"]),
    "old values": (f"A=1\nAZURE_CLIENT_ID=old\nexport AZURE_CLIENT_SECRET='old'\nB={KEY}\n", ["A=1", f"B={KEY}"]),
    "the same twice": ("AZURE_CLIENT_ID=a\nA=1\nAZURE_CLIENT_ID=b\n", ["A=1"]),
    "no line end": ("A=1", ["A=1"]),
    "Windows line ends": ("A=1\r\nB=2\r\n", ["A=1", "B=2"]),
    "a separator inside": ("A=x\u2028y\x0cz\n", ["A=x\u2028y\x0cz"]),
    "names that begin alike": (
        "AZURE_CLIENT_ID_2=x\nMY_AZURE_CLIENT_ID=y\n",
        ["AZURE_CLIENT_ID_2=x", "MY_AZURE_CLIENT_ID=y"],
    ),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("before", "stay"), MERGED.values(), ids=MERGED)
def test_other_lines_stay_in_their_order(tmp_path: Path, before: str, stay: list[str]) -> None:
    (tmp_path / ".env.dev").write_bytes(before.encode())
    store = keep(tmp_path)
    lines = store.path.read_text(encoding="utf-8").split("\n")
    values = {f"AZURE_TENANT_ID={TENANT}", f"AZURE_CLIENT_ID={CLIENT}", f"AZURE_CLIENT_SECRET={SECRET}"}
    assert [line for line in lines[:-1] if line not in values and "key id" not in line] == stay
    assert values <= set(lines)
    assert held(store).client_id == CLIENT


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts, st.text("abcXYZ1~._-", min_size=8, max_size=40)
)  # no zeros: a secret is crossed out of every id from then on
def test_whatever_is_in_the_file_the_secret_comes_back_as_it_was(tmp_path: Path, before: str, secret: str) -> None:
    (tmp_path / ".env.dev").write_text(before, encoding="utf-8", newline="\n")
    credential = keep(tmp_path, secret).credential()
    assert credential is not None
    assert credential.secret == Secret(secret)


READ = {
    "plain": ("AZURE_TENANT_ID=t\nAZURE_CLIENT_ID=c\nAZURE_CLIENT_SECRET=abcdef\n", "abc"),
    "export and quotes": ('export AZURE_CLIENT_ID = "c"\nexport AZURE_CLIENT_SECRET = "abcdef"\n', "abc"),
    "single quotes": ("AZURE_CLIENT_SECRET='abc'\n", "abc"),
    "Windows line ends": ("AZURE_CLIENT_ID=c\r\nAZURE_CLIENT_SECRET=ab\r\n", "ab"),
}


@pytest.mark.parametrize(("text", "hint"), READ.values(), ids=READ)
def test_a_file_that_somebody_wrote_by_hand_is_read(tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / ".env.dev").write_bytes(text.encode())
    fact = held(EnvFile(tmp_path, "dev"))
    assert (fact.hint, fact.key_id) == (hint, None)


def test_a_missing_or_empty_file_is_absent(tmp_path: Path) -> None:
    store = EnvFile(tmp_path, "dev")
    assert isinstance(store.stored(), Absent)
    assert store.credential() is None
    store.path.write_text("AZURE_CLIENT_ID=c\nAZURE_TENANT_ID=t\n")
    assert isinstance(store.stored(), Absent)
    credential = store.credential()
    assert credential is not None
    assert credential.secret is None


def test_a_file_that_cannot_be_read_is_unknown_never_absent(tmp_path: Path) -> None:
    store = EnvFile(tmp_path, "dev")
    store.path.mkdir()
    assert isinstance(store.stored(), Unknown)
    assert store.credential() is None
    with pytest.raises(StoreError) as caught:
        store.open()
    assert caught.value.code == "PBI113"


def test_a_file_in_another_encoding_is_unknown_and_left_as_it_is(tmp_path: Path) -> None:
    store = EnvFile(tmp_path, "dev")
    before = "AZURE_CLIENT_SECRET=geheim\n".encode("utf-16")
    store.path.write_bytes(before)
    assert isinstance(store.stored(), Unknown)
    with pytest.raises(StoreError):
        store.open()
    assert store.path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [store.path]


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / ".env.dev").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError) as caught:
        EnvFile(tmp_path, "dev").open()
    assert caught.value.code == "PBI112"
    assert (tmp_path / "elsewhere").read_text() == ""


def test_a_folder_that_is_not_there_is_found_before_the_secret_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        EnvFile(tmp_path / "missing", "dev").open()
    assert caught.value.code == "PBI113"
    assert "No secret was made" in str(caught.value.remedy)


def test_what_was_reserved_and_not_used_leaves_nothing_behind(tmp_path: Path) -> None:
    store = EnvFile(tmp_path, "dev")
    store.path.write_text("A=1\n")
    store.open().close()
    assert list(tmp_path.iterdir()) == [store.path]
    assert store.path.read_text() == "A=1\n"


# -- git ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("committed", [False, True], ids=["added", "committed"])
@pytest.mark.parametrize("deleted", [False, True], ids=["there", "deleted on the disk"])
def test_a_file_that_git_tracks_is_refused_with_the_command_that_mends_it(
    repository: Path, committed: bool, deleted: bool
) -> None:
    file = repository / ".env.dev"
    file.write_text("A=1\n")
    git(repository, "add", "-f", ".env.dev")
    if committed:
        git(repository, "commit", "-qm", "oops")
    if deleted:
        file.unlink()
    with pytest.raises(StoreError) as caught:
        EnvFile(repository, "dev").open()
    assert (caught.value.code, caught.value.command) == ("PBI111", "git rm --cached .env.dev")
    git(repository, "rm", "-q", "--cached", ".env.dev")
    keep(repository)


def test_the_file_is_ignored_by_git_before_it_holds_the_secret(repository: Path) -> None:
    EnvFile(repository, "dev").open().close()
    assert (repository / ".gitignore").read_text() == ".env.*\n"
    keep(repository)
    keep(repository)
    assert (repository / ".gitignore").read_text() == ".env.*\n"
    assert git(repository, "status", "--porcelain") == "?? .gitignore\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("build/\n", "build/\n.env.*\n"),
        ("build/", "build/\n.env.*\n"),
        ("*.env*\n.env*\n", "*.env*\n.env*\n"),
        ("", ".env.*\n"),
    ],
    ids=["added", "added after a line without end", "ignored already", "empty"],
)
def test_what_is_ignored_already_stays(repository: Path, before: str, after: str) -> None:
    (repository / ".gitignore").write_text(before)
    keep(repository)
    assert (repository / ".gitignore").read_text() == after


def test_a_folder_below_the_top_of_the_repository_is_protected_too(repository: Path) -> None:
    below = repository / "apps" / "reports"
    below.mkdir(parents=True)
    keep(below)
    assert "env.dev" not in git(repository, "status", "--porcelain", "-uall")


def test_outside_a_repository_no_gitignore_is_made(tmp_path: Path) -> None:
    keep(tmp_path)
    assert not (tmp_path / ".gitignore").exists()


# -- taking it out again -------------------------------------------------------------------------------------------


def test_a_file_with_nothing_else_in_it_goes(tmp_path: Path) -> None:
    keep(tmp_path).forget(CLIENT.upper())
    assert list(tmp_path.iterdir()) == []


LEFT = ["# mine\n\nA=1\n", "A=1", "A=1\r\nB=2\r\n", "A=x\u2028y\x0cz\n", "AZURE_CLIENT_IDS=1\n", "export A='x'\n# end"]


@pytest.mark.parametrize("others", LEFT)
def test_other_lines_are_left_as_they_were(tmp_path: Path, others: str) -> None:
    store = keep(tmp_path)
    credential = store.path.read_text()
    store.path.write_bytes((credential + others).encode())
    store.forget(CLIENT)
    assert store.path.read_bytes().decode() == others
    assert isinstance(store.stored(), Absent)


def test_a_credential_of_another_app_stays(tmp_path: Path) -> None:
    store = keep(tmp_path)
    text = store.path.read_text()
    store.forget(KEY)
    assert store.path.read_text() == text


def test_what_is_not_there_or_was_never_kept_is_forgotten_without_a_word(tmp_path: Path) -> None:
    EnvFile(tmp_path, "dev").forget(CLIENT)
    assert list(tmp_path.iterdir()) == []


def test_a_link_and_a_file_that_cannot_be_read_are_left_with_a_word(tmp_path: Path) -> None:
    target = keep(tmp_path).path.rename(tmp_path / "elsewhere")
    (tmp_path / ".env.dev").symlink_to(target)
    with pytest.raises(StoreError, match="symbolic link"):
        EnvFile(tmp_path, "dev").forget(CLIENT)
    assert SECRET in target.read_text()
    (tmp_path / ".env.prod").write_bytes(b"\xff\xfeA\x00")
    with pytest.raises(StoreError, match="could not be taken out"):
        EnvFile(tmp_path, "prod").forget(CLIENT)


# -- certificates ------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return [make_pair("pbisetup k7f3q2/dev", NOW, timedelta(days=90)) for _ in range(3)]


def keep_certificate(folder: Path, pair: Pair, key: str = KEY) -> EnvFile:
    store = EnvFile(folder, "dev")
    opened = store.open()
    try:
        opened.keep(Kept(TENANT, CLIENT, Note(key), certificate=pair.pem))
    finally:
        opened.close()
    return store


def keep_brought(folder: Path, file: Path) -> EnvFile:
    store = EnvFile(folder, "dev", file)
    store.open().keep(Kept(TENANT, CLIENT, Note(KEY), file=file))
    return store


def brought(folder: Path, pair: Pair, name: str = "mine.pem") -> Path:
    file = folder / name
    file.write_text(pair.pem.reveal())
    file.chmod(0o600)
    return file


def used(store: EnvFile) -> Credential:
    credential = store.credential()
    assert credential is not None
    return credential


def pems(folder: Path) -> set[str]:
    return {path.name for path in folder.glob(".env.*.pem")}


def test_a_certificate_that_was_made_lies_beside_the_lines_that_name_it(tmp_path: Path, pairs: list[Pair]) -> None:
    store = keep_certificate(tmp_path, pairs[0])
    fact, credential = held(store), used(store)
    assert (fact.kind, fact.thumbprint, fact.key_id) == ("certificate", pairs[0].thumbprint, KEY)
    assert credential.usable
    assert credential.certificate is not None
    assert pair_of_pem(Secret(credential.certificate.read_text())).thumbprint == pairs[0].thumbprint
    assert "PRIVATE" not in store.path.read_text()
    if sys.platform != "win32":
        assert stat.S_IMODE(credential.certificate.stat().st_mode) == 0o600


def test_replaced_the_one_before_stays_until_the_next_because_somebody_may_be_opening_it(
    tmp_path: Path, pairs: list[Pair]
) -> None:
    names = []
    for pair in pairs:
        keep_certificate(tmp_path, pair)
        names.append(used(EnvFile(tmp_path, "dev")).certificate)
    assert pems(tmp_path) == {path.name for path in names[1:] if path}
    assert held(EnvFile(tmp_path, "dev")).thumbprint == pairs[2].thumbprint


def test_kept_again_for_a_new_note_it_is_the_same_file(tmp_path: Path, pairs: list[Pair]) -> None:
    keep_certificate(tmp_path, pairs[0])
    store = keep_certificate(tmp_path, pairs[0], key="another-note")
    assert held(store).key_id == "another-note"
    assert len(pems(tmp_path)) == 1
    assert used(store).usable


@pytest.mark.parametrize("name", ["a b'c\"d", "two\nlines"])
def test_a_path_that_no_line_can_hold_is_refused_and_nothing_is_lost(
    tmp_path: Path, pairs: list[Pair], name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with pytest.raises(StoreError, match="env-file cannot hold") as caught:
        keep_certificate(folder, pairs[0])
    assert caught.value.code == "PBI113"
    assert list(folder.iterdir()) == []


def test_a_secret_after_a_certificate_and_back(tmp_path: Path, pairs: list[Pair]) -> None:
    keep_certificate(tmp_path, pairs[0])
    store = keep(tmp_path)
    assert held(store).kind == "secret"
    assert "CERTIFICATE" not in store.path.read_text()
    keep_certificate(tmp_path, pairs[1])
    assert "AZURE_CLIENT_SECRET" not in store.path.read_text()
    assert pems(tmp_path) == {used(store).certificate.name}  # type: ignore[union-attr]


def test_forgotten_the_certificates_that_were_made_go_and_a_brought_one_stays(
    tmp_path: Path, pairs: list[Pair]
) -> None:
    keep_certificate(tmp_path, pairs[0])
    keep_certificate(tmp_path, pairs[1]).forget(CLIENT)
    assert list(tmp_path.iterdir()) == []
    file = brought(tmp_path, pairs[2])
    keep_brought(tmp_path, file).forget(CLIENT)
    assert list(tmp_path.iterdir()) == [file]


def test_certificates_of_other_environments_and_files_of_yours_stay(tmp_path: Path, pairs: list[Pair]) -> None:
    mine = brought(tmp_path, pairs[2], ".env.dev.mine.pem")
    other = EnvFile(tmp_path, "dev-2")
    other.open().keep(Kept(TENANT, CLIENT, Note(KEY), certificate=pairs[1].pem))
    keep_certificate(tmp_path, pairs[0]).forget(CLIENT)
    assert mine.exists()
    assert used(other).usable


def test_a_relative_path_is_seen_from_the_files_folder(
    tmp_path: Path, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(tmp_path, pairs[0])
    text = f"AZURE_TENANT_ID=t\nAZURE_CLIENT_ID=c\nAZURE_CLIENT_CERTIFICATE_PATH=mine.pem\n# pbisetup: key id {KEY}\n"
    (tmp_path / ".env.dev").write_text(text)
    monkeypatch.chdir("/")
    store = EnvFile(tmp_path, "dev")
    assert held(store).thumbprint == pairs[0].thumbprint
    assert used(store).certificate == tmp_path / "mine.pem"


@pytest.mark.parametrize("where", ["in the file", "in the environment", "nowhere"])
def test_a_brought_pfx_has_its_password_beside_it_or_in_the_environment(
    tmp_path: Path, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
    from cryptography.x509 import load_der_x509_certificate

    word = "Pfx~password.7"
    key = load_pem_private_key(pairs[0].pem.reveal().encode(), None)
    certificate = load_der_x509_certificate(pairs[0].der)
    file = tmp_path / "mine.pfx"
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(b"mine", key, certificate, None, BestAvailableEncryption(word.encode()))  # type: ignore[arg-type]
    )
    file.chmod(0o600)
    if where == "in the file":
        (tmp_path / ".env.dev").write_text(f"AZURE_CLIENT_CERTIFICATE_PASSWORD={word}\n")
    if where == "in the environment":
        monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PASSWORD", word)
    store = keep_brought(tmp_path, file)
    if where == "nowhere":
        assert isinstance(store.stored(), Absent)
        return
    assert held(store).thumbprint == pairs[0].thumbprint
    assert used(store).certificate_password == Secret(word)
    store.forget(CLIENT)
    assert store.path.exists() == (where == "in the file"), "the password is its owner's line"


def test_a_certificate_that_is_gone_is_absent_and_cannot_be_used(tmp_path: Path, pairs: list[Pair]) -> None:
    store = keep_certificate(tmp_path, pairs[0])
    for path in tmp_path.glob("*.pem"):
        path.unlink()
    assert isinstance(store.stored(), Absent)
    assert not used(store).usable
    assert "is no file" in used(store).broken


# -- who else could read or write --------------------------------------------------------------------------------------

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes do not protect there; the access list does")


@posix
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_folder_that_everybody_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(StoreError) as caught:
        EnvFile(folder, "dev").open()
    assert caught.value.code == "PBI118"
    assert list(folder.iterdir()) == []
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(StoreError, match="everybody"):
        EnvFile(link, "dev").open()


@posix
def test_a_file_system_that_does_not_keep_modes_is_seen(tmp_path: Path) -> None:
    with PrivateFile(tmp_path / ".env.dev") as file:
        file.refuse_readers()
        next(tmp_path.iterdir()).chmod(0o644)  # as a mounted Windows disk shows every file
        with pytest.raises(PermissionError, match="others can read every file"):
            file.refuse_readers()
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_link_in_the_place_of_a_certificate_is_replaced_not_followed(tmp_path: Path, pairs: list[Pair]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    folder = tmp_path / "project"
    folder.mkdir()
    EnvFile(folder, "dev").certificate_path(pairs[0].pem.reveal()).symlink_to(elsewhere)
    store = keep_certificate(folder, pairs[0])
    assert elsewhere.read_text() == "theirs"
    assert not used(store).certificate.is_symlink()  # type: ignore[union-attr]


@posix
def test_a_folder_reached_through_a_link_is_guarded_as_itself(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    link = tmp_path_factory.mktemp("links") / "project"
    link.symlink_to(repository)
    keep(link)
    assert "env.dev" not in git(repository, "status", "--porcelain", "-uall")
    git(repository, "add", "-f", ".env.dev")
    with pytest.raises(StoreError) as caught:
        EnvFile(link, "dev").open()
    assert caught.value.code == "PBI111"


@pytest.mark.parametrize("ignored", ["", ".env.dev\n", ".env\n", ".env.*\n!.env.dev*\n"])
def test_git_never_sees_a_certificate_either(repository: Path, pairs: list[Pair], ignored: str) -> None:
    (repository / ".gitignore").write_text(ignored)
    keep_certificate(repository, pairs[0])
    assert "env.dev" not in git(repository, "status", "--porcelain", "-uall")


def test_a_brought_certificate_that_git_tracks_is_refused_before_anything_is_made(
    repository: Path, pairs: list[Pair]
) -> None:
    file = brought(repository, pairs[0], "my key.pem")
    git(repository, "add", "-f", file.name)
    with pytest.raises(StoreError) as caught:
        EnvFile(repository, "dev", file).open()
    assert (caught.value.code, caught.value.command) == ("PBI111", "git rm --cached 'my key.pem'")
    with pytest.raises(StoreError, match="git tracks"):
        EnvFile(repository, "dev").open().keep(Kept(TENANT, CLIENT, Note(KEY), file=file))
    assert not (repository / ".env.dev").exists()


@posix
def test_a_link_to_a_certificate_that_git_tracks_is_seen_through(
    repository: Path, pairs: list[Pair], tmp_path_factory: pytest.TempPathFactory
) -> None:
    git(repository, "add", "-f", brought(repository, pairs[0]).name)
    folder = tmp_path_factory.mktemp("project")
    (folder / "link.pem").symlink_to(repository / "mine.pem")
    with pytest.raises(StoreError, match="git tracks"):
        EnvFile(folder, "dev", folder / "link.pem").open()


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_brought_certificate_that_others_can_read_is_refused_with_the_command(
    tmp_path: Path, pairs: list[Pair], mode: int
) -> None:
    file = brought(tmp_path, pairs[0], "my key.pem")
    file.chmod(mode)
    with pytest.raises(StoreError) as caught:
        EnvFile(tmp_path, "dev", file).open()
    assert (caught.value.code, caught.value.command) == ("PBI113", f"chmod 600 '{file}'")
    subprocess.run(["sh", "-c", caught.value.command], check=True)
    assert held(keep_brought(tmp_path, file)).thumbprint == pairs[0].thumbprint


# -- what others read in it --------------------------------------------------------------------------------------------

FOLDERS = ["plain", "with space", "hash # mark", "it's", "dollar $HOME", "ünï", "a=b", "back`tick", 'quo"te']


@posix
@pytest.mark.parametrize("name", FOLDERS)
def test_shells_and_node_read_the_path_that_was_meant(tmp_path: Path, pairs: list[Pair], name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    file = brought(folder, pairs[0])
    store = keep_brought(tmp_path, file)
    assert used(store).certificate == file
    wanted, env_file = "AZURE_CLIENT_CERTIFICATE_PATH", str(store.path)
    script = f'set -a; . "$1"; printf %s "${wanted}"'
    environ = {key: value for key, value in os.environ.items() if key != wanted}
    shell = subprocess.run(
        ["sh", "-c", script, "sh", env_file], capture_output=True, text=True, check=True, env=environ
    )
    assert shell.stdout == str(file)
    if shutil.which("node"):
        program = f"process.stdout.write(process.env.{wanted})"
        node = subprocess.run(
            ["node", f"--env-file={env_file}", "-e", program], capture_output=True, text=True, check=False, env=environ
        )
        assert node.returncode == 9 or node.stdout == str(file), node  # 9: a Node that knows no --env-file
