"""A key vault as the store, against the vault that the sandbox serves: what it holds is whole at every instant."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from pbisetup.catalog.clouds import sandbox_cloud
from pbisetup.model.errors import StoreError, Unavailable
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, Retiring, StoredCredential
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.certificate import Pair, make_pair
from pbisetup.services.identity import FixedToken, TokenSource
from pbisetup.services.network import Network, Patience
from pbisetup.services.stores.key_vault import KeyVault
from pbisetup.services.stores.store import Kept
from tests.support.tenant import SandboxTenant

VAULT = "contoso-vault"
RESOURCE = "https://vault.azure.net"
CLIENT, OTHER = "22222222-2222-2222-2222-222222222222", "44444444-4444-4444-4444-444444444444"
FIRST, SECOND, THIRD = (f"{n}0000000-0000-0000-0000-000000000000" for n in (1, 2, 3))
NAME = "pbisetup-k7f3q2-dev"
CERTIFICATE = f"certificate-{NAME}"
Kind = Literal["secret", "certificate", "federated"]


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxTenant]:
    with SandboxTenant(tmp_path_factory.mktemp("vault")) as own:
        yield own


@pytest.fixture
def vault(tenant: SandboxTenant) -> SandboxTenant:
    tenant.reset()
    tenant.faults()
    return tenant


@pytest.fixture(scope="module")
def pairs() -> tuple[Pair, Pair]:
    now = datetime.now(UTC)
    first, second = (make_pair(f"contoso-reports-{n}", now, timedelta(days=90)) for n in (1, 2))
    return first, second


def store(
    tenant: SandboxTenant, kind: Kind = "secret", *, user: str = "admin", name: str = VAULT, again: int = 1
) -> KeyVault:
    network = Network(sandbox_cloud(tenant.url, tenant.ca), patience=Patience(10, 10, 5, again))
    return KeyVault(network, name, "k7f3q2", "dev", kind, lambda: FixedToken(Secret(token(tenant, user))))


@cache
def token(tenant: SandboxTenant, user: str) -> str:
    return tenant.user_token(user, RESOURCE)


def secret(value: str = "aB3~first", key: str = FIRST, *retiring: str, client: str = CLIENT) -> Kept:
    later = datetime(2027, 3, 1, 12, tzinfo=UTC)
    note = Note(key, "2027-05-01", retiring=tuple(Retiring(each, later) for each in retiring))
    return Kept("11111111-1111-1111-1111-111111111111", client, note, secret=Secret(value))


def certificate(pair: Pair, key: str = SECOND, *retiring: str) -> Kept:
    return replace(secret("", key, *retiring), secret=None, certificate=pair.pem)


def keep(where: KeyVault, kept: Kept) -> KeyVault:
    opened = where.open()
    assert opened.keep(kept) == f"key vault {VAULT}"
    opened.close()
    return where


def held(where: KeyVault) -> StoredCredential:
    fact = where.stored()
    assert isinstance(fact, Known), fact
    return fact.value


def value(where: KeyVault) -> str:
    """What a reader gets: the client secret, or the PEM."""
    found = where.credential()
    assert isinstance(found, Credential)
    assert found.usable
    kept = found.secret or found.pem
    assert kept is not None
    return kept.reveal()


def versions(tenant: SandboxTenant, name: str = NAME) -> list[dict[str, Any]]:
    state = tenant.state()["vaults"][VAULT]
    found = {**state["secrets"], **state["certificates"]}.get(name, {"versions": []})
    return list(found["versions"])


def alive(tenant: SandboxTenant, name: str = NAME) -> list[bool]:
    return [each["attributes"]["enabled"] for each in versions(tenant, name)]


def test_a_secret_that_is_kept_can_be_used_again(vault: SandboxTenant) -> None:
    where = keep(store(vault), secret())
    assert value(where) == "aB3~first"
    found = where.credential()
    assert found is not None
    assert (found.kind, found.client_id, found.where) == ("secret", CLIENT, f"key vault {VAULT}")
    assert (held(where).hint, held(where).key_id, held(where).kind) == ("aB3", FIRST, "secret")
    assert "first" not in repr(held(where)) + repr(where.stored())
    assert versions(vault)[-1]["attributes"]["exp"] == int(datetime(2027, 5, 1, tzinfo=UTC).timestamp())


def test_a_vault_that_holds_nothing_says_so(vault: SandboxTenant) -> None:
    where = store(vault)
    assert isinstance(where.stored(), Absent)
    assert where.credential() is None
    where.forget(CLIENT)
    assert vault.writes() == []


def test_opening_proves_the_right_to_write_and_readers_see_no_change(vault: SandboxTenant) -> None:
    store(vault).open().close()
    assert isinstance(store(vault).stored(), Absent)
    assert alive(vault) == [False]
    keep(store(vault), secret())
    before = versions(vault)
    store(vault).open().close()
    after = versions(vault)
    assert [{**each, "attributes": {}} for each in after] == [{**each, "attributes": {}} for each in before]
    assert alive(vault) == [False, True]
    assert value(store(vault)) == "aB3~first"


def test_a_new_secret_takes_the_place_and_the_old_one_is_readable_until_it_is_retired(vault: SandboxTenant) -> None:
    keep(store(vault), secret())
    keep(store(vault), secret("Zz9~second", SECOND, FIRST))
    where = store(vault)
    assert value(where) == "Zz9~second"
    assert held(where).note.retiring[0].key_id == FIRST
    assert alive(vault) == [False, True, True]
    # The old one is gone from the directory: the same secret with a shorter note is no new version.
    keep(store(vault), secret("Zz9~second", SECOND))
    assert alive(vault) == [False, False, True]
    assert held(store(vault)).note.retiring == ()


def test_a_long_note_takes_several_tags_and_a_shorter_one_leaves_none_behind(vault: SandboxTenant) -> None:
    many = [f"{n:08d}-0000-0000-0000-000000000000" for n in range(12)]
    keep(store(vault), secret("aB3~first", FIRST, *many))
    tags = versions(vault)[-1]["tags"]
    assert sum(name.startswith("pbisetup-note") for name in tags) > 3
    assert all(len(text) <= 256 for text in tags.values())
    assert [old.key_id for old in held(store(vault)).note.retiring] == many
    keep(store(vault), secret())
    assert sum(name.startswith("pbisetup-note") for name in versions(vault)[-1]["tags"]) == 1


def test_a_note_for_which_there_is_no_room_is_refused_before_anything_changes(vault: SandboxTenant) -> None:
    keep(store(vault), secret())
    opened = store(vault).open()
    with pytest.raises(StoreError, match="more than a vault takes"):
        opened.keep(secret("Zz9~second", SECOND, *(f"{n:08d}-0000-0000-0000-000000000000" for n in range(60))))
    assert value(store(vault)) == "aB3~first"


def test_tags_of_others_stay(vault: SandboxTenant) -> None:
    keep(store(vault), secret())

    def tag(state: dict[str, Any]) -> None:
        state["vaults"][VAULT]["secrets"][NAME]["versions"][-1]["tags"] |= {f"cost{n}": "42" for n in range(12)}

    vault.put_state(tag)
    keep(store(vault), secret("Zz9~second", SECOND))
    tags = versions(vault)[-1]["tags"]
    assert tags["cost0"] == "42"
    assert len(tags) == 14
    assert held(store(vault)).key_id == SECOND


def test_a_certificate_is_kept_with_its_key(vault: SandboxTenant, pairs: tuple[Pair, Pair]) -> None:
    where = keep(store(vault, "certificate"), certificate(pairs[0]))
    assert value(where) == pairs[0].pem.reveal()
    assert (held(where).kind, held(where).thumbprint, held(where).key_id) == (
        "certificate",
        pairs[0].thumbprint,
        SECOND,
    )
    keep(store(vault, "certificate"), certificate(pairs[1], THIRD, SECOND))
    assert held(store(vault)).thumbprint == pairs[1].thumbprint
    keep(store(vault, "certificate"), certificate(pairs[1], THIRD))
    assert alive(vault, CERTIFICATE) == [False, False, True]


def test_a_certificate_that_was_brought_is_imported(
    vault: SandboxTenant, pairs: tuple[Pair, Pair], tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
    from cryptography.x509 import load_pem_x509_certificate

    data, path = pairs[0].pem.reveal().encode(), tmp_path / "brought.pfx"
    key, own = load_pem_private_key(data, None), load_pem_x509_certificate(data)
    path.write_bytes(pkcs12.serialize_key_and_certificates(None, key, own, None, BestAvailableEncryption(b"word")))  # type: ignore[arg-type]
    kept = replace(secret("", FIRST), secret=None, file=path)
    keep(store(vault, "certificate"), replace(kept, password=Secret("word")))
    assert held(store(vault)).thumbprint == pairs[0].thumbprint
    with pytest.raises(StoreError, match=r"brought\.pfx cannot be used: its password is wrong"):
        store(vault, "certificate").open().keep(replace(kept, password=Secret("another")))


def test_a_pfx_that_somebody_put_there_is_read_as_well(vault: SandboxTenant, pairs: tuple[Pair, Pair]) -> None:
    import base64

    from cryptography.hazmat.primitives.serialization import NoEncryption, load_pem_private_key, pkcs12
    from cryptography.x509 import load_pem_x509_certificate

    keep(store(vault, "certificate"), certificate(pairs[0]))
    data = pairs[1].pem.reveal().encode()
    key, own = load_pem_private_key(data, None), load_pem_x509_certificate(data)
    pfx = pkcs12.serialize_key_and_certificates(None, key, own, None, NoEncryption())  # type: ignore[arg-type]
    answer = vault.http.post(
        f"/vaults/{VAULT}/certificates/{CERTIFICATE}/import?api-version=7.4",
        headers={"Authorization": f"Bearer {vault.user_token('admin', RESOURCE)}"},
        json={"value": base64.b64encode(pfx).decode(), "tags": versions(vault, CERTIFICATE)[-1]["tags"]},
    )
    assert answer.status_code == 200
    assert held(store(vault)).thumbprint == pairs[1].thumbprint
    assert value(store(vault)) == pairs[1].pem.reveal()


def test_from_secret_to_certificate_and_back_each_counts_when_it_is_kept(
    vault: SandboxTenant, pairs: tuple[Pair, Pair]
) -> None:
    keep(store(vault), secret())
    keep(store(vault, "certificate"), certificate(pairs[0], SECOND, FIRST))
    assert held(store(vault)).kind == held(store(vault, "certificate")).kind == "certificate"
    assert alive(vault) == [False, True], "who still reads the secret has its time of grace"
    keep(store(vault), secret("Zz9~third", THIRD, SECOND))
    assert value(store(vault)) == "Zz9~third"
    assert alive(vault, CERTIFICATE) == [False, True]
    assert alive(vault) == [False, False, True]
    keep(store(vault), secret("Zz9~third", THIRD))
    assert alive(vault, CERTIFICATE) == [False, False]
    keep(store(vault, "certificate"), certificate(pairs[1], FIRST))
    assert held(store(vault)).thumbprint == pairs[1].thumbprint


def test_forgetting_takes_out_this_apps_and_what_comes_after_is_kept_under_the_same_name(
    vault: SandboxTenant, pairs: tuple[Pair, Pair]
) -> None:
    keep(store(vault), secret())
    store(vault).forget(OTHER)
    assert value(store(vault)) == "aB3~first"
    keep(store(vault, "certificate"), certificate(pairs[0], SECOND, FIRST))
    store(vault).forget(CLIENT.upper())
    assert isinstance(store(vault).stored(), Absent)
    state = vault.state()["vaults"][VAULT]
    assert "deletedDate" in state["secrets"][NAME]
    assert "deletedDate" in state["certificates"][CERTIFICATE]
    store(vault).forget(CLIENT)
    # Deleted and recoverable: recovered, and what was in it stays out of sight.
    opened = store(vault).open()
    assert isinstance(store(vault).stored(), Absent)
    opened.keep(secret("Zz9~new", THIRD))
    assert value(store(vault)) == "Zz9~new"
    keep(store(vault, "certificate"), certificate(pairs[1], FIRST))
    assert held(store(vault)).thumbprint == pairs[1].thumbprint


def test_a_deleted_certificate_is_recovered_without_a_reader_finding_it(
    vault: SandboxTenant, pairs: tuple[Pair, Pair]
) -> None:
    keep(store(vault, "certificate"), certificate(pairs[0]))
    store(vault, "certificate").forget(CLIENT)
    store(vault, "certificate").open().close()
    assert isinstance(store(vault, "certificate").stored(), Absent)
    assert alive(vault, CERTIFICATE) == [False, False]


def test_a_federated_credential_is_refused_before_anything_is_made(vault: SandboxTenant) -> None:
    with pytest.raises(StoreError, match="a federated credential has neither") as caught:
        store(vault, "federated").open()
    assert caught.value.code == "PBI119"
    assert vault.requests() == []


def give(tenant: SandboxTenant, user: str, *roles: str) -> str:
    """Replace the roles in the vault by these; the user's id."""
    state = tenant.state()
    id_ = next(each["id"] for each in state["users"] if each["userPrincipalName"].startswith(f"{user}@"))
    assignments = [{"principalId": id_, "role": f"Key Vault {role}"} for role in roles]
    tenant.put_state(lambda present: present["vaults"][VAULT].update(roleAssignments=assignments))
    return str(id_)


