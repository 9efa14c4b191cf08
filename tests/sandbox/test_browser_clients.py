"""Microsoft's own client library signs in through the authorize endpoint, with a browser that only follows and posts."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import jwt
import pytest
from azure.identity import InteractiveBrowserCredential

from tests.sandbox.browsing import Person, by_hand
from tests.support.tenant import GRAPH, POWER_BI, SandboxTenant


def deliver(person: Person) -> None:
    """The last step: the page posts itself to the address the library listens on."""
    import httpx

    page = person.page
    assert urlsplit(page.action).hostname == "localhost"
    httpx.post(page.action, data=page.fields, trust_env=False)


@pytest.mark.parametrize("automatic", [True, False])
def test_interactive_browser_credential(
    sandbox: SandboxTenant, automatic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not automatic:
        sandbox.put_state(by_hand)
    opened: list[str] = []

    def browse(url: str) -> bool:
        def drive() -> None:
            person = Person(sandbox)
            person.open(url)
            if not automatic:
                person.sign_in("admin")
            deliver(person)

        opened.append(url)
        threading.Thread(target=drive, daemon=True).start()
        return True

    # The library's own door to the desktop's browser, which a test machine does not have.
    monkeypatch.setattr("azure.identity._credentials.browser._open_browser", browse)
    with InteractiveBrowserCredential(
        tenant_id=sandbox.tenant,
        authority=sandbox.url,
        disable_instance_discovery=True,
        connection_verify=sandbox.ca,
        timeout=20,
    ) as credential:
        record = credential.authenticate(scopes=[f"{GRAPH}/.default"])
        token = jwt.decode(credential.get_token(f"{POWER_BI}/.default").token, options={"verify_signature": False})
    assert record.username == token["upn"] == f"admin@{sandbox.domain}"
    assert len(opened) == 1
    assert "response_mode=form_post" in opened[0]
