"""Streaming responses: the unit lives until the body is exhausted or closed, wherever that is."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path

import headrace
from headrace_django.middleware import FlowMiddleware
from tests import sites
from tests.django.frameworks import FLOW_MIDDLEWARE
from tests.sites import MemoryLog
from tests.units import WatchedUnit

HEADER = "X-Correlation-ID"
HERE = "tests.django.test_streams"
held: ContextVar[str | None] = ContextVar("held", default=None)


def broken_pieces() -> Iterator[bytes]:
    """Fail behind the first piece."""
    yield b"piece"
    raise sites.BrokenError


async def broken_async_pieces() -> AsyncIterator[bytes]:
    """Fail behind the first piece."""
    yield b"piece"
    raise sites.BrokenError


class Closing:
    """A body with a `close` that notes where it runs."""

    def __init__(self) -> None:
        self._pieces = sites.pieces()

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Note it."""
        self._pieces.close()
        sites.note("released")


def stream(body: Callable[[], Any]) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that streams what `body` returns."""
    return lambda request: StreamingHttpResponse(body())  # type: ignore[return-value]


def file(request: HttpRequest) -> FileResponse:
    """Send an open file."""
    return FileResponse(Path(__file__).open("rb"))


urlpatterns = [
    path("stream", stream(sites.pieces)),
    path("async", stream(sites.async_pieces)),
    path("broken", stream(broken_pieces)),
    path("broken-async", stream(broken_async_pieces)),
    path("closing", stream(Closing)),
    path("file", file),
]


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Serve the routes above."""
    with override_settings(MIDDLEWARE=[FLOW_MIDDLEWARE], ROOT_URLCONF=HERE):
        yield


def wsgi(path: str, **environ: Any) -> Any:
    """Ask as a WSGI server does, and return the body."""
    request = RequestFactory(headers={HEADER: "abc"}).get(path)
    return WSGIHandler()(request.META | environ, lambda *args: io.BytesIO().write)


def read(response: Any) -> list[bytes]:
    """Read the body to its end and close it, as a WSGI server does."""
    with contextlib.closing(response):
        return [*response]


def asgi(path: str) -> list[bytes]:
    """Ask over ASGI, and return the pieces of the body."""

    async def ask() -> list[bytes]:
        response: Any = await AsyncClient().get(path, headers={HEADER: "abc"})
        return [piece async for piece in response]

    return asyncio.run(ask())


def ended(units: list[WatchedUnit]) -> list[tuple[str | None, BaseException | None]]:
    """Return how the units ended; one that is merely forgotten ends with a `GeneratorExit`."""
    return [(unit.outcome, unit.error) for unit in units]


def ids(log: MemoryLog, place: str) -> list[str]:
    """Return the IDs under which `place` was noted."""
    return [line.flow_id for line in log.lines() if line.message == place]


@pytest.mark.guarantee(12)
def test_unit_lives_as_long_as_the_body(log: MemoryLog, units: list[WatchedUnit]) -> None:
    """The unit has not ended when the response is there, and has when the body is exhausted."""
    response: Any = Client().get("/stream")
    assert [unit.outcome for unit in units] == [None]
    assert headrace.get_flow_context() is None
    body = iter(response)
    assert next(body).decode().strip() == response[HEADER]
    assert headrace.get_flow_context() is None
    assert [unit.outcome for unit in units] == [None]
    assert len([*body]) == sites.PIECES - 1
    assert [unit.outcome for unit in units] == ["ok"]
    response.close()
    assert ids(log, "closed") == [response[HEADER]]


@pytest.mark.guarantee(12)
def test_body_that_is_never_begun_ends_its_unit(units: list[WatchedUnit]) -> None:
    """A response that is closed before its first piece, as that to HEAD, ends its unit."""
    wsgi("/stream").close()
    assert ended(units) == [("ok", None)]


@pytest.mark.guarantee(12)
def test_body_is_closed_within_the_unit(log: MemoryLog, units: list[WatchedUnit]) -> None:
    """What the body does when it is abandoned, in `close` and `finally`, has the ID."""
    response = wsgi("/closing")
    next(iter(response))
    response.close()
    assert (ids(log, "closed"), ids(log, "released")) == (["abc"], ["abc"])
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(12)
def test_unit_of_a_failing_body_ends_with_the_error(
    log: MemoryLog, units: list[WatchedUnit]
) -> None:
    """An error within the body reaches the server, marked, and is how the unit ends."""
    response = wsgi("/broken")
    body = iter(response)
    assert next(body) == b"piece"
    with pytest.raises(sites.BrokenError) as caught:
        next(body)
    response.close()
    assert [unit.error for unit in units] == [caught.value]
    logging.getLogger("server").error("failed", exc_info=caught.value)
    assert [line.flow_id for line in log.lines() if line.error == "BrokenError"] == ["abc"]


@pytest.mark.guarantee(12)
def test_unit_of_a_failing_async_body_ends_with_the_error(units: list[WatchedUnit]) -> None:
    """The same for an asynchronous body."""
    with pytest.raises(sites.BrokenError) as caught:
        asgi("/broken-async")
    assert [unit.error for unit in units] == [caught.value]


@pytest.mark.guarantee(12)
def test_body_of_the_other_kind_is_within_the_unit(units: list[WatchedUnit]) -> None:
    """Over WSGI an asynchronous body is collected by Django, with a warning; it has the ID."""
    with pytest.warns(Warning, match="must consume asynchronous iterators"):
        body = read(wsgi("/async"))
    assert body == [b"abc\n"] * sites.PIECES
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(12)
def test_sync_body_over_asgi_is_within_the_unit(units: list[WatchedUnit]) -> None:
    """Over ASGI a synchronous body is collected in a thread, with a warning; it has the ID."""
    with pytest.warns(Warning, match="must consume synchronous iterators"):
        body = asgi("/stream")
    assert body == [b"abc\n"] * sites.PIECES
    assert [unit.outcome for unit in units] == ["ok"]


def test_open_file_is_left_to_the_server(units: list[WatchedUnit]) -> None:
    """A server that sends files by itself gets the file, and the unit ends when that is closed."""
    body = wsgi("/file", **{"wsgi.file_wrapper": FileWrapper})
    assert isinstance(body, FileWrapper)
    assert b"".join(body) == Path(__file__).read_bytes()
    assert [unit.outcome for unit in units] == [None]
    body.close()
    assert ended(units) == [("ok", None)]


def test_open_file_is_sent_by_django(units: list[WatchedUnit]) -> None:
    """Where the server has no wrapper, the same bytes come, and the file is closed."""
    body = wsgi("/file")
    assert b"".join(body) == Path(__file__).read_bytes()
    body.close()
    assert body.file_to_stream.closed
    assert ended(units) == [("ok", None)]


@pytest.mark.guarantee(4)
def test_variables_of_a_backend_stay_in_the_body() -> None:
    """What a backend holds in a context variable is there in the body and not in its consumer."""

    class Holding:
        @contextlib.contextmanager
        def unit(self, context: headrace.FlowContext) -> Iterator[None]:
            token = held.set(context.correlation_id)
            yield
            held.reset(token)

        @contextlib.contextmanager
        def span(self, *args: Any) -> Iterator[None]:
            yield

    def pieces() -> Iterator[str]:
        for _ in range(2):
            yield str(held.get())

    headrace.configure(backend=Holding())
    request = RequestFactory(headers={HEADER: "abc"}).get("/")
    response = FlowMiddleware(lambda request: StreamingHttpResponse(pieces()))(request)
    seen = []
    for piece in response:
        assert held.get() is None
        seen.append(piece)
    assert seen == [b"abc", b"abc"]
