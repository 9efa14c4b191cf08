"""docs/cases.md: the published failures, and which of them happen again in the sandbox.

`python -m tests.cases.page` writes the page from cases.toml; `test_cases.py` holds both against a real sandbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pbisetup.sandbox.scenarios import listing
from tests.cases.cases import Case, cases

PAGE = Path(__file__).parents[2] / "docs" / "cases.md"
_HEAD = """# Failures that people published, again

Made by `python -m tests.cases.page` from `tests/cases/cases.toml`; a test compares, and plays each one against a real
sandbox: the tenant is put together from state, the token is asked for as the person did, the call is made, and the answer
is held against what they published. Then the fault is mended, and the same request gets through.

"""
_COUNT = """{all} failures; for {sketched} of them there was a sketch of a state. Of these {reproduced} ({percent} %) show in
the sandbox what their author saw, {differ} are answered otherwise, {not_staged} no state can express. In {hidden} of the
{reproduced} the program kept the answer from its user: what happens again is that it fails there. Beside them {more} of the
{unsketched} without a sketch happen again.

*yes*: status, code, header and text, as far as they were published, are the sandbox's. *yes, renumbered*: the text is the
same, and the service has given it another number since. *behind*: the program hid the answer. *otherwise*: the remark says
why.
"""
_TABLE = "| failure | seen | cause | again | answer | remark |\n|---|---|---|---|---|---|\n"


def page() -> str:
    """The page as it should stand."""
    sketched = [each for each in cases() if not each.unsketched]
    more = [each for each in cases() if each.unsketched]
    staged = [each for each in sketched if each.staged]
    text = _HEAD + _COUNT.format(
        all=len(_ids(cases())),
        sketched=len(_ids(sketched)),
        unsketched=len(_ids(more)),
        reproduced=len(_reproduced(sketched)),
        percent=round(100 * len(_reproduced(sketched)) / len(_ids(sketched))),
        differ=len(_ids(staged)) - len(_reproduced(sketched)),
        not_staged=len(_ids(sketched)) - len(_ids(staged)),
        more=len(_reproduced(more)),
        hidden=len(_reproduced(sketched) & _ids(each for each in staged if not each.saw)),
    )
    for title, chosen in (
        ("Staged", staged),
        ("Staged without a sketch", [each for each in more if each.staged]),
        ("What no state expresses", [each for each in cases() if not each.staged]),
    ):
        text += f"\n## {title}\n\n" + (
            _TABLE if chosen[0].staged else "| failure | seen | cause | why |\n|---|---|---|---|\n"
        )
        text += "".join(f"{_row(each)}\n" for each in chosen)
    return text + "\n" + _causes()


def _ids(chosen: Iterator[Case] | list[Case] | tuple[Case, ...]) -> set[str]:
    return {each.id for each in chosen}


def _reproduced(chosen: list[Case]) -> set[str]:
    """Those of which every part is."""
    return _ids(chosen) - _ids(each for each in chosen if not each.reproduced)


def _row(case: Case) -> str:
    name = f"[{case.id}]({case.source})"
    if not case.staged:
        return f"| {name} | {case.date} | `{case.cause}` | {case.why} |"
    again = "otherwise" if case.differs else "yes, renumbered" if case.today else "yes" if case.saw else "behind"
    remark = " ".join(filter(None, (case.shown, case.today and f"{case.today}.", case.differs, case.note)))
    return f"| {name} | {case.date} | `{case.cause}` | {again} | `{case.answer}` | {remark} |"


def _causes() -> str:
    """Every cause with its witnesses."""
    witnesses: dict[str, tuple[set[str], set[str]]] = {}
    for case in cases():
        staged, _ = witnesses.setdefault(case.cause, (set(), set()))
        if case.reproduced:
            staged.add(case.id)
    for scenario in listing():
        for cause in scenario.causes if scenario.group == "faults" else ():
            witnesses.setdefault(cause, (set(), set()))[1].add(scenario.name)
    rows = "".join(
        f"| `{cause}` | {', '.join(sorted(ids)) or ' '} | {', '.join(f'`{name}`' for name in sorted(names)) or ' '} |\n"
        for cause, (ids, names) in sorted(witnesses.items())
    )
    return (
        "## By cause\n\nWitnesses of each: published failures that happen again, and [scenarios](scenarios.md). Why there "
        "is none of a cause stands there, or above.\n\n| cause | failures | scenarios |\n|---|---|---|\n" + rows
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
