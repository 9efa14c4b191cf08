"""How a run of `apply` or `plan` is told: the summary, the three next commands, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pbisetup.execution.converged import Converged
from pbisetup.execution.runner import Outcome, Status
from pbisetup.model.errors import ExitCode
from pbisetup.model.plan import Plan, Step
from pbisetup.planning.wanted import is_service_app
from pbisetup.ui.failure import error_json
from pbisetup.ui.terminal import spelled, visible


def summary_lines(done: Converged) -> list[str]:
    name = done.environment.name
    if done.error is not None:
        return [f"{name}: not done: {visible(done.error.message.splitlines()[0])}"]
    if done.declined:
        return [f"{name}: nothing was changed."]
    words: dict[Status, str] = {
        "done": "done",
        "handed off": "for somebody else",
        "failed": "failed",
        "not run": "not run",
    }
    counted = {status: done.outcomes(status) for status in words}
    lines = []
    if not any(counted.values()):
        lines.append(f"{name}: everything is as it should be; nothing was changed.")
    else:
        counts = ", ".join(f"{n} {words[s]}" for s, n in counted.items() if n)
        lines.append(f"{name}: {counts}.")
    handed_on = {k: v for result in done.results for k, v in result.outputs.items()}
    if where := handed_on.get("secret_where"):
        kind = handed_on.get("secret_kind", "secret")
        lines.append(f"{name}: the {kind} is in {where}, until {handed_on['secret_ends']}.")
        if asked := handed_on.get("secret_instead_of"):
            lines.append(f"{name}: it is a {kind} and not a {asked}, which a policy of the tenant forbids.")
        left = set(handed_on.get("secret_retires", "").split(",")) - {""} - _removed(done)
        if left:
            lines.append(
                f"{name}: the one before stays on the app, and goes at the next `pbisetup apply` or `pbisetup rotate` "
                "after its grace. Tokens that were issued with it live to their own end, about an hour."
            )
    if where := handed_on.get("ids_where"):
        lines.append(f"{name}: tenant and client id are in {where}; there is no secret, and nothing that ends.")
    for step in done.plan.unmet:
        lines.append(f"{name}: left alone, and not as the manifest says: {visible(step.title)}: {visible(step.why)}.")
    if done.interrupted:
        stopped = next((o for r in done.results for o in r.of("not run")), None)
        lines.append(f"{name}: stopped{f' before: {stopped.step.title}' if stopped else ''}. Run again to continue.")
    elif done.examination is not None:
        reached = ", ".join(repr(w.key) for w in done.environment.workspaces)
        answered = f" with {visible(reached)}" if reached else ""
        works = f"works: a token was issued and the Power BI API answered it{answered}"
        lines.append(f"{name}: the app {works if done.examination.healthy else 'does not work yet'}.")
    elif done.credential is not None and done.credential.elsewhere and not done.outcomes("handed off"):
        lines.append(f"{name}: not proved: {visible(done.credential.elsewhere)}.")
        lines.append(f"{name}: prove it in that job: {spelled(f'pbisetup doctor {name}')}")
    return lines


def _removed(done: Converged) -> set[str]:
    """Key ids of credentials that this run has taken off the app."""
    steps = (outcome.step for result in done.results for outcome in result.of("done"))
    return {str(step.action.params["key_id"]) for step in steps if step.action and "key_id" in step.action.params}


def next_commands(done: Sequence[Converged], code: int, again: str = "apply") -> list[str]:
    if all(each.declined for each in done):
        return []
    name = next((e.environment.name for e in done if e.exit_code == code), done[0].environment.name)
    if code == ExitCode.HANDOFF:
        commands = [
            (f"pbisetup handoff {name}", "what the others must do, ready to send"),
            (f"pbisetup apply {name}", "when they have done it"),
            (f"pbisetup doctor {name}", "what works and what does not"),
        ]
    elif code in (ExitCode.PARTIAL, ExitCode.INTERRUPTED, ExitCode.NO_ACCESS, ExitCode.USAGE):
        commands = [
            (f"pbisetup {again} {name}", "continue"),
            (f"pbisetup plan {name}", "what is left"),
            (f"pbisetup doctor {name}", "what works and what does not"),
        ]
    elif code == ExitCode.WRONG:
        commands = [
            (f"pbisetup doctor {name} --operator auto", "why it does not work, seen with your eyes too"),
            (f"pbisetup plan {name}", "what is not as the manifest says"),
            (f"pbisetup apply {name}", "when it is mended, or has had its time"),
        ]
    else:
        person = not is_service_app(next(e.environment for e in done if e.environment.name == name))
        commands = [
            (f"pbisetup token {name}{' --user' if person else ''}", "a token for your program or curl"),
            (f"pbisetup doctor {name}", "what works and what does not"),
            (f"pbisetup plan {name}", "what has changed since"),
        ]
    spelled_out = [(spelled(c), why) for c, why in commands]
    width = max(len(c) for c, _ in spelled_out)
    return ["Next:", *(f"  {c.ljust(width)}  # {why}" for c, why in spelled_out)]


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON; what is not known before apply stands as `{name}`."""
    return {"environment": plan.environment, "steps": [_step_json(step) for step in plan.steps]}


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "change": step.change,
        "title": step.title,
        "why": step.why,
        "who": list(step.who),
        "allowed": step.allowed,
        "because": step.because,
        "needs": list(step.needs),
        "takes": step.takes,
        "undo": step.undo,
        "warning": step.warning,
        "deferred": step.deferred,
        "blocks": step.blocks,
        "action": {"kind": step.action.kind, **step.action.params} if step.action else None,
    }


def result_json(done: Converged) -> dict[str, Any]:
    def shown(outcome: Outcome) -> dict[str, Any]:
        return {
            "id": outcome.step.id,
            "title": outcome.step.title,
            "status": outcome.status,
            "because": outcome.because,
        }

    return {
        "environment": done.environment.name,
        "error": error_json(done.error) if done.error else None,
        "declined": done.declined,
        "interrupted": done.interrupted,
        "steps": [shown(o) for result in done.results for o in result.outcomes],
        "outputs": {k: v for result in done.results for k, v in result.outputs.items()},
        "examination": done.examination.to_json() if done.examination else None,
    }
