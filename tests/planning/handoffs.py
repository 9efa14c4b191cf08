"""What the tests of the hand-off share: packets in which every name is hostile, and a bash that tells what az was asked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pbisetup.catalog.clouds import clouds
from pbisetup.model.cloud import Cloud
from pbisetup.model.manifest import Environment, Manifest, WorkspaceSpec
from pbisetup.model.plan import Action, Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.planning.handoff import Handoff, Task, hand_off
from pbisetup.planning.planner import plan_environment
from pbisetup.ui.handoff import Packet
from tests.planning import world
from tests.planning.world import ABSENT, UNKNOWN, automation, nothing

PUBLIC = clouds()["public"]
ANSWER = "abcdef12-3456-7890-abcd-ef1234567890"
HOSTILE = {
    "double quotes": 'a"; echo broken; "',
    "single quotes": "O'Brien's '; echo broken; '",
    "dollar": "$HOME $(echo broken) ${PATH} $CLIENT_ID",
    "backticks": "`echo broken`",
    "backslashes": "a\\ \\\\ \\n\\",
    "history": "Sales !! !1",
    "line breaks": "a\nb\r\necho broken",
    "placeholder": "{client_id} {group_id} {home}",
    "exactly a placeholder": "{group_id}",
    "marks of our own": "\ue000HOME\ue001",
    "other scripts": "Отчёты 報告 📊 é",
    "turned around": "\u202e)neelc( ohce\u202c",
    "typographic quotes": "\u2018; echo broken; \u2019 \u201c$(echo broken)\u201d",
    "powershell": "'; Write-Host broken; $($env:PATH) `n @{a=1} #>",
    "a question to az": "`\"x\"` || 'x' ]} | [0] @",
    "markup": "<b>&amp;#?%20+</b>",
    "template": "{{ 7 * 7 }} {% raw %} {#",
    "options": "--method delete",
    "file": "@secrets.txt",
    "comment": "a # b ; c | d > e & f",
}


def handed(
    snapshot: Snapshot, environment: Environment, manifest: Manifest = world.MANIFEST, cloud: Cloud = PUBLIC
) -> Handoff:
    return hand_off(manifest, plan_environment(manifest, environment, snapshot, world.NOW), cloud, snapshot)


def asked_for_everything(name: str, cloud: Cloud = PUBLIC) -> Handoff:
    """A developer who may do nothing, where everything bears this name."""
    spec = WorkspaceSpec("Member", name=name)
    environment = automation(
        purposes=("automation", "user-sign-in"), groups={"api": name}, workspaces=(spec,), redirect_uris=(name,)
    )
    seen = nothing(
        operator=world.DEVELOPER,
        settings=UNKNOWN,
        may_create_apps=False,
        groups={name: ABSENT},
        workspaces={name: ABSENT},
    )
    return handed(seen, environment, Manifest("k7f3q2", name, "public", {}), cloud)


def one(kind: str, params: dict[str, Any], cloud: Cloud = PUBLIC, **changes: Any) -> Handoff:
    """A hand-off of a single action."""
    step = Step("x", "change", "title", "why", Action(kind, params), ("app owner",), allowed=False)
    return hand_off(world.MANIFEST, Plan("dev", (step,), {"tenant_id": world.TENANT.id}), cloud, **changes)


def packet(*handed: Handoff, cloud: Cloud = PUBLIC) -> Packet:
    return Packet("contoso-reports", world.TENANT, world.DEVELOPER, cloud, handed)


def plain(name: str) -> str:
    """A name without the marks that no script lets through."""
    return re.sub("[\ue000\ue001]", "", name)


def tasks(done: Handoff) -> list[Task]:
    return list(done.order)


def az_calls(commands: tuple[str, ...], **given_ids: str) -> list[list[str]]:
    """The argument lists that a fake `az` gets when bash runs these commands. Each answers with the same id."""
    script = "set -u\naz() { printf '%s\\0' \"$@\" $'\\x1e' >&3; echo " + ANSWER + "; }\n" + "\n".join(commands) + "\n"
    run = bash("-c", f"exec 3>&1 1>/dev/null\n{script}", HOME="/home/broken", PATH="/broken", **given_ids)
    assert (run.returncode, run.stderr) == (0, b"")
    return recorded(run.stdout)


def bash(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("bash")
    assert program is not None
    return subprocess.run([program, *arguments], env=environment, capture_output=True, check=False)


def recorded(log: bytes) -> list[list[str]]:
    """Calls out of words that end with NUL, each call with a record separator."""
    calls: list[list[str]] = [[]]
    for word in log.decode().split("\0")[:-1]:
        if word == "\x1e":
            calls.append([])
        else:
            calls[-1].append(word)
    return calls[:-1]


AZ = r"""#!/usr/bin/env bash
# Remembers what it was asked; knows the tenant, says that there is nothing to read, or answers reads with an id.
printf '%s\0' "$@" $'\x1e' >>"$AZ_LOG"
case "$*" in
  account*) printf '%s\n' "$AZ_TENANT" ;;
  *'--method get'*)
    if [ -n "$AZ_EMPTY" ]; then echo 'ERROR: Not Found({"error": {}})' >&2; exit 1; fi
    printf '%s\n' "$AZ_ANSWER"
    ;;
esac
"""


def run_script(text: str, folder: Path, *arguments: str, empty: bool) -> tuple[list[list[str]], str]:
    """Run a whole script with a fake az, which finds nothing where it is `empty`; its calls, and what was printed."""
    folder.mkdir(exist_ok=True)
    script, log = folder / "handoff.sh", folder / "log"
    script.write_text(text, encoding="utf-8")
    log.write_bytes(b"")
    for name, content in {"az": AZ, "sleep": "#!/bin/sh\n"}.items():
        stub = folder / name
        stub.write_text(content, encoding="utf-8")
        stub.chmod(0o755)
    assert bash("-n", str(script)).stderr == b""
    run = bash(
        str(script),
        *arguments,
        PATH=f"{folder}:/usr/bin:/bin",
        HOME="/home/broken",
        LC_ALL="C.UTF-8",
        AZ_LOG=str(log),
        AZ_TENANT=world.TENANT.id,
        AZ_EMPTY="1" if empty else "",
        AZ_ANSWER=ANSWER,
    )
    assert run.stderr == b"", run.stderr
    return recorded(log.read_bytes()), run.stdout.decode()


def option(call: list[str], name: str) -> str:
    return call[call.index(name) + 1]


def bodies(calls: list[list[str]]) -> list[Any]:
    sent = [option(call, "--body") for call in calls if "--body" in call]
    return [json.loads(each) for each in sent if each != ANSWER]


def section_calls(done: Handoff) -> list[list[str]]:
    """Each section in a shell of its own: whatever it needs it must look up itself."""
    return [
        call
        for section in done.sections
        for call in az_calls((*section.lookups, *(c for task in section.tasks for c in task.commands)))
    ]
