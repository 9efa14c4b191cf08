"""A real browser: every page as a person meets it, wide and narrow, with its Content-Security-Policy enforced."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.clients.install import SETS
from tests.sandbox.browsing import APP, POWER_BI_APP, add_app, by_hand, done, grants
from tests.sandbox.test_browser_consent import app_with_roles, roles
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant

ON_PATH = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (1280, 390)

pytestmark = pytest.mark.clients() if ON_PATH else pytest.mark.clients("chromium")


class App:
    """The app's own address, which the browser is sent back to."""

    def __init__(self) -> None:
        received = self.received = []  # type: list[dict[str, str]]
        arrived = self.arrived = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.take(urlsplit(self.path).query)

            def do_POST(self) -> None:
                self.take(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def take(self, text: str) -> None:
                if text:
                    received.append({name: values[-1] for name, values in parse_qs(text).items()})
                    arrived.set()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<h1>Back at the app</h1>")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("localhost", 0), Handler)
        self.uri = f"http://localhost:{self.server.server_port}/callback"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self) -> dict[str, str]:
        assert self.arrived.wait(10), "the browser never came back"
        self.arrived.clear()
        return self.received[-1]


@pytest.fixture
def app() -> Iterator[App]:
    found = App()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    with playwright.sync_playwright() as driver:
        folder = SETS["chromium"].folder
        own = {**os.environ, "LD_LIBRARY_PATH": str(folder / "al2023" / "lib")}
        found = driver.chromium.launch(
            executable_path=ON_PATH or folder / "chromium", env=None if ON_PATH else own, args=FLAGS
        )
        yield found
        found.close()


class Window:
    """A page in the browser that takes pictures of itself and collects what its policy refused."""

    def __init__(self, browser: Any, sandbox: SandboxTenant, folder: Path, *, script: bool = True) -> None:
        self.context = browser.new_context(ignore_https_errors=True, java_script_enabled=script)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.sandbox, self.folder = sandbox, folder
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._heard(message.text))

    def _heard(self, text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            self.complaints.append(text)

    def authorize(self, app: App, **query: str) -> None:
        given = {
            "client_id": APP,
            "response_type": "code",
            "redirect_uri": app.uri,
            "scope": f"{POWER_BI}/Report.Read.All offline_access",
            **query,
        }
        self.open(f"/{self.sandbox.tenant}/oauth2/v2.0/authorize?{urlencode(given)}")

    def open(self, path: str) -> None:
        self.page.goto(self.sandbox.url + path)

    def shoot(self, name: str) -> None:
        """Pictures at both widths; nothing may stick out to the side."""
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.screenshot(path=str(self.folder / f"{name}-{width}.png"), full_page=True)
            assert self.page.locator("html").evaluate("e => e.scrollWidth <= e.clientWidth"), f"{name} at {width}"
        assert (self.folder / f"{name}-390.png").stat().st_size > 5_000

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def heading(self, text: str) -> None:
        """Wait until the page with this heading is there."""
        self.page.get_by_role("heading", name=text).wait_for()

    def sign_in(self, user: str) -> None:
        self.page.get_by_label("Email address or user name").fill(f"{user}@{self.sandbox.domain}")
        self.page.keyboard.press("Enter")
        self.page.get_by_label("Password").fill(self.sandbox.password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_load_state()


def test_a_user_signs_in_sees_what_is_asked_and_accepts(
    sandbox: SandboxTenant, browser: Any, app: App, tmp_path: Path
) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), add_app(state)))
    window = Window(browser, sandbox, tmp_path)
    window.authorize(app, state="s", response_mode="form_post")
    window.shoot("account")
    window.page.get_by_label("Email address or user name").fill("nobody@contoso.onmicrosoft.com")
    window.press("Next")
    window.page.get_by_role("alert").wait_for()
    window.shoot("account-wrong")
    window.page.get_by_label("Email address or user name").fill(f"developer@{sandbox.domain}")
    window.press("Next")
    window.heading("Enter password")
    window.shoot("password")
    window.page.get_by_label("Password").fill("wrong")
    window.press("Sign in")
    window.page.get_by_role("alert").wait_for()
    window.shoot("password-wrong")
    window.page.get_by_label("Password").fill(sandbox.password)
    window.press("Sign in")
    window.heading("Permissions requested")
    window.page.locator("summary").first.click()
    window.shoot("consent")
    window.press("Accept")
    sent = app.answer()
    assert {"code", "state"} <= set(sent)
    window.heading("Back at the app")
    assert window.complaints == []
    assert ("Principal", "developer", "Report.Read.All") in grants(sandbox.state())
    window.authorize(app, prompt="select_account")
    window.shoot("pick")
    window.page.get_by_role("button", name="Dana Developer").click()
    assert "code" in app.answer(), "a redirect after a form passes the policy too"
    assert window.complaints == []


