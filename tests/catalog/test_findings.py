"""The findings: one for each cause, each whole, and fit to be shown with and without what evidence fills in."""

from __future__ import annotations

import re
import string
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from pbisetup.catalog.codes import codes
from pbisetup.catalog.findings import Entry, Grade, entries, finding, named
from pbisetup.execution.steps import ACTIONS
from pbisetup.model.finding import Certainty, Severity
from pbisetup.model.plan import ACTION_KINDS, PLANNED_KINDS, Who

CAUSES = [
    "admin_api_setting_off", "admin_consented_permission_blocks_admin_api", "api_not_supported_for_sp",
    "app_disabled", "app_not_in_tenant", "app_only_vs_delegated_confusion", "azure_rbac_missing", "capacity_paused",
    "capacity_permission_missing", "classic_workspace_not_supported", "client_configuration_or_bug",
    "conditional_access_blocked", "conflicting_auth_configuration", "connection_not_shared", "consent_missing",
    "dataset_datasource_credentials_missing", "feature_tenant_setting_off", "federated_credential_mismatch",
    "federated_user_unsupported_for_ropc", "insufficient_workspace_role", "invalid_secret", "mfa_required_for_ropc",
    "missing_delegated_scope", "missing_item_permission", "my_workspace_or_missing_group_in_url",
    "no_capacity_or_embed_quota", "object_id_used_as_client_id", "private_link_inbound_policy", "propagation_delay",
    "public_client_flow_disabled", "redirect_uri_mismatch", "resource_not_in_required_access", "resource_sp_disabled",
    "resource_sp_missing", "restricted_notebook_token", "runs_as_other_identity", "secret_blocked_by_policy",
    "secret_expired", "secret_id_used_as_value", "sp_missing_in_tenant", "sp_not_in_allowed_group",
    "sp_not_in_workspace", "tenant_setting_off", "token_expired", "undetermined", "user_license_missing",
    "user_not_admin_role", "user_not_assigned_to_app", "wrong_audience", "wrong_authority_for_client_credentials",
    "wrong_cloud", "wrong_group_type", "wrong_object_id", "wrong_scope_format", "wrong_scope_name",
    "xmla_identity_format", "xmla_tenant_setting_off", "entra_other",
]  # fmt: skip
"""The causes that a finding may name; more may come, none may be renamed."""

each = pytest.mark.parametrize("entry", entries().values(), ids=entries())
GIVEN = {
    "environment", "message", "client_id", "tenant_id", "workspace", "audience", "wanted", "expires", "roles", "portal",
}  # fmt: skip
"""Everything that the doctor fills in."""
POINTLESS = re.compile(r"(?i)simply|just |please|note that|it is important|make sure that")


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def texts(entry: Entry) -> list[str]:
    """All that a person reads of an entry."""
    return [
        *(entry.title, entry.explanation, entry.meaning, entry.decided_by or "", entry.fine_when, *entry.proof),
        *(text for advice in entry.avoid for text in (advice.text, advice.why)),
        *(confusion.fact for confusion in entry.confused_with),
        *(remedy.text for remedy in entry.remedies),
    ]


def test_there_is_an_entry_for_every_cause_and_each_has_its_name() -> None:
    assert set(CAUSES) - set(entries()) == set()
    assert all(entries()[cause].cause == cause for cause in CAUSES)
    assert {entry.cause for entry in entries().values()} <= set(CAUSES)


def test_codes_are_unique_also_among_those_that_stop_a_command() -> None:
    found = [entry.code for entry in entries().values()]
    assert len(set(found)) == len(found)
    assert not set(found) & set(codes())


@each
def test_a_finding_is_whole(entry: Entry) -> None:
    assert re.fullmatch(r"PBI[1-9]\d\d", entry.code)
    assert entry.severity in get_args(Severity)
    assert not entry.title.endswith(".")
    assert len(entry.title) <= 100
    assert entry.docs == f"docs/troubleshooting.md#{entry.code.lower()}"
    assert entry.explanation.endswith((".", "}"))
    assert 1 <= len(re.findall(r"[.?!](?: |$)", entry.explanation)) <= 4
    assert entry.proof
    assert entry.decided_by
    assert not entry.decided_by.endswith(".")
    assert entry.decided_by[0].islower() or entry.decided_by[:3] in ("GET", "Gra")
    assert entry.confused_with
    assert entry.sources
    assert entry.remedies
    for fact in (*entry.proof, *(c.fact for c in entry.confused_with)):
        assert not fact.endswith("."), fact
    for advice in entry.avoid:
        assert advice.text.startswith("Do not "), advice.text
        assert advice.why.endswith(".")


