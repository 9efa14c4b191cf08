"""The road to an XMLA connection, as Analysis Services clients go it; and each row of its table of refusals."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from pbisetup.sandbox.wire import Call, Reply
from pbisetup.sandbox.xmla.causes import CAUSES, CLIENT_TEXTS, HEADER, TABLE
from pbisetup.sandbox.xmla.service import unknown
from tests.sandbox.gate_cases import TOKEN_FAULTS, Cases, bad_token, kept_out, workspace
from tests.sandbox.inprocess import ORIGIN, Inside
from tests.support.tenant import POWER_BI, SandboxTenant

LIST = "/powerbi/databases/v201606/workspaces"
TOKEN = "/metadata/v201606/generateastoken"
RESOLVE = "/webapi/clusterResolve"
DISCOVER = "/powerbi/globalservice/v201606/environments/discover"
XMLA = "OnPremAnalyzeInExcel"
PUBLIC_APIS = "ServicePrincipalAccessPermissionAPIs"
PROFILES = "AllowServicePrincipalsCreateAndUseProfiles"
case = Cases()


def as_app(inside: Inside, method: str = "GET", path: str = LIST, body: Any = None, **more: Any) -> Reply:
    inside.setting(PUBLIC_APIS)
    principal = inside.add_app()[1]["id"]
    workspace(inside)["roleAssignments"].append(
        {"id": principal, "principal": {"id": principal, "type": "ServicePrincipal"}, "role": "Member"}
    )
    token = inside.token("xmla", principal, **more.pop("claims", {}))
    return inside.call("xmla", method, path, token, body, **more)


def wanted(inside: Inside, **more: Any) -> dict[str, Any]:
    item = workspace(inside)
    return {"capacityObjectId": f"{item['capacityId']}/", "workspaceObjectId": item["id"], "datasetName": None, **more}


for fault in TOKEN_FAULTS:
    case[f"token_{fault}"] = lambda inside, fault=fault: inside.call(
        "xmla", "GET", LIST, bad_token(inside, "xmla", fault)
    )


@case("token_of_another_cloud")
def _(inside: Inside) -> Reply:
    return as_app(inside, claims={"aud": "https://analysis.usgovcloudapi.net/powerbi/api"})


@case("tenant_of_another_cloud")
def _(inside: Inside) -> Reply:
    inside.tenant.section("tenant")["cloud"] = "gcc"
    return as_app(inside, origin="https://api.powerbi.com")


@case("azure_cli")
def _(inside: Inside) -> Reply:
    inside.tenant.section("unknowns")["azureCliOnXmla"] = "refused"
    client = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    token = inside.token("xmla", inside.user("admin")["id"], scp="user_impersonation", appid=client)
    return inside.call("xmla", "GET", LIST, token)


@case("user_unlicensed")
def _(inside: Inside) -> Reply:
    user = inside.user("developer")
    user["powerBiLicense"] = "none"
    return inside.call("xmla", "GET", LIST, inside.token("xmla", user["id"], scp="user_impersonation"))


@case("service_principal_not_admitted")
def _(inside: Inside) -> Reply:
    return inside.call("xmla", "GET", LIST, inside.token("xmla", kept_out(inside, PUBLIC_APIS, "outside")))


@case("profile_of_a_user")
def _(inside: Inside) -> Reply:
    token = inside.token("xmla", inside.user("admin")["id"], scp="user_impersonation")
    return inside.call("xmla", "GET", LIST, token, headers={"x-powerbi-profile-id": str(uuid.uuid4())})


@case("profile_malformed")
def _(inside: Inside) -> Reply:
    return as_app(inside, headers={"x-powerbi-profile-id": "x"})


@case("profiles_switched_off")
def _(inside: Inside) -> Reply:
    inside.setting(PROFILES, on=False)
    return as_app(inside, headers={"x-powerbi-profile-id": str(uuid.uuid4())})


@case("profile_unknown")
def _(inside: Inside) -> Reply:
    inside.setting(PROFILES)
    return as_app(inside, headers={"x-powerbi-profile-id": str(uuid.uuid4())})


@case("xmla_off")
def _(inside: Inside) -> Reply:
    inside.setting(XMLA, enabled=(inside.add_group("analysts")["id"],))
    return as_app(inside, "POST", TOKEN, wanted(inside))


@case("group_not_accessible")
def _(inside: Inside) -> Reply:
    return as_app(inside, "POST", TOKEN, wanted(inside, workspaceObjectId=workspace(inside, "Reports Prod")["id"]))


@case("capacity_other")
def _(inside: Inside) -> Reply:
    del workspace(inside)["capacityId"]
    body = {"capacityObjectId": str(uuid.uuid4()), "workspaceObjectId": workspace(inside)["id"]}
    return as_app(inside, "POST", TOKEN, body)


@case("capacity_paused")
def _(inside: Inside) -> Reply:
    next(iter(inside.tenant.capacities))["state"] = "Suspended"
    return as_app(inside, "POST", TOKEN, wanted(inside))


@case("dataset_unknown")
def _(inside: Inside) -> Reply:
    return as_app(inside, "POST", TOKEN, wanted(inside, datasetName="Nothing"))


@case("input_invalid")
def _(inside: Inside) -> Reply:
    return as_app(inside, "POST", TOKEN, b"[")


@case("server_unknown")
def _(inside: Inside) -> Reply:
    return inside.call("xmla", "POST", RESOLVE, None, {"serverName": f"{uuid.uuid4()}/"})


@case("discover_gone")
def _(inside: Inside) -> Reply:
    inside.tenant.section("unknowns")["environmentsDiscover"] = "gone"
    return inside.call("xmla", "POST", DISCOVER, None)


@case("route_unknown")
def _(_inside: Inside) -> Reply:
    return unknown(Call("GET", "/powerbi/nothing", {}, {}, {}, b"", ORIGIN, "r"))


@pytest.mark.parametrize("name", CAUSES)
def test_each_cause(name: str) -> None:
    answer = case[name](Inside())
    cause = CAUSES[name]
    assert (answer.status, answer.headers.get(HEADER)) == (cause.status, cause.header)
    if isinstance(cause.body, str):
        assert (answer.body["message"], answer.body["httpStatusCode"]) == (cause.body, cause.status)
    else:
        assert answer.body == cause.body
    assert answer.headers["RequestId"]
    assert cause.source
    assert cause.grade


def test_the_names_are_unique() -> None:
    assert len(CAUSES) == len(TABLE)


# The road itself, against the real server process.


def connect(http: httpx.Client, token: str, name: str, model: str | None = None) -> dict[str, Any]:
    """What an Analysis Services client does, up to the token of the capacity. Raises LookupError with the client's text."""
    headers = {"Authorization": f"Bearer {token}"}
    listed = http.get(LIST, params={"PreferClientRouting": "true"}, headers=headers, follow_redirects=True)
    if listed.status_code != 200:
        raise LookupError(CLIENT_TEXTS["refused"].format(body=listed.text, id=listed.headers["requestid"]))
    found = next((each for each in listed.json() if (each["name"] or "").lower() == name.lower()), None)
    if found is None:
        raise LookupError(CLIENT_TEXTS["not_listed"])
    if found["capacitySku"] != "Premium":
        raise LookupError(CLIENT_TEXTS["shared"])
    capacity = found["capacityUri"].split("/")[3]
    asked = {"databaseName": None, "premiumPublicXmlaEndpoint": True, "serverName": f"{capacity}/"}
    server = http.post(RESOLVE, json=asked).json()
    body = {"capacityObjectId": f"{capacity}/", "workspaceObjectId": found["id"], "datasetName": model}
    given = http.post(TOKEN, json=body, headers=headers)
    if given.status_code != 200:
        raise LookupError(f"{given.status_code} {given.text}")
    return {**server, **given.json(), "workspace": found["id"]}


