"""Rendering what stands in templates/, from a wheel as well as from a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from pbisetup.planning.handoff.az import sq
from pbisetup.planning.handoff.powershell import literal
from pbisetup.planning.handoff.text import shown
from pbisetup.ui.terminal import visible


def directory() -> Path:
    """Where the templates are: inside the installed package, or beside `src` in an editable install."""
    packaged = Path(str(files("pbisetup"))) / "templates"
    return packaged if packaged.is_dir() else Path(str(files("pbisetup"))).parents[1] / "templates"


def render(template: str, /, **values: Any) -> str:
    """One template, filled. A name that is missing is an error, not an empty text."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(directory()),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=False,
        autoescape=False,  # noqa: S701 - Markdown and shell, whose quoting is their own
    )
    environment.filters |= {
        "safe_md": _safe_markdown,
        "one_line": shown,
        "slug": lambda role: str(role).replace(" ", "-"),
        "sq": sq,
        "ps": literal,
    }
    return environment.get_template(template).render(**values)


def _safe_markdown(text: str) -> str:
    """A name on one line, in which nothing is markup."""
    shown = visible(str(text))
    for character in "\\`*_<>#[]|&~":
        shown = shown.replace(character, f"\\{character}")
    return shown
