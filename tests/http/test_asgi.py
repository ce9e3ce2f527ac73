"""`headrace.asgi.FlowMiddleware`: what it passes on, and what it leaves alone."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import logging
import weakref
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

import headrace
from headrace import asgi, wsgi
from headrace.asgi import FlowMiddleware
from headrace.integration import HttpOptions, HttpPolicy
from tests.asgi_client import LikeAServer, http_scope
from tests.sites import memory_log
from tests.units import watched_units

ID = (b"x-correlation-id", b"abc")
OTHER = (b"x-other", b"1")


def call(app: Any, scope: dict[str, Any], messages: Iterable[Any] = ()) -> list[Any]:
    """Call `app` as a server does, and return what it sent."""
    sent: list[Any] = []
    incoming = iter(messages)

    async def receive() -> Any:
        return next(incoming)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def sending(*messages: Any) -> Any:
    """Return an application that sends `messages`, these very objects."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def scope_of(kind: str, **more: Any) -> dict[str, Any]:
    return http_scope("/", [("x-correlation-id", "abc")], **{"type": kind, **more})


@pytest.mark.guarantee(14)
def test_lifespan_passes_untouched() -> None:
    """Scope, receive and send of the lifespan protocol reach the application as they are."""
    seen: list[Any] = []

    async def app(*args: Any) -> None:
        seen.extend([*args, headrace.current_flow_id()])

    args: list[Any] = [{"type": "lifespan"}, object(), object()]
    with memory_log() as log:
        asyncio.run(FlowMiddleware(app)(*args))
    assert log.lines() == []
    assert all(mine is theirs for mine, theirs in zip(seen, [*args, None], strict=True))
    assert args[0] == {"type": "lifespan"}


@pytest.mark.guarantee(17)
def test_messages_of_the_application_are_not_changed() -> None:
    """A constant message with a constant list of headers is the same after two requests."""
    headers = [OTHER]
    message = {"type": "http.response.start", "status": 200, "headers": headers}
    app = FlowMiddleware(sending(message))
    for _ in range(2):
        (sent,) = call(app, scope_of("http"))
        assert sent == {**message, "headers": [OTHER, ID]}
    assert message == {"type": "http.response.start", "status": 200, "headers": [OTHER]}
    assert message["headers"] is headers


@pytest.mark.guarantee(17)
def test_headers_of_the_same_name_are_replaced_in_any_case() -> None:
    """The application's own correlation headers go, however they are written; others stay."""
    headers = [(b"X-Correlation-ID", b"theirs"), OTHER, (b"x-correlation-id", b"theirs")]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    (sent,) = call(FlowMiddleware(sending(start)), scope_of("http"))
    assert sent["headers"] == [OTHER, ID]


def test_a_response_without_headers_gets_ours() -> None:
    """`headers` is optional in the message, and may be any iterable."""
    without = {"type": "http.response.start", "status": 204}
    (sent,) = call(FlowMiddleware(sending(without)), scope_of("http"))
    assert sent["headers"] == [ID]
    (sent,) = call(FlowMiddleware(sending({**without, "headers": iter([OTHER])})), scope_of("http"))
    assert sent["headers"] == [OTHER, ID]


def test_other_messages_are_passed_on_as_they_are() -> None:
    """Bodies, trailers, debug and push messages are the application's own objects."""
    messages = [
        {"type": "http.response.body", "body": b"x", "more_body": True},
        {"type": "http.response.trailers", "headers": []},
        {"type": "http.response.debug", "info": {}},
        {"type": "websocket.send", "text": "x"},
        {"type": "websocket.close"},
    ]
    sent = call(FlowMiddleware(sending(*messages)), scope_of("http"))
    assert all(mine is theirs for mine, theirs in zip(sent, messages, strict=True))


@pytest.mark.guarantee(14)
def test_the_header_is_in_the_handshake_of_a_websocket() -> None:
    """Accepting and denying a connection both carry the ID."""
    accept = {"type": "websocket.accept", "subprotocol": "chat"}
    denial = {"type": "websocket.http.response.start", "status": 403, "headers": []}
    sent = call(FlowMiddleware(sending(accept, denial)), scope_of("websocket"))
    assert sent == [{**accept, "headers": [ID]}, {**denial, "headers": [ID]}]


