"""Reading the manifest: every mistake at once, each with its line and the nearest name that would be right."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.purposes import contradictions, group_kinds, least_role, purposes
from pbisetup.model.errors import UsageError
from pbisetup.model.manifest import Consent, CredentialSpec, Environment, Manifest, WorkspaceSpec
from pbisetup.model.tenant import WORKSPACE_ROLES, WorkspaceRole
from pbisetup.planning.credential_spec import read_credential
from pbisetup.planning.groups import ADMIN_GROUPS

_PROJECT = ("id", "name", "cloud", "tenant")
_ENVIRONMENT = (
    "tenant", "purposes", "credential", "groups", "workspaces", "delegated", "redirect_uris",
    "client_id", "capacity", "profiles", "consent",
)  # fmt: skip
_WORKSPACE = ("name", "id", "role", "create")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOTHING: Mapping[str, Any] = {}
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])([:/]|$)", re.IGNORECASE)
MAX_NAME = 60
"""Leaves room for `-<environment>` below the 120 characters that Entra takes (entra.md 1.1)."""


class ManifestError(UsageError):
    """The manifest cannot be used. `problems` has one line for each mistake."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("PBI101", "\n".join(self.problems), remedy="Correct the manifest and run again.")


def is_guid(text: str) -> bool:
    """Whether the text is a GUID in the form that ids of Entra and Fabric have."""
    return _GUID.fullmatch(text) is not None


def name_problem(name: str) -> str | None:
    """What is wrong with a project name, or None. Any language, but nothing that a terminal would act on."""
    if not name.strip():
        return "the name is empty"
    if len(name) > MAX_NAME:
        return f"the name has {len(name)} characters; {MAX_NAME} at most"
    if not name.isprintable():
        return "the name holds characters that cannot be printed"
    return None


def environment_problem(name: str) -> str | None:
    """What is wrong with an environment's name, or None: it becomes part of a file name and of a uniqueName."""
    if _NAME.fullmatch(name):
        return None
    return f"{name!r} cannot name an environment: a to z, 0 to 9 and '-', at most 31 characters, such as 'dev'"


def redirect_problem(uri: str) -> str | None:
    """What Entra does not take about a redirect URI, or None: https but for this machine, no wildcard, no fragment.

    Source: Entra documentation, Redirect URI restrictions and limitations.
    """
    if not uri.isprintable() or " " in uri or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", uri):
        return "is no address such as https://app.example/ or http://localhost:3000/"
    if uri.lower().partition(":")[0] in ("javascript", "data", "vbscript", "file"):
        return "is nowhere to come back to"
    if uri.lower().startswith("http:") and not _LOOPBACK.match(uri):
        return "must begin with https:// unless it is on localhost"
    return "may hold neither * nor #" if "*" in uri or "#" in uri else None


