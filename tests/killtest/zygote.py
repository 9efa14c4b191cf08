"""The command line as processes of their own without its second of imports: forked from one that has them already.

`python -m tests.killtest.zygote` takes jobs as lines of JSON on standard input and tells each one's process id, and later
its exit code, on standard output. The modules that the first job loaded are imported before the second is forked; nothing of
pbisetup or of what it uses starts a thread on import, so forking is safe (`fork` refuses where that is no longer so).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import selectors
import signal
import sys
import threading
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = frozenset(
    {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "os.link", "os.symlink"}
)
"""Events of the interpreter's audit hook that change something on disk, beside opening a file for writing."""


class DiskCounter:
    """Counts the changes on disk in these folders as they are about to be made, and at one of them kills the process."""

    def __init__(self, folders: list[str], kill_at: int | None, log: str | None) -> None:
        self._folders = tuple(folders)
        self._kill_at = kill_at
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log else None
        self._seen = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & WRITES:
                return
        elif event in CHANGES:
            path = arguments[0]
        else:
            return
        if not isinstance(path, str | os.PathLike) or not os.fspath(path).startswith(self._folders):
            return
        if self._log is not None:
            os.write(self._log, f"{event} {Path(path).name}\n".encode())
        if self._seen == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._seen += 1


def become(job: dict[str, Any]) -> None:
    """Make this process the command line that the job describes; returns or raises SystemExit as the command does."""
    for number, path, flags in (
        (0, job.get("in") or os.devnull, os.O_RDONLY),
        (1, job["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        (2, job["err"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    random.seed()
    if size := job.get("file_size"):
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python starts: the write fails instead
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    sys.argv = ["pbisetup", *job["argv"]]
    if job.get("disk"):
        sys.addaudithook(DiskCounter(job["disk"], job.get("kill_at"), job.get("disk_log")))
    from pbisetup.cli import main

    try:
        main()
    finally:
        if job.get("modules") and not job.get("file_size"):
            with open(job["modules"], "w", encoding="utf-8") as file:  # noqa: PTH123 - a child that ends
                json.dump(list(sys.modules), file)


def warm(names: list[str]) -> None:
    """Import what an earlier child had imported, in the same order: `_asyncio` before asyncio makes another asyncio."""
    for name in names:
        # A keyring chooses its backend when it is imported.
        if not name.startswith(("__main__", "tests.", "keyring")) and name not in sys.modules:
            try:
                importlib.import_module(name)
            except Exception:  # noqa: S112 - names that are made up at run time, such as six.moves
                continue
    gc.collect()
    gc.freeze()


def fork() -> int:
    """The process id of the child; 0 in the child."""
    if threading.active_count() > 1:
        raise RuntimeError(f"threads run, so forking is not safe: {threading.enumerate()}; use --plain")
    return os.fork()


def serve() -> dict[str, Any] | None:
    """Serve jobs until standard input ends; in a child the job that it is to become."""
    answers = os.dup(1)
    os.set_inheritable(answers, False)
    awake, wakes = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(awake, False)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(awake, selectors.EVENT_READ)
    text = b""

    def tell(said: dict[str, int]) -> None:
        os.write(answers, json.dumps(said).encode() + b"\n")

    while True:
        for key, _ in waiting.select():
            if key.fd == awake:
                while True:
                    try:
                        os.read(awake, 512)
                    except BlockingIOError:
                        break
                while True:
                    try:
                        pid, status = os.waitpid(-1, os.WNOHANG)
                    except ChildProcessError:
                        break
                    if pid == 0:
                        break
                    tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})
                continue
            more = os.read(0, 1 << 20)
            if not more:
                return None
            text += more
            while b"\n" in text:
                line, text = text.split(b"\n", 1)
                job = json.loads(line)
                if "warm" in job:
                    warm(job["warm"])
                    continue
                pid = fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for each in (answers, awake, wakes):
                        os.close(each)
                    waiting.close()
                    return job
                tell({"started": pid})


if __name__ == "__main__":
    given = json.loads(sys.argv[1]) if len(sys.argv) > 1 else serve()
    if given is not None:
        become(given)
