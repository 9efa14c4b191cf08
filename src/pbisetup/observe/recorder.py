"""From what an examination saw to a recording of it: every fact with who saw it, none of them guessed.

docs/recording.md names the facts. Values hold no data in their keys, so that names and ids can be replaced where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.permissions import permissions
from pbisetup.catalog.wellknown import AZURE_CLI_APP_ID, ROLE_NAMES
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.probe import ApiAnswer, Expected, Probe, TokenAttempt
from pbisetup.model.recording import Json, RecordedFact, Recording
from pbisetup.model.redaction import hide_secrets, redact
from pbisetup.model.secret import known_secrets
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import AppRegistration, DelegatedGrant, Group, ResourceApp, TenantSetting, Workspace

T = TypeVar("T")
GROUPS_PROBE = "GET /v1.0/myorg/groups"
_GRAPH = "00000003-0000-0000-c000-000000000000"
_PLAIN_ROLES = ("b79fbf4d-3ef9-4689-8143-76b194e85509", "0997a1d0-0d1d-4acb-b408-d5ca73121e90")
"""What stands in `wids` for a user and for a service principal without a role (general knowledge)."""
_CLAIMS = ("idtyp", "acct", "amr")
"""The claims that are recorded beside those of `Claims`. All others name people, devices or sessions."""


@dataclass(frozen=True)
class Examined:
    """Everything that one run of `doctor` looked at."""

    cloud: str
    manifest: Manifest | None
    environment: Environment | None
    snapshot: Snapshot | None
    probe: Probe
    expected: Expected
    looked: datetime
    """When the operator had looked."""
    tried: datetime
    """When the app had tried, by the services' clock: what a diagnosis takes for now."""


def record(examined: Examined, version: str, *, names: bool = False) -> Recording:
    """The recording. Names and ids are replaced by stand-ins unless `names`; secrets and tokens are in neither."""
    facts = [*_local(examined), *_app(examined.probe, examined.tried)]
    if examined.snapshot is not None:
        facts += _operator(examined.snapshot, examined.looked)
    environment = examined.environment.name if examined.environment else None
    made = Recording(examined.tried, version, examined.cloud, environment, "original", tuple(facts))
    made = hide_secrets(made, known_secrets())
    return made if names else redact(made, well_known_ids())


def well_known_ids() -> frozenset[str]:
    """Ids that are the same in every tenant and tell nothing of one: Microsoft's apps, permissions, directory roles."""
    return frozenset(
        (
            _GRAPH,
            AZURE_CLI_APP_ID,
            *ROLE_NAMES,
            *_PLAIN_ROLES,
            *(cloud.powerbi_app_id for cloud in clouds().values()),
            *(permission.id for permission in permissions()),
        )
    )


# -- this machine --------------------------------------------------------------------------------------------------


def _local(examined: Examined) -> Iterator[RecordedFact]:
    manifest, environment = examined.manifest, examined.environment
    if manifest is not None and environment is not None:
        value: Json = {
            "project_id": manifest.project_id,
            "app": manifest.name,
            "purposes": list(environment.purposes),
            "scopes": list(environment.delegated),
            "workspaces": [{"key": each.key, "role": each.role} for each in environment.workspaces],
            "groups": [{"purpose": purpose, "group": group} for purpose, group in environment.groups.items()],
        }
        yield RecordedFact("manifest", "known", value=value, observer="local", source="manifest")
    wanted = examined.expected
    value = {
        "tenant_id": wanted.tenant_id,
        "client_id": wanted.client_id,
        "service_principal_id": wanted.sp_object_id,
        "audiences": list(wanted.audiences),
        "issuers": list(wanted.issuers),
        "portal": wanted.portal,
        "sign_in": wanted.sign_in,
        "scopes": sorted(wanted.scopes),
    }
    yield RecordedFact("expected", "known", value=value, observer="local")
    shape = examined.probe.configured
    if shape is None:
        yield RecordedFact("credential", "unknown", reason="a person signs in")
    else:
        yield RecordedFact("credential", "known", value=asdict(shape), observer="local", source=shape.where)


