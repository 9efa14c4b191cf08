"""Azure CLI, unmodified, against the sandbox registered as its cloud."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients import install
from tests.clients.az import Az
from tests.support.cli import Cli
from tests.support.tenant import FABRIC, GRAPH, POWER_BI, SandboxTenant, State

pytestmark = pytest.mark.clients("azure-cli")

POWER_BI_APP = "00000009-0000-0000-c000-000000000000"
TENANT_READ = "654b31ae-d941-4e22-8798-7add8fdf049f"
WORKSPACE_READ = "b2f1b2fa-f35c-407c-979c-a858a808ba85"
AUDIENCE = "api://AzureADTokenExchange"
NOBODY = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="session")
def registered(_sandbox_process: SandboxTenant, tmp_path_factory: pytest.TempPathFactory) -> Az:
    """Signed in as the operator; made once a worker, because a reset keeps the tenant's id, key and operator."""
    if why := install.missing("azure-cli"):
        pytest.skip(why)
    az = Az.at(_sandbox_process, tmp_path_factory.mktemp("az"))
    account = az.login_operator()
    assert account[0]["tenantId"] == _sandbox_process.tenant
    return az


@pytest.fixture
def az(sandbox: SandboxTenant, registered: Az, tmp_path: Path) -> Az:
    """A home of the test's own in which the operator is signed in."""
    return registered.copy(sandbox, tmp_path / "home")


@pytest.fixture
def new_az(sandbox: SandboxTenant, registered: Az, tmp_path: Path) -> Callable[[str], Az]:
    """Homes in which nobody is signed in."""

    def make(name: str) -> Az:
        other = registered.copy(sandbox, tmp_path / name)
        other.do("account", "clear")
        return other

    return make


def _app(az: Az, name: str) -> Any:
    return az.do("ad", "app", "create", "--display-name", name)


def _open(*settings: str) -> Callable[[State], None]:
    """Switch tenant settings on for the whole organization."""

    def change(state: State) -> None:
        for each in state["tenantSettings"]:
            if each["settingName"] in settings:
                each["enabled"] = True

    return change


def test_signing_in_tells_a_wrong_secret_from_an_unknown_app(
    sandbox: SandboxTenant, new_az: Callable[[str], Az]
) -> None:
    az = new_az("fresh")
    sign_in = ("login", "--service-principal", "--tenant", sandbox.tenant, "--allow-no-subscriptions", "--password")
    assert "AADSTS7000215" in az.refused(*sign_in, "nope", "--username", sandbox.operator_id)
    assert "AADSTS700016" in az.refused(*sign_in, "nope", "--username", NOBODY)
    assert az.login_operator()[0]["user"] == {"name": sandbox.operator_id, "type": "servicePrincipal"}
    assert az.do("account", "show")["user"]["name"] == sandbox.operator_id
    token = az.do("account", "get-access-token", "--scope", f"{POWER_BI}/.default")
    assert token["tenant"] == sandbox.tenant
    assert "AADSTS500011" in az.refused("account", "get-access-token", "--scope", "https://nosuch.example/.default")
    az.do("logout")
    assert "az login" in az.refused("account", "show")


