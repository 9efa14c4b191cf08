"""The planner: manifest and snapshot to a plan. One function a thing that must be so, each yielding its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from pbisetup.catalog.purposes import Purpose, purposes
from pbisetup.catalog.wellknown import (
    OLD_PUBLIC_API_SETTING,
    PUBLIC_API_SETTING,
    PUBLIC_API_SETTING_TITLE,
)
from pbisetup.model.facts import Absent, Fact, Known, Unknown, value_of
from pbisetup.model.manifest import Environment, Manifest, WorkspaceSpec
from pbisetup.model.plan import Action, Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import AppRegistration, Password, StoredCredential, TenantSetting
from pbisetup.planning import rights
from pbisetup.planning.admission import Admission, decide, unsuited

DEFAULT_GROUP = "pbi-service-principals"
RENEW_BEFORE = timedelta(days=7)
"""A stored secret with less life than this is replaced by a new one; the old one is left to run out."""


DeletedChoice = Literal["restore", "purge"]
"""What becomes of a soft-deleted application that still holds the unique name (entra.md 1.2, 1.14)."""


def plan_environment(
    manifest: Manifest,
    environment: Environment,
    snapshot: Snapshot,
    now: datetime,
    deleted: DeletedChoice | None = None,
) -> Plan:
    """Everything that must change so that this environment is as the manifest says, in order.

    While a soft-deleted application holds the unique name, the plan is only what `deleted` says of it.
    """
    planner = _Planner(manifest, environment, snapshot, now)
    if isinstance(snapshot.deleted_app, Known) and deleted is not None:
        return planner.deleted(snapshot.deleted_app.value, deleted)
    return planner.plan()


def wanted_group(environment: Environment) -> str:
    """Name or id of the group that a scoped setting is joined through, unless the setting names another."""
    return environment.groups.get("api", DEFAULT_GROUP)


def wanted_scopes(environment: Environment) -> tuple[str, ...]:
    """Delegated permissions that the purposes and the manifest ask for, without repetition."""
    asked = [scope for name in environment.purposes for scope in purposes()[name].delegated]
    return tuple(dict.fromkeys((*asked, *environment.delegated)))


def is_user_app(environment: Environment) -> bool:
    """Whether people sign in to the app."""
    return any(purposes()[name].sign_in == "user" for name in environment.purposes)


def is_service_app(environment: Environment) -> bool:
    """Whether the service principal itself calls, which takes a credential and the tenant setting."""
    return any(purposes()[name].sign_in == "app" for name in environment.purposes)


def public_api_setting(settings: Fact[Mapping[str, TenantSetting]]) -> Fact[TenantSetting]:
    """The setting that lets service principals call the APIs, under today's name or the one before May 2025."""
    if not isinstance(settings, Known):
        return settings
    found = settings.value.get(PUBLIC_API_SETTING) or settings.value.get(OLD_PUBLIC_API_SETTING)
    if found is None:
        return Absent(settings.evidence)
    return Known(found, settings.evidence)


