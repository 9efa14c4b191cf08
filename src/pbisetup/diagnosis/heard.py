"""An error that somebody saw, beside what an examination found: it adds evidence, and names what was not met again."""

from __future__ import annotations

from dataclasses import replace

from pbisetup.diagnosis.paste.judge import judge, recognise
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Certainty, Check, Examination, Finding, Remedy


def with_error(examination: Examination, raw: bytes, name: str) -> Examination:
    """The examination with what the text of this name says.

    What was found here goes before what a text says: a cause that both name has one more piece of evidence; one that only
    the text names is at most likely, and a warning where all is well now.
    """
    heard = judge(recognise(raw))
    if not heard:
        check = Check("config.error", "The error you saw", "unknown", f"nothing in {name} is known here")
        return replace(examination, checks=(check, *examination.checks))
    found = list(examination.findings)
    news: list[Finding] = []
    for each in heard:
        place = next((n for n, known in enumerate(found) if known.cause == each.cause), None)
        if place is None:
            news.append(each)
        else:
            found[place] = replace(found[place], evidence=(*found[place].evidence, *_from(name, each)))
    again = "met here as well" if len(news) < len(heard) else "not met here"
    check = Check("config.error", "The error you saw", "pass", f"{heard[0].title}: {again}")
    told = [_weaker(each, name, examination) for each in news] if len(news) == len(heard) else []
    return replace(examination, checks=(check, *examination.checks), findings=(*found, *told))


def _weaker(finding: Finding, name: str, examination: Examination) -> Finding:
    """A finding that rests on the text alone."""
    broken = bool(examination.findings)
    certainty: Certainty = "possible" if broken or finding.certainty == "possible" else "likely"
    note = "The text says so; this examination did not meet it."
    return replace(
        finding,
        certainty=certainty,
        severity="warning" if examination.healthy else finding.severity,
        explanation=f"{note} {finding.explanation}",
        decided_by=finding.decided_by or "the same call, made now",
        evidence=_from(name, finding),
        remedies=tuple(map(_by_hand, finding.remedies)),
    )


def _by_hand(remedy: Remedy) -> Remedy:
    """What a text speaks for is not mended from here: nothing was found to do it with."""
    command = None if (remedy.command or "").startswith("pbisetup apply") else remedy.command
    return replace(remedy, command=command, fixable=False)


def _from(name: str, finding: Finding) -> tuple[Evidence, ...]:
    return tuple(replace(each, source=f"{name}, {each.source}") for each in finding.evidence)