def test_who_may_not_write_is_told_the_role_and_how_it_is_given(vault: SandboxTenant) -> None:
    id_ = give(vault, "developer", "Secrets User")
    with pytest.raises(StoreError) as caught:
        store(vault, user="developer").open()
    error = caught.value
    assert error.code == "PBI119"
    assert "Key Vault Secrets Officer" in (error.remedy or "")
    assert "Owner, User Access Administrator" in (error.remedy or "")
    assert (error.command or "").startswith(
        f'az role assignment create --role "Key Vault Secrets Officer" --assignee-object-id {id_} --scope /subscriptions/'
    )
    assert (error.command or "").endswith(f"/vaults/{VAULT}")
    assert "ForbiddenByRbac" in error.evidence[0].fact
    assert error.evidence[0].request_id
    assert isinstance(store(vault, user="developer").stored(), Absent), "who may read is told that nothing is there"


def test_each_half_of_the_rights_for_certificates_is_missed(vault: SandboxTenant) -> None:
    for there, missing in (("Secrets", "Certificates"), ("Certificates", "Secrets")):
        give(vault, "developer", f"{there} Officer")
        with pytest.raises(StoreError) as caught:
            store(vault, "certificate", user="developer").open()
        assert f"Key Vault {missing} Officer" in (caught.value.remedy or "")


