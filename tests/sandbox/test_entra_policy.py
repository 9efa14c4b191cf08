"""Conditional access and the other policies of the tenant: whom they meet, what they ask, what is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.entra_cases import (
    ADMINS,
    APP,
    AZURE_CLI,
    POWER_BI,
    POWER_BI_APP,
    SECRET,
    SP,
    Change,
    add_app,
    app_only,
    as_user,
    both,
    by_device,
    challenge_of,
    for_workloads,
    on_user,
    policy,
    read,
    refresh,
    service_principal,
    staged,
    user_of,
)
from tests.support.tenant import GRAPH, SandboxTenant, State

HQ = "88888888-aaaa-4bbb-8ccc-000000000008"
GROUP = "99999999-aaaa-4bbb-8ccc-000000000009"
OUTER = "99999999-aaaa-4bbb-8ccc-000000000010"


def code(sandbox: SandboxTenant, user: str = "developer", **form: str) -> int:
    """The number of the refusal, 0 where the token was issued."""
    answer = as_user(sandbox, user, **form)
    return 0 if answer.status_code == 200 else int(answer.json()["error_codes"][0])


def nested_groups(state: State) -> None:
    """The developer is in a group that is in another."""
    state["groups"] += [
        {"id": GROUP, "displayName": "Developers", "members": [user_of(state)["id"]]},
        {"id": OUTER, "displayName": "Staff", "members": [GROUP]},
    ]


def aimed(**users: list[str]) -> dict[str, Any]:
    return {"users": {"includeUsers": ["All"], **users}}


BLOCKED, PASSED = 53003, 0
MATCHING = {
    "all users, all apps": (policy("block"), BLOCKED),
    "switched off": (policy("block", on="disabled"), PASSED),
    "report only": (policy("block", on="enabledForReportingButNotEnforced"), PASSED),
    "nobody": (policy("block", users={"includeUsers": ["None"]}), PASSED),
    "another user": (policy("block", users={"includeUsers": [HQ]}), PASSED),
    "guests, and this is a member": (policy("block", users={"includeUsers": ["GuestsOrExternalUsers"]}), PASSED),
    "guests, and this is one": (
        both(policy("block", users={"includeUsers": ["GuestsOrExternalUsers"]}), on_user(userType="Guest")),
        BLOCKED,
    ),
    "a role that the user lacks": (policy("block", users=ADMINS), PASSED),
    "a group through another": (both(nested_groups, policy("block", users={"includeGroups": [OUTER]})), BLOCKED),
    "an excluded group": (both(nested_groups, policy("block", **aimed(excludeGroups=[GROUP]))), PASSED),
    "this app": (policy("block", applications={"includeApplications": [POWER_BI_APP]}), BLOCKED),
    "the client, not the API": (policy("block", applications={"includeApplications": [AZURE_CLI]}), PASSED),
    "all apps but this": (
        policy("block", applications={"includeApplications": ["All"], "excludeApplications": [POWER_BI_APP]}),
        PASSED,
    ),
    "Office 365": (policy("block", applications={"includeApplications": ["Office365"]}), PASSED),
    "browsers only": (policy("block", clientAppTypes=["browser"]), PASSED),
    "desktop clients": (policy("block", clientAppTypes=["mobileAppsAndDesktopClients"]), BLOCKED),
    "the device code flow": (policy("block", authenticationFlows={"transferMethods": "deviceCodeFlow"}), PASSED),
    "anywhere": (policy("block", locations={"includeLocations": ["All"]}), BLOCKED),
    "anywhere but here": (
        both(
            lambda s: s.update(network={"location": HQ}),
            policy("block", locations={"includeLocations": ["All"], "excludeLocations": [HQ]}),
        ),
        PASSED,
    ),
    "anywhere but trusted places": (
        policy("block", locations={"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}),
        BLOCKED,
    ),
    "a trusted place": (
        both(
            lambda s: s.update(network={"location": HQ, "trusted": True}),
            policy("block", locations={"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}),
        ),
        PASSED,
    ),
    "another platform": (policy("block", platforms={"includePlatforms": ["windows"]}), PASSED),
    "users at risk": (policy("block", userRiskLevels=["high"]), PASSED),
    "workloads": (for_workloads("block"), PASSED),
    "a compliant device": (both(policy("compliantDevice"), lambda s: s.update(device={"isCompliant": True})), PASSED),
    "a joined device": (both(policy("domainJoinedDevice"), lambda s: s.update(device={"trustType": "ServerAd"})), PASSED),
    "one of two controls": (
        both(policy("mfa", "compliantDevice"), lambda s: s.update(device={"isCompliant": True})),
        PASSED,
    ),
    "both of two controls": (
        both(policy("mfa", "compliantDevice", operator="AND"), lambda s: s.update(device={"isCompliant": True})),
        50076,
    ),
    "a block beats a second factor": (both(policy("mfa"), policy("block", name="q")), BLOCKED),
}  # fmt: skip


@pytest.mark.parametrize("name", MATCHING)
def test_whom_a_policy_meets(sandbox: SandboxTenant, name: str) -> None:
    change, expected = MATCHING[name]
    sandbox.put_state(change)
    assert code(sandbox) == expected


def test_a_client_reads_which_policies_asked_for_a_second_factor(sandbox: SandboxTenant) -> None:
    sandbox.put_state(both(policy("mfa", name="a"), policy("mfa", name="b"), policy("mfa", name="c", on="disabled")))
    answer = as_user(sandbox)
    assert answer.json()["suberror"] == "basic_action"
    assert challenge_of(answer)["access_token"]["capolids"] == {"essential": True, "values": ["a-0000", "b-0000"]}
    assert POWER_BI_APP in answer.json()["error_description"]


def test_the_v1_endpoint_names_a_policys_refusal_otherwise(sandbox: SandboxTenant) -> None:
    sandbox.put_state(policy("mfa"))
    form = {
        "grant_type": "password",
        "client_id": AZURE_CLI,
        "username": f"developer@{sandbox.domain}",
        "password": sandbox.password,
        "resource": POWER_BI,
    }
    answer = sandbox.http.post(f"/{sandbox.tenant}/oauth2/token", data=form)
    assert (answer.json()["error"], answer.json()["error_codes"]) == ("interaction_required", [50076])
    assert as_user(sandbox).json()["error"] == "invalid_grant"


def test_a_sign_in_with_a_second_factor_lasts_through_refreshes(sandbox: SandboxTenant) -> None:
    sandbox.put_state(policy("mfa"))
    first = by_device(sandbox)
    assert first.status_code == 200, first.text
    again = refresh(sandbox, first.json()["refresh_token"])
    for body in (first.json(), again.json()):
        assert read(body["access_token"])["amr"] == ["pwd", "mfa"]


@pytest.mark.parametrize("able", [{"_mfa": "denied"}, {"_mfaRegistered": False}])
def test_who_cannot_pass_a_second_factor_gets_no_device_token(sandbox: SandboxTenant, able: dict[str, Any]) -> None:
    sandbox.put_state(both(policy("mfa"), on_user(**able)))
    assert by_device(sandbox).json()["error_codes"] == [50076]


def test_security_defaults_ask_administrators_and_everybody_who_manages_azure(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state["policies"].update(securityDefaults={"isEnabled": True}))
    assert code(sandbox, "admin") == 50076
    assert code(sandbox, "developer") == 0
    assert code(sandbox, "developer", scope="https://management.azure.com/.default") == 50076


def test_assignment_to_a_user_or_to_a_group_of_the_user(sandbox: SandboxTenant) -> None:
    def demand(state: State) -> None:
        nested_groups(state)
        service_principal(state, POWER_BI_APP)["appRoleAssignmentRequired"] = True

    def assign(holder: str) -> Change:
        def change(state: State) -> None:
            state["appRoleAssignments"] = [
                {
                    "id": "a",
                    "principalId": user_of(state)["id"] if holder == "user" else holder,
                    "resourceId": service_principal(state, POWER_BI_APP)["id"],
                    "appRoleId": "00000000-0000-0000-0000-000000000000",
                }
            ]

        return change

    sandbox.put_state(demand)
    assert code(sandbox) == 50105
    sandbox.put_state(assign(OUTER))
    assert code(sandbox) == 50105, "a nested group does not count"
    sandbox.put_state(assign(GROUP))
    assert code(sandbox) == 0
    sandbox.put_state(assign("user"))
    assert code(sandbox) == 0


OTHERS = {"clientApplications": {"includeServicePrincipals": [HQ]}}
EXCEPT = {
    "clientApplications": {
        "includeServicePrincipals": ["ServicePrincipalsInMyTenant"],
        "excludeServicePrincipals": [SP],
    }
}


@pytest.mark.parametrize(
    ("change", "application", "expected"),
    [
        (for_workloads("block"), {}, 53003),
        (for_workloads("block", clientApplications={"includeServicePrincipals": [SP]}), {}, 53003),
        (for_workloads("block", **OTHERS), {}, 0),
        (for_workloads("block", **EXCEPT), {}, 0),
        (for_workloads("block"), {"signInAudience": "AzureADMultipleOrgs"}, 0),
        (for_workloads("block", applications={"includeApplications": [APP]}), {}, 0),
        (for_workloads("block", locations={"includeLocations": ["All"], "excludeLocations": [HQ]}), {}, 53003),
        (policy("block"), {}, 0),
    ],
)
def test_policies_for_workload_identities(
    sandbox: SandboxTenant, change: Change, application: dict[str, Any], expected: int
) -> None:
    sandbox.put_state(staged(change, **application))
    answer = app_only(sandbox)
    assert (answer.json().get("error_codes") or [0]) == [expected], answer.text


def test_a_state_with_a_policy_that_is_none_is_told_in_words(sandbox: SandboxTenant) -> None:
    def spoil(state: State) -> None:
        state["conditionalAccessPolicies"] = [
            {"id": "a", "state": "on", "conditions": {"users": {"includeUsers": "All"}, "locations": []}},
            {"id": "b", "state": "enabled"},
        ]
        state["network"] = {"location": 5}
        state["otherClouds"] = {"fabrikam.example": "moon"}
        state["users"][0]["lastPasswordChangeDateTime"] = "yesterday"

    state = sandbox.state()
    spoil(state)
    answer = sandbox.http.put("/_sandbox/state", json=state)
    assert answer.status_code == 400
    text = json.dumps(answer.json()["problems"])
    for said in (
        "conditionalAccessPolicies[0].state must be one of enabled",
        "conditions.users.includeUsers must be a list of texts",
        "conditions.locations must be an object or null",
        "conditionalAccessPolicies[1].conditions must be an object",
        "network.location must be a text or null",
        "otherClouds.fabrikam.example must be one of usgov",
        "users[0].lastPasswordChangeDateTime must be a time",
    ):
        assert said in text


NAMES = st.sampled_from(["All", "None", "GuestsOrExternalUsers", HQ, POWER_BI_APP, "AllTrusted", ""])
LISTS = st.lists(NAMES, max_size=2)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "users": st.fixed_dictionaries({}, optional={"includeUsers": LISTS, "excludeUsers": LISTS}),
            "applications": st.fixed_dictionaries({"includeApplications": LISTS}),
            "locations": st.one_of(st.none(), st.fixed_dictionaries({"includeLocations": LISTS})),
            "clientAppTypes": st.lists(st.sampled_from(["all", "browser", "other"]), max_size=2),
            "authenticationFlows": st.one_of(st.none(), st.just({"transferMethods": "none"})),
            "platforms": st.one_of(st.none(), st.just({"includePlatforms": ["all"]})),
        },
    )
)
def test_any_policy_that_a_state_may_hold_is_decided(sandbox: SandboxTenant, conditions: dict[str, Any]) -> None:
    entry = {"id": "p", "state": "enabled", "conditions": conditions, "grantControls": {"builtInControls": ["block"]}}
    sandbox.put_state(lambda state: state.update(conditionalAccessPolicies=[entry]))
    assert code(sandbox) in (0, 53003)
    assert app_only(sandbox, client_id=sandbox.operator_id, client_secret=sandbox.operator_secret).status_code == 200


def test_an_app_of_the_tenant_with_its_secret_is_the_first_case(sandbox: SandboxTenant) -> None:
    """What the cases above rest on: without a policy the same requests are answered."""
    sandbox.put_state(add_app)
    assert code(sandbox) == 0
    assert app_only(sandbox, client_secret=SECRET, scope=f"{GRAPH}/.default").status_code == 200


def test_a_state_that_nobody_can_mean_is_refused_in_words(sandbox: SandboxTenant) -> None:
    state = sandbox.state()
    on_user(_mfa="deny")(state)
    policy("aControlNobodyKnows")(state)
    answer = sandbox.http.put("/_sandbox/state", json=state)
    assert answer.status_code == 400
    problems = "\n".join(answer.json()["problems"])
    assert "_mfa must be approved, denied or null" in problems
    assert "builtInControls has 'aControlNobodyKnows'" in problems
