"""A request under faults: checks that hold for each framework."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import headrace
from tests.asgi_client import http_scope
from tests.faults.crossings import BrokenError, Crossings, Interrupt, each_fault

if TYPE_CHECKING:
    pass

ID = "order-1"


class Answer(NamedTuple):
    """A response."""

    status: int
    ids: list[str]
    body: bytes


def options(crossings: Crossings) -> dict[str, Any]:
    """Return options whose functions cross."""

    def is_valid(_: str) -> bool:
        crossings.cross("validator")
        return True

    def trusts(_: Any) -> bool:
        crossings.cross("trust_inbound")
        return True

    return {"validator": is_valid, "trust_inbound": trusts}


def check_faults(ask: Any) -> None:
    """Check that no fault in foreign code fails a request or calls the application twice."""

    def scenario(crossings: Crossings) -> None:
        calls: list[str] = []
        answer = ask(options(crossings), calls)
        assert len(calls) == 1
        assert (answer.status, answer.body) == (200, calls[0].encode())
        assert answer.ids == calls
        if crossings.reached not in {"validator", "trust_inbound"}:
            assert calls == [ID]
        assert headrace.get_flow_context() is None

    names = each_fault(scenario, BrokenError)
    assert {"validator", "trust_inbound", "backend: unit: __exit__", "log handler"} <= names


def check_interrupts(ask: Any) -> None:
    """Check that an interrupt in foreign code leaves nothing current."""

    def scenario(_: Crossings) -> None:
        calls: list[str] = []
        with contextlib.suppress(Interrupt, BaseExceptionGroup):
            ask(options(_), calls)
        assert len(calls) <= 1
        assert headrace.get_flow_context() is None

    assert len(each_fault(scenario, Interrupt)) > 4


def ask_asgi(app: Any) -> Answer:
    """Send a request to an ASGI application."""
    sent: list[Any] = []

    asked: list[bool] = []

    async def receive() -> Any:
        if asked:
            await asyncio.Event().wait()
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def main() -> None:
        try:
            await app(http_scope("/", [("X-Correlation-ID", ID)]), receive, send)
        finally:
            assert headrace.get_flow_context() is None

    asyncio.run(main())
    starts = [message for message in sent if message["type"] == "http.response.start"]
    body = b"".join(message.get("body", b"") for message in sent)
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in starts[0]["headers"]
    ]
    return Answer(starts[0]["status"], ids_of(headers), body)


def ask_wsgi(app: Any) -> Answer:
    """Send a request to a WSGI application."""
    started: list[Any] = []
    environ: dict[str, Any] = {}
    from wsgiref.util import setup_testing_defaults

    setup_testing_defaults(environ)
    environ["HTTP_X_CORRELATION_ID"] = ID

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        started.append((status, headers))
        return started.append

    body = app(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    status, headers = started[0]
    return Answer(int(status[:3]), ids_of(headers), content)


def ids_of(headers: Any) -> list[str]:
    """Return the values of the correlation header."""
    return [value for name, value in headers if name.lower() == "x-correlation-id"]


def log_and_show(calls: list[str]) -> str:
    """Act as a handler: log a line, and return the ID."""
    shown = str(headrace.current_flow_id())
    calls.append(shown)
    work()
    return shown


@headrace.flow("tests.requests").entrypoint(name="work")
def work() -> None:
    """Act as a step of the request."""
