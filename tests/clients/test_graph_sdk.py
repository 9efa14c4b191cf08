"""msgraph-sdk as its own quick start writes it: our own interpreter has it, so nothing is installed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from tests.clients.client import SCRIPTS, Client

pytestmark = pytest.mark.clients()


def test_stock_through_the_proxy(client: Callable[..., Client]) -> None:
    answer = json.loads(client(proxy=True).ok(sys.executable, SCRIPTS / "graph_sdk.py"))
    assert answer["made"] == answer["found"]
    assert answer["afterwards"] == "Request_ResourceNotFound"
