"""What must be so at the end, whatever happened on the way: read from the tenant's state, the folder and the outputs."""

from __future__ import annotations

import json
import re
import stat
import tomllib
from collections.abc import Iterator
from typing import Any

from tests.killtest.held import PLACES, READERS, knows
from tests.killtest.keepers import PROGRAMS
from tests.killtest.scenes import ENVIRONMENT, MADE, SETTING, THERE, VAULT, foreign_credentials, vault_name
from tests.killtest.stage import Stage

SECRET = re.compile(r"[A-Za-z0-9]{3}8Q~[\w\-.~]{34}")
"""Every client secret that the sandbox makes looks so, also those that nobody holds any more."""
OTHER_THINGS = (
    "users",
    "directoryRoles",
    "appRoleAssignments",
    "oauth2PermissionGrants",
    "deletedItems",
    "capacities",
    "policies",
)


def judge(stage: Stage, kind: str, store: str, *, leaves_old: bool = False, may_fail: bool = False) -> list[str]:
    """Everything that is wrong, in words.

    `leaves_old`: what was replaced may be there until the next run. `may_fail`: a run may have ended with 1.
    """
    found = [f"output: {each}" for each in outputs(stage, may_fail=may_fail)]
    state = stage.tenant.state()
    for check in (_things, _foreign, _settings):
        found += check(stage, state)
    found += _credentials(stage, state, kind, store, leaves_old)
    found += _beside_ours(stage, state, store)
    found += _folder(stage, store)
    found += [f"leak: {each}" for each in leaks(stage, store)]
    if not found:
        found += _healthy(stage, store)
    return found


def things(state: dict[str, Any]) -> dict[str, list[Any]]:
    """What there is of ours."""
    apps = [a for a in state["applications"] if str(a.get("uniqueName", "")).startswith("pbisetup-")]
    principals = [s for s in state["servicePrincipals"] if s["appId"] in {a["appId"] for a in apps}]
    ids = {each["id"] for each in principals}
    roles: list[Any] = []
    for workspace in state["workspaces"]:
        if workspace["displayName"] in (THERE, MADE):
            roles += [workspace["displayName"] for r in workspace["roleAssignments"] if r["principal"]["id"] in ids]
    return {
        "apps": apps,
        "service principals": principals,
        "groups": [g for g in state["groups"] if str(g.get("uniqueName", "")).startswith("pbisetup-")],
        "memberships": [m for g in state["groups"] for m in g["members"] if m in ids],
        "owners": [each for app in apps for each in app.get("owners", [])],
        THERE: [w for w in state["workspaces"] if w["displayName"] == THERE],
        MADE: [w for w in state["workspaces"] if w["displayName"] == MADE],
        f"roles in {THERE}": [each for each in roles if each == THERE],
        f"roles in {MADE}": [each for each in roles if each == MADE],
    }


def _things(_stage: Stage, state: dict[str, Any]) -> list[str]:
    return [f"{len(each)} {name} instead of 1" for name, each in things(state).items() if len(each) != 1]


def _foreign(stage: Stage, state: dict[str, Any]) -> Iterator[str]:
    """What was there before, and is not ours to touch."""
    before = stage.before
    if foreign_credentials(state) != foreign_credentials(before):
        yield f"foreign credentials changed: {foreign_credentials(before)} -> {foreign_credentials(state)}"
    for name in OTHER_THINGS:
        if state.get(name) != before.get(name):
            yield f"{name} changed"
    mine = {app["appId"] for app in things(state)["apps"]}
    for name in ("applications", "groups", "servicePrincipals"):
        now = {each["id"]: each for each in state[name]}
        for each in before[name]:
            own = str(each.get("uniqueName", "")).startswith("pbisetup-") or each.get("appId") in mine
            if not own and now.get(each["id"]) != each:
                yield f"{name}: {each['displayName']!r}, which is not ours, changed"
    ids = {each["id"] for each in things(state)["service principals"]}
    rest = {w["id"]: _beside(w, ids) for w in state["workspaces"]}
    for each in (_beside(w, ids) for w in before["workspaces"]):
        found = rest.get(each["id"], {})
        differs = {key: (each.get(key), found.get(key)) for key in each if each[key] != found.get(key)}
        if differs:
            yield f"workspace {each['displayName']!r} changed beside our role: {differs}"
    extra = [w["displayName"] for w in state["workspaces"] if w["displayName"] not in (MADE, *_names(before))]
    if extra:
        yield f"more workspaces: {extra}"


