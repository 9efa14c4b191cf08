"""Every example of docs/clients.md, run as it is written."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients import install
from tests.clients.client import Client
from tests.clients.install import SETS

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
_EXAMPLE = re.compile(r"<!-- run: ([\w-]+); expect: (.+?) -->\n```(\w+)\n(.*?)```", re.DOTALL)
_ROAD = re.compile(r'eval "\$\(pbisetup sandbox env( --proxy)?\)"')


def _examples() -> list[object]:
    text = PAGE.read_text(encoding="utf-8")
    found = []
    for number, (name, expected, language, body) in enumerate(_EXAMPLE.findall(text), start=1):
        marks = [pytest.mark.clients(*([] if name == "none" else [name]))]
        heading = text[: text.index(body)].rsplit("\n## ", 1)[-1].split("\n", 1)[0]
        found.append(pytest.param(name, expected, language, body, id=f"{number} {heading}", marks=marks))
    return found


@pytest.mark.parametrize(("name", "expected", "language", "body"), _examples())
def test_it_does_what_it_says(
    client: Callable[..., Client], name: str, expected: str, language: str, body: str, tmp_path: Path
) -> None:
    road = _ROAD.search(body)
    assert road, "an example begins with how to point the client here"
    given = client(proxy=bool(road[1]), set_name=None if name == "none" else name)
    # `pbisetup` is ours; what else the example calls is the client's own.
    ours = str(Path(sys.executable).parent)
    path = given.env["PATH"] + os.pathsep + ours if name != "none" else ours + os.pathsep + given.env["PATH"]
    if language == "bash":
        ran = given.run("bash", "-euo", "pipefail", "-c", body, PATH=path)
    elif language == "python":
        script = tmp_path / "example.py"
        script.write_text(body, encoding="utf-8")
        python = sys.executable if name == "none" else SETS[name].program("python")
        ran = given.run(python, script)
    else:
        script = tmp_path / "example.cjs"
        script.write_text(body, encoding="utf-8")
        ran = given.run("node", script, NODE_PATH=str(SETS[name].folder / "node_modules"))
    assert ran.code == 0, ran
    assert re.search(expected, ran.out, re.MULTILINE), ran


def test_the_page_names_the_versions_that_are_installed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for each in SETS.values():
        for package in each.packages:
            name, version = re.split(r"==|(?<=.)@", package)
            if name not in ("aiohttp", "PyJWT") and not name.startswith("node-"):
                assert f"| {version} |" in text, package


def test_no_example_goes_untried() -> None:
    text = PAGE.read_text(encoding="utf-8")
    tried = len(_EXAMPLE.findall(text))
    assert tried + 1 == len(re.findall(r"^```\w+$", text, re.MULTILINE))  # all but the command that runs them
    assert install.SETS.keys() - {"node24", "chromium"} == {name for name, *_ in _EXAMPLE.findall(text)} - {"none"}