def test_a_service_principal_finds_its_workspace(sandbox: SandboxTenant) -> None:
    sandbox.reset("automation")
    state = sandbox.state()
    name = next(w["displayName"] for w in state["workspaces"] if any(_is_app(r) for r in w["roleAssignments"]))
    app = next(a for a in state["applications"] if any(c.get("_renewed") for c in a["passwordCredentials"]))
    token = sandbox.app_token(app["appId"], sandbox.app_secret, POWER_BI)
    found = connect(sandbox.http, token, name.upper())
    assert found["clusterFQDN"] == "localhost"
    assert found["tenantId"] == sandbox.tenant
    assert found["coreServerName"]
    assert len(found["Token"]) > 100
    with pytest.raises(LookupError, match="is not found"):
        connect(sandbox.http, token, f"{name}s")


def _is_app(entry: dict[str, Any]) -> bool:
    return bool(entry["principal"]["type"] == "ServicePrincipal")


def on(sandbox: SandboxTenant, change: Any) -> str:
    """The developer's token, in a tenant that is changed."""
    sandbox.put_state(change)
    return sandbox.user_token("developer", POWER_BI)


def own(state: dict[str, Any]) -> dict[str, Any]:
    return next(w for w in state["workspaces"] if w["displayName"] == "Reports Dev")


def test_a_person_without_a_role_is_told_that_there_is_no_such_workspace(sandbox: SandboxTenant) -> None:
    token = on(sandbox, lambda state: own(state).update(roleAssignments=[]))
    with pytest.raises(LookupError, match="is not found"):
        connect(sandbox.http, token, "Reports Dev")


def test_shared_capacity_is_listed_as_such(sandbox: SandboxTenant) -> None:
    token = on(sandbox, lambda state: own(state).pop("capacityId"))
    with pytest.raises(LookupError, match="WorkspaceNotOnPbiPremium"):
        connect(sandbox.http, token, "Reports Dev")


def off(state: dict[str, Any], **unknowns: str) -> None:
    next(s for s in state["tenantSettings"] if s["settingName"] == XMLA)["enabled"] = False
    state["unknowns"] = unknowns