def parse_manifest(text: str, filename: str = "pbisetup.toml") -> Manifest:
    """The manifest in this TOML text. Raises ManifestError naming every mistake with file and line."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Not only TOMLDecodeError: numbers of thousands of digits and endless brackets have errors of their own.
        raise ManifestError([_syntax(filename, error)]) from None
    reader = _Reader(text, filename)
    manifest = reader.manifest(data)
    if reader.problems:
        # What is wrong in [defaults] is met again in each environment.
        raise ManifestError(dict.fromkeys(text for _, text in sorted(reader.problems, key=lambda each: each[0])))
    return manifest


def _syntax(filename: str, error: Exception) -> str:
    said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a number or a nesting that is too large"
    place = re.search(r" \(at line (\d+), column \d+\)$", said)
    return f"{filename}:{place[1]}: {said[: place.start()]}" if place else f"{filename}: {said}"


class _Reader:
    """Walks the data, collecting problems; a value that is wrong is replaced by a harmless one."""

    def __init__(self, text: str, filename: str) -> None:
        self.lines = text.splitlines()
        self.filename = filename
        self.problems: list[tuple[int, str]] = []
        """With the line of each, where it is known."""

    def manifest(self, data: dict[str, Any]) -> Manifest:
        self.keys(data, ("project", "defaults", "environments"), "", "")
        project = self.table(data.get("project", {}), "project", "")
        self.keys(project, _PROJECT, "project", "project")
        project_id = self.text(project, "id", "project")
        if not re.fullmatch(r"[a-z0-9]{4,12}", project_id):
            self.say("project", "id", "project.id must be 4 to 12 of a to z and 0 to 9; `pbisetup init` makes one")
        name = self.text(project, "name", "project")
        if problem := name_problem(name):
            self.say("project", "name", f"project.name: {problem}")
        cloud = str(project.get("cloud", "public"))
        self.choice("project", "cloud", cloud, (*clouds(), "sandbox"))
        defaults = self.table(data.get("defaults", {}), "defaults", "defaults")
        self.keys(defaults, _ENVIRONMENT, "defaults", "defaults")
        shared = {**({"tenant": project["tenant"]} if "tenant" in project else {}), **defaults}
        self.environment("", shared, "defaults", defaults)
        listed = self.table(data.get("environments", {}), "environments", "environments")
        if not listed:
            self.problems.append((0, f"{self.filename}: there is no [environments.NAME] table"))
        environments = {}
        for env, entry in listed.items():
            where = f"environments.{env}"
            if problem := environment_problem(env):
                self.say(where, "", problem)
            table = self.table(entry, where, where)
            self.keys(table, _ENVIRONMENT, where, where)
            environments[env] = self.environment(env, {**shared, **table}, where, table, defaults)
        self.adopted_once(environments)
        return Manifest(project_id=project_id, name=name, cloud=cloud, environments=environments)

    def adopted_once(self, environments: Mapping[str, Environment]) -> None:
        """An app has one unique name, so it can be taken over by one environment."""
        taken: dict[str, str] = {}
        for name, each in environments.items():
            if each.client_id is None:
                continue
            first = taken.setdefault(each.client_id.lower(), name)
            if first != name:
                where = f"environments.{name}"
                self.say(
                    where, "client_id", f"client_id: {first} takes over the same app; an app belongs to one environment"
                )

    def environment(
        self, name: str, data: dict[str, Any], where: str, own: dict[str, Any], defaults: Mapping[str, Any] = _NOTHING
    ) -> Environment:
        def at(key: str) -> str:
            """The table that a value comes from."""
            if key in own:
                return where
            return "project" if key == "tenant" and key not in defaults else "defaults"

        wanted = self.strings(data.get("purposes", ["automation"]), at("purposes"), "purposes")
        for purpose in wanted:
            self.choice(at("purposes"), "purposes", purpose, tuple(purposes()))
        if not wanted:
            self.say(at("purposes"), "purposes", 'purposes is empty; name at least one, such as "automation"')
        for problem in contradictions(wanted):
            self.say(at("purposes"), "purposes", f"purposes: {problem}")
        groups = self.table(data.get("groups", {}), "groups", at("groups"))
        self.keys(groups, group_kinds(), f"{at('groups')}.groups", "groups")
        for kind in ADMIN_GROUPS:
            shares = [other for other, named in groups.items() if other != kind and named == groups.get(kind)]
            if shares:
                why = f"whoever is in it reaches the whole tenant; name another than that of {shares[0]}"
                self.say(f"{at('groups')}.groups", kind, f"groups.{kind} is to be a group of its own: {why}")
        tenant = data.get("tenant")
        if tenant is not None and not (isinstance(tenant, str) and re.fullmatch(r"[A-Za-z0-9.-]+", tenant)):
            self.say(
                at("tenant"),
                "tenant",
                "tenant must be a tenant id or a domain such as contoso.onmicrosoft.com",
            )
            tenant = None
        makes: set[str] = set()
        workspaces = tuple(self.workspaces(data.get("workspaces", []), at("workspaces"), least_role(wanted), makes))
        return Environment(
            name=name,
            tenant=tenant,
            purposes=tuple(wanted),
            credential=self.credential(data.get("credential", {}), at("credential")),
            groups={key: self.name(value, f"groups.{key}", at("groups"), "groups") for key, value in groups.items()},
            workspaces=workspaces,
            makes=frozenset(makes),
            delegated=tuple(self.strings(data.get("delegated", []), at("delegated"), "delegated")),
            redirect_uris=tuple(self.redirects(data.get("redirect_uris", []), at("redirect_uris"))),
            client_id=self.guid(data.get("client_id"), at("client_id"), "client_id"),
            capacity=self.optional_name(data.get("capacity"), at("capacity"), "capacity"),
            profiles=self.flag(data.get("profiles", False), at("profiles"), "profiles"),
            consent=self.consent(data.get("consent", "all"), at("consent")),
        )

    def consent(self, value: Any, where: str) -> Consent:
        self.choice(where, "consent", str(value), get_args(Consent))
        return "person" if value == "person" else "all"

    def guid(self, value: Any, where: str, key: str) -> str | None:
        if value is None or (isinstance(value, str) and is_guid(value)):
            return value
        self.say(where, key, f"{key} must be a GUID such as 11111111-2222-3333-4444-555555555555, not {value!r}")
        return None

    def optional_name(self, value: Any, where: str, key: str) -> str | None:
        return None if value is None else self.name(value, key, where, key)

    def flag(self, value: Any, where: str, key: str) -> bool:
        if not isinstance(value, bool):
            self.say(where, key, f"{key} must be true or false")
        return value is True

    def redirects(self, value: Any, where: str) -> Iterable[str]:
        for uri in self.strings(value, where, "redirect_uris"):
            if problem := redirect_problem(uri):
                self.say(where, "redirect_uris", f"redirect_uris: {uri!r} {problem}")
            yield uri

    def credential(self, value: Any, where: str) -> CredentialSpec:
        return read_credential(self, value, where)

    def workspaces(self, value: Any, where: str, least: WorkspaceRole, makes: set[str]) -> Iterable[WorkspaceSpec]:
        """The workspaces; the names of those that are to be made are put into `makes`."""
        if not isinstance(value, list):
            self.say(
                where,
                "workspaces",
                'workspaces must be a list such as [{ name = "Reports", role = "Viewer" }]',
            )
            return
        seen: set[str] = set()
        for entry in value:
            table = self.table(entry, "workspaces", where)
            self.keys(table, _WORKSPACE, f"{where}.workspaces", "workspaces")
            name, id_ = table.get("name"), table.get("id")
            if bool(name) == bool(id_):
                self.say(where, "workspaces", "a workspace needs a name or an id, one of the two")
                continue
            if name:
                name = self.name(name, "a workspace's name", where, "workspaces")
                if not name:
                    continue
            if id_ and not is_guid(str(id_)):
                self.say(where, "workspaces", f"workspace id {id_!r} is no GUID; give its name with name =")
            create = self.flag(table.get("create", False), where, "workspaces")
            if create and id_:
                self.say(where, "workspaces", f"create = true makes a workspace by its name; {id_} is an id")
            if create and name:
                makes.add(name)
            role = str(table.get("role", least))
            if role not in WORKSPACE_ROLES:
                self.choice(where, "workspaces", role, WORKSPACE_ROLES)
                role = "Viewer"
            key = str(name or id_)
            if key in seen:
                self.say(where, "workspaces", f"workspace {key!r} is listed twice")
            seen.add(key)
            yield WorkspaceSpec(role=role, name=name, id=id_)  # type: ignore[arg-type]

    # -- helpers ------------------------------------------------------------------------------------------------

    def table(self, value: Any, key: str, where: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self.say(where, key, f"{key} must be a table")
        return {}

    def text(self, table: dict[str, Any], key: str, where: str) -> str:
        value = table.get(key)
        if isinstance(value, str):
            return value
        self.say(where, key, f"{where}.{key} is missing" if value is None else f"{where}.{key} must be text")
        return ""

    def name(self, value: Any, what: str, where: str, key: str) -> str:
        """A name from the tenant: any text that can be printed."""
        if isinstance(value, str) and value.strip() and value.isprintable():
            return value
        self.say(where, key, f"{what} must be text that can be printed, not {value!r}")
        return ""

    def strings(self, value: Any, where: str, key: str) -> list[str]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        self.say(where, key, f"{key} must be a list of texts")
        return []

    def keys(self, table: dict[str, Any], known: tuple[str, ...], where: str, label: str) -> None:
        for key in table:
            if key not in known:
                self.say(where, key, f"unknown key {key!r}{f' in {label}' if label else ''}{_nearest(key, known)}")

    def choice(self, where: str, key: str, value: str, known: tuple[str, ...]) -> None:
        if value not in known:
            self.say(where, key, f"{key}: {value!r} is not one of {', '.join(known)}{_nearest(value, known)}")

    def say(self, where: str, key: str, problem: str) -> None:
        line = self.line_of(where, key)
        self.problems.append((line or 0, f"{self.filename}{f':{line}' if line else ''}: {problem}"))

    def line_of(self, where: str, key: str) -> int | None:
        """The line of a key below a table's header: TOML readers keep no positions, so the text is searched."""
        found: int | None = None
        table = ""
        for number, line in enumerate(self.lines, 1):
            stripped = line.strip()
            if header := re.match(r"\[\[?\s*([^\]]+?)\s*\]\]?", stripped):
                table = ".".join(part.strip().strip("\"'") for part in header[1].split("."))
                if key and table == f"{where}.{key}".removeprefix("."):
                    return number
                if table == where or (not where and table.split(".")[0] == key):
                    found = found or number
            elif table == where and key and re.match(rf"[\"']?{re.escape(key)}[\"']?\s*[=.]", stripped):
                return number
        if found is None and where:
            # Written inside the table above it, such as `dev = { ... }` below [environments].
            parent, _, last = where.rpartition(".")
            return self.line_of(parent, last)
        return found


def _nearest(value: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(value, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
