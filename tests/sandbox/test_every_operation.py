"""Every documented operation, asked by every kind of caller: the answer is a row of the API's table, the operation's own,
or the sandbox's word that it does not carry it; and which row follows from the operation's class alone.
"""

from __future__ import annotations

import copy
import re
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from pbisetup.catalog.operations import Operation, Service, by_id, operations
from pbisetup.sandbox import fabric, powerbi
from pbisetup.sandbox.fabric.causes import CAUSES as FABRIC_CAUSES
from pbisetup.sandbox.powerbi.causes import CAUSES as POWERBI_CAUSES
from pbisetup.sandbox.powerbi.causes import HEADER
from pbisetup.sandbox.wire import Call, Reply, Route
from tests.sandbox.gate_cases import workspace
from tests.sandbox.inprocess import ORIGIN, Inside

SETTINGS = (
    "ServicePrincipalAccessPermissionAPIs",
    "AllowServicePrincipalsUseReadAdminAPIs",
    "AllowServicePrincipalsUseWriteAdminAPIs",
)
APPS = ("app admitted", "app not admitted", "app with app roles")
USERS = ("user with all scopes", "user without scopes", "administrator")
ROUTES: dict[Service, list[Route]] = {"powerbi": powerbi.routes, "fabric": fabric.routes}


def place(method: str, path: str) -> tuple[str, str]:
    return method, re.sub(r"\{\w+\}", "{}", path.partition("?")[0]).lower()


@cache
def asked(service: Service) -> list[tuple[Operation, Route]]:
    """Each operation with its route. Of several at one address (previews beside what replaced them) the first."""
    routes = {place(route.method, route.path): route for route in reversed(ROUTES[service])}
    found: dict[tuple[str, str], tuple[Operation, Route]] = {}
    for operation in by_id(service).values():
        where = place(operation.method, operation.path)
        found.setdefault(where, (operation, routes[where]))
    return list(found.values())


def expected(operation: Operation, caller: str) -> str | None:
    """The row that the class of the operation calls for; None: the caller is let in as far as the class goes."""
    if caller in APPS:
        return _of_an_app(operation, caller)
    if operation.service == "powerbi" and operation.app == "only":
        return "closed_to_users"
    if caller == "user without scopes" and operation.scopes:
        return "scopes_missing"
    return "not_fabric_administrator" if operation.admin and caller != "administrator" else None


def _of_an_app(operation: Operation, caller: str) -> str | None:
    if caller == "app with app roles" and operation.admin:
        return "app_roles_on_admin_route"
    if caller == "app not admitted":
        if not operation.admin:
            return "service_principal_setting_off"
        return "admin_route_for_people" if operation.admin == "user" else "admin_setting_off"
    if operation.service == "powerbi" and operation.my_workspace:
        return "my_workspace_of_an_app"
    if operation.admin == "user":
        return "admin_route_for_people"
    return "closed_to_apps" if operation.app == "no" else None


@cache
def every_scope() -> str:
    return " ".join(sorted({scope for each in operations() for group in each.scopes or () for scope in group}))


def prepared(caller: str) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """A state, the caller's object id, and what its token says."""
    inside = Inside()
    for setting in SETTINGS:
        inside.setting(setting, on=caller != "app not admitted")
    if caller in APPS:
        id_ = inside.add_app("caller")[1]["id"]
        claims: dict[str, Any] = {"roles": ["Tenant.Read.All"]} if caller == "app with app roles" else {}
    else:
        id_ = inside.user("fabricadmin" if caller == "administrator" else "developer")["id"]
        claims = {"scp": "openid" if caller == "user without scopes" else every_scope()}
    entry = {"id": id_, "principal": {"id": id_, "type": "ServicePrincipal"}, "role": "Admin"}
    entries = workspace(inside)["roleAssignments"]
    entries[:] = [each for each in entries if each["id"] != id_] + [entry]
    return inside.tenant.dump(), id_, claims


