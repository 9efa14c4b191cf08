"""The person's side of a run that changes something: plans shown, one question, progress, and Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from pbisetup.execution.applying import Watcher
    from pbisetup.model.plan import Plan
    from pbisetup.model.tenant import TenantInfo
    from pbisetup.planning.planner import DeletedChoice
    from pbisetup.ui.terminal import Terminal


class Talk:
    """The hooks of a run: shows plans and progress, asks once for all that is coming, and hears Ctrl-C between steps."""

    def __init__(
        self, terminal: Terminal, tenants: Mapping[str, TenantInfo], yes: bool, deleted: str | None = None
    ) -> None:
        """`tenants`: by environment, all that this run is about."""
        from pbisetup.ui.progress import Board

        self._terminal, self._tenants, self._yes, self._deleted = terminal, tenants, yes, deleted
        self._board = Board(terminal, list(tenants))
        self.interrupts = 0

    def of(self, environment: str) -> Watcher:
        return _Ear(self, environment)

    def plan(self, plans: Sequence[Plan]) -> None:
        from pbisetup.ui.progress import plans_lines
        from pbisetup.ui.terminal import visible

        for tenant in {each.id: each for each in self._tenants.values()}.values():
            there = [plan for plan in plans if self._tenants[plan.environment].id == tenant.id]
            if there:
                self._terminal.say()
                self._terminal.say(visible(f"In the tenant {tenant.name} ({tenant.domain}):"), "bold")
            for line, style in plans_lines([there], self._terminal.width):
                self._terminal.say(line, style)

    def agreed(self, plans: Sequence[Plan]) -> bool:
        """Ask, naming the tenants. From a yes on, Ctrl-C is heard between steps instead of at once."""
        if not self._yes:
            from pbisetup.ui import prompts
            from pbisetup.ui.terminal import visible

            signal.signal(signal.SIGINT, signal.default_int_handler)
            changing = [plan for plan in plans if plan.own]
            count = sum(len(plan.own) for plan in changing)
            named = dict.fromkeys(f"{t.name} ({t.domain})" for t in (self._tenants[p.environment] for p in changing))
            what = "this change" if count == 1 else f"these {count} changes"
            if not prompts.confirm(f"Make {what} in {visible(' and '.join(named))}?"):
                return False
        signal.signal(signal.SIGINT, self.hear)
        return True

    def deleted_app(self, environment: str) -> DeletedChoice | None:
        if self._deleted is not None:
            return "restore" if self._deleted == "restore" else "purge"
        if self._yes or not self._terminal.interactive:
            return None
        from pbisetup.ui import prompts

        answer = prompts.choose(
            f"The app registration of {environment!r} was deleted and can be brought back. What shall become of it?",
            [("restore", "bring it back"), ("purge", "remove it for good and make a new one")],
        )
        return "purge" if answer == "purge" else "restore"

    def sign_in_prompt(self, uri: str, code: str, _text: str) -> None:
        self._terminal.wrapped(f"To sign in to the new app, open {uri} and enter the code {code}", "", "bold")

    def stopping(self) -> bool:
        return self.interrupts > 0

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        """The first Ctrl-C finishes the steps under way; the second stops at once."""
        self.interrupts += 1
        if self.interrupts > 1:
            raise KeyboardInterrupt
        self._terminal.say("stopping after this step; Ctrl-C again stops at once", "yellow")


class _Ear:
    """Hears what happens to one environment."""

    def __init__(self, talk: Talk, environment: str) -> None:
        progress = talk._board.of(environment)
        self.started, self.ended, self.waiting = progress.started, progress.ended, progress.waiting
        self.stopping = talk.stopping
