"""A sandbox with some rows of its tables bent before it serves: `python -m tests.support.bent BENDS sandbox start ...`.

BENDS is JSON: {"powerbi:token_missing": {"status": 418}}.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.support.tenant import SandboxTenant

TABLES = {
    "powerbi": ("pbisetup.sandbox.powerbi.causes", "CAUSES"),
    "fabric": ("pbisetup.sandbox.fabric.causes", "CAUSES"),
    "graph": ("pbisetup.sandbox.graph.errors", "ERRORS"),
    "entra": ("pbisetup.sandbox.entra.causes", "CAUSES"),
}
Bends = Mapping[str, Mapping[str, Any]]


class BentTenant(SandboxTenant):
    """A sandbox process whose tables are wrong in these rows."""

    def __init__(self, folder: Path, bends: Bends) -> None:
        self.program = ("-m", "tests.support.bent", json.dumps(bends))
        super().__init__(folder, state=False)


def bend(bends: Bends) -> None:
    """Replace the rows in this process."""
    for key, changes in bends.items():
        service, _, name = key.partition(":")
        module, attribute = TABLES[service]
        rows = getattr(import_module(module), attribute)
        rows[name] = dataclasses.replace(rows[name], **changes)


if __name__ == "__main__":
    from pbisetup.cli import main

    bend(json.loads(sys.argv.pop(1)))
    main()