# -- the app -------------------------------------------------------------------------------------------------------


def _app(probe: Probe, time: datetime) -> Iterator[RecordedFact]:
    attempt = probe.token
    if attempt is None:
        yield RecordedFact("token", "unknown", reason="there is no secret to try")
        return
    first = attempt.evidence[0] if attempt.evidence else None
    seen = {"source": first.source, "said": first.fact, "request_id": first.request_id} if first else {}
    seen = {"source": "token endpoint", **seen}
    yield RecordedFact("token", "known", value=_token(attempt), observer="app", time=time, **seen)
    if not attempt.issued:
        return
    yield RecordedFact("signature", "known", value=probe.signature, observer="app", source="token keys", time=time)
    if probe.groups is not None:
        yield _answered("probe", GROUPS_PROBE, probe.groups, {}, time)
    else:
        reason = probe.unreachable or "it was not asked"
        yield RecordedFact(
            "probe", "unknown", of=GROUPS_PROBE, reason=reason, code=probe.failure or None, observer="app", time=time
        )
    for each in probe.workspaces:
        if each.answer is not None:
            yield _answered("workspace_visible", each.key, each.answer, {"visible": each.visible}, time)


def _answered(kind: str, of: str, answer: ApiAnswer, more: dict[str, Json], time: datetime) -> RecordedFact:
    value = {**more, "status": answer.status, "code": answer.code, "message": answer.message}
    return RecordedFact(kind, "known", of=of, value=value, **_seen(answer.evidence, time))


def _token(attempt: TokenAttempt) -> Json:
    return {
        "issued": attempt.issued,
        "opaque": attempt.opaque,
        "claims": _claims(attempt.claims) if attempt.claims else None,
        "codes": list(attempt.codes),
        "oauth_error": attempt.oauth_error,
        "message": attempt.message,
        "failure": attempt.failure,
        "evidence": [
            {"source": e.source, "said": e.fact, "request_id": e.request_id, "observer": e.observer}
            for e in attempt.evidence
        ],
    }


def _claims(claims: Claims) -> Json:
    return {
        "audience": claims.audience,
        "issuer": claims.issuer,
        "tenant_id": claims.tenant_id,
        "client_id": claims.client_id,
        "object_id": claims.object_id,
        "subject": claims.subject,
        "version": claims.version,
        "roles": sorted(claims.roles),
        "scopes": sorted(claims.scopes),
        "directory_roles": sorted(claims.directory_roles),
        "credential": claims.credential,
        "starts": _moment(claims.issued),
        "ends": _moment(claims.expires),
        "account": claims.account,
        "algorithm": claims.algorithm,
        "key_id": claims.key_id,
        **{name: claims.raw[name] for name in _CLAIMS if isinstance(claims.raw.get(name), str | int | list)},
    }


# -- the operator --------------------------------------------------------------------------------------------------


def _operator(seen: Snapshot, time: datetime) -> Iterator[RecordedFact]:
    tenant = {"id": seen.tenant.id, "tenant": seen.tenant.name, "domain": seen.tenant.domain}
    yield RecordedFact("tenant", "known", value=tenant, observer="operator", time=time)
    operator = {**asdict(seen.operator), **_sorted(roles=seen.operator.roles)}
    operator |= _sorted(graph_permissions=seen.operator.graph_permissions)
    operator["directory_roles"] = operator.pop("roles")
    yield RecordedFact("operator", "known", value=operator, observer="operator", time=time)
    yield _fact("app", seen.app, _registration, time)
    yield _fact("deleted_app", seen.deleted_app, lambda object_id: {"object_id": object_id}, time)
    yield _fact("service_principal", seen.service_principal, asdict, time)
    yield _fact("power_bi", seen.power_bi, _resource, time)
    yield _fact("delegated_grants", seen.delegated_grants, lambda grants: [_grant(g) for g in grants], time)
    yield _fact("memberships", seen.memberships, lambda ids: [{"id": each} for each in sorted(ids)], time)
    yield _fact("settings", seen.settings, lambda found: [_setting(each) for each in found.values()], time)
    yield _fact("stored", seen.stored, asdict, time)
    yield _fact("admitted", seen.admitted, bool, time)
    if seen.token_refusals:
        yield RecordedFact("token_refusals", "known", value=sorted(seen.token_refusals), observer="app", time=time)
    for key, group in seen.groups.items():
        yield _fact("group", group, _group, time, of=key)
    for key, workspace in seen.workspaces.items():
        yield _fact("workspace", workspace, _workspace, time, of=key)
    for name, may in (("may_create_apps", seen.may_create_apps), ("may_create_groups", seen.may_create_groups)):
        if may is None:
            yield RecordedFact(name, "unknown", reason="the policy could not be read", observer="operator", time=time)
        else:
            yield RecordedFact(name, "known", value=may, observer="operator", time=time)