def test_who_has_no_right_to_certificates_keeps_secrets_all_the_same(
    vault: SandboxTenant, pairs: tuple[Pair, Pair]
) -> None:
    give(vault, "developer", "Secrets Officer")
    where = keep(store(vault, user="developer"), secret())
    assert value(where) == "aB3~first"
    give(vault, "admin", "Secrets Officer", "Certificates Officer")
    keep(store(vault, "certificate"), certificate(pairs[0], SECOND, FIRST))
    give(vault, "developer", "Secrets Officer")
    # A certificate has taken its place, which this person may not see: not known, and never the old secret.
    assert isinstance(store(vault, user="developer").stored(), Unknown)
    assert store(vault, user="developer").credential() is None
    with pytest.raises(StoreError, match="you may not do this"):
        store(vault, user="developer").open()


def test_the_firewall_is_called_by_its_name(vault: SandboxTenant) -> None:
    vault.put_state(lambda state: state["vaults"][VAULT].update(networkAcls={"defaultAction": "Deny"}))
    with pytest.raises(StoreError, match="the firewall of the key vault contoso-vault does not let this machine in"):
        store(vault).open()
    fact = store(vault).stored()
    assert isinstance(fact, Unknown)
    assert "firewall" in fact.reason


def test_a_vault_that_is_not_there_and_a_name_that_cannot_be_one(vault: SandboxTenant) -> None:
    with pytest.raises(StoreError, match="there is no key vault nobodys-vault"):
        store(vault, name="nobodys-vault").open()
    for name in ("a", "-vault", "con..toso", 'x";rm', "a/b", "vault.evil.com"):
        with pytest.raises(StoreError, match="cannot be a key vault in the cloud"):
            store(vault, name=name).open()
        assert isinstance(store(vault, name=name).stored(), Unknown)


