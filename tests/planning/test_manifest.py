"""Reading pbisetup.toml: what a person may write, and how every mistake is told, all of them at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbisetup.model.errors import ExitCode
from pbisetup.model.manifest import Manifest, WorkspaceSpec
from pbisetup.planning.credential_spec import parse_lifetime
from pbisetup.planning.manifest import ManifestError, environment_problem, name_problem, parse_manifest

VALID = """\
[project]
id = "k7f3q2"                     # made by init
name = "contoso-reports"
cloud = "public"
tenant = "contoso.onmicrosoft.com"

[defaults]
purposes = ["automation"]
credential = { kind = "secret", lifetime = "90d", store = "env-file" }

[environments.dev]
workspaces = [{ name = "Reports Dev", role = "Member" }]

[environments.prod]
tenant = "22222222-2222-2222-2222-222222222222"
groups = { api = "pbi-service-principals" }
credential = { lifetime = "30d", store = "stdout" }
workspaces = [{ id = "33333333-3333-3333-3333-333333333333", role = "Viewer" }]

[environments.portal]
purposes = ["user-sign-in"]
delegated = ["Report.ReadWrite.All"]
redirect_uris = ["http://localhost:3000/"]
"""


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(text)
    assert caught.value.exit_code is ExitCode.USAGE
    return caught.value.problems


def test_the_manifest_of_the_guide_is_read_as_it_is_meant() -> None:
    manifest = parse_manifest(VALID)
    assert list(manifest.environments) == ["dev", "prod", "portal"]
    assert (manifest.project_id, manifest.cloud) == ("k7f3q2", "public")
    dev, prod, portal = manifest.environments.values()
    assert dev.tenant == "contoso.onmicrosoft.com"
    assert dev.purposes == ("automation",)
    assert dev.credential.lifetime == timedelta(days=90)
    assert dev.workspaces == (WorkspaceSpec("Member", name="Reports Dev"),)
    assert prod.tenant == "22222222-2222-2222-2222-222222222222"
    assert (prod.credential.store, prod.credential.lifetime.days) == ("stdout", 30)
    assert prod.groups == {"api": "pbi-service-principals"}
    assert prod.workspaces[0].key == "33333333-3333-3333-3333-333333333333"
    assert portal.delegated == ("Report.ReadWrite.All",)
    assert portal.redirect_uris == ("http://localhost:3000/",)


def test_names_of_two_teams_never_meet() -> None:
    one, other = parse_manifest(VALID), parse_manifest(VALID.replace("k7f3q2", "zzzzzz"))
    assert one.display_name("dev") == other.display_name("dev") == "contoso-reports-dev"
    assert one.unique_name("dev") != other.unique_name("dev")
    assert one.tag("dev") != other.tag("dev")
    assert one.unique_name("dev") != one.unique_name("prod")


def test_the_smallest_manifest_is_enough() -> None:
    manifest = parse_manifest('[project]\nid = "abcd"\nname = "x"\n[environments.dev]\n')
    dev = manifest.environments["dev"]
    assert (dev.purposes, dev.tenant, dev.credential.store) == (("automation",), None, "env-file")


MISTAKES = {
    "unknown table": ("[defaults]", "[defalts]", 7, "did you mean 'defaults'?"),
    "unknown key of the project": ("cloud =", "clowd =", 4, "did you mean 'cloud'?"),
    "unknown key of defaults": ("[defaults]\npurposes", "[defaults]\npurpose", 8, "did you mean 'purposes'?"),
    "unknown key of an environment": ("groups = {", "grups = {", 16, "did you mean 'groups'?"),
    "unknown key of a credential": ('store = "env', 'stor = "env', 9, "did you mean 'store'?"),
    "unknown key of a workspace": ('role = "Member"', 'rle = "Member"', 12, "did you mean 'role'?"),
    "unknown group": ("{ api =", "{ apl =", 16, "did you mean 'api'?"),
    "unknown cloud": ('"public"', '"publik"', 4, "did you mean 'public'?"),
    "unknown purpose": ('["automation"]', '["automaton"]', 8, "did you mean 'automation'?"),
    "unknown purpose of an environment": ('"user-sign-in"', '"user-signin"', 21, "did you mean 'user-sign-in'?"),
    "no purpose": ('["automation"]', "[]", 8, "purposes is empty"),
    "purpose as text": ('["automation"]', '"automation"', 8, "must be a list of texts"),
    "unknown kind of credential": ('kind = "secret"', 'kind = "secert"', 9, "did you mean 'secret'?"),
    "unknown store": ('"env-file"', '"envfile"', 9, "did you mean 'env-file'?"),
    "credential as text": ('{ lifetime = "30d", store = "stdout" }', '"secret"', 17, "credential must be a table"),
    "life in hours": ('"90d"', '"90h"', 9, "1d to 730d"),
    "endless life": ('"90d"', '"9999d"', 9, "1d to 730d"),
    "no life": ('"90d"', '"0d"', 9, "1d to 730d"),
    "short project id": ('"k7f3q2"', '"k7"', 2, "project.id must be 4 to 12"),
    "project id in capitals": ('"k7f3q2"', '"K7F3Q2"', 2, "project.id must be 4 to 12"),
    "project id as number": ('"k7f3q2"', "12345", 2, "project.id must be text"),
    "empty name": ('"contoso-reports"', '""', 3, "the name is empty"),
    "long name": ('"contoso-reports"', f'"{"x" * 61}"', 3, "60 at most"),
    "name with an escape character": ('"contoso-reports"', '"a\\u001b[31m"', 3, "cannot be printed"),
    "tenant as address": ('"contoso.onmicrosoft.com"', '"https://contoso"', 5, "tenant must be a tenant id"),
    "tenant as number": ('"contoso.onmicrosoft.com"', "5", 5, "tenant must be a tenant id"),
    "tenant of an environment": ('"22222222-2222-2222-2222-222222222222"', '"a b"', 15, "tenant must be a tenant id"),
    "environment in capitals": ("environments.dev", "environments.DEV", 11, "'DEV' cannot name an environment"),
    "environment with a slash": ("environments.dev", 'environments."../x"', 11, "cannot name an environment"),
    "environment with a space": ("environments.dev", 'environments."a b"', 11, "cannot name an environment"),
    "environment that is no table": (
        "[environments.dev]\nworkspaces",
        "[environments]\ndev = 5\n[x]\ny",
        12,
        "dev must be a table",
    ),
    "role that does not exist": ('"Member"', '"Membr"', 12, "did you mean 'Member'?"),
    "role in small letters": ('"Member"', '"member"', 12, "did you mean 'Member'?"),
    "workspace without a name": ('name = "Reports Dev", ', "", 12, "a workspace needs a name or an id"),
    "workspace with a name and an id": ("{ id =", '{ name = "x", id =', 18, "one of the two"),
    "workspace whose id is none": ('"33333333-3333-3333-3333-333333333333"', '"3333"', 18, "is no GUID"),
    "workspace whose name is a number": ('"Reports Dev"', "5", 12, "must be text that can be printed"),
    "workspace with a line break": ('"Reports Dev"', '"a\\nb"', 12, "must be text that can be printed"),
    "workspace twice": ('[{ name = "Rep', '[{ name = "Reports Dev", role = "Viewer" }, { name = "Rep', 12, "twice"),
    "workspaces as text": ('[{ name = "Reports Dev", role = "Member" }]', '"Reports Dev"', 12, "must be a list"),
    "group as number": ('"pbi-service-principals"', "5", 16, "must be text that can be printed"),
    "group without a name": ('"pbi-service-principals"', '""', 16, "must be text that can be printed"),
    "redirect address as text": ('["http://localhost:3000/"]', '"http://localhost"', 23, "must be a list of texts"),
    "delegated permission as number": ('["Report.ReadWrite.All"]', "[5]", 22, "must be a list of texts"),
    "no TOML": ("cloud =", "cloud", 4, "Expected '='"),
}


@pytest.mark.parametrize(("right", "wrong", "line", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_once_with_its_line_and_the_nearest_right_name(
    right: str, wrong: str, line: int, said: str
) -> None:
    assert right in VALID
    hits = [p for p in problems_of(VALID.replace(right, wrong, 1)) if said in p]
    assert len(hits) == 1
    assert hits[0].startswith(f"pbisetup.toml:{line}: ")


def test_all_mistakes_come_at_once_each_on_its_own_line() -> None:
    text = VALID.replace("cloud =", "clowd =").replace("90d", "90h").replace('"Member"', '"Membr"')
    assert [p.split(":")[1] for p in problems_of(text)] == ["4", "9", "12"]


def test_a_mistake_in_the_defaults_is_told_once_not_for_each_environment() -> None:
    assert len(problems_of(VALID.replace('["automation"]', '["nonsense"]'))) == 1


def test_defaults_that_every_environment_overrides_are_still_checked() -> None:
    head = '[project]\nid = "abcd"\nname = "x"\n[defaults]\npurposes = ["nonsense"]\n'
    [problem] = problems_of(head + '[environments.dev]\npurposes = ["automation"]\n')
    assert problem.startswith("pbisetup.toml:5: ")


def test_tables_written_out_are_searched_for_lines_too() -> None:
    head = '[project]\nid = "abcd"\nname = "x"\n[environments.dev.credential]\nstor = "stdout"\n'
    text = head + '[[environments.dev.workspaces]]\nname = "x"\nrole = "Membr"\n'
    assert [p.split(":")[1] for p in problems_of(text)] == ["5", "6"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "project.id is missing", id="an empty file"),
        pytest.param(VALID.partition("[environments")[0], "there is no [environments.NAME] table", id="no environment"),
        pytest.param("a=" + "[" * 20_000, "too large", id="brackets without end"),
        pytest.param("a=" + "1" * 5_000, "too large", id="a number of thousands of digits"),
        pytest.param('environments = "dev"', "environments must be a table", id="environments as text"),
        pytest.param("project = 1", "project must be a table", id="the project as number"),
        pytest.param("[[environments]]\n", "environments must be a table", id="environments as list"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused_in_words(text: str, said: str) -> None:
    assert any(said in problem for problem in problems_of(text))


def test_a_mistake_in_an_environment_written_on_one_line_has_a_line() -> None:
    text = '[project]\nid = "abcd"\nname = "x"\n[environments]\ndev = { purpose = ["automation"] }\n'
    assert problems_of(text) == (
        "pbisetup.toml:5: unknown key 'purpose' in environments.dev; did you mean 'purposes'?",
    )


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
@example("[environments.x]\nx = 1979-99-99")
@example("\ufeff")
@example("a = 0x")
def test_any_text_ends_in_a_manifest_or_a_manifest_error(text: str) -> None:
    ends_well(text)


LINES = sorted({*VALID.splitlines(), *(wrong for _, wrong, _, _ in MISTAKES.values())})


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=20))
def test_any_mixture_of_manifest_lines_ends_in_a_manifest_or_a_manifest_error(lines: list[str]) -> None:
    ends_well("\n".join(lines))


def ends_well(text: str) -> None:
    problems: tuple[str, ...] = ()
    try:
        assert isinstance(parse_manifest(text), Manifest)
    except ManifestError as error:
        problems = error.problems or ("nothing was said",)
    assert all(problem.startswith("pbisetup.toml:") for problem in problems)
    assert len(set(problems)) == len(problems)


@given(st.text(max_size=40))
def test_a_name_that_is_accepted_fits_a_file_name_and_a_directory_object(name: str) -> None:
    if environment_problem(name) is None:
        assert name.isascii()
        assert not set(name) & set("/\\.:' \n")
    if name_problem(name) is None:
        assert name.isprintable()
        assert 0 < len(name.strip()) <= len(name) <= 60


@pytest.mark.parametrize(
    ("text", "days"),
    [("1d", 1), ("90d", 90), ("730d", 730), ("731d", None), ("0d", None), ("-1d", None), ("90", None), ("d", None)],
)
def test_the_life_of_a_secret_is_a_bounded_number_of_days(text: str, days: int | None) -> None:
    assert parse_lifetime(text) == (None if days is None else timedelta(days=days))
