"""What of a case a recording holds: each kind of fact with its keys, which docs/recording.md and the schema describe.

Fields of the model's dataclasses are recorded under their own names unless it says otherwise here. A recording of today
must stay readable: keys may be added, never renamed.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any, Final, get_args

from pbisetup.model import case as of
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.probe import (
    ApiAnswer,
    Authority,
    Configured,
    HostSeen,
    Signature,
    TokenAttempt,
    Variable,
    WorkspaceSeen,
)
from pbisetup.model.recording import Json
from pbisetup.model.tenant import (
    AccessPolicy,
    AppRegistration,
    Capacity,
    Certificate,
    DelegatedGrant,
    DirectoryObject,
    FailedSignIn,
    FederatedCredential,
    Group,
    Operator,
    Password,
    Person,
    ResourceApp,
    RoleGrant,
    ServicePrincipal,
    StoredCredential,
    TenantInfo,
    TenantSetting,
    Workspace,
)
from pbisetup.observe.codec import (
    FLAG,
    IDS,
    NUMBER,
    TEXT,
    WHOLE,
    Codec,
    Misfit,
    Several,
    keyed,
    listed,
    maybe,
    object_of,
    one_of,
    pairs,
    set_of,
    shape,
)

_WORDS: Final = set_of(TEXT)
EVIDENCE: Final = shape(
    Evidence, "source said", observer=replace(one_of("local", "operator", "app"), empty="app"), fact="said"
)


# -- this machine --------------------------------------------------------------------------------------------------


ASKED: Final = shape(
    of.Asked,
    "sign_in",
    several=Several(("environment",), lambda _: {}, lambda *_: {"environment": None}),  # the recording itself says it
    tenant="tenant_id",
    workspaces=listed(shape(WorkspaceSpec, "role", name="workspace")),
    request=maybe(shape(of.ApiRequest, "method url path service")),
    groups=pairs("purpose", "group"),
)
"""`Asked` without its environment."""


def _configured(written: Codec[Configured]) -> Codec[Configured]:
    """Older recordings say only what the values themselves look like."""

    def read(value: Json, where: str) -> Configured:
        from pbisetup.observe.probes.local import form

        found = written.read(value, where)
        if "kind" not in value and not found.has_secret:
            found = replace(found, kind="none")
        if "client_id_form" not in value:
            found = replace(found, client_id_form=form(found.client_id), tenant_form=form(found.tenant_id))
        return found

    return Codec(written.write, read)


# -- what the app got ----------------------------------------------------------------------------------------------

_CLAIMS: Final = ("idtyp", "acct", "amr", "nbf", "idp", "xms_cc", "xms_idrel")
"""Claims that are recorded beside those of `Claims`. All others name people, devices or sessions."""


def _is_claim(value: Json) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _raw(given: dict[str, Json], where: str) -> dict[str, Any]:
    found = {name: given[name] for name in _CLAIMS if given.get(name) is not None}
    for name, value in found.items():
        if not _is_claim(value):
            raise Misfit(f"{where}.{name} must be a text, a number or a list of texts")
    return {"raw": found}


_CLAIM_SET: Final = shape(
    Claims,
    several=Several(("raw",), lambda claims: {n: v for n in _CLAIMS if _is_claim(v := claims.raw.get(n))}, _raw),
    issued="starts",
    expires="ends",
)


def _issued(given: dict[str, Json], where: str) -> dict[str, Any]:
    if given.get("issued") is None:
        raise Misfit(f"{where}.issued is missing")
    issued, opaque = FLAG.read(given["issued"], f"{where}.issued"), given.get("opaque")
    said = opaque is not None and FLAG.read(opaque, f"{where}.opaque")
    return {"opaque": said or (issued and given.get("claims") is None)}


_ATTEMPT: Final = shape(
    TokenAttempt,
    several=Several(("opaque",), lambda attempt: {"issued": attempt.issued, "opaque": attempt.opaque}, _issued),
    claims=maybe(_CLAIM_SET),
    evidence=listed(EVIDENCE),
)
_ANSWER: Final = shape(ApiAnswer, "status evidence", evidence=EVIDENCE)


def _answer_apart(given: dict[str, Json], where: str) -> dict[str, Any]:
    return {"answer": None if given.get("status") is None else _ANSWER.read(given, where)}


_SEEN: Final = shape(
    WorkspaceSeen,
    "key visible",
    several=Several(("answer",), lambda seen: {} if seen.answer is None else _ANSWER.write(seen.answer), _answer_apart),
)

# -- the directory -------------------------------------------------------------------------------------------------

_APP: Final = shape(
    AppRegistration,
    "object_id client_id",
    owners=maybe(IDS),
    declared=Codec(
        lambda declared: [dict(zip(("resource_app_id", "id", "type"), each, strict=True)) for each in sorted(declared)],
        lambda value, where: frozenset(listed(keyed("resource_app_id", "id", "type")).read(value, where)),
    ),
    passwords=listed(shape(Password, "key_id")),
    certificates=listed(shape(Certificate, "key_id")),
    federated=("federated_credentials", maybe(listed(shape(FederatedCredential, "issuer")))),
)


def _permissions(resource: ResourceApp) -> dict[str, Json]:
    return {
        "permissions": [
            {"permission": name, "id": id_, "type": type_}
            for type_, named in (("Role", resource.roles), ("Scope", resource.scopes))
            for name, id_ in named.items()
        ]
    }


def _permissions_apart(given: dict[str, Json], where: str) -> dict[str, Any]:
    each = listed(keyed("permission", "id", "type")).read(given.get("permissions") or [], f"{where}.permissions")
    return {
        "roles": {name: id_ for name, id_, type_ in each if type_ == "Role"},
        "scopes": {name: id_ for name, id_, type_ in each if type_ == "Scope"},
    }


_ROLE_GRANT: Final = shape(RoleGrant, "role_id")


def _read_role_grant(value: Json, where: str) -> RoleGrant:
    """One that only names the permission was written by hand: no pbisetup did."""
    from pbisetup.catalog.permissions import permissions

    given = object_of(value, where)
    if given.get("role_id") is None and given.get("permission") is not None:
        ids = {each.value: each.id for each in permissions() if (each.resource, each.kind) == ("powerbi", "Role")}
        given = {**given, "role_id": ids.get(TEXT.read(given["permission"], f"{where}.permission"))}
    return _ROLE_GRANT.read(given, where)


_RESOURCE: Final = shape(
    ResourceApp, "object_id app_id", Several(("roles", "scopes"), _permissions, _permissions_apart)
)

# -- Power BI and Fabric -------------------------------------------------------------------------------------------


def _setting_apart(given: dict[str, Json], where: str) -> dict[str, Any]:
    said = TEXT.read(given.get("tenant_setting_group") or "", f"{where}.tenant_setting_group")
    return {"raw": {"tenantSettingGroup": said} if said else {}}


_GROUPS: Final = pairs("id", "group", maybe_missing="group")
_SETTING: Final = shape(
    TenantSetting,
    "setting enabled",
    Several(("raw",), lambda s: {"tenant_setting_group": str(s.raw.get("tenantSettingGroup") or "")}, _setting_apart),
    name="setting",
    enabled_groups=_GROUPS,
    excluded_groups=_GROUPS,
)


def _roles(workspace: Workspace) -> dict[str, Json]:
    if workspace.roles is None:
        return {"roles": None}
    return {
        "roles": [
            {
                "principal": str(who),
                "role": str(role),
                **({"kind": workspace.kinds[who]} if who in workspace.kinds else {}),
            }
            for who, role in workspace.roles.items()
        ]
    }


def _roles_apart(given: dict[str, Json], where: str) -> dict[str, Any]:
    if given.get("roles") is None:
        return {"roles": None}
    where = f"{where}.roles"
    # Today's four roles are not all that the API may ever name.
    roles = listed(keyed("principal", "role")).read(given["roles"], where)
    kinds = [maybe(TEXT).read(each.get("kind"), f"{where}[{n}].kind") for n, each in enumerate(given["roles"])]
    return {
        "roles": dict(roles),  # type: ignore[arg-type]
        "kinds": {name: kind for (name, _), kind in zip(roles, kinds, strict=True) if kind is not None},
    }


_WORKSPACE: Final = shape(
    Workspace,
    "id workspace",
    Several(("roles", "kinds"), _roles, _roles_apart),
    name="workspace",
    operator_role=maybe(TEXT),
)
_DEPTH: Final = 8
"""What the API tells of a thing is not nested deeper."""
_NAME: Final = re.compile(r"[A-Za-z@][\w.@-]{0,63}", re.ASCII)
"""What the API calls a property. Other keys could be somebody's data."""


