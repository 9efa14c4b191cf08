"""What was recognised in a pasted text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    "shape",  # what a value looks like, such as a client secret that is a GUID
]


@dataclass(frozen=True)
class Signal:
    """One thing recognised, and where."""

    kind: Kind
    value: str
    line: int
    """1-based, in the text as it was pasted; 0 where it was put together from several lines."""
    quote: str = ""
    """The passage it was recognised in, without anything secret."""
