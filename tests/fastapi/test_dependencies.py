"""`FlowId` and `CurrentFlow` as parameters of path operations."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fastapi import FastAPI, WebSocket
from starlette.testclient import TestClient

import headrace
from headrace_fastapi import CurrentFlow, FlowId, init_app

HEADER = "X-Correlation-ID"


def make_app(**options: object) -> FastAPI:
    app = FastAPI()
    init_app(app, **options)

    @app.get("/async")
    async def view(cid: FlowId, flow: CurrentFlow) -> list[str | None]:
        return [cid, flow.correlation_id, flow.kind]

    @app.get("/sync")
    def sync_view(cid: FlowId, flow: CurrentFlow) -> list[str | None]:
        return [cid, flow.correlation_id, flow.kind]

    @app.websocket("/ws")
    async def talk(socket: WebSocket, cid: FlowId, flow: CurrentFlow) -> None:
        await socket.accept()
        await socket.send_json([cid, flow.correlation_id, flow.kind])
        await socket.close()

    return app


@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_the_parameters_are_the_requests_unit(path: str) -> None:
    """`FlowId` is the ID of the request, `CurrentFlow` its context, in both kinds of handler."""
    response = TestClient(make_app()).get(path, headers={HEADER: "abc"})
    assert response.json() == ["abc", "abc", "http"]


def test_the_parameters_work_for_websockets() -> None:
    """A WebSocket's handler takes the same parameters, and gets the connection's unit."""
    client = TestClient(make_app())
    with client.websocket_connect("/ws", headers={HEADER: "abc"}) as socket:
        assert socket.receive_json() == ["abc", "abc", "websocket"]


def test_the_parameters_add_nothing_to_the_openapi_document() -> None:
    """The operations show no parameter and no body for them."""
    paths = make_app().openapi()["paths"]
    for path in ("/async", "/sync"):
        assert "parameters" not in paths[path]["get"]
        assert "requestBody" not in paths[path]["get"]


def test_a_path_without_a_unit_says_what_to_do() -> None:
    """On an excluded path the parameter cannot be given; the error names `init_app`."""
    client = TestClient(make_app(exclude_paths=["/async"]))
    with pytest.raises(headrace.OutsideFlowError, match="init_app"):
        client.get("/async")


def run_without_fastapi(code: str) -> str:
    blocked = "import sys; sys.modules['fastapi'] = None\n"
    command = [sys.executable, "-W", "error", "-c", blocked + code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_starlette_alone_suffices() -> None:
    """Without FastAPI the package imports, and `init_app` sets a Starlette application up."""
    code = """
from starlette.applications import Starlette
import headrace_fastapi
app = Starlette()
headrace_fastapi.init_app(app)
print(type(app.build_middleware_stack().app).__name__)
"""
    assert run_without_fastapi(code) == "FlowMiddleware"


def test_a_name_that_needs_fastapi_says_so() -> None:
    """Without FastAPI, `FlowId` raises an ImportError that tells what to install."""
    code = """
try:
    from headrace_fastapi import FlowId
except ImportError as error:
    print(error)
"""
    assert "FlowId needs FastAPI, which is not installed" in run_without_fastapi(code)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy names do not change what a misspelt one does."""
    import headrace_fastapi

    with pytest.raises(AttributeError, match="FlowIdd"):
        _ = headrace_fastapi.FlowIdd  # type: ignore[attr-defined]
    assert {"FlowId", "CurrentFlow"} <= set(dir(headrace_fastapi))


@pytest.mark.parametrize("blocked", ["fastapi", "asyncio"])
def test_a_failing_import_is_told_apart(monkeypatch: pytest.MonkeyPatch, blocked: str) -> None:
    """Only if FastAPI is missing does the error name it; any other missing module is as it is."""
    import headrace_fastapi

    monkeypatch.delattr(headrace_fastapi, "run_chain", raising=False)
    monkeypatch.delitem(sys.modules, "headrace_fastapi._chains", raising=False)
    monkeypatch.setitem(sys.modules, blocked, None)
    with pytest.raises(ImportError) as caught:
        _ = headrace_fastapi.run_chain
    assert ("needs FastAPI" in str(caught.value)) == (blocked == "fastapi")
