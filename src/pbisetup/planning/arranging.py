"""Steps put together into a plan: each change once, with what hangs on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pbisetup.model.plan import Plan, Step


def arranged(made: Iterable[Step]) -> list[Step]:
    """Each change once. Where two would be made under one id, the first is: the other is met in the next examination."""
    steps: dict[str, Step] = {}
    stands_for: dict[str, str] = {}
    for step in made:
        twin = next((each for each in steps.values() if step.writes and each.action == step.action), None)
        if twin is not None:
            stands_for[step.id] = twin.id
        elif step.id not in steps or (step.writes and not steps[step.id].writes):
            steps.pop(step.id, None)  # a change outweighs a word, and comes where it was made
            steps[step.id] = step
    return [replace(step, needs=_present(step.needs, stands_for, steps)) for step in steps.values()]


def _present(needs: Iterable[str], stands_for: Mapping[str, str], steps: Mapping[str, Step]) -> tuple[str, ...]:
    named = (stands_for.get(need, need) for need in needs)
    return tuple(dict.fromkeys(need for need in named if need in steps))


def groups_let_in(plan: Plan) -> frozenset[str]:
    """Ids of the existing groups that a setting is going to let in as a whole."""
    actions = (step.action for step in plan.changes if step.action is not None)
    ids = (str(each.params["group_id"]) for each in actions if each.kind == "update_tenant_setting")
    return frozenset(id_ for id_ in ids if not id_.startswith("{"))
