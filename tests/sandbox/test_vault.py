"""Azure Key Vault's own packages, unmodified, at the vault's own address and by path on loopback."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from azure.keyvault.certificates import CertificateClient, CertificatePolicy
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets._shared import http_challenge_cache
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from pbisetup.sandbox.vault.errors import CAUSES
from tests.support.tenant import SandboxTenant

VAULT = "contoso-vault"
HOSTS = {"public": "vault.azure.net", "gcchigh": "vault.usgovcloudapi.net", "china": "vault.azure.cn"}
LOGINS = {
    "public": "login.microsoftonline.com",
    "gcchigh": "login.microsoftonline.us",
    "china": "login.partner.microsoftonline.cn",
}
RESOURCE = "https://vault.azure.net"


class Clients:
    """Both packages over one way to the vault."""

    def __init__(self, sandbox: SandboxTenant, *, proxy: bool, cloud: str = "public", name: str = VAULT) -> None:
        def transport() -> RequestsTransport:
            made = RequestsTransport(connection_verify=sandbox.ca, use_env_settings=False)
            made.open()
            if proxy:
                made.session.proxies = {"https": sandbox.proxy}
            return made

        authority = f"https://{LOGINS[cloud]}" if proxy else sandbox.url
        credential = ClientSecretCredential(
            sandbox.tenant, sandbox.operator_id, sandbox.operator_secret, authority=authority, transport=transport(),
            disable_instance_discovery=True,
        )  # fmt: skip
        url = f"https://{name}.{HOSTS[cloud]}" if proxy else f"{sandbox.url}/vaults/{name}"
        options: dict[str, Any] = {"retry_total": 0, "verify_challenge_resource": proxy}
        self.secrets = SecretClient(url, credential, transport=transport(), **options)
        self.certificates = CertificateClient(url, credential, transport=transport(), **options)


@pytest.fixture(params=["proxy", "origin"])
def clients(sandbox: SandboxTenant, request: pytest.FixtureRequest) -> Iterator[Clients]:
    yield Clients(sandbox, proxy=request.param == "proxy")
    http_challenge_cache.clear()


def refused(call: Callable[[], object]) -> tuple[int, str, str | None, str]:
    with pytest.raises(HttpResponseError) as caught:
        call()
    error = caught.value.error
    assert caught.value.status_code is not None
    assert error is not None
    inner = (getattr(error, "innererror", None) or {}).get("code")
    return caught.value.status_code, str(error.code), inner, str(error.message)


def pair(name: str = "contoso-reports") -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.now(UTC).replace(microsecond=0)
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    built = built.serial_number(7).not_valid_before(start).not_valid_after(start + timedelta(days=90))
    return key, built.sign(key, hashes.SHA256())


KEY, CERTIFICATE = pair()
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
) + CERTIFICATE.public_bytes(serialization.Encoding.PEM)
PEM_POLICY = CertificatePolicy(issuer_name="Unknown", content_type="application/x-pem-file", exportable=True)


def test_a_secret_lives_with_its_versions(clients: Clients) -> None:
    secrets = clients.secrets
    expires = datetime(2027, 5, 1, tzinfo=UTC)
    first = secrets.set_secret("app", "one", tags={"a": "b"}, content_type="text", expires_on=expires)
    second = secrets.set_secret("app", "two")
    assert secrets.get_secret("app").value == secrets.get_secret("APP").value == "two"
    old = secrets.get_secret("app", first.properties.version)
    assert (old.value, old.properties.tags, old.properties.content_type) == ("one", {"a": "b"}, "text")
    assert old.properties.expires_on == expires
    assert old.properties.recovery_level == "Recoverable+Purgeable"
    listed = {each.version: each for each in secrets.list_properties_of_secret_versions("app")}
    assert set(listed) == {first.properties.version, second.properties.version}
    assert [each.name for each in secrets.list_properties_of_secrets()] == ["app"]
    assert str(first.id).startswith(f"https://{VAULT}.vault.azure.net/secrets/app/")
    assert list(secrets.list_properties_of_secret_versions("nothing")) == []


def test_attributes_and_tags_change_without_a_new_version(clients: Clients) -> None:
    secrets = clients.secrets
    first = secrets.set_secret("app", "one", tags={"a": "b"})
    version = first.properties.version
    assert secrets.update_secret_properties("app", version, tags={"c": "d"}).tags == {"c": "d"}
    assert secrets.update_secret_properties("app", enabled=False).tags == {"c": "d"}
    assert refused(lambda: secrets.get_secret("app"))[:3] == (403, "Forbidden", "SecretDisabled")
    assert [each.enabled for each in secrets.list_properties_of_secret_versions("app")] == [False]
    secrets.update_secret_properties("app", enabled=True)
    assert secrets.get_secret("app").value == "one"


def test_long_lists_come_in_pages(clients: Clients) -> None:
    for number in range(30):
        clients.secrets.set_secret("app", str(number))
    found = clients.secrets.list_properties_of_secret_versions("app", max_page_size=7)
    sizes = [len(list(page)) for page in found.by_page()]
    assert sizes == [7, 7, 7, 7, 2]


def test_what_is_deleted_is_recovered_or_purged(clients: Clients) -> None:
    secrets = clients.secrets
    secrets.set_secret("app", "one")
    assert secrets.begin_delete_secret("app").result().recovery_id.endswith("/deletedsecrets/app")
    assert refused(lambda: secrets.get_secret("app"))[:2] == (404, "SecretNotFound")
    gone = secrets.get_deleted_secret("app")
    assert gone.scheduled_purge_date - gone.deleted_date == timedelta(days=90)
    assert [each.name for each in secrets.list_deleted_secrets()] == ["app"]
    status, code, inner, message = refused(lambda: secrets.set_secret("app", "two"))
    assert (status, code, inner) == (409, "Conflict", "ObjectIsDeletedButRecoverable")
    assert message.startswith("Secret app is currently in a deleted but recoverable state")
    secrets.begin_recover_deleted_secret("app").wait()
    assert secrets.get_secret("app").value == "one"
    assert refused(lambda: secrets.begin_recover_deleted_secret("app"))[3] == "Deleted Secret not found: app"
    secrets.begin_delete_secret("app").wait()
    secrets.purge_deleted_secret("app")
    assert secrets.set_secret("app", "two").value == "two"


def test_what_was_deleted_is_gone_when_its_time_is_over(sandbox: SandboxTenant) -> None:
    secrets = Clients(sandbox, proxy=True).secrets
    secrets.set_secret("app", "one")
    secrets.begin_delete_secret("app")
    sandbox.advance(91 * 86400)
    secrets = Clients(sandbox, proxy=True).secrets
    assert list(secrets.list_deleted_secrets()) == []
    assert secrets.set_secret("app", "two").value == "two"


LIMITS: dict[str, Callable[[SecretClient], object]] = {
    "sixteen tags": lambda s: s.set_secret("app", "x", tags={str(n): "" for n in range(16)}),
    "a long tag": lambda s: s.set_secret("app", "x", tags={"a": "b" * 257}),
    "a long value": lambda s: s.set_secret("app", "x" * 25_601),
    "a name with an underscore": lambda s: s.set_secret("a_b", "x"),
    "a long name": lambda s: s.set_secret("a" * 128, "x"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_a_vault_does_not_take(clients: Clients, name: str) -> None:
    assert refused(lambda: LIMITS[name](clients.secrets))[:2] == (400, "BadParameter")
    assert list(clients.secrets.list_properties_of_secrets()) == []


def test_as_much_as_a_vault_takes(clients: Clients) -> None:
    tags = {"n" * 255 + chr(97 + n): "v" * 256 for n in range(15)}
    kept = clients.secrets.set_secret("a" * 127, "x" * 25_600, tags=tags)
    assert clients.secrets.get_secret("a" * 127).properties.tags == kept.properties.tags == tags


def test_a_certificate_from_pem_has_a_secret_of_its_name(clients: Clients) -> None:
    certificates, secrets = clients.certificates, clients.secrets
    made = certificates.import_certificate("app", PEM, policy=PEM_POLICY, tags={"a": "b"})
    assert made.properties.x509_thumbprint == CERTIFICATE.fingerprint(hashes.SHA1())  # noqa: S303
    assert bytes(made.cer or b"") == CERTIFICATE.public_bytes(serialization.Encoding.DER)
    assert made.properties.expires_on == CERTIFICATE.not_valid_after_utc
    assert made.policy is not None
    assert (made.policy.issuer_name, made.policy.exportable, made.policy.key_size) == ("Unknown", True, 2048)
    assert certificates.get_certificate_policy("app").content_type == "application/x-pem-file"
    behind = secrets.get_secret("app")
    assert (behind.value, behind.properties.managed) == (PEM.decode(), True)
    assert behind.properties.content_type == "application/x-pem-file"
    again = certificates.import_certificate("app", PEM.decode().encode(), policy=PEM_POLICY)
    assert len(list(certificates.list_properties_of_certificate_versions("app"))) == 2
    assert certificates.get_certificate("app").properties.version == again.properties.version
    old = certificates.get_certificate_version("app", str(made.properties.version))
    assert old.properties.tags == {"a": "b"}
    certificates.update_certificate_properties("app", made.properties.version, enabled=False, tags={"c": "d"})
    disabled = refused(lambda: secrets.get_secret("app", made.properties.version))
    assert disabled[:3] == (403, "Forbidden", "SecretDisabled")


@pytest.mark.parametrize("word", [None, b"word"])
def test_a_certificate_from_pfx_comes_back_as_pfx(clients: Clients, word: bytes | None) -> None:
    locked = serialization.BestAvailableEncryption(word) if word else serialization.NoEncryption()
    pfx = pkcs12.serialize_key_and_certificates(b"app", KEY, CERTIFICATE, None, locked)
    clients.certificates.import_certificate("app", pfx, password=word.decode() if word else None)
    behind = clients.secrets.get_secret("app")
    key, own, _ = pkcs12.load_key_and_certificates(base64.b64decode(str(behind.value)), None)
    assert own == CERTIFICATE
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.private_numbers() == KEY.private_numbers()


def test_a_certificate_and_a_plain_secret_cannot_share_a_name(clients: Clients) -> None:
    clients.certificates.import_certificate("app", PEM, policy=PEM_POLICY)
    assert refused(lambda: clients.secrets.set_secret("app", "x"))[:2] == (409, "Conflict")
    clients.secrets.set_secret("other", "x")
    again = refused(lambda: clients.certificates.import_certificate("other", PEM, policy=PEM_POLICY))
    assert again[:2] == (409, "Conflict")
    assert {each.name for each in clients.secrets.list_properties_of_secrets()} == {"app", "other"}


def test_a_deleted_certificate_takes_its_secret_along(clients: Clients) -> None:
    certificates, secrets = clients.certificates, clients.secrets
    certificates.import_certificate("app", PEM, policy=PEM_POLICY)
    certificates.begin_delete_certificate("app").wait()
    assert refused(lambda: secrets.get_secret("app"))[1] == "SecretNotFound"
    assert certificates.get_deleted_certificate("app").name == "app"
    assert [each.name for each in certificates.list_deleted_certificates()] == ["app"]
    again = refused(lambda: certificates.import_certificate("app", PEM, policy=PEM_POLICY))
    assert again[2] == "ObjectIsDeletedButRecoverable"
    certificates.begin_recover_deleted_certificate("app").wait()
    assert secrets.get_secret("app").value == PEM.decode()
    assert [each.name for each in certificates.list_properties_of_certificates()] == ["app"]
    certificates.begin_delete_certificate("app").wait()
    certificates.purge_deleted_certificate("app")
    with pytest.raises(ResourceNotFoundError):
        certificates.get_certificate("app")


BROKEN: dict[str, tuple[bytes, CertificatePolicy | None]] = {
    "PEM without saying so": (PEM, None),
    "no key": (CERTIFICATE.public_bytes(serialization.Encoding.PEM), PEM_POLICY),
    "an old kind of key": (
        KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        + CERTIFICATE.public_bytes(serialization.Encoding.PEM),
        PEM_POLICY,
    ),
    "another's key": (
        PEM.partition(b"-----BEGIN CERT")[0] + pair()[1].public_bytes(serialization.Encoding.PEM),
        PEM_POLICY,
    ),
    "noise": (b"\x00\x01", None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_certificate_with_its_key_is_refused(sandbox: SandboxTenant, name: str) -> None:
    data, policy = BROKEN[name]
    certificates = Clients(sandbox, proxy=False).certificates
    answer = refused(lambda: certificates.import_certificate("app", data, policy=policy))
    assert answer[:2] == (400, "BadParameter")


def raw(
    sandbox: SandboxTenant, path: str, token: str | None, method: str = "GET", cloud: str = "public", **more: Any
) -> httpx.Response:
    headers = {"Host": f"{VAULT}.{HOSTS[cloud]}"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return sandbox.http.request(method, path, headers=headers, **more)


def test_without_a_token_the_vault_says_where_to_get_one(sandbox: SandboxTenant) -> None:
    answer = raw(sandbox, "/secrets/app?api-version=7.4", None)
    assert answer.status_code == 401
    assert answer.json() == {
        "error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}
    }
    said = f'Bearer authorization="https://login.windows.net/{sandbox.tenant}", resource="https://vault.azure.net"'
    assert answer.headers["WWW-Authenticate"] == said
    assert answer.headers["x-ms-keyvault-region"] == "westeurope"
    assert answer.headers["Cache-Control"] == "no-cache"


def test_a_token_for_something_else_is_not_taken(sandbox: SandboxTenant) -> None:
    answer = raw(sandbox, "/secrets/app?api-version=7.4", sandbox.operator_token("https://management.azure.com"))
    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == (
        "AKV10022: Invalid audience. Expected https://vault.azure.net or cfa8b339-82a2-471a-a3c9-0fc0be7a4093, "
        "found: https://management.azure.com."
    )
    assert 'resource="https://vault.azure.net"' in answer.headers["WWW-Authenticate"]


def test_who_has_no_role_is_told_what_would_take_one(sandbox: SandboxTenant) -> None:
    token = sandbox.user_token("developer", RESOURCE)
    answer = raw(sandbox, "/secrets/app?api-version=7.4", token, "PUT", json={"value": "x"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["innererror"]["code"]) == (403, "Forbidden", "ForbiddenByRbac")
    assert "Action: 'Microsoft.KeyVault/vaults/secrets/setSecret/action'" in error["message"]
    assert f"/providers/microsoft.keyvault/vaults/{VAULT}/secrets/app'" in error["message"]


ROLES: list[tuple[str, str, str, bool]] = [
    ("Key Vault Secrets User", "GET", "/secrets/app", True),
    ("Key Vault Secrets User", "PUT", "/secrets/app", False),
    ("Key Vault Secrets User", "GET", "/certificates/app", False),
    ("Key Vault Reader", "GET", "/secrets", True),
    ("Key Vault Reader", "GET", "/secrets/app", False),
    ("Key Vault Secrets Officer", "PUT", "/secrets/app", True),
    ("Key Vault Secrets Officer", "DELETE", "/deletedsecrets/app", True),
    ("Key Vault Secrets Officer", "POST", "/certificates/app/import", False),
    ("Key Vault Certificates Officer", "POST", "/certificates/app/import", True),
    ("Key Vault Certificates Officer", "GET", "/secrets/app", False),
    ("Key Vault Certificate User", "GET", "/secrets/app", True),
    ("Key Vault Certificate User", "DELETE", "/certificates/app", False),
    ("Key Vault Administrator", "DELETE", "/certificates/app", True),
]


@pytest.mark.parametrize(("role", "method", "path", "may"), ROLES)
def test_a_role_opens_what_it_is_for(sandbox: SandboxTenant, role: str, method: str, path: str, may: bool) -> None:
    """Given to a group, which counts for whoever is in it."""

    def change(state: dict[str, Any]) -> None:
        member = next(each["id"] for each in state["users"] if each["displayName"] == "Dana Developer")
        group = str(uuid.uuid4())
        state["groups"].append({"id": group, "displayName": "vaults", "securityEnabled": True, "members": [member]})
        state["vaults"][VAULT]["roleAssignments"] = [{"principalId": group, "role": role}]

    sandbox.put_state(change)
    answer = raw(sandbox, f"{path}?api-version=7.4", sandbox.user_token("developer", RESOURCE), method)
    assert (answer.status_code != 403) == may, answer.text


def test_the_firewall_is_before_every_role(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state["vaults"][VAULT].update(networkAcls={"defaultAction": "Deny"}))
    error = raw(sandbox, "/secrets?api-version=7.4", sandbox.operator_token(RESOURCE)).json()["error"]
    assert error["innererror"] == {"code": "ForbiddenByFirewall"}
    assert error["message"].startswith(
        "Client address is not authorized and caller is not a trusted service.\r\nClient"
    )


@pytest.mark.parametrize("cloud", ["gcchigh", "china"])
def test_the_vaults_of_other_clouds(sandbox: SandboxTenant, cloud: str) -> None:
    sandbox.reset({"tenant": {"cloud": cloud}})
    secrets = Clients(sandbox, proxy=True, cloud=cloud).secrets
    assert secrets.set_secret("app", "one").properties.vault_url == f"https://{VAULT}.{HOSTS[cloud]}"
    assert (
        raw(sandbox, "/secrets", None, cloud=cloud).headers["WWW-Authenticate"].endswith(f'="https://{HOSTS[cloud]}"')
    )


def test_a_vault_that_is_not_there_does_not_resolve(sandbox: SandboxTenant) -> None:
    clients = Clients(sandbox, proxy=True, name="nobodys-vault")
    with pytest.raises(ServiceRequestError, match="502"):
        clients.secrets.get_secret("app")
    path = sandbox.http.get("/vaults/nobodys-vault/secrets/app?api-version=7.4")
    assert (path.status_code, path.json()["error"]["code"]) == (404, "VaultNotFound")


def test_the_vault_of_the_second_tenant_sends_to_that_tenant(start_sandbox: Callable[..., SandboxTenant]) -> None:
    first = start_sandbox(tenants=2)
    second = first.second
    assert set(second.state()["vaults"]) == {"contoso2-vault"}
    answer = first.http.get("/vaults/contoso2-vault/secrets/app?api-version=7.4")
    assert second.tenant in answer.headers["WWW-Authenticate"]
    clients = Clients(second, proxy=True, name="contoso2-vault")
    assert clients.secrets.set_secret("app", "one").value == "one"
    assert first.state()["vaults"][VAULT]["secrets"] == {}
    http_challenge_cache.clear()


def test_faults_latency_and_the_log_are_as_for_every_service(sandbox: SandboxTenant) -> None:
    secrets = Clients(sandbox, proxy=False).secrets
    secrets.set_secret("app", "hidden-value")
    entry = sandbox.requests()[-1]
    assert (entry["method"], entry["path"], entry["status"]) == ("PUT", f"/vaults/{VAULT}/secrets/app", 200)
    assert "hidden-value" not in json.dumps(sandbox.requests())
    sandbox.faults(
        {"match": {"path": "/secrets/"}, "times": 1, "status": 429, "headers": {"Retry-After": "1"}, "body": {}}
    )
    with pytest.raises(HttpResponseError) as caught:
        secrets.get_secret("app")
    assert caught.value.status_code == 429
    sandbox.faults({"match": {"method": "PUT", "path": "/secrets/"}, "times": 1, "drop": "after"})
    with pytest.raises(Exception, match="Connection"):
        secrets.set_secret("app", "two")
    sandbox.faults()
    assert secrets.get_secret("app").value == "two"


def test_what_lies_in_a_vault_outlives_the_process(start_sandbox: Callable[..., SandboxTenant]) -> None:
    first = start_sandbox()
    Clients(first, proxy=False).secrets.set_secret("app", "one")
    first.close()
    http_challenge_cache.clear()
    assert Clients(start_sandbox(), proxy=False).secrets.get_secret("app").value == "one"
    http_challenge_cache.clear()


def test_other_paths_and_methods_are_refused_in_the_vaults_words(sandbox: SandboxTenant) -> None:
    token = sandbox.operator_token(RESOURCE)
    assert raw(sandbox, "/nothing?api-version=7.4", token).json()["error"]["code"] == "NotFound"
    assert raw(sandbox, "/secrets?api-version=7.4", token, "POST").status_code == 405
    assert raw(sandbox, "/secrets", token).json()["error"]["code"] == "BadParameter"
    assert raw(sandbox, f"/vaults/{VAULT}/secrets?api-version=7.4", token).status_code == 404
    assert raw(sandbox, "/secrets/app?api-version=7.4", token, "PUT", content=b"{").status_code == 400


def test_each_refusal_says_where_it_is_known_from() -> None:
    assert all(cause.source for cause in CAUSES.values())
