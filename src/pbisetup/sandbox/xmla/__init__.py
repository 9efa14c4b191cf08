"""The XMLA endpoint as far as the HTTP by which a client resolves a workspace: `routes` to mount, and `unknown` for every
path not among them. Source of the calls and their order: public clients of the endpoint, and the wire of ADOMD.NET
19.84 as calvinchengx/fabric-emulator measured it (2026-08).
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.wire import Route
from pbisetup.sandbox.xmla import environments, workspaces
from pbisetup.sandbox.xmla.service import unknown

routes: Final[list[Route]] = [*environments.routes, *workspaces.routes]

__all__ = ["routes", "unknown"]
