"""One environment as the operator can see it: a snapshot whose every field is known, absent, or unknown with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pbisetup.catalog.wellknown import ADMISSION_CODE
from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Absent, Fact, Known, Unknown, value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import (
    AppRegistration,
    DelegatedGrant,
    Group,
    ResourceApp,
    ServicePrincipal,
    TenantSetting,
    Workspace,
)
from pbisetup.observe.reading import (
    application,
    failed,
    grant,
    object_fact,
    principal,
    read_setting,
    resource,
    values_fact,
)
from pbisetup.observe.session import Session
from pbisetup.planning.manifest import is_guid
from pbisetup.planning.wanted import is_service_app, public_api_setting, wanted_group, wanted_scopes
from pbisetup.services.directory import Builder
from pbisetup.services.identity import FixedToken, TokenRefused, app_tokens
from pbisetup.services.rest import RestClient
from pbisetup.services.secret_store import Store

APP_FIELDS = (
    "id,appId,displayName,uniqueName,tags,passwordCredentials,requiredResourceAccess,"
    "isFallbackPublicClient,publicClient"
)
_GROUP_FIELDS = "id,displayName,securityEnabled,onPremisesSyncEnabled,groupTypes,isAssignableToRole"


def observe(
    session: Session, manifest: Manifest, environment: Environment, store: Store, journalled: frozenset[str]
) -> Snapshot:
    """Look at everything that planning for this environment needs."""
    unique_name = manifest.unique_name(environment.name)
    return _Observer(session, environment, store, unique_name).snapshot(journalled)


def find_app(session: Session, unique_name: str) -> str | None:
    """The client id of the application with this unique name, or None."""
    answer = session.graph.get(session.graph.client.applications_with_unique_name(unique_name), select="id,appId")
    return str(answer.object["appId"]) if answer.ok and "appId" in answer.object else None


class _Observer:
    def __init__(
        self,
        session: Session,
        environment: Environment,
        store: Store,
        unique_name: str,
    ) -> None:
        self.session = session
        self.graph = session.graph
        self.env = environment
        self.store = store
        self.unique_name = unique_name

    def snapshot(self, journalled: frozenset[str]) -> Snapshot:
        app = self._app()
        found = value_of(app)
        sp = self._service_principal(found.client_id) if found else _follows(app)
        principal = value_of(sp)
        settings = self._settings() if is_service_app(self.env) else Unknown("not needed")
        scopes = wanted_scopes(self.env)
        admitted, refusals = self._try_app(settings, found)
        return Snapshot(
            environment=self.env.name,
            tenant=self.session.tenant,
            operator=self.session.operator,
            app=app,
            deleted_app=self._deleted_app(app),
            service_principal=sp,
            power_bi=self._power_bi() if scopes else Unknown("no permission is needed"),
            delegated_grants=self._grants(principal) if scopes else Unknown("no permission is needed"),
            memberships=self._memberships(principal) if is_service_app(self.env) else Unknown("not needed"),
            settings=settings,
            stored=self.store.stored(),
            admitted=admitted,
            token_refusals=refusals,
            groups=self._groups(settings) if is_service_app(self.env) else {},
            workspaces={spec.key: self._workspace(spec.name, spec.id) for spec in self.env.workspaces},
            may_create_apps=self.session.may_create_apps,
            may_create_groups=self.session.may_create_groups,
            journalled=journalled,
        )

    # -- directory -----------------------------------------------------------------------------------------------

    def _app(self) -> Fact[AppRegistration]:
        answer = self.graph.get(self.graph.client.applications_with_unique_name(self.unique_name), select=APP_FIELDS)
        fact = object_fact(answer)
        if isinstance(fact, Unknown):
            # Without knowing whether the app exists, nothing that could be planned would be safe.
            raise answer.refusal(f"the app registration {self.unique_name} could not be looked up", "PBI904")
        if not isinstance(fact, Known):
            return fact
        raw = fact.value
        owners = self._owners(str(raw["id"]))
        return Known(application(raw, owners), fact.evidence)

    def _owners(self, object_id: str) -> frozenset[str] | None:
        return self._ids(self.graph.client.applications.by_application_id(object_id).owners)

    def _deleted_app(self, app: Fact[AppRegistration]) -> Fact[str]:
        if not isinstance(app, Absent):
            return Unknown("the app exists" if isinstance(app, Known) else "the app could not be looked up")
        unique_name = self.unique_name
        answer = self.graph.get(
            self.graph.client.directory.deleted_items.graph_application,
            filter=f"uniqueName eq '{unique_name}'",
            select="id,uniqueName",
        )
        fact = values_fact(answer)
        if not isinstance(fact, Known):
            return fact
        hit = next((o for o in fact.value if o.get("uniqueName") == unique_name), None)
        return Known(str(hit["id"]), fact.evidence) if hit else Absent(fact.evidence)

    def _service_principal(self, client_id: str) -> Fact[ServicePrincipal]:
        answer = self.graph.get(
            self.graph.client.service_principals_with_app_id(client_id), select="id,appId,accountEnabled"
        )
        fact = object_fact(answer)
        if not isinstance(fact, Known):
            return fact
        return Known(principal(fact.value), fact.evidence)

    def _power_bi(self) -> Fact[ResourceApp]:
        app_id = self.session.network.cloud.powerbi_app_id
        answer = self.graph.get(
            self.graph.client.service_principals_with_app_id(app_id),
            select="id,appId,accountEnabled,appRoles,oauth2PermissionScopes",
        )
        fact = object_fact(answer)
        if not isinstance(fact, Known):
            return fact
        return Known(resource(fact.value, app_id), fact.evidence)

    def _grants(self, principal: ServicePrincipal | None) -> Fact[tuple[DelegatedGrant, ...]]:
        if principal is None:
            return Unknown("there is no service principal")
        answer = self.graph.get(
            self.graph.client.oauth2_permission_grants, filter=f"clientId eq '{principal.object_id}'"
        )
        fact = values_fact(answer)
        if not isinstance(fact, Known):
            return fact
        return Known(tuple(map(grant, fact.value)), fact.evidence)

    def _memberships(self, principal: ServicePrincipal | None) -> Fact[frozenset[str]]:
        if principal is None:
            return Unknown("there is no service principal")
        builder = self.graph.client.service_principals.by_service_principal_id(principal.object_id).member_of
        answers = list(self.graph.list(builder, select="id"))
        last = answers[-1]
        if not last.ok:
            return failed(last)
        return Known(
            frozenset(str(o["id"]) for answer in answers for o in answer.objects if "id" in o),
            last.evidence(),
        )

    def _groups(self, settings: Fact[Mapping[str, TenantSetting]]) -> dict[str, Fact[Group]]:
        """The groups that a decision can need: those that the setting names, and the one that the manifest wants."""
        wanted = wanted_group(self.env)
        found: dict[str, Fact[Group]] = {}
        setting = value_of(public_api_setting(settings))
        for group_id in setting.enabled_groups if setting else ():
            found[group_id] = self._group(group_id)
        fact = self._group(wanted) if is_guid(wanted) else self._group_by_name(wanted)
        found[wanted] = fact
        if isinstance(fact, Known):
            found[fact.value.id] = fact
        return found

    def _group(self, group_id: str) -> Fact[Group]:
        fact = object_fact(self.graph.get(self.graph.client.groups.by_group_id(group_id), select=_GROUP_FIELDS))
        return Known(self._read_group(fact.value), fact.evidence) if isinstance(fact, Known) else fact

    def _group_by_name(self, name: str) -> Fact[Group]:
        quoted = name.replace("'", "''")
        answer = self.graph.get(self.graph.client.groups, filter=f"displayName eq '{quoted}'", select=_GROUP_FIELDS)
        fact = values_fact(answer)
        if not isinstance(fact, Known):
            return fact
        if not fact.value:
            return Absent(fact.evidence)
        if len(fact.value) > 1:
            return Unknown(f"{len(fact.value)} groups are called {name!r}: name one by its object id", fact.evidence)
        return Known(self._read_group(fact.value[0]), fact.evidence)

    def _read_group(self, raw: Mapping[str, Any]) -> Group:
        owns = None
        if self.session.operator.kind == "user":
            owners = self._ids(self.graph.client.groups.by_group_id(str(raw["id"])).owners)
            owns = None if owners is None else self.session.operator.object_id in owners
        return Group(
            id=str(raw["id"]),
            name=str(raw.get("displayName", "")),
            security=bool(raw.get("securityEnabled", True)),
            synced=bool(raw.get("onPremisesSyncEnabled")),
            unified="Unified" in (raw.get("groupTypes") or []),
            role_assignable=bool(raw.get("isAssignableToRole")),
            operator_owns=owns,
        )

    def _ids(self, builder: Builder) -> frozenset[str] | None:
        """Object ids of a collection, over all of its pages, or None where it could not be read whole."""
        answers = list(self.graph.list(builder, select="id"))
        if not answers[-1].ok:
            return None
        return frozenset(str(o["id"]) for answer in answers for o in answer.objects if "id" in o)

    # -- Fabric and Power BI -------------------------------------------------------------------------------------

    def _settings(self) -> Fact[Mapping[str, TenantSetting]]:
        fabric = self.session.fabric
        if fabric is None:
            return Unknown(f"no address of the Fabric API is published for the cloud {self.session.network.cloud.name}")
        settings: dict[str, TenantSetting] = {}
        try:
            answers = list(fabric.pages("/v1/admin/tenantsettings"))
        except PbisetupError as error:
            return Unknown(error.message)
        last = answers[-1]
        if not last.ok:
            fact = failed(last)
            if last.status in (401, 403):
                return Unknown("only a Fabric administrator may read the tenant settings", fact.evidence)
            return fact
        for answer in answers:
            listed = answer.object.get("value", answer.object.get("tenantSettings"))
            if not isinstance(listed, list) or not all(isinstance(raw, dict) for raw in listed):
                return failed(answer)
            settings.update({setting.name: setting for setting in map(read_setting, listed)})
        return Known(settings, last.evidence())

    def _workspace(self, name: str | None, id_: str | None) -> Fact[Workspace]:
        api = self.session.powerbi
        wanted = f"id eq '{id_}'" if id_ else "name eq '{}'".format((name or "").replace("'", "''"))
        try:
            answer = api.get("/v1.0/myorg/groups", {"$filter": wanted})
            fact = values_fact(answer)
            if not isinstance(fact, Known):
                return fact
            hits = [w for w in fact.value if (w.get("id") == id_ if id_ else w.get("name") == name)]
            if not hits:
                return Absent(fact.evidence)
            if len(hits) > 1:
                return Unknown(f"{len(hits)} workspaces are called {name!r}: name one by its id", fact.evidence)
            return Known(self._roles(api, hits[0]), fact.evidence)
        except PbisetupError as error:
            return Unknown(error.message)

    def _roles(self, api: RestClient, raw: Mapping[str, Any]) -> Workspace:
        workspace_id = str(raw["id"])
        users = values_fact(api.get(f"/v1.0/myorg/groups/{workspace_id}/users"))
        roles = None
        if isinstance(users, Known):
            roles = {str(u.get("identifier", "")): u.get("groupUserAccessRight", "Viewer") for u in users.value}
        operator = self.session.operator
        own = None
        if roles is not None:
            # A person is listed by address, a service principal by object id (swagger GroupUser.identifier).
            own = roles.get(operator.account) or roles.get(operator.object_id)
        return Workspace(
            id=workspace_id,
            name=str(raw.get("name", "")),
            roles=roles,
            operator_role=own,
        )

    def _try_app(
        self, settings: Fact[Mapping[str, TenantSetting]], app: AppRegistration | None
    ) -> tuple[Fact[bool], frozenset[int]]:
        """Try the stored credential: the numbers of a refusal and, where nobody here may read the settings, whether the
        API admits the app's token.
        """
        credential = self.store.credential()
        if app is None or not is_service_app(self.env):
            return Unknown("not needed"), frozenset()
        if credential is None or credential.secret is None or credential.client_id.lower() != app.client_id.lower():
            return Unknown("the app has no stored credential yet"), frozenset()
        network = self.session.network
        try:
            tokens = app_tokens(network, credential.tenant_id, credential.client_id, credential.secret)
            token = tokens.token(network.cloud.scope(network.cloud.powerbi_resource))
            if isinstance(settings, Known):
                return Unknown("not needed"), frozenset()
            api = RestClient(network, network.cloud.powerbi, network.cloud.powerbi_resource, FixedToken(token), "app")
            answer = api.get("/v1.0/myorg/groups")
            api.close()
        except TokenRefused as error:
            return Unknown(error.message), frozenset(error.codes)
        except PbisetupError as error:
            return Unknown(error.message), frozenset()
        if answer.ok:
            return Known(True, answer.evidence()), frozenset()
        if answer.service_code == ADMISSION_CODE:
            return Known(False, answer.evidence()), frozenset()
        return Unknown(f"the API answered HTTP {answer.status}", answer.evidence()), frozenset()


def _follows(app: Fact[AppRegistration]) -> Absent | Unknown:
    if isinstance(app, Absent):
        return app
    assert isinstance(app, Unknown)
    return app
