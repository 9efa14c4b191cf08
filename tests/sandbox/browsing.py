"""A person at a browser, without one: opens pages, reads their forms as HTML, presses buttons, keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from tests.support.tenant import AZURE_CLI, GRAPH, SandboxTenant, State

APP = "44444444-aaaa-4bbb-8ccc-000000000044"
APP_SP = "44444444-aaaa-4bbb-8ccc-000000000047"
REDIRECT = "http://localhost:8765/callback"
WEB = "https://app.contoso.com/signin"
SPA = "https://spa.contoso.com/"
SECRET = "abc8Q~correct-horse-battery-staple-value"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
POWER_BI_APP = "00000009-0000-0000-c000-000000000000"


class Page(HTMLParser):
    """What a page holds: its first form, its buttons, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self.controls: list[dict[str, str | None]] = []
        self.labels: set[str] = set()
        self.words: list[str] = []
        self._tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._tags.append(tag)
        name, value = found.get("name") or "", found.get("value") or ""
        if tag == "form":
            self.action = found.get("action") or ""
        elif tag == "button":
            self.buttons.append((name, value))
        elif tag in ("input", "textarea"):
            self.controls.append(found)
            if found.get("type") != "checkbox":
                self.fields[name] = value
        elif tag == "label":
            self.labels.add(found.get("for") or "")

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._tags[-1:]):
            self.words += data.split()

    def handle_endtag(self, tag: str) -> None:
        self._tags.append(f"/{tag}")

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass
class Person:
    """Somebody with a browser of their own."""

    sandbox: SandboxTenant
    answer: httpx.Response = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=self.sandbox.url, verify=self.sandbox.ssl_context, trust_env=False, timeout=30
        )

    def open(self, path: str, **query: str) -> Page:
        self.answer = self.http.get(path, params=query or None)
        return self.page

    def authorize(self, *, tenant: str = "", v1: bool = False, **query: str) -> Page:
        """An app's request; as Azure CLI unless told otherwise. An empty value leaves a parameter out."""
        given = {
            "client_id": AZURE_CLI,
            "response_type": "code",
            "redirect_uri": "http://localhost:8765",
            "state": "my state&1",
            **({"resource": GRAPH} if v1 else {"scope": f"{GRAPH}/.default openid offline_access profile"}),
            **query,
        }
        path = f"/{tenant or self.sandbox.tenant}/oauth2{'' if v1 else '/v2.0'}/authorize"
        return self.open(path, **{name: value for name, value in given.items() if value})

    def press(self, button: str = "", **fields: str) -> Page:
        """Fill the page's fields in and press a button by its value."""
        page = self.page
        pressed = {name: value for name, value in page.buttons if value == button}
        assert button == "" or pressed, f"no button {button}: {page.text}"
        unknown = set(fields) - {str(each.get("name")) for each in page.controls}
        assert not unknown, f"no field {unknown}: {page.text}"
        url = urljoin(str(self.answer.url), page.action)
        self.answer = self.http.post(url, data={**page.fields, **fields, **pressed})
        return self.page

    def sign_in(self, user: str, password: str | None = None) -> Page:
        """Through the account page and the password page."""
        if any(each.get("id") == "login" for each in self.page.controls):
            self.press("next", login=f"{user}@{self.sandbox.domain}")
        return self.press("signin", passwd=password or self.sandbox.password)

    @property
    def page(self) -> Page:
        return Page(self.answer.text)

    @property
    def sent(self) -> dict[str, str]:
        """What the browser was sent back to the app with, in whichever response mode."""
        location = self.answer.headers.get("location")
        if location is None:
            page = self.page
            assert page.action.startswith("http"), page.text
            return dict(page.fields)
        parts = urlsplit(location)
        return {name: values[-1] for name, values in parse_qs(parts.fragment or parts.query).items()}

    def redeem(self, client_id: str = AZURE_CLI, **form: str) -> httpx.Response:
        """The app's own request with the code that came back."""
        given = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": self.sent.get("code", ""),
            "redirect_uri": "http://localhost:8765",
            **form,
        }
        return self.sandbox.token(**{name: value for name, value in given.items() if value})


def done(*_changes: object) -> None:
    """Lets a lambda make several changes."""


def by_hand(state: State) -> None:
    """Nobody is signed in by themselves."""
    state["auto_approve"] = None


def add_app(state: State, *scopes: str, service_principal: bool = False, **more: Any) -> dict[str, Any]:
    """An app of this tenant that asks for delegated permissions of Power BI, reachable in all three ways."""
    power_bi = next(each for each in state["servicePrincipals"] if each["appId"] == POWER_BI_APP)
    ids = {each["value"]: each["id"] for each in power_bi["oauth2PermissionScopes"]}
    app = {
        "id": "44444444-aaaa-4bbb-8ccc-000000000045",
        "appId": APP,
        "displayName": "Reports & <b>more</b>",
        "signInAudience": "AzureADMyOrg",
        "isFallbackPublicClient": True,
        "publicClient": {"redirectUris": [REDIRECT]},
        "web": {"redirectUris": [WEB], "implicitGrantSettings": {"enableIdTokenIssuance": True}},
        "spa": {"redirectUris": [SPA]},
        "passwordCredentials": [{"keyId": "44444444-aaaa-4bbb-8ccc-000000000046", "secretText": SECRET}],
        "requiredResourceAccess": [
            {
                "resourceAppId": POWER_BI_APP,
                "resourceAccess": [{"id": ids[name], "type": "Scope"} for name in scopes or ("Report.Read.All",)],
            }
        ],
        **more,
    }
    state["applications"].append(app)
    if service_principal:
        state["servicePrincipals"].append(
            {
                "id": APP_SP,
                "appId": APP,
                "displayName": app["displayName"],
                "accountEnabled": True,
                "servicePrincipalNames": [APP],
            }
        )
    return app


def user(state: State, name: str = "developer") -> dict[str, Any]:
    found: dict[str, Any] = next(u for u in state["users"] if u["userPrincipalName"].startswith(f"{name}@"))
    return found


def grants(state: State) -> list[tuple[str, str | None, str]]:
    """Consent as it stands in the directory: kind, whose, and what."""
    names = {each["id"]: each["userPrincipalName"].split("@")[0] for each in state["users"]}
    return sorted(
        (g["consentType"], names.get(g.get("principalId")), g["scope"]) for g in state["oauth2PermissionGrants"]
    )