def test_a_websocket_is_refused_by_closing_where_there_is_no_other_way() -> None:
    """Without the server's extension for denials, `reject` closes before accepting."""
    app = FlowMiddleware(sending(), on_invalid="reject")
    scope = http_scope("/", [("x-correlation-id", "not valid")], type="websocket")
    assert call(app, scope) == [{"type": "websocket.close", "code": 1008}]


class PrivateScope(dict[str, Any]):
    """A scope whose user and session must not be looked at."""

    def __getitem__(self, key: str) -> Any:
        assert key not in {"user", "session", "auth"}
        return super().__getitem__(key)

    get = __getitem__  # type: ignore[assignment]


@pytest.mark.guarantee(16)
def test_user_and_session_are_left_alone() -> None:
    """The middleware looks at neither, in whatever options it has."""
    scope = PrivateScope(scope_of("http", user=object(), session=object(), extensions={}))
    start = {"type": "http.response.start", "status": 200}
    app = FlowMiddleware(sending(start), accept_deadline=True, expose_header=True)
    assert call(app, scope)[0]["status"] == 200


@pytest.mark.guarantee(12)
def test_a_client_that_has_gone_is_an_error_of_send_alone() -> None:
    """Where `send` raises OSError for a client that has gone, the application gets just that."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(OSError, match="gone"):
            await send({"type": "http.response.start", "status": 200})

    async def send(message: Any) -> None:
        raise OSError("gone")

    async def receive() -> Any: ...

    with watched_units() as units:
        asyncio.run(FlowMiddleware(app)(scope_of("http"), receive, send))
    assert [unit.outcome for unit in units] == ["ok"]


@pytest.mark.guarantee(15)
@pytest.mark.parametrize("level", ["WARNING", "INFO"])
def test_a_cancelled_request_restores_and_reports(
    level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Cancelled in the middle, the unit ends as `cancelled` and the caller's is current again."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    async def main() -> headrace.FlowContext | None:
        with headrace.open_context():
            request = FlowMiddleware(app)(scope_of("http"), app, app)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(request, 0.01)
            with pytest.raises(asyncio.CancelledError):
                await cancelled_here(FlowMiddleware(app)(scope_of("http"), app, app))
            return headrace.get_flow_context()

    caplog.set_level(level, "headrace")
    with watched_units() as units:
        left = asyncio.run(main())
    assert left is units[0].context
    assert [unit.outcome for unit in units] == ["ok", "cancelled", "cancelled"]


async def cancelled_here(request: Any) -> None:
    """Await `request` in this very task, which is cancelled meanwhile."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_later(0.01, task.cancel)
    await request


