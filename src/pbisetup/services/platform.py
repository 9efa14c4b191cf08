"""Asking the platform that a job runs on for an assertion: a host that is none of the cloud's, and so gets nothing of it.

The job's own token goes to the platform's host only, over https, never across a redirect; no token of the cloud goes there.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pbisetup.model.errors import Evidence, Unavailable, Unreachable
from pbisetup.model.secret import Secret
from pbisetup.services.network import Network, ca_bundle, json_or_none, tls_context, unreachable

if TYPE_CHECKING:
    import httpx

_AMBIGUOUS = re.compile(r"[\\\x00-\x20\x7f#]")
_TRIES = 3
_PASSING = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class PlatformHost:
    """Which hosts are the platform's."""

    name: str
    variable: str
    """The environment variable with the address."""
    domains: tuple[str, ...]
    """The platform's own, for its public service."""
    server: str
    """Address of the installation that the job belongs to, as the platform says it: a company may run its own."""

    def check(self, url: str) -> None:
        """Raises Unavailable, before anything is sent, for an address that is not https or not the platform's."""
        try:
            parts = urlsplit(url)
            host, _ = (parts.hostname or "").lower(), parts.port
            own = (urlsplit(self.server).hostname or "").lower()
        except ValueError:  # a bracket without its pair, a port that is no number
            raise self._stopped("is not an address") from None
        if parts.scheme != "https" or not host or "@" in parts.netloc or _AMBIGUOUS.search(url):
            raise self._stopped("is not an address that begins with https://")
        known = (*self.domains, *([own] if own and own != "github.com" else []))
        if not any(host == domain or host.endswith("." + domain) for domain in known):
            raise self._stopped(f"names {host}, which is none of {self.name}'s hosts ({', '.join(known)})")

    def _stopped(self, why: str) -> Unavailable:
        return Unavailable(
            "PBI330",
            f"{self.variable} {why}",
            remedy="Nothing was sent. The platform sets this variable itself: do not set it by hand.",
            evidence=(Evidence("local guard", "local", self.variable),),
        )


def ask(
    network: Network,
    host: PlatformHost,
    method: str,
    url: str,
    query: Mapping[str, str],
    bearer: Secret,
    field: str,
) -> Secret:
    """The assertion that the platform answers with in this field. Raises Unavailable (PBI330) or Unreachable."""
    host.check(url)
    # Azure DevOps: a refusal as a status, not as a redirect to its sign-in page.
    more = {"Accept": "application/json", "X-TFS-FedAuthRedirect": "Suppress"}
    return _assertion(host, _answer(network, method, _with_query(url, query), bearer, more), field)


def read_json(network: Network, host: PlatformHost, url: str, bearer: Secret, accept: str) -> tuple[int, Any]:
    """What a platform's own API answers: status and JSON, None for what is none. Raises Unavailable before anything is sent
    to an address that is not the platform's, and Unreachable.
    """
    host.check(url)
    answer = _answer(network, "GET", url, bearer, {"Accept": accept})
    return answer.status_code, json_or_none(answer.text)


def _answer(network: Network, method: str, url: str, bearer: Secret, more: Mapping[str, str]) -> httpx.Response:
    import httpx

    headers = {"Authorization": f"Bearer {bearer.reveal()}", **more}
    # Not the cloud's own authority, where it has one: this host is another party's.
    context = tls_context(ca_bundle(replace(network.cloud, ca_bundle=None), os.environ))
    with httpx.Client(verify=context, timeout=network.timeout(), follow_redirects=False) as client:
        return _sent(network, client, method, url, headers)


def _with_query(url: str, query: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in query]
    return urlunsplit(parts._replace(query=urlencode([*kept, *query.items()])))


def _sent(network: Network, client: httpx.Client, method: str, url: str, headers: Mapping[str, str]) -> httpx.Response:
    import httpx

    for left in reversed(range(_TRIES)):
        started = time.perf_counter()
        try:
            response = client.request(method, url, headers=headers)
        except httpx.HTTPError as error:
            network.record(method, url, started, None, {})
            failed: Unreachable = unreachable(url, error)
            if not left or not isinstance(error, httpx.TransportError) or failed.code in ("PBI204", "PBI201"):
                raise failed from None
        else:
            # Without its headers: the platform's clock is not the cloud's.
            network.record(method, url, started, response.status_code, {})
            if not left or response.status_code not in _PASSING:
                return response
        time.sleep(0.5 * (_TRIES - left))
    raise AssertionError("the last try returns or raises")


def _assertion(host: PlatformHost, answer: httpx.Response, field: str) -> Secret:
    body = json_or_none(answer.text)
    found = body.get(field) if isinstance(body, dict) else None
    if answer.status_code == 200 and isinstance(found, str) and found.count(".") == 2:
        return Secret(found)
    # Azure DevOps says in `value`, without the assertion, which stage may not use the service connection (2026-03,
    # dotnet/docker-tools issue 2012), and in `message` whatever else it refuses.
    words = [body.get(name) for name in ("message", "value", "error", "Message")] if isinstance(body, dict) else []
    said = next((" ".join(w.split())[:300] for w in words if isinstance(w, str) and w and not w.startswith("eyJ")), "")
    fact = f"HTTP {answer.status_code} {said}".strip()
    raise Unavailable(
        "PBI330",
        f"{host.name} gave no assertion: {said or f'it answered HTTP {answer.status_code}'}",
        remedy=_REMEDIES.get(host.name),
        evidence=(Evidence(host.name, "local", fact),),
    )


_REMEDIES = {
    "GitHub Actions": "The job needs `permissions: id-token: write`; its request token lives as long as the job.",
    "Azure DevOps": "The stage must name the service connection itself (as `azureSubscription` of an AzureCLI@2 task), the "
    "connection must use workload identity federation and be open to this pipeline, and SYSTEM_ACCESSTOKEN must be this "
    "job's `$(System.AccessToken)`.",
}
