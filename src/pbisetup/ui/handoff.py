"""A hand-off in the forms in which it is sent: Markdown for a ticket, scripts for a shell, JSON for a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pbisetup.model.cloud import Cloud
from pbisetup.model.plan import Who
from pbisetup.model.tenant import Operator, TenantInfo
from pbisetup.planning.handoff import Handoff, Task
from pbisetup.planning.handoff.az import Az
from pbisetup.planning.handoff.bash import Bash
from pbisetup.planning.handoff.operations import Assign, makes
from pbisetup.planning.handoff.powershell import (
    AZ_ENVIRONMENTS,
    GRAPH_ENVIRONMENTS,
    POWERBI_ENVIRONMENTS,
    PowerShell,
    scopes,
)
from pbisetup.ui.handoff_words import standing_json
from pbisetup.ui.templates import render


@dataclass(frozen=True)
class Packet:
    """What is missing in one tenant, and who asks."""

    name: str
    """Of the project."""
    tenant: TenantInfo
    operator: Operator
    cloud: Cloud
    handed: tuple[Handoff, ...]
    flags: tuple[str, ...] = ()
    """What made this hand-off what it is, such as `--certificate FILE`: looking again takes the same."""

    @property
    def asks(self) -> bool:
        """Whether anybody is asked for anything."""
        return any(each.sections for each in self.handed)

    @property
    def asking(self) -> tuple[Handoff, ...]:
        """The environments in which something is missing."""
        return tuple(each for each in self.handed if each.sections)

    @property
    def roles(self) -> tuple[Who, ...]:
        return tuple(dict.fromkeys(role for each in self.handed for role in each.roles))


def markdown(packet: Packet) -> str:
    """For a ticket: each role apart, each task with its reason, the place in the portal and commands to paste."""
    return "\n".join(_ticket(packet, handed) for handed in packet.asking)


def _ticket(packet: Packet, handed: Handoff) -> str:
    outputs = {"client_id": "", "app_object_id": "", "sp_object_id": "", **handed.outputs}
    values = {"environment": handed.environment, "outputs": outputs, "handed": handed, "flags": packet.flags}
    return render("handoff.md.j2", **_common(packet), **values)


def bash(packet: Packet) -> str:
    """One script of `az rest` calls that reads before it changes, for everybody together or role by role."""
    writer = Bash(Az(packet.cloud))
    return render("handoff.sh.j2", **_common(packet), **_script(packet, writer), variables=_variables(packet.handed))


def powershell(packet: Packet) -> str:
    """The same for the Microsoft Graph PowerShell SDK."""
    meant, cloud = packet.cloud.meant, packet.cloud
    environments_of = {
        "graph": GRAPH_ENVIRONMENTS.get(meant, "Global"),
        "az": AZ_ENVIRONMENTS.get(meant, "AzureCloud"),
        "powerbi": POWERBI_ENVIRONMENTS.get(meant, "Public"),
    }
    resources = {"powerbi": cloud.powerbi_resource, "fabric": cloud.fabric_resource}
    script = _script(packet, PowerShell(Az(cloud)))
    return render("handoff.ps1.j2", **_common(packet), **script, environments_of=environments_of, resources=resources)


WRITERS: Final[Mapping[str, Callable[[Packet], str]]] = {
    "markdown": markdown,
    "bash": bash,
    "powershell": powershell,
}
"""By the name of a form."""


def handoff_json(packets: Sequence[Packet]) -> dict[str, Any]:
    """All of it for a program. One environment's stands at the top, too."""
    shown = [_environment(packet, handed) for packet in packets for handed in packet.handed]
    whole = {"schema": "pbisetup/handoff/v1", "environments": shown}
    return {**whole, **shown[0]} if len(shown) == 1 else whole


def _environment(packet: Packet, handed: Handoff) -> dict[str, Any]:
    return {
        "environment": handed.environment,
        "tenant": packet.tenant.id,
        "sections": [
            {"who": list(s.who), "lookups": list(s.lookups), "tasks": [task_json(t) for t in s.tasks]}
            for s in handed.sections
        ],
        "yours": [{"id": step.id, "title": step.title} for step in handed.yours],
        **standing_json(handed),
    }


def task_json(task: Task) -> dict[str, Any]:
    """One task, its action included, so that another program can do it."""
    return {
        "id": task.id,
        "title": task.title,
        "why": task.why,
        "note": task.note,
        "warning": task.warning,
        "after": list(task.after),
        "commands": list(task.commands),
        "action": {"kind": task.kind, **task.params},
        "portal": asdict(task.portal) if task.portal else None,
        "consent": asdict(task.consent) if task.consent else None,
    }


def _common(packet: Packet) -> dict[str, Any]:
    login = f"az login --tenant {packet.tenant.id} --allow-no-subscriptions"
    cloud = AZ_ENVIRONMENTS.get(packet.cloud.meant) if packet.cloud.name != "sandbox" else None
    return {
        "name": packet.name,
        "tenant": packet.tenant,
        "operator": packet.operator,
        "roles": packet.roles,
        "login": f"az cloud set --name {cloud} && {login}" if cloud else login,
    }


def _script(packet: Packet, writer: Bash | PowerShell) -> dict[str, Any]:
    number = 0
    environments = []
    for handed in packet.asking:
        tasks = []
        for task in handed.order:
            number += 1
            tasks.append(_scripted(number, task, handed, writer))
        environments.append(
            {
                "name": handed.environment,
                "finders": writer.finders(handed),
                "variables": _variables([handed]),
                "tasks": tasks,
            }
        )
    return {"environments": environments}


def _scripted(number: int, task: Task, handed: Handoff, writer: Bash | PowerShell) -> dict[str, Any]:
    place = f" {task.portal.url} ({task.portal.steps})" if task.portal else ""
    return {
        "number": number,
        "title": task.title,
        "why": task.why,
        "warning": task.warning,
        "roles": [role.replace(" ", "-") for role in task.who],
        "lines": writer.lines(task) if task.operations else [],
        "scopes": scopes(task, handed),
        "by_hand": f"{task.note}{place}".strip(),
    }


def _variables(handed: Sequence[Handoff]) -> list[str]:
    names: dict[str, None] = {}
    for each in handed:
        for task in each.order:
            names |= dict.fromkeys(task.needs)
            names |= dict.fromkeys(name for operation in task.operations for name in makes(operation))
            if any(isinstance(operation, Assign) for operation in task.operations):
                names["ROLE_ID"] = None
        names |= dict.fromkeys(each.finders)
    return sorted(names)
