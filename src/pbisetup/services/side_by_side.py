"""Calls made at once, in threads that do not keep the program from ending."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_GLANCE = 0.2
"""Seconds after which the waiting thread looks up, so that Ctrl-C is heard on every platform."""


def side_by_side(*calls: Callable[[], T], most: int | None = None) -> list[T]:
    """What these calls return, in their order. At most `most` run at once; the first error is raised when all have ended.

    Each runs in a copy of the caller's context. A single call runs in the caller's own thread.
    """
    if len(calls) == 1:
        return [calls[0]()]
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}
    waiting = iter(list(enumerate(calls)))
    turn = threading.Lock()

    def work() -> None:
        while True:
            with turn:
                number, call = next(waiting, (-1, None))
            if call is None:
                return
            try:
                results[number] = call()
            except BaseException as error:
                errors[number] = error

    threads = [
        # Daemons: a host that never answers must not keep the program from ending.
        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
        for _ in range(min(len(calls), most or len(calls)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_GLANCE)
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(calls))]
