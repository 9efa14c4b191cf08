"""What an environment has, as the operator can see it: its app and all that is bound to it, and who else shares it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pbisetup.model.belongings import Belongings, DeletedApp, OwnGroup, Sibling
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Fact, Known, Unknown, value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.tenant import AppRegistration, Group, ServicePrincipal, StoredCredential
from pbisetup.observe.presence import Presence
from pbisetup.observe.reading import (
    GROUP_FIELDS,
    application,
    grant,
    object_fact,
    principal,
    read_moment,
    role_grant,
    values_fact,
)
from pbisetup.observe.session import Session
from pbisetup.observe.tenant_view import TenantView
from pbisetup.planning.removal import group_keys
from pbisetup.services.directory import Builder
from pbisetup.services.stores.store import Store

_APP_FIELDS = "id,appId,displayName,uniqueName,tags,passwordCredentials,keyCredentials"
_GROUP_FIELDS = f"{GROUP_FIELDS},uniqueName"

KEPT = timedelta(days=30)
"""For how long a deleted application can be brought back (entra.md 1.14)."""


def belongings(session: Session, manifest: Manifest, environment: Environment, store: Store) -> Belongings:
    """Look at everything that taking this environment away needs. Raises Refused where its app cannot be looked up."""
    return _Looker(session, manifest, environment, store).look()


class _Looker:
    def __init__(self, session: Session, manifest: Manifest, environment: Environment, store: Store) -> None:
        self.session, self.graph = session, session.graph
        self.manifest, self.env, self.store = manifest, environment, store
        self.unique_name, self.tag = manifest.unique_name(environment.name), manifest.tag(environment.name)
        self.view = TenantView(session)
        self.joined: tuple[str, ...] = ()
        """How the uniqueNames of those of the project's groups end that the app is in."""

    def look(self) -> Belongings:
        tagged = self._tagged()
        app = self._app(tagged)
        found = value_of(app)
        deleted = self._deleted() if found is None else Unknown("the app exists")
        sp = self._principal(found) if found else Absent(_none("no app, so no service principal"))
        settings = self.view.settings()
        presence = Presence(self.session, self.env, admin=isinstance(settings, Known))
        stored = self.store.stored()
        memberships = self._memberships(value_of(sp))
        return Belongings(
            self.env.name,
            self.session.tenant,
            self.session.operator,
            app,
            deleted,
            self._namesakes() if found is None and not isinstance(deleted, Known) else (),
            siblings=self._siblings(tagged),
            principal=sp,
            memberships=memberships,
            grants=self._of_principal(value_of(sp), "oauth2PermissionGrants", grant),
            app_roles=self._of_principal(value_of(sp), "appRoleAssignments", role_grant),
            # The manifest may have called a group otherwise when it was made: those that the app is in say it themselves.
            groups={key: self._own_group(key) for key in dict.fromkeys((*group_keys(self.manifest), *self.joined))},
            settings=settings,
            workspaces=presence.workspaces(),
            elsewhere=presence.elsewhere(found, self.store) if found else (),
            foreign=frozenset(presence.foreign),
            stored=stored,
            stored_app_gone=found is None and self._gone(value_of(stored)),
        )

    # -- the app -------------------------------------------------------------------------------------------------

    def _app(self, tagged: Fact[list[dict[str, Any]]]) -> Fact[AppRegistration]:
        """By the unique name, else by the client id that the manifest names, else by the tag."""
        fact = self._one(f"applications(uniqueName='{self.unique_name}')")
        if isinstance(fact, Absent) and self.env.client_id:
            fact = self._one(f"applications(appId='{self.env.client_id}')")
        if isinstance(fact, Absent):
            marks = {self.tag, self.manifest.left_tag(self.env.name)}
            ours = [raw for raw in value_of(tagged) or () if marks & set(raw.get("tags") or ())]
            if ours:
                fact = self._one(f"applications/{ours[0]['id']}")
        return fact

    def _one(self, path: str) -> Fact[AppRegistration]:
        answer = self.graph.get(self.graph.at(path), select=_APP_FIELDS)
        fact = object_fact(answer)
        if isinstance(fact, Unknown):
            # Without knowing whether the app exists, nothing could be said of what is left of it.
            raise answer.refusal(f"the app registration {self.unique_name} could not be looked up", "PBI904")
        if not isinstance(fact, Known):
            return fact
        path = f"applications/{fact.value['id']}"
        federated = self._pages(f"{path}/federatedIdentityCredentials")
        owners = self._ids(f"{path}/owners")
        return Known(application(fact.value, owners, value_of(federated)), fact.evidence)

    def _tagged(self) -> Fact[list[dict[str, Any]]]:
        """Every app of the tenant that pbisetup has to do with."""
        return self._pages(
            "applications", filter="tags/any(t:t eq 'pbisetup')", select="id,appId,displayName,uniqueName,tags"
        )

    def _siblings(self, tagged: Fact[list[dict[str, Any]]]) -> Fact[tuple[Sibling, ...]]:
        if not isinstance(tagged, Known):
            return tagged
        project = self.manifest.tag("")
        others = [
            Sibling(str(raw.get("appId", "")), str(raw.get("displayName", "")))
            for raw in tagged.value
            if any(tag.startswith(project) and tag != self.tag for tag in raw.get("tags") or ())
        ]
        return Known(tuple(others), tagged.evidence)

    def _namesakes(self) -> tuple[AppRegistration, ...]:
        name = self.manifest.display_name(self.env.name).replace("'", "''")
        fact = self._pages("applications", filter=f"displayName eq '{name}'", select=_APP_FIELDS)
        return tuple(application(raw, None) for raw in value_of(fact) or ())

    def _deleted(self) -> Fact[DeletedApp]:
        items = "directory/deletedItems/microsoft.graph"
        apps = self._pages(
            f"{items}.application",
            filter=f"uniqueName eq '{self.unique_name}'",
            select="id,appId,displayName,uniqueName,tags,deletedDateTime",
        )
        if not isinstance(apps, Known):
            return apps
        hit = next((raw for raw in apps.value if raw.get("uniqueName") == self.unique_name), None)
        if hit is None:
            return Absent(apps.evidence)
        client_id = str(hit.get("appId", ""))
        principals = self._pages(f"{items}.servicePrincipal", filter=f"appId eq '{client_id}'", select="id,appId")
        sp = next((str(raw["id"]) for raw in value_of(principals) or () if raw.get("appId") == client_id), None)
        found = DeletedApp(
            str(hit["id"]),
            client_id,
            str(hit.get("displayName", "")),
            frozenset(hit.get("tags") or ()),
            deleted + KEPT if (deleted := read_moment(hit.get("deletedDateTime"))) else None,
            sp,
        )
        return Known(found, apps.evidence)

    def _gone(self, stored: StoredCredential | None) -> bool:
        """Whether the stored credential was kept by pbisetup, and its app is not in this tenant any more."""
        if stored is None or stored.key_id is None or stored.tenant_id.lower() != self.session.tenant.id.lower():
            return False
        return isinstance(
            object_fact(self.graph.get(self.graph.at(f"applications(appId='{stored.client_id}')"))), Absent
        )

    # -- its service principal ----------------------------------------------------------------------------------

    def _principal(self, app: AppRegistration) -> Fact[ServicePrincipal]:
        path = f"servicePrincipals(appId='{app.client_id}')"
        fact = object_fact(self.graph.get(self.graph.at(path), select="id,appId,displayName"))
        return Known(principal(fact.value), fact.evidence) if isinstance(fact, Known) else fact

    def _memberships(self, sp: ServicePrincipal | None) -> Fact[tuple[Group, ...]]:
        if sp is None:
            return Absent(_none("there is no service principal"))
        fact = self._pages(f"servicePrincipals/{sp.object_id}/memberOf", select=_GROUP_FIELDS)
        if not isinstance(fact, Known):
            return fact
        groups = [raw for raw in fact.value if str(raw.get("@odata.type", "")).endswith(".group")]
        ours = self.manifest.group_unique_name("")
        names = [str(raw.get("uniqueName") or "") for raw in groups]
        self.joined = tuple(name.removeprefix(ours) for name in names if name.startswith(ours))
        return Known(tuple(map(self.view.read_group, groups)), fact.evidence)

    def _of_principal(self, sp: ServicePrincipal | None, what: str, read: Any) -> Fact[tuple[Any, ...]]:
        if sp is None:
            return Absent(_none("there is no service principal"))
        fact = self._pages(f"servicePrincipals/{sp.object_id}/{what}")
        return Known(tuple(map(read, fact.value)), fact.evidence) if isinstance(fact, Known) else fact

    # -- groups and settings -------------------------------------------------------------------------------------

    def _own_group(self, key: str) -> Fact[OwnGroup]:
        path = f"groups(uniqueName='{self.manifest.group_unique_name(key)}')"
        fact = object_fact(self.graph.get(self.graph.at(path), select=_GROUP_FIELDS))
        if not isinstance(fact, Known):
            return fact
        base = f"groups/{fact.value['id']}"
        put_to = [self._pages(f"{base}/memberOf", select="id,displayName"), self._pages(f"{base}/appRoleAssignments")]
        used: tuple[str, ...] | None = None
        if all(isinstance(each, Known) for each in put_to):
            held, assigned = (value_of(each) or [] for each in put_to)
            names = [f"in {raw.get('displayName') or raw['id']!r}" for raw in held]
            names += [f"assigned to {raw.get('resourceDisplayName')!r}" for raw in assigned]
            used = tuple(names)
        return Known(OwnGroup(self.view.read_group(fact.value), self._ids(f"{base}/members"), used), fact.evidence)

    # -- reading -------------------------------------------------------------------------------------------------

    def _pages(self, path: str, **query: str) -> Fact[list[dict[str, Any]]]:
        """A collection over all of its pages; unknown where one of them could not be read."""
        builder: Builder = self.graph.at(path)
        found: list[dict[str, Any]] = []
        for answer in self.graph.list(builder, **query):
            fact = values_fact(answer)
            if not isinstance(fact, Known):
                return fact
            found += fact.value
        return Known(found, answer.evidence())

    def _ids(self, path: str) -> frozenset[str] | None:
        fact = self._pages(path, select="id")
        return frozenset(str(raw["id"]) for raw in fact.value if "id" in raw) if isinstance(fact, Known) else None


def _none(why: str) -> Evidence:
    return Evidence("the app registration", "operator", why)
