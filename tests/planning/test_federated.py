"""Plans for an app that trusts somebody: what is added, changed, kept and left, and whom it is said to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog.clouds import clouds
from pbisetup.model.facts import Known, Unknown
from pbisetup.model.manifest import CredentialSpec, Environment, Manifest, Trust
from pbisetup.model.plan import Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import FederatedCredential, Note, StoredCredential, TrustedSubject
from pbisetup.planning.federated_steps import FEDERATED_KINDS, MOST
from pbisetup.planning.handoff import hand_off
from pbisetup.planning.manifest import environment_problem
from pbisetup.planning.planner import plan_environment
from pbisetup.planning.standing import standing
from tests.planning import world
from tests.planning.test_planner_properties import snapshots
from tests.planning.world import ABSENT, APP, CLIENT, DEVELOPER, NOW, PIPELINE, TENANT, UNKNOWN, known, password

ISSUER, SUBJECT, EXCHANGE = "https://token.actions.githubusercontent.com", "repo:c/r:environment:dev", "api://x"
TRUSTED = TrustedSubject(ISSUER, SUBJECT, EXCHANGE)
NAME = "pbisetup-k7f3q2-dev"
SPEC = CredentialSpec("federated", trust=Trust("github", repository="c/r", environment="dev"))
ENVIRONMENT = world.automation(credential=SPEC)
MANIFEST = Manifest("k7f3q2", "contoso-reports", "public", {"dev": ENVIRONMENT})


def fic(
    name: str = NAME, subject: str = SUBJECT, issuer: str = ISSUER, audience: str = EXCHANGE
) -> FederatedCredential:
    return FederatedCredential(name, issuer, subject, frozenset({audience}))


def ids(client: str = CLIENT, tenant: str = TENANT.id, kind: Any = "federated") -> Any:
    return known(StoredCredential(".env.dev", tenant, client, kind=kind, note=Note(NAME)))


def seen(*held: FederatedCredential, app: dict[str, Any] | None = None, **changes: Any) -> Snapshot:
    """The app is there, trusts these, and its ids are kept."""
    registration = world.registration(**{"passwords": (), "federated": held, **(app or {})})
    return world.everything(**{"app": known(registration), "stored": ids(), "trusted": known(TRUSTED), **changes})


def planned(snapshot: Snapshot, environment: Environment = ENVIRONMENT) -> Plan:
    return plan_environment(MANIFEST, environment, snapshot, NOW)


def step(plan: Plan, name: str = "federated") -> Step:
    return next(each for each in plan.steps if each.id == name)


def test_a_new_app_is_made_to_trust_and_its_ids_are_kept() -> None:
    plan = planned(world.nothing(trusted=known(TRUSTED)))
    added, kept = step(plan), step(plan, "federated-ids")
    assert added.action is not None
    assert (added.change, added.action.kind) == ("add", "add_federated_credential")
    assert added.action.params == {
        "app_object_id": "{app_object_id}",
        "name": NAME,
        "issuer": ISSUER,
        "subject": SUBJECT,
        "audiences": [EXCHANGE],
    }
    assert set(kept.needs) == {"app", "federated"}
    assert kept.title == "Tenant and client id, kept in .env.dev"
    assert not any(each.action and each.action.kind == "add_secret" for each in plan.steps)


OTHER = fic("theirs", "repo:c/r:ref:refs/heads/main")
WORLDS: dict[str, tuple[Snapshot, str, str]] = {
    "there": (seen(fic()), "keep", f"'{NAME}' trusts '{SUBJECT}' of {ISSUER}"),
    "in other letters of the name": (seen(fic(NAME.upper())), "keep", "trusts"),
    "somebody else made it": (seen(fic("portal")), "keep", "'portal', which somebody else made, trusts"),
    "not there": (seen(OTHER), "add", "needs no secret"),
    "the subject differs": (seen(fic(subject="old")), "change", f"subject from 'old' to '{SUBJECT}'"),
    "in case alone": (seen(fic(subject=SUBJECT.upper())), "change", "subject from"),
    "the issuer differs": (seen(fic(issuer="https://i")), "change", f"issuer from 'https://i' to '{ISSUER}'"),
    "the audience differs": (seen(fic(audience="api://y")), "change", "audience from 'api://y' to 'api://x'"),
    "all of it differs": (seen(fic(NAME, "s", "https://i", "api://y")), "change", "issuer from"),
    "another audience of somebody else's": (seen(fic("portal", audience="api://y")), "leave", "'portal' takes this"),
    "ours is stale and theirs fits": (seen(fic(subject="old"), fic("portal")), "keep", "somebody else made"),
    "as many as there can be": (seen(*(fic(f"n{n}", f"s{n}") for n in range(MOST))), "leave", "the app has 20"),
    "as many, and one of them ours": (
        seen(*(fic(f"n{n}", f"s{n}") for n in range(MOST - 1)), fic(subject="old")),
        "change",
        "subject from",
    ),
    "the subject cannot be read": (seen(fic(subject="old"), trusted=UNKNOWN), "keep", "for 'old'"),
    "nor is there anything": (
        seen(OTHER, trusted=Unknown("nobody is signed in")),
        "leave",
        "nobody is signed in. Give",
    ),
    "the app's list cannot be read": (seen(app={"federated": None}), "add", "needs no secret"),
}


@pytest.mark.parametrize(("snapshot", "change", "why"), WORLDS.values(), ids=WORLDS)
def test_what_becomes_of_it(snapshot: Snapshot, change: str, why: str) -> None:
    found = step(planned(snapshot))
    assert found.change == change
    assert why in found.why
    assert found.blocks == (change == "leave")
    if found.action is not None:
        assert found.action.params["name"] == NAME


def test_one_that_is_stale_beside_another_is_told() -> None:
    found = step(planned(seen(fic(subject="old"), fic("portal"))))
    assert found.warning == f"'{NAME}' trusts 'old' of {ISSUER} besides, and is left as it is"


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        (ids(), True),
        (ids(tenant=TENANT.domain), True),
        (ids(client=CLIENT.upper()), True),
        (ids(client="another"), False),
        (ids(tenant="another"), False),
        (ids(kind="secret"), False),
        (ABSENT, False),
        (UNKNOWN, False),
    ],
)
def test_ids_are_kept_where_they_are_not(stored: Any, kept: bool) -> None:
    plan = planned(seen(fic("portal"), stored=stored))
    found = [each for each in plan.steps if each.id == "federated-ids"]
    assert (not found) == kept
    for each in found:
        assert each.action is not None
        assert each.action.params["name"] == "portal"


def test_on_standard_output_ids_are_printed_once_when_something_was_made() -> None:
    printed = replace(ENVIRONMENT, credential=replace(SPEC, store="stdout"))
    unknown = Unknown("it was printed, not stored")
    assert "federated-ids" not in [each.id for each in planned(seen(fic(), stored=unknown), printed).steps]
    made = step(planned(seen(stored=unknown), printed), "federated-ids")
    assert "printed once" in made.title


def test_whoever_may_not_change_the_app_asks_somebody_who_may() -> None:
    plan = planned(seen(operator=DEVELOPER, app={"owners": frozenset({"else"})}))
    found = step(plan)
    assert (found.allowed, found.who) == (False, ("app owner", "cloud application administrator"))
    assert step(plan, "federated-ids").allowed is False
    handed = hand_off(MANIFEST, plan, clouds()["public"], seen())
    [task] = [task for task in handed.order if task.kind in FEDERATED_KINDS]
    assert SUBJECT in str(task.operations)
    assert "federated-ids" in [each.id for each in handed.yours]


def test_where_somebody_else_makes_the_app_the_same_one_adds_it() -> None:
    snapshot = world.nothing(operator=DEVELOPER, may_create_apps=False, trusted=known(TRUSTED))
    handed = hand_off(MANIFEST, planned(snapshot), clouds()["public"], snapshot)
    [task] = [task for task in handed.order if task.kind in FEDERATED_KINDS]
    assert task.who == ("cloud application administrator",)
    assert task.needs == ("APP_OBJECT_ID",)


def test_a_pipeline_without_rights_is_told_which() -> None:
    held = replace(PIPELINE, graph_permissions=frozenset({"Group.Create"}))
    found = step(planned(seen(operator=held)))
    assert found.allowed is False
    assert "Application.ReadWrite.OwnedBy" in found.because


@pytest.mark.parametrize("subject", [SUBJECT, "another"])
@pytest.mark.parametrize("allowed", [True, False])
def test_a_subject_that_is_named_to_the_hand_off_is_asked_for_once(subject: str, allowed: bool) -> None:
    owners = frozenset({DEVELOPER.object_id} if allowed else {"else"})
    snapshot = seen(operator=DEVELOPER, app={"owners": owners})
    handed = hand_off(MANIFEST, planned(snapshot), clouds()["public"], snapshot, TrustedSubject(ISSUER, subject))
    asked = [task.params["subject"] for task in handed.order if task.kind in FEDERATED_KINDS]
    assert asked.count(subject) == 1
    assert len(asked) == (1 if allowed or subject == SUBJECT else 2)


@pytest.mark.parametrize(("cloud", "audience"), [("public", ""), ("gcchigh", "USGov"), ("china", "China")])
def test_each_cloud_has_its_own_audience(cloud: str, audience: str) -> None:
    snapshot = seen(trusted=UNKNOWN)
    handed = hand_off(MANIFEST, planned(snapshot), clouds()[cloud], snapshot, TrustedSubject(ISSUER, "s"))
    [task] = [task for task in handed.order if task.kind in FEDERATED_KINDS]
    assert task.params["audiences"] == [f"api://AzureADTokenExchange{audience}"]
    assert task.params["name"] == NAME


def test_secrets_of_before_are_left_and_those_of_others_not_even_named() -> None:
    ours, theirs = password(), password("key-2", "made in the portal")
    plan = planned(seen(fic(), app={"passwords": (ours, theirs)}))
    left = step(plan, "federated-left")
    assert left.warning is not None
    assert left.change == "leave"
    assert not left.blocks
    assert ours.display_name in left.warning
    assert theirs.display_name not in left.warning
    assert "pbisetup destroy dev --credential" in left.warning


@pytest.mark.parametrize(
    ("snapshot", "state", "problems"),
    [
        (seen(fic()), "ok", ()),
        (seen(fic(), stored=ABSENT), "ok", ()),
        (seen(fic(), trusted=UNKNOWN), "ok", ()),
        (seen(fic(subject="old")), "missing", ("drift",)),
        (seen(app={"federated": None}), "unknown", ("drift",)),
        (seen(trusted=UNKNOWN), "missing", ("left_alone",)),
    ],
)
def test_how_it_stands_at_a_glance(snapshot: Snapshot, state: str, problems: tuple[str, ...]) -> None:
    row = standing(MANIFEST, ENVIRONMENT, snapshot, planned(snapshot), NOW)
    assert (row.credential.state, row.problems) == (state, problems)
    assert row.credential.ends is None


names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,30}", fullmatch=True).filter(lambda each: environment_problem(each) is None)


@given(st.from_regex(r"[a-z0-9]{4,12}", fullmatch=True), names)
def test_its_name_is_one_that_graph_takes_and_no_other_environments(project: str, environment: str) -> None:
    name = Manifest(project, "x", "public", {}).federated_name(environment)
    assert 3 <= len(name) <= 120
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert name[0].isalnum()


texts = st.sampled_from([SUBJECT, "old", SUBJECT.upper()])
credentials = st.lists(
    st.builds(
        fic, st.sampled_from([NAME, "a", "b"]), texts, st.sampled_from([ISSUER, "https://i"]),
        st.sampled_from([EXCHANGE, "api://y"]),
    ),
    max_size=3,
    unique_by=(lambda c: c.name, lambda c: (c.issuer, c.subject)),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    snapshots,
    credentials,
    st.sampled_from([known(TRUSTED), UNKNOWN]),
    st.sampled_from([SPEC, replace(SPEC, store="stdout")]),
)
def test_whatever_the_tenant_nothing_of_others_is_touched_and_after_it_is_done_there_is_nothing_left_to_do(
    base: Snapshot, held: list[FederatedCredential], trusted: Any, spec: CredentialSpec
) -> None:
    """Also: no secret is ever made, and a plan that was run is not planned again."""
    environment = replace(ENVIRONMENT, credential=spec)
    app: Any = ABSENT
    if isinstance(base.app, Known):
        app = known(replace(base.app.value, federated=tuple(held)))
    else:
        held = []
    snapshot = replace(base, app=app, trusted=trusted)
    plan = planned(snapshot, environment)
    assert not any(each.action and "secret" in each.action.kind for each in plan.steps)
    changes = [each for each in plan.steps if each.action and each.action.kind in FEDERATED_KINDS]
    assert len(changes) <= 1
    after = list(held)
    for change in changes:
        assert change.action is not None
        p = change.action.params
        assert p["name"] == NAME
        assert [p["issuer"], p["subject"], p["audiences"]] == [ISSUER, SUBJECT, [EXCHANGE]]
        made = FederatedCredential(p["name"], p["issuer"], p["subject"], frozenset(p["audiences"]))
        assert (change.action.kind == "update_federated_credential") == any(each.name == NAME for each in held)
        after = [each for each in held if each.name != NAME] + [made]
        pairs = [(each.issuer, each.subject) for each in after]
        assert len(set(pairs)) == len(pairs)
    if isinstance(app, Known):
        stored = known(StoredCredential("x", TENANT.id, app.value.client_id, kind="federated", note=Note(NAME)))
        again = replace(snapshot, app=known(replace(app.value, federated=tuple(after))), stored=stored)
        assert step(planned(again, environment)).change == ("keep" if changes else step(plan).change)
        assert "federated-ids" not in [each.id for each in planned(again, environment).steps]


def test_the_world_of_these_tests_is_the_one_that_is_meant() -> None:
    assert planned(seen(fic())).changes == ()
    assert planned(seen(fic())).outputs["app_object_id"] == APP
