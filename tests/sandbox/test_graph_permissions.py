"""The permission table: each row refuses a token without a permission, and a user without the right, and lets others in."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pbisetup.sandbox.bearer import Caller
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.permissions import RULES, check
from pbisetup.sandbox.roles import ROLES
from tests.sandbox.inprocess import Inside

ROLE_NAMES = sorted(ROLES)


def caller(kind: str, object_id: str, *held: str) -> Caller:
    some = frozenset(itertools.chain.from_iterable(each.split("+") for each in held))
    app = kind == "app"
    return Caller(
        "app" if app else "user", object_id, "c", "aud", some if app else frozenset(), frozenset() if app else some, {}
    )


def allowed(inside: Inside, who: Caller, operation: str, target: dict[str, Any] | None) -> bool:
    try:
        check(inside.tenant, who, operation, target)
    except GraphError as refused:
        if refused.row.status != 403:
            raise
        return False
    return True


@pytest.fixture(scope="module")
def inside() -> Inside:
    return Inside()


@pytest.mark.parametrize("operation", RULES)
def test_each_row(inside: Inside, operation: str) -> None:
    rule = RULES[operation]
    assert rule.source
    _, principal = inside.add_app()
    admin = inside.add_user(f"a{operation}", *ROLES.values())
    # no permission at all: nobody
    assert not allowed(inside, caller("app", principal["id"]), operation, None)
    assert not allowed(inside, caller("user", admin["id"], "openid"), operation, None)
    # any one alternative: an app at once, a user with every directory role too
    for alternative in rule.app_roles:
        assert allowed(inside, caller("app", principal["id"], alternative), operation, {"owners": []})
    for alternative in rule.scopes:
        assert allowed(inside, caller("user", admin["id"], alternative), operation, {"owners": []})
    # half of a pair is not enough
    for alternative in rule.scopes:
        first = alternative.split("+")[0]
        if "+" in alternative and first not in rule.scopes:
            assert not allowed(inside, caller("user", admin["id"], first), operation, None)
    # owned only
    for permission in rule.owned:
        who = caller("app", principal["id"], permission)
        assert allowed(inside, who, operation, {"owners": [principal["id"]]})
        assert not allowed(inside, who, operation, {"owners": []})


@pytest.mark.parametrize("operation", RULES)
def test_each_row_for_users(inside: Inside, operation: str) -> None:
    rule = RULES[operation]
    scope = rule.scopes[0]
    for role in ROLE_NAMES:
        user = inside.add_user(f"{operation}{ROLES[role]}", ROLES[role], user_type="Guest")
        expected = role in rule.directory_roles or bool({"anyone", "member", "nothing_yet"} & set(rule.others))
        assert allowed(inside, caller("user", user["id"], scope), operation, None) is expected, role
    member = inside.add_user(f"m{operation}")
    guest = inside.add_user(f"g{operation}", user_type="Guest")
    others = set(rule.others)
    policy = others & {"allowedToCreateApps", "allowedToCreateSecurityGroups"}
    foreign = {"owners": []}
    assert allowed(inside, caller("user", member["id"], scope), operation, foreign) is bool(
        others & {"anyone", "member"} or policy
    )
    assert allowed(inside, caller("user", guest["id"], scope), operation, foreign) is ("anyone" in others)
    own = {"owners": [member["id"]]}
    assert allowed(inside, caller("user", member["id"], scope), operation, own) is bool(
        others & {"anyone", "member", "owner"} or policy
    )


@pytest.mark.parametrize(
    ("policy", "operation", "scope"),
    [
        ("allowedToCreateApps", "applications.create", "Application.ReadWrite.All"),
        ("allowedToCreateSecurityGroups", "groups.create", "Group.ReadWrite.All"),
    ],
)
def test_the_tenant_may_keep_members_from_creating(policy: str, operation: str, scope: str) -> None:
    inside = Inside()
    developer = inside.user("developer")
    who = caller("user", developer["id"], scope)
    assert allowed(inside, who, operation, None)
    inside.tenant.section("policies")[policy] = False
    assert not allowed(inside, who, operation, None)
    developer["directoryRoles"] = [ROLES["Application Developer"]]
    assert allowed(inside, who, operation, None) is (operation == "applications.create")


def test_a_role_through_a_role_assignable_group_counts() -> None:
    inside = Inside()
    developer = inside.user("developer")
    group = inside.add_group(members=[developer["id"]], directoryRoles=[ROLES["Cloud Application Administrator"]])
    who = caller("user", developer["id"], "Application.ReadWrite.All")
    assert not allowed(inside, who, "applications.write", {"owners": []})
    group["isAssignableToRole"] = True
    assert allowed(inside, who, "applications.write", {"owners": []})


def test_the_owner_of_an_app_also_owns_its_service_principal() -> None:
    inside = Inside()
    developer = inside.user("developer")
    app, principal = inside.add_app()
    app["owners"].append(developer["id"])
    who = caller("user", developer["id"], "Application.ReadWrite.All")
    assert allowed(inside, who, "service_principals.write", principal)
