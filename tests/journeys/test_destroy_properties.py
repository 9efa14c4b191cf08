"""Whatever else is in the tenant: `apply`, then `destroy`, and all that was not ours is byte for byte as it was before.

A longer run, with other tenants each time: `PBISETUP_TENANTS=60 python -m pytest tests/journeys/test_destroy_properties.py`.
"""

from __future__ import annotations

import copy
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant, State

EXAMPLES: Final = int(os.environ.get("PBISETUP_TENANTS") or 0)
NAME, ID = "reports", "abc234"
SETTINGS: Final = ("ServicePrincipalAccessPermissionAPIs", "AllowServicePrincipalsUseReadAdminAPIs", "Embedding")
MANIFEST = f"""
[project]
id = "{ID}"
name = "{NAME}"
cloud = "sandbox"

[environments.dev]
workspaces = [{{ name = "Reports Dev", role = "Viewer" }}, {{ name = "Reports Test", role = "Contributor" }}]
"""

VOLATILE: Final = {
    "signIns": "every sign-in is one more line in the tenant's log",
    "activityEvents": "so is every call of an API",
    "clock": "the tenant's time goes on",
    "rates": "how often each API was asked, for its limits",
    "quota": "what was purged counts against the directory's room for a while",
}
"""Sections of the state that a run changes by looking, and why."""


# -- what else may be in a tenant ----------------------------------------------------------------------------------


class Maker:
    """Puts things into a tenant that are somebody else's. Ids follow from the order, so that an example can be repeated."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.count = 0

    def id(self) -> str:
        self.count += 1
        return str(uuid.UUID(int=(0xB0 << 120) | (4 << 76) | (8 << 60) | self.count))

    def app(self, name: str, *tags: str, unique_name: str | None = None, secrets: int = 1) -> str:
        """An app with its service principal; the id of that."""
        like = self.state["applications"][0]
        held = like["passwordCredentials"][0]
        passwords = [{**held, "keyId": self.id(), "displayName": f"pbisetup {ID}/dev {n}"} for n in range(secrets)]
        app = {
            **copy.deepcopy(like),
            "id": self.id(),
            "appId": self.id(),
            "displayName": name,
            "uniqueName": unique_name,
            "tags": list(tags),
            "passwordCredentials": passwords,
            "keyCredentials": [],
            "requiredResourceAccess": [],
            "owners": [self.state["users"][2]["id"]],
        }
        like = next(s for s in self.state["servicePrincipals"] if s["appId"] == like["appId"])
        own = {"id": self.id(), "appId": app["appId"], "displayName": name, "servicePrincipalNames": [app["appId"]]}
        self.state["applications"].append(app)
        self.state["servicePrincipals"].append({**copy.deepcopy(like), **own})
        return str(own["id"])

    def group(self, name: str, members: list[str], unique_name: str | None = None) -> str:
        nickname = f"group{self.count}"
        made = {
            "id": self.id(),
            "displayName": name,
            "uniqueName": unique_name,
            "mailNickname": nickname,
            "mailEnabled": False,
            "securityEnabled": True,
            "groupTypes": [],
            "members": members,
            "owners": [],
        }
        self.state["groups"].append(made)
        return str(made["id"])

    def role(self, workspace: str, principal: str, type_: str, role: str) -> None:
        found = next(w for w in self.state["workspaces"] if w["displayName"] == workspace)
        if all(row["principal"]["id"] != principal for row in found["roleAssignments"]):
            row = {"id": principal, "principal": {"id": principal, "type": type_}, "role": role}
            found["roleAssignments"].append(row)


def another_project(make: Maker) -> None:
    """A project of the same name, by another team: same display names, its own unique names, tags and group."""
    other = make.app(f"{NAME}-dev", "pbisetup", "pbisetup:zzz999/dev", unique_name="pbisetup-zzz999-dev")
    make.group("pbi-service-principals-2", [other], "pbisetup-zzz999-api")
    make.role("Reports Dev", other, "ServicePrincipal", "Member")


def a_sibling(make: Maker) -> None:
    """Another environment of this project, made from another clone."""
    other = make.app(f"{NAME}-prod", "pbisetup", f"pbisetup:{ID}/prod", unique_name=f"pbisetup-{ID}-prod")
    make.role("Reports Test", other, "ServicePrincipal", "Viewer")


def a_namesake(make: Maker) -> None:
    """An app that somebody registered by hand under the name that ours will have."""
    make.app(f"{NAME}-dev", "HideApp", secrets=2)


def a_group_of_our_name(make: Maker) -> None:
    """The group that the setting would be limited to is there already, with others in it."""
    make.group("pbi-service-principals", [make.app("Night job"), make.state["users"][2]["id"]])


def a_group_in_the_settings(make: Maker) -> None:
    """The settings are on, limited to a group of somebody else's."""
    group = make.group("Reports \u202eteam", [make.app("Importer")])
    for setting in make.state["tenantSettings"]:
        if setting["settingName"] in SETTINGS:
            setting["enabled"] = True
            setting["enabledSecurityGroups"] = [{"graphId": group, "name": "Reports team"}]


def an_excluded_group(make: Maker) -> None:
    group = make.group("Contractors", [])
    for setting in make.state["tenantSettings"]:
        if setting["settingName"] in SETTINGS:
            setting["excludedSecurityGroups"] = [{"graphId": group, "name": "Contractors"}]


def open_settings(make: Maker) -> None:
    for setting in make.state["tenantSettings"]:
        if setting["settingName"] in SETTINGS:
            setting["enabled"], setting["enabledSecurityGroups"] = True, []


def nested_groups(make: Maker) -> None:
    make.group("All programs", [make.group("Programs", [make.app("Loader")])])


