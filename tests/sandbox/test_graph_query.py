"""Asking lists: filters, order, search, counts, pages, selections; and what each answer carries beside its body."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.api import Api, graph, new_app
from tests.support.tenant import SandboxTenant

EVENTUAL = {"ConsistencyLevel": "eventual"}
GROUP = {"mailEnabled": False, "securityEnabled": True}


def names(api: Api, path: str, **headers: str) -> list[str]:
    return [each["displayName"] for each in api.get(path, **headers)["value"]]


def refusal(api: Api, path: str, **headers: str) -> tuple[str, str]:
    answer = api("GET", path, **headers)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    return error["code"], error["message"]


@pytest.fixture
def apps(sandbox: SandboxTenant) -> Api:
    """An admin in a tenant with three more apps."""
    admin = graph(sandbox)
    for name, more in (
        ("HelloWorld reports", {"tags": ["env=dev", "team"], "description": "nightly run"}),
        ("billing", {"identifierUris": ["api://billing"], "tags": ["env=prod"]}),
        ("archive 2019", {"signInAudience": "AzureADMultipleOrgs"}),
    ):
        admin.post("/applications", {"displayName": name, **more})
    return admin


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tags/any(t:t eq 'env=dev')", ["HelloWorld reports"]),
        ("tags/any(t:startswith(t,'env='))", ["HelloWorld reports", "billing"]),
        ("identifierUris/any(u:u eq 'api://billing')", ["billing"]),
        ("signInAudience eq 'AzureADMultipleOrgs'", ["archive 2019"]),
        ("displayName in ('billing','archive 2019')", ["billing", "archive 2019"]),
        ("startswith(displayName,'b') or startswith(displayName,'ARCH')", ["billing", "archive 2019"]),
        ("createdDateTime ge 2200-01-01T00:00:00Z", []),
        (
            "requiredResourceAccess/any(r:r/resourceAppId eq '00000003-0000-0000-c000-000000000000')",
            ["Sandbox operator"],
        ),
    ],
)
def test_filters_that_work_by_default(apps: Api, text: str, found: list[str]) -> None:
    assert names(apps, f"/applications?$filter={text}&$select=displayName") == found


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("signInAudience ne 'AzureADMultipleOrgs'", 3),
        ("NOT(startswith(displayName,'b'))", 3),
        ("not tags/any(t:t eq 'env=dev')", 3),
        ("owners/$count eq 0", 4),
        ("owners/$count eq 1", 0),
        ("federatedIdentityCredentials/$count ne 0", 0),
        ("createdDateTime in (2020-01-01T00:00:00Z)", 0),
    ],
)
def test_filters_that_need_an_advanced_query(apps: Api, text: str, count: int) -> None:
    path = f"/applications?$filter={text}"
    for query, headers in ((path, {}), (f"{path}&$count=true", {}), (path, EVENTUAL)):
        code, message = refusal(apps, query, **headers)
        assert code == "Request_UnsupportedQuery"
        assert "ConsistencyLevel:eventual" in message
    page = apps.get(f"{path}&$count=true", **EVENTUAL)
    assert page["@odata.count"] == len(page["value"]) == count


@pytest.mark.parametrize(
    ("path", "code", "part"),
    [
        ("/applications?$filter=web/homePageUrl eq 'x'", "Request_UnsupportedQuery", "property 'web' of resource"),
        ("/applications?$filter=notes eq 'x'", "Request_UnsupportedQuery", "'notes' of resource 'Application'"),
        ("/applications?$filter=contains(displayName,'x')", "Request_UnsupportedQuery", "'displayName'"),
        (
            "/applications?$filter=createdDateTime gt 2020-01-01T00:00:00Z",
            "Request_UnsupportedQuery",
            "createdDateTime",
        ),
        ("/applications?$filter=tags/all(t:t eq 'x')", "Request_UnsupportedQuery", "'tags'"),
        ("/applications?$filter=owners/$count gt 1", "Request_UnsupportedQuery", "'owners'"),
        ("/groups?$filter=createdDateTime ge 2020-01-01T00:00:00Z", "Request_UnsupportedQuery", "'Group'"),
        ("/applications?$filter=colour eq 'x'", "BadRequest", "named 'colour' on type 'microsoft.graph.application'"),
        ("/applications?$filter=info/colour eq 'x'", "BadRequest", "'colour'"),
        ("/users?$filter=accountEnabled eq 'true'", "BadRequest", "'Edm.Boolean' and 'Edm.String' for operator kind"),
        (
            "/applications?$filter=createdDateTime ge '2020-01-01'",
            "BadRequest",
            "'Edm.DateTimeOffset' and 'Edm.String'",
        ),
        ("/applications?$filter=tags eq 'x'", "BadRequest", "'Collection(Edm.String)' and 'Edm.String'"),
        (
            "/applications?$filter=keyCredentials/any(k:k/keyId eq 'x')",
            "BadRequest",
            "'Edm.Guid' and 'Edm.String'",
        ),
        ("/applications?$filter=displayName eq", "BadRequest", "Invalid filter clause: Syntax error at position 14"),
        ("/me/memberOf?$filter=displayName eq 'x'", "Request_UnsupportedQuery", "ConsistencyLevel"),
        ("/applications?$skip=2", "Request_BadRequest", "'$skip' is not supported by the service."),
        ("/applications?$top=0", "Request_UnsupportedQuery", "Must be between 1 and 999 inclusive."),
        ("/applications?$top=x", "BadRequest", "non-negative integer"),
        ("/applications?$select=displayName,colour", "BadRequest", "Parsing OData Select and Expand failed"),
        ("/applications?$select=web/colour", "BadRequest", "named 'colour'"),
        ("/me?$select=colour", "BadRequest", "on type 'microsoft.graph.user'"),
    ],
)
def test_what_the_service_refuses(apps: Api, path: str, code: str, part: str) -> None:
    found, message = refusal(apps, path)
    assert found == code
    assert part in message


def test_order(apps: Api) -> None:
    assert names(apps, "/users?$orderby=displayName")[0] == "Alex Admin"
    assert names(apps, "/users?$orderby=displayName desc")[-1] == "Alex Admin"
    # Apps sort in an advanced query only, and so does anything that is filtered too.
    assert (
        refusal(apps, "/applications?$orderby=displayName")[1]
        == "Unsupported sort property 'displayName' for 'Application'."
    )
    both = "/users?$orderby=displayName&$filter=startswith(displayName,'D')"
    assert refusal(apps, both)[1] == "Sorting not supported for current query."
    assert names(apps, f"{both}&$count=true", **EVENTUAL) == ["Dana Developer"]
    found = names(apps, "/applications?$orderby=displayName desc&$count=true&$top=2", **EVENTUAL)
    assert found == ["Sandbox operator", "HelloWorld reports"]
    assert refusal(apps, "/users?$orderby=mail")[1] == "Unsupported sort property 'mail' for 'User'."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"displayName:hello"', ["HelloWorld reports"]),
        ('"displayName:world"', ["HelloWorld reports"]),
        ('"displayName:helloworld"', ["HelloWorld reports"]),
        ('"displayName:orld"', []),
        ('"displayName:2019"', ["archive 2019"]),
        ('"displayName:reports hello"', ["HelloWorld reports"]),
        ('"description:run" OR "displayName:billing"', ["HelloWorld reports", "billing"]),
        ('("description:run" OR "displayName:billing") AND "displayName:hello"', ["HelloWorld reports"]),
        ('"tags:env=p"', ["billing"]),
    ],
)
def test_search_is_by_tokens(apps: Api, text: str, found: list[str]) -> None:
    assert names(apps, f"/applications?$search={text}", **EVENTUAL) == found


@pytest.mark.parametrize(
    "text", ["displayName:x", '"x"', '"displayName:x', '"displayName:x" or "id:y"', '("displayName:x"']
)
def test_a_search_that_is_none(apps: Api, text: str) -> None:
    assert "Syntax error" in refusal(apps, f"/applications?$search={text}", **EVENTUAL)[1]
    assert "special request header: 'ConsistencyLevel: eventual'" in refusal(apps, f"/applications?$search={text}")[1]


def test_counting(apps: Api) -> None:
    assert "@odata.count" not in apps.get("/users?$count=true")  # silently ignored
    first = apps.get("/users?$count=true&$top=2", **EVENTUAL)
    assert first["@odata.count"] == 3
    second = apps.get(first["@odata.nextLink"], **EVENTUAL)
    assert "@odata.count" not in second
    assert len(second["value"]) == 1
    answer = apps("GET", "/users/$count?$filter=startswith(displayName,'D')", **EVENTUAL)
    assert (answer.text, answer.headers["content-type"].partition(";")[0]) == ("1", "text/plain")
    assert refusal(apps, "/users/$count") == ("Request_BadRequest", "$count is not currently supported.")


def test_relations_are_counted_and_cast(apps: Api, sandbox: SandboxTenant) -> None:
    app = new_app(apps)
    me = apps.get("/me")["id"]
    team = apps.post("/groups", {"displayName": "team", "mailNickname": "team", **GROUP})["id"]
    for id_ in (app.principal_id, me):
        link = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{id_}"}
        assert apps("POST", f"/groups/{team}/members/$ref", link).status_code == 204
    for spelling in ("microsoft.graph", "graph"):
        found = apps.get(f"/groups/{team}/members/{spelling}.servicePrincipal")
        assert found["@odata.context"].endswith("$metadata#servicePrincipals")
        assert [each["id"] for each in found["value"]] == [app.principal_id]
        assert "@odata.type" not in found["value"][0]
        assert apps("GET", f"/groups/{team}/members/{spelling}.user/$count", **EVENTUAL).text == "1"
        assert apps.get(f"/groups/{team}/transitiveMembers/{spelling}.device")["value"] == []
        assert [g["id"] for g in apps.get(f"/me/memberOf/{spelling}.group")["value"]] == [team]
        assert apps("GET", f"/groups/{team}/members/{spelling}.colour").status_code == 400
    assert apps("GET", f"/groups/{team}/members/$count", **EVENTUAL).text == "2"
    assert apps("GET", f"/groups/{team}/members/$count").status_code == 400
    assert apps("GET", "/me/ownedObjects/$count", **EVENTUAL).text == "0"
    both = f"/groups/{team}/members?$filter=startswith(displayName,'Alex')&$count=true"
    assert names(apps, both, **EVENTUAL) == ["Alex Admin"]

    def managed(state: dict[str, Any]) -> None:
        next(u for u in state["users"] if u["userPrincipalName"].startswith("developer@"))["manager"] = me

    sandbox.put_state(managed)
    assert [each["displayName"] for each in apps.get("/me/directReports")["value"]] == ["Dana Developer"]
    assert graph(sandbox, "developer").get("/me/manager")["@odata.type"] == "#microsoft.graph.user"
    assert apps("GET", "/me/manager").status_code == 404


def test_selections(apps: Api) -> None:
    app = apps.get("/applications?$filter=displayName eq 'billing'&$select=id,web/redirectUris,uniqueName,owners")
    assert app["@odata.context"].endswith("#applications(id,web/redirectUris,uniqueName,owners)")
    (found,) = app["value"]
    assert set(found) == {"id", "web", "uniqueName"}
    assert found["web"] == {"redirectUris": []}
    user = apps.get("/me?$select=id,department,otherMails,accountEnabled")
    assert {k: v for k, v in user.items() if k not in ("id", "@odata.context")} == {
        "department": None,
        "otherMails": [],
        "accountEnabled": True,
    }
    assert set(apps.get("/applications?$select=*&$top=1")["value"][0]) > {"tags", "api", "web"}


def test_pages_keep_the_query(apps: Api) -> None:
    page = apps.get("/applications?$top=2&$select=id&$filter=startswith(displayName,'')&$format=json")
    link = page["@odata.nextLink"]
    assert all(text in link for text in ("$top=2", "$select=id", "$filter=startswith", "$skiptoken="))
    rest = apps.get(link)
    assert all(set(each) == {"id"} for each in rest["value"])
    assert refusal(apps, "/applications?$skiptoken=made-up")[0] == "Directory_ExpiredPageToken"


def test_a_page_that_was_deleted_takes_no_other_with_it(apps: Api) -> None:
    made = [apps.post("/applications", {"displayName": f"page {n:02}"})["id"] for n in range(9)]
    for order in ("", "&$orderby=displayName&$count=true"):
        path = f"/applications?$top=3&$filter=startswith(displayName,'page'){order}"
        page = apps.get(path, **EVENTUAL)
        seen = [each["id"] for each in page["value"]]
        apps("DELETE", f"/applications/{made.pop(0)}")
        apps("DELETE", f"/applications/{made.pop(1)}")  # the last that was shown: made is now 1, 3, 4, ...
        late = apps.post("/applications", {"displayName": "page zz"})["id"]
        made.append(late)
        while "@odata.nextLink" in page:
            again = apps.get(page["@odata.nextLink"], **EVENTUAL)
            assert apps.get(page["@odata.nextLink"], **EVENTUAL)["value"] == again["value"]
            page = again
            seen += [each["id"] for each in page["value"]]
        assert set(seen) >= set(made)
        assert len(set(seen)) == len(seen)


def test_a_page_whose_list_the_server_no_longer_knows(apps: Api) -> None:
    page = apps.get("/users?$top=1")
    first = page["value"][0]["id"]
    assert apps("GET", page["@odata.nextLink"].replace("/users", "/groups")).status_code == 400
    # A server that was started anew has forgotten the list; so has one that has served a hundred others since.
    for _ in range(101):
        apps.get("/applications?$top=1")
    rest = apps.get(page["@odata.nextLink"])
    assert len(rest["value"]) == 1
    assert rest["value"][0]["id"] != first


@pytest.mark.parametrize(
    "path",
    [
        "/applications?$filter=DisplayName eq 'billing'&$select=Id,DISPLAYNAME",
        "/applications?$filter=IDENTIFIERURIS/any(x:x eq 'api://billing')&$select=id,displayname",
        "/applications?$filter=startswith(displayNAME,'billing')&$orderby=DisplayName&$select=id,displayname",
        '/applications?$search="displayname:billing"&$select=ID,displayName',
    ],
)
def test_names_in_any_case(apps: Api, path: str) -> None:
    (found,) = apps.get(f"{path}&$count=true", **EVENTUAL)["value"]
    assert set(found) == {"id", "displayName"}
    assert found["displayName"] == "billing"
    (expanded,) = apps.get("/applications?$expand=OWNERS($select=ID)&$filter=displayname eq 'billing'")["value"]
    assert expanded["owners"] == []


def test_names_in_any_case_of_other_things(apps: Api) -> None:
    assert set(apps.get("/organization?$select=DisplayName")["value"][0]) == {"displayName"}
    assert "'colour'" in refusal(apps, "/organization?$select=colour")[1]
    client = new_app(apps).principal_id
    resource = apps.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")["id"]
    body = {"clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": "User.Read"}
    apps.post("/oauth2PermissionGrants", body)
    (grant,) = apps.get(f"/oauth2PermissionGrants?$filter=ClientId eq '{client}'&$select=SCOPE&$top=1")["value"]
    assert set(grant) == {"scope"}
    (role,) = apps.get("/directoryRoles?$filter=DisplayName eq 'Global Administrator'&$select=displayname")["value"]
    assert role == {"displayName": "Global Administrator"}


def test_a_reference_to_another_service_is_none(apps: Api) -> None:
    app, me = new_app(apps), apps.get("/me")["id"]
    for host, status in (
        ("example.com", 400),
        ("login.microsoftonline.com", 400),
        ("graph.microsoft.us", 204),
        ("GRAPH.microsoft.com", 400),  # an owner already
    ):
        link = {"@odata.id": f"https://{host}/v1.0/directoryObjects/{app.principal_id}"}
        answer = apps("POST", f"/applications/{app.object_id}/owners/$ref", link)
        assert answer.status_code == status, host
        if host.startswith("GRAPH"):
            assert "already exist" in answer.json()["error"]["message"]
    own = {"@odata.id": f"{apps.sandbox.url}/v1.0/directoryObjects/{me}"}
    assert apps("POST", f"/applications/{app.object_id}/owners/$ref", own).status_code == 204
    (assigned,) = apps.get(f"/users/{me}/appRoleAssignments?$select=ID&$filter=PrincipalId eq '{me}'")["value"] or [{}]
    assert set(assigned) <= {"id"}


def test_too_many_alternatives(apps: Api) -> None:
    fifteen = [f"displayName eq '{n}'" for n in range(14)] + ["displayName eq 'billing'"]
    assert names(apps, f"/applications?$filter={' or '.join(fifteen)}") == ["billing"]
    listed = ",".join(["'x'"] * 16)
    for text in (" or ".join([*fifteen, "id eq 'x'"]), f"displayName in ({listed})"):
        code, message = refusal(apps, f"/applications?$filter={text}")
        assert code == "Request_UnsupportedQuery"
        assert message.endswith("containing 'OR' operators: 16. Max allowed: 15.")


def test_a_slash_at_the_end_and_a_segment_that_is_none(apps: Api) -> None:
    assert apps.get("/applications/")["value"] == apps.get("/applications")["value"]
    id_ = apps.get("/applications")["value"][0]["id"]
    for path, segment in (("/nowhere", "nowhere"), (f"/applications/{id_}/nowhere/x", "nowhere"), ("/x/y", "x")):
        assert refusal(apps, path)[1] == f"Resource not found for the segment '{segment}'."


@pytest.mark.parametrize("query", ["$Filter=displayName eq 'billing'", "filter=displayName eq 'billing'"])
def test_options_in_other_spellings(apps: Api, query: str) -> None:
    assert names(apps, f"/applications?{query}") == ["billing"]


def test_what_beta_has_and_v1_has_not(apps: Api) -> None:
    beta = Api(apps.sandbox, apps.token, "/beta")
    path = "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')"
    assert "oauth2PermissionScopes" in apps.get(path)
    shown = beta.get(path)
    assert "oauth2PermissionScopes" not in shown
    assert shown["publishedPermissionScopes"] == apps.get(path)["oauth2PermissionScopes"]
    assert beta.get(f"{path}?$select=publishedPermissionScopes,publisherName")["publisherName"] is None
    assert "'publishedPermissionScopes'" in refusal(apps, f"{path}?$select=publishedPermissionScopes")[1]
    assert "'oauth2PermissionScopes'" in refusal(beta, f"{path}?$select=oauth2PermissionScopes")[1]
    # Without $select v1.0 shows little of a user, beta all.
    assert "accountEnabled" not in apps.get("/me")
    assert beta.get("/me")["accountEnabled"] is True
    app = new_app(apps)
    fetched = beta.get(f"/servicePrincipals/{app.principal_id}")
    assert beta("PATCH", f"/servicePrincipals/{app.principal_id}", {**fetched, "notes": "n"}).status_code == 204


def test_headers_of_every_answer(apps: Api) -> None:
    ours = str(uuid.uuid4())
    for path, status, kind in (
        (
            "/me",
            200,
            "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
        ),
        ("/applications/nobody", 404, "application/json"),
        ("/nowhere", 400, "application/json"),
    ):
        answer = apps("GET", path, client_request_id=ours)
        assert answer.status_code == status
        assert answer.headers["content-type"] == kind
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["client-request-id"] == ours
        assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]
        assert ("odata-version" in answer.headers) is (status == 200)
        if status != 200:
            inner = answer.json()["error"]["innerError"]
            assert inner["request-id"] == answer.headers["request-id"]
            assert inner["client-request-id"] == ours
            datetime.strptime(inner["date"], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - Graph writes no zone
    answer = apps("PUT", "/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "Request_BadRequest")


def test_metadata_levels(apps: Api) -> None:
    def asked(level: str, path: str) -> dict[str, Any]:
        answer = apps("GET", path, Accept=f"application/json;odata.metadata={level}")
        assert f"odata.metadata={level};" in answer.headers["content-type"]
        return dict(answer.json())

    assert not [key for key in asked("none", "/me") if "@odata" in key]
    page = asked("none", "/users?$top=1")
    assert set(page) == {"@odata.nextLink", "value"}
    full = asked("full", "/me")
    assert full["@odata.type"] == "#microsoft.graph.user"
    assert full["@odata.editLink"] == f"users/{full['id']}"
    assert full["businessPhones@odata.type"] == "#Collection(String)"
    assert full["memberOf@odata.navigationLink"] == f"users/{full['id']}/memberOf"
    assert {each["@odata.type"] for each in asked("full", "/users")["value"]} == {"#microsoft.graph.user"}


PIECES = """
$filter $select $expand $search $orderby $top $count $skiptoken displayName tags owners members eq ne not in and or
( ) / , ; : 'x' "x" "displayName:x" any all $count true null 1 2026-11-20 * web/redirectUris $levels=max manager
startswith(displayName,'a') tags/any(t:t owners($select=id) memberOf
"""
soup = st.lists(st.sampled_from(PIECES.split()) | st.text(max_size=4), max_size=7).map(" ".join) | st.text(max_size=12)
PATHS = ("/applications", "/users", "/groups", "/me", "/me/memberOf", "/servicePrincipals", "/users/$count",
         "/directory/deletedItems/microsoft.graph.application", "/oauth2PermissionGrants", "/directoryRoles")  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(PATHS),
    query=st.dictionaries(
        st.sampled_from(["$filter", "$select", "$expand", "$search", "$orderby", "$top", "$count", "$skiptoken"]),
        soup,
        max_size=3,
    ),
    eventual=st.booleans(),
)
def test_no_query_is_a_crash(sandbox: SandboxTenant, path: str, query: dict[str, str], eventual: bool) -> None:
    global _TOKEN  # noqa: PLW0603 - one token for all examples
    if _TOKEN[:1] != (sandbox.tenant,):
        _TOKEN = (sandbox.tenant, graph(sandbox).token)
    headers = {"Authorization": f"Bearer {_TOKEN[1]}", **(EVENTUAL if eventual else {})}
    answer = sandbox.http.get(f"/v1.0{path}", params=query, headers=headers)
    assert answer.status_code in (200, 400), answer.text


_TOKEN: tuple[str, ...] = ()
