"""The caller of a twin: how the app signed in, and what it wanted to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from pbisetup.sandbox.caller import SECRET
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.twin.draft import SECRETS, Draft, stamp
from pbisetup.sandbox.twin.workspaces import wanted

EXPIRED: Final = 7000222
WRONG_SECRET: Final = 7000215
_WRONG: Final = "not-the-secret-of-this-app"
_ISSUER: Final = "https://token.actions.githubusercontent.com"
_LONGEST: Final = 10**9
_PRESENTED: Final = re.compile(r"presented assertion (issuer|subject) '([^']{1,400})'")
"""How the token endpoint quotes the assertion that it does not take (see `entra/token_causes.py`)."""


def caller(draft: Draft) -> None:
    """What was configured and asked for; how it signs in is `sign_in`."""
    credential, asked = draft.object("credential"), draft.object("asked")
    tenant = credential.get("tenant_id") or asked.get("tenant_id")
    draft.caller["client_id"] = credential.get("client_id") or draft.client_id()
    if tenant and tenant.lower() not in (draft.identity.tenant_id, draft.state["tenant"]["domain"].lower()):
        draft.caller["tenant"] = tenant
    named = [str(each["key"]) for each in draft.wanted_workspaces()]
    # Before it was recorded what was asked, whatever was looked at had been.
    draft.caller["workspace"] = named if asked else list(dict.fromkeys(wanted(draft)))
    draft.caller["purpose"] = next(iter(draft.purposes), None)
    draft.caller["scope"] = asked.get("scope")
    draft.caller["redirect_uri"] = next(iter(asked.get("redirect_uris") or ()), None)
    age = asked.get("token_age")
    if isinstance(age, int | float) and not isinstance(age, bool) and 0 < age < _LONGEST:
        draft.caller["age_seconds"] = age
    request = asked.get("request") or {}
    if request:
        draft.caller["request"] = f"{request['method']} {request['url']}"
        draft.caller["profile"] = request.get("profile")


def sign_in(draft: Draft) -> None:
    """By which kind of credential; with a secret, which of the app's it is."""
    fact = draft.recording.find("credential")
    kind = draft.object("credential").get("kind")
    if kind in _BY_KIND:
        _BY_KIND[kind](draft)
    elif fact is not None and fact.status == "unknown":
        _person(draft)  # so it was recorded before there were kinds
    elif fact is None or fact.status == "known":
        _secret(draft)


def _person(draft: Draft) -> None:
    draft.caller["grant"] = "authorization_code" if draft.caller.get("redirect_uri") else "device_code"
    if draft.person is not None:
        draft.caller["user"] = draft.person["userPrincipalName"]


def _password(draft: Draft) -> None:
    draft.caller["grant"] = "password"
    draft.caller["user"] = draft.object("credential").get("account")
    if draft.object("credential").get("has_secret"):
        _secret(draft)


def _federated(draft: Draft) -> None:
    """The assertion as the token endpoint quoted it, else as the app expects one."""
    draft.caller["grant"] = "federated"
    presented = {match[1]: match[2] for match in _PRESENTED.finditer(str(draft.token.get("message") or ""))}
    if draft.known("app") is None and draft.application is not None and 70025 not in draft.codes:
        draft.application["federatedIdentityCredentials"] = [_trusted(draft, presented)]
    trusted = list((draft.application or {}).get("federatedIdentityCredentials") or ())
    if len(trusted) > 1:
        draft.assume("which federated credential was used", "the first")
    if trusted:
        draft.caller |= {"issuer": trusted[0]["issuer"], "subject": trusted[0]["subject"]}
    else:
        draft.missing.append("issuer and subject of the assertion")
    draft.caller |= presented


def _trusted(draft: Draft, presented: dict[str, str]) -> Object:
    """A federated credential of an app that nobody looked at: one that takes the assertion, but for what was refused."""
    issuer, subject = (
        presented.get("issuer", _ISSUER),
        presented.get("subject", "repo:recorded/recorded:ref:refs/heads/main"),
    )
    other = {700213: f"{subject}-other", 7002138: subject.swapcase()}
    draft.assume("the app's federated credentials", "one, as the token endpoint took or refused the assertion")
    return {
        "id": draft.identity.id("federated"),
        "name": "recorded",
        "issuer": f"{issuer}/other" if 700211 in draft.codes else issuer,
        "subject": next((other[code] for code in draft.codes if code in other), subject),
        "audiences": ["api://AzureADTokenExchange"],
    }


def _certificate(draft: Draft) -> None:
    draft.caller["grant"] = "client_credentials"
    draft.missing.append("the key of the certificate that the app signed in by")


def _token(draft: Draft) -> None:
    draft.missing.append("the token that was handed over")


def _nothing(_: Draft) -> None:
    pass


def _secret(draft: Draft) -> None:
    """What the caller has configured, and which of the app's secrets it is."""
    credential = draft.object("credential")
    if not draft.has_secret:
        return
    if WRONG_SECRET in draft.codes:
        listed = draft.application["passwordCredentials"] if draft.application else []
        wrong = listed[0]["keyId"] if credential.get("secret_looks_like_guid") and listed else _WRONG
        draft.caller["secret"] = f'"{wrong}"' if credential.get("secret_has_odd_ends") else wrong
        return
    draft.caller["secret"] = SECRET
    if draft.application is None:
        return
    own = _own(draft, draft.application["passwordCredentials"])
    if own is None:
        own = made.secret(draft.identity, draft.application["displayName"])
        draft.application["passwordCredentials"].append(own)
        draft.assume("the secret that the app was configured with", "one more of the app's")
    own["_renewed"] = True
    if EXPIRED in draft.codes and own["endDateTime"] > stamp(datetime.now(UTC)):
        own["endDateTime"] = stamp(datetime.now(UTC) - timedelta(days=1))
        said = "because the token endpoint called it expired"
        if draft.was_assumed(SECRETS):
            draft.assume_instead(SECRETS, f"one that ended yesterday, {said}")
        else:
            draft.assume("when the secret ended", f"yesterday, {said}")


def _own(draft: Draft, listed: list[Object]) -> Object | None:
    """The secret in the list that is the configured one: by its beginning, as it was stored, else by whether it had to be
    a valid one.
    """
    stored, credential = draft.object("stored"), draft.object("credential")
    clues = [("hint", credential.get("hint"))]
    if stored.get("client_id", "") == credential.get("client_id"):
        clues += [("keyId", stored.get("key_id")), ("hint", stored.get("hint"))]
    for key, value in clues:
        found = [each for each in listed if value and each.get(key) == value]
        if len(found) == 1:
            return found[0]
    now = stamp(datetime.now(UTC))
    fitting = [each for each in listed if (each["endDateTime"] <= now) == (EXPIRED in draft.codes)]
    return max(fitting or listed, key=lambda each: str(each["endDateTime"]), default=None)


_BY_KIND: Final[dict[str, Callable[[Draft], None]]] = {
    "secret": _secret,
    "sign-in": _person,
    "password": _password,
    "federated": _federated,
    "certificate": _certificate,
    "token": _token,
    "none": _nothing,
}
