"""A twin on its way: the recording that it is built from, the state as it is by now, and what was assumed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from pbisetup.model.recording import Json, RecordedFact, Recording, RecordingError, is_clean
from pbisetup.sandbox import access
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object

GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
GROUPS_PROBE: Final = "GET /v1.0/myorg/groups"
"""The request whose answer says whether the tenant lets the app in."""
MOST_NAME: Final = 256
SECRETS: Final = "the app's secrets"
PRINCIPAL: Final = "the service principal"
SETTINGS: Final = "the tenant settings"
"""What is assumed of these first, an answer that was recorded may show to be otherwise."""
NOT_ADMITTED: Final = "ServicePrincipalIsNotAllowedByTenantAdminSwitch"
"""What Power BI says where the tenant does not let a service principal in (powerbi.md 6.1)."""


@dataclass
class Draft:
    """The state so far, and what its steps tell each other."""

    recording: Recording
    caller: Object = field(default_factory=dict)
    assumed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        from pbisetup.sandbox.seed import default_state

        self.identity = Identity.new(self._tenant_id())
        self.state: Object = default_state(self.identity)
        self.principal: Object | None = None
        self.application: Object | None = None
        self.person: Object | None = None
        """Who signed in to the app, where a person does."""
        self.keys: dict[str, str] = {}
        """Workspace id -> the key by which the recording speaks of it."""
        self.state["clock"]["offset_seconds"] = self._offset()
        self._later = datetime.now(UTC) + timedelta(seconds=self._offset()) - self.recording.made

    @property
    def power_bi(self) -> Object | None:
        """The service principal of Power BI in the twin's cloud, as long as there is one."""
        from pbisetup.catalog.clouds import clouds

        app_id = clouds()[self.state["tenant"].get("cloud", "public")].powerbi_app_id
        return next((each for each in self.state["servicePrincipals"] if each["appId"] == app_id), None)

    # -- reading the recording -----------------------------------------------------------------------------------

    def value(self, fact: str) -> Json:
        """What is known of it, else None."""
        return self.recording.value(fact)

    def object(self, fact: str) -> Object:
        """The same of a fact whose value is an object; empty where nothing is known of it."""
        value = self.value(fact)
        if value is not None and not isinstance(value, dict):
            raise RecordingError(f"{fact} must be an object")
        return value or {}

    def known(self, fact: str) -> RecordedFact | None:
        """The first fact of this kind that is not unknown."""
        return next((each for each in self.recording.all(fact) if each.status != "unknown"), None)

    def assume(self, what: str, instead: str) -> None:
        """Say what was not recorded, and what the twin has in its place."""
        line = f"not recorded: {what}, assumed {instead}"
        if line not in self.assumed:
            self.assumed.append(line)

    def was_assumed(self, what: str) -> bool:
        """Whether something was said to be assumed in its place."""
        return any(line.startswith(f"not recorded: {what}, assumed ") for line in self.assumed)

    def assume_instead(self, what: str, instead: str) -> None:
        """The same where an answer shows otherwise than what had been assumed: only what the twin ends up with is said."""
        self.assumed[:] = [line for line in self.assumed if not line.startswith(f"not recorded: {what}, assumed ")]
        self.assume(what, instead)

    @property
    def token(self) -> Object:
        """What the token endpoint said: when it was asked for Power BI, else the first time."""
        known = [each for each in self.recording.all("token") if each.status == "known"]
        first = next((each for each in known if each.of in (None, "powerbi")), known[0] if known else None)
        return dict(first.value) if first is not None else {}

    @property
    def codes(self) -> frozenset[int]:
        """AADSTS numbers with which the app was refused a token."""
        return frozenset(self.token.get("codes") or ()) | frozenset(self.value("token_refusals") or ())

    @property
    def issued(self) -> bool:
        """Whether the app got a token."""
        return bool(self.token.get("issued"))

    def claims(self) -> Object:
        """Of the token that the app got; empty without one."""
        return dict(self.token.get("claims") or {})

    @property
    def for_people(self) -> bool:
        """Whether a person signs in to the app, rather than the app itself."""
        asked = (self.object("expected").get("sign_in"), self.object("asked").get("sign_in"))
        return "user" in asked or self.object("credential").get("kind") in ("password", "sign-in")

    @property
    def has_secret(self) -> bool:
        """Whether a secret was configured; it is taken to be where nobody said otherwise."""
        fact = self.recording.find("credential")
        absent = fact is not None and fact.status == "absent"
        return not absent and bool(self.object("credential").get("has_secret", True))

    @property
    def purposes(self) -> list[str]:
        """What the app is for."""
        return [str(each) for fact in ("manifest", "asked") for each in self.object(fact).get("purposes") or ()]

    def wanted_workspaces(self) -> list[Object]:
        """The workspaces that the app should see: `key` and `role`."""
        stated = list(self.object("manifest").get("workspaces") or ())
        return stated or [
            {"key": each.get("workspace") or each["id"], "role": each.get("role")}
            for each in self.object("asked").get("workspaces") or ()
        ]

    def _offset(self) -> float:
        """Seconds that the services' clock is ahead: in a twin the tenant's is."""
        seconds = self.value("clock")
        known = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        # Less is the time that an answer takes.
        return float(seconds) if known and abs(seconds) >= 30 else 0

    def _tenant_id(self) -> str | None:
        """The tenant's own id: of another one that was asked for by mistake the token endpoint said that it knows none."""
        candidates = [self.object("tenant").get("id"), self.claims().get("tenant_id")]
        if 90002 not in self.codes:
            facts = ("authority", "expected", "asked", "credential")
            candidates += [self.object(fact).get("tenant_id") for fact in facts]
        found = next((each for each in candidates if isinstance(each, str) and GUID.fullmatch(each)), None)
        return found.lower() if found else None

    # -- what there is by now ------------------------------------------------------------------------------------

    def user(self, account: str, id_: str | None = None) -> Object:
        """The user of this name, made where there is none."""
        account = name_of(account, "an account")
        for user in self.state["users"]:
            if user["userPrincipalName"].lower() == account.lower():
                self._rename(user, id_ or user["id"])
                return cast("Object", user)
        name, _, domain = account.partition("@")
        user = made.user(self.identity, name, domain or self.state["tenant"]["domain"])
        user["id"] = id_ or user["id"]
        self.state["users"].append(user)
        return user

    def _rename(self, user: Object, id_: str) -> None:
        for workspace in self.state["workspaces"]:
            for entry in workspace["roleAssignments"]:
                if entry["id"] == user["id"]:
                    entry["id"] = entry["principal"]["id"] = id_
        user["id"] = id_

    def setting(self, name: str) -> Object:
        """A tenant setting by name; made, off, where the tenant lists none of that name."""
        found = next((each for each in self.state["tenantSettings"] if each["settingName"] == name), None)
        if found is None:
            found = made.element(self.identity, self.state, "tenantSettings", name)
            self.state["tenantSettings"].append(found)
        return cast("Object", found)

    def public_apis(self) -> Object:
        """The setting that admits service principals, under today's name or the one of before May 2025."""
        named = {each["settingName"]: each for each in self.state["tenantSettings"]}
        return named.get(access.PUBLIC_APIS) or named.get(access.OLD_PUBLIC_APIS) or self.setting(access.PUBLIC_APIS)

    def group(self, id_: str) -> Object | None:
        """The group of this id, if it is there yet."""
        return next((each for each in self.state["groups"] if each["id"] == id_), None)

    def join(self, group: Object) -> None:
        """Make the service principal a member."""
        if self.principal is not None and self.principal["id"] not in group["members"]:
            group["members"].append(self.principal["id"])

    def caller_principal(self) -> tuple[str, str] | None:
        """Object id and type of whom the APIs saw: the person, else the service principal; None where nobody is known."""
        who, kind = (self.person, "User") if self.for_people else (self.principal, "App")
        return (str(who["id"]), kind) if who is not None else None

    def moved(self, ends: Json) -> str:
        """A recorded time, as far from now as it was from the recording."""
        if ends is None:
            return stamp(datetime.now(UTC) + timedelta(days=365))
        try:
            moment = datetime.fromisoformat(str(ends))
            return stamp((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) + self._later)
        except ValueError:
            raise RecordingError(f"{str(ends)[:40]!r} is no time such as 2027-01-31T00:00:00Z") from None

    def client_id(self) -> str | None:
        """The client id that is examined."""
        candidates = [self.object(fact).get("client_id") for fact in ("app", "service_principal", "credential")]
        candidates += [
            self.claims().get("client_id"),
            *(self.object(f).get("client_id") for f in ("expected", "asked")),
        ]
        found = next((each for each in candidates if isinstance(each, str) and GUID.fullmatch(each)), None)
        return found.lower() if found else None

    def admitted(self) -> bool | None:
        """Whether the Power BI API let the app in; None where it was not asked, or said something else."""
        answer = self.recording.value("probe", GROUPS_PROBE) or {}
        if isinstance(answer.get("status"), int) and 200 <= answer["status"] < 300:
            return True
        if answer.get("code") == NOT_ADMITTED:
            return False
        said = self.value("admitted")
        return said if isinstance(said, bool) else None


def visible(value: Json) -> bool | None:
    """Whether the app sees a workspace, by a value of `workspace_visible`; None where the API did not come to say so."""
    status = (value or {}).get("status")
    if (value or {}).get("visible"):
        return True
    return False if value and (status is None or 200 <= status < 300) else None


def guid_of(value: Json, where: str) -> str:
    """An id of the recording. Raises RecordingError where it is none."""
    if not isinstance(value, str) or not GUID.fullmatch(value):
        raise RecordingError(f"{where} must be a GUID")
    return value.lower()


def name_of(value: Json, where: str) -> str:
    """A name of the recording. Raises RecordingError where nothing could be called so."""
    if not isinstance(value, str) or not value.strip() or len(value) > MOST_NAME:
        raise RecordingError(f"{where} must be a text of 1 to {MOST_NAME} characters")
    if not is_clean(value) or any(each in value for each in "\n\r\t"):
        raise RecordingError(f"{where} holds line ends or control characters")
    return value


def shown(name: str) -> str:
    """A name between quotes, in which nothing can move a terminal's cursor."""
    return repr(name)


def stamp(moment: datetime) -> str:
    """A time as the directory writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
