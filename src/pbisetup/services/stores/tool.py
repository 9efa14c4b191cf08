"""Another program that keeps secrets for us: how it is started, and what is told of its answer.

A secret reaches it on standard input or in the environment of that one child, never among its arguments, which every user of
the machine may read. What it says is told with everything crossed out that was handed to it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pbisetup.model.secret import Secret

_BATCH = '"%&|<>^!'
"""cmd.exe reads these in the arguments of a batch file whatever quotes are around them."""


class NoTool(Exception):
    """The program is not installed, or cannot be started with these arguments; the text says which, as a clause."""


@dataclass(frozen=True)
class Answer:
    """What a run of the program came to."""

    code: int | None
    """Exit status; None where it did not answer in time, or was killed: what it was asked for may have happened."""
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def said(self) -> str:
        """Its complaint in a line."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        text = " ".join(line.removeprefix("ERROR: ") for line in lines[:3])
        if text:
            return text[:300]
        return "no answer in time" if self.code is None else f"it ended with exit status {self.code} and said nothing"


@dataclass(frozen=True)
class Tool:
    """A program on the PATH."""

    program: str
    seconds: float
    environment: Mapping[str, str] = field(default_factory=dict)
    """Set for every run."""
    without: tuple[str, ...] = ()
    """Variables that it does not see: those that make it print more than it should."""

    def run(
        self, *arguments: str, stdin: Secret | str | None = None, hidden: Mapping[str, Secret] | None = None
    ) -> Answer:
        """Run it to its end, without a terminal. `hidden` are variables for this run alone.

        Raises NoTool. What the answer shows never holds what was given on standard input or hidden.
        """
        executable = self._find()
        self._refuse_batch(executable, arguments)
        given = stdin.reveal() if isinstance(stdin, Secret) else stdin
        environ = {name: value for name, value in os.environ.items() if name.upper() not in self.without}
        environ |= self.environment
        environ |= {name: value.reveal() for name, value in (hidden or {}).items()}
        try:
            child = subprocess.Popen(
                [executable, *arguments],
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environ,
                # A group of its own, so that a program behind a shell script ends with it.
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise NoTool(f"{self.program} could not be started: {error.strerror or error}") from None
        except ValueError:
            raise NoTool(f"{self.program} cannot be given what holds a zero byte") from None
        try:
            out, err = child.communicate(None if given is None else given.encode(), self.seconds)
            code: int | None = child.returncode if child.returncode >= 0 else None
        except subprocess.TimeoutExpired:
            out, err, code = b"", b"", None
        finally:
            if child.poll() is None:
                _end(child)
        secrets = [each.reveal() for each in (stdin, *(hidden or {}).values()) if isinstance(each, Secret)]
        return Answer(code, _crossed_out(out, secrets), _crossed_out(err, secrets))

    def _find(self) -> str:
        found = shutil.which(self.program)
        if found is not None and sys.platform == "win32":
            here = Path(found).resolve().parent
            listed = (Path(each).resolve() for each in os.environ.get("PATH", "").split(os.pathsep) if each)
            # Windows looks into the current folder first, which may be anybody's repository.
            if here == Path.cwd().resolve() and here not in listed:
                found = None
        if found is None:
            raise NoTool(f"{self.program} is not installed, or not on the PATH")
        return found

    def _refuse_batch(self, executable: str, arguments: tuple[str, ...]) -> None:
        if not executable.lower().endswith((".cmd", ".bat")):
            return
        for argument in arguments:
            if bad := [each for each in argument if each in _BATCH or not each.isprintable()]:
                raise NoTool(f"{self.program} is a batch file here, and {argument!r} holds {bad[0]!r}")


def typed(text: str) -> str:
    """A word as a person types it into a shell: in double quotes where they do, because cmd.exe knows no others."""
    if re.fullmatch(r"[\w./:@=-]+", text):
        return text
    return shlex.quote(text) if re.search(r'["$`\\!%]', text) else f'"{text}"'


def _end(child: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(child.pid)], capture_output=True, check=False)
    else:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    child.wait()


def _crossed_out(data: bytes, secrets: list[str]) -> str:
    text = data.decode("utf-8", "replace")
    for secret in secrets:
        for part in (secret, *secret.splitlines()):
            # The lines of a PEM, too; not its last, short one, which could be part of any word.
            if len(part) >= 8:
                text = text.replace(part, "***")
    return text
