"""Flask under the contract, with its own test client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from headrace.wsgi import FlowMiddleware
from headrace_flask import Headrace
from tests.flask.site import create_site
from tests.sites import Headers, MemoryLog, Seen, memory_log


class FlaskClient:
    """Flask's test client."""

    def __init__(self, app: Flask, log: MemoryLog) -> None:
        self._app = app
        self.log = log

    def _open(self, method: str, path: str, headers: Headers, body: bytes = b"") -> Any:
        # As servers do it, and Werkzeug's test client does not: any characters, doubled headers.
        environ: dict[str, str] = {}
        for name, value in headers:
            key = "HTTP_" + name.upper().replace("-", "_")
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        client = self._app.test_client()
        return client.open(path, method=method, data=body, environ_overrides=environ)

    def request(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Seen:
        """Send a request and read the answer."""
        start = len(self.log.lines())
        with self._open(method, path, headers, body) as response:
            content = response.data
        return Seen(response.status_code, [*response.headers], content, self.log, start)

    def abandon(self, path: str, headers: Headers = ()) -> Seen:
        """Read one piece, and close the response, as a server does."""
        start = len(self.log.lines())
        with self._open("GET", path, headers) as response:
            piece = next(iter(response.response))
        return Seen(response.status_code, [*response.headers], piece, self.log, start)

    def at_once(self, path: str, headers: Sequence[Headers]) -> list[Seen]:
        """Send the requests from a thread each."""
        with ThreadPoolExecutor(len(headers)) as pool:
            return list(pool.map(lambda each: self.request("GET", path, each), headers))

    def talk(self, path: str, headers: Headers, texts: Sequence[str]) -> Seen:
        """Flask has no WebSockets."""
        raise NotImplementedError


class FlaskWsgi:
    """Flask."""

    name = "Flask"
    lacks: Mapping[str, str] = {
        "async stream": "WSGI has no asynchronous bodies",
        "websocket": "Flask has no WebSockets",
    }

    @contextlib.contextmanager
    def serve(self, options: Mapping[str, Any], *, twice: bool) -> Iterator[FlaskClient]:
        """Build the site, and open a client of it."""
        with memory_log() as log:
            app = create_site()
            if twice:
                app.wsgi_app = FlowMiddleware(app.wsgi_app)  # type: ignore[method-assign]
            Headrace(app, **options)
            yield FlaskClient(app, log)
