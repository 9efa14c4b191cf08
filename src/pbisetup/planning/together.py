"""The plans of several environments of one tenant beside each other: what they share is told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pbisetup.model.plan import Plan, Step

_SHARED = ("create_group", "update_tenant_setting", "create_workspace")
"""Kinds of action that are done once, whichever environment they are planned for."""


def told_once(plans: Sequence[Plan]) -> list[Plan]:
    """The same plans; a step that an earlier one holds too says so instead of explaining itself again."""
    first: dict[str, str] = {}
    return [
        replace(plan, steps=tuple(_same_as_before(step, plan.environment, first) for step in plan.steps))
        for plan in plans
    ]


def _same_as_before(step: Step, environment: str, first: dict[str, str]) -> Step:
    if step.action is None or step.action.kind not in _SHARED or step.deferred:
        return step
    name = f"{step.action.kind} {sorted(step.action.params.items(), key=lambda each: each[0])}"
    whose = first.setdefault(name, environment)
    return step if whose == environment else replace(step, why=f"the one that {whose} needs, too: done once")
