"""Several tenants in one sandbox: two organizations that share Microsoft's addresses and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest

from tests.sandbox.api import fabric, graph, new_app, operator_graph, powerbi
from tests.sandbox.browsing import Person, by_hand
from tests.support.cli import Cli
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant, State

SHARED = ("common", "organizations")


@pytest.fixture(scope="module")
def _process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxTenant]:
    with SandboxTenant(tmp_path_factory.mktemp("tenants"), tenants=2) as tenant:
        yield tenant


@pytest.fixture
def first(_process: SandboxTenant) -> SandboxTenant:
    """The first of two tenants, both as they are before anybody set anything up."""
    _process.reset()
    _process.second.reset()
    _process.clear_requests()
    return _process


@pytest.fixture
def second(first: SandboxTenant) -> SandboxTenant:
    return first.second


def at(sandbox: SandboxTenant, authority: str, **form: str) -> httpx.Response:
    """A token request by Azure CLI at any authority."""
    given = {"client_id": AZURE_CLI, "scope": f"{GRAPH}/.default offline_access", **form}
    return sandbox.http.post(f"/{authority}/oauth2/v2.0/token", data=given)


def with_password(sandbox: SandboxTenant, authority: str, user: str = "developer") -> httpx.Response:
    name = f"{user}@{sandbox.domain}"
    return at(sandbox, authority, grant_type="password", username=name, password=sandbox.password)


def claims(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(jwt.decode(answer.json()["access_token"], options={"verify_signature": False}))


def error(answer: httpx.Response) -> int:
    assert answer.status_code == 400, answer.text
    return int(answer.json()["error_codes"][0])


# who they are


def test_each_has_an_id_a_domain_people_and_an_operator_of_its_own(first: SandboxTenant, second: SandboxTenant) -> None:
    assert first.state()["tenant"]["displayName"] == "Contoso"
    assert second.state()["tenant"] == {
        "id": second.tenant,
        "displayName": "Contoso 2",
        "domain": "contoso2.onmicrosoft.com",
    }
    assert (first.domain, second.domain) == ("contoso.onmicrosoft.com", "contoso2.onmicrosoft.com")
    assert first.domain not in json.dumps(second.state())
    assert {u["userPrincipalName"] for u in second.state()["users"]} == {
        f"{name}@contoso2.onmicrosoft.com" for name in ("admin", "fabricadmin", "developer")
    }
    assert second.operator_id != first.operator_id
    assert claims(second.token(**operator(second)))["tid"] == second.tenant
    ids = [{each["id"] for kind in ("users", "workspaces", "capacities") for each in t.state()[kind]}
           for t in (first, second)]  # fmt: skip
    assert not ids[0] & ids[1]


def operator(tenant: SandboxTenant) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": tenant.operator_id,
        "client_secret": tenant.operator_secret,
        "scope": f"{GRAPH}/.default",
    }


def test_the_ready_line_and_the_variables_name_them_all(first: SandboxTenant, second: SandboxTenant) -> None:
    assert first.ready_line.split()[5:] == [first.domain, second.domain]
    env = first.env()
    assert env["PBISETUP_SANDBOX_TENANTS"] == f"{first.tenant},{second.tenant}"
    assert env["PBISETUP_SANDBOX_TENANT"] == first.tenant
    assert env["PBISETUP_SANDBOX_OPERATOR_ID"] == first.operator_id


def test_one_tenant_alone_is_not_told_of_others(sandbox: SandboxTenant, cli_of: Callable[..., Cli]) -> None:
    assert "PBISETUP_SANDBOX_TENANTS" not in sandbox.env()
    left_over = cli_of(sandbox, PBISETUP_SANDBOX_TENANTS="a,b").ok("sandbox", "env").out
    assert "unset PBISETUP_SANDBOX_TENANTS" in left_over.splitlines()
    assert "PBISETUP_SANDBOX_TENANTS" not in cli_of(sandbox).ok("sandbox", "env").out


@pytest.fixture
def cli_of(tmp_path: Any) -> Callable[..., Cli]:
    return lambda tenant, **more: Cli(tmp_path / "project", {**tenant.env(), **more})


# what one has, the other has not


def test_an_app_of_one_is_nobody_in_the_other(first: SandboxTenant, second: SandboxTenant) -> None:
    app = new_app(graph(first))
    assert graph(first).get(f"/applications/{app.object_id}")["appId"] == app.client_id
    assert graph(second)("GET", f"/applications/{app.object_id}").status_code == 404
    assert graph(second).get(f"/applications?$filter=appId eq '{app.client_id}'")["value"] == []
    assert app.client_id not in {each["appId"] for each in second.state()["applications"]}
    assert first.app_token(app.client_id, app.secret)
    refused = second.token(
        grant_type="client_credentials", client_id=app.client_id, client_secret=app.secret, scope=f"{POWER_BI}/.default"
    )
    assert error(refused) == 700016
    assert "Contoso 2" in refused.json()["error_description"]


def test_a_token_reads_and_writes_its_own_tenant_whatever_it_is_asked_for(
    first: SandboxTenant, second: SandboxTenant
) -> None:
    dev = next(w for w in first.state()["workspaces"] if w["displayName"] == "Reports Dev")
    assert powerbi(first).get(f"/groups/{dev['id']}/reports")["value"]
    assert fabric(first).get(f"/workspaces/{dev['id']}")["displayName"] == "Reports Dev"
    unknown = powerbi(second)("GET", "/groups/11111111-2222-4333-8444-555555555555/reports")
    foreign = powerbi(second)("GET", f"/groups/{dev['id']}/reports")
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
    assert fabric(second)("GET", f"/workspaces/{dev['id']}").status_code == 404
    assert {w["id"] for w in powerbi(second).get("/groups")["value"]} == {w["id"] for w in second.state()["workspaces"]}
    assert graph(second)("GET", f"/organization/{first.tenant}").status_code == 404
    assert graph(second).get("/organization")["value"][0]["id"] == second.tenant

    before = first.state()["groups"]
    operator_graph(second).post(
        "/groups", {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True}
    )
    assert [g["displayName"] for g in second.state()["groups"]] == ["g"]
    assert first.state()["groups"] == before == []


def test_a_batch_stays_where_its_token_is_from(first: SandboxTenant, second: SandboxTenant) -> None:
    asked = [{"id": "1", "method": "GET", "url": "/organization"}, {"id": "2", "method": "GET", "url": "/me"}]
    answers = graph(second).post("/$batch", {"requests": asked}, 200)["responses"]
    bodies = {each["id"]: each["body"] for each in answers}
    assert bodies["1"]["value"][0]["id"] == second.tenant
    assert bodies["2"]["userPrincipalName"] == f"admin@{second.domain}"
    parts = [each for each in first.requests() if each["path"] in ("/v1.0/organization", "/v1.0/me")]
    assert {each["tenant"] for each in parts} == {second.tenant}


@pytest.mark.parametrize("token", ["x", "no.token.at.all", "a.b.c", "a.e30.c", "a.W10.c", "é.é.é", "a." + "x" * 9000])
def test_a_token_that_says_nothing_is_judged_by_the_first(first: SandboxTenant, token: str) -> None:
    answer = first.http.get("/v1.0/me", headers={b"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401
    assert first.requests()[-1]["tenant"] == first.tenant


def test_a_forged_token_gets_nowhere(first: SandboxTenant, second: SandboxTenant) -> None:
    header, payload, _ = second.user_token().split(".")
    _, _, other = first.user_token().split(".")
    answer = first.http.get("/v1.0/me", headers={"Authorization": f"Bearer {header}.{payload}.{other}"})
    assert answer.status_code == 401
    assert first.requests()[-1]["tenant"] == second.tenant


# who signs in where


def test_a_document_describes_the_tenant_that_is_named(first: SandboxTenant, second: SandboxTenant) -> None:
    for tenant in (first, second):
        for name in (tenant.tenant, tenant.domain, tenant.domain.upper()):
            found = first.http.get(f"/{name}/v2.0/.well-known/openid-configuration").json()
            assert tenant.tenant in found["issuer"]
            assert found["token_endpoint"].startswith(f"{first.url}/{tenant.tenant}/")
    common = first.http.get("/common/v2.0/.well-known/openid-configuration").json()
    assert common["issuer"].endswith("/{tenantid}/v2.0")
    keys = [first.http.get(f"/{t.tenant}/discovery/v2.0/keys").json() for t in (first, second)]
    assert keys[0] == keys[1]


def test_every_verified_domain_names_its_tenant(first: SandboxTenant, second: SandboxTenant) -> None:
    second.put_state(lambda state: state["tenant"].update(verifiedDomains=["fabrikam.com"]))
    found = first.http.get("/fabrikam.com/v2.0/.well-known/openid-configuration").json()
    assert second.tenant in found["issuer"]
    realm = first.http.get("/common/userrealm/dana@fabrikam.com").json()
    assert realm["account_type"] == "Managed"


@pytest.mark.parametrize("name", ["fabrikam.onmicrosoft.com", "11111111-2222-4333-8444-555555555555", "nonsense"])
def test_a_tenant_that_none_is_gets_the_answer_of_one_alone(
    first: SandboxTenant, sandbox: SandboxTenant, name: str
) -> None:
    several, alone = (
        (error(at(each, name, **{**operator(each), "client_id": AZURE_CLI}))) for each in (first, sandbox)
    )
    assert several == alone
    assert first.requests()[-1]["tenant"] == first.tenant


def test_at_organizations_a_user_is_of_the_tenant_whose_domain_the_name_has(
    first: SandboxTenant, second: SandboxTenant
) -> None:
    for tenant in (first, second):
        found = claims(with_password(tenant, "organizations"))
        assert (found["tid"], found["upn"]) == (tenant.tenant, f"developer@{tenant.domain}")
        realm = first.http.get(f"/common/userrealm/developer@{tenant.domain}").json()
        assert realm["account_type"] == "Managed"
    assert first.http.get("/common/userrealm/x@elsewhere.com").json()["account_type"] == "Unknown"
    assert error(with_password(second, first.tenant)) == 50034


@pytest.mark.parametrize("authority", SHARED)
def test_a_refresh_token_goes_on_in_its_own_tenant(second: SandboxTenant, authority: str) -> None:
    given = with_password(second, second.domain).json()["refresh_token"]
    renewed = at(second, authority, grant_type="refresh_token", refresh_token=given)
    assert claims(renewed)["tid"] == second.tenant


def test_a_refresh_token_of_one_is_worth_nothing_in_the_other(first: SandboxTenant, second: SandboxTenant) -> None:
    given = with_password(second, "organizations").json()["refresh_token"]
    refused = at(first, first.domain, grant_type="refresh_token", refresh_token=given)
    assert error(refused) == 50020
    said = refused.json()["error_description"]
    assert f"'https://sts.windows.net/{second.tenant}/' does not exist in tenant 'Contoso'" in said


def test_a_person_in_a_browser_ends_in_the_tenant_of_the_name_they_type(
    first: SandboxTenant, second: SandboxTenant
) -> None:
    for tenant in (first, second):
        tenant.put_state(by_hand)
    person = Person(second)
    assert "Sign in" in person.authorize(tenant="organizations").text
    person.sign_in("developer")
    redeemed = at(
        first,
        "organizations",
        grant_type="authorization_code",
        code=person.sent["code"],
        redirect_uri="http://localhost:8765",
    )
    assert claims(redeemed)["upn"] == f"developer@{second.domain}"

    # The browser is signed in there now, and nowhere else.
    person.authorize(tenant="organizations", prompt="none")
    assert person.sent["state"] == "my state&1"
    assert "code" in person.sent
    person.authorize(tenant=first.domain, prompt="none")
    assert person.sent["error"] == "login_required"


def test_a_hint_leads_to_the_right_tenant_before_anybody_types(first: SandboxTenant, second: SandboxTenant) -> None:
    for tenant in (first, second):
        tenant.put_state(by_hand)
        person = Person(first)
        assert tenant.domain in person.authorize(tenant="common", login_hint=f"developer@{tenant.domain}").text
        person.press("signin", passwd=tenant.password)
        assert claims(at(first, "common", grant_type="authorization_code", code=person.sent["code"],
                         redirect_uri="http://localhost:8765"))["tid"] == tenant.tenant  # fmt: skip


# device codes


def device(sandbox: SandboxTenant, authority: str) -> dict[str, Any]:
    form = {"client_id": AZURE_CLI, "scope": f"{GRAPH}/.default"}
    return dict(sandbox.http.post(f"/{authority}/oauth2/v2.0/devicecode", data=form).json())


def poll(sandbox: SandboxTenant, code: dict[str, Any], authority: str) -> httpx.Response:
    return at(sandbox, authority, grant_type="device_code", device_code=code["device_code"])


def test_each_tenant_approves_its_own_codes_by_itself(first: SandboxTenant, second: SandboxTenant) -> None:
    second.put_state(lambda state: state.update(auto_approve="developer"))
    found = [claims(poll(t, device(t, t.domain), t.domain)) for t in (first, second)]
    assert [each["upn"] for each in found] == [f"admin@{first.domain}", f"developer@{second.domain}"]
    nobody_said = claims(poll(first, device(first, "organizations"), "organizations"))
    assert nobody_said["tid"] == first.tenant


def test_a_code_of_organizations_is_its_users(first: SandboxTenant, second: SandboxTenant) -> None:
    first.put_state(by_hand)
    code = device(first, "organizations")
    assert poll(first, code, "organizations").json()["error"] == "authorization_pending"
    first.approve(code["user_code"], f"fabricadmin@{second.domain}")  # the control path finds the tenant by the user
    assert claims(poll(first, code, "organizations"))["upn"] == f"fabricadmin@{second.domain}"
    assert poll(first, code, "organizations").json()["error"] == "bad_verification_code"

    code = device(first, "organizations")
    second.approve(code["user_code"], "developer")
    assert claims(poll(first, code, second.tenant))["upn"] == f"developer@{second.domain}"


def test_a_tenants_own_code_is_found_and_takes_its_own_people_alone(
    first: SandboxTenant, second: SandboxTenant
) -> None:
    second.put_state(by_hand)
    code = device(first, second.domain)
    path = f"/_sandbox/devicecodes/{code['user_code']}"
    assert first.http.post(path, json={"user": f"admin@{first.domain}"}).status_code == 404
    assert poll(first, code, second.domain).json()["error"] == "authorization_pending"
    first.approve(code["user_code"], "developer")
    assert claims(poll(first, code, second.domain))["upn"] == f"developer@{second.domain}"


@pytest.mark.parametrize("authority", ["organizations", "contoso2.onmicrosoft.com"])
def test_the_page_for_codes_leads_everybody_to_their_own_tenant(
    first: SandboxTenant, second: SandboxTenant, authority: str
) -> None:
    for tenant in (first, second):
        tenant.put_state(by_hand)
    code = device(first, authority)
    person = Person(second)
    person.open("/common/oauth2/deviceauth")
    person.press("next", otc=code["user_code"])
    person.sign_in("developer")
    assert "You have signed in" in person.press("continue").text
    assert claims(poll(first, code, authority))["upn"] == f"developer@{second.domain}"


# control


def test_control_moves_one_and_leaves_the_other(first: SandboxTenant, second: SandboxTenant) -> None:
    before = first.state()
    second.put_state(lambda state: state["workspaces"].clear())
    second.advance(90_000)
    assert second.state()["clock"]["offset_seconds"] == 90_000
    assert first.state() == before
    second.reset("locked-down")
    assert second.state()["policies"]["allowedToCreateApps"] is False
    assert second.state()["tenant"]["domain"] == second.domain
    assert first.state() == before
    first.reset("developer")
    assert second.state()["policies"]["allowedToCreateApps"] is False


def test_faults_and_delays_are_one_tenants(first: SandboxTenant, second: SandboxTenant) -> None:
    mine, theirs = graph(first), graph(second)
    second.faults({"match": {"path": "/organization"}, "status": 503, "times": None})
    assert theirs("GET", "/organization").status_code == 503
    assert mine("GET", "/organization").status_code == 200
    second.faults()
    assert theirs("GET", "/organization").status_code == 200


def test_one_log_tells_whose_each_request_was(first: SandboxTenant, second: SandboxTenant) -> None:
    graph(first).get("/me")
    graph(second).get("/me")
    read = [each for each in first.requests("GET") if each["path"] == "/v1.0/me"]
    assert [each["tenant"] for each in read] == [first.tenant, second.tenant]
    assert {each["tenant"] for each in second.requests()} == {second.tenant}
    second.clear_requests()
    assert second.requests() == []
    assert {each["tenant"] for each in first.requests()} == {first.tenant}
    first.clear_requests()
    assert first.requests() == []


def test_assertions_are_the_tenants_that_is_asked(first: SandboxTenant, second: SandboxTenant) -> None:
    asked = {"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:contoso/reports:ref:main"}
    second.advance(50_000)
    issued = [jwt.decode(each.control("POST", "assertions", asked)["assertion"], options={"verify_signature": False})
              for each in (first, second)]  # fmt: skip
    assert 49_000 < issued[1]["iat"] - issued[0]["iat"] < 51_000


@pytest.mark.parametrize("path", ["state", "requests", "info"])
def test_a_tenant_that_none_is_is_said_to_be_none(first: SandboxTenant, second: SandboxTenant, path: str) -> None:
    answer = first.http.get(f"/_sandbox/{path}", params={"tenant": "fabrikam.com"})
    assert answer.status_code == 404
    for said in ("'fabrikam.com'", first.domain, second.tenant):
        assert said in answer.json()["error"]


def test_one_tenant_alone_answers_to_its_own_names_only(sandbox: SandboxTenant) -> None:
    for name in (sandbox.tenant, sandbox.domain):
        assert sandbox.http.get("/_sandbox/state", params={"tenant": name}).status_code == 200
    assert sandbox.http.post("/_sandbox/reset", params={"tenant": "contoso2.onmicrosoft.com"}).status_code == 404


def test_no_tenant_can_take_anothers_name(first: SandboxTenant, second: SandboxTenant) -> None:
    before = second.state()
    for change in ({"id": first.tenant}, {"domain": first.domain.upper()}, {"verifiedDomains": [first.domain]}):
        state = {**before, "tenant": {**before["tenant"], **change}}
        answer = first.http.put("/_sandbox/state", params={"tenant": second.tenant}, json=state)
        assert answer.status_code == 400, change
        assert "another tenant's" in answer.json()["error"]
    assert second.state() == before


def test_reset_and_approve_on_the_command_line(
    first: SandboxTenant, second: SandboxTenant, cli_of: Callable[..., Cli]
) -> None:
    cli = cli_of(first)
    second.put_state(lambda state: state["workspaces"].clear())
    first.put_state(lambda state: state["workspaces"].clear())
    cli.ok("sandbox", "reset", "--tenant", second.domain)
    assert len(second.state()["workspaces"]) == 3
    assert first.state()["workspaces"] == []
    wrong = cli("sandbox", "reset", "--tenant", "fabrikam.com")
    assert wrong.code == 2
    assert second.domain in wrong.err

    second.put_state(by_hand)
    code = device(first, second.domain)
    cli.ok("sandbox", "approve", code["user_code"])
    assert claims(poll(first, code, second.domain))["upn"] == f"admin@{second.domain}"


# from start to end


def test_a_scenario_is_every_tenants(start_sandbox: Callable[..., SandboxTenant]) -> None:
    first = start_sandbox("--scenario", "model-elsewhere", tenants=2)
    texts = [json.dumps(each.state()["caller"]) for each in (first, first.second)]
    assert texts[0] != "{}"
    assert len(first.state()["applications"]) == len(first.second.state()["applications"]) == 2
    assert first.domain not in json.dumps(first.second.state())
    apps = [{a["appId"] for a in each.state()["applications"]} for each in (first, first.second)]
    assert not apps[0] & apps[1]


def test_a_scenario_of_ones_own_that_names_the_domain_serves_for_all(
    start_sandbox: Callable[..., SandboxTenant], tmp_path: Any
) -> None:
    scenario = tmp_path / "own.toml"
    scenario.write_text(
        'base = "default"\n[tenant]\nverifiedDomains = ["contoso.com"]\n'
        '[users."developer@contoso.onmicrosoft.com"]\nmail = "dana@contoso.com"\n'
    )
    second = start_sandbox("--scenario", str(scenario), tenants=2).second
    developer = next(u for u in second.state()["users"] if u["userPrincipalName"].startswith("developer@"))
    assert developer["userPrincipalName"] == "developer@contoso2.onmicrosoft.com"
    assert developer["mail"] == "dana@contoso2.com"
    assert second.state()["tenant"]["verifiedDomains"] == ["contoso2.com"]


def test_a_restart_keeps_all_of_them(start_sandbox: Callable[..., SandboxTenant]) -> None:
    before = start_sandbox(name="kept", tenants=3)
    app = new_app(graph(before.second))
    issuer = {"issuer": "https://issuer.example", "subject": "s"}
    assertion = before.number(3).control("POST", "assertions", issuer)["assertion"]
    token = before.second.user_token()
    refresh = with_password(before.second, "organizations").json()["refresh_token"]
    names = [(each.tenant, each.domain) for each in (before, before.second, before.number(3))]
    assert before.close() == 0

    after = start_sandbox(name="kept", tenants=3)
    assert [(each.tenant, each.domain) for each in (after, after.second, after.number(3))] == names
    assert graph(after.second).get(f"/applications/{app.object_id}")["displayName"] == "reports"
    assert graph(after, token=token).get("/organization")["value"][0]["id"] == after.second.tenant
    assert claims(at(after, "organizations", grant_type="refresh_token", refresh_token=refresh))["tid"] == names[1][0]
    trust = {**issuer, "name": "n", "audiences": ["api://AzureADTokenExchange"]}
    graph(after.second).post(f"/applications/{app.object_id}/federatedIdentityCredentials", trust)
    exchanged = after.second.token(
        grant_type="client_credentials",
        client_id=app.client_id,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=assertion,
        scope=f"{GRAPH}/.default",
    )
    assert claims(exchanged)["tid"] == after.second.tenant
    after.close()

    # Fewer at the next start: those left out wait in their files.
    alone = start_sandbox(name="kept")
    assert (alone.tenant, alone.domain) == names[0]
    assert alone.ready_line.split()[5:] == [alone.domain]
    alone.close()
    assert start_sandbox(name="kept", tenants=2).second.tenant == names[1][0]


def test_two_files_of_one_tenant_do_not_start(start_sandbox: Callable[..., SandboxTenant]) -> None:
    first = start_sandbox(name="twice", tenants=2)
    first.close()
    first.second.state_file.write_bytes(first.state_file.read_bytes())
    with pytest.raises(RuntimeError, match="two tenants would be named"):
        start_sandbox(name="twice", tenants=2)


@pytest.mark.parametrize("number", ["0", "10", "two"])
def test_how_many_there_can_be(tmp_path: Any, number: str) -> None:
    ran = Cli(tmp_path)("sandbox", "start", "--tenants", number)
    assert ran.code == 2
    assert "--tenants" in ran.err


def test_garbage_reaches_nobody_and_breaks_nothing(first: SandboxTenant) -> None:
    """Whatever a request holds, choosing the tenant never fails."""
    code = device(first, "organizations")["user_code"]
    bodies: tuple[bytes, ...] = (
        b"",
        b"\xff\xfe",
        b"{",
        b'{"user": 1}',
        b"otc=\x00&flow=x&login=@",
        b"refresh_token=a.b",
    )
    for path in (
        "/", "/common", "/organizations/oauth2/v2.0/token", "/common/login", "/common/userrealm/", "/common/userrealm/@",
        "/devicelogin", f"/_sandbox/devicecodes/{code}", "/_sandbox/devicecodes/", "/msi/token", "/metadata/identity/x",
    ):  # fmt: skip
        for body in bodies:
            for method in ("GET", "POST"):
                answer = first.http.request(method, path, content=body, headers={"Cookie": "x"})
                assert answer.status_code != 500, (method, path, body)
    assert "Traceback" not in first.stderr()


def test_a_state_changes_only_its_own_file(first: SandboxTenant, second: SandboxTenant) -> None:
    before = first.state_file.read_bytes()

    def rename(state: State) -> None:
        state["workspaces"][0]["displayName"] = "Another name"

    second.put_state(rename)
    assert "Another name" in second.state_file.read_text(encoding="utf-8")
    assert first.state_file.read_bytes() == before
