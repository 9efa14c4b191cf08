"""The process: how it starts, what it publishes, how it ends."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.tenant import SandboxTenant

Start = Callable[..., SandboxTenant]


def test_the_ready_line_names_both_ports_and_the_tenant(sandbox: SandboxTenant) -> None:
    words = sandbox.ready_line.split()
    assert words[0::2] == ["ready", "proxy", "tenant"]
    assert words[1].startswith("https://localhost:")
    assert words[3].startswith("http://127.0.0.1:")
    assert words[5] == "contoso.onmicrosoft.com"


def test_tokens_are_issued_to_the_operator_and_to_users(sandbox: SandboxTenant) -> None:
    assert sandbox.operator_token()
    for user in ("admin", "fabricadmin", "developer"):
        assert sandbox.user_token(user)