class _Planner:
    def __init__(self, manifest: Manifest, environment: Environment, snapshot: Snapshot, now: datetime) -> None:
        self.manifest = manifest
        self.env = environment
        self.seen = snapshot
        self.now = now
        self.app = value_of(snapshot.app)
        self.sp = value_of(snapshot.service_principal)
        self.purposes: list[Purpose] = [purposes()[name] for name in environment.purposes]
        self.creates_app = False
        self.create_right = self._unless_refused("app", rights.create_app(snapshot.operator, snapshot.may_create_apps))
        self.app_id_param = self.app.object_id if self.app else "{app_object_id}"
        self.sp_id_param = self.sp.object_id if self.sp else "{sp_object_id}"

    def _unless_refused(self, step_id: str, right: rights.Right) -> rights.Right:
        """What a service refused before outweighs what roles and policies suggest."""
        if step_id not in self.seen.refused:
            return right
        return rights.Right(False, right.who, "it was refused when you tried")

    def plan(self) -> Plan:
        steps = [
            *self._application(),
            *self._service_principal(),
            *self._owner(),
            *self._consent(),
            *self._secret(),
            *self._admission(),
            *(step for spec in self.env.workspaces for step in self._workspace(spec)),
        ]
        outputs = {"tenant_id": self.seen.tenant.id}
        if self.app:
            outputs |= {"app_object_id": self.app.object_id, "client_id": self.app.client_id}
        if self.sp:
            outputs["sp_object_id"] = self.sp.object_id
        return Plan(self.env.name, tuple(self._refused(step) for step in steps), outputs)

    def _refused(self, step: Step) -> Step:
        if step.id not in self.seen.refused or step.allowed is False:
            return step
        return replace(step, allowed=False, because="it was refused when you tried")

    def deleted(self, object_id: str, choice: DeletedChoice) -> Plan:
        name = self.manifest.display_name(self.env.name)
        right = self.create_right
        words = {"restore": "bring it back", "purge": "remove it for good"}
        step = Step(
            "deleted-app",
            "add" if choice == "restore" else "remove",
            f"Deleted app registration {name!r}: {words[choice]}",
            "it still holds the unique name",
            Action(f"{choice}_application", {"app_object_id": object_id}),
            right.who,
            right.allowed,
            right.because,
        )
        return Plan(self.env.name, (step,), {"tenant_id": self.seen.tenant.id}, again=True)

    # -- the app -------------------------------------------------------------------------------------------------

    def _application(self) -> Iterator[Step]:
        name = self.manifest.display_name(self.env.name)
        body = self._application_body()
        declared = self._declared_note()
        if self.app is not None:
            changes = self._application_drift(self.app)
            if not changes:
                yield Step("app", "keep", f"App registration {name!r}", f"client id {self.app.client_id}; {declared}")
                return
            right = rights.edit_app(self.seen.operator, self.app.owners, ours_after_create=False)
            yield Step(
                "app",
                "change",
                f"App registration {name!r}: {', '.join(sorted(changes))}",
                "differs from the manifest",
                Action("update_application", {"app_object_id": self.app.object_id, "changes": changes}),
                right.who,
                right.allowed,
                right.because,
                undo="set it back in the portal",
            )
            return
        self.creates_app = True
        right = self.create_right
        yield Step(
            "app",
            "add",
            f"App registration {name!r}",
            f"the identity your program signs in with. Permissions: {declared}",
            Action("upsert_application", {"unique_name": self.manifest.unique_name(self.env.name), "body": body}),
            right.who,
            right.allowed,
            right.because,
            undo="delete the app registration",
        )

    def _application_body(self) -> dict[str, object]:
        body: dict[str, object] = {
            "displayName": self.manifest.display_name(self.env.name),
            "signInAudience": "AzureADMyOrg",
            "tags": ["pbisetup", self.manifest.tag(self.env.name)],
        }
        if is_user_app(self.env):
            body["isFallbackPublicClient"] = True
            body["publicClient"] = {"redirectUris": list(self._redirects())}
        resource = value_of(self.seen.power_bi)
        if resource and (access := self._wanted_access()):
            body["requiredResourceAccess"] = [
                {
                    "resourceAppId": resource.app_id,
                    "resourceAccess": [{"id": id_, "type": kind} for id_, kind in sorted(access)],
                }
            ]
        return body

    def _redirects(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("http://localhost", *self.env.redirect_uris)))

    def _wanted_access(self) -> set[tuple[str, str]]:
        resource = value_of(self.seen.power_bi)
        if resource is None:
            return set()
        return {(resource.scopes[s], "Scope") for s in wanted_scopes(self.env) if s in resource.scopes}

    def _application_drift(self, app: AppRegistration) -> dict[str, object]:
        """The properties to write so that the app is as the manifest says; what others added stays."""
        body = self._application_body()
        changes: dict[str, object] = {}
        if app.display_name != body["displayName"]:
            changes["displayName"] = body["displayName"]
        if is_user_app(self.env):
            if not app.public_client:
                changes["isFallbackPublicClient"] = True
            if not set(self._redirects()) <= app.redirect_uris:
                changes["publicClient"] = {"redirectUris": sorted({*app.redirect_uris, *self._redirects()})}
        resource = value_of(self.seen.power_bi)
        if resource:
            wanted = {(resource.app_id, id_, kind) for id_, kind in self._wanted_access()}
            if not wanted <= app.declared:
                merged: dict[str, list[dict[str, str]]] = {}
                for api, id_, kind in sorted(app.declared | wanted):
                    merged.setdefault(api, []).append({"id": id_, "type": kind})
                changes["requiredResourceAccess"] = [
                    {"resourceAppId": api, "resourceAccess": access} for api, access in merged.items()
                ]
        return changes

    def _declared_note(self) -> str:
        scopes = wanted_scopes(self.env)
        if scopes:
            return ", ".join(scopes)
        return self.purposes[0].why_permissions

    def _service_principal(self) -> Iterator[Step]:
        if self.sp is not None:
            yield Step("service-principal", "keep", "Service principal", f"object id {self.sp.object_id}")
            return
        if self.creates_app:
            right = self.create_right
        else:
            owners = self.app.owners if self.app else None
            right = rights.edit_app(self.seen.operator, owners, ours_after_create=False)
        yield Step(
            "service-principal",
            "add",
            "Service principal",
            "what groups and workspaces know the app by; its object id is neither the client id nor the app's",
            Action("create_service_principal", {"client_id": self.app.client_id if self.app else "{client_id}"}),
            right.who,
            right.allowed,
            right.because,
            needs=("app",),
            undo="deleted together with the app",
        )

    def _owner(self) -> Iterator[Step]:
        operator = self.seen.operator
        if operator.kind != "user":
            return
        if self.app is not None and self.app.owners is None:
            return
        if self.app is not None and self.app.owners and operator.object_id in self.app.owners:
            yield Step("owner", "keep", "Owner", operator.account)
            return
        owners = self.app.owners if self.app else None
        right = rights.edit_app(operator, owners, ours_after_create=self.creates_app)
        if self._somebody_else_makes_the_app():
            right = rights.Right(False, ("cloud application administrator",), "there is no app to own yet")
        yield Step(
            "owner",
            "add",
            f"Owner {operator.account}",
            "an owner can renew the secret without an administrator",
            Action("add_owner", {"app_object_id": self.app_id_param, "owner_id": operator.object_id}),
            right.who,
            right.allowed,
            right.because,
            needs=("app",),
            undo="remove the owner",
        )

    def _consent(self) -> Iterator[Step]:
        scopes = wanted_scopes(self.env)
        if not scopes:
            return
        resource = value_of(self.seen.power_bi)
        if resource is None:
            yield Step(
                "consent",
                "keep",
                "Admin consent",
                "Power BI Service is not in this tenant: somebody must sign up for Power BI first",
            )
            return
        if missing := [s for s in scopes if s not in resource.scopes]:
            yield Step(
                "consent-unknown",
                "keep",
                f"Delegated permissions {', '.join(missing)}",
                "left out: this tenant's Power BI Service publishes no such permission",
            )
        wanted = frozenset(s for s in scopes if s in resource.scopes)
        if not wanted:
            return
        grants = value_of(self.seen.delegated_grants) or ()
        existing = next((g for g in grants if g.resource_id == resource.object_id and g.principal_id is None), None)
        if existing and wanted <= existing.scopes:
            yield Step("consent", "keep", "Admin consent", f"for everybody: {' '.join(sorted(existing.scopes))}")
            return
        right = rights.consent(self.seen.operator)
        yield Step(
            "consent",
            "change" if existing else "add",
            f"Admin consent to {', '.join(sorted(wanted))}",
            "so that people are not asked, each by each, and none is refused",
            Action(
                "grant_delegated",
                {
                    "grant_id": existing.id if existing else None,
                    "sp_object_id": self.sp_id_param,
                    "resource_id": resource.object_id,
                    "scopes": sorted(wanted | (existing.scopes if existing else frozenset())),
                },
            ),
            right.who,
            right.allowed,
            right.because,
            needs=("service-principal",),
            undo="revoke the consent",
        )

    # -- the secret ----------------------------------------------------------------------------------------------

    def _secret(self) -> Iterator[Step]:
        if not is_service_app(self.env):
            return
        passwords = self.app.passwords if self.app else ()
        stray = [p for p in passwords if p.display_name in self.seen.journalled]
        held, why = held_secret(self.seen, self.env, self.now)
        for password in stray:
            if self._value_is_kept(password):
                continue
            yield Step(
                f"secret-remove-{password.key_id}",
                "remove",
                f"Client secret {password.display_name!r}",
                "an interrupted run of yours made it and nobody holds its value",
                Action("remove_secret", {"app_object_id": self.app_id_param, "key_id": password.key_id}),
                ("app owner",),
                self._edit_right().allowed,
                self._edit_right().because,
            )
        if held:
            ends = held.ends.strftime("%Y-%m-%d") if held.ends else "an unknown day"
            yield Step("secret", "keep", "Client secret", f"{why}; ends {ends}")
            return
        right = self._edit_right()
        spec = self.env.credential
        keeper = "printed once on standard output" if spec.store == "stdout" else f"kept in .env.{self.env.name}"
        yield Step(
            "secret",
            "add",
            f"Client secret for {spec.lifetime.days} days, {keeper}",
            why,
            Action(
                "add_secret",
                {"app_object_id": self.app_id_param, "days": spec.lifetime.days, "store": spec.store},
            ),
            right.who,
            right.allowed,
            right.because,
            needs=("app",),
            takes="a few seconds until the token endpoint knows it",
            undo="remove the secret from the app",
        )

    def _value_is_kept(self, password: Password) -> bool:
        """Whether somebody may hold its value after all, however little life it has left. An unread store may."""
        stored = self.seen.stored
        if self.env.credential.store == "stdout":
            return False
        return isinstance(stored, Unknown) or (isinstance(stored, Known) and _same_secret(password, stored.value))

    def _edit_right(self) -> rights.Right:
        owners = self.app.owners if self.app else None
        right = rights.edit_app(self.seen.operator, owners, ours_after_create=self.creates_app)
        if self._somebody_else_makes_the_app():
            # Not handed off: as soon as the app exists and the operator owns it, the operator makes the secret, and
            # nobody has to send one.
            return rights.Right(False, ("you",), "the app must exist first; then run `pbisetup apply`")
        if right.allowed is False and self.seen.operator.kind == "user" and self.app and self.app.owners is not None:
            # The owner step asks for that; nobody else makes the secret and sends it.
            return rights.Right(False, ("you",), "you must own the app first; then run `pbisetup apply`")
        return right

    def _after_app(self, right: rights.Right) -> rights.Right:
        """A right that waits for somebody else to register the app; what the operator may then do stays theirs."""
        if not self._somebody_else_makes_the_app():
            return right
        who = ("you",) if right.allowed else right.who
        return rights.Right(False, who, "there is no service principal yet")

    def _somebody_else_makes_the_app(self) -> bool:
        return self.creates_app and self.create_right.allowed is False

    # -- the tenant setting --------------------------------------------------------------------------------------

    def _admission(self) -> Iterator[Step]:
        if not any(purpose.settings for purpose in self.purposes):
            return
        memberships = value_of(self.seen.memberships) or frozenset()
        admission = decide(
            public_api_setting(self.seen.settings),
            memberships,
            self.seen.groups,
            wanted_group(self.env),
            admitted=self.seen.admitted,
        )
        title = f"Tenant setting {PUBLIC_API_SETTING_TITLE!r}"
        if admission.state in ("open", "admitted"):
            yield Step("setting", "keep", title, admission.why)
        elif admission.state in ("excluded", "unsuited"):
            yield Step(
                "setting",
                "keep",
                title,
                f"does not admit the app, and is left as it is: {admission.why}",
                warning="the API will refuse the app until a Fabric administrator changes that",
            )
        elif admission.state == "unknown":
            yield from self._admission_unseen(title, admission)
        else:
            yield from self._through_group(title, admission)

    def _admission_unseen(self, title: str, admission: Admission) -> Iterator[Step]:
        """Nobody here can read the setting. The app's own token tells whether it is needed, once there is one."""
        refused = isinstance(self.seen.admitted, Known) and not self.seen.admitted.value
        if refused or self._somebody_else_makes_the_app():
            if problem := unsuited(self.seen.groups, wanted_group(self.env)):
                yield Step(
                    "setting", "keep", title, f"{admission.why}; {problem}", warning="the API may refuse the app"
                )
                return
            why = "the API refuses the app's token" if refused else "without it the API refuses every service principal"
            yield from self._through_group(title, replace(admission, why=why))
            return
        yield Step(
            "setting",
            "add",
            title,
            f"{admission.why}; whether it admits the app is seen as soon as the app has a token",
            Action("update_tenant_setting", {}),
            ("fabric administrator",),
            None,
            admission.why,
            deferred=True,
        )

    def _through_group(self, title: str, admission: Admission) -> Iterator[Step]:
        operator = self.seen.operator
        group_ref = admission.group_id or "{group_id}"
        memberships = value_of(self.seen.memberships) or frozenset()
        needs: tuple[str, ...] = ()
        creates = admission.group_id is None
        create_right = self._unless_refused("group", rights.create_group(operator, self.seen.may_create_groups))
        if self._somebody_else_makes_the_app():
            create_right = rights.Right(False, ("groups administrator",), "it goes together with the rest")
        if creates:
            needs = ("group",)
            yield Step(
                "group",
                "add",
                f"Security group {admission.group_name!r}",
                "the setting is limited to it, so that no other app is let in",
                Action(
                    "create_group",
                    {
                        "display_name": admission.group_name,
                        "mail_nickname": _nickname(admission.group_name),
                        "unique_name": f"pbisetup-{self.manifest.project_id}-api",
                    },
                ),
                create_right.who,
                create_right.allowed,
                create_right.because,
                undo="delete the group",
            )
        if group_ref not in memberships:
            fact = self.seen.groups.get(group_ref)
            group = fact.value if isinstance(fact, Known) else None
            owns = (create_right.allowed if creates else None) if group is None else group.operator_owns
            right = rights.add_member(operator, owns_group=owns, role_assignable=bool(group and group.role_assignable))
            if creates and create_right.allowed is False:
                right = rights.Right(False, right.who, "there is no group yet")
            right = self._after_app(right)
            yield Step(
                "member",
                "add",
                f"Service principal into the group {admission.group_name!r}",
                admission.why if admission.state == "join" else "the setting is limited to this group",
                Action(
                    "add_group_member",
                    {
                        "group_id": group_ref,
                        "group_name": admission.group_name,
                        "sp_object_id": self.sp_id_param,
                    },
                ),
                right.who,
                right.allowed,
                right.because,
                needs=(*needs, "service-principal"),
                takes="up to 15 minutes" if admission.state == "join" else None,
                undo="remove the member",
                warning=admission.warning if admission.state == "join" else None,
            )
        if admission.state == "join":
            return
        can_read = isinstance(self.seen.settings, Known)
        right = rights.change_setting(operator, can_read=can_read)
        verb = "extend by the group" if admission.state == "add_group" else "switch on, limited to the group"
        yield Step(
            "setting",
            "change",
            f"{title}: {verb} {admission.group_name!r}",
            admission.why,
            Action(
                "update_tenant_setting",
                {
                    "setting": admission.setting.name if admission.setting else PUBLIC_API_SETTING,
                    "group_id": group_ref,
                    "group_name": admission.group_name,
                },
            ),
            right.who,
            right.allowed if can_read or right.allowed is False else None,
            right.because,
            needs=(*needs, "service-principal"),
            takes="up to 15 minutes",
            undo="never switched back by pbisetup: others may rely on it by then",
            warning=admission.warning,
        )

    # -- workspaces ----------------------------------------------------------------------------------------------

    def _workspace(self, spec: WorkspaceSpec) -> Iterator[Step]:
        step_id = f"workspace-{spec.key}"
        if not is_service_app(self.env):
            yield Step(step_id, "keep", f"Workspace {spec.key!r}", "people use their own roles in it")
            return
        fact = self.seen.workspaces.get(spec.key, Unknown("not looked for"))
        workspace = value_of(fact)
        has = (workspace.roles or {}).get(self.sp.object_id) if workspace and self.sp else None
        if has == spec.role:
            yield Step(step_id, "keep", f"{spec.role} of the workspace {spec.key!r}", "as the manifest says")
            return
        right = rights.set_workspace_role(workspace.operator_role if workspace else None, visible=workspace is not None)
        right = self._after_app(right)
        yield Step(
            step_id,
            "change" if has else "add",
            f"{spec.role} of the workspace {spec.key!r}",
            f"the service principal is {has} there" if has else "without a role the workspace is invisible to it",
            Action(
                "set_workspace_role",
                {
                    "workspace_id": workspace.id if workspace else (spec.id or None),
                    "workspace_name": spec.name or (workspace.name if workspace else ""),
                    "sp_object_id": self.sp_id_param,
                    "role": spec.role,
                    "replaces": has,
                },
            ),
            right.who,
            right.allowed,
            right.because,
            needs=("service-principal",),
            undo="remove the role",
        )