@each
def test_sources_have_a_date_and_an_honest_grade(entry: Entry) -> None:
    for source in entry.sources:
        assert re.fullmatch(r"20\d\d(-\d\d)?(-\d\d)?", source.date)
        assert source.grade in get_args(Grade)
        assert not re.search(r"\bfs:\d|/(?:work|tmp|home)/", source.what)


@each
def test_remedies_say_who_does_what(entry: Entry) -> None:
    for remedy in entry.remedies:
        assert remedy.who in get_args(Who)
        assert remedy.text.endswith((".", ":")) or " " in remedy.text
        assert remedy.action is not None
        assert remedy.action.kind in ACTION_KINDS
        assert urlsplit((remedy.url or "https://x").replace("{portal}", "https://x")).scheme == "https"
        assert not remedy.fixable or (remedy.command or "").startswith("pbisetup apply")
        assert not remedy.fixable or remedy.action.kind in PLANNED_KINDS | {
            "enable_tenant_setting", "add_redirect_uri", "add_delegated_permission",
        }, remedy  # fmt: skip


def test_every_kind_of_action_is_in_use() -> None:
    used = {remedy.action.kind for entry in entries().values() for remedy in entry.remedies if remedy.action}
    assert used - PLANNED_KINDS == ACTION_KINDS - PLANNED_KINDS
    assert set(ACTIONS) == PLANNED_KINDS


@each
def test_texts_are_short_and_plain(entry: Entry) -> None:
    for text in texts(entry):
        assert not POINTLESS.search(text), text
        assert text == text.strip()
        assert "  " not in text
        assert all(len(sentence) < 330 for sentence in re.split(r"(?<=[.;:]) ", text)), text
    assert len(entry.explanation) <= 420
    assert len(entry.meaning) <= 900


@each
def test_every_placeholder_of_a_finding_can_be_filled(entry: Entry) -> None:
    filled = (entry.title, entry.explanation, *(t for r in entry.remedies for t in (r.command or "", r.url or "")))
    assert {field for text in filled for field in placeholders(text)} <= GIVEN
    fixed = (entry.decided_by or "", entry.meaning, *entry.proof, *(remedy.text for remedy in entry.remedies))
    assert not any(placeholders(text) for text in fixed)
    values: dict[str, Any] = {field: f"<{field}>" for field in GIVEN}
    shown = finding(entry.name, "likely", **values)
    assert "{" not in f"{shown.title}{shown.explanation}{[(r.command, r.url) for r in shown.remedies]}"


@each
def test_a_finding_can_be_shown_when_nothing_else_is_known(entry: Entry) -> None:
    for certainty in get_args(Certainty):
        shown = finding(entry.name, certainty)
        assert shown.code == entry.code
        assert shown.certainty == certainty
        assert shown.decided_by is None or certainty != "certain"
        for text in (shown.title, shown.explanation):
            assert len(text) > 10
            assert not re.search(r"\{|  | [.,;:]|^ ", text), text
        for remedy in shown.remedies:
            assert remedy.command is None or remedy.command == remedy.command.strip()
            assert remedy.url is None or remedy.url.startswith("https://")


def test_a_sentence_that_nothing_is_known_for_is_left_out() -> None:
    assert "CLIENT" not in finding("app_not_in_tenant", "likely").explanation
    assert finding("app_not_in_tenant", "likely").explanation.startswith("Entra found no application")
    told = finding("app_not_in_tenant", "likely", client_id="CLIENT", tenant_id="TENANT").explanation
    assert told.startswith("The client id CLIENT is not an application of the tenant TENANT. Entra found")


@each
def test_an_entry_is_found_by_its_code_and_its_name_in_any_case(entry: Entry) -> None:
    assert named(entry.code.lower()) == entry
    assert named(entry.name.upper()) == entry


def test_values_with_braces_of_their_own_stay_as_they_are() -> None:
    shown = finding("sp_not_in_workspace", "certain", workspace="'{client_id} {0} {'")
    assert "'{client_id} {0} {'" in shown.title
