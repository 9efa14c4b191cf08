"""What an installed pbisetup carries: its data, its templates, its entry point."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RENDER = """
from pathlib import Path
import pbisetup
from pbisetup.catalog.clouds import clouds
from pbisetup.ui.templates import directory
assert Path(pbisetup.__file__).is_relative_to(SITE), pbisetup.__file__
assert (directory() / "handoff.md.j2").is_file(), directory()
assert directory().is_relative_to(SITE), directory()
print(sorted(clouds()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_an_installed_wheel_finds_its_templates_and_data(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = RENDER.replace("SITE", repr(str(site)))
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "public" in done.stdout


def test_a_checkout_finds_them_too(tmp_path: Path) -> None:
    code = "from pbisetup.ui.templates import directory; assert (directory() / 'handoff.md.j2').is_file(), directory()"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_every_dependency_is_named_in_the_readme_with_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## What it installs and why")[1].split("\n## ")[0]
    for requirement in project["dependencies"]:
        name = re.split(r"[\[<>=~ ]", requirement)[0]
        assert re.search(rf"^\|[^|]*\b{re.escape(name)}\b[^|]*\|[^|]{{10,}}\|", table, re.MULTILINE), name


def test_the_lock_files_name_versions_and_no_addresses() -> None:
    for file in (ROOT / "requirements.txt", ROOT / "requirements-dev.txt"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r"#.*|-r requirements\.txt|[\w.-]+==[\w.]+", line), line


def test_the_wheel_holds_no_paths_that_windows_cannot_unpack(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert max(len(name) for name in archive.namelist()) < 120