@pytest.mark.guarantee(2)
def test_the_callers_step_is_current_again() -> None:
    """An application called from inside a step sees no step, and the caller sees its own again."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        context = headrace.get_flow_context()
        assert context is not None
        seen.append((context.correlation_id, context.step))

    async def main() -> None:
        with headrace.flow("outer").open() as context:
            await headrace.step("outer", name="caller")(in_step)(context)

    async def in_step(context: headrace.FlowContext) -> None:
        await FlowMiddleware(app)(scope_of("http"), app, app)
        seen.append((headrace.get_flow_context() is context, context.step))

    asyncio.run(main())
    assert seen == [("abc", None), (True, "caller")]


@pytest.mark.guarantee(1)
def test_a_request_never_joins_an_active_unit() -> None:
    """Called where another request's unit is still current, a request opens its own, uncaused."""
    contexts: list[headrace.FlowContext | None] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        contexts.append(headrace.get_flow_context())

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)
        await FlowMiddleware(inner)(http_scope("/"), receive, send)

    asyncio.run(FlowMiddleware(outer)(http_scope("/"), inner, inner))
    first, second = contexts
    assert first is not None
    assert second is not None
    assert first.correlation_id != second.correlation_id
    assert second.causation_id is None


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(9)
def test_the_line_of_an_error_has_the_id_of_its_own_request() -> None:
    """Asyncio may start a request in the context of an earlier one on the same connection.

    The server's line of the traceback, after the second unit's end, then names the second request.
    """
    contexts: list[contextvars.Context] = []

    async def first(scope: Any, receive: Any, send: Any) -> None:
        contexts.append(contextvars.copy_context())

    async def second(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("on purpose")

    async def main() -> None:
        scopes = [http_scope("/", [("x-correlation-id", name)]) for name in ("first", "second")]
        await LikeAServer(FlowMiddleware(first))(scopes[0], first, first)
        request = LikeAServer(FlowMiddleware(second))(scopes[1], first, first)
        with pytest.raises(LookupError):
            await asyncio.get_running_loop().create_task(request, context=contexts[0])

    with memory_log() as log:
        asyncio.run(main())
    assert [line.flow_id for line in log.lines() if line.error] == ["second"]


def test_work_that_outlives_its_request_keeps_the_id() -> None:
    """A task that a handler leaves behind logs under the request's ID, its own errors included."""
    left: list[asyncio.Task[None]] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        try:
            raise LookupError("on purpose")
        except LookupError:
            logging.getLogger("work").exception("failed")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        left.append(asyncio.ensure_future(work()))

    async def main() -> None:
        await FlowMiddleware(app)(scope_of("http"), app, app)
        await left[0]

    with memory_log() as log:
        asyncio.run(main())
    assert [line.flow_id for line in log.lines() if line.error] == ["abc"]


def either(*args: Any) -> Any:
    """An application that may be of either protocol."""


@pytest.mark.parametrize("options", [{"request_header": "X"}, {"exclude_paths": "/health"}])
def test_wrong_options_raise_when_it_is_made(options: dict[str, Any]) -> None:
    """An unknown option, and a string where a list belongs, are TypeErrors."""
    with pytest.raises(TypeError):
        FlowMiddleware(sending(), **options)


@pytest.mark.parametrize("middleware", [asgi.FlowMiddleware, wsgi.FlowMiddleware])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("request_header", "did you mean 'request_headers'?"),
        (
            "header",
            "it is an option of headrace.configure(); this call takes request_headers, response_",
        ),
        (
            "zzz",
            "choose one of request_headers, response_header, trust_inbound, validator, on_invalid",
        ),
    ],
)
def test_unknown_option_is_told_with_those_that_there_are(
    middleware: Any, name: str, hint: str
) -> None:
    """The message names the public function, not an internal one."""
    with pytest.raises(TypeError) as caught:
        middleware(either, **{name: "X"})
    assert str(caught.value).startswith(f"FlowMiddleware() has no option {name!r}; {hint}")


def test_a_fault_of_the_middleware_costs_the_unit_and_not_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where our own code fails, that is logged, and the request is served without a unit."""

    def fail(*args: Any) -> None:
        raise RuntimeError("a fault of ours")

    def admit_nonsense(*args: Any) -> Any:
        context = headrace.FlowContext()
        context.correlation_id = None  # type: ignore[assignment]
        return context, False

    start = {"type": "http.response.start", "status": 200, "headers": [OTHER]}
    for admit, error in ((fail, "RuntimeError"), (admit_nonsense, "TypeError")):
        app = FlowMiddleware(sending(start))
        monkeypatch.setattr(app, "_admit", admit)
        dotted = [(b"x-correlation-id", b"a.b")]  # not one of the IDs that are admitted in short
        with memory_log() as log:
            assert call(app, {**scope_of("http"), "headers": dotted}) == [start]
        assert [line.error for line in log.lines()] == [error]


def test_an_application_that_sends_nonsense_is_served_as_it_is() -> None:
    """Headers that are none are the server's to complain about."""
    start = {"type": "http.response.start", "status": 200, "headers": [b"nonsense"]}
    with memory_log():
        assert call(FlowMiddleware(sending(start)), scope_of("http")) == [start]