def test_a_sign_in_that_fails_is_the_reason(vault: SandboxTenant) -> None:
    def nobody() -> TokenSource:
        raise Unavailable("PBI311", "nobody is signed in", remedy="Sign in.")

    network = Network(sandbox_cloud(vault.url, vault.ca))
    where = KeyVault(network, VAULT, "k7f3q2", "dev", "secret", nobody)
    with pytest.raises(StoreError, match="nobody is signed in") as caught:
        where.open()
    assert (caught.value.code, caught.value.remedy) == ("PBI119", "Sign in.")
    assert isinstance(where.stored(), Unknown)


def test_a_token_that_the_vault_does_not_take_is_told_as_such(vault: SandboxTenant) -> None:
    other = FixedToken(Secret(vault.user_token("admin", "https://graph.microsoft.com")))
    network = Network(sandbox_cloud(vault.url, vault.ca))
    with pytest.raises(StoreError, match=r"does not take this sign-in: .*AKV10022") as caught:
        KeyVault(network, VAULT, "k7f3q2", "dev", "secret", lambda: other).open()
    assert "tenant that the vault belongs to" in (caught.value.remedy or "")


def test_without_the_packages_the_extra_is_named() -> None:
    script = (
        "import sys; sys.modules.update(dict.fromkeys(('azure.keyvault.secrets', 'azure.keyvault.certificates')))\n"
        "from pbisetup.catalog.clouds import sandbox_cloud\n"
        "from pbisetup.model.errors import StoreError\n"
        "from pbisetup.services.network import Network\n"
        "from pbisetup.services.stores.key_vault import KeyVault\n"
        "network = Network(sandbox_cloud('https://localhost:1', None))\n"
        "where = KeyVault(network, 'contoso-vault', 'k', 'dev', 'secret', None)\n"
        "print(where.stored().reason, where.credential())\n"
        "try: where.open()\n"
        "except StoreError as error: print(error.code, error.command)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        "the store key-vault needs packages that are not installed None",
        'PBI119 pip install "pbisetup[keyvault]"',
    ]


