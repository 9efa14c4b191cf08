"""Where rules put what they find: checks in the order of the chain, findings with the ids and actions that are known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pbisetup.catalog.findings import Entry, Grade, finding
from pbisetup.model.case import APP, CREDENTIAL, SERVICE_PRINCIPAL, TENANT, Case
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Certainty, Check, CheckStatus, Finding, Remedy, Severity
from pbisetup.model.plan import Action

_WEAK: Final[frozenset[Grade]] = frozenset({"one source", "inferred"})
_NEEDS_MANIFEST: Final = ("pbisetup apply", "pbisetup plan", "pbisetup handoff", "pbisetup rotate")
Params = Mapping[str, Mapping[str, Any]]
"""Kind of an action -> what it would be done with; complete, so that it can be done."""


def at_most(certainty: Certainty, grade: Grade) -> Certainty:
    """No finding is more certain than the behaviour that it rests on: of one source, or inferred, is never certain."""
    return "likely" if certainty == "certain" and grade in _WEAK else certainty


def sentence(text: str) -> str:
    """A reason as a sentence: with a capital where it begins with a word, and not with a host or a file."""
    first = text.partition(" ")[0]
    return f"{text[:1].upper() if first.isalpha() else text[:1]}{text[1:]}."


class Report:
    """Checks and findings so far."""

    def __init__(self, case: Case, portal: str) -> None:
        self.case = case
        self.portal = portal
        self.checks: list[Check] = []
        self.findings: list[Finding] = []
        self._ids = _known_ids(case)

    @property
    def broken(self) -> bool:
        """Whether something was found that is reason enough for what follows."""
        return any(each.severity == "error" for each in self.findings)

    def found(self, *causes: str) -> bool:
        """Whether one of these causes was found."""
        return any(each.cause in causes for each in self.findings)

    def check(
        self, id_: str, title: str, status: CheckStatus, because: str, evidence: tuple[Evidence, ...] = ()
    ) -> None:
        """One link of the chain."""
        self.checks.append(Check(id_, title, status, because, evidence))

    def find(
        self,
        name: str | Entry,
        certainty: Certainty,
        evidence: tuple[Evidence, ...] = (),
        *,
        params: Params | None = None,
        decided_by: str | None = None,
        severity: Severity | None = None,
        detail: str = "",
        words: Mapping[str, str] | None = None,
    ) -> None:
        """A finding; of the same only the first, which is nearer the root. `detail`: what is so
        here, in a sentence; `words` fill the placeholders of its texts."""
        made = finding(
            name, certainty, evidence, decided_by=decided_by, environment=self.case.asked.environment or "",
            portal=self.portal, **(words or {}),
        )  # fmt: skip
        self.add(made, params=params, severity=severity, detail=detail)

    def add(
        self, made: Finding, *, params: Params | None = None, severity: Severity | None = None, detail: str = ""
    ) -> None:
        """The same with a finding that is there."""
        if any((each.code, each.cause, each.title) == (made.code, made.cause, made.title) for each in self.findings):
            return
        explanation = f"{detail} {made.explanation}".strip() if detail else made.explanation
        remedies = self._remedies(made.remedies, params or {})
        self.findings.append(
            replace(made, explanation=explanation, severity=severity or made.severity, remedies=remedies)
        )

    def _remedies(self, remedies: Sequence[Remedy], params: Params) -> tuple[Remedy, ...]:
        """As they are here. Of several for the same action the first is the one that can be done from here."""
        left = dict(params)
        ids = {**self._ids}
        for known in params.values():
            ids |= {k.upper(): v for k, v in known.items() if k.endswith("_id") and isinstance(v, str)}
        return tuple(
            self._remedy(each, left.pop(each.action.kind, None) if each.action else None, ids) for each in remedies
        )

    def _remedy(self, remedy: Remedy, known: Mapping[str, Any] | None, ids: Mapping[str, str]) -> Remedy:
        """A remedy as it is here: with the ids that are known, and what is needed to do it."""
        command = remedy.command
        fix = " ".join(part for part in ("pbisetup doctor", self.case.asked.environment, "--fix") if part)
        if known is not None and (command is None or command.startswith("pbisetup apply")):
            command = fix
        elif command is not None and command.startswith(_NEEDS_MANIFEST) and not self.case.asked.environment:
            command = None
        for name, value in ids.items():
            command = re.sub(rf"(?<![A-Z_]){name}(?![A-Z_])", value, command) if command else None
        return replace(
            remedy,
            command=" ".join(command.split()) if command else None,
            action=Action(remedy.action.kind, dict(known)) if remedy.action and known is not None else remedy.action,
            fixable=known is not None,
        )


def _known_ids(case: Case) -> dict[str, str]:
    """What stands in commands of the catalogue for ids that are known here."""
    credential, app = case.value(CREDENTIAL), case.value(APP)
    principal, tenant = case.value(SERVICE_PRINCIPAL), case.value(TENANT)
    found = {
        "APP_OBJECT_ID": app.object_id if app else None,
        "SP_OBJECT_ID": principal.object_id if principal else None,
        "CLIENT_ID": credential.client_id if credential and credential.client_id_form == "id" else None,
        "TENANT_ID": tenant.id if tenant else None,
    }
    return {name: value for name, value in found.items() if value}
