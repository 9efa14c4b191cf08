"""Power BI and Fabric over httpx: one client for one cloud and one identity."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from pbisetup.model.errors import Observer
from pbisetup.services.answer import Answer, wait_before_retry
from pbisetup.services.network import Network, json_or_none, unreachable

if TYPE_CHECKING:
    import httpx

    from pbisetup.services.identity import TokenSource

MAX_REDIRECTS = 3
_KEPT = 4000
"""Characters of a body that are kept as they came: errors are shorter."""


class RestClient:
    """Authenticated requests to one API of one cloud.

    A token goes only to hosts of the cloud, also when a service redirects (307 to another cluster). Reads are repeated on
    429 and 5xx, and once where the connection is cut; writes only on 429, where the service says that it did nothing.
    """

    def __init__(self, network: Network, base: str, resource: str, tokens: TokenSource, observer: Observer) -> None:
        import httpx

        self._network = network
        self._base = base
        self._scope = network.cloud.scope(resource)
        self._tokens = tokens
        self._observer: Observer = observer
        self._client = httpx.Client(
            verify=network.ssl_context(),
            timeout=network.timeout(),
            follow_redirects=False,
            headers={"Accept": "application/json"},
        )

    def close(self) -> None:
        self._client.close()

    def sign_in(self) -> None:
        """Get the token that the calls will send. Raises what signing in raises."""
        self._tokens.token(self._scope)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, params=params)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The final answer, whatever its status. Raises Unreachable, Refused by the guard, or what signing in raises.

        `path`: below this client's API, or a whole address of the same cloud.
        """
        url = urljoin(self._base + "/", path.lstrip("/"))
        attempt = 0
        while True:
            answer = self._once(method, url, json, params, headers or {})
            wait = wait_before_retry(answer, method, attempt, self._network.patience.wait)
            if wait is None:
                return answer
            attempt += 1
            time.sleep(wait)

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """Every page of a Fabric list, by continuationUri or continuationToken; stops after a failure."""
        answer = self.get(path, params)
        while True:
            yield answer
            token = answer.object.get("continuationToken") if answer.ok else None
            if not token:
                return
            answer = self.get(path, {**(params or {}), "continuationToken": str(token)})

    def _once(
        self, method: str, url: str, json: Any, params: Mapping[str, str] | None, more: Mapping[str, str]
    ) -> Answer:
        for _ in range(MAX_REDIRECTS):
            self._network.check(url)
            headers = {**more, "Authorization": f"Bearer {self._tokens.token(self._scope).reveal()}"}
            response = self._send(method, url, json, params, headers, again=method == "GET")
            if response.status_code not in (301, 302, 303, 307, 308) or "location" not in response.headers:
                break
            url, params = urljoin(url, response.headers["location"]), None
            if response.status_code == 303:
                method, json = "GET", None
        return _answer(method, url, response, self._observer)

    def _send(
        self,
        method: str,
        url: str,
        json: Any,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
        *,
        again: bool,
    ) -> httpx.Response:
        import httpx

        started = time.perf_counter()
        try:
            response = self._client.request(method, url, json=json, params=params, headers=headers)
        except httpx.HTTPError as error:
            self._network.record(method, url, started, None, {})
            if again and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
                return self._send(method, url, json, params, headers, again=False)
            raise unreachable(url, error) from None
        self._network.record(method, url, started, response.status_code, response.headers)
        return response


def _answer(method: str, url: str, response: httpx.Response, observer: Observer) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    text = response.text
    return Answer(method, url, response.status_code, headers, json_or_none(text), observer, text[:_KEPT])
