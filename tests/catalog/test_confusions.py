"""Causes that look alike: each says what else it may be and which fact tells; and nothing is surer than its sources."""

from __future__ import annotations

import pytest

from pbisetup.catalog.findings import Entry, entries
from pbisetup.diagnosis.paste.table import SIGNS
from pbisetup.diagnosis.rules.refusal import PLAIN

each = pytest.mark.parametrize("entry", entries().values(), ids=entries())
FACES = [
    face.split()
    for face in (
        "admin_consented_permission_blocks_admin_api admin_api_setting_off sp_not_in_allowed_group wrong_group_type"
        " propagation_delay user_not_admin_role missing_delegated_scope",
        "tenant_setting_off sp_not_in_allowed_group sp_in_excluded_group propagation_delay sp_not_in_workspace",
        "wrong_audience token_expired tenant_setting_off wrong_cloud",
        "my_workspace_or_missing_group_in_url api_not_supported_for_sp",
        "restricted_notebook_token missing_delegated_scope admin_consented_permission_blocks_admin_api",
        "sp_not_in_allowed_group xmla_tenant_setting_off sp_not_in_workspace xmla_identity_format",
        "consent_missing wrong_authority_for_client_credentials app_only_vs_delegated_confusion",
        "object_id_used_as_client_id app_not_in_tenant wrong_authority_for_client_credentials",
        "secret_id_used_as_value invalid_secret secret_expired secret_in_quotes",
        "public_client_flow_disabled redirect_uri_mismatch mfa_required_for_ropc",
        "connection_not_shared api_not_supported_for_sp runs_as_other_identity",
        "no_capacity_or_embed_quota user_license_missing capacity_paused feature_tenant_setting_off",
        "wrong_cloud resource_not_in_required_access resource_sp_missing",
        "missing_item_permission sp_not_in_workspace insufficient_workspace_role rls_refuses_app",
    )
]
"""Causes that look the same in a paste."""


@each
def test_what_it_is_confused_with_is_another_entry_which_a_fact_separates(entry: Entry) -> None:
    named = [confusion.cause for confusion in entry.confused_with]
    assert set(named) <= set(entries())
    assert entry.name not in named
    assert len(set(named)) == len(named)
    assert all(len(confusion.fact) > 10 for confusion in entry.confused_with)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face[0])
def test_causes_with_the_same_face_name_each_other(face: list[str]) -> None:
    for cause in face:
        others = {confusion.cause for confusion in entries()[cause].confused_with}
        assert others & set(face), f"{cause}: {face}"


def test_what_may_be_certain_rests_on_more_than_one_source() -> None:
    sure = {sign.cause for sign in SIGNS if sign.certainty == "certain"}
    sure |= {name for name, certainty in PLAIN.values() if certainty == "certain"}
    for name in sure:
        grades = {source.grade for source in entries()[name].sources}
        assert grades & {"documented", "observed live", "several sources"}, name
