"""A ticket: a table that stays a table and code that stays code, whatever a workspace is called."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Check, Examination, Finding, Remedy
from pbisetup.ui.progress import MARKS
from pbisetup.ui.report.markdown import code, markdown, prose
from pbisetup.ui.report.steps import layers, next_steps
from pbisetup.ui.terminal import visible
from tests.ui.examinations import BROKEN, HEALTHY, HOSTILE, examinations, texts

PARSER = MarkdownIt("commonmark").enable("table")
FINDING = Finding("PBI1", "c", "error", "certain", HOSTILE, HOSTILE, (Evidence(HOSTILE, "app", HOSTILE, HOSTILE),))


def every(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from every(token.children or [])


def read(token: Token) -> str:
    """What a reader sees of a line."""
    assert token.children is not None
    assert {each.type for each in token.children} <= {"text", "text_special"}
    return "".join(each.content for each in token.children).replace("\u200b", "")


def cells(tokens: list[Token]) -> list[list[Token]]:
    """The table's rows below its head."""
    rows: list[list[Token]] = []
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        if before.type in ("td_open", "th_open"):
            rows[-1].append(token)
    return rows[1:]


def test_a_ticket_says_the_verdict_the_broken_link_and_what_to_do() -> None:
    lines = markdown(BROKEN).splitlines()
    assert lines[0] == "# pbisetup doctor: dev is not healthy"
    assert lines[2] == "First broken link: **Power BI API** (`api.groups`)"
    assert "| | check | result |" in lines
    assert "| ✓ pass | On this machine: Credential | from .env.dev |" in lines
    assert "## 1. PBI502 The service principal is in no group that the tenant lets in" in lines
    at = lines.index("pbisetup apply dev")
    assert (lines[at - 1], lines[at + 1]) == ("```bash", "```")
    assert "More: `pbisetup explain PBI502` or `docs/troubleshooting.md#pbi502`" in lines
    assert lines[-3:] == ["   ```bash", "   pbisetup doctor dev --fix", "   ```"]


def test_a_healthy_one_is_a_title_a_table_and_a_count() -> None:
    shown = markdown(HEALTHY)
    assert shown.startswith("# pbisetup doctor: dev is healthy\n\n| | check | result |\n")
    assert shown.endswith("\n11 checks: 10 passed, 1 not known.\n")


def test_an_address_is_a_link_only_where_it_shows_where_it_leads() -> None:
    def of(url: str) -> str:
        return markdown(Examination("d", (), (Finding(*_NOTHING, remedies=(Remedy("you", "t", url=url),)),), False, 0))

    assert "\n<https://app.powerbi.com/home?x=1#y>\n" in of("https://app.powerbi.com/home?x=1#y")
    for odd in ("javascript:alert(1)", "https://a/b>c", "https://a b", "http://a"):
        assert f"\n`{odd}`\n" in of(odd)


_NOTHING = ("PBI1", "cause", "error", "certain", "title", "explanation")


def test_nobody_is_called_and_nothing_is_linked_by_a_name() -> None:
    shown = prose("@contoso/team see https://evil.example www.evil.example #12 a@contoso.com")
    assert shown == ("@&#8203;contoso/team see https\\://evil.example www\\.evil.example \\#12 a@contoso.com")


@given(texts)
@settings(max_examples=300, deadline=None)
def test_prose_reads_as_what_it_was(text: str) -> None:
    tokens = PARSER.parse(prose(text))
    wanted = visible(text).strip()
    assert [token.type for token in tokens] == (["paragraph_open", "inline", "paragraph_close"] if wanted else [])
    assert not wanted or read(tokens[1]) == wanted


@given(texts)
@settings(max_examples=200, deadline=None)
def test_code_reads_as_what_it_was(text: str) -> None:
    wanted = visible(text).strip()
    tokens = PARSER.parse(f"- {code(text)}, by whom")
    inline = next(token for token in tokens if token.type == "inline")
    assert inline.children is not None
    assert not wanted or [each.content for each in inline.children] == [wanted, ", by whom"]


@given(examinations)
@settings(max_examples=150, deadline=None)
def test_any_name_leaves_table_headings_and_blocks_as_they_are(any_at_all: Examination) -> None:
    shown = markdown(any_at_all)
    tokens = PARSER.parse(shown)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert not [
        each for each in every(tokens) if each.type in ("html_block", "html_inline", "image", "blockquote_open")
    ]
    links = [each for each in every(tokens) if each.type == "link_open"]
    assert all(each.markup == "autolink" for each in links)
    steps = next_steps(any_at_all)
    headings = [each for each in tokens if each.type == "heading_open"]
    assert len(headings) == 1 + len(any_at_all.findings) + bool(steps)
    commands = [r.command for f in any_at_all.findings for r in f.remedies if r.command]
    commands += [step.command for step in steps if step.command]
    assert [each.content for each in every(tokens) if each.type == "fence"] == [f"{visible(c)}\n" for c in commands]
    ordered: list[tuple[str, Check]] = [(h, check) for h, found in layers(any_at_all) for check in found]
    rows = cells(tokens)
    assert [len(row) for row in rows] == [3] * len(ordered)
    for row, (heading, check) in zip(rows, ordered, strict=True):
        assert read(row[0]) == f"{MARKS[check.status]} {check.status}"
        assert read(row[1]) == f"{heading}: {visible(check.title).strip()}".strip()
        assert read(row[2]) == visible(check.because).strip()
    table = [line for line in shown.split("\n") if line.startswith("| ") and line != "| | check | result |"]
    assert {line.count("|") for line in table} <= {4}


def test_a_hostile_name_everywhere() -> None:
    check = Check(HOSTILE, HOSTILE, "fail", HOSTILE)
    shown = markdown(Examination(HOSTILE, (check,), (FINDING,), False, 1))
    tokens = PARSER.parse(shown)
    assert len([each for each in every(tokens) if each.type == "fence"]) == 2
    assert not [each for each in every(tokens) if each.type in ("html_block", "html_inline", "link_open")]
