"""Microsoft Graph through msgraph-sdk: its request builders for paths, its pipeline for sending, JSON for bodies.

The SDK's models are never touched: the first one that is read imports more than a thousand modules, two seconds a process
(clients.md 4). The SDK repeats POST on 503 and 504, which would duplicate objects, so its retry is off and ours, which
only repeats what is safe, is in `execution`.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pbisetup.model.errors import Observer
from pbisetup.services.answer import Answer, wait_before_retry
from pbisetup.services.network import Network, json_or_none, unreachable

if TYPE_CHECKING:
    import httpx
    from msgraph import GraphServiceClient

    from pbisetup.services.identity import TokenSource

T = TypeVar("T")
Builder = Any
"""A request builder of msgraph-sdk: has `url_template` and `path_parameters`."""


class Directory:
    """Graph calls of one identity. Synchronous outside; the SDK's event loop runs in a thread of its own."""

    def __init__(self, network: Network, tokens: TokenSource, observer: Observer) -> None:
        self._network = network
        self._tokens = tokens
        self._observer: Observer = observer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="graph", daemon=True)
        self._thread.start()
        self._adapter, self._http, self.client = self._connect()

    def close(self) -> None:
        self._run(self._http.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def at(self, path: str) -> Builder:
        """A builder for a path below the version: `applications(appId='...')`, `beta/auditLogs/signIns` for the other one.

        The SDK's own builders for alternate keys write the key into what all builders share, so that two threads would
        ask for each other's objects.
        """
        version = "" if path.startswith("beta/") else "v1.0/"
        return self.client.service_principals.with_url(f"{self._network.cloud.graph}/{version}{path}")

    # -- calls ---------------------------------------------------------------------------------------------------

    def get(self, builder: Builder, **query: str) -> Answer:
        """GET with OData query options given without their `$`: `select`, `filter`, `top`, `expand`."""
        return self.send("GET", builder, query={f"%24{name}": value for name, value in query.items()})

    def list(self, builder: Builder, **query: str) -> Iterator[Answer]:
        """Every page of a collection, by @odata.nextLink; stops after a failure."""
        answer = self.get(builder, **query)
        while True:
            yield answer
            link = answer.object.get("@odata.nextLink") if answer.ok else None
            if not link:
                return
            answer = self.send("GET", builder.with_url(str(link)))

    def send(
        self,
        method: str,
        builder: Builder,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, whatever its status. Raises Unreachable, Refused by the guard, or what signing in raises.

        429 is waited for, because the service says that it did nothing; a read is repeated on 5xx too. No write is.
        """
        attempt = 0
        while True:
            answer = self._run(self._send(method, builder, body, query or {}, headers or {}))
            wait = wait_before_retry(answer, method, attempt, self._network.patience.wait)
            if wait is None:
                return answer
            attempt += 1
            time.sleep(wait)

    async def _send(
        self,
        method: str,
        builder: Builder,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> Answer:
        import httpx
        from kiota_abstractions.method import Method
        from kiota_abstractions.native_response_handler import NativeResponseHandler
        from kiota_abstractions.request_information import RequestInformation
        from kiota_http.middleware.options import ResponseHandlerOption

        parameters = dict(builder.path_parameters)
        if whole := parameters.get(RequestInformation.RAW_URL_KEY):
            # A whole address is taken as it is, and the query would be dropped.
            asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
            parameters[RequestInformation.RAW_URL_KEY] = f"{whole}?{asked}" if asked else whole
        info = RequestInformation(Method[method], builder.url_template, parameters)
        info.query_parameters = dict(query)
        info.headers.add("Accept", "application/json")
        for name, value in headers.items():
            info.headers.add(name, value)
        if body is not None:
            info.set_stream_content(json.dumps(body).encode(), "application/json")
        info.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        started = time.perf_counter()
        try:
            response: httpx.Response = await self._adapter.send_primitive_async(info, "bytes", {})
        except httpx.HTTPError as error:
            url = str(info.url)
            self._network.record(method, url, started, None, {})
            raise unreachable(url, error) from None
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(
            method,
            str(response.url),
            response.status_code,
            found,
            json_or_none(response.text),
            self._observer,
        )

    # -- plumbing ------------------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _connect(self) -> tuple[Any, httpx.AsyncClient, GraphServiceClient]:
        import httpx
        from kiota_abstractions.authentication import BaseBearerTokenAuthenticationProvider
        from kiota_http.middleware.options import RedirectHandlerOption, RetryHandlerOption
        from msgraph import GraphRequestAdapter, GraphServiceClient
        from msgraph.graph_request_adapter import options as sdk_options
        from msgraph_core import GraphClientFactory

        network = self._network

        async def guard(request: httpx.Request) -> None:
            network.check(str(request.url))
            request.extensions["started"] = time.perf_counter()

        async def record(response: httpx.Response) -> None:
            request = response.request
            started = request.extensions.get("started", time.perf_counter())
            network.record(request.method, str(request.url), started, response.status_code, response.headers)

        client = httpx.AsyncClient(
            verify=network.ssl_context(),
            timeout=network.timeout(),
            # Redirects and repeats are off below, so every request that leaves passes these two.
            event_hooks={"request": [guard], "response": [record]},
        )
        options = {
            **sdk_options,
            RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
            # A redirect is handed back instead of followed: Graph sends none, and a token must not travel with one.
            RedirectHandlerOption.get_key(): RedirectHandlerOption(max_redirect=0, should_redirect=False),
        }
        provider = BaseBearerTokenAuthenticationProvider(_provider(self._tokens, network))
        http = GraphClientFactory.create_with_default_middleware(client=client, options=options)
        adapter = GraphRequestAdapter(provider, client=http)
        adapter.base_url = f"{network.cloud.graph}/v1.0"
        return adapter, http, GraphServiceClient(request_adapter=adapter)


def _provider(tokens: TokenSource, network: Network) -> Any:
    """The SDK's access token provider over our token source, which keeps refusals whole."""
    from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator

    scope = network.cloud.scope(network.cloud.graph_resource)

    class Provider(AccessTokenProvider):
        async def get_authorization_token(
            self, uri: str, additional_authentication_context: dict[str, Any] | None = None
        ) -> str:
            del additional_authentication_context
            network.check(uri)
            return tokens.token(scope).reveal()

        def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
            return AllowedHostsValidator([])

    return Provider()
