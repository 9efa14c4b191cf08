"""Commands and resources that stand for a request: a PowerShell cmdlet, a Terraform resource, a notebook's function."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pbisetup.catalog.operations import by_id
from pbisetup.catalog.pasted import known_commands
from pbisetup.diagnosis.paste.requests import PastedRequest, Service, request

# A cmdlet as it was typed; before a colon it is only the name that PowerShell puts before a message.
_CMDLET = re.compile(
    r"\b(?P<name>(?:Get|New|Add|Set|Remove|Restore|Export|Invoke|Copy|Update)-PowerBI\w+)(?!\w)"
    r"(?!\s*:\s)(?P<arguments>[^\n|;]{0,300})",
    re.IGNORECASE,
)
# The .NET SDK names methods after operations: GroupsOperations.GetGroupsWithHttpMessagesAsync is Groups_GetGroups.
_METHOD_OF_SDK = re.compile(r"\b(?P<tag>[A-Z][A-Za-z]+?)(?:Operations(?:Extensions)?)?\.<?(?P<method>[A-Z]\w+?)Async\b")
_ORGANIZATION = re.compile(r"-Scope\s+['\"]?Organi[sz]ation", re.IGNORECASE)
_WORKSPACE = re.compile(r"-(?:Workspace|WorkspaceId|GroupId|Id)\b", re.IGNORECASE)
_MOST: Final = 200
_PLACES: Final = ("own", "workspace", "organization")


def command_requests(text: str) -> Iterator[PastedRequest]:
    """The requests that commands in the text stand for (source: what the tools' documentation says they call)."""
    for match in _CMDLET.finditer(text):
        arguments = match["arguments"]
        place = 2 if _ORGANIZATION.search(arguments) else 1 if _WORKSPACE.search(arguments) else 0
        for command in known_commands():
            if command.place in (_PLACES[place], "any") and command.pattern.fullmatch(match["name"]):
                yield _request(command.method, command.path, match.start())
    for command in known_commands():
        if command.place == "text" and (found := command.pattern.search(text)) is not None:
            yield _request(command.method, command.path, found.start())
    yield from _of_sdk(text)


def _of_sdk(text: str) -> Iterator[PastedRequest]:
    seen: set[str] = set()
    for match in _METHOD_OF_SDK.finditer(text):
        name = f"{match['tag']}_{match['method'].removesuffix('WithHttpMessages')}"
        if name in seen or len(seen) > _MOST:
            continue
        seen.add(name)
        operation = by_id("powerbi").get(name)
        if operation is not None:
            yield request("powerbi", operation.method, operation.path, match.start())


def _request(method: str, path: str, position: int) -> PastedRequest:
    service: Service = "powerbi" if path.startswith("/v1.0/") else "fabric"
    return request(service, method, path, position)
