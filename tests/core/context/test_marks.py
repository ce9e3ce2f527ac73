"""The ID of a traceback's log line after the unit of work has ended."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import gc
import logging
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NoReturn

import pytest

import headrace.asgi
import headrace.wsgi
from headrace import logging as flow_logging
from headrace import open_context
from headrace._context.capture import capture
from headrace._context.resumable import ResumableUnit
from headrace.integration import marked_id, transport_context

pytestmark = pytest.mark.guarantee(68)


class SlottedError(Exception):
    """An error with slots."""

    __slots__ = ("code",)


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    """An error that accepts no attributes."""

    code: int = 1


class GuardedError(Exception):
    """An error whose ``__dict__`` raises."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise AttributeError("no")


def fail(error: BaseException) -> NoReturn:
    raise error


def leave(error: BaseException, flow_id: str = "first") -> None:
    """Let `error` leave a unit, and catch it."""
    with contextlib.suppress(type(error)), open_context(flow_id):
        fail(error)


def id_of(function: Callable[..., Any], *args: Any) -> str | None:
    """Return the ID of the line that the caller of `function` logs about its error."""
    try:
        function(*args)
    except BaseException:
        return capture(True)[0]
    raise AssertionError("nothing was raised")


def failing_unit(error: BaseException, flow_id: str = "first") -> None:
    with open_context(flow_id):
        fail(error)


# --- A propagating error --------------------------------------------------------------------------


def raised_in_handler(error: BaseException) -> None:
    try:
        failing_unit(error)
    except Exception as caught:
        if marked_id(caught):
            raise caught  # noqa: TRY201 - as some middleware does


def raised_by_helper(error: BaseException) -> None:
    try:
        failing_unit(error)
    except Exception as caught:
        fail(caught.with_traceback(caught.__traceback__))


def raised_by_future(error: BaseException) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(failing_unit, error).result()


def raised_by_task(error: BaseException) -> None:
    async def work() -> None:
        failing_unit(error)

    async def main() -> None:
        await asyncio.create_task(work())

    asyncio.run(main())


def raised_by_outer_function(error: BaseException) -> None:
    kept: list[Exception] = []

    def start() -> None:
        def work() -> None:
            try:
                failing_unit(error)
            except Exception as caught:
                kept.append(caught)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    start()
    raise kept[0]


def raised_through_context_manager(error: BaseException) -> None:
    @contextlib.contextmanager
    def around() -> Iterator[None]:
        try:
            yield
        finally:
            assert capture(True)[0] == "first"

    with around():
        failing_unit(error)


def opened_by_context_manager(error: BaseException) -> None:
    @contextlib.contextmanager
    def opened() -> Iterator[None]:
        with open_context("first"):
            yield

    with opened(), contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.nullcontext())
        fail(error)


def raised_in_group(error: BaseException) -> None:
    async def work() -> None:
        failing_unit(error)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(work())

    asyncio.run(main())


ON_ITS_WAY = [
    failing_unit,
    raised_in_handler,
    raised_by_helper,
    raised_by_future,
    raised_by_task,
    raised_by_outer_function,
    raised_through_context_manager,
    opened_by_context_manager,
    raised_in_group,
]


@pytest.mark.parametrize("way", ON_ITS_WAY, ids=lambda way: way.__name__)
@pytest.mark.parametrize("make", [ValueError, SlottedError, FrozenError])
def test_an_error_that_has_left_its_unit_keeps_the_id(
    way: Callable[[BaseException], None], make: type[Exception]
) -> None:
    """However the error reaches the code that logs it, the line has the unit's ID."""
    if make is FrozenError and way in {raised_through_context_manager, opened_by_context_manager}:
        return  # contextlib sets its __traceback__, which such an error rejects
    assert id_of(way, make()) == "first"


def test_a_group_of_errors_from_several_units_has_no_id() -> None:
    """Its log line belongs to neither unit."""
    errors = [ValueError(), KeyError()]
    leave(errors[0], "first")
    leave(errors[1], "second")
    assert id_of(fail, ExceptionGroup("both", errors)) is None
    assert id_of(fail, ExceptionGroup("one", errors[:1])) == "first"
    assert id_of(fail, ExceptionGroup("unmarked", [ValueError(), errors[0]])) is None


def test_an_error_that_hides_its_attributes_has_no_id() -> None:
    """It cannot be marked, and nothing fails."""
    assert id_of(failing_unit, GuardedError()) is None


# --- An error object that is raised again ---------------------------------------------------------


def from_function(error: BaseException) -> None:
    fail(error)


def from_try(error: BaseException) -> None:
    try:
        raise error
    finally:
        gc.isenabled()


def from_with(error: BaseException) -> None:
    with contextlib.suppress(LookupError):
        raise error


def from_generator(error: BaseException) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise error

    list(items())


def from_coroutine(error: BaseException) -> None:
    async def work() -> None:
        raise error

    asyncio.run(work())


def from_other_handler(error: BaseException) -> None:
    try:
        {}["missing"]
    except KeyError:
        raise error from None


def from_thread(error: BaseException) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(fail, error).result()


def from_future_of_its_own(error: BaseException) -> None:
    future: Future[None] = Future()
    future.set_exception(error)
    fail(future.exception() or AssertionError())


def without_traceback(error: BaseException) -> None:
    raise error.with_traceback(None)


ANEW = [
    from_function,
    from_try,
    from_with,
    from_generator,
    from_coroutine,
    from_other_handler,
    from_thread,
    from_future_of_its_own,
    without_traceback,
]


