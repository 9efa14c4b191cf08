"""Each row of the table of Graph errors, staged by state and request alone."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest

from pbisetup.sandbox.graph.errors import ERRORS
from pbisetup.sandbox.graph.lag import SYMPTOMS
from pbisetup.sandbox.graph.object_errors import OBJECT_ERRORS
from pbisetup.sandbox.graph.protocol_errors import PROTOCOL_ERRORS
from pbisetup.sandbox.graph.service import unknown
from pbisetup.sandbox.wire import Call, Reply
from tests.sandbox.graph_cases import FIC, KEY, SCOPES, certificate, check_error, key_entry, link, send
from tests.sandbox.inprocess import AUDIENCE, ORIGIN, Cases, Inside

POWER_BI = "00000009-0000-0000-c000-000000000000"
TENANT_READ_ALL = "654b31ae-d941-4e22-8798-7add8fdf049f"
case = Cases()


def resource(inside: Inside) -> str:
    found = inside.tenant.servicePrincipals.by("appId", POWER_BI)
    assert found is not None
    return str(found["id"])


def assign(inside: Inside, principal: str, role: str = TENANT_READ_ALL, side: str | None = None) -> Reply:
    target = resource(inside)
    body = {"principalId": principal, "resourceId": target, "appRoleId": role}
    return send(inside, "POST", f"/servicePrincipals/{side or target}/appRoleAssignedTo", body)


def lagging(inside: Inside, item: dict[str, Any], seconds: int) -> None:
    inside.tenant.section("weather")["replication_lag_seconds"] = 60
    item["_createdAt"] = (inside.world.now() - timedelta(seconds=seconds)).isoformat()


@case("token_missing")
def _(inside: Inside) -> Reply:
    return inside.call("graph", "GET", "/v1.0/organization", None)


@case("token_malformed")
def _(inside: Inside) -> Reply:
    return inside.call("graph", "GET", "/v1.0/organization", "x")


@case("token_one_dot")
def _(inside: Inside) -> Reply:
    return inside.call("graph", "GET", "/v1.0/organization", "x.y")


@case("token_undecodable")
def _(inside: Inside) -> Reply:
    return inside.call("graph", "GET", "/v1.0/organization", "x.y.z")


@case("token_signature")
def _(inside: Inside) -> Reply:
    claims = {"aud": AUDIENCE["graph"], "tid": inside.tenant.id, "exp": int(time.time()) + 60}
    return inside.call("graph", "GET", "/v1.0/organization", jwt.encode(claims, KEY, algorithm="RS256"))


@case("token_expired")
def _(inside: Inside) -> Reply:
    token = inside.token("graph", inside.user("admin")["id"], scp=SCOPES, exp=int(time.time()) - 1)
    return inside.call("graph", "GET", "/v1.0/organization", token)


@case("token_audience")
def _(inside: Inside) -> Reply:
    token = inside.token("powerbi", inside.user("admin")["id"], scp=SCOPES)
    return inside.call("graph", "GET", "/v1.0/organization", token)


@case("token_other_cloud")
def _(inside: Inside) -> Reply:
    token = inside.token("graph", inside.user("admin")["id"], scp=SCOPES, aud="https://graph.microsoft.us")
    return inside.call("graph", "GET", "/v1.0/organization", token, origin="https://graph.microsoft.us")


@case("identity_not_found")
def _(inside: Inside) -> Reply:
    token = inside.token("graph", str(uuid.uuid4()), roles=["Directory.Read.All"])
    return inside.call("graph", "GET", "/v1.0/organization", token)


@case("denied")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app()
    return send(inside, "PATCH", f"/applications/{app['id']}", {"notes": "x"}, user="developer")


@case("owner_quota")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app(owners=[str(uuid.UUID(int=n)) for n in range(100)])
    return send(inside, "POST", f"/applications/{app['id']}/owners/$ref", link(inside.user("admin")["id"]))


@case("not_found")
def _(inside: Inside) -> Reply:
    return send(inside, "GET", f"/applications/{uuid.uuid4()}")


@case("no_segment")
def _(_inside: Inside) -> Reply:
    return unknown(Call("GET", "/v1.0/auditLog", {}, {}, {}, b"", ORIGIN, "r"))


@case("service_principal_in_use")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app()
    return send(inside, "POST", "/servicePrincipals", {"appId": app["appId"]})


@case("grant_exists")
def _(inside: Inside) -> Reply:
    body = {"clientId": inside.add_app()[1]["id"], "resourceId": resource(inside), "consentType": "AllPrincipals"}
    assert send(inside, "POST", "/oauth2PermissionGrants", {**body, "scope": "a"}).status == 201
    return send(inside, "POST", "/oauth2PermissionGrants", {**body, "scope": "b"})


@case("credential_name_taken")
def _(inside: Inside) -> Reply:
    path = f"/applications/{inside.add_app()[0]['id']}/federatedIdentityCredentials"
    assert send(inside, "POST", path, FIC).status == 201
    return send(inside, "POST", path, {**FIC, "subject": "other"})


@case("taken")
def _(inside: Inside) -> Reply:
    inside.add_app(uniqueName="u")
    return send(inside, "POST", "/applications", {"displayName": "a", "uniqueName": "U"})


@case("immutable")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app(uniqueName="u")
    return send(inside, "PATCH", f"/applications/{app['id']}", {"uniqueName": "v"})


@case("no_backing_application")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/servicePrincipals", {"appId": str(uuid.uuid4())})


@case("reference_exists")
def _(inside: Inside) -> Reply:
    _, principal = inside.add_app()
    group = inside.add_group(members=[principal["id"]])
    return send(inside, "POST", f"/groups/{group['id']}/members/$ref", link(principal["id"]))


@case("assignment_exists")
def _(inside: Inside) -> Reply:
    _, principal = inside.add_app()
    assert assign(inside, principal["id"]).status == 201
    return assign(inside, principal["id"])


@case("role_not_on_resource")
def _(inside: Inside) -> Reply:
    return assign(inside, inside.add_app()[1]["id"], str(uuid.uuid4()))


@case("bad_reference")
def _(inside: Inside) -> Reply:
    return assign(inside, inside.add_app()[1]["id"], side=inside.add_app()[1]["id"])


@case("reference_not_present")
def _(inside: Inside) -> Reply:
    _, principal = inside.add_app()
    lagging(inside, principal, 40)
    body = {"clientId": principal["id"], "resourceId": resource(inside), "consentType": "AllPrincipals"}
    return send(inside, "POST", "/oauth2PermissionGrants", body)


@case("last_owner")
def _(inside: Inside) -> Reply:
    owner = inside.user("developer")["id"]
    group = inside.add_group(owners=[owner])
    return send(inside, "DELETE", f"/groups/{group['id']}/owners/{owner}/$ref")


@case("bad_json")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/applications", b"{")


@case("value_required")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/applications", {})


@case("value_invalid")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/applications", {"displayName": "x" * 121})


@case("group_values_invalid")
def _(inside: Inside) -> Reply:
    group = inside.add_group()
    lagging(inside, group, 40)
    return send(inside, "POST", f"/groups/{group['id']}/members/$ref", link(inside.add_app()[1]["id"]))


@case("property_unknown")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/applications", {"displayName": "a", "colour": "red"})


@case("property_read_only")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/applications", {"displayName": "a", "appId": str(uuid.uuid4())})


@case("password_not_settable")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/applications", {"displayName": "a", "passwordCredentials": [{"displayName": "p"}]})


def with_key(inside: Inside) -> tuple[str, dict[str, Any]]:
    app, _sp = inside.add_app()
    path = f"/applications/{app['id']}"
    assert send(inside, "PATCH", path, {"keyCredentials": [key_entry()]}).status == 204
    return path, send(inside, "GET", path).body["keyCredentials"][0]


@case("key_update")
def _(inside: Inside) -> Reply:
    path, held = with_key(inside)
    return send(inside, "PATCH", path, {"keyCredentials": [{**held, "key": certificate(2)}]})


@case("key_end_date")
def _(inside: Inside) -> Reply:
    entry = key_entry(endDateTime="2199-01-01T00:00:00Z")
    return send(inside, "POST", "/applications", {"displayName": "a", "keyCredentials": [entry]})


@case("key_invalid")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/applications", {"displayName": "a", "keyCredentials": [key_entry(key="AAAA")]})


@case("no_password")
def _(inside: Inside) -> Reply:
    path = f"/applications/{inside.add_app()[0]['id']}/removePassword"
    return send(inside, "POST", path, {"keyId": str(uuid.uuid4())})


@case("limit")
def _(inside: Inside) -> Reply:
    entries = [{"resourceAppId": str(uuid.uuid4()), "resourceAccess": []} for _ in range(51)]
    return send(inside, "POST", "/applications", {"displayName": "a", "requiredResourceAccess": entries})


def under_policy(inside: Inside, **rule: Any) -> Reply:
    restrictions = {"passwordCredentials": [{"state": "enabled", **rule}], "keyCredentials": []}
    policy = {"id": "p", "isEnabled": True, "applicationRestrictions": restrictions}
    inside.tenant.section("policies")["defaultAppManagementPolicy"] = policy
    return send(inside, "POST", f"/applications/{inside.add_app()[0]['id']}/addPassword", {})


@case("policy_no_passwords")
def _(inside: Inside) -> Reply:
    return under_policy(inside, restrictionType="passwordAddition")


@case("policy_lifetime")
def _(inside: Inside) -> Reply:
    return under_policy(inside, restrictionType="passwordLifetime", maxLifetime="P90D")


@case("me_needs_user")
def _(inside: Inside) -> Reply:
    return inside.call("graph", "GET", "/v1.0/me", inside.token("graph", inside.add_app()[1]["id"]))


@pytest.mark.parametrize("name", [name for name in ERRORS if name not in OBJECT_ERRORS | PROTOCOL_ERRORS])
def test_each_error(name: str) -> None:
    check_error(name, case[name](Inside()))


def test_the_error_shape() -> None:
    inside = Inside()
    answer = send(inside, "GET", f"/applications/{uuid.uuid4()}", headers={"client-request-id": "mine"})
    inner = answer.body["error"]["innerError"]
    assert inner["client-request-id"] == answer.headers["client-request-id"] == "mine"
    datetime.strptime(inner["date"], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - Graph writes no zone
    assert case["token_missing"](inside).headers["WWW-Authenticate"].startswith("Bearer")


def test_every_symptom_of_lag_is_an_error_of_the_table() -> None:
    assert {name for pair in SYMPTOMS.values() for name in pair} <= set(ERRORS)
