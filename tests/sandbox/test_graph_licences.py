"""What a user is licensed for: licenseDetails follow from the state, and who may read whose."""

from __future__ import annotations

import pytest

from pbisetup.sandbox.roles import ROLES
from tests.sandbox.api import Api, graph
from tests.sandbox.graph_people import app_with, user_of, user_with
from tests.support.tenant import SandboxTenant

FREE, PRO, PER_USER = (
    "2049e525-b859-401b-b2a0-e0a31c4b1fe4",
    "70d33638-9c74-4d01-bfd3-562de28bd4ba",
    "0bf3c642-7bb5-4ccc-884e-59d09df0266c",
)
LICENSE_ADMINISTRATOR = "4d6ac14f-3453-41d0-bef9-a3e0c569773a"


def developer(sandbox: SandboxTenant) -> str:
    return f"/users/developer@{sandbox.domain}/licenseDetails"


def refused(api: Api, path: str) -> str | None:
    answer = api("GET", path)
    if answer.status_code == 200:
        return None
    assert answer.status_code == 403, answer.text
    return str(answer.json()["error"]["code"])


def hold(sandbox: SandboxTenant, role: str) -> None:
    """Make this the developer's only role."""
    sandbox.put_state(lambda state: user_of(state, "developer").update(directoryRoles=[role]))


@pytest.mark.parametrize(
    ("license_", "product", "sku", "plans"),
    [
        (None, "POWER_BI_PRO", "f8a1db68-be16-40ed-86d5-cb42ce701560", [PRO]),
        ("Pro", "POWER_BI_PRO", "f8a1db68-be16-40ed-86d5-cb42ce701560", [PRO]),
        ("Free", "POWER_BI_STANDARD", "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", [FREE]),
        ("PremiumPerUser", "PBI_PREMIUM_PER_USER", "c1d032e0-5619-4761-9b5c-75b6831e1711", [PER_USER, PRO]),
        ("none", None, None, []),
    ],
)
def test_licences_follow_from_the_state(
    sandbox: SandboxTenant, license_: str | None, product: str | None, sku: str | None, plans: list[str]
) -> None:
    sandbox.put_state(lambda state: user_of(state, "developer").update(powerBiLicense=license_))
    found = graph(sandbox, "developer").get("/me/licenseDetails")["value"]
    assert [(each["skuPartNumber"], each["skuId"]) for each in found] == ([(product, sku)] if product else [])
    power_bi = [plan for each in found for plan in each["servicePlans"] if plan["appliesTo"] == "User"]
    assert [plan["servicePlanId"] for plan in power_bi] == plans
    assert all(plan["provisioningStatus"] == "Success" for plan in power_bi)
    admin = graph(sandbox)
    assert admin.get(developer(sandbox))["value"] == found
    assert admin.get(f"{sandbox.url}/beta{developer(sandbox)}")["value"] == found


def test_an_id_is_of_the_tenant_and_the_product(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: user_of(state, "developer").update(powerBiLicense="Free"))
    admin = graph(sandbox)
    (one,) = admin.get(developer(sandbox) + "?$select=id,skuId")["value"]
    assert set(one) == {"id", "skuId"}
    assert one["id"].endswith("zrA6Tg-qJMjIx6kH_WwjU")  # as in a published answer, of another tenant
    (other,) = admin.get("/me/licenseDetails")["value"]
    assert one["id"][:21] == other["id"][:21] != one["id"][21:42]


def test_ones_own_are_read_with_little_and_nobody_elses(sandbox: SandboxTenant) -> None:
    me = user_with(sandbox, "developer", "User.Read")
    assert refused(me, "/me/licenseDetails") is None
    assert refused(me, developer(sandbox)) is None
    assert refused(me, f"/users/admin@{sandbox.domain}/licenseDetails") == "Authorization_RequestDenied"
    assert refused(user_with(sandbox, "developer", "openid"), "/me/licenseDetails") == "Authorization_RequestDenied"
    assert refused(user_with(sandbox, "admin", "User.Read"), developer(sandbox)) == "Authorization_RequestDenied"


def test_somebody_elses_need_a_role_too(sandbox: SandboxTenant) -> None:
    path = f"/users/admin@{sandbox.domain}/licenseDetails"
    reader = user_with(sandbox, "developer", "User.Read.All", roles=())
    assert refused(reader, path) == "Authorization_RequestDenied"
    for role in (ROLES["Directory Readers"], ROLES["User Administrator"], LICENSE_ADMINISTRATOR):
        hold(sandbox, role)
        assert refused(reader, path) is None, role
    hold(sandbox, ROLES["Fabric Administrator"])
    assert refused(reader, path) == "Authorization_RequestDenied"


def test_apps_read_with_an_application_permission(sandbox: SandboxTenant) -> None:
    _, reader = app_with(sandbox, "LicenseAssignment.Read.All")
    assert refused(reader, developer(sandbox)) is None
    assert reader("GET", "/me/licenseDetails").status_code == 400
    assert reader("GET", f"/users/nobody@{sandbox.domain}/licenseDetails").status_code == 404
    _, other = app_with(sandbox, "Application.Read.All")
    assert refused(other, developer(sandbox)) == "Authorization_RequestDenied"


def test_they_are_not_filtered(sandbox: SandboxTenant) -> None:
    answer = graph(sandbox)("GET", "/me/licenseDetails?$filter=skuPartNumber eq 'POWER_BI_PRO'")
    assert (answer.status_code, "Filtered searches" in answer.text) == (400, True)