@pytest.mark.guarantee(111)
def test_request_header_replaces_every_spelling_in_a_new_list() -> None:
    """The scope is the same object; the server's list, which it may reuse, is unchanged."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    sent = [
        (b"X-Correlation-ID", b"a"),
        (b"x_correlation_id", b"b"),
        (b"X_Request_Id", b"c"),
        OTHER,
    ]
    scope = {**scope_of("http"), "headers": sent}
    call(FlowMiddleware(app, write_request_header=True), scope)
    assert seen[0] is scope
    assert scope["headers"] == [OTHER, (b"x-correlation-id", scope["headers"][-1][1])]
    assert len(sent) == 4


@pytest.mark.guarantee(111)
def test_request_of_a_refused_websocket_and_of_a_lifespan_stay_as_they_are() -> None:
    """The header is written for the application only."""
    scope = {"type": "lifespan", "headers": [ID]}
    call(FlowMiddleware(sending(), write_request_header=True), scope)
    assert scope["headers"] == [ID]


@pytest.mark.guarantee(61)
def test_function_that_decides_on_trust_is_given_the_scope() -> None:
    """The function is called once per request, with its scope."""
    asked: list[Any] = []

    def trust(scope: Any) -> bool:
        asked.append(scope)
        return True

    app = FlowMiddleware(sending(), trust_inbound=trust)
    scope = scope_of("http")
    call(app, scope)
    assert len(asked) == 1
    assert asked[0] is scope


class Asynchronous:
    """A function of one argument with an awaitable result."""

    async def __call__(self, argument: Any) -> bool:
        """Return False."""
        return False


def generating(argument: Any) -> Any:
    """Return a generator, which is always truthy."""
    yield False


@pytest.mark.parametrize("middleware", [asgi.FlowMiddleware, wsgi.FlowMiddleware])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"request_headers": [], "write_request_header": True}, "but it is empty"),
        (
            {"request_headers": ["X-Amzn-Trace-Id", "X-A"], "write_request_header": True},
            "X-Amzn-Trace-Id has its own format",
        ),
        ({"response_header": None, "expose_header": True}, "remove one of the two"),
        ({"response_header": ""}, "not an HTTP header name"),
        ({"trust_inbound": None}, "must be True, False or a function"),
        ({"trust_inbound": asyncio.sleep}, "trust_inbound must be a plain function"),
        ({"validator": asyncio.sleep}, "validator must be a plain function"),
        ({"validator": Asynchronous()}, "validator must be a plain function"),
        ({"trust_inbound": partial(Asynchronous())}, "trust_inbound must be a plain function"),
        ({"validator": generating}, "validator must be a plain function"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    middleware: Any, options: dict[str, Any], message: str
) -> None:
    """The error gives the problem and the solution."""
    with pytest.raises((TypeError, ValueError), match=message):
        middleware(either, **options)


@pytest.mark.parametrize("middleware", [asgi.FlowMiddleware, wsgi.FlowMiddleware])
def test_middleware_that_is_gone_follows_no_configuration(middleware: Any) -> None:
    """`configure` keeps no middleware alive."""
    gone = weakref.ref(middleware(either))
    gc.collect()
    assert gone() is None
    headrace.configure(header="X-Other")
    headrace.configure()


# --- Excluded paths -------------------------------------------------------------------------------


def showing(seen: list[Any]) -> Any:
    """Return an application that records the current ID."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(headrace.current_flow_id())

    return app


@pytest.mark.guarantee(51)
@pytest.mark.parametrize(
    ("path", "root", "excluded"),
    [
        ("/api/health", "/api", True),
        ("/health", "/api", True),  # a server that strips the prefix
        ("/health", "", True),
        ("/api/health", "", False),
        ("/apiary/health", "/api", False),
        ("/health", "/health", False),
        ("/api", "/api", False),
    ],
)
def test_excluded_paths_are_those_of_the_application(path: str, root: str, excluded: bool) -> None:
    """The application's mount point is removed from the path first, if present."""
    seen: list[Any] = []
    app = FlowMiddleware(showing(seen), exclude_paths=["/health"])
    call(app, http_scope(path, [("x-correlation-id", "abc")], root_path=root))
    assert seen == [None if excluded else "abc"]


