"""Operations as calls of the functions in `handoff.ps1.j2`, each of which reads before it changes.

Every text of the tenant is a single-quoted literal in ASCII, in which PowerShell expands nothing; what is not printable
ASCII is spelled as a character code, so that the file means the same in whatever encoding it arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pbisetup.model.tenant import WORKSPACE_ROLES
from pbisetup.planning.handoff.az import GRANTS, NEW_WORKSPACE, SETTINGS, Az, assignment, grant, role, selected, users
from pbisetup.planning.handoff.model import Handoff, Task
from pbisetup.planning.handoff.operations import (
    AddKey,
    AdmitGroup,
    Assign,
    Find,
    Grant,
    Listed,
    Make,
    MakeWorkspace,
    Merge,
    Operation,
    Place,
    Role,
    Send,
)
from pbisetup.planning.handoff.text import VARIABLE, segment, shown, variable, variables

GRAPH_ENVIRONMENTS: Final = {
    "public": "Global",
    "gcc": "Global",
    "gcchigh": "USGov",
    "dod": "USGovDoD",
    "china": "China",
}
"""What `Connect-MgGraph -Environment` calls a cloud (graph-powershell docs)."""
AZ_ENVIRONMENTS: Final = {"gcchigh": "AzureUSGovernment", "dod": "AzureUSGovernment", "china": "AzureChinaCloud"}
"""What `Connect-AzAccount -Environment` and `az cloud set --name` call a cloud; every other one is AzureCloud."""
POWERBI_ENVIRONMENTS: Final = {
    "public": "Public",
    "gcc": "USGov",
    "gcchigh": "USGovHigh",
    "dod": "USGovMil",
    "china": "China",
}
"""What `Connect-PowerBIServiceAccount -Environment` calls a cloud (powerbi-powershell docs)."""

_APPS: Final = ("Application.ReadWrite.All",)
_MEMBERS: Final = ("GroupMember.ReadWrite.All", "Application.Read.All")
_SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "grant_delegated": ("DelegatedPermissionGrant.ReadWrite.All", "Application.Read.All"),
    "grant_app_role": ("AppRoleAssignment.ReadWrite.All", "Application.Read.All"),
    "revoke_app_role": ("AppRoleAssignment.ReadWrite.All", "Application.Read.All"),
    "assign_user": ("AppRoleAssignment.ReadWrite.All", "Application.Read.All"),
    "create_group": ("Group.ReadWrite.All",),
    "add_group_member": _MEMBERS,
    "remove_from_excluded_group": _MEMBERS,
}
"""Kind of action -> delegated Graph permissions that its requests take at least (entra.md 2.1); others change apps."""
_LOOKING_UP: Final = {"GROUP": "Group.Read.All", "": "Application.Read.All"}


def scopes(task: Task, handed: Handoff) -> list[str]:
    """The Graph permissions that a task takes; none where it is all Power BI."""
    asked = [each for each in map(_place, task.operations) if each is not None and each.service == "graph"]
    found = list(_SCOPES.get(task.kind, _APPS)) if asked or _touches_graph(task) else []
    for name in task.needs:
        if handed.finders[name].at.service == "graph":
            found.append(_LOOKING_UP["GROUP" if name.endswith("GROUP_ID") else ""])
    return list(dict.fromkeys(found))


def _place(operation: Operation) -> Place | None:
    found = getattr(operation, "at", None)
    return found if isinstance(found, Place) else None


def _touches_graph(task: Task) -> bool:
    return any(isinstance(each, (Grant, Assign)) for each in task.operations)


class PowerShell:
    """Lines of a script for one cloud."""

    def __init__(self, az: Az) -> None:
        self.az = az

    def finders(self, handed: Handoff) -> list[tuple[str, list[str]]]:
        """Variable and the lines that look it up."""
        return [
            (name, [*map(_need, variables(find.at.path)), self._find(find)]) for name, find in handed.finders.items()
        ]

    def lines(self, task: Task) -> list[str]:
        """One task."""
        return [*map(_need, task.needs), *(line for each in task.operations for line in self.calls(each))]

    def calls(self, operation: Operation) -> Iterable[str]:
        """One operation."""
        match operation:
            case Find():
                yield self._find(operation)
            case Make():
                yield f"New-IfMissing {self._at(operation.at)} {value(operation.body)}"
                for find in operation.finds:
                    yield f"{self._find(find)} -New"
            case Send():
                yield self._send(operation)
            case Merge():
                read, elsewhere = literal(selected(operation)), value(list(operation.elsewhere))
                yield f"Merge-Property {self._at(operation.at)} {read} {value(operation.properties)} {elsewhere}"
            case AddKey():
                known = value([operation.key, *operation.identifiers])
                yield f"Add-Key {self._at(operation.at)} {known} {value(operation.entry)}"
            case Grant():
                yield self._grant(operation)
            case Assign():
                sp = Place("graph", f"/v1.0/servicePrincipals/{segment(operation.sp)}")
                to = Place("graph", f"{sp.path}/appRoleAssignedTo")
                yield f"Find-PersonRole {self._at(sp)}"
                body = assignment(operation, variable("role_id"))
                yield self._send(Send("post", to, body, Listed(to, {"principalId": operation.person})))
            case AdmitGroup():
                update = Place("fabric", f"/v1/admin/tenantsettings/{segment(operation.setting)}/update")
                words = [operation.setting, operation.group_id, operation.group_name]
                told = f"{' '.join(map(literal, words))} {value(list(operation.announced))}"
                yield f"Add-GroupToSetting {told} {self._uri(SETTINGS)} {self._uri(update)}"
            case Role():
                yield self._role(operation)
            case MakeWorkspace():
                find = operation.find
                places = f"{self._uri(find.at)} {self._uri(NEW_WORKSPACE)}"
                yield f"New-Workspace {literal(find.sets)} {places} {value({'name': operation.name})}"

    def _uri(self, place: Place) -> str:
        return literal(self.az.url(place))

    def _at(self, place: Place) -> str:
        return f"{literal(place.service)} {self._uri(place)}"

    def _find(self, find: Find) -> str:
        command = "Find-ByName" if find.by_name else "Find-Id"
        words = f"{literal(find.sets)} {self._at(find.at)} {literal(find.field)}"
        return f"{command} {words} {literal(shown(find.what))}"

    def _send(self, operation: Send) -> str:
        done = operation.done
        asked = f"Test-Listed {self._at(done.at)} {value(dict(done.fields))}" if isinstance(done, Listed) else ""
        asked = asked or f"Test-Present {self._at(done)}"  # type: ignore[arg-type]
        wanted = "" if operation.gone else "-not "
        body = "" if operation.body is None else f" {value(operation.body)}"
        sent = f"Send-Change {literal(operation.method.upper())} {self._at(operation.at)}{body}"
        return f"if ({wanted}({asked})) {{ {sent} }}"

    def _grant(self, operation: Grant) -> str:
        at = Place("graph", f"{GRANTS.path}?$filter=clientId%20eq%20'{segment(operation.sp)}'")
        body = {key: each for key, each in grant(operation).items() if key != "scope"}
        listed = value(list(operation.scopes))
        return f"Grant-Scope {self._uri(at)} {self._uri(GRANTS)} {value(body)} {listed}"

    def _role(self, operation: Role) -> str:
        rank = WORKSPACE_ROLES.index(operation.role) if operation.role in WORKSPACE_ROLES else 0
        left = value([each for each in WORKSPACE_ROLES[:rank] if each != operation.replaces])
        return f"Set-WorkspaceRole {self._uri(users(operation))} {value(role(operation))} {left}"


def _need(name: str) -> str:
    return f"Resolve-Id {literal(name)}"


def literal(text: str) -> str:
    """A text as one argument: single-quoted pieces and character codes, and the script's variables between them."""
    pieces: list[str] = []
    for number, part in enumerate(VARIABLE.split(text)):
        if number % 2:
            pieces.append(f"$Ids['{part}']")
        else:
            pieces += _pieces(part)
    if not pieces:
        return "''"
    if len(pieces) == 1 and pieces[0].startswith("'"):
        return pieces[0]
    # A sum is a text because it begins with one.
    first = [] if pieces[0].startswith("'") else ["''"]
    return f"({' + '.join((*first, *pieces))})"


def _pieces(text: str) -> Iterable[str]:
    run = ""
    for character in text:
        if " " <= character <= "~":
            run += "''" if character == "'" else character
            continue
        if run:
            yield f"'{run}'"
            run = ""
        units = character.encode("utf-16-be", "surrogatepass")
        for high, low in zip(units[::2], units[1::2], strict=True):
            yield f"[char]0x{high:02X}{low:02X}"
    if run:
        yield f"'{run}'"


def value(of: Any) -> str:
    """Plain JSON data as one argument."""
    if isinstance(of, bool):
        return "$true" if of else "$false"
    if of is None:
        return "$null"
    if isinstance(of, Mapping):
        return "@{ " + "; ".join(f"{literal(str(key))} = {value(each)}" for key, each in of.items()) + " }"
    if isinstance(of, (list, tuple)):
        return "@(" + ", ".join(map(value, of)) + ")"
    return literal(of) if isinstance(of, str) else str(of)
