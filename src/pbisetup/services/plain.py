"""One GET as it is given: with any text in the place of a token, or none, and the answer as it came."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from pbisetup.model.secret import Secret
from pbisetup.services.network import Network, unreachable
from pbisetup.services.rest import MAX_REDIRECTS


@dataclass(frozen=True)
class PlainAnswer:
    """Status, headers (lower-case names) and text."""

    status: int
    headers: Mapping[str, str]
    text: str


class PlainClient:
    """For comparing services with what is known of them: repeats nothing, hides nothing.

    Like every other client it speaks only to hosts of the cloud, also across redirects.
    """

    def __init__(self, network: Network) -> None:
        import httpx

        self._network = network
        self._client = httpx.Client(
            verify=network.ssl_context(),
            timeout=network.timeout(),
            follow_redirects=False,
            headers={"Accept": "application/json"},
        )

    def close(self) -> None:
        self._client.close()

    def get(self, url: str, bearer: Secret | None, headers: Mapping[str, str], *, follow: bool = True) -> PlainAnswer:
        """The answer, after at most three redirects. Raises Unreachable, or Refused by the guard."""
        import httpx

        authorization = {"Authorization": f"Bearer {bearer.reveal()}"} if bearer else {}
        for _ in range(MAX_REDIRECTS):
            self._network.check(url)
            started = time.perf_counter()
            try:
                response = self._client.get(url, headers={**headers, **authorization})
                text = response.text
            except httpx.HTTPError as error:
                self._network.record("GET", url, started, None, {})
                raise unreachable(url, error) from None
            self._network.record("GET", url, started, response.status_code, response.headers)
            if (
                response.status_code not in (301, 302, 303, 307, 308)
                or "location" not in response.headers
                or not follow
            ):
                break
            url = urljoin(url, response.headers["location"])
        return PlainAnswer(response.status_code, {n.lower(): v for n, v in response.headers.items()}, text)