def _names(state: dict[str, Any]) -> list[str]:
    return [each["displayName"] for each in state["workspaces"]]


def _beside(workspace: dict[str, Any], ids: set[str]) -> dict[str, Any]:
    """The workspace without roles of ours and what the sandbox notes for itself."""
    kept = [each for each in workspace["roleAssignments"] if each["principal"]["id"] not in ids]
    return {name: value for name, value in workspace.items() if name[0] != "_"} | {"roleAssignments": kept}


def _settings(stage: Stage, state: dict[str, Any]) -> Iterator[str]:
    """All as they were, and ours on, with our group beside those that it named."""
    now = {each["settingName"]: each for each in state["tenantSettings"]}
    group = next(iter(things(state)["groups"]), None)
    for before in stage.before["tenantSettings"]:
        expected = dict(before)
        after = dict(now.get(before["settingName"], {}))
        if before["settingName"] == SETTING and group is not None:
            named = [each["graphId"] for each in before.get("enabledSecurityGroups") or []]
            wanted = sorted({*named, group["id"]})
            if sorted(each["graphId"] for each in after.pop("enabledSecurityGroups", None) or []) != wanted:
                yield f"{SETTING} does not name exactly the groups {wanted}"
            expected.pop("enabledSecurityGroups", None)
            expected["enabled"] = True
        private = [name for name in {*expected, *after} if name.startswith("_")]
        for each in (expected, after):
            for name in private:
                each.pop(name, None)
        if expected != after:
            yield f"tenant setting {before['settingName']}: {expected} -> {after}"


def _credentials(stage: Stage, state: dict[str, Any], kind: str, store: str, leaves_old: bool) -> Iterator[str]:
    """The app has exactly those that the store knows, and the store's works."""
    apps = things(state)["apps"]
    if not apps:
        return
    known = knows(stage, kind, store, apps[0])
    theirs = foreign_credentials(state)
    for name, id_ in (
        ("passwordCredentials", "keyId"),
        ("keyCredentials", "keyId"),
        ("federatedIdentityCredentials", "id"),
    ):
        there = {each[id_] for each in apps[0].get(name) or []} - {each[id_] for each in theirs[name]}
        wanted = known.ids(leaves_old) if name == PLACES[kind] else set()
        if orphaned := there - wanted:
            yield f"orphaned {name}: {sorted(orphaned)}; the store knows {sorted(wanted)}"
        if lost := known.current - there if name == PLACES[kind] else set():
            yield f"lost {name}: the store knows {sorted(lost)}, the app does not"
    if known.works is None:
        yield "the store holds no credential"
        return
    if said := known.works(apps[0]["appId"]):
        yield f"the stored credential does not work: {said}"
    if not known.named and store != "stdout":
        yield "the store does not say which credential it holds"
    if known.held != known.current:
        yield f"the store says that it holds {sorted(known.current)}, and it is {sorted(known.held)}"


def _beside_ours(stage: Stage, state: dict[str, Any], store: str) -> Iterator[str]:
    """What is kept in the same places, and what lies beside ours in the vault."""
    if (now := stage.keepers.beside(store)) != stage.elsewhere:
        yield f"what others keep in the store changed: {stage.elsewhere} -> {now}"
    then, now = ({**each["vaults"][VAULT]} for each in (stage.before, state))
    for each in (then, now):
        for kind in ("secrets", "certificates"):
            each[kind] = {k: v for k, v in each[kind].items() if not (store == "key-vault" and vault_name(k))}
    if then != now:
        yield f"what others keep in the vault changed: {then} -> {now}"


