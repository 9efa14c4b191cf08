"""Secrets of pipelines: GitHub Actions through gh, a variable group of Azure DevOps through az. Both programs are stand-ins
that behave as the real ones do, with a small GitHub and a small library in a file.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pbisetup.model.errors import StoreError
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, StoredCredential
from pbisetup.services.stores import azure_devops, github
from pbisetup.services.stores.azure_devops import AzureDevOps
from pbisetup.services.stores.github import GitHub
from pbisetup.services.stores.pipeline import PipelineStore
from pbisetup.services.stores.store import Kept, Unclear
from tests.support.standin import Installed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are started by a shell script")

TENANT, CLIENT, OTHER = (digit * 8 + "-1111-1111-1111-111111111111" for digit in "123")
OLD, NEW = "old~Secret.canary-0001", "new~Secret.canary-0002"
PEM = "-----BEGIN PRIVATE KEY-----\nMIICanaryKeyLine0003abcdefgh\n-----END PRIVATE KEY-----\n"
REPOSITORY = "contoso/reports"


@dataclass
class Place:
    """A kind of pipeline: the program's stand-in and the store that uses it."""

    installed: Installed
    make: Callable[..., PipelineStore]
    program: str
    address: str
    certificate: str

    def store(self, environment: str = "dev", project: str = "k7f3q2", **more: Any) -> PipelineStore:
        return self.make(self.address, project, environment, **more)

    @property
    def values(self) -> dict[str, str]:
        """What pipelines read."""
        state = self.installed.state
        if self.program == "gh":
            repository = state["repositories"][REPOSITORY]
            return {**repository["variables"].get("prod", {}), **repository["secrets"].get("prod", {})}
        return {name: each["value"] for name, each in state["groups"][0]["variables"].items()}

    def put(self, name: str, value: str, *, secret: bool) -> None:
        """What a person puts there by hand."""
        state = self.installed.state
        if self.program == "gh":
            what = "secrets" if secret else "variables"
            state["repositories"][REPOSITORY][what].setdefault("prod", {})[name] = value
        else:
            state["groups"][0]["variables"][name] = {"isSecret": secret, "value": value}
        self.installed.state = state

    @property
    def writes(self) -> list[list[str]]:
        return [run["argv"] for run in self.installed.runs if {"set", "create", "update", "delete"} & set(run["argv"])]


def github_state() -> dict[str, Any]:
    repository = {"environments": ["prod"], "denied": [], "secrets": {}, "variables": {}}
    return {"signed_in": True, "repositories": {REPOSITORY: repository}}


def library_state() -> dict[str, Any]:
    group = {"id": 7, "name": "Reports", "type": "Vsts", "variables": {"MINE": {"isSecret": False, "value": "1"}}}
    return {
        "signed_in": True,
        "extension": True,
        "may_manage": True,
        "organization": "https://dev.azure.com/contoso",
        "project": "Sales & Co",
        "groups": [group],
    }


@pytest.fixture
def on_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    installed = Installed(tmp_path, "gh", "gh.py", github_state())
    for name, value in installed.environment.items():
        monkeypatch.setenv(name, value)
    return Place(installed, GitHub, "gh", f"{REPOSITORY}/prod", "AZURE_CLIENT_CERTIFICATE")


@pytest.fixture
def in_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    installed = Installed(tmp_path, "az", "az_pipelines.py", library_state())
    for name, value in installed.environment.items():
        monkeypatch.setenv(name, value)
    return Place(installed, AzureDevOps, "az", "contoso/Sales & Co/Reports", "AZURE_CLIENT_CERTIFICATE_BASE64")


