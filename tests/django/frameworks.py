"""Django under the contract: with its own test clients, over WSGI and ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from asgiref.testing import ApplicationCommunicator
from django.apps import apps
from django.core.handlers.asgi import ASGIHandler
from django.test import AsyncClient, Client, override_settings

from tests.sites import Headers, MemoryLog, Seen, memory_log

FLOW_MIDDLEWARE = "headrace_django.middleware.FlowMiddleware"
SITE_MIDDLEWARE = "tests.django.site.SiteMiddleware"
SYNC_MIDDLEWARE = "tests.django.site.SyncMiddleware"
NOT_IN_DJANGO = {
    "background": "Django has no background work of its own",
    "websocket": "Django has no WebSockets; test_channels.py has Channels",
}


@contextlib.contextmanager
def settings_for(
    options: Mapping[str, Any], urlconf: str, *, twice: bool = False, inside: Sequence[str] = ()
) -> Iterator[None]:
    """Set Django up with the `options` of the integration, as `ready` does it."""
    headrace_settings = {name.upper(): value for name, value in options.items()}
    ours = [FLOW_MIDDLEWARE, FLOW_MIDDLEWARE] if twice else [FLOW_MIDDLEWARE]
    middleware = [*ours, *inside, SITE_MIDDLEWARE]
    with override_settings(HEADRACE=headrace_settings, MIDDLEWARE=middleware, ROOT_URLCONF=urlconf):
        apps.get_app_config("headrace_django").ready()
        yield


def joined(headers: Headers) -> dict[str, str]:
    """Return `headers` as servers give them: a doubled one's values with a comma between."""
    merged: dict[str, str] = {}
    for name, value in headers:
        merged[name] = f"{merged[name]},{value}" if name in merged else value
    return merged


class WsgiClient:
    """Django's test client."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log

    def _response(self, method: str, path: str, headers: Headers, body: bytes = b"") -> Any:
        # A client for each request, for they come from several threads.
        client = Client(raise_request_exception=False)
        return client.generic(method, path, body, "text/plain", headers=joined(headers))

    def request(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Seen:
        """Send a request and read the answer."""
        start = len(self.log.lines())
        response = self._response(method, path, headers, body)
        content = b"".join(response)
        return Seen(response.status_code, [*response.items()], content, self.log, start)

    def abandon(self, path: str, headers: Headers = ()) -> Seen:
        """Read one piece, and close the response, as a server does."""
        start = len(self.log.lines())
        response = self._response("GET", path, headers)
        piece = next(iter(response))
        response.close()
        return Seen(response.status_code, [*response.items()], piece, self.log, start)

    def at_once(self, path: str, headers: Sequence[Headers]) -> list[Seen]:
        """Send the requests from a thread each."""
        with ThreadPoolExecutor(len(headers)) as pool:
            return list(pool.map(lambda each: self.request("GET", path, each), headers))

    def talk(self, path: str, headers: Headers, texts: Sequence[str]) -> Seen:
        """Django has no WebSockets."""
        raise NotImplementedError


@dataclass(frozen=True)
class DjangoWsgi:
    """Django over WSGI."""

    urlconf: str = "tests.django.site"
    name = "Django (WSGI)"
    lacks = NOT_IN_DJANGO | {
        "async stream": "over WSGI, Django collects an asynchronous stream in a list, and warns",
    }

    @contextlib.contextmanager
    def serve(self, options: Mapping[str, Any], *, twice: bool) -> Iterator[WsgiClient]:
        """Build the site, and open a client of it."""
        with memory_log() as log, settings_for(options, self.urlconf, twice=twice):
            yield WsgiClient(log)


class AsgiClient:
    """Django's asynchronous test client."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log

    def request(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Seen:
        """Send a request and read the answer."""
        return asyncio.run(self._request(method, path, headers, body))

    async def _request(
        self, method: str, path: str, headers: Headers = (), body: bytes = b""
    ) -> Seen:
        start = len(self.log.lines())
        client = AsyncClient(raise_request_exception=False)
        response: Any = await client.generic(
            method, path, body, "text/plain", headers=joined(headers)
        )
        with warnings.catch_warnings():
            # Django warns of each synchronous stream that it sends over ASGI.
            warnings.filterwarnings("ignore", "StreamingHttpResponse must consume")
            content = (
                b"".join([piece async for piece in response])
                if response.streaming
                else response.content
            )
        return Seen(response.status_code, [*response.items()], content, self.log, start)

    def abandon(self, path: str, headers: Headers = ()) -> Seen:
        """Read one piece, and disconnect."""
        return asyncio.run(self._abandon(path, headers))

    async def _abandon(self, path: str, headers: Headers) -> Seen:
        start = len(self.log.lines())
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        scope = {"type": "http", "method": "GET", "path": path, "headers": raw}
        app = ApplicationCommunicator(ASGIHandler(), scope)
        await app.send_input({"type": "http.request"})
        began = await app.receive_output()
        piece = await app.receive_output()
        await app.send_input({"type": "http.disconnect"})
        await app.wait()
        pairs = [(name.decode(), value.decode("latin-1")) for name, value in began["headers"]]
        return Seen(began["status"], pairs, piece["body"], self.log, start)

    def at_once(self, path: str, headers: Sequence[Headers]) -> list[Seen]:
        """Send the requests from a task each."""

        async def gather() -> list[Seen]:
            return await asyncio.gather(*(self._request("GET", path, each) for each in headers))

        return asyncio.run(gather())

    def talk(self, path: str, headers: Headers, texts: Sequence[str]) -> Seen:
        """Django has no WebSockets."""
        raise NotImplementedError


@dataclass(frozen=True)
class DjangoAsgi:
    """Django over ASGI.

    Attributes:
        urlconf: the site's URLconf.
        inside: middleware between ours and the site's.
    """

    urlconf: str = "tests.django.site_async"
    inside: tuple[str, ...] = ()
    name = "Django (ASGI)"
    lacks = NOT_IN_DJANGO

    @contextlib.contextmanager
    def serve(self, options: Mapping[str, Any], *, twice: bool) -> Iterator[AsgiClient]:
        """Build the site, and open a client of it."""
        settings = settings_for(options, self.urlconf, twice=twice, inside=self.inside)
        with memory_log() as log, settings:
            yield AsgiClient(log)