def test_with_the_setting_off_rest_works_and_xmla_does_not(sandbox: SandboxTenant) -> None:
    """powerbi-docs#3279: the same caller refreshes models over REST. At which step XMLA says no is not known."""
    token = on(sandbox, off)
    headers = {"Authorization": f"Bearer {token}"}
    assert sandbox.http.get("/v1.0/myorg/groups", headers=headers).status_code == 200
    with pytest.raises(LookupError, match=r"401 .*PowerBINotAuthorizedException"):
        connect(sandbox.http, token, "Reports Dev")
    sandbox.put_state(lambda state: off(state, xmlaSettingOff="hidden"))
    with pytest.raises(LookupError, match="is not found"):
        connect(sandbox.http, token, "Reports Dev")


def test_a_service_principal_that_is_not_admitted_gets_an_empty_refusal(sandbox: SandboxTenant) -> None:
    """liprec/vsts-release-aas#103: the client prints a description with nothing in it."""
    token = sandbox.operator_token(POWER_BI)
    with pytest.raises(LookupError, match=r"Failed to resolve PBI workspace\. Description:  Technical"):
        connect(sandbox.http, token, "Reports Dev")
    assert (
        sandbox.http.get("/powerbi/globalservice/v201606/clusterdetails", headers={"Authorization": f"Bearer {token}"})
        .headers["content-type"]
        .startswith("application/octet-stream")
    )


def test_a_model_is_found_by_its_name(sandbox: SandboxTenant) -> None:
    model = {"id": str(uuid.uuid4()), "name": "Sales", "configuredBy": "dana@contoso.onmicrosoft.com"}
    token = on(sandbox, lambda state: own(state).update(datasets=[model]))
    place = f"{LIST}/{own(sandbox.state())['id']}/getDatabaseName"
    headers = {"Authorization": f"Bearer {token}"}
    answer = sandbox.http.post(place, json={"datasetName": "sales", "workspaceType": "Folder"}, headers=headers).json()
    assert [(each["databaseName"], each["datasetName"]) for each in answer] == [(model["id"], "Sales")]
    assert sandbox.http.post(place, json={"datasetName": "x"}, headers=headers).json() == []
    assert connect(sandbox.http, token, "Reports Dev", "SALES")["Token"]


def test_my_workspace_is_listed_on_request(sandbox: SandboxTenant) -> None:
    headers = {"Authorization": f"Bearer {sandbox.user_token('developer', POWER_BI)}"}
    plain = sandbox.http.get(LIST, headers=headers).json()
    more = sandbox.http.get(LIST, params={"includeMyWorkspace": "true"}, headers=headers).json()
    assert [each["type"] for each in plain] == ["Folder"]
    assert [(each["type"], each["name"]) for each in more[1:]] == [("User", None)]


def test_the_conversation_itself_is_not_carried(sandbox: SandboxTenant) -> None:
    answer = sandbox.http.post("/webapi/xmla", content=b"<Envelope/>")
    assert answer.status_code == 501
    assert "sandbox" in answer.json()


def test_the_clouds_are_discovered_without_a_token(sandbox: SandboxTenant) -> None:
    found = sandbox.http.post(DISCOVER, params={"client": "powerbi-msolap"}).json()["environments"]
    assert [each["cloudName"] for each in found] == [
        "GlobalCloud", "USGovCloud", "USGovDoDL4Cloud", "USGovDoDL5Cloud", "ChinaCloud",
    ]  # fmt: skip
    for each in found:
        names = {service["name"]: service for service in each["services"]}
        assert names["powerbi-backend"]["resourceId"] == each["powerBiAadResource"]
        assert names["powerbi-msolap"]["endpoint"].startswith("powerbi://")
        assert {"name", "appId", "redirectUri"} <= set(each["clients"][0])
    mine = sandbox.http.post(DISCOVER.replace("v201606", "v202003"), params={"user": f"a@{sandbox.domain}"}).json()
    assert [each["cloudName"] for each in mine["environments"]] == ["GlobalCloud"]


def test_through_the_proxy_the_cloud_sends_a_client_to_its_cluster(sandbox: SandboxTenant) -> None:
    headers = {"Authorization": f"Bearer {sandbox.user_token('developer', POWER_BI)}"}
    with httpx.Client(proxy=sandbox.proxy, verify=sandbox.ssl_context, trust_env=False, headers=headers) as http:
        sent = http.get(f"https://api.powerbi.com{LIST}", params={"PreferClientRouting": "true"})
        assert sent.status_code == 307
        assert sent.headers["location"].startswith("https://wabi-west-europe-redirect.analysis.windows.net/powerbi/")
        found = http.get(sent.headers["location"]).json()[0]
        server = found["capacityUri"].split("/")[2]
        assert server == "westeurope.pbidedicated.windows.net"
        answer = http.post(f"https://{server}{RESOLVE}", json={"serverName": found["capacityObjectId"]})
        assert answer.json()["clusterFQDN"] == server
