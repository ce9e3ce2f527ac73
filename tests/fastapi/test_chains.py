"""`run_chain` and `chain_error_handlers`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel
from starlette.testclient import TestClient

import headrace
from headrace import AsyncChain, Chain, ChainResult
from headrace_fastapi import chain_error_handlers, chain_responses, init_app, run_chain
from tests.asgi_client import http_scope, serve_asgi

HEADER = "X-Correlation-ID"


class Order(BaseModel):
    article: str
    count: int = 1


async def order_inputs(order: Order, fast: bool = False) -> Mapping[str, Any]:
    return {"article": order.article, "count": order.count, "fast": fast}


async def nothing() -> Mapping[str, Any]:
    return {}


async def a_list() -> list[str]:
    return []


async def reserve(article: str, count: int) -> str:
    return f"{count} {article} for {headrace.current_flow_id()}"


def reserve_sync(article: str, count: int) -> str:
    return asyncio.run(reserve(article, count))


def chain_of(kind: type[Any]) -> Any:
    function = reserve if kind is AsyncChain else reserve_sync
    return kind().next(function, out="reserved", args=["article", "count"])


def app_of(chain: Any, inputs: Callable[..., Any] = order_inputs, **options: Any) -> FastAPI:
    app = FastAPI()
    init_app(app)
    chain_error_handlers(app)
    place = run_chain(chain, inputs, **options)
    app.state.place = place

    @app.post("/orders", responses=chain_responses())
    async def view(result: ChainResult = Depends(place)) -> ChainResult:  # noqa: B008
        return result

    return app


@pytest.mark.parametrize("kind", [AsyncChain, Chain])
def test_the_chain_runs_under_the_requests_id(kind: type[Any]) -> None:
    """The inputs come from the request, the steps see its ID, and the result is a response."""
    response = TestClient(app_of(chain_of(kind))).post(
        "/orders?fast=1", json={"article": "tea", "count": 2}, headers={HEADER: "abc"}
    )
    assert response.status_code == 200
    expected = {"article": "tea", "count": 2, "fast": True, "reserved": "2 tea for abc"}
    assert response.json() == expected


def test_a_sync_chain_runs_in_a_thread() -> None:
    """A `Chain` does not block the event loop."""
    app = app_of(Chain().next(threading.get_ident, out="thread"), inputs=nothing)
    (thread,) = TestClient(app).post("/orders").json().values()
    assert thread != threading.get_ident()


def test_the_openapi_document_shows_the_inputs() -> None:
    """Body and query parameters of the inputs stand there, and nothing of the chain's own."""
    operation = app_of(chain_of(AsyncChain)).openapi()["paths"]["/orders"]["post"]
    assert [each["name"] for each in operation["parameters"]] == ["fast"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Order"}


def test_the_openapi_document_shows_header_and_errors_when_asked() -> None:
    """`chain_responses` adds the header to 200, and the three errors as problem details."""
    answers = app_of(chain_of(AsyncChain)).openapi()["paths"]["/orders"]["post"]["responses"]
    assert {*answers} == {"200", "422", "500", "504"}
    assert all([*answer["headers"]] == [HEADER] for answer in answers.values())
    assert "application/json" in answers["200"]["content"]
    for status in ("422", "500", "504"):
        schema = answers[status]["content"]["application/problem+json"]["schema"]
        assert schema["title"] == "Problem"
    # FastAPI's own answer to invalid input keeps its shape, which generated clients read.
    invalid = answers["422"]["content"]["application/json"]["schema"]
    assert {*invalid["properties"]["detail"]["items"]["properties"]} >= {"loc", "msg", "type"}


def test_the_dependency_can_be_overridden() -> None:
    """`app.dependency_overrides` replaces the run, and with it the inputs."""
    app = app_of(chain_of(AsyncChain))
    app.dependency_overrides[app.state.place] = lambda: ChainResult(reserved="nothing")
    assert TestClient(app).post("/orders").json() == {"reserved": "nothing"}


def test_the_chain_runs_once_for_several_parameters() -> None:
    """Two dependencies on one run get one and the same result."""
    runs = []
    place = run_chain(AsyncChain().next(lambda: runs.append(1), out="x"), nothing)
    app = FastAPI()

    @app.get("/")
    async def view(
        first: ChainResult = Depends(place),  # noqa: B008
        second: ChainResult = Depends(place),  # noqa: B008
    ) -> bool:
        return first is second

    assert TestClient(app).get("/").json() is True
    assert runs == [1]


async def fail() -> None:
    raise RuntimeError("the password is 123")


def refuse(result: Any) -> None:
    raise ValueError("there is no such article")


FAILING = {
    422: AsyncChain().next(asyncio.sleep, args=[0], name="look", validate=refuse),
    500: AsyncChain().next(fail, name="look"),
    504: AsyncChain().next(asyncio.sleep, args=[9], name="look", timeout=0.05),
}


@pytest.mark.parametrize("status", FAILING)
def test_errors_are_problem_details(status: int) -> None:
    """The response names the step and the ID; of a failure it says nothing that is not its own."""
    app = app_of(FAILING[status], inputs=nothing)
    response = TestClient(app).post("/orders", headers={HEADER: "abc"})
    assert (response.status_code, response.headers[HEADER]) == (status, "abc")
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["correlation_id"]) == (status, "abc")
    assert problem["step"] == "look"
    assert ("no such article" in problem["detail"]) == (status == 422)
    assert "password" not in response.text


