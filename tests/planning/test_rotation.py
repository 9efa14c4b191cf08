"""What becomes of credentials: which is held, which kind there can be, and what may be removed and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Known
from pbisetup.model.manifest import CredentialSpec, StoreKind
from pbisetup.model.plan import Plan
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import (
    BroughtCertificate,
    Certificate,
    CredentialPolicy,
    Note,
    Password,
    Retiring,
    StoredCredential,
)
from pbisetup.planning.held import keys_of, made_for
from pbisetup.planning.planner import plan_environment
from pbisetup.planning.rotation import farewell, plan_retirement, plan_rotation
from tests.planning import world
from tests.planning.world import ABSENT, CLIENT, MANIFEST, NOW, TENANT, UNKNOWN, known, registration

OURS = "pbisetup k7f3q2/dev 2026-11-0"
SECRET, OLD, OLDER = (
    Password(f"s-{n}", f"{OURS}{n} abc", f"h{n}x", NOW + timedelta(days=80), NOW - timedelta(days=n)) for n in (1, 2, 3)
)
CERTIFICATE = Certificate("c-1", f"{OURS}4 abc", "AA11", NOW + timedelta(days=80), NOW - timedelta(days=1))
THEIRS = Password("t-1", "made by hand", "thx", NOW + timedelta(days=80), NOW - timedelta(days=9))
ANOTHER = Password("o-1", "pbisetup k7f3q2/test 2026-11-01 abc", "ohx", NOW + timedelta(days=80))


def held(key: Password | Certificate, *retiring: Retiring, **note: Any) -> Known[Any]:
    what = Note(key.key_id, retiring=retiring, **note)
    if isinstance(key, Password):
        return known(StoredCredential(".env.dev", TENANT.id, CLIENT, key.hint, note=what))
    return known(StoredCredential(".env.dev", TENANT.id, CLIENT, "", "certificate", key.thumbprint, what))


def seen(*keys: Password | Certificate, **changes: Any) -> Snapshot:
    app = registration(
        passwords=tuple(k for k in keys if isinstance(k, Password)),
        certificates=tuple(k for k in keys if isinstance(k, Certificate)),
    )
    return world.everything(**{"app": known(app), "stored": held(keys[0]) if keys else ABSENT, **changes})


def rotation(snapshot: Snapshot, replaced: str | None = None, **spec: Any) -> Plan:
    environment = world.automation(credential=CredentialSpec(**spec))
    return plan_rotation(MANIFEST, environment, snapshot, NOW, replaced)


def changes(plan: Plan) -> list[tuple[str, str]]:
    return [(s.change, str(s.action.params.get("key_id", "")) if s.action else "") for s in plan.changes]


def test_the_new_one_comes_first_and_knows_what_it_replaces() -> None:
    plan = rotation(seen(SECRET, THEIRS, ANOTHER))
    [step] = plan.changes
    assert step.action is not None
    assert step.action.params["retires"] == ["s-1"]
    assert step.action.params["proved_first"] is True
    assert "made by hand" in (step.warning or "")


def test_what_could_not_be_looked_into_may_hold_one_that_works() -> None:
    [step] = rotation(seen(SECRET, stored=UNKNOWN), store="key-vault", place="contoso-vault").changes
    assert step.action is not None
    assert step.action.params["proved_first"] is True
    [step] = rotation(seen(SECRET, stored=UNKNOWN), store="stdout").changes
    assert step.action is not None
    assert step.action.params["proved_first"] is False


def test_what_was_replaced_before_goes_only_after_the_new_one() -> None:
    due = Retiring("s-2", NOW)
    plan = rotation(seen(SECRET, OLD, stored=held(SECRET, due)))
    assert changes(plan) == [("add", ""), ("remove", "s-2")]
    assert plan.changes[1].needs == ("secret",)
    later = Retiring("s-2", NOW + timedelta(seconds=1))
    plan = rotation(seen(SECRET, OLD, stored=held(SECRET, later)))
    assert changes(plan) == [("add", "")]
    assert plan.changes[0].action is not None
    assert plan.changes[0].action.params["retires"] == ["s-1", "s-2"]


def test_what_an_interrupted_run_made_and_nobody_holds_goes_first() -> None:
    plan = rotation(seen(SECRET, OLD, journalled=frozenset({OLD.display_name})))
    assert changes(plan) == [("remove", "s-2"), ("add", "")]


def test_an_interrupted_rotation_is_finished_instead_of_begun_again() -> None:
    due = seen(SECRET, OLD, stored=held(SECRET, Retiring("s-2", NOW)))
    assert changes(rotation(due, replaced="s-2")) == [("remove", "s-2")]
    assert changes(rotation(seen(SECRET), replaced="s-1")) == [("add", "")]
    assert changes(rotation(seen(SECRET, stored=ABSENT), replaced="s-2")) == [("add", "")]


def test_in_the_run_that_replaced_it_the_old_one_stays() -> None:
    snapshot = seen(SECRET, OLD, stored=held(SECRET, Retiring("s-2", NOW)), spared=frozenset({"s-2"}))
    assert world_plan(snapshot).changes == ()
    [step] = world_plan(replace(snapshot, spared=frozenset())).changes
    assert step.tidies


def world_plan(snapshot: Snapshot, **spec: Any) -> Plan:
    return plan_environment(MANIFEST, world.automation(credential=CredentialSpec(**spec)), snapshot, NOW)


NEVER = {
    "somebody else's": (THEIRS, Retiring("t-1", NOW)),
    "another environment's": (ANOTHER, Retiring("o-1", NOW)),
}


@pytest.mark.parametrize(("key", "noted"), NEVER.values(), ids=NEVER)
def test_not_even_the_note_makes_a_foreign_credential_ours(key: Password, noted: Retiring) -> None:
    snapshot = seen(SECRET, key, stored=held(SECRET, noted))
    assert world_plan(snapshot).changes == ()
    assert changes(rotation(snapshot)) == [("add", "")]
    assert plan_retirement(MANIFEST, world.automation(), snapshot, NOW).changes == ()


DOUBT = {
    "the one that is held is refused": {"token_refusals": frozenset({7000215})},
    "the store holds another app's": {"stored": known(StoredCredential(".env.dev", TENANT.id, "x", "h1x"))},
    "the store cannot be read": {"stored": UNKNOWN},
}


@pytest.mark.parametrize("told", DOUBT.values(), ids=DOUBT)
def test_while_the_new_one_is_in_doubt_the_old_one_stays(told: dict[str, Any]) -> None:
    snapshot = seen(SECRET, OLD, **{"stored": held(SECRET, Retiring("s-2", NOW)), **told})
    assert plan_retirement(MANIFEST, world.automation(), snapshot, NOW).changes == ()
    [added] = [s for s in rotation(snapshot).changes if s.change == "add"]
    assert added.action is not None
    # What could not be read may be one that works.
    assert added.action.params["proved_first"] is (told.get("stored") is UNKNOWN)


def test_another_kind_takes_the_place_of_the_one_before() -> None:
    [step] = [s for s in world_plan(seen(SECRET), kind="certificate").changes if s.action]
    assert step.action is not None
    assert (step.action.kind, step.action.params["retires"]) == ("make_certificate", ["s-1"])
    [step] = [s for s in world_plan(seen(CERTIFICATE, stored=held(CERTIFICATE))).changes if s.action]
    assert step.action is not None
    assert (step.action.kind, step.action.params["retires"]) == ("add_secret", ["c-1"])


STORES: list[StoreKind] = ["stdout", "github", "azure-devops"]


@pytest.mark.parametrize("store", STORES)
def test_where_nobody_can_tell_which_one_is_kept_another_is_made_before_any_goes(store: StoreKind) -> None:
    place = {"github": "o/r", "azure-devops": "o/p/g"}.get(store, "")
    unfinished = known(StoredCredential("there", TENANT.id, CLIENT))
    snapshot = seen(SECRET, OLD, stored=unfinished, journalled=frozenset({SECRET.display_name}))
    if store == "stdout":
        snapshot = replace(snapshot, stored=UNKNOWN, app=known(registration(passwords=(SECRET,))))
    plan = world_plan(snapshot, store=store, place=place)
    assert changes(plan) == [("add", ""), ("remove", "s-1")]
    assert plan.changes[1].needs == ("secret",)
    assert plan.changes[0].action is not None
    assert plan.changes[0].action.params["retires"] == ([] if store == "stdout" else ["s-2"])


FORBIDS = CredentialPolicy("no secrets", forbids_secrets=True)
POLICIES: dict[str, tuple[CredentialPolicy, dict[str, Any], str, int]] = {
    "none": (CredentialPolicy(), {}, "add_secret", 90),
    "secrets forbidden": (FORBIDS, {}, "make_certificate", 90),
    "secrets short": (CredentialPolicy(longest_secret=timedelta(days=45)), {}, "add_secret", 45),
    "secrets shorter than a day": (CredentialPolicy(longest_secret=timedelta(hours=5)), {}, "add_secret", 1),
    "secrets long": (CredentialPolicy(longest_secret=timedelta(days=450)), {}, "add_secret", 90),
    "certificates short": (
        CredentialPolicy(longest_certificate=timedelta(days=30)), {"kind": "certificate"}, "make_certificate", 30,
    ),
    "both": (replace(FORBIDS, longest_certificate=timedelta(days=7)), {}, "make_certificate", 7),
}  # fmt: skip


@pytest.mark.parametrize(("policy", "spec", "kind", "days"), POLICIES.values(), ids=POLICIES)
def test_policies_lead_to_the_next_best(policy: CredentialPolicy, spec: dict[str, Any], kind: str, days: int) -> None:
    [step] = [s for s in world_plan(seen(policy=known(policy)), **spec).changes if s.change == "add"]
    assert step.action is not None
    assert (step.action.kind, step.action.params["days"]) == (kind, days)
    assert ("policy" in step.why) is ((policy != CredentialPolicy() and days != 90) or policy.forbids_secrets)


def test_where_only_trusted_authorities_count_nothing_is_made_that_would_be_refused() -> None:
    strict = replace(FORBIDS, own_authority=True)
    [step] = [s for s in world_plan(seen(policy=known(strict))).steps if s.id == "certificate"]
    assert (step.change, step.blocks) == ("leave", True)
    assert "credential.file" in step.why
    brought = known(BroughtCertificate("BB", NOW + timedelta(days=9)))
    plan = world_plan(seen(policy=known(strict), brought=brought), kind="certificate", file="mine.pem")
    assert [s.action.kind for s in plan.changes if s.action] == ["make_certificate"]


def test_a_certificate_in_the_place_of_a_forbidden_secret_is_kept_without_asking_again() -> None:
    stored = held(CERTIFICATE, instead_of="secret")
    assert world_plan(seen(CERTIFICATE, stored=stored)).changes == ()


BROUGHT = {
    "not read": (UNKNOWN, "it could not be read"),
    "over": (known(BroughtCertificate("AA11", NOW - timedelta(days=1))), "ended on"),
}


@pytest.mark.parametrize(("fact", "said"), BROUGHT.values(), ids=BROUGHT)
def test_a_brought_certificate_that_is_no_use_is_said_so(fact: Any, said: str) -> None:
    plan = world_plan(seen(stored=ABSENT, brought=fact), kind="certificate", file="mine.pem")
    [step] = [s for s in plan.steps if s.id == "certificate"]
    assert step.blocks
    assert said in step.why


def test_what_is_shared_in_a_vault_and_superseded_long_ago_goes() -> None:
    vault: dict[str, Any] = {"store": "key-vault", "place": "v"}
    old = replace(OLD, starts=NOW - timedelta(days=3))
    new = replace(SECRET, starts=NOW - timedelta(days=1))
    assert changes(world_plan(seen(new, old, stored=held(new)), **vault)) == [("remove", "s-2")]
    fresh = replace(SECRET, starts=NOW - timedelta(minutes=5))
    assert world_plan(seen(fresh, old, stored=held(fresh)), **vault).changes == ()
    assert world_plan(seen(new, old, stored=held(new))).changes == ()


@pytest.mark.parametrize("change", [{"app": ABSENT}, {}], ids=["no app", "federated"])
def test_what_cannot_be_rotated_is_said(change: dict[str, Any]) -> None:
    with pytest.raises(PbisetupError):
        rotation(seen(SECRET, **change), kind="secret" if change else "federated")


GRACES = [
    (None, "until the next"), (timedelta(0), "as soon as"), (timedelta(seconds=5), "5 seconds"),
    (timedelta(minutes=10), "10 minutes"), (timedelta(hours=24), "24 hours"), (timedelta(days=7), "7 days"),
]  # fmt: skip


@pytest.mark.parametrize(("grace", "said"), GRACES)
def test_what_becomes_of_the_present_one_is_said(grace: timedelta | None, said: str) -> None:
    assert said in farewell(grace)


pool = [SECRET, OLD, OLDER, CERTIFICATE, THEIRS, ANOTHER]
moments = st.sampled_from([NOW - timedelta(days=1), NOW, NOW + timedelta(days=1)])
retirings = st.lists(st.builds(Retiring, st.sampled_from([k.key_id for k in pool]), moments), max_size=3)
snapshots: st.SearchStrategy[Snapshot] = st.builds(
    lambda keys, current, note, journalled, refusals, spared: seen(
        *keys,
        stored=held(current, *note) if current else ABSENT,
        journalled=frozenset(journalled),
        token_refusals=frozenset(refusals),
        spared=frozenset(spared),
    ),
    st.lists(st.sampled_from(pool), unique_by=lambda k: k.key_id),
    st.none() | st.sampled_from(pool),
    retirings,
    st.lists(st.sampled_from([k.display_name for k in pool if k not in (THEIRS, ANOTHER)]), max_size=2),
    st.lists(st.sampled_from([7000215, 7000222]), max_size=1),
    st.lists(st.sampled_from([k.key_id for k in pool]), max_size=2),
)
specs = st.builds(
    lambda kind, store: CredentialSpec(kind, store=store[0], place=store[1]),
    st.sampled_from(["secret", "certificate"]),
    st.sampled_from([("env-file", ""), ("keyring", ""), ("key-vault", "v"), ("github", "o/r"), ("stdout", "")]),
)


@settings(max_examples=300, deadline=None)
@given(snapshots, specs, st.none() | st.sampled_from(["s-1", "s-2"]), st.booleans())
def test_nothing_is_removed_that_is_not_ours_or_may_be_what_is_held(
    snapshot: Snapshot, spec: CredentialSpec, replaced: str | None, rotates: bool
) -> None:
    """Whatever the app has and the store holds: what is held stays until another one is there."""
    environment = world.automation(credential=spec)
    if rotates:
        plan = plan_rotation(MANIFEST, environment, snapshot, NOW, replaced)
    else:
        plan = plan_environment(MANIFEST, environment, snapshot, NOW)
    assert isinstance(snapshot.app, Known)
    keys = {key.key_id: key for key in keys_of(snapshot.app.value)}
    order = [step.id for step in plan.steps]
    current = snapshot.stored.value.key_id if isinstance(snapshot.stored, Known) else None
    for number, step in enumerate(plan.steps):
        assert set(step.needs) <= {*order[:number], "app"}
        if step.change != "remove":
            continue
        assert step.action is not None
        gone = keys[step.action.params["key_id"]]
        assert made_for(MANIFEST, environment, gone)
        assert gone.key_id not in snapshot.spared or gone.display_name in snapshot.journalled
        if gone.key_id == current and spec.store in ("env-file", "keyring", "key-vault"):
            # Only a note that a hand has changed, or one whose value is another's, says so of what is held.
            assert gone.display_name in snapshot.journalled or "secret" in step.needs or "certificate" in step.needs