@pytest.mark.guarantee(51)
def test_an_application_at_its_root_has_the_path_of_a_slash() -> None:
    """Mounted at `/api`, the path `/api` is the application's `/`."""
    seen: list[Any] = []
    call(FlowMiddleware(showing(seen), exclude_paths=["/"]), http_scope("/api", root_path="/api"))
    assert seen == [None]


@pytest.mark.guarantee(51)
def test_an_inner_middleware_opens_nothing_on_an_excluded_path() -> None:
    """The exclusion holds in an inner middleware without exclusions, and in a copy of the scope."""
    seen: list[Any] = []
    inner = FlowMiddleware(showing(seen))

    async def mount(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, "path": "/"}, receive, send)

    call(FlowMiddleware(mount, exclude_paths=["/"]), scope_of("http"))
    assert seen == [None]


@pytest.mark.guarantee(53)
def test_a_scope_is_handled_twice() -> None:
    """The second call gets its own unit, even if the first was excluded."""
    seen: list[Any] = []
    scope = http_scope("/")
    app = FlowMiddleware(showing(seen))
    call(app, scope)
    call(app, scope)
    call(FlowMiddleware(showing(seen), exclude_paths=["/"]), scope)
    call(app, scope)
    assert seen[2] is None
    assert len(set(seen)) == 4


