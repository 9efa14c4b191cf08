"""What a run of the clients says at its end: how many ran, how many did not and why.

That not one of those ran which need a client installed is a failure, whatever the few say that need none.
"""

from __future__ import annotations

from collections import Counter

import pytest

SET = "client_set"
"""The property of a test's report that names the client set it needs."""
_RAN = ("passed", "failed")


def _asked(config: pytest.Config) -> bool:
    """Whether this run is about clients, and this process the one that reports."""
    expression = str(config.getoption("markexpr", "") or "")
    wanted = "clients" in expression and "not clients" not in expression
    return wanted and not hasattr(config, "workerinput") and not config.getoption("collectonly", False)


def _reports(config: pytest.Config, *outcomes: str) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    stats = reporter.stats if reporter else {}
    return [each for name in outcomes for each in stats.get(name, []) if "clients" in each.keywords]


def _nothing_ran(config: pytest.Config) -> bool:
    """Whether clients were wanted, and none was there."""
    installed = [any(name == SET for name, _ in each.user_properties) for each in _reports(config, *_RAN)]
    wanting = [any(name == SET for name, _ in each.user_properties) for each in _reports(config, "skipped")]
    return any(wanting) and not any(installed)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing ran: that is no success, whatever pytest thinks."""
    if _asked(session.config) and _nothing_ran(session.config) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line, whatever the verbosity."""
    if _asked(config):
        ran = len(_reports(config, *_RAN))
        skipped: Counter[str] = Counter()
        for each in _reports(config, "skipped"):
            reason = each.longrepr[2] if isinstance(each.longrepr, tuple) else str(each.longrepr)
            skipped[str(reason).removeprefix("Skipped: ")] += 1
        why = "; ".join(reason if count == 1 else f"{reason}: {count}" for reason, count in skipped.items())
        terminalreporter.write_line(f"clients: {ran} ran, {skipped.total()} skipped" + (f" ({why})" if why else ""))
        if _nothing_ran(config):
            terminalreporter.write_line("clients: not one that has to be installed was tried, which is a failure")