@pytest.mark.guarantee(94)
def test_the_reason_of_a_rejection_has_no_secret() -> None:
    """Values that `redact` names are masked in the response as in the log."""

    def reject(result: Any) -> None:
        raise ValueError(f"refused: {result}")

    chain = AsyncChain(redact=["pin"]).put("pin", "4711")
    chain.next(asyncio.sleep, args=[0, "pin"], validate=reject, name="look")
    response = TestClient(app_of(chain, inputs=nothing)).post("/orders")
    assert response.status_code == 422
    assert response.json()["detail"] == "refused: ***"


def test_a_failed_step_is_in_the_log_with_the_id() -> None:
    """Though the error is handled, the chain's own line tells what went wrong."""
    with serve_asgi(app_of(FAILING[500], inputs=nothing)) as client:
        seen = client.request("POST", "/orders", [(HEADER, "abc")])
    (line,) = [line for line in seen.lines if line.logger == "headrace.chain"]
    assert "password" in line.message
    assert line.flow_id == "abc"


def test_errors_outside_of_any_unit_have_the_chains_id() -> None:
    """Without `init_app` the chain has a unit of its own, whose ID the problem tells."""
    app = FastAPI()
    chain_error_handlers(app)
    app.get("/", dependencies=[Depends(run_chain(FAILING[500], nothing))])(lambda: None)
    assert len(TestClient(app).get("/").json()["correlation_id"]) == 32


def test_handlers_of_the_application_win() -> None:
    """A handler for a chain error, set before or after, is asked instead of ours."""
    app = FastAPI()

    async def answer(request: Request, exc: Exception) -> Any:
        raise HTTPException(418)

    app.add_exception_handler(headrace.ChainError, answer)
    chain_error_handlers(app)
    assert app.exception_handlers[headrace.ChainError] is answer


def test_handlers_come_too_late_for_a_started_application() -> None:
    """Starlette would ignore them, so this is an error."""
    app = FastAPI()
    TestClient(app).get("/")
    with pytest.raises(RuntimeError, match="too late"):
        chain_error_handlers(app)


@pytest.mark.guarantee(43)
@pytest.mark.parametrize("kind", [AsyncChain, Chain])
def test_an_http_exception_in_a_step_is_the_response(kind: type[Any]) -> None:
    """It passes through the chain as it is, is not retried, and the undos run before it."""
    calls: list[str] = []

    def missing() -> None:
        calls.append("missing")
        raise HTTPException(404, "no such order", {"X-Other": "1"})

    def undo(result: Any) -> None:
        calls.append("undo")

    chain = kind().next(calls.copy, name="first", undo=undo).next(missing, retries=3)
    response = TestClient(app_of(chain, inputs=nothing)).post("/orders")
    assert (response.status_code, response.json()) == (404, {"detail": "no such order"})
    assert response.headers["X-Other"] == "1"
    assert calls == ["missing", "undo"]


def test_inputs_must_be_a_mapping() -> None:
    """A dependency that returns something else is named in the error."""
    client = TestClient(app_of(chain_of(AsyncChain), inputs=a_list))
    with pytest.raises(TypeError, match=r"inputs dependency a_list .* not list"):
        client.post("/orders")


