"""What has a fixed extent, the call of an entrypoint or a request, leaves nothing behind."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import headrace
from headrace.asgi import FlowMiddleware
from headrace.wsgi import FlowMiddleware as WsgiMiddleware


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("backend", ["none", "logging"])
def test_unit_that_an_entrypoint_forgot_to_close_ends_with_it(backend: str) -> None:
    """The jobs after it on the same thread have IDs of their own, whatever observes."""
    headrace.configure(backend)
    jobs = headrace.flow(f"forgetful.{backend}")

    @jobs.entrypoint
    def job(number: int) -> str | None:
        if number == 0:
            headrace.open_context("LEAKED").__enter__()
        return headrace.current_flow_id()

    with ThreadPoolExecutor(1) as pool:
        ids = [pool.submit(job, number).result() for number in range(3)]
        assert pool.submit(headrace.current_flow_id).result() is None
    assert ids[0] == "LEAKED"
    assert "LEAKED" not in ids[1:]
    headrace.configure()


async def _ask(app: Any, scope: Any) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, None, send)
    return sent


async def _echo(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": (headrace.current_flow_id() or "").encode()})


def _scope() -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": "/", "headers": []}


@pytest.mark.guarantee(2)
def test_unit_that_a_request_forgot_to_close_ends_with_it() -> None:
    """The task that called the application sees no unit afterwards."""

    async def forget(_scope: Any, _receive: Any, _send: Any) -> None:
        headrace.open_context("LEAKED").__enter__()

    async def main() -> str | None:
        await _ask(FlowMiddleware(forget), _scope())
        return headrace.current_flow_id()

    assert asyncio.run(main()) is None


@pytest.mark.guarantee(1)
def test_scope_that_is_used_again_gets_a_unit_again() -> None:
    """A middleware around ours may call the application a second time with one scope."""
    scope = _scope()
    app = FlowMiddleware(_echo)
    first = asyncio.run(_ask(app, scope))
    second = asyncio.run(_ask(app, scope))
    ids = [messages[1]["body"] for messages in (first, second)]
    assert all(ids)
    assert ids[0] != ids[1]
    assert second[0]["headers"] == [(b"x-correlation-id", ids[1])]


@pytest.mark.guarantee(1)
def test_environ_that_is_used_again_gets_a_unit_again() -> None:
    """A cascade of WSGI applications calls them in turn with one environ."""

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [(headrace.current_flow_id() or "").encode()]

    wrapped = WsgiMiddleware(app)
    environ: dict[str, Any] = {"PATH_INFO": "/"}
    ids = [b"".join(wrapped(environ, lambda *_: lambda _: None)) for _ in range(2)]
    assert all(ids)
    assert ids[0] != ids[1]


def test_refused_request_has_its_line(caplog: pytest.LogCaptureFixture) -> None:
    """What is refused has been served, too; its method is escaped as its path is."""
    app = FlowMiddleware(_echo, on_invalid="reject")
    scope = _scope() | {"headers": [(b"x-request-id", b"a b")], "method": "G\x1bT\n"}
    with caplog.at_level("INFO"):
        asyncio.run(_ask(app, scope))
    lines = [r.getMessage() for r in caplog.records if vars(r).get("event") == "unit.end"]
    assert len(lines) == 1
    assert lines[0].startswith("G\\x1bT\\n / 400 in ")


def test_validator_is_asked_once() -> None:
    """A refused ID is judged a single time."""
    asked: list[str] = []
    app = FlowMiddleware(_echo, validator=lambda text: bool(asked.append(text)))
    asyncio.run(_ask(app, _scope() | {"headers": [(b"x-request-id", b"abc")]}))
    assert asked == ["abc"]


def test_asynchronous_validator_is_refused() -> None:
    """Its answer would come too late, and a coroutine is always true."""

    async def validate(_text: str) -> bool:
        return False

    with pytest.raises(TypeError, match="plain function"):
        FlowMiddleware(_echo, validator=validate)


def test_exception_that_takes_no_mark_goes_through_unchanged() -> None:
    """The user sees the error that was raised, and none of ours."""

    class StrangeError(Exception):
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            return None

    with pytest.raises(StrangeError), headrace.open_context():
        raise StrangeError


def test_wrong_description_and_new_are_refused_at_once() -> None:
    """A declaration is checked when it is made."""
    flow: Any = headrace.flow("refusing")
    with pytest.raises(TypeError, match="description="):
        flow.step(description=5)(lambda: None)
    with pytest.raises(TypeError, match="new="):
        flow.entrypoint(new="yes")(lambda: None)
