"""The one hierarchy of errors: each carries a code, what was seen, and what to do about it.

Raised where the fact is known, rendered in one place (`ui.failure`). `Unavailable` means that something was not
attempted, `Refused` that it was attempted and turned down, `Unreachable` that nobody answered: three different things.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Observer = Literal["local", "operator", "app"]


class ExitCode(IntEnum):
    """What a shell learns from a run."""

    OK = 0
    WRONG = 1
    """Something is wrong in what was examined."""
    USAGE = 2
    """The command line or the manifest is wrong."""
    NO_ACCESS = 3
    """The operator could not sign in, or the service could not be reached."""
    PARTIAL = 4
    """Applied in part; run again to continue."""
    HANDOFF = 5
    """All that the operator may do is done; somebody else must act."""
    INTERRUPTED = 130


@dataclass(frozen=True)
class Evidence:
    """One thing that was observed, and by whom."""

    source: str
    """Where it was seen: `token endpoint`, `GET /v1.0/myorg/groups`, `.env.dev`."""
    observer: Observer
    fact: str
    request_id: str | None = None
    """The service's request or correlation id, for a support case."""


class PbisetupError(Exception):
    """Base of every error that a user may meet; `str()` is one plain sentence."""

    exit_code: ExitCode = ExitCode.WRONG

    def __init__(
        self,
        code: str,
        message: str,
        *,
        remedy: str | None = None,
        command: str | None = None,
        evidence: tuple[Evidence, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        """`PBI` and three digits; docs/troubleshooting.md has the ranges."""
        self.message = message
        self.remedy = remedy
        """What to do, in a sentence."""
        self.command = command
        """The command that mends it, ready to copy."""
        self.evidence = evidence


class UsageError(PbisetupError):
    """The command line, a missing answer or the manifest is wrong; nothing was attempted."""

    exit_code = ExitCode.USAGE


class Unavailable(PbisetupError):
    """Something that was needed is not there, so the call was not attempted."""

    exit_code = ExitCode.NO_ACCESS


class Unreachable(PbisetupError):
    """A host did not answer: name, proxy, TLS or time-out."""

    exit_code = ExitCode.NO_ACCESS


class SignInFailed(PbisetupError):
    """The operator's sign-in was attempted and refused."""

    exit_code = ExitCode.NO_ACCESS


class Refused(PbisetupError):
    """A service answered no. `status` and `service_code` are what it said."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        service_code: str | None = None,
        remedy: str | None = None,
        command: str | None = None,
        evidence: tuple[Evidence, ...] = (),
    ) -> None:
        super().__init__(code, message, remedy=remedy, command=command, evidence=evidence)
        self.status = status
        self.service_code = service_code

    @property
    def forbidden(self) -> bool:
        """Whether the caller lacks the right, as opposed to the request being wrong."""
        return self.status in (401, 403)


class PlanOutdated(PbisetupError):
    """What is there now is not what the plan was made from, and doing it would change more than was shown."""


class StoreError(PbisetupError):
    """The secret cannot be kept where it was asked to be kept."""


class Interrupted(PbisetupError):
    """The person stopped the run."""

    exit_code = ExitCode.INTERRUPTED
