"""Certificates: an app rolls its own without any permission, and nobody else's; locks and policies hold."""

from __future__ import annotations

import uuid
from typing import Any

import jwt
import pytest

from tests.sandbox.api import Api, App, graph, new_app
from tests.sandbox.graph_people import Certificate, app_with
from tests.support.tenant import GRAPH, SandboxTenant


def register(admin: Api, app: App, *certificates: Certificate) -> list[dict[str, Any]]:
    path = f"/applications/{app.object_id}"
    held = admin.get(path)["keyCredentials"]
    answer = admin("PATCH", path, {"keyCredentials": [*held, *(each.entry() for each in certificates)]})
    assert answer.status_code == 204, answer.text
    return list(admin.get(path)["keyCredentials"])


def test_an_app_rolls_its_own_certificate_without_permission(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app, own = app_with(sandbox)
    old, new = Certificate("old"), Certificate("new")
    first = register(admin, app, old)[0]
    assert first["customKeyIdentifier"] == old.thumbprint
    assert first["key"] is None

    path = f"/applications/{app.object_id}"
    added = own.post(f"{path}/addKey", {"keyCredential": new.entry(), "proof": old.proof(app.object_id)}, 200)
    assert added["customKeyIdentifier"] == new.thumbprint
    assert sandbox.token(**assertion(sandbox, app, new)).status_code == 200
    gone = own("POST", f"{path}/removeKey", {"keyId": first["keyId"], "proof": new.proof(app.object_id)})
    assert gone.status_code == 204
    assert sandbox.token(**assertion(sandbox, app, old)).status_code == 401
    selected = admin.get(f"{path}?$select=keyCredentials")["keyCredentials"]
    assert [each["key"] for each in selected] == [new.base64]
    # It has no right to anything else, nor to another app's keys.
    other = new_app(admin, "other")
    register(admin, other, old)
    foreign = {"keyCredential": new.entry(), "proof": old.proof(other.object_id)}
    assert own("POST", f"/applications/{other.object_id}/addKey", foreign).status_code == 403
    assert own("PATCH", path, {"notes": "mine"}).status_code == 403


def assertion(sandbox: SandboxTenant, app: App, certificate: Certificate) -> dict[str, str]:
    import base64
    import time

    url = f"https://login.microsoftonline.com/{sandbox.tenant}/oauth2/v2.0/token"
    now = int(time.time())
    claims = {"aud": url, "iss": app.client_id, "sub": app.client_id, "jti": str(uuid.uuid4()), "nbf": now}
    thumbprint = base64.urlsafe_b64encode(bytes.fromhex(certificate.thumbprint)).decode()
    return {
        "grant_type": "client_credentials",
        "client_id": app.client_id,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({**claims, "exp": now + 300}, certificate.key, "RS256", {"x5t": thumbprint}),
        "scope": f"{GRAPH}/.default",
    }


@pytest.mark.parametrize("wrong", ["audience", "issuer", "key", "late", "long", "text"])
def test_a_wrong_proof_is_no_proof(sandbox: SandboxTenant, wrong: str) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    old = Certificate()
    register(admin, app, old)
    proofs = {
        "audience": lambda: old.proof(app.object_id, audience="00000003-0000-0000-c000-000000000000"),
        "issuer": lambda: old.proof(app.client_id),
        "key": lambda: Certificate().proof(app.object_id),
        "late": lambda: old.proof(app.object_id, start=-3600),
        "long": lambda: old.proof(app.object_id, life=3600),
        "text": lambda: "proof",
    }
    body = {"keyCredential": Certificate().entry(), "proof": proofs[wrong]()}
    answer = admin("POST", f"/applications/{app.object_id}/addKey", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "Authentication_MissingOrMalformed")


def test_an_expired_certificate_vouches_for_nothing(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    old = Certificate(days=30)
    register(admin, app, old)
    sandbox.advance(40 * 86_400)
    later = graph(sandbox)
    body = {"keyCredential": Certificate().entry(), "proof": old.proof(app.object_id, start=40 * 86_400)}
    assert later("POST", f"/applications/{app.object_id}/addKey", body).status_code == 401


def test_the_list_is_replaced_and_held_entries_are_left_alone(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    path = f"/applications/{app.object_id}"
    one, two = register(admin, app, Certificate("one"), Certificate("two"))
    assert admin("PATCH", path, {"keyCredentials": [two]}).status_code == 204
    assert [each["keyId"] for each in admin.get(path)["keyCredentials"]] == [two["keyId"]]
    changed = admin("PATCH", path, {"keyCredentials": [{**two, "usage": "Sign"}]})
    assert "Update to existing credential with KeyId" in changed.json()["error"]["message"]
    assert one["keyId"] != two["keyId"]
    assert admin("PATCH", path, {"keyCredentials": [Certificate("x" * 60).entry(displayName="n" * 100)]}).is_success
    assert admin.get(path)["keyCredentials"][0]["displayName"] == "n" * 90


def test_a_locked_app_keeps_credentials_off_its_service_principal(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    principal = f"/servicePrincipals/{app.principal_id}"
    own = admin.post(f"{principal}/addPassword", {}, 200)
    lock = {"isEnabled": True, "credentialsWithUsageVerify": True}
    path = f"/applications/{app.object_id}"
    assert admin("PATCH", path, {"servicePrincipalLockConfiguration": lock}).status_code == 204
    for refused in (
        admin("POST", f"{principal}/addPassword", {}),
        admin("POST", f"{principal}/removePassword", {"keyId": own["keyId"]}),
        admin("PATCH", principal, {"keyCredentials": [Certificate().entry()]}),
    ):
        assert refused.json()["error"]["code"] == "CannotUpdateLockedServicePrincipalProperty"
    admin.post(f"{path}/addPassword", {}, 200)
    assert admin("PATCH", principal, {"notes": "still"}).status_code == 204
    assert admin("PATCH", path, {"servicePrincipalLockConfiguration": {"isEnabled": False}}).status_code == 204
    assert admin("PATCH", principal, {"keyCredentials": [Certificate().entry()]}).status_code == 204


def test_roles_and_scopes_are_disabled_before_they_go(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    path = f"/applications/{app.object_id}"
    role = {
        "id": str(uuid.uuid4()),
        "value": "Report.Write",
        "displayName": "w",
        "description": "w",
        "isEnabled": True,
        "allowedMemberTypes": ["Application"],
    }
    assert admin("PATCH", path, {"appRoles": [role]}).status_code == 204
    assert admin.get(f"/servicePrincipals/{app.principal_id}")["appRoles"][0]["value"] == "Report.Write"
    refused = admin("PATCH", path, {"appRoles": []})
    assert refused.json()["error"]["code"] == "CannotDeleteOrUpdateEnabledEntitlement"
    assert admin("PATCH", path, {"appRoles": [{**role, "description": "other"}]}).status_code == 204
    assert admin("PATCH", path, {"appRoles": [{**role, "isEnabled": False}]}).status_code == 204
    assert admin("PATCH", path, {"appRoles": []}).status_code == 204