@pytest.mark.parametrize(
    ("args", "options", "error"),
    [
        ((order_inputs, order_inputs), {}, TypeError),
        ((AsyncChain(), {"article": "tea"}), {}, TypeError),
        ((Chain(), nothing), {"cancel_on_disconnect": True}, ValueError),
    ],
)
def test_wrong_arguments_raise_at_once(
    args: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    """A wrong argument raises where the dependency is made."""
    with pytest.raises(error):
        run_chain(*args, **options)


class Waiting:
    """A chain whose second step waits, the request for it, and what has happened."""

    def __init__(self, **options: Any) -> None:
        self.seen: list[str] = []
        self.started, self.gone, self.go_on = (asyncio.Event() for _ in range(3))
        chain = AsyncChain().next(self.first, undo=self.undo).next(self.wait)
        self.app = app_of(chain, inputs=nothing, **options)
        self.sent: list[Any] = []

    async def first(self) -> None:
        self.seen.append("first")

    async def undo(self, result: Any) -> None:
        await asyncio.sleep(0)
        self.seen.append(f"undo {headrace.current_flow_id()}")

    async def wait(self) -> None:
        self.started.set()
        await self.go_on.wait()
        self.seen.append("waited")

    async def receive(self) -> dict[str, Any]:
        if not self.started.is_set() and not self.seen:
            return {"type": "http.request", "body": b""}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def request(self) -> asyncio.Task[None]:
        scope = http_scope("/orders", [(HEADER, "abc")], method="POST")
        return asyncio.ensure_future(self.app(scope, self.receive, self.send))


def test_a_client_that_goes_away_does_not_cancel_the_chain() -> None:
    """The chain runs to its end, as FastAPI's handlers do."""

    async def main() -> list[str]:
        waiting = Waiting()
        request = waiting.request()
        await waiting.started.wait()
        waiting.gone.set()
        await asyncio.sleep(0.01)
        waiting.go_on.set()
        await request
        return waiting.seen

    assert asyncio.run(main()) == ["first", "waited"]


def test_cancel_on_disconnect_cancels_the_chain_and_undoes_it() -> None:
    """The chain stops where it is, its undos run under the ID, and there is no noise."""

    async def main() -> Waiting:
        waiting = Waiting(cancel_on_disconnect=True)
        request = waiting.request()
        await waiting.started.wait()
        waiting.gone.set()
        await request
        return waiting

    waiting = asyncio.run(main())
    assert waiting.seen == ["first", "undo abc"]
    assert waiting.sent[0]["status"] == 499


def test_cancel_on_disconnect_leaves_a_waiting_client_alone() -> None:
    """As long as the client waits, the chain runs to its end and gives its result."""

    async def main() -> Waiting:
        waiting = Waiting(cancel_on_disconnect=True)
        waiting.go_on.set()
        await waiting.request()
        return waiting

    waiting = asyncio.run(main())
    assert waiting.seen == ["first", "waited"]
    assert waiting.sent[0]["status"] == 200


@pytest.mark.guarantee(15)
@pytest.mark.parametrize("cancel_on_disconnect", [False, True])
def test_a_cancelled_request_cancels_its_chain(cancel_on_disconnect: bool) -> None:
    """Cancelling the request from outside cancels the chain, whose undos run to their end."""

    async def main() -> list[str]:
        waiting = Waiting(cancel_on_disconnect=cancel_on_disconnect)
        request = waiting.request()
        await waiting.started.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        return waiting.seen

    assert asyncio.run(main()) == ["first", "undo abc"]


def test_the_body_is_there_for_the_handler_too() -> None:
    """With `cancel_on_disconnect`, a handler reads the body that nothing has declared."""
    app = FastAPI()
    place = run_chain(
        AsyncChain().next(asyncio.sleep, args=[0]), nothing, cancel_on_disconnect=True
    )

    @app.post("/")
    async def view(request: Request, result: ChainResult = Depends(place)) -> str:  # noqa: B008
        return (await request.body()).decode()

    assert TestClient(app).post("/", content=b"hello").json() == "hello"


def test_a_body_that_is_used_up_does_not_fail_the_chain() -> None:
    """The inputs may have read the body as a stream, or FastAPI as a form."""

    async def stream(request: Request) -> Mapping[str, Any]:
        return {"body": b"".join([part async for part in request.stream()]).decode()}

    chain = AsyncChain().next(asyncio.sleep, args=[0])
    client = TestClient(app_of(chain, inputs=stream, cancel_on_disconnect=True))
    response = client.post("/orders", content=b"hello")
    assert (response.status_code, response.json()) == (200, {"body": "hello"})


LAST = {"type": "http.request", "body": b"}"}


@pytest.mark.parametrize(
    "messages",
    [[], [LAST], [LAST, LAST]],
    ids=["in its body", "after its body", "after an extra message"],
)
def test_a_client_that_leaves_cancels_the_chain(messages: list[Any]) -> None:
    """With `cancel_on_disconnect`, it does not matter how far the body has come."""
    waiting = Waiting(cancel_on_disconnect=True)

    async def main() -> None:
        to_send = iter([{**LAST, "more_body": True}, *messages])

        async def receive() -> Any:
            for message in to_send:
                return message
            await waiting.started.wait()
            return {"type": "http.disconnect"}

        scope = http_scope("/orders", [(HEADER, "abc")], method="POST")
        await waiting.app(scope, receive, waiting.send)

    asyncio.run(main())
    assert waiting.seen == ["first", "undo abc"]
    assert waiting.sent[0]["status"] == 499


def test_background_tasks_and_forms_work_beside_a_chain() -> None:
    """A handler has its own parameters as ever."""
    done: list[str | None] = []
    app = FastAPI()
    init_app(app)
    place = run_chain(
        AsyncChain().next(asyncio.sleep, args=[0]), nothing, cancel_on_disconnect=True
    )

    @app.post("/", dependencies=[Depends(place)])
    async def view(tasks: BackgroundTasks, order: Annotated[Order, Depends()]) -> str:
        tasks.add_task(lambda: done.append(headrace.current_flow_id()))
        return order.article

    response = TestClient(app).post("/?article=tea", headers={HEADER: "abc"})
    assert (response.json(), done) == ("tea", ["abc"])


@pytest.mark.guarantee(59)
def test_a_misspelt_option_is_answered_with_the_nearest() -> None:
    """When the dependency is made."""
    with pytest.raises(TypeError, match="did you mean 'cancel_on_disconnect'"):
        run_chain(Chain(), order_inputs, cancel_on_disconect=True)
