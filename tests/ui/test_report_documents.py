"""The formats that are one document: each is what its readers take, whatever the names in it, and shows no secret."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pbisetup.model.errors import Evidence
from pbisetup.ui.report import FORMATS, redacted, render
from pbisetup.ui.report.chain import chain_lines
from pbisetup.ui.terminal import Redactor
from tests.ui.examinations import BROKEN, HEALTHY

SECRET = "aB3~x|y_z<&>`Q8-[secret]"
DOCUMENTS = [each for each in FORMATS if each != "text"]


def test_json_is_the_object_of_the_doctor() -> None:
    assert json.loads(render(BROKEN, "json")) == json.loads(json.dumps(BROKEN.to_json()))


def test_text_and_unknown_formats_are_no_documents() -> None:
    for name in ("text", "html2", ""):
        with pytest.raises(ValueError, match="format"):
            render(HEALTHY, name)


@pytest.mark.parametrize("format", DOCUMENTS)
def test_a_secret_is_crossed_out_before_anything_escapes_it(format: str) -> None:
    redact = Redactor()
    redact.add(SECRET)
    echo = Evidence(f"POST /token?s={SECRET}", "app", f"no such secret: {SECRET}", SECRET)
    told = [replace(f, explanation=f"It is {SECRET}.", evidence=(echo,), title=SECRET) for f in BROKEN.findings]
    leaky = replace(BROKEN, checks=tuple(replace(c, because=SECRET) for c in BROKEN.checks), findings=tuple(told))
    shown = render(leaky, format, redact=redact)
    assert "***" in shown
    for part in ("aB3", "Q8-"):
        assert part not in shown
    assert "aB3" not in "".join(text for text, _ in chain_lines(redacted(leaky, redact), 60))


def test_without_a_secret_nothing_changes() -> None:
    assert redacted(BROKEN, str) == BROKEN


@pytest.mark.parametrize("format", ["json", "junit", "sarif"])
def test_what_programs_read_is_ascii(format: str) -> None:
    odd = replace(HEALTHY, checks=tuple(replace(c, title="Отчёты 📊 \ud800") for c in HEALTHY.checks))
    assert render(odd, format).isascii()
