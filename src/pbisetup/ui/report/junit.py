"""An examination as JUnit XML, for the test tab of a build: a suite for each layer, a test for each check.

An app that is not healthy has a failure in it, whatever was wrong, so that a build may go by it alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree

from pbisetup.diagnosis.compare import in_chain_order, layer_of
from pbisetup.model.finding import Check, Examination, Finding
from pbisetup.ui.progress import certainty_words, mends, seen_words
from pbisetup.ui.report.steps import OPERATOR, called, layers
from pbisetup.ui.terminal import visible

_LAYER_OF_CODE: Final = {
    "1": ("config",),
    "2": ("network",),
    "3": ("token", "claims"),
    "4": ("directory",),
    "5": ("settings", "api"),
    "6": ("workspace",),
    "7": ("request", "api"),
    "8": ("request",),
}
"""Where findings of a hundred of codes show, by the first digit after PBI."""

_Numbered = tuple[int, Finding]


def junit(examination: Examination) -> str:
    """The document, in ASCII, so that it is valid in whatever encoding a pipe writes it. Control characters, which XML
    cannot hold, show as escapes.
    """
    placed, homeless = _placed(examination)
    name = f"pbisetup.doctor.{visible(examination.environment or 'app')}"
    root = ElementTree.Element("testsuites", name=name)
    for heading, checks in layers(examination):
        suite = ElementTree.SubElement(root, "testsuite", name=heading)
        for check in checks:
            case = _case(suite, f"{name}.{layer_of(check)}", f"{check.id}: {check.title}")
            _stands(case, check, placed[id(check)])
    if homeless:
        suite = ElementTree.SubElement(root, "testsuite", name="Findings")
        for each in homeless:
            _finding(_case(suite, f"{name}.findings", f"finding {each[1].code}"), each)
    if not examination.healthy and root.find(".//failure") is None:
        case = _case(ElementTree.SubElement(root, "testsuite", name="Verdict"), f"{name}.verdict", "healthy")
        _failure(case, "Not healthy.", "verdict", ["No link of the chain is known to be broken, but not all hold."])
    for suite in root:
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii") + "\n"


def _placed(examination: Examination) -> tuple[dict[int, list[_Numbered]], list[_Numbered]]:
    """The findings by the check that they belong to, and those that belong to none."""
    placed: dict[int, list[_Numbered]] = defaultdict(list)
    homeless = []
    for numbered in enumerate(examination.findings, 1):
        home = _home(numbered[1], in_chain_order(examination.checks))
        if home is None:
            homeless.append(numbered)
        else:
            placed[id(home)].append(numbered)
    return placed, homeless


def _home(finding: Finding, checks: list[Check]) -> Check | None:
    """The check that a finding explains: a failed one with evidence in common, else one of the layer of its code.

    What is no error may explain a warning; an error never does, since a test with a warning passes.
    """
    takes = ("fail",) if finding.severity == "error" else ("fail", "warn")
    candidates = [check for check in checks if check.status in takes]
    shared = [check for check in candidates if set(check.evidence) & set(finding.evidence)]
    number = finding.code.removeprefix("PBI")[:1]
    near = [check for layer in _LAYER_OF_CODE.get(number, ()) for check in candidates if layer_of(check) == layer]
    return next(iter(shared or near), None)


def _case(suite: ElementTree.Element, classname: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=visible(classname), name=visible(name))


def _stands(case: ElementTree.Element, check: Check, findings: list[_Numbered]) -> None:
    told_below = {seen for _, finding in findings for seen in finding.evidence}
    told = [check.because, *(seen_words(seen, OPERATOR) for seen in check.evidence if seen not in told_below)]
    for each in findings:
        told += ["", *_words(each)]
    if check.status == "fail":
        _failure(case, check.because, findings[0][1].code if findings else "check", told)
    elif check.status == "skip":
        ElementTree.SubElement(case, "skipped", message=visible(check.because))
    elif check.status == "unknown":
        ElementTree.SubElement(case, "skipped", message=visible(f"not known: {check.because}"))
    elif check.status == "warn":
        _output(case, told)


def _finding(case: ElementTree.Element, numbered: _Numbered) -> None:
    """A finding by itself: an error fails, anything else only says so."""
    finding = numbered[1]
    if finding.severity == "error":
        _failure(case, finding.title, finding.code, _words(numbered))
    else:
        _output(case, _words(numbered))


def _words(numbered: _Numbered) -> list[str]:
    number, finding = numbered
    told = [f"{number}. {finding.code} {finding.title}", certainty_words(finding), finding.explanation]
    told += [f"saw {seen_words(seen, OPERATOR)}" for seen in finding.evidence]
    for remedy in finding.remedies:
        told.append(f"{'fix' if mends(remedy) else 'see'} {called(remedy.who, OPERATOR)}: {remedy.text}")
        told += [f"    {each}" for each in (remedy.command, remedy.url) if each]
    return told


def _failure(case: ElementTree.Element, message: str, kind: str, lines: Iterable[str]) -> None:
    ElementTree.SubElement(case, "failure", message=visible(message), type=visible(kind)).text = _text(lines)


def _output(case: ElementTree.Element, lines: Iterable[str]) -> None:
    ElementTree.SubElement(case, "system-out").text = _text(lines)


def _text(lines: Iterable[str]) -> str:
    return "\n".join(map(visible, lines))


def _count(element: ElementTree.Element) -> None:
    counted = {"tests": "testcase", "failures": "failure", "skipped": "skipped"}
    for name, tag in counted.items():
        element.set(name, str(sum(1 for _ in element.iter(tag))))
    element.set("errors", "0")
