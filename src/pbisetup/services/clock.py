"""Real time; whoever waits takes a clock as an argument, so that tests can hand in another."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol

from pbisetup.services.network import Network


class Clock(Protocol):
    """Time, so that whoever waits can be told to by somebody else."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Waits(Protocol):
    """Told what is waited for, and how many seconds at most are left."""

    def __call__(self, what: str, seconds_left: int, /) -> None: ...


def count_down(clock: Clock, waits: Waits, what: str, pause: float, deadline: float) -> None:
    """Wait for `pause` seconds, not beyond the deadline, telling every second how long it may still take."""
    end = min(clock.monotonic() + pause, deadline)
    while (left := end - clock.monotonic()) > 0:
        waits(what, round(deadline - clock.monotonic()))
        clock.sleep(min(1.0, left))


class ServiceClock:
    """Waits by the machine's clock; says what time it is by the services'."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def now(self) -> datetime:
        return self._network.now()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