def test_the_life_of_an_app_registration(az: Az) -> None:
    wanted = [{"resourceAppId": POWER_BI_APP, "resourceAccess": [{"id": TENANT_READ, "type": "Role"}]}]
    made = az.do(
        *("ad", "app", "create", "--display-name", "reports", "--sign-in-audience", "AzureADMyOrg"),
        *("--web-redirect-uris", "http://localhost:8400", "--enable-id-token-issuance", "true"),
        *("--required-resource-accesses", json.dumps(wanted)),
    )
    app, object_id = made["appId"], made["id"]
    assert made["web"]["implicitGrantSettings"]["enableIdTokenIssuance"] is True
    # A second create with the same name changes the first app and makes no other.
    again = az.do("ad", "app", "create", "--display-name", "reports", "--is-fallback-public-client", "true")
    assert again["appId"] == app
    for query in (
        ("--display-name", "repor"),
        ("--filter", "displayName eq 'reports'"),
        ("--all",),
        ("--app-id", app),
    ):
        assert app in [each["appId"] for each in az.do("ad", "app", "list", *query)], query
    assert az.do("ad", "app", "show", "--id", object_id)["appId"] == app
    az.do("ad", "app", "update", "--id", app, "--display-name", "reports 2", "--identifier-uris", f"api://{app}")
    az.do("ad", "app", "update", "--id", app, "--set", "notes=hello", 'tags=["a"]')
    shown = az.do("ad", "app", "show", "--id", f"api://{app}")
    assert (shown["displayName"], shown["notes"], shown["tags"]) == ("reports 2", "hello", ["a"])
    az.do("ad", "app", "delete", "--id", app)
    assert "does not exist" in az.refused("ad", "app", "show", "--id", app)


def test_a_secret_that_az_makes_signs_in_until_it_is_deleted(
    sandbox: SandboxTenant, az: Az, new_az: Callable[[str], Az]
) -> None:
    app = _app(az, "with-secret")["appId"]
    az.do("ad", "sp", "create", "--id", app)
    secret = az.do("ad", "app", "credential", "reset", "--id", app, "--append", "--display-name", "k1", "--years", "1")
    held = az.do("ad", "app", "credential", "list", "--id", app)
    assert [each["displayName"] for each in held] == ["k1"]
    az.do("ad", "sp", "credential", "reset", "--id", app, "--append")
    other = new_az("the-app")
    assert other.login(app, "--password", secret["password"], tenant=sandbox.tenant)[0]["user"]["name"] == app
    az.do("ad", "app", "credential", "delete", "--id", app, "--key-id", held[0]["keyId"])
    fresh = new_az("the-app-later")
    proof = ("--username", app, "--password", secret["password"], "--tenant", sandbox.tenant)
    said = fresh.refused("login", "--service-principal", *proof, "--allow-no-subscriptions")
    assert "AADSTS7000215" in said


def test_a_certificate_that_az_makes_signs_in(sandbox: SandboxTenant, az: Az, new_az: Callable[[str], Az]) -> None:
    app = _app(az, "with-certificate")["appId"]
    az.do("ad", "sp", "create", "--id", app)
    made = az.do("ad", "app", "credential", "reset", "--id", app, "--create-cert", "--append")
    assert az.do("ad", "app", "credential", "list", "--id", app, "--cert")[0]["keyId"]
    other = new_az("the-app")
    other.login(app, "--certificate", made["fileWithCertAndPrivateKey"], tenant=sandbox.tenant)
    assert other.do("account", "get-access-token", "--resource", POWER_BI)["accessToken"]


def test_service_principals_their_permissions_and_grants(az: Az) -> None:
    app = _app(az, "with-permissions")["appId"]
    principal = az.do("ad", "sp", "create", "--id", app)["id"]
    assert "already in use" in az.refused("ad", "sp", "create", "--id", app)
    assert az.do("ad", "sp", "show", "--id", app)["id"] == principal
    assert az.do("ad", "sp", "show", "--id", principal)["appId"] == app
    assert az.do("ad", "sp", "list", "--display-name", "with-perm")[0]["id"] == principal
    assert az.do("ad", "sp", "list", "--filter", f"appId eq '{app}'")[0]["id"] == principal
    az.do("ad", "sp", "update", "--id", app, "--set", "appRoleAssignmentRequired=true")
    assert az.do("ad", "sp", "show", "--id", app)["appRoleAssignmentRequired"] is True

    permission = ("ad", "app", "permission")
    az.do(*permission, "add", "--id", app, "--api", POWER_BI_APP, "--api-permissions", f"{WORKSPACE_READ}=Scope")
    listed = az.do(*permission, "list", "--id", app)
    assert listed[0]["resourceAccess"] == [{"id": WORKSPACE_READ, "type": "Scope"}]
    granted = az.do(*permission, "grant", "--id", app, "--api", POWER_BI_APP, "--scope", "Workspace.Read.All")
    assert granted["consentType"] == "AllPrincipals"
    grants = az.do(*permission, "list-grants", "--id", app, "--show-resource-name")
    assert [each["resourceDisplayName"] for each in grants] == ["Power BI Service"]
    az.do(*permission, "delete", "--id", app, "--api", POWER_BI_APP, "--api-permissions", WORKSPACE_READ)
    assert az.do(*permission, "list", "--id", app) == []
    # On a cloud that is registered by hand, az itself refuses: test_consent_through_the_proxy has the other road.
    assert "sovereign" in az.refused(*permission, "admin-consent", "--id", app)
    az.do("ad", "sp", "delete", "--id", app)
    assert "does not exist" in az.refused("ad", "sp", "show", "--id", app)


