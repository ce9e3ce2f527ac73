"""The site: one small application that every framework builds, and what is seen of it.

Its bodies are plain text and show the correlation ID where they are made ("None" without one):

| route | what it does |
| --- | --- |
| ``GET, HEAD /id`` | notes "handler" and shows the ID; also below ``/nested/`` |
| ``GET /async/id`` | the same in an asynchronous handler |
| ``POST /body`` | reads the whole body; shows the ID, a space and the body's length |
| ``GET /slow`` | shows the ID, waits 20 ms, and shows it again: "{id} {id}" |
| ``GET /error/handled`` | raises `RefusedError`, whose handler notes "error handler", with 409 |
| ``GET /error/unhandled`` | raises `BrokenError` |
| ``GET /redirect`` | redirects to ``/id`` with 302 |
| ``GET /stream``, ``/async/stream`` | streams `pieces()`, `async_pieces()` |
| ``GET /endless``, ``/async/endless`` | streams `endless()`, `async_endless()` |
| ``GET /events`` | Server-Sent Events: `events()`, type ``text/event-stream`` |
| ``GET /background`` | shows the ID; after the response, background work notes "background" |
| ``GET /thread`` | shows what `in_thread()` returns |
| ``GET /own-header`` | as ``/id``, with the headers `OWN_HEADERS` set by the handler |
| ``GET /constant`` | as ``/id``, with one and the same list of headers each time where possible |
| ``GET /headers`` | shows what `headers_seen` makes of the request's headers |
| ``GET /next`` | shows `sent_on()` |
| ``GET /deadline`` | shows `time_left()` |
| ``GET /metadata`` | shows what `read_metadata` gives after `write_metadata`, far apart |
| WebSocket ``/socket`` | accepts, notes "socket", sends the ID, answers one text with it, closes |
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import headrace
from headrace.logging import FlowFilter

Headers = Sequence[tuple[str, str]]

OWN_HEADERS = (
    ("x-correlation-id", "theirs"),
    ("Access-Control-Expose-Headers", "X-Other"),
)
PIECES = 3
PATIENCE = 30.0
"""Seconds to wait for what happens after a response."""

_log = logging.getLogger("site")


class RefusedError(Exception):
    """The site has a handler for this one."""


class BrokenError(Exception):
    """The site has no handler for this one."""


def note(place: str) -> None:
    """Log that `place` was reached."""
    _log.info(place)


def shown() -> str:
    """Return the correlation ID as the site shows it."""
    return str(headrace.current_flow_id())


def headers_seen(headers: Iterable[tuple[str, str]]) -> str:
    """Show the request's headers that may hold an ID, sorted, a line for each."""
    shown = sorted((name.lower().replace("_", "-"), value) for name, value in headers)
    return "".join(
        f"{name}: {value}\n"
        for name, value in shown
        # The tests' process has integrations of both protocols, and so adds its token.
        if name.startswith("x-") and name != "x-headrace-unit"
    )


def sent_on() -> str:
    """Show the ID of the unit that a receiver of a message from here opens."""
    carrier: dict[str, str] = {}
    headrace.inject(carrier)
    with headrace.detached(), headrace.open_context(remote=headrace.extract(carrier)):
        return shown()


def pieces() -> Iterator[bytes]:
    """Show the ID on three lines."""
    try:
        for _ in range(PIECES):
            note("piece")
            yield f"{shown()}\n".encode()
    finally:
        note("closed")


async def async_pieces() -> AsyncIterator[bytes]:
    """Show the ID on three lines, with pauses between them."""
    try:
        for _ in range(PIECES):
            await asyncio.sleep(0.001)
            note("piece")
            yield f"{shown()}\n".encode()
    finally:
        note("closed")


def endless() -> Iterator[bytes]:
    """Show the ID until the consumer goes away, or for half a minute."""
    try:
        for _ in range(3000):
            yield f"{shown()}\n".encode()
            time.sleep(0.01)
    finally:
        note("closed")


async def async_endless() -> AsyncIterator[bytes]:
    """Show the ID until the consumer goes away, or for half a minute."""
    try:
        for _ in range(3000):
            yield f"{shown()}\n".encode()
            await asyncio.sleep(0.01)
    finally:
        note("closed")


def events() -> Iterator[bytes]:
    """Send the ID in three events."""
    for _ in range(PIECES):
        note("piece")
        yield f"data: {shown()}\n\n".encode()


