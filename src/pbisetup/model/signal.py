"""What was recognised in a pasted text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pbisetup.catalog.operations import Operation

Kind = Literal[
    "aadsts",  # the number
    "oauth_error",  # invalid_client, ...
    "code",  # an error code of Graph, Power BI, Fabric, ARM or a gateway
    "status",  # an HTTP status
    "request",  # a URL or path of one of the services
    "audience",  # for which resource a token is or was asked
    "scope",
    "authority",  # the tenant segment of a token endpoint
    "claim",  # name=value of a token that was pasted
    "tool",
    "sentence",  # a sentence that only one situation produces, by its name in the table
    "setting",  # an environment variable or configuration key, by name
    "shape",  # what a value looks like, such as a client secret that is a GUID
    "hidden",  # something that a wrapper left out
]


@dataclass(frozen=True)
class Signal:
    """One thing recognised, and where."""

    kind: Kind
    value: str
    line: int
    """1-based, in the text as it was pasted."""
    quote: str = ""
    """The passage it was recognised in, without anything secret."""


@dataclass(frozen=True)
class PastedRequest:
    """A URL or path in the text."""

    service: Literal["powerbi", "fabric", "graph", "entra", "arm", "xmla", "other"]
    host: str
    path: str
    method: str | None
    line: int
    operations: tuple[Operation, ...] = field(default=(), compare=False)
    """The documented operations that it may be; several where the method is not said."""
