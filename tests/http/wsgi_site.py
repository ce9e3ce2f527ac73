"""The site of `tests.sites` as a plain WSGI application, and a client for it."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from headrace.wsgi import FlowMiddleware
from tests import sites
from tests.sites import Headers, Log, Seen, memory_log

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

TEXT = ("Content-Type", "text/plain; charset=utf-8")


class Text:
    """A view that shows what `make` returns."""

    def __init__(
        self,
        make: Callable[[], str] = sites.shown,
        status: str = "200 OK",
        headers: Headers = (),
        place: str | None = None,
    ) -> None:
        self.make = make
        self.status = status
        self.headers = [TEXT, *headers]
        self.place = place

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self.place is not None:
            sites.note(self.place)
        if environ["REQUEST_METHOD"] == "DELETE":
            start_response("405 Method Not Allowed", self.headers)
            return [b""]
        body = self.make().encode()
        # One and the same list each time.
        start_response(self.status, self.headers)
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def measure(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    size = len(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    start_response("200 OK", [TEXT])
    return [f"{sites.shown()} {size}".encode()]


def fail(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Fail in mid-stream: as long as nothing is sent, the server answers with its own headers."""
    start_response("500 Internal Server Error", [TEXT])
    yield b"oh"
    raise sites.BrokenError


def stream(body: Callable[[], Iterator[bytes]]) -> WSGIApplication:
    """Return a view that streams `body`."""

    def view(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TEXT])
        return body()

    return view


def wait() -> str:
    before = sites.shown()
    time.sleep(0.02)
    return f"{before} {sites.shown()}"


def metadata() -> str:
    sites.write_metadata()
    return sites.read_metadata()


def show_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    pairs = [(key[5:], value) for key, value in environ.items() if key.startswith("HTTP_")]
    start_response("200 OK", [TEXT])
    return [sites.headers_seen(pairs).encode()]


def nothing() -> str:
    return ""


VIEWS: dict[str, WSGIApplication] = {
    "/id": Text(place="handler"),
    "/nested/id": Text(place="handler"),
    "/body": measure,
    "/slow": Text(wait),
    "/error/handled": Text(status="409 Conflict", place="error handler"),
    "/error/unhandled": fail,
    "/redirect": Text(nothing, "302 Found", [("Location", "/id")]),
    "/stream": stream(sites.pieces),
    "/endless": stream(sites.endless),
    "/events": stream(sites.events),
    "/thread": Text(sites.in_thread),
    "/own-header": Text(headers=sites.OWN_HEADERS),
    "/constant": Text(),
    "/headers": show_headers,
    "/next": Text(sites.sent_on),
    "/deadline": Text(sites.time_left),
    "/metadata": Text(metadata),
}

not_found = Text(nothing, "404 Not Found")


def site(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Call the view of the path."""
    return VIEWS.get(environ["PATH_INFO"], not_found)(environ, start_response)


def make_app(options: Mapping[str, Any], *, twice: bool = False) -> WSGIApplication:
    """Build the site."""
    app = FlowMiddleware(site, **options)
    return FlowMiddleware(app, **options) if twice else app


class WsgiClient:
    """A `tests.sites.Client` of a WSGI application, which is checked against the standard."""

    def __init__(self, app: WSGIApplication, log: Log) -> None:
        self.app = validator(app)
        self.log = log

    def request(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Seen:
        start = len(self.log.lines())
        with self._ask(method, path, headers, body) as (answer, pieces):
            try:
                content = b"".join(pieces)
            except Exception:
                logging.getLogger("server").exception("Error handling request")
                content = b""
        return Seen(*answer, content, self.log, start)

    def abandon(self, path: str, headers: Headers = ()) -> Seen:
        start = len(self.log.lines())
        with self._ask("GET", path, headers) as (answer, pieces):
            first = next(iter(pieces))
        return Seen(*answer, first, self.log, start)

    def at_once(self, path: str, headers: Sequence[Headers]) -> list[Seen]:
        with ThreadPoolExecutor(len(headers)) as pool:
            return list(pool.map(lambda each: self.request("GET", path, each), headers))

    def talk(self, path: str, headers: Headers, texts: Sequence[str]) -> Seen:
        raise NotImplementedError

    @contextlib.contextmanager
    def _ask(
        self, method: str, path: str, headers: Headers, body: bytes = b""
    ) -> Iterator[tuple[list[Any], Iterable[bytes]]]:
        answer: list[Any] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], *exc_info: Any
        ) -> Callable[[bytes], object]:
            answer[:] = [int(status[:3]), headers]
            return lambda piece: None

        pieces: Any = ()
        try:
            pieces = self.app(make_environ(method, path, headers, body), start_response)
        except Exception:
            logging.getLogger("server").exception("Error handling request")
        try:
            yield answer, pieces
        finally:
            if pieces:
                pieces.close()


def make_environ(
    method: str, path: str, headers: Headers = (), body: bytes = b""
) -> dict[str, Any]:
    """Return the environ of a request; doubled headers are joined, as servers do it."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.replace("%1b", "\x1b"),
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    setup_testing_defaults(environ)
    return environ


class WsgiSite:
    """Plain WSGI under the contract."""

    name = "WSGI"
    lacks: Mapping[str, str] = {
        "async": "WSGI has no asynchronous applications",
        "async stream": "WSGI has no asynchronous bodies",
        "background": "WSGI has no background work",
        "websocket": "WSGI has no WebSockets",
    }

    @contextlib.contextmanager
    def serve(self, options: Mapping[str, Any], *, twice: bool) -> Iterator[WsgiClient]:
        with memory_log() as log:
            yield WsgiClient(make_app(options, twice=twice), log)
