"""The test tab of a build: red exactly where the doctor is, with the finding in the test that it explains."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given, settings

from pbisetup.catalog.findings import finding
from pbisetup.model.finding import Check, Examination
from pbisetup.ui.report.junit import junit
from pbisetup.ui.terminal import visible
from tests.ui.examinations import BROKEN, HEALTHY, HOSTILE, SHUT, examinations


def parsed(examination: Examination) -> ElementTree.Element:
    return ElementTree.fromstring(junit(examination))  # noqa: S314 - made here


def case(root: ElementTree.Element, id_: str) -> ElementTree.Element:
    return next(each for each in root.iter("testcase") if each.get("name", "").startswith(f"{id_}: "))


def test_a_suite_for_each_layer_and_a_test_for_each_check() -> None:
    root = parsed(BROKEN)
    assert (root.tag, dict(root.attrib)) == (
        "testsuites",
        {"name": "pbisetup.doctor.dev", "tests": "14", "failures": "1", "skipped": "3", "errors": "0"},
    )
    suites = [(each.get("name"), each.get("tests"), each.get("failures")) for each in root]
    assert suites[:2] == [("On this machine", "1", "0"), ("Network", "2", "0")]
    assert ("Power BI and Fabric", "1", "1") in suites


def test_what_fails_warns_is_skipped_or_unknown() -> None:
    root = parsed(BROKEN)
    failure = case(root, "api.groups").find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("PBI502", SHUT.fact)
    assert "in no group that the tenant lets in" in (failure.text or "")
    assert "    pbisetup apply dev" in (failure.text or "")
    warned = case(root, "claims.roles")
    assert [each.tag for each in warned] == ["system-out"]
    assert "PBI406" in (warned[0].text or "")
    assert case(root, "workspace.Reports Dev")[0].attrib == {"message": "not examined because the API is shut"}
    assert case(root, "token.signature")[0].attrib == {"message": "not known: the tenant publishes no key of this id"}
    assert len(case(root, "config.credential")) == 0


def test_a_finding_without_evidence_in_common_goes_by_the_layer_of_its_code() -> None:
    fault = finding("tenant_setting_off", "certain", environment="dev")
    failure = case(parsed(replace(BROKEN, findings=(fault,))), "api.groups").find("failure")
    assert failure is not None
    assert failure.get("type") == "PBI501"


def test_a_finding_whose_layer_has_no_failure_is_a_test_of_its_own() -> None:
    fault, hint = finding("secret_expired", "certain"), finding("power_bi_app_role", "certain")
    root = parsed(Examination("dev", HEALTHY.checks, (fault, hint), False, 1))
    own = {each.get("name"): [child.tag for child in each] for each in root.iter("testcase")}
    assert own["finding PBI301"] == ["failure"]
    assert own["finding PBI406"] == ["system-out"]


def test_what_is_not_healthy_fails_though_no_link_did() -> None:
    root = parsed(replace(HEALTHY, healthy=False))
    assert root.get("failures") == "1"
    assert parsed(HEALTHY).get("failures") == "0"


def test_a_hostile_name_is_shown() -> None:
    root = parsed(Examination("dev", (Check(HOSTILE, HOSTILE, "fail", HOSTILE),), (), False, 1))
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == visible(HOSTILE)


@given(examinations)
@settings(max_examples=150, deadline=None)
def test_any_text_makes_a_document_that_counts_right(any_at_all: Examination) -> None:
    shown = junit(any_at_all)
    assert shown.isascii()
    root = ElementTree.fromstring(shown)  # noqa: S314 - made here
    for element in (root, *root):
        assert element.get("tests") == str(len(list(element.iter("testcase"))))
        assert element.get("failures") == str(len(list(element.iter("failure"))))
        assert element.get("skipped") == str(len(list(element.iter("skipped"))))
    own = sum(1 for each in root.iter("testcase") if each.get("classname", "").endswith((".findings", ".verdict")))
    assert len(list(root.iter("testcase"))) - own == len(any_at_all.checks)
    assert any_at_all.healthy or root.find(".//failure") is not None
    assert all(len(each) <= 1 for each in root.iter("testcase"))
    told = "\n".join(root.itertext())
    for number, each in enumerate(any_at_all.findings, 1):
        assert visible(f"{number}. {each.code} {each.title}") in told
        assert visible(each.explanation) in told