CHANGES = ("secret to secret", "secret to certificate", "certificate to secret", "certificate to certificate")


def prepared(tenant: SandboxTenant, change: str, pairs: tuple[Pair, Pair]) -> tuple[KeyVault, Kept, str]:
    """The store before a change, what is to be kept, and what a reader gets until then."""
    before, _, after = change.partition(" to ")
    first = secret("aB3~old", FIRST) if before == "secret" else certificate(pairs[0], FIRST)
    keep(store(tenant, "secret" if before == "secret" else "certificate"), first)
    kept = secret("Zz9~new", SECOND, FIRST) if after == "secret" else certificate(pairs[1], SECOND, FIRST)
    old = "aB3~old" if before == "secret" else pairs[0].pem.reveal()
    return store(tenant, "secret" if after == "secret" else "certificate"), kept, old


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("change", CHANGES)
def test_one_lost_answer_of_any_request_is_made_up_for(
    vault: SandboxTenant, pairs: tuple[Pair, Pair], change: str, drop: str
) -> None:
    where, kept, _ = prepared(vault, change, pairs)
    before = vault.state()
    for skip in range(30):
        vault.put_state(before)
        opened = where.open()
        vault.clear_requests()
        vault.faults({"match": {"path": "^/vaults/"}, "skip": skip, "times": 1, "drop": drop})
        opened.keep(kept)
        vault.faults()
        new = kept.secret or kept.certificate
        assert new is not None
        assert value(store(vault)) == new.reveal()
        assert held(store(vault)).note == kept.note
        if len(vault.requests()) < skip:
            return
    pytest.fail("there was no end of requests")


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("kind", ["secret", "certificate"])
@pytest.mark.parametrize("there", [True, False])
def test_one_lost_answer_while_the_rights_are_proved_is_made_up_for(
    vault: SandboxTenant, pairs: tuple[Pair, Pair], kind: Literal["secret", "certificate"], drop: str, there: bool
) -> None:
    where = store(vault, kind)
    if there:
        keep(where, secret() if kind == "secret" else certificate(pairs[0]))
    before = vault.state()
    for skip in range(30):
        vault.put_state(before)
        vault.clear_requests()
        vault.faults({"match": {"path": "^/vaults/"}, "skip": skip, "times": 1, "drop": drop})
        where.open().close()
        vault.faults()
        assert isinstance(where.stored(), Known if there else Absent)
        if len(vault.requests()) < skip:
            return
    pytest.fail("there was no end of requests")


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("change", CHANGES)
def test_wherever_the_line_goes_dead_the_store_holds_one_whole_credential(
    vault: SandboxTenant, pairs: tuple[Pair, Pair], change: str, drop: str
) -> None:
    outcomes = set()
    where, kept, old = prepared(vault, change, pairs)
    where.tries, before = 1, vault.state()
    for skip in range(20):
        vault.put_state(before)
        opened = where.open()
        vault.faults(
            {"match": {"path": "^/vaults/"}, "skip": skip, "times": 1, "drop": drop},
            {"match": {"path": "^/vaults/"}, "skip": skip, "times": None, "drop": "before"},
        )
        try:
            opened.keep(kept)
            done = True
        except StoreError:
            done = False
        vault.faults()
        new = kept.secret or kept.certificate
        assert new is not None
        now = value(store(vault))
        assert now in ({new.reveal()} if done else {new.reveal(), old} if drop == "after" else {old})
        assert held(store(vault)).key_id == (SECOND if now == new.reveal() else FIRST)
        outcomes.add((done, now == new.reveal()))
        # And run again: it converges.
        keep(store(vault, where.kind), kept)
        assert value(store(vault)) == new.reveal()
        if done:
            break
    assert (True, True) in outcomes
    assert (False, False) in outcomes
    assert drop == "before" or (False, True) in outcomes


def test_a_moment_that_is_finer_than_a_note_keeps_it_is_the_same_moment(vault: SandboxTenant) -> None:
    where = keep(store(vault), secret())
    where.tries = 1
    later = datetime(2027, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    opened = where.open()
    vault.faults({"match": {"method": "PUT", "path": "^/vaults/"}, "times": 1, "drop": "after"})
    opened.keep(replace(secret("Zz9~new", SECOND), note=Note(SECOND, "2027-05-01", retiring=(Retiring(FIRST, later),))))
    assert value(store(vault)) == "Zz9~new"


def test_a_refusal_on_the_way_leaves_what_was_there(vault: SandboxTenant, pairs: tuple[Pair, Pair]) -> None:
    keep(store(vault, "certificate"), certificate(pairs[0], FIRST))
    opened = store(vault).open()
    vault.faults({"match": {"method": "PATCH", "path": CERTIFICATE}, "times": None, "status": 403, "body": {}})
    with pytest.raises(StoreError, match="you may not do this") as caught:
        opened.keep(secret("Zz9~new", SECOND))
    vault.faults()
    assert caught.value.code == "PBI113"
    assert held(store(vault)).thumbprint == pairs[0].thumbprint
    assert alive(vault) == [False, False], "the new secret does not lie about"
