"""One environment as the operator can see it: a snapshot whose every field is known, absent, or unknown with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pbisetup.model.errors import Unavailable, UsageError
from pbisetup.model.facts import Absent, Fact, Known, Unknown, value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import (
    AppRegistration,
    CredentialPolicy,
    DelegatedGrant,
    Group,
    RoleGrant,
    ServicePrincipal,
    StoredCredential,
    TenantSetting,
    TrustedSubject,
)
from pbisetup.observe.admission import AsSeen, as_the_app
from pbisetup.observe.policies import credential_policy
from pbisetup.observe.reading import application, failed, grant, object_fact, principal, role_grant, values_fact
from pbisetup.observe.session import Session
from pbisetup.observe.tenant_view import TenantView
from pbisetup.observe.workspaces import workspace
from pbisetup.planning.wanted import (
    is_service_app,
    named_setting,
    uses_capacity_itself,
    wanted_app_roles,
    wanted_groups,
    wanted_scopes,
    wanted_settings,
)
from pbisetup.services.app_assertion import fitting
from pbisetup.services.stores.store import Store
from pbisetup.services.trust import resolve

APP_FIELDS = (
    "id,appId,displayName,uniqueName,tags,createdDateTime,passwordCredentials,keyCredentials,requiredResourceAccess,"
    "isFallbackPublicClient,publicClient,web,spa,isDisabled,disabledByMicrosoftStatus"
)
_NOT_NEEDED = Unknown("not needed")


def observe(
    view: TenantView,
    manifest: Manifest,
    environment: Environment,
    store: Store,
    journalled: frozenset[str],
    *,
    rotates: bool = False,
) -> Snapshot:
    """Look at everything that planning for this environment needs, or a new credential where it `rotates`.

    Raises Refused or Unavailable where not even the app could be looked up: nothing that could then be planned would
    be safe.
    """
    return _Observer(view, manifest, environment, store, rotates).snapshot(journalled)


def find_app(session: Session, unique_name: str) -> str | None:
    """The client id of the application with this unique name, or None."""
    answer = session.graph.get(session.graph.at(f"applications(uniqueName='{unique_name}')"), select="id,appId")
    return str(answer.object["appId"]) if answer.ok and "appId" in answer.object else None


def app_to_adopt(session: Session, client_id: str) -> None:
    """Raises UsageError where no app of this tenant has that client id."""
    answer = session.graph.get(session.graph.at(f"applications(appId='{client_id}')"), select="id,appId")
    if answer.status == 404:
        raise _not_there(session, client_id)


def _not_there(session: Session, client_id: str) -> UsageError:
    """What is wrong with a client id: perhaps it is another id of an app."""
    graph = session.graph
    other = graph.get(graph.at(f"directoryObjects/{client_id}"))
    kind = {"application": "app registration", "servicePrincipal": "service principal"}.get(
        str(other.object.get("@odata.type", "")).rpartition(".")[2] if other.ok else ""
    )
    meant = f" It is the object id of the {kind} whose client id is {other.object.get('appId')}." if kind else ""
    return UsageError(
        "PBI912",
        f"no app registration with the client id {client_id} is in this tenant",
        remedy="Give the Application (client) ID, in --adopt or as client_id in the manifest. An app of another tenant "
        f"cannot be taken over.{meant}",
    )


class _Observer:
    def __init__(
        self, view: TenantView, manifest: Manifest, environment: Environment, store: Store, rotates: bool
    ) -> None:
        self.rotates = rotates
        self.view = view
        self.session = view.session
        self.graph = view.session.graph
        self.env = environment
        self.store = store
        self.unique_name = manifest.unique_name(environment.name)

    def snapshot(self, journalled: frozenset[str]) -> Snapshot:
        app = self._app()
        found = value_of(app)
        sp = self._service_principal(found.client_id) if found else _follows(app)
        principal = value_of(sp)
        service = is_service_app(self.env)
        settings = self.view.settings() if service else _NOT_NEEDED
        scopes = wanted_scopes(self.env)
        roles = self._app_roles(principal)
        # The API is looked at where something is to be declared, granted, or taken back.
        granted = isinstance(roles, Known) and bool(roles.value)
        needs_api = scopes or wanted_app_roles(self.env) or granted or (found is not None and found.declared)
        trusted = self._trusted() if service else _NOT_NEEDED
        seen = self._as_the_app(settings, found, value_of(trusted))
        stored = self.store.stored()
        groups = self._groups(settings) if service else {}
        workspaces = {
            spec.key: workspace(self.session.powerbi, spec, self.session.operator) for spec in self.env.workspaces
        }
        return Snapshot(
            environment=self.env.name,
            tenant=self.session.tenant,
            operator=self.session.operator,
            app=app,
            deleted_app=self._deleted_app(app),
            service_principal=sp,
            power_bi=self.view.power_bi() if needs_api else Unknown("no permission is needed"),
            delegated_grants=self._grants(principal),
            memberships=self._memberships(principal) if service else _NOT_NEEDED,
            settings=settings,
            stored=stored,
            policy=self._policy(app, stored, seen) if service else _NOT_NEEDED,
            admitted=seen.admitted,
            admitted_by=seen.admitted_by,
            token_refusals=seen.refusals,
            groups=groups,
            workspaces=workspaces,
            elsewhere={key: self.view.elsewhere(key) for key, fact in workspaces.items() if isinstance(fact, Absent)},
            app_roles=roles,
            capacity=self.view.capacity(self.env.capacity) if self.env.capacity else _NOT_NEEDED,
            trusted=trusted,
            app_capacities=seen.capacities,
            may_create_apps=self.session.may_create_apps,
            may_create_groups=self.session.may_create_groups,
            journalled=journalled,
        )

    # -- directory -----------------------------------------------------------------------------------------------

    def _app(self) -> Fact[AppRegistration]:
        """By its unique name; else by the client id of an app that is to be taken over."""
        fact = self._app_at(f"applications(uniqueName='{self.unique_name}')", self.unique_name)
        wanted = self.env.client_id
        if wanted is None:
            return fact
        if isinstance(fact, Known):
            if fact.value.client_id.lower() == wanted.lower():
                return fact
            raise Unavailable(
                "PBI911",
                f"the unique name {self.unique_name} belongs to another app ({fact.value.client_id}) than the one that "
                f"the manifest names for {self.env.name!r} ({wanted})",
                remedy="Destroy the other one first, or give the environment another name.",
            )
        fact = self._app_at(f"applications(appId='{wanted}')", wanted)
        if not isinstance(fact, Known):
            raise _not_there(self.session, wanted)
        return fact

    def _app_at(self, path: str, name: str) -> Fact[AppRegistration]:
        answer = self.graph.get(self.graph.at(path), select=APP_FIELDS)
        fact = object_fact(answer)
        if isinstance(fact, Unknown):
            raise answer.refusal(f"the app registration {name} could not be looked up", "PBI904")
        if not isinstance(fact, Known):
            return fact
        owners = self.view.ids(self.graph.client.applications.by_application_id(str(fact.value["id"])).owners)
        return Known(application(fact.value, owners, self._federated(str(fact.value["id"]))), fact.evidence)

    def _federated(self, object_id: str) -> list[dict[str, Any]] | None:
        """The app's federated credentials, read only where the environment is to have one; None where they cannot be."""
        if self.env.credential.kind != "federated":
            return None
        answers = list(self.graph.list(self.graph.at(f"applications/{object_id}/federatedIdentityCredentials")))
        return [each for answer in answers for each in answer.objects] if answers[-1].ok else None

    def _trusted(self) -> Fact[TrustedSubject]:
        trust = self.env.credential.trust
        return _NOT_NEEDED if trust is None else resolve(self.session.network, trust)

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
            self.graph.at(f"servicePrincipals(appId='{client_id}')"), select="id,appId,accountEnabled"
        )
        fact = object_fact(answer)
        if not isinstance(fact, Known):
            return fact
        return Known(principal(fact.value), fact.evidence)

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

    def _app_roles(self, principal: ServicePrincipal | None) -> Fact[tuple[RoleGrant, ...]]:
        if principal is None:
            return Unknown("there is no service principal")
        builder = self.graph.client.service_principals.by_service_principal_id(principal.object_id)
        answers = list(self.graph.list(builder.app_role_assignments))
        last = answers[-1]
        if not last.ok:
            return failed(last)
        return Known(tuple(role_grant(each) for answer in answers for each in answer.objects), last.evidence())

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

    def _policy(
        self, app: Fact[AppRegistration], stored: Fact[StoredCredential], seen: AsSeen
    ) -> Fact[CredentialPolicy]:
        """Looked at where a new credential may be needed; one that works says itself that it is allowed."""
        found = value_of(app)
        held = value_of(stored)
        if (
            held
            and found
            and held.client_id.lower() == found.client_id.lower()
            and not seen.refusals
            and not self.rotates
        ):
            return _NOT_NEEDED
        ids = (found.object_id, found.created) if found else (None, None)
        return credential_policy(self.session, self.view.default_policy(), *ids)

    def _groups(self, settings: Fact[Mapping[str, TenantSetting]]) -> dict[str, Fact[Group]]:
        """The groups that a decision can need: those that the settings name, and those that the manifest wants."""
        found: dict[str, Fact[Group]] = {}
        for name in wanted_settings(self.env):
            setting = value_of(named_setting(settings, name))
            for group_id in setting.enabled_groups if setting else ():
                found[group_id] = self.view.group(group_id)
        for wanted in wanted_groups(self.env):
            fact = found[wanted] = self.view.group(wanted)
            if isinstance(fact, Known):
                found[fact.value.id] = fact
        return found

    def _as_the_app(
        self, settings: Fact[Mapping[str, TenantSetting]], app: AppRegistration | None, trusted: TrustedSubject | None
    ) -> AsSeen:
        """Try the stored credential, and ask with its token what nobody here may look up."""
        credential = self.store.credential()
        if app is None or not is_service_app(self.env):
            return AsSeen()
        if credential is not None:
            credential = fitting(self.session.network, credential, trusted)
        if credential is None or not credential.usable or credential.client_id.lower() != app.client_id.lower():
            return AsSeen(Unknown("the app has no stored credential yet"))
        unseen = not isinstance(settings, Known)
        return as_the_app(
            self.session.network,
            credential,
            wanted_settings(self.env) if unseen else (),
            admission=unseen,
            capacities=uses_capacity_itself(self.env),
        )


def _follows(app: Fact[AppRegistration]) -> Absent | Unknown:
    if isinstance(app, Absent):
        return app
    assert isinstance(app, Unknown)
    return app