@pytest.mark.guarantee(53)
@pytest.mark.parametrize("level", ["WARNING", "INFO"])
def test_headers_are_found_in_any_case_and_any_iterable(
    level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An adapter may write names in any case, and pass a generator, which is not consumed."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([headrace.current_flow_id(), dict(scope["headers"])[b"X-CORRELATION-id"]])

    headers = (pair for pair in [OTHER, (b"X-CORRELATION-id", b"abc")])
    caplog.set_level(level, "headrace")
    call(FlowMiddleware(app), {**http_scope("/"), "headers": headers})
    assert seen == ["abc", b"abc"]


@pytest.mark.parametrize(
    "value",
    [
        *(b"a", b"0af7651916cd43dd8448eb211c80319c", b"A-1", b"a-", b"a.b_c", b"a" * 128),
        *(b"", b"-", b"-a", b".a", b"a" * 129, b"a-" * 65, b"a b", b"a\n", b"\xe9\xb2", b"|a"),
    ],
)
@pytest.mark.parametrize("validator", [None, bool])
def test_the_inlined_rule_for_ids_is_the_rule(value: bytes, validator: Any) -> None:
    """The middleware's own check of usual IDs and `HttpPolicy.admit` accept the same values."""
    options = {} if validator is None else {"validator": validator}
    policy = HttpPolicy(HttpOptions(**options))
    text = value.decode("latin-1")
    admitted, _ = policy.admit("http", "/", [("x-correlation-id", text)])
    seen: list[Any] = []
    scope = {**http_scope("/"), "headers": [(b"x-correlation-id", value)]}
    call(FlowMiddleware(showing(seen), **options), scope)
    assert (seen == [text]) == (admitted.correlation_id == text)


@pytest.mark.parametrize(
    ("value", "reason"),
    [("7", "the validator rejected it"), ("two words", "expected one value of 1 to 256 ")],
)
def test_the_line_about_a_refused_id_names_the_cause(
    value: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """For a well-formed ID it is the validator; for any other, the line states the rule."""
    policy = HttpPolicy(HttpOptions(validator=lambda value: len(value) > 3))
    policy.admit("http", "/", [("x-request-id", value)])
    assert caplog.messages[0].startswith(
        f"refused the correlation ID in header x-request-id ({len(value)} characters); {reason}"
    )


async def serve_asgi(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that does nothing."""


def serve_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """A WSGI application that does nothing."""
    return []


class AsgiObject:
    """An application that is an object, as those of frameworks are."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve nothing."""


@pytest.mark.parametrize(
    ("middleware", "app", "right"),
    [
        (wsgi.FlowMiddleware, serve_asgi, "asgi"),
        (wsgi.FlowMiddleware, AsgiObject(), "asgi"),
        (wsgi.FlowMiddleware, AsgiObject().__call__, "asgi"),
        (FlowMiddleware, serve_wsgi, "wsgi"),
        (FlowMiddleware, wsgi.FlowMiddleware(serve_wsgi), "wsgi"),
    ],
)
def test_application_of_the_other_protocol_is_refused(
    middleware: Any, app: Any, right: str
) -> None:
    """The error comes at set-up, not at the first request, and names the middleware to use."""
    with pytest.raises(TypeError, match=rf"is for {right.upper()}; use headrace\.{right}\.Flow"):
        middleware(app)


# --- Code of the server ---------------------------------------------------------------------------

BODY = {"type": "http.response.body", "body": b"x"}
START = {"type": "http.response.start", "status": 200}


def watched(is_watched: bool) -> Any:
    """Return a block with or without a backend."""
    return watched_units() if is_watched else contextlib.nullcontext([])


@pytest.mark.guarantee(50)
@pytest.mark.parametrize("is_watched", [False, True])
@pytest.mark.parametrize("around", [None, "outer"])
@pytest.mark.parametrize("in_step", [False, True])
def test_the_server_captures_no_unit(is_watched: bool, around: str | None, in_step: bool) -> None:
    """`receive`, and `send` after the start of the response, run outside the unit and its step."""
    seen: list[Any] = []

    def note(what: str) -> None:
        context = contextvars.copy_context()
        here = context.run(headrace.get_flow_context)
        step = None if here is None else context.run(lambda: here.step)
        seen.append((what, here and here.correlation_id, step))

    async def receive() -> Any:
        await asyncio.sleep(0)
        note("receive")
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        note(message["type"][14:] + str(message.get("more_body", "")))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send({**BODY, "more_body": True})
        await send({**BODY, "more_body": False})
        note("after")

    async def main() -> None:
        work = headrace.step("server", name="work")(app) if in_step else app
        with headrace.open_context(around) if around else contextlib.nullcontext():
            await FlowMiddleware(work)(scope_of("http"), receive, send)

    with watched(is_watched):
        asyncio.run(main())
    step = "work" if in_step else None
    assert seen == [
        ("receive", around, None),
        ("start", "abc", step),
        ("bodyTrue", around, None),
        ("bodyFalse", around, None),
        ("after", "abc", step),
    ]


@pytest.mark.guarantee(50)
@pytest.mark.parametrize("is_watched", [False, True])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_line_of_the_server_while_it_sends_has_the_id(is_watched: bool, kind: str) -> None:
    """Hypercorn logs the access with the last message; the line still has the request's ID."""

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        logging.getLogger("server").info(message["type"])

    last = BODY if kind == "http" else {"type": "websocket.close"}
    with watched(is_watched), memory_log() as log:
        app = FlowMiddleware(sending(START, last))
        asyncio.run(app(scope_of(kind), sending(), send))
    lines = [line.flow_id for line in log.lines() if line.logger == "server"]
    assert lines == ["abc", "abc"]


@pytest.mark.guarantee(50)
def test_a_variable_of_a_backend_is_not_captured_by_the_server() -> None:
    """Context variables that a backend sets for a unit, such as a span, are not visible either."""
    span: contextvars.ContextVar[str | None] = contextvars.ContextVar("span", default=None)
    seen: list[Any] = []

    class Spans:
        @contextlib.contextmanager
        def span(self, step: Any, context: Any) -> Any:
            yield

        @contextlib.contextmanager
        def unit(self, context: Any) -> Any:
            token = span.set("current")
            yield
            span.reset(token)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(BODY)
        seen.append(span.get())  # background work is part of the request's trace

    async def send(message: Any) -> None:
        seen.append(span.get())

    async def main() -> None:
        await FlowMiddleware(app)(scope_of("http"), send, send)
        seen.append(span.get())

    headrace.configure(Spans())
    try:
        asyncio.run(main())
    finally:
        headrace.configure()
    assert seen == [None, "current", None]


# --- The end of a response ------------------------------------------------------------------------

ENDS = {
    "body": [START, BODY],
    "pieces": [START, {**BODY, "more_body": True}, BODY],
    "trailers": [
        {**START, "trailers": True},
        BODY,
        {"type": "http.response.trailers", "headers": []},
    ],
    "file": [START, {"type": "http.response.pathsend", "path": "/file"}],
    "denial": [
        {"type": "websocket.http.response.start", "status": 403},
        {"type": "websocket.http.response.body", "body": b"x"},
    ],
}


@pytest.mark.guarantee(54)
@pytest.mark.parametrize("messages", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("fails", [False, True])
def test_a_request_ends_with_the_last_byte(messages: list[Any], fails: bool) -> None:
    """Later code has the ID, does not affect the outcome, and its failure is marked with the ID."""
    outcomes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            outcomes.append(units[0].outcome)
            await send(message)
        outcomes.append(units[0].outcome)
        assert headrace.current_flow_id() == "abc"
        if fails:
            raise LookupError("on purpose")

    kind = "websocket" if messages is ENDS["denial"] else "http"
    with watched_units() as units, memory_log() as log:
        request = LikeAServer(FlowMiddleware(app))
        with pytest.raises(LookupError) if fails else contextlib.nullcontext():
            call(request, scope_of(kind))
    assert outcomes == [None] * len(messages) + ["ok"]
    assert [unit.outcome for unit in units] == ["ok"]
    assert [line.flow_id for line in log.lines() if line.error] == ["abc"] * fails


@pytest.mark.guarantee(54)
def test_an_error_whose_page_is_sent_is_the_outcome() -> None:
    """An error page, sent before the exception is raised again, is not a success."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            raise LookupError("on purpose")
        except LookupError:
            await send({**START, "status": 500})
            await send(BODY)
            raise

    with watched_units() as units, pytest.raises(LookupError):
        call(FlowMiddleware(app), scope_of("http"))
    assert [(unit.outcome, type(unit.error)) for unit in units] == [("error", LookupError)]


@pytest.mark.guarantee(54)
def test_a_response_that_breaks_off_is_an_error() -> None:
    """An exception before the last byte is the outcome."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({**BODY, "more_body": True})
        raise LookupError("on purpose")

    with watched_units() as units, pytest.raises(LookupError):
        call(FlowMiddleware(app), scope_of("http"))
    assert [unit.outcome for unit in units] == ["error"]


@pytest.mark.guarantee(54)
def test_the_line_comes_with_the_last_byte() -> None:
    """It includes neither the time nor the failure of background work."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(BODY)
        logging.getLogger("work").info("later")
        raise LookupError("on purpose")

    with memory_log() as log, pytest.raises(LookupError):
        call(FlowMiddleware(app), scope_of("http"))
    assert [(line.logger, line.flow_id) for line in log.lines() if line.logger != "asyncio"] == [
        ("headrace", "abc"),
        ("work", "abc"),
    ]


@pytest.mark.parametrize("message", [None, "http.response.body"])
def test_request_closed_in_the_context_of_another_task_changes_nothing_there(
    message: str | None,
) -> None:
    """A server may close a request's coroutine elsewhere: there, what is current stays current."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if message is None:
            await Suspended()
        else:
            await send({"type": message, "body": b""})

    async def send(message: Any) -> None:
        await Suspended()

    async def receive() -> Any:
        raise AssertionError("nothing is received here")

    request: Any = FlowMiddleware(app)(http_scope("/"), receive, send)
    own, other = contextvars.Context(), contextvars.Context()
    own.run(request.send, None)
    with contextlib.ExitStack() as stack:
        current = other.run(stack.enter_context, headrace.open_context())
        other.run(request.close)
        assert other.run(headrace.get_flow_context) is current
        other.run(stack.close)


class Suspended:
    """Suspends a coroutine until it is closed."""

    def __await__(self) -> Any:
        yield
