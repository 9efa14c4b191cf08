"""The form of a row: what signs in a text speak for which cause. And the questions that many rows ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pbisetup.diagnosis.paste.paste import (
    When,
    all_of,
    any_of,
    claim,
    code,
    oauth,
    operation,
    request,
    said,
    shape,
    status,
)
from pbisetup.model.finding import Certainty


@dataclass(frozen=True)
class Sign:
    """One row."""

    cause: str
    """Name of the catalogue's entry."""
    certainty: Certainty
    when: When
    question: str = ""
    """What it answers. A certain answer settles a question: the other rows of the same one are dropped."""
    decided_by: str = ""
    """The one fact that would decide, where it differs from the entry's."""
    weight: int = 0
    """How telling it is among those of the same certainty."""
    unless: When | None = None
    """What rules the cause out. A fact that rules out is never missing from a row of the same cause that is weaker."""


ARM_AND_OTHERS: Final = (
    "management.azure.com", "management.core.windows.net", "graph.microsoft.com", "graph.windows.net",
    "database.windows.net", "storage.azure.com", "vault.azure.net", "00000003-0000-0000-c000-000000000000",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
)  # fmt: skip


def foreign(value: str) -> bool:
    """Whether an audience is that of an API other than Power BI's and Fabric's."""
    return any(name in value.lower() for name in ARM_AND_OTHERS)


def government(value: str) -> bool:
    """Whether an audience or scope is that of a national cloud."""
    names = ("usgovcloudapi", "powerbigov", "chinacloudapi", "fc4979e5-0aa5-429f-b13a-5d1365be5566")
    return any(name in value.lower() for name in names)


admin_route: Final = operation(lambda o: o.admin is not None)
admin_for_apps: Final = operation(lambda o: o.admin in ("read", "update"))
admin_for_people: Final = operation(lambda o: o.admin == "user")
# executeQueries without /groups/ asks for rights on the model alone: an app got 200 there (bagofwords pull 807).
my_workspace: Final = operation(lambda o: o.my_workspace and not o.path.endswith("/executeQueries"))
closed: Final = operation(lambda o: o.app == "no" and not o.my_workspace and o.admin is None)
execute_queries: Final = request(lambda r: r.path.lower().endswith("/executequeries"))
in_workspace: Final = request(
    lambda r: (
        r.service in ("powerbi", "fabric") and re.search(r"/(?<!/admin/)(?:groups|workspaces)/", r.path) is not None
    )
)
# Lists that need no role anywhere: who is refused there is not let in at all (powerbi.md 6.1, 7).
_LISTS: Final = ("/v1.0/myorg/groups", "/v1/workspaces", "/v1/capacities")
tenant_wide: Final = operation(lambda o: o.method == "GET" and o.path in _LISTS)
power_bi_request: Final = request(lambda r: r.service in ("powerbi", "fabric"))
fabric_request: Final = request(lambda r: r.service == "fabric")

app: Final = any_of(shape("app_token"), said("client_credentials", "service_principal"))
person: Final = any_of(shape("user_token"), claim("scp", bool))
refused: Final = any_of(
    status(401, 403),
    code("PowerBINotAuthorizedException", "Unauthorized", "Forbidden", "RequestFailed"),
    said("authorization_context"),
)
# The token endpoint answers 401 to a client that it does not recognise, 400 to the rest (entra.md 6.1).
token_refused: Final = all_of(any_of(oauth("invalid_client"), said("token_request")), status(401))
app_roles: Final = all_of(shape("power_bi_app_token"), claim("roles", lambda v: "Tenant.Read" in v))
