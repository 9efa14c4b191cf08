"""Operations as calls of the functions in `handoff.sh.j2`, each of which reads before it changes."""

from __future__ import annotations

from collections.abc import Iterable

from pbisetup.model.tenant import WORKSPACE_ROLES
from pbisetup.planning.handoff import jmespath
from pbisetup.planning.handoff.az import (
    FIRST_ROLE,
    GRANTS,
    NEW_WORKSPACE,
    SETTINGS,
    UPSERT,
    Az,
    assignment,
    dq,
    grant,
    role,
    selected,
    sq,
    users,
)
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
from pbisetup.planning.handoff.text import ascii_json, segment, shown, variable, variables


class Bash:
    """Lines of a script for one cloud. Every line ends the task where it fails."""

    def __init__(self, az: Az) -> None:
        self.az = az

    def finders(self, handed: Handoff) -> list[tuple[str, list[str]]]:
        """Variable and the lines that look it up."""
        return [(name, self._finder(find)) for name, find in handed.finders.items()]

    def _finder(self, find: Find) -> list[str]:
        return [*(f"need {name} || return" for name in variables(find.at.path)), self._find(find, "seek")]

    def lines(self, task: Task) -> list[str]:
        """One task."""
        needed = [f"need {name} || return" for name in task.needs]
        return [*needed, *(f"{line} || return" for each in task.operations for line in self.calls(each))]

    def calls(self, operation: Operation) -> Iterable[str]:
        """One operation."""
        match operation:
            case Find():
                yield self._find(operation, "seek")
            case Make():
                yield self._call("make", operation.at, sq(ascii_json(operation.body)), sq(UPSERT))
                for find in operation.finds:
                    yield self._find(find, "await")
            case Send():
                yield from self._send(operation)
            case Merge():
                query = jmespath.merged(operation)
                yield self._merge(operation.at, selected(operation), query)
            case AddKey():
                yield self._merge(operation.at, "keyCredentials", jmespath.key_added(operation))
            case Grant():
                yield self._grant(operation)
            case Assign():
                yield from self._assign(operation)
            case AdmitGroup():
                update = Place("fabric", f"/v1/admin/tenantsettings/{segment(operation.setting)}/update")
                query = sq(jmespath.setting_page(operation))
                yield self._call("setting", SETTINGS, query, dq(self.az.url(update)))
            case Role():
                yield self._role(operation)
            case MakeWorkspace():
                find, body = operation.find, sq(ascii_json({"name": operation.name}))
                made = dq(self.az.url(NEW_WORKSPACE))
                yield self._call(f"make_workspace {find.sets}", find.at, made, body)

    def _call(self, name: str, place: Place, *more: str) -> str:
        first = f"{name} {dq(self.az.url(place))} {self.az.resource(place)}"
        return " \\\n    ".join((first, *more))

    def _find(self, find: Find, how: str) -> str:
        kind = "called" if find.by_name else how
        return self._call(f"{kind} {find.sets} {find.field} {sq(shown(find.what))}", find.at)

    def _send(self, operation: Send) -> Iterable[str]:
        body = [] if operation.body is None else [sq(ascii_json(operation.body))]
        goal, done = "gone" if operation.gone else "there", operation.done
        if isinstance(done, Listed):
            yield self._call(f"listed {goal}", done.at, sq(jmespath.pages(done)))
        else:
            yield self._call(f"present {goal}", done)
        yield '[ "$so" = 1 ] || ' + self._call(f"send {operation.method}", operation.at, *body)

    def _merge(self, at: Place, select: str, query: str) -> str:
        read = Place(at.service, f"{at.path}?$select={select}")
        return self._call("merge", read, sq(query), dq(self.az.url(at)))

    def _grant(self, operation: Grant) -> str:
        at = Place("graph", f"{GRANTS.path}?$filter=clientId%20eq%20'{segment(operation.sp)}'")
        person = f"principalId == {jmespath.literal(operation.principal)}"
        whose = person if operation.principal else f"consentType == {jmespath.literal('AllPrincipals')}"
        held = f"value[?resourceId == {jmespath.literal(operation.resource)} && {whose}] | [0]"
        query = f'{held} | [not_null(id, `""`), not_null(scope, `""`)]'
        body = sq(ascii_json({key: each for key, each in grant(operation).items() if key != "scope"}))
        return self._call("consent", at, sq(query), dq(self.az.url(GRANTS)), body, *map(sq, operation.scopes))

    def _assign(self, operation: Assign) -> Iterable[str]:
        sp = Place("graph", f"/v1.0/servicePrincipals/{segment(operation.sp)}")
        to = Place("graph", f"{sp.path}/appRoleAssignedTo")
        there = Listed(to, {"principalId": operation.person})
        yield self._call("value ROLE_ID", sp, sq(FIRST_ROLE))
        yield from self._send(Send("post", to, assignment(operation, variable("role_id")), there))

    def _role(self, operation: Role) -> str:
        at = users(operation)
        query = f'not_null(value[?identifier == {jmespath.literal(operation.sp)}].groupUserAccessRight | [0], `""`)'
        rank = WORKSPACE_ROLES.index(operation.role) if operation.role in WORKSPACE_ROLES else 0
        left = [each for each in WORKSPACE_ROLES[:rank] if each != operation.replaces]
        words = (sq(operation.role), sq(" ".join(left)))
        return self._call("workspace_role", at, sq(query), sq(ascii_json(role(operation))), *words)
