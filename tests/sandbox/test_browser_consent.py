"""What an app asks for, who may agree, and what agreeing writes; and the administrator's own page."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.browsing import APP, GRAPH_APP, POWER_BI_APP, REDIRECT, Person, add_app, by_hand, done, grants
from tests.support.tenant import GRAPH, POWER_BI, SandboxTenant, State

BASIC = "offline_access openid profile"
Grants = list[tuple[str, str | None, str]]


def ask(
    sandbox: SandboxTenant, user: str = "developer", scope: str = f"{POWER_BI}/Report.Read.All", **query: str
) -> Person:
    person = Person(sandbox)
    person.authorize(client_id=APP, redirect_uri=REDIRECT, scope=scope, **query)
    person.sign_in(user)
    return person


def scp(person: Person, **form: str) -> list[str]:
    answer = person.redeem(APP, redirect_uri=REDIRECT, **form)
    assert answer.status_code == 200, answer.text
    token = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return sorted(str(token["scp"]).split())


def prepared(sandbox: SandboxTenant, *scopes: str, **more: Any) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), add_app(state, *scopes, **more)))


def test_a_user_agrees_for_themselves(sandbox: SandboxTenant) -> None:
    prepared(sandbox)
    person = ask(sandbox)
    page = person.page
    assert "Permissions requested" in page.text
    assert "Reports & <b>more</b>" in page.text, "a hostile name is shown, not rendered"
    assert "<b>more" not in person.answer.text
    assert "unverified" in page.text
    assert "Report.Read.All" in page.text
    assert "Maintain access to data" in page.text
    assert "everybody" not in str(page.controls)
    assert grants(sandbox.state()) == []
    person.press("accept")
    assert grants(sandbox.state()) == [("Principal", "developer", "Report.Read.All"), ("Principal", "developer", BASIC)]
    made = [s for s in sandbox.state()["servicePrincipals"] if s["appId"] == APP]
    assert [(s["displayName"], s["accountEnabled"]) for s in made] == [("Reports & <b>more</b>", True)]
    assert scp(person) == ["Report.Read.All"]
    person.authorize(client_id=APP, redirect_uri=REDIRECT, scope=f"{POWER_BI}/Report.Read.All", prompt="none")
    assert "code" in person.sent, "the second time nobody is asked"


def test_more_is_asked_for_later_and_only_that_is_new(sandbox: SandboxTenant) -> None:
    prepared(sandbox)
    person = ask(sandbox)
    person.press("accept")
    page = person.authorize(client_id=APP, redirect_uri=REDIRECT, scope=f"{POWER_BI}/Dataset.Read.All")
    assert "Dataset.Read.All" in page.text
    assert "Report.Read.All" not in page.text
    person.press("accept")
    assert scp(person) == ["Dataset.Read.All", "Report.Read.All"]
    page = person.authorize(client_id=APP, redirect_uri=REDIRECT, scope=f"{POWER_BI}/Report.Read.All", prompt="consent")
    assert "Report.Read.All" in page.text


def test_default_asks_for_all_that_the_app_declares(sandbox: SandboxTenant) -> None:
    prepared(sandbox, "Report.Read.All", "Dataset.Read.All")
    person = ask(sandbox, scope=f"{POWER_BI}/.default")
    person.press("accept")
    assert scp(person) == ["Dataset.Read.All", "Report.Read.All"]
    v1 = Person(sandbox)
    v1.authorize(v1=True, client_id=APP, redirect_uri=REDIRECT, resource=POWER_BI)
    v1.sign_in("developer")
    assert "code" in v1.sent


def test_several_apis_are_agreed_to_at_once_and_redeemed_one_by_one(sandbox: SandboxTenant) -> None:
    prepared(sandbox)
    person = ask(sandbox, scope=f"{POWER_BI}/Report.Read.All {GRAPH}/User.Read offline_access")
    assert "Report.Read.All" in person.page.text
    assert "Sign you in and read your profile" in person.page.text
    person.press("accept")
    assert scp(person) == ["Report.Read.All"]


@pytest.mark.parametrize(("tick", "expected"), [("", "Principal"), ("true", "AllPrincipals")])
def test_an_administrator_may_agree_for_everybody(sandbox: SandboxTenant, tick: str, expected: str) -> None:
    prepared(sandbox, "Report.Read.All", "Tenant.Read.All")
    person = ask(sandbox, "admin", f"{POWER_BI}/Tenant.Read.All")
    assert "Consent on behalf of your organization" in person.page.text
    person.press("accept", **({"everybody": tick} if tick else {}))
    found = grants(sandbox.state())
    assert {kind for kind, _, _ in found} == {expected}
    assert "Tenant.Read.All" in [names for _, _, names in found]
    if tick:
        other = ask(sandbox, "developer", f"{POWER_BI}/Tenant.Read.All")
        assert "code" in other.sent


@pytest.mark.parametrize(
    ("policies", "scope", "may"),
    [
        (None, f"{POWER_BI}/Report.Read.All", True),
        (None, f"{POWER_BI}/Tenant.Read.All", False),
        (["ManagePermissionGrantsForSelf.microsoft-user-default-recommended"], f"{POWER_BI}/Report.Read.All", True),
        (["managePermissionGrantsForSelf.microsoft-user-default-legacy"], f"{POWER_BI}/Report.Read.All", True),
        (["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"], f"{POWER_BI}/Tenant.Read.All", False),
        (["ManagePermissionGrantsForSelf.microsoft-user-default-low"], f"{POWER_BI}/Report.Read.All", False),
        (["ManagePermissionGrantsForSelf.microsoft-user-default-low"], f"{POWER_BI}/Dataset.Read.All", True),
        (["ManagePermissionGrantsForOwnedResource.something"], f"{POWER_BI}/Report.Read.All", False),
        ([], f"{POWER_BI}/Report.Read.All", False),
        ([], "User.Read", False),
    ],
)
def test_who_may_agree_is_the_tenants_policy(
    sandbox: SandboxTenant, policies: list[str] | None, scope: str, may: bool
) -> None:
    prepared(sandbox)

    def stage(state: State) -> None:
        if policies is not None:
            state["policies"]["permissionGrantPoliciesAssigned"] = policies
        for principal, names in ((POWER_BI_APP, ("Dataset.Read.All",)), (GRAPH_APP, BASIC.split())):
            found = next(s for s in state["servicePrincipals"] if s["appId"] == principal)
            found["delegatedPermissionClassifications"] = [
                {"permissionName": name, "classification": "low"} for name in names
            ]

    sandbox.put_state(stage)
    person = ask(sandbox, scope=scope)
    if may:
        person.press("accept")
        assert "code" in person.sent
    else:
        assert "Need admin approval" in person.page.text
        assert grants(sandbox.state()) == []
        person.press("cancel")
        assert person.sent["error"] == "access_denied"


def test_a_page_that_was_left_open_does_not_outlive_the_policy(sandbox: SandboxTenant) -> None:
    prepared(sandbox)
    person = ask(sandbox)
    sandbox.put_state(lambda state: state["policies"].update(permissionGrantPoliciesAssigned=[]))
    assert "Need admin approval" in person.press("accept").text
    assert grants(sandbox.state()) == []


def test_an_administrator_can_step_in(sandbox: SandboxTenant) -> None:
    prepared(sandbox)
    person = ask(sandbox, scope=f"{POWER_BI}/Tenant.Read.All")
    person.press("other")
    person.sign_in("admin")
    person.press("accept", everybody="true")
    assert "code" in person.sent


def test_a_request_goes_to_the_administrators_where_the_workflow_is_on(sandbox: SandboxTenant) -> None:
    prepared(sandbox)
    sandbox.put_state(lambda state: state["policies"].update(adminConsentRequestPolicy={"isEnabled": True}))
    person = ask(sandbox, scope=f"{POWER_BI}/Tenant.Read.All")
    assert "AADSTS90095" in person.page.text
    assert "Write why" in person.press("request").text
    assert "Request sent" in person.press("request", reason="We report <b>numbers</b>").text
    person.press("back")
    assert person.sent["error_description"].startswith("AADSTS65004: ")
    request = sandbox.state()["policies"]["adminConsentRequests"][0]
    assert (request["appId"], request["reason"]) == (APP, "We report <b>numbers</b>")
    assert {"displayName": "Tenant.Read.All"} in request["pendingScopes"]


def test_an_app_that_wants_its_users_assigned_needs_an_administrator_first(sandbox: SandboxTenant) -> None:
    def stage(state: State) -> None:
        by_hand(state)
        add_app(state, service_principal=True)
        state["servicePrincipals"][-1]["appRoleAssignmentRequired"] = True

    sandbox.put_state(stage)
    person = ask(sandbox)
    assert "AADSTS50105" in person.page.text


# the administrator's page


def app_with_roles(state: State, resource: str, role: str) -> dict[str, Any]:
    app = add_app(state)
    found = next(s for s in state["servicePrincipals"] if s["appId"] == resource)
    id_ = next(r["id"] for r in found["appRoles"] if r["value"] == role)
    app["requiredResourceAccess"].append({"resourceAppId": resource, "resourceAccess": [{"id": id_, "type": "Role"}]})
    return app


def roles(state: State) -> list[str]:
    apps = {s["id"]: s["appId"] for s in state["servicePrincipals"]}
    names = {r["id"]: r["value"] for s in state["servicePrincipals"] for r in s["appRoles"]}
    return [names[a["appRoleId"]] for a in state["appRoleAssignments"] if apps[a["principalId"]] == APP]


def test_everything_declared_is_granted_to_everybody(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(app_with_roles(state, POWER_BI_APP, "Tenant.Read.All")))
    person = Person(sandbox)
    page = person.open(f"/{sandbox.tenant}/adminconsent", client_id=APP, redirect_uri=REDIRECT, state="s 1")
    assert "review for your organization" in page.text
    assert "Tenant.Read.All" in page.text
    assert "Report.Read.All" in page.text
    person.press("accept")
    assert person.sent == {"admin_consent": "True", "tenant": sandbox.tenant, "state": "s 1"}
    state = sandbox.state()
    assert grants(state) == [("AllPrincipals", None, "Report.Read.All")]
    assert roles(state) == ["Tenant.Read.All"]
    person.open(f"/{sandbox.tenant}/adminconsent", client_id=APP, redirect_uri=REDIRECT)
    person.press("accept")
    assert roles(sandbox.state()) == ["Tenant.Read.All"], "agreeing twice assigns nothing twice"


def test_v2_grants_what_scope_names(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(app_with_roles(state, POWER_BI_APP, "Tenant.Read.All")))
    person = Person(sandbox)
    path = "/organizations/v2.0/adminconsent"
    tenant_path = f"/{sandbox.tenant}/v2.0/adminconsent"
    person.open(path, client_id=APP, redirect_uri=REDIRECT, scope="x")
    assert "AADSTS50194" in person.page.text, "a single-tenant app has no business at organizations"
    person.open(tenant_path, client_id=APP, redirect_uri=REDIRECT, scope=f"{POWER_BI}/Dataset.Read.All")
    person.press("accept")
    assert person.sent["scope"] == f"{POWER_BI}/Dataset.Read.All"
    assert roles(sandbox.state()) == []
    person.open(tenant_path, client_id=APP, redirect_uri=REDIRECT, scope=f"{POWER_BI}/.default")
    person.press("accept")
    assert roles(sandbox.state()) == ["Tenant.Read.All"]
    for missing in ("scope", "redirect_uri", "client_id"):
        query = {"client_id": APP, "redirect_uri": REDIRECT, "scope": f"{POWER_BI}/.default"}
        page = person.open(tenant_path, **{k: v for k, v in query.items() if k != missing})
        assert "AADSTS900144" in page.text
        assert missing in page.text


@pytest.mark.parametrize(
    ("resource", "role", "user", "may"),
    [
        (POWER_BI_APP, "Tenant.Read.All", "Cloud Application Administrator", True),
        (POWER_BI_APP, "Tenant.Read.All", "Fabric Administrator", False),
        (GRAPH_APP, "Application.Read.All", "Cloud Application Administrator", False),
        (GRAPH_APP, "Application.Read.All", "Privileged Role Administrator", True),
        (GRAPH_APP, "Application.Read.All", "Global Administrator", True),
    ],
)
def test_who_may_agree_for_everybody(sandbox: SandboxTenant, resource: str, role: str, user: str, may: bool) -> None:
    from pbisetup.sandbox.roles import ROLES

    def stage(state: State) -> None:
        app_with_roles(state, resource, role)
        state["auto_approve"] = "developer"
        next(u for u in state["users"] if u["displayName"] == "Dana Developer")["directoryRoles"] = [ROLES[user]]

    sandbox.put_state(stage)
    person = Person(sandbox)
    page = person.open(f"/{sandbox.tenant}/adminconsent", client_id=APP, redirect_uri=REDIRECT)
    if may:
        person.press("accept")
        assert roles(sandbox.state()) == [role]
    else:
        assert "AADSTS90094" in page.text
        person.press("cancel")
        assert person.sent["admin_consent"] == "True"
        assert person.sent["error"] == "access_denied"
        assert roles(sandbox.state()) == []


def test_prompt_admin_consent_on_v1(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(app_with_roles(state, POWER_BI_APP, "Tenant.Read.All")))
    person = Person(sandbox)
    person.authorize(v1=True, client_id=APP, redirect_uri=REDIRECT, resource=POWER_BI, prompt="admin_consent")
    person.press("accept")
    assert "code" in person.sent
    assert roles(sandbox.state()) == ["Tenant.Read.All"]


# pages as such


def test_every_page_is_protected_and_accessible(sandbox: SandboxTenant) -> None:
    prepared(sandbox)
    person = Person(sandbox)
    seen = []
    person.authorize(
        client_id=APP, redirect_uri=REDIRECT, scope=f"{POWER_BI}/Report.Read.All", response_mode="form_post"
    )
    seen.append(person.answer)
    person.press("next", login="developer")
    seen.append(person.answer)
    person.press("signin", passwd=sandbox.password)
    seen.append(person.answer)
    person.press("accept")
    seen.append(person.answer)
    person.open("/common/oauth2/deviceauth")
    seen.append(person.answer)
    person.authorize(client_id="")
    seen.append(person.answer)
    nonces = set()
    for answer in seen:
        policy = answer.headers["content-security-policy"]
        for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert part in policy
        nonces.add(policy.split("'nonce-")[1].split("'")[0])
        assert answer.headers["x-frame-options"] == "DENY"
        assert "no-store" in answer.headers["cache-control"]
        assert "Local sandbox" in answer.text
        assert '<html lang="en">' in answer.text
        assert "://" not in answer.text.replace(REDIRECT, ""), "nothing is loaded from anywhere"
        assert answer.text.count("<h1>") == 1
        page = Person.page.fget(type("P", (), {"answer": answer}))
        for control in page.controls:
            if control.get("type") != "hidden":
                assert control["id"] in page.labels
    assert len(nonces) == len(seen)
    assert "form-action 'self' http://localhost:8765;" in seen[0].headers["content-security-policy"]


def test_a_forged_answer_is_refused(sandbox: SandboxTenant) -> None:
    prepared(sandbox)
    person = ask(sandbox)
    page = person.page
    other = Person(sandbox)
    for jar, fields in ((other, page.fields), (person, {**page.fields, "flow": "x"}), (person, {})):
        answer = jar.http.post(page.action, data={**fields, "do": "accept"})
        assert answer.status_code == 400
        assert "AADSTS50089" in answer.text
    stale = person.http.post(page.action, data={**page.fields, "step": "password", "passwd": "x"})
    assert "Permissions requested" in stale.text, "an old page shows where the sign-in is"
    assert grants(sandbox.state()) == []


names = st.sampled_from(
    ["client_id", "redirect_uri", "response_type", "response_mode", "scope", "prompt", "login_hint", "state", "resource",
     "code_challenge", "code_challenge_method", "nonce", "flow", "step", "user_code"]
)  # fmt: skip
values = st.one_of(
    st.text(max_size=20),
    st.sampled_from([APP, REDIRECT, "code", "id_token", "none", "login",
                     "http://localhost:99999999/", "http://[", "//", "a:",
                     "fragment", "form_post", f"{POWER_BI}/.default", "developer", "S256", "javascript:alert(1)"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.dictionaries(names, values, max_size=8), path=st.sampled_from(
    ["oauth2/v2.0/authorize", "oauth2/authorize", "adminconsent", "v2.0/adminconsent", "oauth2/logout", "login",
     "oauth2/deviceauth"]), post=st.booleans())  # fmt: skip
def test_garbage_is_answered_by_the_service(
    sandbox: SandboxTenant, query: dict[str, str], path: str, post: bool
) -> None:
    url = f"/{sandbox.tenant}/{path}"
    answer = sandbox.http.post(url, data=query) if post else sandbox.http.get(url, params=query)
    assert answer.status_code in (200, 302, 400, 404), answer.text
    assert "javascript:" not in answer.headers.get("location", "")
