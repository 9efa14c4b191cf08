"""From what an examination found to a plan that mends it: what the findings' remedies name, as steps in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from pbisetup.model import case as keys
from pbisetup.model.case import Case
from pbisetup.model.finding import Examination, Finding
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Plan, Step
from pbisetup.planning.arranging import arranged
from pbisetup.planning.cases import snapshot_of
from pbisetup.planning.mend_access import ACCESS_MAKERS, stays
from pbisetup.planning.mend_app import APP_MAKERS
from pbisetup.planning.repair import Maker, Repair, Wish, kept
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import PUBLIC_API_SETTINGS

MAKERS: Final[Mapping[str, Maker]] = {**APP_MAKERS, **ACCESS_MAKERS}
_ORDER: Final = {kind: number for number, kind in enumerate(APP_MAKERS)} | {
    # One setting after the other, whichever remedy names it.
    "remove_from_excluded_group": 100, "enable_tenant_setting": 101, "add_group_member": 101, "replace_group": 101,
    "set_workspace_role": 102,
}  # fmt: skip


def mend(
    examination: Examination,
    case: Case,
    manifest: Manifest,
    environment: Environment,
    now: datetime,
    who_else: Mapping[str, str] | None = None,
) -> Plan:
    """The steps that mend the errors of an examination, as far as something here can do it.

    Of each error the first remedy is taken that is marked fixable and says all that it takes. Empty where nobody is signed
    in who could do them. `who_else`: for groups of `groups_let_in`, who is in them besides the app, in words.
    """
    operator = case.value(keys.OPERATOR)
    if operator is None:
        return Plan(environment.name, ())
    wishes = _wishes(examination.findings)
    left = frozenset(w.params["group_id"] for w in wishes if w.kind == "remove_from_excluded_group")
    left = frozenset(group_id for group_id in left if stays(case, group_id) is None)
    seen = snapshot_of(case, operator, environment.name, without=left)
    repair = Repair(case, Situation(manifest, environment, seen, now, mends=True), wishes, left, who_else or {})
    outputs = {"tenant_id": seen.tenant.id, **_ids(repair)}
    made = (step for wish in wishes for step in MAKERS[wish.kind].make(repair, wish))
    return Plan(environment.name, tuple(_possible(arranged(made), outputs)), outputs)


def _wishes(findings: Iterable[Finding]) -> tuple[Wish, ...]:
    chosen = (_wish(finding) for finding in findings if finding.severity == "error")
    return tuple(sorted((wish for wish in chosen if wish is not None), key=_rank))


def _wish(finding: Finding) -> Wish | None:
    for remedy in finding.remedies:
        action = remedy.action
        if not remedy.fixable or action is None or action.kind not in MAKERS:
            continue
        if all(action.params.get(name) for name in MAKERS[action.kind].needs):
            return Wish(finding.title, action.kind, action.params)
    return None


def _rank(wish: Wish) -> tuple[int, bool]:
    return _ORDER[wish.kind], wish.params.get("setting") not in PUBLIC_API_SETTINGS


def _ids(r: Repair) -> dict[str, str]:
    """What is known of what steps hand on."""
    found: dict[str, str] = {}
    if r.s.app:
        found |= {"app_object_id": r.s.app.object_id, "client_id": r.s.app.client_id}
    if r.s.sp:
        found["sp_object_id"] = r.s.sp.object_id
    for wish in r.wishes:
        if wish.kind == "add_secret":
            found |= {name: str(wish.params[name]) for name in ("app_object_id", "client_id")}
    return found


def _possible(steps: Iterable[Step], outputs: Mapping[str, str]) -> Iterator[Step]:
    """The steps, with a word in place of those that wait for an id that nothing hands on."""
    known = set(outputs)
    for step in steps:
        if step.action is None:
            yield step
            continue
        params = step.action.params
        waits = [str(v)[1:-1] for k, v in params.items() if k.endswith("_id") and str(v).startswith("{")]
        if set(waits) <= known:
            known |= {"create_service_principal": {"sp_object_id"}, "create_group": {_made(step)}}.get(
                step.action.kind, set()
            )
            yield step
        else:
            yield kept(step.id, step.title, "left as it is: an id that it takes is not known")


def _made(step: Step) -> str:
    assert step.action is not None
    return str(step.action.params.get("output", "group_id"))
