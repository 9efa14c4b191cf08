"""What this machine was about to do when it was stopped."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.model.tenant import Retiring
from pbisetup.services.journal import Journal, state_directory


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own; the file of project `abcd` in it."""
    monkeypatch.setenv("PBISETUP_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "journal" / "abcd.jsonl"


def test_what_was_begun_and_not_finished_is_open() -> None:
    journal = Journal("abcd")
    journal.intend("dev", "one")
    journal.intend("dev", "two")
    journal.done("dev", "one")
    assert journal.open_intents("dev") == {"two"}
    assert Journal("abcd").open_intents("dev") == {"two"}


def test_environments_and_projects_do_not_mix() -> None:
    Journal("abcd").intend("dev", "one")
    assert Journal("abcd").open_intents("prod") == frozenset()
    assert Journal("efgh").open_intents("dev") == frozenset()


def test_the_newest_try_decides_whether_a_step_is_refused() -> None:
    journal = Journal("abcd")
    journal.refused("dev", "member")
    journal.refused("dev", "setting")
    journal.granted("dev", "member")
    assert journal.refused_steps("dev") == {"setting"}
    journal.refused("dev", "member")
    assert journal.refused_steps("dev") == {"member", "setting"}
    assert journal.open_intents("dev") == frozenset()


def test_nothing_is_open_where_there_is_no_journal(place: Path) -> None:
    assert Journal("abcd").open_intents("dev") == frozenset()
    assert not place.exists()


CUT = '{"intend": "two", "environ'


@pytest.mark.parametrize("rest", [CUT, "", "\n", "null\n", "[]\n", "5", "\x00\x00"], ids=repr)
def test_a_line_that_a_crash_cut_short_costs_neither_the_one_before_nor_the_next(place: Path, rest: str) -> None:
    Journal("abcd").intend("dev", "one")
    with place.open("a", encoding="utf-8") as file:
        file.write(rest)
    Journal("abcd").intend("dev", "three")
    assert Journal("abcd").open_intents("dev") == {"one", "three"}


def test_a_journal_that_is_no_text_is_no_reason_to_stop(place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_bytes(b"\xff\xfe\x00\xd8")
    assert Journal("abcd").open_intents("dev") == frozenset()
    Journal("abcd").intend("dev", "one")


def test_a_folder_that_cannot_be_written_costs_the_journal_not_the_run(place: Path) -> None:
    place.parent.parent.mkdir(parents=True)
    place.parent.write_text("a file where the folder should be")
    Journal("abcd").intend("dev", "one")
    assert Journal("abcd").open_intents("dev") == frozenset()


def test_the_state_directory_is_the_chosen_one_else_the_platforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state_directory() == tmp_path / "state"
    monkeypatch.setenv("PBISETUP_STATE_DIR", "  ")
    assert state_directory().name == "pbisetup" or "pbisetup" in state_directory().parts


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "\u2028", "é\n"])), max_size=12))
def test_any_order_of_events_leaves_open_what_was_begun_last(events: list[tuple[bool, str]]) -> None:
    journal = Journal(secrets.token_hex(8))
    for begins, name in events:
        (journal.intend if begins else journal.done)("dev", name)
    last = {name: begins for begins, name in events}
    assert journal.open_intents("dev") == {name for name, begins in last.items() if begins}


def test_nothing_of_an_environment_that_is_taken_away_stays_open() -> None:
    journal = Journal("abcd")
    journal.intend("dev", "one")
    journal.refused("dev", "member")
    journal.intend("prod", "two")
    journal.close("dev")
    assert journal.open_intents("dev") == journal.refused_steps("dev") == frozenset()
    assert journal.open_intents("prod") == {"two"}


def test_a_rotation_that_was_interrupted_is_remembered_for_a_day(place: Path) -> None:
    journal = Journal("abcd")
    journal.begin_rotation("dev", "key-1")
    assert (journal.rotation("dev"), journal.rotation("prod")) == ("key-1", None)
    journal.end_rotation("dev")
    assert journal.rotation("dev") is None
    place.parent.mkdir(parents=True, exist_ok=True)
    old = {"at": "2020-01-01T00:00:00+00:00", "rotates": "key-0", "environment": "dev"}
    place.write_text(json.dumps(old) + "\n" + '{"rotates": "key-2", "environment": "dev", "at": "soon"}\n')
    assert journal.rotation("dev") is None


def test_what_was_replaced_is_known_with_its_newest_word(place: Path) -> None:
    journal, now = Journal("abcd"), datetime.now(UTC).replace(microsecond=0)
    journal.retire("dev", Retiring("key-1", now))
    journal.retire("dev", Retiring("key-1", now + timedelta(days=1)))
    journal.retire("prod", Retiring("key-2", now))
    assert journal.retiring("dev") == (Retiring("key-1", now + timedelta(days=1)),)
    with place.open("a") as file:
        file.write('{"retires": "key-3", "environment": "dev", "after": "never"}\n{"retires"')
    assert [each.key_id for each in journal.retiring("dev")] == ["key-1"]


def test_a_key_that_was_chosen_here_is_known_until_it_is_kept(place: Path) -> None:
    journal = Journal("abcd")
    journal.intend("dev", "name", "key-1")
    journal.intend("dev", "another")
    assert journal.open_keys("dev") == {"key-1": "name"}
    journal.done("dev", "name")
    assert journal.open_keys("dev") == {}
    assert place.exists()