def held_secret(snapshot: Snapshot, environment: Environment, now: datetime) -> tuple[Password | None, str]:
    """The app's secret whose value is held, and a sentence on why there is one or none.

    Matched by key id, else by the first three characters, which the directory keeps of every secret as its hint. With the
    stdout store nothing is held here: a secret that pbisetup made and that is still alive counts as handed over.
    """
    app = value_of(snapshot.app)
    if environment.credential.store == "stdout":
        made = [p for p in app.passwords if p.display_name.startswith("pbisetup ")] if app else []
        alive = [p for p in made if p.ends is None or p.ends - now >= RENEW_BEFORE]
        alive = [p for p in alive if p.display_name not in snapshot.journalled]
        return (alive[-1], "it was printed once when it was made") if alive else (None, "the app has none")
    stored = snapshot.stored
    if not isinstance(stored, Known):
        return None, stored.reason if isinstance(stored, Unknown) else "none is stored for this environment"
    held = stored.value
    if app is None:
        return None, f"{held.where} holds one, but not for this app"
    if held.client_id.lower() != app.client_id.lower():
        return None, f"{held.where} holds one for another app ({held.client_id})"
    for password in app.passwords:
        if not _same_secret(password, held):
            continue
        if password.ends and password.ends <= now:
            return None, f"the one in {held.where} expired on {password.ends:%Y-%m-%d}"
        if password.ends and password.ends - now < RENEW_BEFORE:
            return None, f"the one in {held.where} ends on {password.ends:%Y-%m-%d}"
        return password, f"{password.display_name!r}, whose value is in {held.where}"
    return None, f"the one in {held.where} is no longer a secret of the app"


def _same_secret(password: Password, held: StoredCredential) -> bool:
    if held.key_id:
        return password.key_id.lower() == held.key_id.lower()
    return bool(held.hint) and password.hint == held.hint


def _nickname(name: str) -> str:
    """A mailNickname, which every group must have: letters, digits and '-' only, at most 64."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in name).strip("-")
    return kept[:64] or "pbi-service-principals"