def in_thread() -> str:
    """Return the ID that a thread of a pool sees, and one that runs a bound function."""

    def look() -> str:
        note("thread")
        return shown()

    with headrace.ContextExecutor(ThreadPoolExecutor(1)) as pool:
        carried = pool.submit(look).result()
    with ThreadPoolExecutor(1) as pool:
        bound = pool.submit(headrace.bind(look)).result()
    return f"{carried} {bound}"


def time_left() -> str:
    """Return the minutes left of the deadline, or "None"."""
    left = headrace.remaining()
    return "None" if left is None else f"{left / 60:.0f}"


def write_metadata() -> None:
    """Write to the unit's metadata."""
    headrace.set_flow_context_value("written", "yes")


def read_metadata() -> str:
    """Return what `write_metadata` wrote."""
    return str(headrace.get_flow_context_value("written"))


class Line(NamedTuple):
    """A line of the site's log."""

    logger: str
    message: str
    flow_id: str
    error: str
    """The type of the exception whose traceback the line shows, or ""."""


class Log(Protocol):
    """The lines that a site has logged."""

    def lines(self) -> list[Line]:
        """Return them all."""
        ...


@dataclass
class Seen:
    """The answer to a request, and the log from its begin on."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    log: Log = field(repr=False)
    start: int
    """How many lines the log had before."""

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode()

    def header(self, name: str) -> list[str]:
        """Return the values of the header `name`, each as often as it came."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def lines(self) -> list[Line]:
        """What was logged since the request began."""
        return self.log.lines()[self.start :]

    def wait_for(self, what: str, matches: Callable[[Line], bool], count: int = 1) -> list[Line]:
        """Return the lines that match; fail unless there are `count` of them in good time."""
        until = time.monotonic() + PATIENCE
        while True:
            found = [line for line in self.lines if matches(line)]
            if len(found) >= count:
                return found
            if time.monotonic() > until:
                raise AssertionError(f"{count} lines with {what} expected, got {self.lines}")
            time.sleep(0.01)

    def notes(self, place: str, count: int = 1) -> list[Line]:
        """Return the site's own lines that say `place`."""
        return self.wait_for(
            repr(place), lambda line: line.logger == "site" and line.message == place, count
        )


class Client(Protocol):
    """A client of a running site."""

    log: Log

    def request(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Seen:
        """Send a request and read the answer; redirects are not followed.

        A header value goes to the site as it is, with any characters; a doubled header arrives as
        the framework's servers give it.
        """
        ...

    def abandon(self, path: str, headers: Headers = ()) -> Seen:
        """Read the first piece of the answer's body, and go away."""
        ...

    def at_once(self, path: str, headers: Sequence[Headers]) -> list[Seen]:
        """Send a request for `path` with each of `headers`, all at the same time."""
        ...

    def talk(self, path: str, headers: Headers, texts: Sequence[str]) -> Seen:
        """Open a WebSocket, send `texts`, and read until it is closed.

        The body is what was received, one message a line; the status is 101, or that of the
        refusal.
        """
        ...


class Framework(Protocol):
    """A framework's integration, under the contract."""

    name: str
    lacks: Mapping[str, str]
    """What it does not have, and why: ``async``, ``background``, ``websocket``, ``stream``..."""

    def serve(self, options: Mapping[str, Any], *, twice: bool) -> AbstractContextManager[Client]:
        """Build the site, set up with `options` of `HttpOptions`, and open a client of it.

        With `twice`, the middleware is in the stack a second time.
        """
        ...


class MemoryLog(logging.Handler):
    """The log of a site in this process."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(FlowFilter())
        self._lines: list[Line] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep `record`."""
        self._lines.append(line_of(record))

    def lines(self) -> list[Line]:
        """Return the lines so far."""
        return list(self._lines)


@contextlib.contextmanager
def memory_log() -> Iterator[MemoryLog]:
    """Keep what is logged inside the block; afterwards logging is as before."""
    log, root, factory = MemoryLog(), logging.getLogger(), logging.getLogRecordFactory()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.INFO)
    try:
        yield log
    finally:
        root.removeHandler(log)
        root.setLevel(level)
        logging.setLogRecordFactory(factory)


def line_of(record: logging.LogRecord) -> Line:
    """Return what the contract looks at of a record that a `FlowFilter` has seen."""
    error = record.exc_info[0] if record.exc_info else None
    name = "" if error is None else error.__name__
    return Line(record.name, record.getMessage(), vars(record)["flow_id"], name)


class LineFormatter(logging.Formatter):
    """Writes records as JSON, for the log of a site in another process."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return json.dumps(line_of(record))
