"""Where a person does a task by hand: pages in portals, pages for consent, and credentials that may be mailed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pbisetup.catalog.clouds import clouds, sandbox_cloud
from pbisetup.model.plan import PLANNED_KINDS
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Certificate, FederatedCredential
from pbisetup.planning.handoff import hand_off
from pbisetup.planning.handoff.credential import PublicCertificate, TrustedSubject
from pbisetup.planning.handoff.portal import portal
from pbisetup.planning.planner import plan_environment
from tests.planning import world
from tests.planning.handoffs import PUBLIC, asked_for_everything, bodies, handed, one, section_calls, tasks
from tests.planning.world import known

IDS = {"tenant_id": world.TENANT.id, "client_id": "c1", "app_object_id": "a1", "sp_object_id": "s1"}


def test_every_kind_has_a_page_but_for_the_api_itself() -> None:
    without = {kind for kind in PLANNED_KINDS if portal(kind, {}, PUBLIC, IDS) is None}
    assert without == {"add_resource", "remove_tags", "forget_credential", "keep_ids", "keep_certificate"}


@pytest.mark.parametrize(
    ("kind", "params", "url"),
    [
        ("add_owner", {}, "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/Owners/appId/c1"),
        ("grant_delegated", {}, "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/c1"),
        ("revoke_app_role", {}, "https://entra.microsoft.com/#view/Microsoft_AAD_IAM/ManagedAppMenuBlade/~/Permissions/objectId/s1/appId/c1"),
        ("add_group_member", {"group_id": "g1"}, "https://entra.microsoft.com/#view/Microsoft_AAD_IAM/GroupDetailsMenuBlade/~/Members/groupId/g1"),
        ("set_workspace_role", {"workspace_id": "w1"}, "https://app.powerbi.com/groups/w1/list"),
        ("update_tenant_setting", {}, "https://app.powerbi.com/admin-portal/tenantSettings"),
    ],
)  # fmt: skip
def test_a_page_opens_what_is_meant(kind: str, params: dict[str, Any], url: str) -> None:
    found = portal(kind, params, PUBLIC, IDS)
    assert found is not None
    assert (found.url, found.guess) == (url, False)


def test_what_is_not_there_yet_is_chosen_from_a_list() -> None:
    for task in asked_for_everything("Reports").order:
        assert task.portal is not None
        assert "\ue000" not in task.portal.url
        assert "None" not in task.portal.url
    owner = portal("add_owner", {}, PUBLIC, {})
    assert owner is not None
    assert "ApplicationsListBlade" in owner.url


@pytest.mark.parametrize(
    ("cloud", "entra"),
    [
        ("gcc", "https://entra.microsoft.com/"),
        ("gcchigh", "https://entra.microsoft.us/"),
        ("dod", "https://entra.microsoft.us/"),
        ("china", "https://entra.microsoftonline.cn/"),
    ],
)
def test_each_cloud_has_its_own_portals_and_what_is_inferred_says_so(cloud: str, entra: str) -> None:
    found = clouds()[cloud]
    directory, setting = portal("add_owner", {}, found, IDS), portal("update_tenant_setting", {}, found, IDS)
    assert directory is not None
    assert setting is not None
    assert directory.url.startswith(entra)
    assert directory.guess is (cloud != "gcc")
    assert setting.url == f"{found.portal}/admin-portal/tenantSettings"
    assert setting.guess


# -- consent ---------------------------------------------------------------------------------------------------------


def consented(**changes: Any) -> Snapshot:
    """An app that people sign in to, to which nobody has consented, as its developer sees it."""
    app = world.sign_in_app(owners=frozenset({"dev-id"}), **changes)
    return world.signed_in(operator=world.DEVELOPER, app=known(app), delegated_grants=known(()))


def test_consent_is_a_click_where_the_app_has_a_reply_address() -> None:
    seen = consented(other_redirect_uris=frozenset({"https://reports.contoso.example/back"}))
    [task] = tasks(handed(seen, world.sign_in()))
    assert task.consent is not None
    v1, v2 = urlsplit(task.consent.v1), urlsplit(task.consent.v2)
    assert v1.path == f"/{world.TENANT.id}/adminconsent"
    assert v2.path == f"/{world.TENANT.id}/v2.0/adminconsent"
    back = ["https://reports.contoso.example/back"]
    assert parse_qs(v1.query) == {"client_id": [world.CLIENT], "redirect_uri": back}
    scope = ["https://analysis.windows.net/powerbi/api/.default"]
    assert parse_qs(v2.query) == {"client_id": [world.CLIENT], "redirect_uri": back, "scope": scope}
    assert "no failure" in task.consent.note
    assert task.commands


def test_a_program_without_a_window_has_no_page_to_consent_on() -> None:
    [task] = [t for t in tasks(handed(consented(redirect_uris=frozenset()), world.sign_in())) if t.consent]
    assert task.consent is not None
    assert (task.consent.v1, task.consent.v2) == ("", "")
    assert "AADSTS500113" in task.consent.note


def test_one_person_is_not_consented_for_by_a_page_for_everybody() -> None:
    asked = {"sp_object_id": "s1", "resource_id": "r1", "scopes": ["A"], "grant_id": None, "principal_id": "p1"}
    [task] = tasks(one("grant_delegated", asked, snapshot=consented()))
    assert task.consent is not None
    assert task.consent.v1 == ""


def test_an_app_that_is_not_there_yet_has_no_page() -> None:
    seen = world.nothing(operator=world.DEVELOPER, may_create_apps=False)
    [task] = [t for t in tasks(handed(seen, world.sign_in())) if t.kind == "grant_delegated"]
    assert task.consent is not None
    assert "once the app is registered" in task.consent.note


# -- credentials that may be mailed ----------------------------------------------------------------------------------

CERTIFICATE = PublicCertificate("MIIB", "AB" * 20, "CN=reports", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
SUBJECT = TrustedSubject("https://token.actions.githubusercontent.com", "repo:contoso/reports:environment:prod")


def offered(credential: PublicCertificate | TrustedSubject, cloud: str = "public", **changes: Any) -> list[Any]:
    """The tasks where the app is somebody else's and holds no secret of ours."""
    app = world.registration(owners=frozenset({"else"}), passwords=(), **changes)
    seen = world.everything(operator=world.DEVELOPER, app=known(app), stored=world.ABSENT)
    plan = plan_environment(world.MANIFEST, world.automation(), seen, world.NOW)
    found = hand_off(world.MANIFEST, plan, clouds()[cloud], seen, credential)
    assert not any(step.action and step.action.kind == "add_secret" for step in found.yours)
    return list(found.order)