def test_app_roles_by_az_rest(az: Az) -> None:
    app = _app(az, "with-roles")["appId"]
    principal = az.do("ad", "sp", "create", "--id", app)["id"]
    base = f"{az.client.sandbox.url}/v1.0/servicePrincipals"
    rest = ("rest", "--resource", GRAPH)
    query = f"{base}?$filter=appId eq '{POWER_BI_APP}'&$select=id,displayName"
    resource = az.do(*rest, "--method", "get", "--url", query)["value"][0]
    assert resource["displayName"] == "Power BI Service"
    body = json.dumps({"principalId": principal, "resourceId": resource["id"], "appRoleId": TENANT_READ})
    assign = (*rest, "--method", "post", "--url", f"{base}/{resource['id']}/appRoleAssignedTo", "--body", body)
    assert az.do(*assign)["appRoleId"] == TENANT_READ
    assert "already exists" in az.refused(*assign)


def test_federated_credentials(sandbox: SandboxTenant, az: Az, new_az: Callable[[str], Az]) -> None:
    app = _app(az, "federated")["appId"]
    az.do("ad", "sp", "create", "--id", app)
    fic = ("ad", "app", "federated-credential")
    issuer, subject = "https://token.actions.githubusercontent.com", "repo:contoso/reports:ref:refs/heads/main"
    wanted = {"name": "gh", "issuer": issuer, "subject": subject, "audiences": [AUDIENCE]}
    az.do(*fic, "create", "--id", app, "--parameters", json.dumps(wanted))
    assert [each["subject"] for each in az.do(*fic, "list", "--id", app)] == [subject]
    az.do(
        *(*fic, "update", "--id", app, "--federated-credential-id", "gh"),
        *("--parameters", json.dumps({"description": "main branch"})),
    )
    shown = az.do(*fic, "show", "--id", app, "--federated-credential-id", "gh")
    assert shown["description"] == "main branch"

    presented = {"issuer": issuer, "subject": subject, "audience": AUDIENCE}
    assertion = sandbox.control("POST", "assertions", presented)["assertion"]
    pipeline = new_az("pipeline")
    assert pipeline.login(app, "--federated-token", assertion, tenant=sandbox.tenant)[0]["user"]["name"] == app
    az.do(*fic, "delete", "--id", app, "--federated-credential-id", "gh")
    assert az.do(*fic, "list", "--id", app) == []