def _fact(
    kind: str, fact: Fact[T], value: Callable[[T], Json], time: datetime, *, of: str | None = None
) -> RecordedFact:
    if isinstance(fact, Known):
        return RecordedFact(kind, "known", of=of, value=value(fact.value), **_seen(fact.evidence, time))
    if isinstance(fact, Unknown):
        return RecordedFact(kind, "unknown", of=of, reason=fact.reason, **_seen(fact.evidence, time))
    return RecordedFact(kind, "absent", of=of, **_seen(fact.evidence, time))


def _seen(evidence: Evidence | None, time: datetime) -> dict[str, Any]:
    if evidence is None:
        return {"time": time}
    return {
        "observer": evidence.observer,
        "source": evidence.source,
        "said": evidence.fact,
        "request_id": evidence.request_id,
        "time": time,
    }


def _registration(app: AppRegistration) -> Json:
    return {
        "object_id": app.object_id,
        "client_id": app.client_id,
        "display_name": app.display_name,
        "unique_name": app.unique_name,
        "tags": sorted(app.tags),
        "owners": None if app.owners is None else [{"id": each} for each in sorted(app.owners)],
        "declared": [
            {"resource_app_id": resource, "id": id_, "type": type_} for resource, id_, type_ in sorted(app.declared)
        ],
        "passwords": [
            {"key_id": p.key_id, "display_name": p.display_name, "hint": p.hint, "ends": _moment(p.ends)}
            for p in app.passwords
        ],
        "public_client": app.public_client,
        "redirect_uris": sorted(app.redirect_uris),
    }


def _resource(resource: ResourceApp) -> Json:
    return {
        "object_id": resource.object_id,
        "app_id": resource.app_id,
        "permissions": [
            {"permission": name, "id": id_, "type": type_}
            for type_, named in (("Role", resource.roles), ("Scope", resource.scopes))
            for name, id_ in named.items()
        ],
    }


def _grant(grant: DelegatedGrant) -> Json:
    return {**asdict(grant), **_sorted(scopes=grant.scopes)}


def _setting(setting: TenantSetting) -> Json:
    return {
        "setting": setting.name,
        "title": setting.title,
        "tenant_setting_group": str(setting.raw.get("tenantSettingGroup") or ""),
        "enabled": setting.enabled,
        "can_specify_groups": setting.can_specify_groups,
        "enabled_groups": _named(setting.enabled_groups),
        "excluded_groups": _named(setting.excluded_groups),
    }


def _group(group: Group) -> Json:
    return {
        "id": group.id,
        "group": group.name,
        "security": group.security,
        "synced": group.synced,
        "unified": group.unified,
        "role_assignable": group.role_assignable,
        "operator_owns": group.operator_owns,
    }


def _workspace(workspace: Workspace) -> Json:
    roles = workspace.roles
    return {
        "id": workspace.id,
        "workspace": workspace.name,
        "roles": None if roles is None else [{"principal": who, "role": role} for who, role in roles.items()],
        "operator_role": workspace.operator_role,
    }


def _named(groups: Mapping[str, str]) -> Json:
    return [{"id": id_, "group": name} for id_, name in groups.items()]


def _sorted(**sets: frozenset[str]) -> dict[str, Json]:
    return {name: sorted(values) for name, values in sets.items()}


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