@pytest.mark.parametrize("way", ANEW, ids=lambda way: way.__name__)
def test_an_error_object_that_is_raised_anew_has_lost_its_mark(
    way: Callable[[BaseException], None],
) -> None:
    """A module's constant may be raised anywhere: outside any unit its line has no ID."""
    error = ValueError("a constant")
    for flow_id in ("first", "second"):
        leave(error, flow_id)
        assert id_of(way, error) is None
        assert id_of(way, error) is None


def test_an_error_object_that_is_raised_anew_in_the_same_function() -> None:
    """Its line has no ID either if the function that opened the unit raises it again."""
    error = ValueError("a constant")
    with contextlib.suppress(ValueError), open_context("first"):
        raise error
    try:
        raise error
    except ValueError:
        assert capture(True)[0] is None
        assert marked_id(error) is None


@pytest.mark.parametrize("way", ANEW, ids=lambda way: way.__name__)
def test_an_error_object_that_fails_in_several_units_has_the_id_of_the_last(
    way: Callable[[BaseException], None],
) -> None:
    """Inside a unit the line has that unit's ID, and so does the line after it."""
    error = ValueError("a constant")
    leave(error)

    def again() -> None:
        with open_context("second"):
            assert id_of(way, error) == "second"
            way(error)

    assert id_of(again) == "second"


def test_threads_that_raise_one_error_object_at_once() -> None:
    """The line of one thread never has the ID of the other."""
    error = ValueError("a constant")
    seen = []

    def first() -> None:
        with open_context("first"):
            fail(error)

    try:
        first()
    except ValueError:
        seen.append(capture(True)[0])
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(id_of, failing_unit, error, "second").result())
        seen.append(capture(True)[0])
    assert seen[:2] == ["first", "second"]
    assert seen[2] in {"first", None}


def test_what_outlives_its_unit_keeps_that_units_id() -> None:
    """A task that continues after its unit raises an error that another task has raised before."""
    error = ValueError("a constant")
    with open_context("second"):
        context = copy_context()
    leave(error)
    assert context.run(id_of, fail, error) == "second"
    assert context.run(id_of, failing_unit, error) == "first"


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_a_copied_error_is_no_trouble(twin: Callable[[BaseException], BaseException]) -> None:
    """A copy made by `copy` or `pickle` keeps the ID, and works without headrace."""
    error = ValueError("lost")
    leave(error)
    assert marked_id(twin(error)) == "first"
    with open_context("second"):
        assert marked_id(twin(error)) is None
        assert id_of(fail, twin(error)) == "second"
    written = pickle.dumps(error)
    assert b"headrace." not in written
    assert b"_marks" not in written


def test_a_mark_keeps_nothing_alive() -> None:
    """An error kept without its traceback keeps no frame of the unit alive."""

    class Large:
        pass

    def work() -> weakref.ref[Large]:
        large = Large()
        leave(error)
        return weakref.ref(large)

    error = ValueError("kept")
    seen = work()
    error.__traceback__ = None
    assert seen() is None
    assert marked_id(error) == "first"


# --- A unit that merely happens to be current -----------------------------------------------------


def asgi_error(error: Exception) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    headers = [(b"x-correlation-id", b"request")]
    scope = {"type": "http", "path": "/", "method": "GET", "headers": headers}
    running = headrace.asgi.FlowMiddleware(app)(scope, None, None)  # type: ignore[arg-type]
    running.send(None)


def asgi_error_with_page(error: Exception) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            raise error
        except Exception as caught:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"sorry"})
            if scope["path"]:
                raise caught  # noqa: TRY201 - as Starlette does

    async def send(message: Any) -> None:
        pass

    headers = [(b"x-correlation-id", b"request")]
    scope = {"type": "http", "path": "/", "method": "GET", "headers": headers}
    running = headrace.asgi.FlowMiddleware(app)(scope, None, send)  # type: ignore[arg-type]
    running.send(None)


def wsgi_error(error: Exception) -> None:
    def app(environ: Any, start_response: Any) -> NoReturn:
        raise error

    environ = {"HTTP_X_CORRELATION_ID": "request", "PATH_INFO": "/"}
    headrace.wsgi.FlowMiddleware(app)(environ, lambda *_: None)  # type: ignore[arg-type, return-value]


def late_wsgi_error(error: Exception) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        yield b"piece"
        raise error

    environ = {"HTTP_X_CORRELATION_ID": "request", "PATH_INFO": "/"}
    body: Any = headrace.wsgi.FlowMiddleware(app)(environ, lambda *_: None)  # type: ignore[arg-type, return-value]
    with contextlib.closing(body):
        list(body)


def resumable_error(error: Exception) -> None:
    unit = ResumableUnit(transport_context("http"))
    unit.context.correlation_id = "request"
    try:
        unit.run(fail, error)
    except BaseException as exc:
        unit.end(exc)
        raise


REQUESTS = [asgi_error, asgi_error_with_page, wsgi_error, late_wsgi_error, resumable_error]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda way: way.__name__)
def test_the_servers_line_has_the_id_of_the_failed_request(
    request_: Callable[[Exception], None], caplog: pytest.LogCaptureFixture
) -> None:
    """An earlier request of the connection may still be current where the error is logged."""
    flow_logging.install()
    error = ValueError("no stock")
    with open_context("earlier"):
        assert id_of(request_, error) == "request"
        # In between, the error belongs to the earlier unit.
        assert id_of(fail, error) == "earlier"
        assert id_of(request_, error) == "request"
        try:
            request_(error)
        except ValueError:
            with open_context("handler"):
                assert capture(True)[0] == "handler"
                assert marked_id(error) is None
            logging.getLogger("server").exception("unhandled")
    flow_logging.FlowFilter().filter(caplog.records[-1])
    assert vars(caplog.records[-1])["flow_id"] == "request"
    flow_logging.uninstall()