def answers(service: Service, caller: str) -> Iterator[tuple[Operation, Reply]]:
    state, id_, claims = prepared(caller)
    inside = Inside(copy.deepcopy(state))
    ours = workspace(inside)["id"]
    token = inside.token(service, id_, **claims)
    for operation, route in asked(service):
        names = re.findall(r"\{(\w+)\}", route.path)
        params = {name: ours if name in ("groupId", "workspaceId") else str(uuid.uuid4()) for name in names}
        path = re.sub(r"\{(\w+)\}", lambda hit: params[hit[1]], route.path)  # noqa: B023 - used at once
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        body = b"" if operation.method in ("GET", "DELETE") else b"{}"
        call = Call(operation.method, path, params, {}, headers, body, ORIGIN, str(uuid.uuid4()))
        answer = route.handler(inside.world, call)
        yield operation, answer
        if operation.method != "GET" and answer.status < 300:
            inside = Inside(copy.deepcopy(state))


def rows(service: Service, answer: Reply) -> set[str]:
    """The rows of the API's table that the answer may be."""
    if service == "fabric":
        body = answer.body if isinstance(answer.body, dict) else {}
        sent = (answer.status, body.get("errorCode"), answer.headers.get("x-ms-public-api-error-code"))
        return {name for name, each in FABRIC_CAUSES.items() if sent == (each.status, each.code, each.code)}
    told = answer.headers.get(HEADER)
    code = _code(answer.body)
    return {
        name
        for name, each in POWERBI_CAUSES.items()
        if (each.status, each.header, _code(each.body)) == (answer.status, told, code)
    }


def _code(body: Any) -> Any:
    """What tells one body of Power BI from another: its code, or all of it."""
    error = body.get("error") if isinstance(body, dict) else None
    return error.get("code") if isinstance(error, dict) else body


@pytest.mark.parametrize("service", ROUTES)
@pytest.mark.parametrize("caller", [*APPS, *USERS])
def test_the_answer_is_a_row_or_the_operations_own(service: Service, caller: str) -> None:
    wrong = []
    for operation, answer in answers(service, caller):
        carried_not = answer.status == 501 and isinstance(answer.body, dict) and "sandbox" in answer.body
        known = rows(service, answer)
        if not (carried_not or known or 200 <= answer.status < 300):
            wrong.append(f"{operation.id}: {answer.status} {answer.body}")
        wanted = expected(operation, caller)
        if wanted and wanted not in known:
            wrong.append(f"{operation.id}: {answer.status} {sorted(known)}, not {wanted}")
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.parametrize(
    ("service", "operation", "caller", "row"),
    [
        ("powerbi", "Reports_GetReports", "app admitted", "my_workspace_of_an_app"),
        ("powerbi", "Reports_GetReports", "user with all scopes", None),
        ("powerbi", "Apps_GetApps", "app admitted", "closed_to_apps"),
        ("powerbi", "Apps_GetApps", "user with all scopes", None),
        ("powerbi", "Groups_GetGroups", "app not admitted", "service_principal_setting_off"),
        ("powerbi", "Admin_GetCapacitiesAsAdmin", "app admitted", None),
        ("powerbi", "Admin_GetCapacitiesAsAdmin", "app not admitted", "admin_setting_off"),
        ("powerbi", "Admin_GetCapacitiesAsAdmin", "app with app roles", "app_roles_on_admin_route"),
        ("powerbi", "Admin_GetCapacitiesAsAdmin", "user with all scopes", "not_fabric_administrator"),
        ("powerbi", "Admin_GetCapacitiesAsAdmin", "user without scopes", "scopes_missing"),
        ("powerbi", "Admin_GetCapacitiesAsAdmin", "administrator", None),
        ("powerbi", "Groups_AddUserAsAdmin", "app admitted", "admin_route_for_people"),
        ("powerbi", "Groups_AddUserAsAdmin", "app not admitted", "admin_route_for_people"),
        ("powerbi", "Profiles_GetProfiles", "app admitted", None),
        ("powerbi", "Profiles_GetProfiles", "administrator", "closed_to_users"),
        ("fabric", "admin.Tenants_UpdateTenantSetting", "app admitted", None),
        ("fabric", "admin.Tenants_UpdateTenantSetting", "app not admitted", "admin_setting_off"),
        ("fabric", "platform.Workspaces_ListWorkspaces", "app with app roles", None),
    ],
)
def test_the_rule_by_examples(service: Service, operation: str, caller: str, row: str | None) -> None:
    """The rule above, so that it is read where it matters."""
    assert expected(by_id(service)[operation], caller) == row
