"""Taking an environment away, as a plan: what goes, in which order, and everything that stays with the reason."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.model.belongings import Belongings, DeletedApp, OwnGroup, Sibling
from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Known, Unknown
from pbisetup.model.manifest import CredentialSpec, Environment, Manifest, WorkspaceSpec
from pbisetup.model.plan import PLANNED_KINDS, Plan, Step
from pbisetup.model.tenant import (
    Certificate,
    FederatedCredential,
    Group,
    RoleGrant,
    ServicePrincipal,
    Workspace,
)
from pbisetup.planning.removal import group_keys
from pbisetup.planning.unmaking import plan_removal
from tests.planning import world
from tests.planning.world import (
    ABSENT,
    ADMIN,
    APP,
    CLIENT,
    DEVELOPER,
    FABRIC_ADMIN,
    MANIFEST,
    PIPELINE,
    SP,
    TENANT,
    UNKNOWN,
    known,
)

ENV = world.automation()
CLIENT_GUID = "22222222-2222-2222-2222-222222222222"
TAG = MANIFEST.tag("dev")
OURS = Group("g1", world.GROUP)
THEIRS = Group("g2", "their readers")


def own_group(members: frozenset[str] | None = frozenset({SP}), used: tuple[str, ...] | None = ()) -> OwnGroup:
    return OwnGroup(OURS, members, used)


def workspace(role: Any = "Member", operator_role: Any = "Admin", **more: Any) -> Workspace:
    roles = {"admin@contoso.example": "Admin", **({SP: role} if role else {})}
    return Workspace("ws-id", "Reports", roles, operator_role, **more)


def applied(**changes: Any) -> Belongings:
    """What there is after `apply` of `automation()`, in a tenant whose setting names no group any more."""
    base = Belongings(
        "dev",
        TENANT,
        ADMIN,
        known(world.registration(federated=())),
        Unknown("the app exists"),
        siblings=known(()),
        principal=known(ServicePrincipal(SP, CLIENT)),
        memberships=known((OURS,)),
        grants=known(()),
        app_roles=known(()),
        groups={"api": known(own_group()), "admin-read": ABSENT},
        settings=world.settings(world.setting(groups=())),
        workspaces={"Reports": known(workspace())},
        stored=world.stored(),
    )
    return replace(base, **changes)


def gone(**changes: Any) -> Belongings:
    """The same after the app was deleted."""
    base = applied(
        app=ABSENT,
        deleted=ABSENT,
        principal=ABSENT,
        memberships=ABSENT,
        grants=ABSENT,
        app_roles=ABSENT,
        groups={"api": ABSENT},
        stored=ABSENT,
    )
    return replace(base, **changes)


def adopted(*tags: str, **changes: Any) -> Belongings:
    app = world.registration(unique_name=None, tags=frozenset({"pbisetup", TAG, "pbisetup-adopted", "theirs", *tags}))
    return applied(app=known(replace(app, passwords=(world.password(), world.password("key-2", "by hand")))), **changes)


def planned(seen: Belongings, env: Environment = ENV, **more: Any) -> Plan:
    return plan_removal(MANIFEST, env, seen, **more)


def kinds(plan: Plan) -> list[str]:
    return [step.action.kind for step in plan.changes if step.action]


def step(plan: Plan, id_: str) -> Step:
    return next(each for each in plan.steps if each.id == id_)


def kept(plan: Plan) -> str:
    return "\n".join(f"{each.title}: {each.why}" for each in plan.steps if not each.writes)


# -- an app of our own ---------------------------------------------------------------------------------------------


def test_roles_and_memberships_go_before_the_app_and_the_group_after_it() -> None:
    plan = planned(applied())
    assert kinds(plan) == [
        "remove_workspace_role",
        "remove_group_member",
        "delete_application",
        "forget_credential",
        "delete_group",
    ]
    assert step(plan, "delete-app").needs == ("role-ws-id",)
    assert step(plan, "credential").needs == step(plan, "group-api").needs == ("delete-app",)
    assert plan.others == ()


def test_what_goes_with_the_app_is_said_in_its_step() -> None:
    seen = applied(grants=known((world.grant(),)), app_roles=known((RoleGrant("r", "res", "role"),) * 2))
    why = step(planned(seen), "delete-app").why
    for said in (SP, "consent to delegated permissions (1)", "permissions (2)", "--deleted-app restore"):
        assert said in why


def test_credentials_that_pbisetup_did_not_make_are_named_because_they_die_with_the_app() -> None:
    app = world.registration(
        passwords=(
            world.password(),
            world.password("key-2", "night job"),
            world.password("key-3", "pbisetup zzzzzz/dev x"),
        ),
        certificates=(Certificate("c", "CN=partner", "AB", None), Certificate("d", "", "CD12", None)),
        federated=(FederatedCredential("github-main", "i", "s"), FederatedCredential("pbisetup-dev-main", "i", "s")),
    )
    warning = step(planned(applied(app=known(app))), "delete-app").warning or ""
    for named in ("night job", "pbisetup zzzzzz/dev x", "CN=partner", "CD12", "github-main"):
        assert named in warning
    assert "pbisetup k7f3q2/dev" not in warning
    assert "pbisetup-dev-main" not in warning
    assert step(planned(applied()), "delete-app").warning is None


def test_purging_follows_the_deletion_and_takes_the_service_principal_too() -> None:
    plan = planned(applied(), purge=True)
    purge = step(plan, "purge-app")
    assert purge.needs == ("delete-app",)
    assert purge.action is not None
    assert purge.action.params == {"app_object_id": APP, "sp_object_id": SP, "just_deleted": True}


def test_a_role_outside_the_manifest_that_the_app_itself_shows_goes_too() -> None:
    seen_by_the_app = Workspace("other-id", "Sales", {SP: "Viewer", ADMIN.account: "Admin"}, "Admin")
    hidden = Workspace("hidden-id", "Board", None, None)
    plan = planned(applied(elsewhere=(seen_by_the_app, hidden)))
    assert step(plan, "role-other-id").title == "Viewer of the workspace 'Sales'"
    assert step(plan, "role-hidden-id").allowed is False
    assert "role-hidden-id" not in step(plan, "delete-app").needs


@pytest.mark.parametrize(
    ("fact", "allowed"),
    [
        (known(workspace(operator_role="Member")), True),
        (known(workspace(operator_role="Viewer")), False),
        (known(workspace(role="Admin", operator_role="Member")), False),
        (known(workspace(operator_role=None, kinds={})), False),
        (known(replace(workspace(operator_role=None), roles={SP: "Member", "g": "Admin"}, kinds={"g": "Group"})), None),
        (known(Workspace("ws-id", "Reports", None, None)), None),
        (Unknown("it does not exist, or you have no role in it"), False),
    ],
)
def test_who_may_take_the_role_away(fact: Any, allowed: bool | None) -> None:
    plan = planned(applied(workspaces={"Reports": fact}))
    role = plan.steps[0]
    assert role.action is not None
    assert role.action.kind == "remove_workspace_role"
    assert role.allowed is allowed
    assert role.who == ("workspace admin",)
    assert (role.id in step(plan, "delete-app").needs) is (allowed is not False)


def test_a_workspace_that_is_gone_or_knows_nothing_of_the_app_needs_nothing() -> None:
    for fact in (ABSENT, known(workspace(role=None))):
        assert "remove_workspace_role" not in kinds(planned(applied(workspaces={"Reports": fact})))


def test_the_only_admin_of_a_workspace_is_not_taken_away_silently() -> None:
    alone = Workspace("ws-id", "Reports", {SP: "Admin"}, None)
    assert "only Admin" in (planned(applied(workspaces={"Reports": known(alone)})).steps[0].warning or "")


def test_a_membership_that_the_operator_may_not_remove_simply_goes_with_the_app() -> None:
    plan = planned(applied(operator=replace(DEVELOPER, object_id="admin-id")))
    assert "goes with the service principal" in step(plan, "member-g1").why
    assert step(plan, "delete-app").allowed is True
    assert step(plan, "group-api").allowed is None


def test_who_owns_nothing_is_told_who_could() -> None:
    plan = planned(applied(operator=DEVELOPER, workspaces={"Reports": known(workspace(operator_role=None))}))
    assert {each.id for each in plan.others} >= {"role-ws-id", "delete-app"}
    assert step(plan, "delete-app").who == ("app owner", "cloud application administrator")


def test_a_pipeline_deletes_its_app_but_no_group() -> None:
    plan = planned(applied(operator=PIPELINE, workspaces={"Reports": UNKNOWN}))
    assert step(plan, "delete-app").allowed is True
    assert step(plan, "group-api").allowed is False


def test_a_refusal_makes_a_role_somebody_elses_and_the_app_no_longer_waits_for_it() -> None:
    plan = planned(applied(refused=frozenset({"role-ws-id"})))
    assert step(plan, "role-ws-id").allowed is False
    assert step(plan, "delete-app").needs == ()


# -- apps that are not proved to be ours ----------------------------------------------------------------------------

UNPROVED = {
    "the unique name without the tag": world.registration(tags=frozenset({"pbisetup"})),
    "the tag without the unique name": world.registration(unique_name=None),
    "another project's tag": world.registration(tags=frozenset({"pbisetup", "pbisetup:zzzzzz/dev"})),
    "another environment's tag": world.registration(tags=frozenset({"pbisetup", MANIFEST.tag("prod")})),
}


@pytest.mark.parametrize("app", UNPROVED.values(), ids=UNPROVED.keys())
@pytest.mark.parametrize("purge", [False, True])
def test_an_app_that_is_not_proved_ours_is_refused(app: Any, purge: bool) -> None:
    with pytest.raises(PbisetupError) as refused:
        planned(applied(app=known(app)), purge=purge)
    assert refused.value.code == "PBI921"
    assert refused.value.exit_code == 1
    assert CLIENT in refused.value.message


def test_an_app_that_only_has_the_name_is_refused_and_one_of_another_project_is_none_of_ours() -> None:
    by_hand = world.registration(unique_name=None, tags=frozenset())
    with pytest.raises(PbisetupError, match="only called"):
        planned(gone(namesakes=(by_hand,)))
    other = replace(by_hand, tags=frozenset({"pbisetup", "pbisetup:zzzzzz/dev"}))
    assert planned(gone(namesakes=(other,))).changes == ()


# -- an app that was taken over -------------------------------------------------------------------------------------


def test_an_adopted_app_stays_and_only_what_was_bound_to_it_is_taken_off() -> None:
    plan = planned(adopted(memberships=known((OURS, THEIRS))))
    assert kinds(plan) == [
        "remove_workspace_role",
        "remove_group_member",
        "remove_secret",
        "remove_tags",
        "forget_credential",
        "delete_group",
    ]
    secret, tags = step(plan, "secret-key-1"), step(plan, "tags")
    assert secret.action is not None
    assert secret.action.params["key_id"] == "key-1"
    assert tags.action is not None
    assert set(tags.action.params["tags"]) == {"pbisetup", TAG, "pbisetup-adopted"}
    assert set(tags.needs) == {"role-ws-id", "member-g1", "secret-key-1"}
    assert "made by hand and taken over" in kept(plan)
    assert "'their readers'" in kept(plan)


def test_an_adopted_app_is_never_deleted_nor_purged() -> None:
    with_our_unique_name = world.registration(tags=frozenset({TAG, "pbisetup-adopted"}))
    for seen in (adopted(), applied(app=known(with_our_unique_name))):
        assert not {"delete_application", "purge_deleted_application"} & set(kinds(planned(seen, purge=True)))


# -- an app that others keep, too -----------------------------------------------------------------------------------

OTHERS = "pbisetup:zzzzzz/dev"
LEFT = MANIFEST.left_tag("dev")
THEIR_SECRET = "pbisetup zzzzzz/dev 2026-11-02 def456"


def shared(*tags: str, unique_name: str | None = "pbisetup-k7f3q2-dev", **changes: Any) -> Belongings:
    passwords = (world.password(), world.password("key-2", THEIR_SECRET))
    app = world.registration(
        unique_name=unique_name, tags=frozenset({"pbisetup", *tags}), federated=(), passwords=passwords
    )
    return applied(app=known(app), **changes)


@pytest.mark.parametrize("purge", [False, True])
@pytest.mark.parametrize("client_id", [None, CLIENT], ids=["our own", "taken over"])
@pytest.mark.parametrize("theirs", [(OTHERS,), (OTHERS, "pbisetup-adopted"), (MANIFEST.tag("prod"),)])
def test_of_an_app_that_others_keep_only_our_secrets_tag_and_credential_go(
    theirs: tuple[str, ...], client_id: str | None, purge: bool
) -> None:
    plan = planned(shared(TAG, *theirs), replace(ENV, client_id=client_id), purge=purge)
    assert kinds(plan) == ["remove_secret", "remove_tags", "forget_credential"]
    secret, tags = step(plan, "secret-key-1"), step(plan, "tags").action
    assert step(plan, "tags").needs == step(plan, "credential").needs == (secret.id,)
    assert tags is not None
    assert (tags.params["tags"], tags.params["instead"]) == ([TAG], [LEFT])
    assert theirs[0].removeprefix("pbisetup:") in step(plan, "app").why
    assert "made by hand" not in kept(plan)
    assert "the app is in it" in step(plan, "group-api").why


def test_what_we_have_let_go_of_stays_as_long_as_others_keep_it() -> None:
    app = world.registration(tags=frozenset({"pbisetup", LEFT, OTHERS}), passwords=())
    plan = planned(applied(app=known(app), stored=ABSENT))
    assert plan.changes == ()
    assert "zzzzzz/dev" in kept(plan)


def test_a_group_that_the_shared_app_is_not_in_goes() -> None:
    empty = {"api": known(own_group(frozenset()))}
    for tags, needs in (((TAG, OTHERS), ("tags",)), ((LEFT, OTHERS), ())):
        assert step(planned(shared(*tags, groups=empty)), "group-api").needs == needs


@pytest.mark.parametrize(
    "tags", [(LEFT,), (LEFT, "pbisetup-adopted", "pbisetup-adopted:zzzzzz/dev"), (LEFT, "pbisetup-left:zzzzzz/dev")]
)
def test_once_others_have_let_go_our_own_app_is_deleted(tags: tuple[str, ...]) -> None:
    plan = planned(shared(*tags, stored=ABSENT))
    assert kinds(plan) == ["remove_workspace_role", "remove_group_member", "delete_application", "delete_group"]


def test_once_others_have_let_go_a_taken_over_app_is_given_back() -> None:
    mark = MANIFEST.adopted_tag("dev")
    for env, name in ((replace(ENV, client_id=CLIENT), None), (ENV, "pbisetup-k7f3q2-dev")):
        plan = planned(shared(LEFT, "pbisetup-adopted", mark, "theirs", unique_name=name, stored=ABSENT), env)
        action = step(plan, "tags").action
        assert action is not None
        assert set(action.params["tags"]) == {"pbisetup", LEFT, "pbisetup-adopted", mark}
        assert "delete_application" not in kinds(plan)
        assert "remove_workspace_role" in kinds(plan)


def test_what_others_still_find_the_app_by_stays_when_we_give_it_back() -> None:
    theirs = ("pbisetup-left:zzzzzz/dev", "pbisetup-adopted:zzzzzz/dev", "pbisetup-adopted")
    action = step(planned(adopted(*theirs), replace(ENV, client_id=CLIENT)), "tags").action
    assert action is not None
    assert action.params["tags"] == [TAG]


def test_our_own_app_that_somebody_else_took_over_and_gave_back_is_still_our_own() -> None:
    plan = planned(shared(TAG, "pbisetup-adopted", "pbisetup-adopted:zzzzzz/dev"))
    assert "delete_application" in kinds(plan)
    assert THEIR_SECRET in (step(plan, "delete-app").warning or "")


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        ((LEFT,), True),
        ((TAG, "pbisetup-adopted", "pbisetup-adopted:zzzzzz/dev"), True),
        ((TAG, OTHERS), False),
        ((LEFT, MANIFEST.adopted_tag("dev")), False),
    ],
)
def test_a_deleted_app_that_others_kept_is_not_purged(tags: tuple[str, ...], ours: bool) -> None:
    seen = gone(deleted=deleted("pbisetup", *tags))
    if ours:
        assert kinds(planned(seen, purge=True)) == ["purge_deleted_application"]
        return
    with pytest.raises(PbisetupError, match="not prove"):
        planned(seen, purge=True)


# -- more of what was taken over ------------------------------------------------------------------------------------


def test_a_role_that_differs_from_the_manifest_was_given_to_an_adopted_app_by_somebody_else() -> None:
    plan = planned(adopted(workspaces={"Reports": known(workspace(role="Admin"))}))
    assert "remove_workspace_role" not in kinds(plan)
    assert "Admin of the workspace 'Reports'" in kept(plan)


def test_a_group_that_the_manifest_names_was_joined_by_the_plan() -> None:
    env = replace(ENV, groups={"api": "their readers"})
    plan = planned(adopted(memberships=known((THEIRS,)), groups={}), env)
    assert step(plan, "member-g2").action is not None


def test_a_stored_secret_that_somebody_made_by_hand_stays_where_it_is() -> None:
    # The first characters of all secrets are the same in this world, so the key id decides.
    assert step(planned(adopted()), "credential").needs == ("secret-key-1",)
    assert step(planned(adopted(stored=world.stored(key_id="key-2"))), "credential").writes is False


def test_what_the_manifest_only_names_is_left_alone() -> None:
    env = replace(ENV, client_id=CLIENT.upper())
    for unique_name in (None, "pbisetup-k7f3q2-dev"):
        app = world.registration(unique_name=unique_name, tags=frozenset({"theirs"}))
        plan = planned(applied(app=known(app), stored=ABSENT, groups={}), env, purge=True)
        assert plan.changes == ()
        assert "given back, or never taken over" in kept(plan)


def test_what_the_manifest_says_was_made_by_hand_is_not_deleted_though_somebody_took_the_tag_for_that_off() -> None:
    plan = planned(applied(), replace(ENV, client_id=CLIENT), purge=True)
    assert "delete_application" not in kinds(plan)
    assert "remove_tags" in kinds(plan)


# -- an app that is deleted already ---------------------------------------------------------------------------------


def deleted(*tags: str) -> Known[Any]:
    return known(DeletedApp(APP, CLIENT, "contoso-reports-dev", frozenset(tags), world.NOW, SP))


def test_a_deleted_app_is_left_where_it_is_and_purged_on_request() -> None:
    seen = gone(deleted=deleted("pbisetup", TAG), stored=world.stored())
    assert kinds(planned(seen)) == ["forget_credential"]
    assert "--deleted-app restore` brings it back until 2026-11-20" in kept(planned(seen))
    assert kinds(planned(seen, purge=True)) == ["forget_credential", "purge_deleted_application"]


@pytest.mark.parametrize("tags", [("pbisetup",), ("pbisetup", TAG, "pbisetup-adopted")])
def test_a_deleted_app_that_is_not_proved_ours_is_not_purged(tags: tuple[str, ...]) -> None:
    seen = gone(deleted=deleted(*tags))
    assert planned(seen).changes == ()
    with pytest.raises(PbisetupError, match="not prove"):
        planned(seen, purge=True)


def test_nothing_there_is_nothing_to_do() -> None:
    assert planned(gone()).changes == ()
    assert planned(gone(), purge=True).changes == ()


def test_a_store_that_cannot_be_looked_into_is_named() -> None:
    word = step(planned(applied(stored=UNKNOWN)), "credential")
    assert (word.change, word.action) == ("leave", None)
    assert "could not be looked into" in word.why
    printed = world.automation(credential=CredentialSpec(store="stdout"))
    assert "credential" not in [each.id for each in planned(applied(stored=UNKNOWN), printed).steps]


def test_a_stored_credential_of_an_app_that_is_nowhere_goes_and_one_of_another_app_stays() -> None:
    assert kinds(planned(gone(stored=world.stored(), stored_app_gone=True))) == ["forget_credential"]
    assert planned(gone(stored=world.stored(client_id="other"))).changes == ()
    assert "of another app (other)" in kept(planned(applied(stored=world.stored(client_id="other"))))


# -- the project's groups -------------------------------------------------------------------------------------------

SETTING = world.setting(groups=("g1",))
REASONS = {
    "share it: 'contoso-reports-prod'": {"siblings": known((Sibling("c", "contoso-reports-prod"),))},
    "could not be seen": {"siblings": UNKNOWN},
    "1 other member": {"groups": {"api": known(own_group(frozenset({SP, "somebody"})))}},
    "who is in it could not be read": {"groups": {"api": known(own_group(None))}},
    "in 'all programs'": {"groups": {"api": known(own_group(used=("in 'all programs'",)))}},
    "where else it is used": {"groups": {"api": known(own_group(used=None))}},
    "has a role in 'Reports'": {
        "workspaces": {"Reports": known(Workspace("ws-id", "Reports", {SP: "Member", "g1": "Viewer"}, "Admin"))}
    },
    "names it, and one that loses its last group": {"settings": world.settings(SETTING)},
    "names it,": {"settings": world.settings(world.setting(excluded_groups={"g1": "x"}))},
    "could not be read, and one that loses": {"settings": UNKNOWN},
}


@pytest.mark.parametrize(("said", "changes"), REASONS.items(), ids=REASONS.keys())
def test_a_group_stays_where_anything_could_hang_on_it(said: str, changes: dict[str, Any]) -> None:
    plan = planned(applied(**changes))
    assert "delete_group" not in kinds(plan)
    assert said in step(plan, "group-api").why


def test_the_last_environment_s_group_goes_after_the_app_was_gone_already() -> None:
    plan = planned(gone(groups={"api": known(own_group(frozenset()))}))
    assert kinds(plan) == ["delete_group"]
    assert step(plan, "group-api").needs == ()


def test_settings_are_told_never_written() -> None:
    plan = planned(applied(settings=world.settings(SETTING), memberships=known((OURS, THEIRS))))
    assert "update_tenant_setting" not in kinds(plan)
    assert "never switched back" in step(plan, f"setting-{SETTING.name}").why


def test_groups_of_every_kind_are_looked_for_also_under_the_names_of_the_manifest() -> None:
    env = Environment("prod", None, ("automation",), groups={"api": "readers", "admin-read": CLIENT_GUID})
    manifest = Manifest("k7f3q2", "n", "public", {"prod": env})
    found = group_keys(manifest)
    assert {"api", "admin-read", "admin-write", "embed", "create", "profiles"} <= set(found)
    assert manifest.group_unique_name(found[-1]) == manifest.group_unique_name("api", "readers")
    assert len(found) == len(group_keys(MANIFEST)) + 1, "a group that is named by its id was not made"


# -- whatever a tenant looks like -----------------------------------------------------------------------------------


def fact(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values.map(known) | st.sampled_from([ABSENT, UNKNOWN])


TAGS = st.frozensets(
    st.sampled_from(
        ["pbisetup", TAG, LEFT, MANIFEST.tag("prod"), "pbisetup-adopted", MANIFEST.adopted_tag("dev"), "theirs"]
    )
)
apps = st.builds(
    world.registration,
    unique_name=st.sampled_from(["pbisetup-k7f3q2-dev", None, "else"]),
    tags=TAGS,
    owners=st.none() | st.frozensets(st.sampled_from(["admin-id", "dev-id"])),
    passwords=st.lists(
        st.builds(
            world.password,
            st.sampled_from(["k1", "k2"]),
            st.sampled_from(["pbisetup k7f3q2/dev a", "pbisetup zzzzzz/dev a", "by hand"]),
        ),
        max_size=2,
        unique_by=lambda p: p.key_id,
    ).map(tuple),
    federated=st.none() | st.just(()),
)
own_groups = st.builds(
    own_group,
    st.none() | st.frozensets(st.sampled_from([SP, "somebody"])),
    st.sampled_from([None, (), ("in 'x'",)]),
)
roles = st.sampled_from([None, "Viewer", "Member", "Admin"])
anything: st.SearchStrategy[Belongings] = st.builds(
    applied,
    operator=st.sampled_from(
        [ADMIN, FABRIC_ADMIN, DEVELOPER, PIPELINE, replace(PIPELINE, graph_permissions=frozenset())]
    ),
    app=fact(apps),
    deleted=fact(st.builds(DeletedApp, st.just(APP), st.just(CLIENT), st.just("n"), TAGS)),
    siblings=fact(st.sampled_from([(), (Sibling("c", "other"),)])),
    principal=fact(st.just(ServicePrincipal(SP, CLIENT))),
    memberships=fact(st.sampled_from([(), (OURS,), (OURS, THEIRS)])),
    groups=st.fixed_dictionaries({"api": fact(own_groups)}),
    settings=fact(st.sampled_from([{}, {SETTING.name: SETTING}])),
    workspaces=st.fixed_dictionaries({"Reports": fact(st.builds(workspace, roles, roles))}),
    stored=fact(st.sampled_from([world.stored().value, world.stored(client_id="x").value])),
    stored_app_gone=st.booleans(),
    refused=st.frozensets(st.sampled_from(["role-ws-id", "delete-app", "member-g1"])),
)


@given(anything, st.booleans())
def test_only_what_is_proved_ours_is_ever_removed(seen: Belongings, purge: bool) -> None:
    env = replace(ENV, workspaces=(WorkspaceSpec("Member", name="Reports"),))
    plan = None
    with contextlib.suppress(PbisetupError):
        plan = planned(seen, env, purge=purge)
    if plan is None:
        return
    assert set(kinds(plan)) <= PLANNED_KINDS
    ids = [each.id for each in plan.steps]
    assert len(ids) == len(set(ids))
    app = seen.app.value if isinstance(seen.app, Known) else None
    for position, each in enumerate(plan.steps):
        assert each.change in ("remove", "leave")
        assert set(each.needs) <= set(ids[:position]), "a step waits for one that never comes, or comes later"
        assert each.allowed is not False or (each.who and each.because)
        kind = each.action.kind if each.action else ""
        if kind == "delete_application":
            assert app is not None
            assert app.unique_name == "pbisetup-k7f3q2-dev"
            assert app.tags & {TAG, LEFT}
            assert not app.tags & {"pbisetup-adopted", MANIFEST.adopted_tag("dev"), MANIFEST.tag("prod")}
        if kind == "remove_secret":
            assert each.title.startswith("Client secret 'pbisetup k7f3q2/dev ")
        if app is not None and MANIFEST.tag("prod") in app.tags:
            assert kind not in ("remove_workspace_role", "remove_group_member")
        if kind == "delete_group":
            own = seen.groups["api"]
            assert isinstance(own, Known)
            assert own.value.members is not None
            assert own.value.members <= {SP}
            assert seen.siblings == known(())
            assert isinstance(seen.settings, Known)
            assert not seen.settings.value
        assert kind not in ("update_tenant_setting", "purge_application")