def works(stage: Stage, kind: str, store: str) -> Iterator[str]:
    """What is wrong with what the store holds at this moment."""
    apps = things(stage.tenant.state())["apps"]
    known = knows(stage, kind, store, apps[0])
    if known.works is None:
        yield "the store holds no credential"
    elif not known.held:
        yield "what the store holds is none of the app's credentials"
    elif said := known.works(apps[0]["appId"]):
        yield f"the stored credential does not work: {said}"


def replaced(stage: Stage, kind: str, store: str) -> bool:
    """Whether the store holds another credential than any that was there before."""
    id_ = "id" if kind == "federated" else "keyId"
    before = {each[id_] for each in things(stage.before)["apps"][0].get(PLACES[kind]) or []}
    current = knows(stage, kind, store, things(stage.tenant.state())["apps"][0]).current
    return bool(current) and not current & before


def _folder(stage: Stage, store: str) -> Iterator[str]:
    expected = {"pbisetup.toml", f".env.{ENVIRONMENT}" if store == "env-file" else "pbisetup.toml"}
    for path in sorted(stage.folder.iterdir()):
        certificate = re.fullmatch(rf"\.env\.{ENVIRONMENT}\.[0-9a-f]{{12}}\.pem", path.name)
        if path.name not in expected and not (certificate and store == "env-file"):
            yield f"{path.name} was left in the folder"
        if path.name != "pbisetup.toml" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield f"others may read {path.name}: {stat.filemode(path.stat().st_mode)}"
    manifest = stage.folder / "pbisetup.toml"
    if not manifest.exists():
        yield "there is no manifest"
        return
    text = manifest.read_text(encoding="utf-8")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield f"the manifest does not parse: {error}"
    if stage.text and text != stage.text:
        yield f"the manifest was changed:\n{text}"


def outputs(stage: Stage, *, may_fail: bool = False) -> Iterator[str]:
    """What no run may print, however it ends; `may_fail`: or end with 1 for a good reason."""
    for run in stage.runs:
        said = run.out + run.err
        command = f"`pbisetup {run.argv[0]}`"
        if "Traceback (most recent call last)" in said or "Exception ignored" in said:
            yield f"{command} printed a traceback:\n{said[-3000:]}"
        if "PBI999" in said:
            yield f"{command} failed in a way it should not:\n{said[-3000:]}"
        if run.code not in (0, -9) and not re.search(r"PBI\d{3}", said):
            yield f"{command} ended with {run.code} and no code:\n{said[-3000:]}"
        if run.code in (1, 130) and run.argv[0] != "doctor" and not may_fail:
            yield f"{command} ended with {run.code}:\n{said[-3000:]}"


def leaks(stage: Stage, store: str) -> Iterator[str]:
    """Where a secret stands that belongs in the store only."""
    texts = {f"stderr of `{run.argv[0]}`": run.err for run in stage.runs}
    texts |= {f"stdout of `{run.argv[0]}`": run.out for run in stage.runs if store != "stdout"}
    for path in (*stage.folder.rglob("*"), *stage.home.rglob("*")):
        if path.is_file() and path != stage.folder / f".env.{ENVIRONMENT}":
            texts[str(path.name)] = path.read_text(encoding="utf-8", errors="replace")
    texts |= stage.keepers.texts()
    for where, text in texts.items():
        if SECRET.search(text) or any(each in text for each in stage.secrets):
            yield f"{where} holds a secret"
        if "PRIVATE KEY" in text and not where.endswith(".pem"):
            yield f"{where} holds a private key"


def _healthy(stage: Stage, store: str) -> Iterator[str]:
    # What cannot be read back is in a job's variables.
    env = READERS[store](stage).env(stage) if store in ("stdout", *PROGRAMS) else {}
    run = stage.run("doctor", *([] if env else [ENVIRONMENT]), "--format", "json", env=env)
    try:
        healthy = json.loads(run.out)["healthy"] is True
    except (ValueError, KeyError):
        healthy = False
    if run.code != 0 or not healthy:
        yield f"doctor is not content:\n{run}"