def test_a_user_refuses_and_one_who_may_not_agree(
    sandbox: SandboxTenant, browser: Any, app: App, tmp_path: Path
) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), add_app(state)))
    window = Window(browser, sandbox, tmp_path)
    window.authorize(app)
    window.sign_in("developer")
    window.heading("Permissions requested")
    window.press("Cancel")
    assert app.answer()["error_description"].startswith("AADSTS65004")
    window.authorize(app, scope=f"{POWER_BI}/Tenant.Read.All")
    window.heading("Need admin approval")
    window.shoot("approval")
    window.press("Return to the application without granting consent")
    assert app.answer()["error_description"].startswith("AADSTS90094")
    sandbox.put_state(lambda state: state["policies"].update(adminConsentRequestPolicy={"isEnabled": True}))
    window.authorize(app, scope=f"{POWER_BI}/Tenant.Read.All")
    window.page.get_by_label("Enter justification for requesting this app").fill("Numbers.")
    window.shoot("request")
    window.press("Request approval")
    window.heading("Request sent")
    window.shoot("requested")
    assert window.complaints == []


def test_an_administrator_consents_for_everybody(
    sandbox: SandboxTenant, browser: Any, app: App, tmp_path: Path
) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), app_with_roles(state, POWER_BI_APP, "Tenant.Read.All")))
    window = Window(browser, sandbox, tmp_path)
    window.open(f"/{sandbox.tenant}/adminconsent?{urlencode({'client_id': APP, 'redirect_uri': app.uri})}")
    window.sign_in("admin")
    window.heading("Permissions requested")
    window.shoot("admin-consent")
    window.press("Accept")
    assert app.answer()["admin_consent"] == "True"
    assert roles(sandbox.state()) == ["Tenant.Read.All"]
    window.authorize(app, scope=f"{POWER_BI}/Dataset.Read.All")
    window.page.get_by_label("Consent on behalf of your organization").check()
    window.shoot("consent-everybody")
    window.press("Accept")
    app.answer()
    assert ("AllPrincipals", None, "Dataset.Read.All Report.Read.All") in grants(sandbox.state())
    assert window.complaints == []


def test_a_device_code_and_a_second_factor_without_javascript(
    sandbox: SandboxTenant, browser: Any, app: App, tmp_path: Path
) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), state["policies"].update(securityDefaults=True)))
    form = {"client_id": AZURE_CLI, "scope": f"{GRAPH}/.default"}
    code = sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/devicecode", data=form).json()
    window = Window(browser, sandbox, tmp_path, script=False)
    window.page.goto(code["verification_uri"])
    window.page.get_by_label("Code").fill(code["user_code"].lower())
    window.press("Next")
    window.sign_in("admin")
    window.heading("Approve sign in request")
    window.shoot("mfa")
    window.press("Approve")
    window.heading("Are you trying to sign in to Microsoft Azure CLI?")
    window.shoot("device-confirm")
    window.press("Continue")
    window.heading("You have signed in")
    window.shoot("done")
    answer = sandbox.token(grant_type="device_code", client_id=AZURE_CLI, device_code=code["device_code"])
    assert answer.status_code == 200, answer.text
    window.authorize(app, client_id=AZURE_CLI, redirect_uri=app.uri.removesuffix("/callback"), scope=f"{GRAPH}/.default",
                     response_mode="form_post")  # fmt: skip
    window.heading("Signing you in")
    window.shoot("form-post")
    window.press("Continue")
    assert "code" in app.answer(), "the button serves where no script runs"


def test_an_error_page(sandbox: SandboxTenant, browser: Any, tmp_path: Path) -> None:
    window = Window(browser, sandbox, tmp_path)
    window.open(f"/common/oauth2/v2.0/authorize?client_id={AZURE_CLI}&redirect_uri=https://evil.example/")
    assert window.page.get_by_text("AADSTS50011").is_visible()
    window.shoot("error")
    window.open("/common/oauth2/deviceauth")
    window.shoot("device")
