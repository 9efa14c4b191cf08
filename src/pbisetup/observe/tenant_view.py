"""What several environments of one tenant look at together, read once: settings, groups, the API, capacities.

Tenant settings may be read 25 times a minute (powerbi.md 7), so twenty environments cannot each read their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pbisetup.model.errors import PbisetupError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.tenant import Capacity, Group, ResourceApp, TenantSetting
from pbisetup.observe.members import in_words, who_else
from pbisetup.observe.policies import default_policy
from pbisetup.observe.reading import (
    GROUP_FIELDS,
    failed,
    object_fact,
    read_group,
    resource,
    settings_fact,
    values_fact,
)
from pbisetup.observe.session import Session
from pbisetup.planning.manifest import is_guid
from pbisetup.services.directory import Builder

T = TypeVar("T")


class TenantView:
    """One look at a tenant, shared by threads: whoever asks first reads, the others get what was read."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._lock = threading.Lock()
        self._turns: dict[tuple[str, str], threading.Lock] = {}
        self._read: dict[tuple[str, str], Any] = {}

    def settings(self) -> Fact[Mapping[str, TenantSetting]]:
        """By settingName. Unknown where the operator may not read them."""
        return self._once("settings", "", self._settings)

    def power_bi(self) -> Fact[ResourceApp]:
        """The tenant's own service principal of Power BI."""
        return self._once("api", "", self._power_bi)

    def default_policy(self) -> Fact[Mapping[str, Any]]:
        """What the tenant's default policy says of the credentials of apps."""
        return self._once("policy", "", lambda: default_policy(self.session))

    def group(self, wanted: str) -> Fact[Group]:
        """The group of this name or object id; unknown where several bear the name."""
        read = self._group if is_guid(wanted) else self._group_by_name
        return self._once("group", wanted, lambda: read(wanted))

    def read_group(self, raw: Mapping[str, Any]) -> Group:
        """A group from its JSON, with whether the operator owns it, which takes a request."""
        owns, operator = None, self.session.operator
        if operator.kind == "user":
            owners = self.ids(self.session.graph.client.groups.by_group_id(str(raw["id"])).owners)
            owns = None if owners is None else operator.object_id in owners
        return read_group(raw, owns)

    def who_else(self, group_id: str, besides: str | None) -> str:
        """Who is in the group besides that service principal, in words; empty where nobody is."""
        found = self._once("members", f"{group_id} {besides}", lambda: who_else(self.session, group_id, besides))
        return "" if found == (0, ()) else in_words(found)

    def capacity(self, wanted: str) -> Fact[Capacity]:
        """The capacity of this name or id, among those that the operator may use."""
        listed = self._once("capacities", "", self._capacities)
        if not isinstance(listed, Known):
            return listed
        hits = [each for each in listed.value if wanted.lower() in (each.id.lower(), each.name.lower())]
        if len(hits) > 1:
            return Unknown(f"{len(hits)} capacities are called {wanted!r}: name one by its id", listed.evidence)
        return Known(hits[0], listed.evidence) if hits else Absent(listed.evidence)

    def elsewhere(self, name: str) -> Fact[str]:
        """Whether a workspace of this name exists that the operator has no role in: only a Fabric administrator can tell."""
        return self._once("workspace", name, lambda: self._elsewhere(name))

    def ids(self, builder: Builder) -> frozenset[str] | None:
        """Object ids of a collection, over all of its pages, or None where it could not be read whole."""
        graph = self.session.graph
        answers = list(graph.list(builder, select="id"))
        if not answers[-1].ok:
            return None
        return frozenset(str(o["id"]) for answer in answers for o in answer.objects if "id" in o)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _once(self, kind: str, of: str, read: Callable[[], T]) -> T:
        with self._lock:
            turn = self._turns.setdefault((kind, of), threading.Lock())
        with turn:
            if (kind, of) not in self._read:
                self._read[kind, of] = read()
            found: T = self._read[kind, of]
            return found

    def _settings(self) -> Fact[Mapping[str, TenantSetting]]:
        fabric = self.session.fabric
        if fabric is None:
            return Unknown(f"no address of the Fabric API is published for the cloud {self.session.network.cloud.name}")
        try:
            return settings_fact(list(fabric.pages("/v1/admin/tenantsettings")))
        except PbisetupError as error:
            return Unknown(error.message)

    def _power_bi(self) -> Fact[ResourceApp]:
        app_id = self.session.network.cloud.powerbi_app_id
        answer = self.session.graph.get(
            self.session.graph.at(f"servicePrincipals(appId='{app_id}')"),
            select="id,appId,accountEnabled,appRoles,oauth2PermissionScopes",
        )
        fact = object_fact(answer)
        if not isinstance(fact, Known):
            return fact
        return Known(resource(fact.value, app_id), fact.evidence)

    def _group(self, group_id: str) -> Fact[Group]:
        graph = self.session.graph
        fact = object_fact(graph.get(graph.client.groups.by_group_id(group_id), select=GROUP_FIELDS))
        return Known(self.read_group(fact.value), fact.evidence) if isinstance(fact, Known) else fact

    def _group_by_name(self, name: str) -> Fact[Group]:
        quoted, graph = name.replace("'", "''"), self.session.graph
        answer = graph.get(graph.client.groups, filter=f"displayName eq '{quoted}'", select=GROUP_FIELDS)
        fact = values_fact(answer)
        if not isinstance(fact, Known):
            return fact
        if not fact.value:
            return Absent(fact.evidence)
        if len(fact.value) > 1:
            return Unknown(f"{len(fact.value)} groups are called {name!r}: name one by its object id", fact.evidence)
        return Known(self.read_group(fact.value[0]), fact.evidence)

    def _capacities(self) -> Fact[list[Capacity]]:
        fabric = self.session.fabric
        if fabric is None:
            return Unknown(f"no address of the Fabric API is published for the cloud {self.session.network.cloud.name}")
        try:
            answers = list(fabric.pages("/v1/capacities"))
        except PbisetupError as error:
            return Unknown(error.message)
        if not answers[-1].ok:
            return failed(answers[-1])
        named = ("id", "displayName", "sku", "state")
        listed = [Capacity(*(str(o.get(key) or "") for key in named)) for a in answers for o in a.objects]
        return Known(listed, answers[-1].evidence())

    def _elsewhere(self, name: str) -> Fact[str]:
        fabric = self.session.fabric
        if fabric is None:
            return Unknown("no address of the Fabric API is published for this cloud")
        try:
            answer = fabric.get("/v1/admin/workspaces", {"name": name})
        except PbisetupError as error:
            return Unknown(error.message)
        listed = answer.object.get("workspaces") if answer.ok else None
        if not isinstance(listed, list):
            return Unknown("only a Fabric administrator can tell whether it exists", failed(answer).evidence)
        hits = [
            str(each.get("id"))
            for each in listed
            if isinstance(each, dict) and each.get("name") == name and each.get("state") in (None, "Active")
        ]
        return Known(hits[0], answer.evidence()) if hits else Absent(answer.evidence())