def _json(value: Any, depth: int = _DEPTH) -> Json:
    """A value as JSON holds it; what cannot stand there is left out."""
    if isinstance(value, dict) and depth:
        return {str(key): _json(each, depth - 1) for key, each in value.items() if _NAME.fullmatch(str(key))}
    if isinstance(value, list | tuple) and depth:
        return [_json(each, depth - 1) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float) else None


_OBJECT: Final[Codec[Any]] = Codec(lambda value: _json(dict(value)), object_of)

KINDS: Final[dict[str, Codec[Any]]] = {
    of.CREDENTIAL.name: _configured(shape(Configured, "where client_id has_secret")),
    of.STORED.name: shape(StoredCredential, "where client_id"),
    of.VARIABLES.name: listed(shape(Variable, "variable", name="variable")),
    of.CLOCK.name: NUMBER,
    of.HOST.name: shape(HostSeen, "host stack", issuer="certificate_issuer"),
    of.AUTHORITY.name: shape(Authority, "tenant_id"),
    of.TOKEN.name: _ATTEMPT,
    of.SIGNATURE.name: one_of(*get_args(Signature)),
    of.REPLY.name: _ATTEMPT,
    of.ANSWER.name: _ANSWER,
    of.SEEN.name: _SEEN,
    of.SIGNED_IN.name: TEXT,
    of.TENANT.name: shape(TenantInfo, "id", name="tenant"),
    of.OPERATOR.name: shape(Operator, "kind object_id account", roles=("directory_roles", _WORDS)),
    of.MAY_CREATE_APPS.name: FLAG,
    of.MAY_CREATE_GROUPS.name: FLAG,
    of.APP.name: _APP,
    of.SERVICE_PRINCIPAL.name: shape(ServicePrincipal, "object_id client_id"),
    of.NAMED.name: shape(DirectoryObject, "id kind"),
    of.POWER_BI.name: _RESOURCE,
    of.GRANTS.name: listed(shape(DelegatedGrant, "id resource_id scopes")),
    of.ROLE_GRANTS.name: listed(Codec(_ROLE_GRANT.write, _read_role_grant)),
    of.MEMBERSHIPS.name: IDS,
    of.NESTED.name: IDS,
    of.GROUP.name: shape(Group, "id group", name="group"),
    of.PERSON.name: shape(
        Person,
        "object_id account",
        roles=("directory_roles", _WORDS),
        eligible=("eligible_roles", maybe(_WORDS)),
    ),
    of.POLICIES.name: listed(shape(AccessPolicy, "id blocks", name="policy")),
    of.FAILED_SIGN_INS.name: listed(shape(FailedSignIn, "code")),
    of.SETTINGS.name: Codec(
        lambda settings: [_SETTING.write(each) for each in settings.values()],
        lambda value, where: {each.name: each for each in listed(_SETTING).read(value, where)},
    ),
    of.WORKSPACE.name: _WORKSPACE,
    of.CAPACITIES.name: listed(shape(Capacity, "id", name="capacity")),
    of.MODEL.name: _OBJECT,
    of.REFRESH.name: _OBJECT,
}
"""By the name of the kind."""
IMPLIED: Final = {of.ANSWER.name: ("evidence",), of.SEEN.name: ("key", "evidence")}
"""Keys that say the same as the fact itself, mostly: its evidence, and what it is of. They are left out where they do."""
REQUESTS: Final = WHOLE
