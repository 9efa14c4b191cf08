"""The store that keeps nothing: standard output, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbisetup.model.errors import StoreError
from pbisetup.model.facts import Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note
from pbisetup.services.stores.printed import PrintOnce
from pbisetup.services.stores.store import Kept

TENANT, CLIENT = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
KEY = "33333333-3333-3333-3333-333333333333"
SECRET = "aB3~very.secret_value-1"


def test_printed_it_is_written_once_in_the_same_three_lines() -> None:
    written: list[str] = []
    store = PrintOnce(written.append)
    where = store.open().keep(Kept(TENANT, CLIENT, Note(KEY, "2027-02-01"), secret=Secret(SECRET)))
    assert where == "standard output"
    assert written == [f"AZURE_TENANT_ID={TENANT}\nAZURE_CLIENT_ID={CLIENT}\nAZURE_CLIENT_SECRET={SECRET}\n"]
    assert isinstance(store.stored(), Unknown)
    assert store.credential() is None
    store.forget(CLIENT)
    assert len(written) == 1


def test_a_certificate_follows_the_lines_and_a_brought_one_is_named() -> None:
    written: list[str] = []
    PrintOnce(written.append).keep(Kept(TENANT, CLIENT, Note(KEY), certificate=Secret("-----BEGIN PRIVATE KEY-----\n")))
    PrintOnce(written.append).keep(Kept(TENANT, CLIENT, Note(KEY), file=Path("my.pfx")))
    ids = f"AZURE_TENANT_ID={TENANT}\nAZURE_CLIENT_ID={CLIENT}\n"
    assert written == [
        f"{ids}-----BEGIN PRIVATE KEY-----\n",
        f"{ids}AZURE_CLIENT_CERTIFICATE_PATH=my.pfx\n",
    ]


def test_a_closed_output_is_told_without_the_secret() -> None:
    def closed(_: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(StoreError, match="Broken pipe") as caught:
        PrintOnce(closed).keep(Kept(TENANT, CLIENT, Note(KEY), secret=Secret(SECRET)))
    assert (caught.value.code, SECRET in str(caught.value)) == ("PBI113", False)