@pytest.mark.parametrize("credential", [CERTIFICATE, SUBJECT])
def test_a_public_credential_stands_in_for_the_secret_and_for_owning_the_app(credential: Any) -> None:
    [task] = offered(credential)
    assert task.id == "credential"
    assert task.who == ("app owner", "cloud application administrator")


def test_it_is_not_asked_for_again_where_the_app_has_it() -> None:
    held = Certificate("k1", "x", CERTIFICATE.thumbprint, None)
    assert offered(CERTIFICATE, certificates=(held,)) == []
    trusted = FederatedCredential("x", SUBJECT.issuer, SUBJECT.subject)
    assert offered(SUBJECT, federated=(trusted,)) == []
    # Matched exactly, as Entra does.
    near = replace(trusted, subject=SUBJECT.subject.upper())
    assert len(offered(SUBJECT, federated=(near,))) == 1


def test_the_federated_credential_is_one_that_graph_takes() -> None:
    [task] = offered(SUBJECT)
    [sent] = bodies(section_calls(hand_off_of(task)))
    assert sent == {
        "name": "pbisetup-repo-contoso-reports-environment-prod",
        "issuer": SUBJECT.issuer,
        "subject": SUBJECT.subject,
        "audiences": ["api://AzureADTokenExchange"],
    }
    [china] = offered(SUBJECT, "china")
    assert china.params["audiences"] == ["api://AzureADTokenExchangeChina"]
    [long] = offered(TrustedSubject("https://i.example", "ß" * 500))
    assert 3 <= len(long.params["name"]) <= 120


def hand_off_of(task: Any) -> Any:
    return one(task.kind, dict(task.params))


def test_the_sandbox_has_the_pages_of_the_cloud_that_it_stands_for() -> None:
    cloud = sandbox_cloud("https://localhost:1", None, "gcchigh")
    found = portal("add_owner", {}, cloud, IDS)
    assert found is not None
    assert found.url.startswith("https://entra.microsoft.us/")
