"""The manifest on disk: what is edited, and that all the rest stays as somebody wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbisetup.model.errors import UsageError
from pbisetup.services.manifest_file import load, remove_environment

HEAD = """# ours
[project]
id = "abcdef"
name = "reports"  # as in the wiki

"""
FORMS = {
    "a table between others": (
        HEAD + '[environments.dev]\npurposes = ["automation"]\n\n# the real one\n[environments.prod]\n',
        HEAD + "\n# the real one\n[environments.prod]\n",
    ),
    "the last table": (
        HEAD
        + '[environments.prod]\n\n# for trying out\n[environments.dev]\nworkspaces = [\n  { id = "x" },\n]\n# end\n',
        HEAD + "[environments.prod]\n\n# for trying out\n",
    ),
    "with tables inside": (
        HEAD + '[environments.dev]\n[environments.dev.groups]\napi = "x"\n[environments.prod]\n',
        HEAD + "[environments.prod]\n",
    ),
    "a quoted name": (
        HEAD + '["environments"."dev"]\n[environments."dev".groups]\napi = "x"\n[environments.prod]\n',
        None,
    ),
    "one line each": (HEAD + "[environments]\ndev = {}\nprod = {}  # real\n", None),
    "dotted keys": (HEAD + '[environments]\ndev.purposes = ["automation"]\nprod.purposes = ["automation"]\n', None),
    "a name that begins like it": (
        HEAD + "[environments.dev-2]\n[environments.dev]\n",
        HEAD + "[environments.dev-2]\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), FORMS.values(), ids=FORMS.keys())
def test_an_environment_is_taken_out_however_it_is_written(tmp_path: Path, before: str, after: str | None) -> None:
    path = tmp_path / "pbisetup.toml"
    path.write_text(before.replace('{ id = "x" }', '{ id = "11111111-1111-1111-1111-111111111111", role = "Viewer" }'))
    others = {name: each for name, each in load(path).environments.items() if name != "dev"}
    assert remove_environment(path, "dev") is True
    assert load(path).environments == others
    text = path.read_text()
    assert text.startswith(HEAD)
    assert after is None or text == after
    assert remove_environment(path, "dev") is True
    assert path.read_text() == text


def test_the_only_environment_stays(tmp_path: Path) -> None:
    path = tmp_path / "pbisetup.toml"
    path.write_text(HEAD + "[environments.dev]\n")
    assert remove_environment(path, "dev") is False
    assert path.read_text() == HEAD + "[environments.dev]\n"


def test_a_manifest_that_is_wrong_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "pbisetup.toml"
    path.write_text(HEAD + "[environments.dev]\nnonsense = 1\n[environments.prod]\n")
    with pytest.raises(UsageError):
        remove_environment(path, "dev")
    assert "nonsense" in path.read_text()
