"""A process of its own that keeps one credential in a store: what a test kills in the middle."""

from __future__ import annotations

import json
import sys

from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note
from pbisetup.services.stores.azure_devops import AzureDevOps
from pbisetup.services.stores.github import GitHub
from pbisetup.services.stores.store import Kept

if __name__ == "__main__":
    given = json.load(sys.stdin)
    store = {"gh": GitHub, "az": AzureDevOps}[given["program"]](
        given["place"], "k7f3q2", given.get("environment", "dev")
    )
    opened = store.open()
    secret = Secret(given["value"])
    kind = {"secret": secret} if given["kind"] == "secret" else {"certificate": secret}
    opened.keep(Kept(given["tenant"], given["client"], Note(given["key"], "2027-02-01"), **kind))
    print("kept")