def roles_of_others(make: Maker) -> None:
    for workspace in ("Reports Dev", "Reports Test", "Reports Prod"):
        make.role(workspace, make.app(f"Reader of {workspace}"), "ServicePrincipal", "Viewer")
    make.role("Reports Test", make.group("Testers", []), "Group", "Member")


def something_deleted(make: Maker) -> None:
    """An app of somebody else's in the deleted items."""
    make.app("Old job")
    for name, kind in (("applications", "application"), ("servicePrincipals", "servicePrincipal")):
        item = make.state[name].pop()
        when = "2026-11-01T00:00:00Z"
        entry = {"id": item["id"], "kind": kind, "deletedDateTime": when, "object": {**item, "deletedDateTime": when}}
        make.state["deletedItems"].append(entry)


PIECES: Final[tuple[Callable[[Maker], None], ...]] = (
    another_project, a_sibling, a_namesake, a_group_of_our_name, a_group_in_the_settings, an_excluded_group, open_settings,
    nested_groups, roles_of_others, something_deleted,
)  # fmt: skip


# -- what must be so afterwards ------------------------------------------------------------------------------------


class Ours:
    """The ids of what `apply` made."""

    def __init__(self, before: State, applied: State) -> None:
        def new(name: str) -> list[dict[str, Any]]:
            known = {each["id"] for each in before[name]}
            return [each for each in applied[name] if each["id"] not in known]

        apps = new("applications")
        assert [a["uniqueName"] for a in apps] == [f"pbisetup-{ID}-dev"]
        self.app, self.client_id = apps[0]["id"], apps[0]["appId"]
        self.principals = {each["id"] for each in new("servicePrincipals")}
        self.groups = {each["id"]: each for each in new("groups")}
        assert all(g["uniqueName"] == f"pbisetup-{ID}-api" for g in self.groups.values())


def without_ours(state: State, ours: Ours) -> State:
    """The tenant as it is, less the log lines and what `destroy` tells that it leaves: the deleted app for 30 days, and a
    group of ours for as long as a setting names it.
    """
    left = {name: copy.deepcopy(section) for name, section in state.items() if name not in VOLATILE}
    for workspace in left["workspaces"]:
        workspace.pop("_modified", None)  # when a role in it last changed, for the scanner
    left["deletedItems"] = [e for e in left["deletedItems"] if e["id"] not in {ours.app, *ours.principals}]
    left["groups"] = [group for group in left["groups"] if group["id"] not in ours.groups]
    return left


def settings_explained(before: State, after: State, ours: Ours) -> State:
    """The state with each tenant setting as it was, where all that `apply` did to it was to let one group in: ours, or one
    of the same name that was there before. `destroy` tells of it and leaves it.
    """
    let_in = {*ours.groups, *(g["id"] for g in before["groups"] if g["displayName"] == "pbi-service-principals")}
    known = {each["settingName"]: each for each in before["tenantSettings"]}
    for setting in after["tenantSettings"]:
        was = known[setting["settingName"]]
        held = was.get("enabledSecurityGroups") or []
        added = [group for group in setting.get("enabledSecurityGroups") or [] if group not in held]
        if added and {group["graphId"] for group in added} <= let_in:
            assert [group for group in setting["enabledSecurityGroups"] if group in held] == held
            setting["enabled"] = was["enabled"]
            del setting["enabledSecurityGroups"]
            setting |= {key: was[key] for key in ("enabledSecurityGroups",) if key in was}
    return after


def told(name: str, text: Any) -> str:
    return f"{name}: {json.dumps(text, indent=1, sort_keys=True)}"


@settings(
    max_examples=EXAMPLES or 5,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(st.sets(st.sampled_from(PIECES), min_size=3), st.sampled_from(["admin", "admin", "developer"]), st.booleans())
def test_all_that_was_not_ours_is_as_it_was(
    sandbox: SandboxTenant,
    tmp_path_factory: Any,
    pieces: set[Callable[[Maker], None]],
    operator: str,
    purge: bool,
) -> None:
    sandbox.reset()
    state = sandbox.state()
    maker = Maker(state)
    for piece in PIECES:
        if piece in pieces:
            piece(maker)
    state["auto_approve"] = operator
    sandbox.put_state(state)
    before = sandbox.state()
    folder: Path = tmp_path_factory.mktemp("project")
    cli = Cli(folder, sandbox.env())
    (folder / "pbisetup.toml").write_text(MANIFEST, encoding="utf-8")
    story = f"{operator}, purge {purge}: {', '.join(sorted(piece.__name__ for piece in pieces))}"

    applied = cli("apply", "--yes", "--wait", "0")
    assert applied.code in (0, 1, 5), f"{story}\n{applied}"
    ours = Ours(before, sandbox.state())
    done = cli("destroy", "dev", "--yes", *(("--purge",) if purge else ()))
    assert done.code in (0, 5), f"{story}\n{done}"

    after = sandbox.state()
    text = json.dumps({name: after[name] for name in after if name not in (*VOLATILE, "deletedItems")})
    if done.code == 0:
        assert not any(id_ in text for id_ in (ours.app, ours.client_id, *ours.principals)), f"{story}\n{done}"
    left, wanted = settings_explained(before, without_ours(after, ours), ours), without_ours(before, ours)
    for name in {*left, *wanted}:
        # A section that is empty may not be there at all.
        assert told(name, left.get(name) or None) == told(name, wanted.get(name) or None), f"{story}\n{done}"
    for group in after["groups"]:
        if group["id"] in ours.groups:
            assert group["members"] == [], f"{story}\n{done}"
            assert f"Security group '{group['displayName']}'" in done.err
    assert not (folder / ".env.dev").exists()
    again = cli("destroy", "dev", "--yes")
    assert again.code == (1 if purge and a_namesake in pieces else 0), f"{story}\n{again}"