def test_groups_members_and_owners(az: Az) -> None:
    app = _app(az, "member")["appId"]
    principal = az.do("ad", "sp", "create", "--id", app)["id"]
    create = ("ad", "group", "create", "--display-name", "pbi", "--mail-nickname", "pbi")
    group = az.do(*create)
    assert group["securityEnabled"] is True
    assert az.do(*create)["id"] == group["id"]  # az finds the first one
    assert az.do("ad", "group", "list", "--display-name", "pb")[0]["id"] == group["id"]
    assert az.do("ad", "group", "show", "--group", group["id"])["displayName"] == "pbi"
    member = ("ad", "group", "member")
    az.do(*member, "add", "--group", group["id"], "--member-id", principal)
    assert "already exist" in az.refused(*member, "add", "--group", group["id"], "--member-id", principal)
    assert az.do(*member, "check", "--group", group["id"], "--member-id", principal) == {"value": True}
    assert [each["id"] for each in az.do(*member, "list", "--group", group["id"])] == [principal]
    assert az.do("ad", "group", "get-member-groups", "--group", group["id"]) == []
    az.do("ad", "group", "owner", "add", "--group", group["id"], "--owner-object-id", principal)
    assert [each["id"] for each in az.do("ad", "group", "owner", "list", "--group", group["id"])] == [principal]
    az.do("ad", "app", "owner", "add", "--id", app, "--owner-object-id", principal)
    assert principal in [each["id"] for each in az.do("ad", "app", "owner", "list", "--id", app)]
    az.do(*member, "remove", "--group", group["id"], "--member-id", principal)
    assert az.do(*member, "list", "--group", group["id"]) == []
    az.do("ad", "group", "delete", "--group", group["id"])


def test_power_bi_and_fabric_decide_by_tenant_settings(sandbox: SandboxTenant, az: Az) -> None:
    workspaces = ("rest", "--url", f"{sandbox.url}/v1.0/myorg/groups", "--resource", POWER_BI)
    settings = ("rest", "--url", f"{sandbox.url}/v1/admin/tenantsettings", "--resource", FABRIC)
    assert "Unauthorized" in az.refused(*workspaces) or "PowerBINotAuthorized" in az.refused(*workspaces)
    assert "Unauthorized" in az.refused(*settings)
    sandbox.put_state(_open("ServicePrincipalAccessPermissionAPIs", "AllowServicePrincipalsUseReadAdminAPIs"))
    assert az.do(*workspaces)["value"] == []  # admitted, without a role in any workspace
    assert any(each["settingName"] == "ServicePrincipalAccessPermissionAPIs" for each in az.do(*settings)["value"])


def test_a_user_signs_in_by_device_code(sandbox: SandboxTenant, new_az: Callable[[str], Az]) -> None:
    az = new_az("admin")
    account = az.login_device()[0]
    assert account["user"] == {"name": f"admin@{sandbox.domain}", "type": "user"}
    assert az.do("ad", "signed-in-user", "show")["userPrincipalName"] == f"admin@{sandbox.domain}"
    az.do("ad", "signed-in-user", "list-owned-objects")
    assert len(az.do("ad", "user", "list")) == 3
    # Silently, by the refresh token.
    token = az.do("account", "get-access-token", "--scope", f"{POWER_BI}/.default")["accessToken"]
    groups = sandbox.http.get("/v1.0/myorg/groups", headers={"Authorization": f"Bearer {token}"})
    assert [each["name"] for each in groups.json()["value"]] == ["Reports Dev", "Reports Test", "Reports Prod"]


def test_create_for_rbac(az: Az, new_az: Callable[[str], Az]) -> None:
    made = az.do("ad", "sp", "create-for-rbac", "--name", "rbac")
    other = new_az("rbac")
    assert other.login(made["appId"], "--password", made["password"], tenant=made["tenant"])


def test_a_cloud_is_registered_from_its_metadata_alone(sandbox: SandboxTenant, tmp_path: Path, registered: Az) -> None:
    az = registered.copy(sandbox, tmp_path / "home")
    az.do("cloud", "register", "--name", "Short", "--endpoint-resource-manager", sandbox.url)
    endpoints = az.do("cloud", "show", "--name", "Short")["endpoints"]
    assert endpoints["activeDirectory"] == sandbox.url
    az.do("cloud", "set", "--name", "Short")
    az.login_operator()
    assert az.do("ad", "app", "list", "--all")


