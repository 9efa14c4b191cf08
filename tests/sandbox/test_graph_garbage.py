"""Whatever is sent, the answer is the service's own: never an exception, never a success without a change."""

from __future__ import annotations

import json
import uuid
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.inprocess import SERVICES, Inside

SCOPES = " ".join(
    (
        "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All",
        "Directory.ReadWrite.All Group.ReadWrite.All User.Read.All Policy.Read.All",
        "RoleManagement.ReadWrite.Directory Workspace.ReadWrite.All Tenant.ReadWrite.All Report.Read.All",
        "Dataset.Read.All Dashboard.Read.All Capacity.Read.All",
    )
)
WORDS = """
displayName appId uniqueName tags requiredResourceAccess keyCredentials passwordCredentials web api
spa passwordCredential keyId principalId resourceId appRoleId clientId consentType scope
mailNickname mailEnabled securityEnabled groupTypes owners@odata.bind members@odata.bind @odata.id
ids types groupIds name issuer subject audiences enabled enabledSecurityGroups properties principal
role identifier principalType groupUserAccessRight capacityId emailAddress securityEnabledOnly
identifierUris signInAudience endDateTime startDateTime id
"""
NAMES = WORDS.split()
leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([str(uuid.UUID(int=1))])
value = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
)
# Bodies that are right, to be spoiled in one place.
RIGHT: tuple[dict[str, Any], ...] = (
    {"displayName": "a", "uniqueName": "u", "web": {"redirectUris": ["http://localhost"]}, "tags": ["t"]},
    {"displayName": "a", "requiredResourceAccess": [{"resourceAppId": str(uuid.UUID(int=1)), "resourceAccess": []}]},
    {"displayName": "a", "keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": "AAAA"}]},
    {"passwordCredential": {"displayName": "p", "endDateTime": "2030-01-01T00:00:00Z"}},
    {"keyId": str(uuid.UUID(int=1))},
    {"appId": str(uuid.UUID(int=1)), "accountEnabled": True},
    {"principalId": str(uuid.UUID(int=1)), "resourceId": str(uuid.UUID(int=1)), "appRoleId": str(uuid.UUID(int=1))},
    {"clientId": str(uuid.UUID(int=1)), "resourceId": str(uuid.UUID(int=1)), "consentType": "AllPrincipals"},
    {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True, "groupTypes": []},
    {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{uuid.UUID(int=1)}"},
    {"ids": [str(uuid.UUID(int=1))], "types": ["user"], "groupIds": [str(uuid.UUID(int=1))]},
    {"name": "gh1", "issuer": "https://i", "subject": "s", "audiences": ["api://x"]},
    {"enabled": True, "enabledSecurityGroups": [{"graphId": str(uuid.UUID(int=1)), "name": "g"}], "properties": []},
    {"displayName": "w", "capacityId": str(uuid.UUID(int=1)), "description": "d"},
    {"principal": {"id": str(uuid.UUID(int=1)), "type": "User"}, "role": "Member"},
    {"identifier": str(uuid.UUID(int=1)), "principalType": "App", "groupUserAccessRight": "Admin"},
)


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Any]:
    chosen = dict(draw(st.sampled_from(RIGHT)))
    for name in draw(st.lists(st.sampled_from(sorted(chosen)), max_size=2)):
        chosen[name] = draw(value)
    return chosen


body = st.one_of(
    spoiled(),
    st.dictionaries(st.sampled_from(NAMES), value, max_size=6),
    st.binary(max_size=20),
    st.sampled_from([b"[]", b"[" * 4000, b"null", b'"x"', b"{", b"\xff\xfe", b"NaN"]),
)
ROUTES = [(service, r.method, r.path) for service, routes in SERVICES.items() for r in routes if "/beta" not in r.path]


def _start() -> str:
    inside = Inside()
    # As sparse as a hand-made state may be.
    inside.tenant.applications.add({"id": str(uuid.uuid4()), "appId": str(uuid.uuid4())})
    inside.tenant.servicePrincipals.add({"id": str(uuid.uuid4()), "appId": str(uuid.uuid4())})
    inside.tenant.groups.add({"id": str(uuid.uuid4())})
    inside.tenant.workspaces.add({"id": str(uuid.uuid4()), "displayName": "w"})
    inside.add_app("whole", uniqueName="u")
    inside.add_group("whole", uniqueName="u")
    return json.dumps(inside.tenant.dump())


START = _start()
KNOWN = [
    each[key]
    for items in json.loads(START).values()
    if isinstance(items, list)
    for each in items
    for key in ("id", "appId", "uniqueName", "settingName")
    if each.get(key)
]


STATE: dict[str, Any] = json.loads(START)
FITTING = {
    "id": [e["id"] for c in STATE.values() if isinstance(c, list) for e in c if "id" in e],
    "appId": [e["appId"] for e in STATE["applications"] + STATE["servicePrincipals"]],
    "uniqueName": ["u"],
    "workspaceId": [e["id"] for e in STATE["workspaces"]],
    "groupId": [e["id"] for e in STATE["workspaces"]],
    "name": [e["settingName"] for e in STATE["tenantSettings"]],
    "assignmentId": [e["id"] for e in STATE["users"]],
    "user": [e["userPrincipalName"] for e in STATE["users"]],
}
WRITES = [route for route in ROUTES if route[1] in ("POST", "PATCH", "PUT")]


def _collection(path: str) -> str:
    """The collection that a path's first placeholder chooses from."""
    first = path.split("/")[2].partition("(")[0]
    return {"myorg": "workspaces", "admin": "tenantSettings", "me": "users"}.get(first, first)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_input_is_a_crash(data: st.DataObject) -> None:
    inside = Inside(json.loads(START))
    writes = data.draw(st.booleans())
    service, method, path = data.draw(st.sampled_from(WRITES if writes else ROUTES))
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        name = path[start + 1 : end]
        right = [v for v in FITTING.get(name, KNOWN) if v in json.dumps(STATE.get(_collection(path), STATE))] or KNOWN
        filler = data.draw(st.sampled_from(right) if data.draw(st.integers(0, 9)) else st.sampled_from([*KNOWN, "x"]))
        path = path[:start] + filler.replace("/", "") + path[end + 1 :]
    sent = data.draw(body)
    if isinstance(sent, dict) and data.draw(st.booleans()):
        # Point at something that exists.
        sent = json.loads(json.dumps(sent).replace(str(uuid.UUID(int=1)), data.draw(st.sampled_from(KNOWN))))
    query = data.draw(
        st.dictionaries(
            st.sampled_from(["$filter", "$top", "$skip", "$select", "$skiptoken", "$search", "$orderby", "$count"]),
            st.text(max_size=12) | st.sampled_from(["true", "1", "id eq 'x'", "displayName", "not id eq 'x'"]),
            max_size=2,
        )
    )
    headers = {"consistencylevel": "eventual", "prefer": "create-if-missing"} if data.draw(st.booleans()) else {}
    token = inside.token(service, inside.user("admin")["id"], scp=SCOPES)
    answer = inside.call(service, method, path, token, sent, query, headers)
    assert answer.status < 500 or set(answer.body) == {"sandbox"}
    json.dumps(answer.body)
    json.dumps(inside.tenant.dump())
