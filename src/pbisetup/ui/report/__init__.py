"""The formats of `pbisetup doctor`. Text is lines for a terminal of some width (`chain.chain_lines`); the others are one
document each, which `render` makes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from pbisetup.model.finding import Examination

FORMATS: Final = ("text", "json", "markdown", "junit", "sarif")


def render(
    examination: Examination,
    format: str,
    *,
    manifest: tuple[str, str] | None = None,
    version: str = "",
    command: str = "",
    redact: Callable[[str], str] | None = None,
) -> str:
    """The document in this format, without a line break at its end. Raises ValueError for `text` and unknown formats.

    `manifest` is its path, relative to the repository's root, and its text: what SARIF points at. `command` is how this
    examination was asked for. `redact` is `Terminal.redact`: it must see the texts before Markdown or XML escape them,
    since a secret that is escaped is no longer found in what is printed.
    """
    if redact is not None:
        examination = redacted(examination, redact)
    if format == "json":
        return json.dumps(examination.to_json(), indent=2)
    if format == "markdown":
        from pbisetup.ui.report.markdown import markdown

        return markdown(examination, command=command).rstrip("\n")
    if format == "junit":
        from pbisetup.ui.report.junit import junit

        return junit(examination).rstrip("\n")
    if format == "sarif":
        from pbisetup.ui.report.sarif import sarif

        return json.dumps(sarif(examination, version=version, manifest=manifest), indent=2)
    raise ValueError(f"{format!r} is not a format of one document")


def redacted(examination: Examination, redact: Callable[[str], str]) -> Examination:
    """The same examination with every text of it redacted: for whatever will escape, cut or wrap its texts."""
    crossed_out = _redacted(examination, redact)
    assert isinstance(crossed_out, Examination)
    return crossed_out


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, tuple | list):
        return type(value)(_redacted(each, redact) for each in value)
    if isinstance(value, Mapping):
        return {key: _redacted(each, redact) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _redacted(getattr(value, field.name), redact) for field in fields(value)})
    return value