class TestAsTheRealCloud:
    """Stock AzureCloud through the CONNECT proxy, instance discovery included."""

    def test_consent_through_the_proxy(self, sandbox: SandboxTenant, tmp_path: Path) -> None:
        az = Az.at(sandbox, tmp_path / "home", proxy=True)
        assert az.login_device()[0]["tenantId"] == sandbox.tenant
        wanted = [
            {
                "resourceAppId": POWER_BI_APP,
                "resourceAccess": [
                    {"id": TENANT_READ, "type": "Role"},
                    {"id": WORKSPACE_READ, "type": "Scope"},
                ],
            }
        ]
        app = az.do(
            *("ad", "app", "create", "--display-name", "consented"),
            *("--required-resource-accesses", json.dumps(wanted)),
        )["appId"]
        principal = az.do("ad", "sp", "create", "--id", app)["id"]
        az.do("ad", "app", "permission", "admin-consent", "--id", app)
        state = sandbox.state()
        held = [each["appRoleId"] for each in state["appRoleAssignments"] if each["principalId"] == principal]
        grants = [each["scope"] for each in state["oauth2PermissionGrants"] if each["clientId"] == principal]
        assert held == [TENANT_READ]
        assert grants == ["Workspace.Read.All"]
        # The resource is derived from the address, as on the real cloud.
        url = f"https://graph.microsoft.com/v1.0/applications?$filter=appId eq '{app}'"
        assert az.do("rest", "--url", url)["value"][0]["appId"] == app
        assert az.do("rest", "--url", "https://api.powerbi.com/v1.0/myorg/groups", "--resource", POWER_BI)["value"]

    def test_a_service_principal_cannot_consent(self, sandbox: SandboxTenant, tmp_path: Path) -> None:
        az = Az.at(sandbox, tmp_path / "home", proxy=True)
        az.login_operator()
        app = _app(az, "unconsented")["appId"]
        assert "Bad Request" in az.refused("ad", "app", "permission", "admin-consent", "--id", app)

    def test_user_name_and_password(self, sandbox: SandboxTenant, tmp_path: Path) -> None:
        az = Az.at(sandbox, tmp_path / "home", proxy=True)
        account = az.do(
            *("login", "--username", f"developer@{sandbox.domain}", "--password", sandbox.password),
            *("--tenant", sandbox.tenant, "--allow-no-subscriptions"),
        )
        assert account[0]["user"]["name"] == f"developer@{sandbox.domain}"
        assert az.do("ad", "signed-in-user", "show")["displayName"] == "Dana Developer"


def test_an_app_that_az_made_is_taken_over_and_az_finds_it_as_it_was(
    az: Az, sandbox: SandboxTenant, tmp_path: Path
) -> None:
    """As in most tutorials: an app, a service principal, an application permission, a credential of az's."""
    app = _app(az, "made by az")
    az.do("ad", "sp", "create", "--id", app["appId"])
    az.do(
        "ad",
        "app",
        "permission",
        "add",
        "--id",
        app["appId"],
        "--api",
        POWER_BI_APP,
        "--api-permissions",
        f"{TENANT_READ}=Role",
    )
    az.do("ad", "app", "credential", "reset", "--id", app["appId"], "--display-name", "of az", "--append")
    sandbox.put_state(lambda state: state.update(auto_approve="admin"))
    cli = Cli(tmp_path / "project", sandbox.env())
    ran = cli.ok("init", "--cloud", "sandbox", "--yes", "--adopt", app["appId"], "--purpose", "automation,admin-read")
    assert "'made by az': take over (declared permissions, tag, unique name)" in " ".join(ran.err.split()), ran.err[
        600:2500
    ]
    shown = az.do("ad", "app", "show", "--id", app["appId"])
    assert shown["displayName"] == "made by az"
    assert {each["displayName"] for each in shown["passwordCredentials"]} > {"of az"}
    assert shown["requiredResourceAccess"] == []
    assert cli("plan", "--detailed-exitcode").code == 0
    assert cli("doctor", "dev").out.strip().endswith("Healthy.")
