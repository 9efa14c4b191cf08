"""What a real tenant is asked, as a list: reads that nobody can be harmed by, and the rows that they can meet.

There is no method in a probe: all are GET. `{unknown}` is a new GUID that no object has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Service = Literal["entra", "graph", "powerbi", "fabric"]
Bearer = Literal["none", "no_dots", "one_dot", "two_dots", "forged", "forged_expired", "app", "app_other", "operator"]
"""Whose token: nobody's, something that is none, one that no authority signed, the app's, the app's for another resource
(Graph's at Power BI and Fabric, Power BI's at Graph), the operator's.
"""


@dataclass(frozen=True)
class Probe:
    """One request. What may answer it: one of `rows`, and an ordinary answer where `ok`."""

    id: str
    service: Service
    bearer: Bearer
    path: str
    rows: tuple[str, ...]
    ok: bool = False
    base: str | None = None
    """The plainest request of the same caller: who is refused there is refused here for the same reason."""
    profile: str | None = None
    """Value of the profile header."""
    person: bool = False
    """It says something only where the operator is a user."""


KEPT_OUT: Final = (
    "service_principal_setting_off", "service_principal_outside_groups", "service_principal_excluded",
    "service_principal_in_synced_group", "service_principal_in_microsoft365_group",
    "service_principal_in_nested_group",
)  # fmt: skip
KEPT_OUT_OF_ADMIN: Final = (
    "app_roles_on_admin_route", "admin_setting_off", "admin_outside_groups", "admin_excluded",
    "admin_in_synced_group", "admin_in_microsoft365_group", "admin_in_nested_group",
)  # fmt: skip
_BI: Final = "/v1.0/myorg"
_METADATA: Final = "v2.0/.well-known/openid-configuration"
_NO_SCOPE: Final = ("scopes_missing", "scopes_missing_403")

PROBES: Final[tuple[Probe, ...]] = (
    # Entra: metadata only; nobody signs in
    Probe("entra-unknown-tenant", "entra", "none", f"/{{unknown}}/{_METADATA}", ("tenant_unknown_discovery",)),
    Probe("entra-malformed-tenant", "entra", "none", f"/not_a_tenant/{_METADATA}", ("tenant_malformed",)),
    Probe("entra-get-token", "entra", "none", "/organizations/oauth2/v2.0/token", ("post_only",)),
    Probe(
        "entra-unknown-instance", "entra", "none",
        "/common/discovery/instance?api-version=1.1"
        "&authorization_endpoint=https%3A%2F%2Flogin.example.com%2Fcommon%2Foauth2%2Fauthorize",
        ("instance_unknown",),
    ),
    # Power BI: the token
    Probe("powerbi-no-token", "powerbi", "none", f"{_BI}/groups", ("token_missing",)),
    Probe("powerbi-no-jwt", "powerbi", "no_dots", f"{_BI}/groups", ("token_malformed",)),
    Probe("powerbi-forged", "powerbi", "forged", f"{_BI}/groups", ("token_signature",)),
    Probe("powerbi-forged-expired", "powerbi", "forged_expired", f"{_BI}/groups", ("token_signature", "token_expired")),
    Probe(
        "powerbi-other-audience", "powerbi", "app_other", f"{_BI}/groups", ("token_audience", "token_audience_401"),
    ),
    # Power BI: the app
    Probe("powerbi-app", "powerbi", "app", f"{_BI}/groups?$top=1", KEPT_OUT, ok=True),
    Probe("powerbi-app-my-workspace", "powerbi", "app", f"{_BI}/reports", ("my_workspace_of_an_app",), base="powerbi-app"),
    Probe("powerbi-app-closed", "powerbi", "app", f"{_BI}/apps", ("closed_to_apps",), base="powerbi-app"),
    Probe(
        "powerbi-app-unknown-group", "powerbi", "app", f"{_BI}/groups/{{unknown}}", ("group_hidden_from_app",),
        base="powerbi-app",
    ),
    Probe(
        "powerbi-app-unknown-group-reports", "powerbi", "app", f"{_BI}/groups/{{unknown}}/reports",
        ("group_not_accessible",), base="powerbi-app",
    ),
    Probe(
        "powerbi-app-profile-malformed", "powerbi", "app", f"{_BI}/groups?$top=1", ("profile_malformed",),
        base="powerbi-app", profile="not-a-guid",
    ),
    Probe(
        "powerbi-app-profile-unknown", "powerbi", "app", f"{_BI}/groups?$top=1",
        ("profiles_switched_off", "profile_unknown"), base="powerbi-app", profile="{unknown}",
    ),
    Probe("powerbi-app-admin", "powerbi", "app", f"{_BI}/admin/capacities", KEPT_OUT_OF_ADMIN, ok=True),
    Probe(
        "powerbi-app-admin-closed", "powerbi", "app", f"{_BI}/admin/capacities/{{unknown}}/users",
        ("app_roles_on_admin_route", "admin_route_for_people"),
    ),
    Probe("powerbi-app-no-route", "powerbi", "app", f"{_BI}/noSuchCollection", ("route_unknown",)),
    # Power BI: the operator
    Probe(
        "powerbi-operator", "powerbi", "operator", f"{_BI}/groups?$top=1", ("user_unlicensed", *_NO_SCOPE), ok=True,
        person=True,
    ),
    Probe(
        "powerbi-operator-admin", "powerbi", "operator", f"{_BI}/admin/capacities",
        (*_NO_SCOPE, "not_fabric_administrator"), ok=True, base="powerbi-operator", person=True,
    ),
    Probe(
        "powerbi-operator-unknown-group", "powerbi", "operator", f"{_BI}/groups/{{unknown}}/reports",
        ("group_not_accessible",), base="powerbi-operator", person=True,
    ),
    Probe(
        "powerbi-operator-profiles", "powerbi", "operator", f"{_BI}/profiles", ("closed_to_users",),
        base="powerbi-operator", person=True,
    ),
    Probe(
        "powerbi-operator-as-profile", "powerbi", "operator", f"{_BI}/groups?$top=1", ("profile_of_a_user",),
        base="powerbi-operator", profile="{unknown}", person=True,
    ),
    # Fabric
    Probe("fabric-no-token", "fabric", "none", "/v1/workspaces", ("token_missing",)),
    Probe("fabric-no-jwt", "fabric", "no_dots", "/v1/workspaces", ("token_malformed",)),
    Probe("fabric-forged", "fabric", "forged", "/v1/workspaces", ("token_signature",)),
    Probe("fabric-forged-expired", "fabric", "forged_expired", "/v1/workspaces", ("token_signature", "token_expired")),
    Probe("fabric-other-audience", "fabric", "app_other", "/v1/workspaces", ("token_audience",)),
    Probe("fabric-app", "fabric", "app", "/v1/workspaces", KEPT_OUT, ok=True),
    Probe(
        "fabric-app-unknown-workspace", "fabric", "app", "/v1/workspaces/{unknown}", ("workspace_not_found",),
        base="fabric-app",
    ),
    Probe(
        "fabric-app-closed", "fabric", "app", "/v1/workspaces/{unknown}/datamarts", ("closed_to_apps",),
        base="fabric-app",
    ),
    Probe("fabric-app-admin", "fabric", "app", "/v1/admin/tenantsettings", KEPT_OUT_OF_ADMIN, ok=True),
    Probe("fabric-app-no-route", "fabric", "app", "/v1/noSuchCollection", ("route_unknown",)),
    Probe("fabric-operator", "fabric", "operator", "/v1/workspaces", ("user_unlicensed", "scopes_missing"), ok=True,
          person=True),
    Probe(
        "fabric-operator-admin", "fabric", "operator", "/v1/admin/tenantsettings",
        ("scopes_missing", "not_fabric_administrator"), ok=True, base="fabric-operator", person=True,
    ),
    Probe(
        "fabric-operator-unknown-workspace", "fabric", "operator", "/v1/workspaces/{unknown}", ("workspace_not_found",),
        base="fabric-operator", person=True,
    ),
    # Graph
    Probe("graph-no-token", "graph", "none", "/v1.0/organization", ("token_missing",)),
    Probe("graph-no-jwt", "graph", "no_dots", "/v1.0/organization", ("token_malformed",)),
    Probe("graph-one-dot", "graph", "one_dot", "/v1.0/organization", ("token_one_dot",)),
    Probe("graph-two-dots", "graph", "two_dots", "/v1.0/organization", ("token_undecodable",)),
    Probe("graph-forged", "graph", "forged", "/v1.0/organization", ("token_signature",)),
    Probe("graph-forged-expired", "graph", "forged_expired", "/v1.0/organization", ("token_signature", "token_expired")),
    Probe("graph-other-audience", "graph", "app_other", "/v1.0/organization", ("token_audience",)),
    Probe("graph-app-me", "graph", "app", "/v1.0/me", ("me_needs_user",)),
    Probe("graph-app-unknown-application", "graph", "app", "/v1.0/applications/{unknown}", ("denied", "not_found")),
    Probe("graph-app-no-segment", "graph", "app", "/v1.0/noSuchCollection", ("no_segment",)),
    Probe("graph-operator-unknown-user", "graph", "operator", "/v1.0/users/{unknown}", ("denied", "not_found")),
    Probe("graph-operator-page-size", "graph", "operator", "/v1.0/users?$top=1000", ("denied", "page_size")),
    Probe("graph-operator-top", "graph", "operator", "/v1.0/users?$top=x", ("denied", "top_value")),
    Probe(
        "graph-operator-select", "graph", "operator", "/v1.0/users?$select=noSuchProperty",
        ("denied", "select_property"),
    ),
    Probe("graph-operator-search", "graph", "operator", '/v1.0/users?$search="displayName:x"', ("denied", "search_header")),
    Probe("graph-operator-skip", "graph", "operator", "/v1.0/users?$skip=1", ("denied", "skip")),
)  # fmt: skip