@pytest.fixture(params=["on_github", "in_library"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def keep(store: PipelineStore, secret: str = OLD, key: str = "key-old", client: str = CLIENT) -> str:
    opened = store.open()
    where = opened.keep(Kept(TENANT, client, Note(key, "2027-02-01"), secret=Secret(secret)))
    opened.close()
    return where


def held(store: PipelineStore) -> StoredCredential:
    fact = store.stored()
    assert isinstance(fact, Known), fact
    return fact.value


# -- keeping -----------------------------------------------------------------------------------------------------------


def test_what_a_pipeline_needs_is_there_and_the_note_says_which_credential_it_is(place: Place) -> None:
    store = place.store()
    assert isinstance(store.stored(), Absent)
    assert keep(store) == store.name
    assert {name: value for name, value in place.values.items() if name != "MINE"} == {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_CLIENT_SECRET": OLD,
        "PBISETUP_NOTE": "k7f3q2/dev secret: key id key-old, ends 2027-02-01",
    }
    found = held(store)
    assert (found.tenant_id, found.client_id, found.kind, found.key_id) == (TENANT, CLIENT, "secret", "key-old")
    assert found.hint == ""
    assert store.credential() is None


def test_the_secret_is_in_no_argument_and_only_the_run_that_writes_it_has_it(place: Place) -> None:
    keep(place.store())
    keep(place.store(), NEW, "key-new")
    assert OLD not in place.installed.seen
    assert NEW not in place.installed.seen
    holding = [run["argv"] for run in place.installed.runs if any("PIPELINE_VAR" in name for name in run["env"])]
    names = {argument for argv in holding for argument in argv if argument.startswith("--name=")}
    assert names == ({"--name=AZURE_CLIENT_SECRET", "--name=PBISETUP_PROOF"} if place.program == "az" else set())


def test_replaced_only_the_secret_and_the_note_change_and_the_secret_in_one_write(place: Place) -> None:
    keep(place.store())
    before = len(place.writes)
    keep(place.store(), NEW, "key-new")
    written = [argv for argv in place.writes[before:] if "PBISETUP_PROOF" not in " ".join(argv)]
    assert [next(n for n in ("NOTE", "SECRET") if n in " ".join(argv)) for argv in written] == [
        "NOTE",
        "SECRET",
        "NOTE",
    ]
    assert place.values["AZURE_CLIENT_SECRET"] == NEW
    assert held(place.store()).key_id == "key-new"


def test_a_certificate_takes_the_place_of_a_secret(place: Place) -> None:
    keep(place.store())
    store = place.store()
    store.open().keep(Kept(TENANT, CLIENT, Note("key-new"), certificate=Secret(PEM)))
    assert "AZURE_CLIENT_SECRET" not in place.values
    kept = place.values[place.certificate]
    assert "\n" not in kept or place.program == "gh"
    assert (kept if place.program == "gh" else base64.b64decode(kept).decode()).strip() == PEM.strip()
    assert held(store).kind == "certificate"
    assert "CanaryKeyLine" not in place.installed.seen
    assert kept not in place.installed.seen


def test_a_federated_credential_keeps_ids_and_takes_the_secret_away(place: Place) -> None:
    keep(place.store())
    store = place.store()
    store.open().keep(Kept(TENANT, CLIENT, Note("github-main")))
    assert "AZURE_CLIENT_SECRET" not in place.values
    assert (held(store).kind, held(store).key_id) == ("federated", "github-main")


def test_a_certificate_that_was_brought_is_refused_before_anything_is_made(place: Place, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="brought"):
        place.store(brought=True).open()
    assert place.installed.runs == []
    opened = place.store().open()
    with pytest.raises(StoreError, match="brought"):
        opened.keep(Kept(TENANT, CLIENT, Note("k"), file=tmp_path / "my.pfx"))
    assert isinstance(place.store().stored(), Absent)


def test_nothing_is_left_of_the_proof(place: Place) -> None:
    before = place.values
    place.store().open().close()
    assert place.values == before
    assert any("PBISETUP_PROOF" in " ".join(argv) for argv in place.writes)


def test_environments_that_share_a_repository_have_names_of_their_own(on_github: Place) -> None:
    on_github.address = REPOSITORY
    keep(on_github.store("dev"), OLD)
    keep(on_github.store("pre-prod"), NEW, "key-new")
    repository = on_github.installed.state["repositories"][REPOSITORY]
    assert repository["secrets"][""] == {"AZURE_CLIENT_SECRET_DEV": OLD, "AZURE_CLIENT_SECRET_PRE_PROD": NEW}
    assert (held(on_github.store("dev")).key_id, held(on_github.store("pre-prod")).key_id) == ("key-old", "key-new")


def test_names_are_kept_as_the_group_spells_them(in_library: Place) -> None:
    in_library.put("azure_client_secret", "by hand", secret=True)
    in_library.put("PBISETUP_NOTE", "k7f3q2/dev", secret=False)
    keep(in_library.store())
    assert in_library.values["azure_client_secret"] == OLD
    assert "AZURE_CLIENT_SECRET" not in in_library.values


# -- what is somebody else's -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("environment", "project"), [("prod", "k7f3q2"), ("dev", "other1")])
def test_a_place_that_another_environment_or_project_uses_is_left_alone(
    place: Place, environment: str, project: str
) -> None:
    keep(place.store())
    before, stranger = place.values, place.store(environment, project)
    with pytest.raises(StoreError, match="k7f3q2/dev") as caught:
        stranger.open()
    assert caught.value.code == "PBI119"
    assert isinstance(stranger.stored(), Absent)
    stranger.forget(CLIENT)
    assert place.values == before


def test_a_secret_that_somebody_put_there_by_hand_is_replaced_only_when_they_say_so(place: Place) -> None:
    place.put("AZURE_CLIENT_SECRET", "by hand", secret=True)
    with pytest.raises(StoreError, match="did not put there") as caught:
        place.store().open()
    assert place.values["AZURE_CLIENT_SECRET"] == "by hand"
    place.store().forget(CLIENT)
    assert place.values["AZURE_CLIENT_SECRET"] == "by hand"
    command = caught.value.command or ""
    assert subprocess.run(["sh", "-c", command], env={**os.environ}, check=False, capture_output=True).returncode == 0
    keep(place.store())
    assert place.values["AZURE_CLIENT_SECRET"] == OLD


# -- taking it out -----------------------------------------------------------------------------------------------------


def test_forgotten_everything_of_ours_goes_and_nothing_else(place: Place) -> None:
    place.put("MINE", "1", secret=False)
    keep(place.store())
    place.store().forget(OTHER)
    assert place.values["AZURE_CLIENT_SECRET"] == OLD
    place.store().forget(CLIENT.upper())
    assert place.values == {"MINE": "1"}
    place.store().forget(CLIENT)


def test_the_last_variable_of_a_group_stays_as_an_empty_note(in_library: Place) -> None:
    state = in_library.installed.state
    state["groups"][0]["variables"] = {"PBISETUP_NOTE": {"isSecret": False, "value": "k7f3q2/dev"}}
    in_library.installed.state = state
    keep(in_library.store())
    in_library.store().forget(CLIENT)
    assert in_library.values == {"PBISETUP_NOTE": "k7f3q2/dev"}
    assert isinstance(in_library.store().stored(), Absent)


def test_forgetting_goes_on_where_it_was_stopped(place: Place) -> None:
    keep(place.store())
    place.installed.rule(
        "delete", skip=2, times=1, when="before", do={"err": "HTTP 403: secondary rate limit VS999999"}
    )
    with pytest.raises(StoreError):
        place.store().forget(CLIENT)
    assert "AZURE_CLIENT_SECRET" not in place.values
    assert isinstance(place.store().stored(), Absent)
    place.store().forget(CLIENT)
    assert set(place.values) <= {"MINE"}


# -- what does not work ------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "not signed in": (lambda s: s.update(signed_in=False), "gh auth login", "gh auth login"),
    "no such repository": (lambda s: s.update(repositories={}), "is not there", "gh auth status"),
    "no such environment": (
        lambda s: s["repositories"][REPOSITORY].update(environments=[]),
        "no environment prod",
        f"gh api --method PUT repos/{REPOSITORY}/environments/prod",
    ),
    "no right to secrets": (
        lambda s: s["repositories"][REPOSITORY].update(denied=["secret"]),
        "permissions Secrets and Variables",
        "gh auth status",
    ),
    "no right to variables": (
        lambda s: s["repositories"][REPOSITORY].update(denied=["variable"]),
        "permissions Secrets and Variables",
        "gh auth status",
    ),
}


@pytest.mark.parametrize(("spoil", "words", "command"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_at_github_is_told_before_anything_is_made(
    on_github: Place, spoil: Callable[[dict[str, Any]], object], words: str, command: str
) -> None:
    state = on_github.installed.state
    spoil(state)
    on_github.installed.state = state
    with pytest.raises(StoreError) as caught:
        on_github.store().open()
    told = f"{caught.value.message} {caught.value.remedy} {caught.value.evidence}"
    assert caught.value.code == "PBI119"
    assert words in told
    assert caught.value.command == command
    assert isinstance(on_github.store().stored(), Unknown)


IN_LIBRARY: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "no extension": ({"extension": False}, "extension azure-devops", "az extension add --name azure-devops"),
    "not signed in": ({"signed_in": False}, "Sign in", "az login"),
    "no such project": ({"project": "Other"}, "There is no project Sales & Co", None),
    "no right to change it": ({"may_manage": False}, "role Administrator", None),
    "no such group": ({"groups": []}, "there is no variable group Reports", "az pipelines variable-group create"),
}


@pytest.mark.parametrize(("spoiled", "words", "command"), IN_LIBRARY.values(), ids=IN_LIBRARY)
def test_what_is_wrong_in_azure_devops_is_told_before_anything_is_made(
    in_library: Place, spoiled: dict[str, Any], words: str, command: str | None
) -> None:
    in_library.installed.change(**spoiled)
    with pytest.raises(StoreError) as caught:
        in_library.store().open()
    assert caught.value.code == "PBI119"
    assert words in f"{caught.value.message} {caught.value.remedy}"
    assert (caught.value.command or "").startswith(command or "")


def test_a_group_that_shows_a_key_vault_is_refused(in_library: Place) -> None:
    state = in_library.installed.state
    state["groups"][0]["type"] = "AzureKeyVault"
    in_library.installed.state = state
    with pytest.raises(StoreError, match="key vault"):
        in_library.store().open()


def test_without_the_program_the_other_way_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(StoreError, match="not installed") as caught:
        place.store().open()
    assert "env-file" in str(caught.value.remedy)
    assert isinstance(place.store().stored(), Unknown)


SAYS_NO = {
    "rate limit": "HTTP 403: You have exceeded a secondary rate limit - you do not have permissions to do this",
    "right taken away": "HTTP 403: Resource not accessible by personal access token TF400813: not authorized",
}


@pytest.mark.parametrize("words", SAYS_NO.values(), ids=SAYS_NO)
def test_refused_at_the_secret_everything_is_as_it_was(place: Place, words: str) -> None:
    keep(place.store())
    before, opened = place.values, place.store().open()
    place.installed.rule("secret set AZURE" if place.program == "gh" else "variable update", **(
        {} if place.program == "gh" else {"skip": 2}
    ), times=1, do={"err": words})  # fmt: skip
    with pytest.raises(StoreError) as caught:
        opened.keep(Kept(TENANT, OTHER, Note("key-new"), secret=Secret(NEW)))
    assert not isinstance(caught.value, Unclear)
    assert place.values == before
    assert held(place.store()).key_id == "key-old"


def test_a_cut_connection_is_tried_again_and_nothing_is_lost(place: Place) -> None:
    keep(place.store())
    opened = place.store().open()
    place.installed.rule("", skip=1, times=1, when="after", do={"err": "read: connection reset by peer"})
    opened.keep(Kept(TENANT, CLIENT, Note("key-new"), secret=Secret(NEW)))
    assert place.values["AZURE_CLIENT_SECRET"] == NEW
    assert held(place.store()).key_id == "key-new"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_breaks_while_it_looks_or_proves_is_made_up_for(place: Place, when: str) -> None:
    keep(place.store())
    before = place.values
    for skip in range(20):
        place.installed.rule("", skip=skip, times=1, when=when, do={"err": "read: connection reset by peer"})
        seen = len(place.installed.runs)
        assert held(place.store()).key_id == "key-old"
        place.store().open().close()
        whole = len(place.installed.runs) - seen <= skip
        place.installed.change(rules=[])
        assert place.values == before
        if whole:
            return
    pytest.fail("there was no end of runs")


@pytest.mark.parametrize("when", ["before", "after"])
def test_where_the_answer_never_comes_neither_is_said_to_be_there(place: Place, when: str) -> None:
    keep(place.store())
    opened = place.store().open()
    place.installed.rule("", skip=1, when=when, do={"err": f"dial tcp: i/o timeout {NEW}"})
    with pytest.raises(Unclear, match="not known") as caught:
        opened.keep(Kept(TENANT, CLIENT, Note("key-new"), secret=Secret(NEW)))
    assert NEW not in f"{caught.value} {caught.value.evidence} {caught.value.remedy}"
    place.installed.change(rules=[])
    assert place.values["AZURE_CLIENT_SECRET"] == (OLD if when == "before" else NEW)
    assert (held(place.store()).kind, held(place.store()).key_id) == ("secret", None)


@pytest.mark.parametrize("what", ["the note is not written", "the secret of before stays"])
def test_what_is_left_over_behind_the_swap_is_told(place: Place, what: str) -> None:
    """Pipelines would go on with the secret of before, or the next run could not tell which one is there."""
    keep(place.store())
    opened = place.store().open()
    note = ("PBISETUP_NOTE" if place.program == "gh" else "variable update", 1)
    match, skip = note if what == "the note is not written" else ("delete", 0)
    place.installed.rule(match, skip=skip, when="before", do={"err": "dial tcp: i/o timeout"})
    with pytest.raises(Unclear, match="the new credential is in"):
        opened.keep(Kept(TENANT, CLIENT, Note("key-new"), certificate=Secret(PEM)))
    place.installed.change(rules=[])
    assert place.certificate in place.values
    assert held(place.store()).key_id is None
    keep(place.store(), NEW, "key-third")
    assert held(place.store()).key_id == "key-third"
    assert place.certificate not in place.values


def test_a_program_that_hangs_is_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name = (github, "_GH") if place.program == "gh" else (azure_devops, "_AZ")
    tool = getattr(module, name)
    monkeypatch.setattr(module, name, type(tool)(tool.program, 0.5, tool.environment, tool.without))
    place.installed.rule("list", do={"hang": True})
    fact = place.store().stored()
    assert isinstance(fact, Unknown)
    with pytest.raises(StoreError) as caught:
        place.store().open()
    assert "no answer in time" in str(caught.value.evidence)


def test_names_that_look_like_options_or_commands_stay_names(in_library: Place) -> None:
    hostile = '-x "$(touch pwned)" \u202e`id`'
    state = in_library.installed.state
    state["groups"][0]["name"], state["project"] = hostile, "--yes"
    in_library.installed.state = state
    in_library.address = f"contoso/--yes/{hostile}"
    keep(in_library.store())
    assert in_library.values["AZURE_CLIENT_SECRET"] == OLD
    assert not Path("pwned").exists()


# -- killed ------------------------------------------------------------------------------------------------------------


def kept_by_another_process(place: Place, **more: str) -> subprocess.CompletedProcess[str]:
    given = {"program": place.program, "place": place.address, "tenant": TENANT, "client": CLIENT, "kind": "secret",
             "value": NEW, "key": "key-new", **more}  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "tests.support.keeper"],
        input=json.dumps(given),
        env={**os.environ},
        cwd=Path(__file__).parents[2],
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("kind", ["secret", "certificate"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_run_of_the_program_what_pipelines_read_works_and_the_note_does_not_lie(
    place: Place, when: str, kind: str
) -> None:
    value = NEW if kind == "secret" else PEM
    written = "AZURE_CLIENT_SECRET" if kind == "secret" else place.certificate
    keep(place.store())
    before = place.installed.state
    # The first runs look and prove; from the last of these on every one is a point.
    first = points = 5 if place.program == "gh" else 2
    whole = False
    while not whole:
        place.installed.state = before
        place.installed.rule("", skip=points, times=1, when=when, do={"kill": True})
        done = kept_by_another_process(place, kind=kind, value=value)
        whole = done.returncode == 0
        assert whole or done.returncode == -9, done
        place.installed.change(rules=[])
        values, now = place.values, held(place.store())
        assert (values["AZURE_TENANT_ID"], values["AZURE_CLIENT_ID"]) == (TENANT, CLIENT)
        assert "AZURE_CLIENT_SECRET" in values or written in values
        if now.key_id == "key-old":
            assert values["AZURE_CLIENT_SECRET"] == OLD
            assert written == "AZURE_CLIENT_SECRET" or written not in values
        if now.key_id == "key-new":
            assert written in values
            assert values[written] != OLD
            assert kind == "secret" or "AZURE_CLIENT_SECRET" not in values
        if when == "after":  # run again: whole, with nothing left over
            keep(place.store(), NEW, "key-third")
            assert held(place.store()).key_id == "key-third"
            ours = {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "PBISETUP_NOTE"}
            assert set(place.values) - {"MINE"} == ours
        points += 1
    assert points - first == (6 if kind == "certificate" else 5)
