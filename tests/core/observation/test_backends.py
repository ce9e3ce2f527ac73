"""Backends: several at once, units as well as steps, and none that can break user code."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import FlowContext, StepInfo, backends
from headrace._observation import dispatch
from headrace._process.locks import renew_lock
from tests.core.backends_kit import Failing, Recorder, StepsAlone, events, steps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

shop = headrace.flow("backends")
calls: list[str] = []


@shop.entrypoint
def receive(fail: BaseException | None = None) -> str:
    """Receive an order."""
    return charge(fail)


@shop.step(after=receive)
def charge(fail: BaseException | None = None) -> str:
    """Charge the card."""
    calls.append("charge")
    if fail is not None:
        raise fail
    return "charged"


@shop.step
async def charge_async() -> str:
    """Charge the card, awaited."""
    calls.append("charge_async")
    await asyncio.sleep(0)
    return "charged"


@shop.step
def items() -> Iterator[int]:
    """Yield two items."""
    calls.append("items")
    yield 1
    yield 2


@shop.step
async def items_async() -> AsyncIterator[int]:
    """Yield two items, awaited."""
    calls.append("items_async")
    yield 1
    yield 2


async def _collect() -> list[int]:
    return [item async for item in items_async()]


KINDS: dict[str, tuple[Callable[[], Any], Any]] = {
    "charge": (charge, "charged"),
    "charge_async": (lambda: asyncio.run(charge_async()), "charged"),
    "items": (lambda: list(items()), [1, 2]),
    "items_async": (lambda: asyncio.run(_collect()), [1, 2]),
}


@pytest.fixture(autouse=True)
def _initial_configuration() -> Iterator[None]:
    calls.clear()
    yield
    headrace.configure()


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of backends that raised."""
    return [
        each.getMessage()
        for each in caplog.records
        if each.name == "headrace" and each.levelno == logging.ERROR
    ]


# --- What a backend is told -----------------------------------------------------------------------


def test_a_span_gets_the_step_and_the_context() -> None:
    """`span` is given the frozen `StepInfo` and the unit, once per call of the step."""
    seen: list[tuple[StepInfo, FlowContext]] = []

    class Backend:
        def span(self, step: StepInfo, context: FlowContext) -> Any:
            seen.append((step, context))
            return nullcontext()

    headrace.configure(Backend())
    with headrace.open_context() as context:
        charge()
    [(step, given)] = seen
    assert given is context
    assert (step.name, step.flow, step.after, step.kind) == (
        "charge",
        "backends",
        ("receive",),
        "function",
    )
    assert step.description == "Charge the card."
    assert step.file == __file__
    with pytest.raises(AttributeError):
        step.name = "other"  # type: ignore[misc]


def test_a_span_is_entered_and_left_with_the_step_current() -> None:
    """Inside the backend, `flow` and `step` of the context are those of the step."""
    seen = []

    class Backend:
        @contextmanager
        def span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
            seen.append((context.flow, context.step))
            yield
            seen.append((context.flow, context.step))

    headrace.configure(Backend())
    with headrace.open_context():
        charge()
    assert seen == [("backends", "charge"), ("backends", "charge")]


def test_units_and_steps_are_reported_in_their_order() -> None:
    """A unit encloses its steps, and what a step raises passes through all of them."""
    recorder = Recorder()
    headrace.configure(recorder)
    error = ValueError("no funds")
    with pytest.raises(ValueError, match="no funds") as caught:
        receive(error)
    assert caught.value is error
    assert recorder.events == [
        ("unit begins", "backends"),
        ("step begins", "receive"),
        ("step begins", "charge"),
        ("step fails", "charge", "ValueError"),
        ("step fails", "receive", "ValueError"),
        ("unit fails", "backends", "ValueError"),
    ]


def test_a_unit_without_steps_is_reported() -> None:
    """A request that runs no step is seen all the same."""
    recorder = Recorder()
    headrace.configure(recorder)
    with headrace.open_context():
        pass
    assert recorder.events == [("unit begins", "manual"), ("unit ends", "manual")]


def test_a_cancelled_unit_is_reported() -> None:
    """A unit whose task is cancelled gets the `CancelledError`, and so does its step."""
    recorder = Recorder()

    @shop.step(name="waits")
    async def waits() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        with headrace.open_context():
            await waits()

    async def cancel() -> None:
        task = asyncio.create_task(main())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    headrace.configure(recorder)
    asyncio.run(cancel())
    assert recorder.events[-2:] == [
        ("step fails", "waits", "CancelledError"),
        ("unit fails", "manual", "CancelledError"),
    ]


def test_several_backends_each_receive_everything() -> None:
    """The last to begin ends first."""
    events: list[Any] = []
    headrace.configure([Recorder("one", events), Recorder("two", events)])
    with headrace.open_context():
        charge()
    assert events == [
        ("one", "unit begins", "manual"),
        ("two", "unit begins", "manual"),
        ("one", "step begins", "charge"),
        ("two", "step begins", "charge"),
        ("two", "step ends", "charge"),
        ("one", "step ends", "charge"),
        ("two", "unit ends", "manual"),
        ("one", "unit ends", "manual"),
    ]


def test_names_and_objects_may_stand_in_one_list(caplog: pytest.LogCaptureFixture) -> None:
    """A list may hold names, of which `none` adds nothing, and objects."""
    caplog.set_level(logging.INFO, "headrace")
    recorder = Recorder()
    headrace.configure(["logging", "none", recorder])
    with headrace.open_context():
        charge()
    assert events(caplog.records) == ["step.end", "unit.end"]
    assert len(recorder.events) == 4


def test_span_alone_makes_a_backend() -> None:
    """`unit` and `enabled` are optional, alone and beside others."""
    alone, recorder = StepsAlone(), Recorder()
    assert isinstance(alone, backends.Backend)
    for configured in (alone, [alone, recorder]):
        headrace.configure(configured)
        with headrace.open_context():
            charge()
    assert alone.begun == ["charge", "charge"]
    assert [event[0] for event in recorder.events] == [
        "unit begins",
        "step begins",
        "step ends",
        "unit ends",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_disabled_backend_is_skipped(kind: str) -> None:
    """While `enabled()` is False neither `span` nor `unit` is called, and the others go on."""

    class Disabled(Recorder):
        def enabled(self) -> bool:
            return False

    call, result = KINDS[kind]
    disabled, recorder = Disabled(), Recorder()
    for configured in (disabled, [disabled, disabled], [disabled, recorder]):
        headrace.configure(configured)
        with headrace.open_context():
            assert call() == result
    assert disabled.events == []
    assert ("step begins", kind) in recorder.events
    assert calls == [kind] * 3


def test_no_backend_at_all() -> None:
    """`none`, and an empty list, leave steps and units unobserved."""
    for configured in ("none", [], ["none"]):
        headrace.configure(configured)
        assert receive() == "charged"
    assert calls == ["charge"] * 3


# --- Backends that fail ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", Failing.PLACES)
def test_a_failing_backend_breaks_nothing(
    where: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The function runs exactly once, its result arrives, and the error is logged once."""
    call, result = KINDS[kind]
    headrace.configure(Failing(where))
    for _ in range(3):
        with headrace.open_context():
            assert call() == result
    assert calls == [kind] * 3
    [complaint] = complaints(caplog)
    assert complaint.startswith("backend Failing raised; the call continued, and")
    assert caplog.records[0].exc_info is not None


@pytest.mark.parametrize("where", Failing.PLACES)
def test_a_failing_backend_takes_nothing_from_the_others(where: str) -> None:
    """The backends before and after a failing one are told everything."""
    before, after, alone = Recorder(), Recorder(), Recorder()
    headrace.configure(alone)
    receive()
    headrace.configure([before, Failing(where), after])
    receive()
    assert before.events == after.events == alone.events


@pytest.mark.parametrize("where", Failing.PLACES)
def test_a_failing_backend_does_not_hide_the_user_s_error(where: str) -> None:
    """What the step raises arrives as it is: the same object, with no other error in it."""
    headrace.configure(Failing(where))
    error = ValueError("no funds")
    with pytest.raises(ValueError, match="no funds") as caught:
        receive(error)
    assert caught.value is error
    assert error.__context__ is None
    assert error.__cause__ is None
    assert calls == ["charge"]


@pytest.mark.parametrize("what", ["span", "unit"])
def test_a_backend_cannot_swallow_an_error(what: str) -> None:
    """An `__exit__` that returns True changes nothing."""

    class Swallowing(StepsAlone):
        def unit(self, context: FlowContext) -> Any:
            return suppress(BaseException) if what == "unit" else nullcontext()

        def span(self, step: StepInfo, context: FlowContext) -> Any:
            return suppress(BaseException) if what == "span" else nullcontext()

    headrace.configure(Swallowing())
    with pytest.raises(ValueError, match="no funds"):
        receive(ValueError("no funds"))


def test_raising_what_was_given_is_no_error_of_the_backend(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A manager that raises the step's own exception again is not complained of."""

    class Raising:
        def __enter__(self) -> None:
            pass

        def __exit__(self, _type: object, exc: BaseException | None, _traceback: object) -> None:
            if exc is not None:
                raise exc

    class Backend:
        def span(self, step: StepInfo, context: FlowContext) -> Raising:
            return Raising()

        def unit(self, context: FlowContext) -> Raising:
            return Raising()

    headrace.configure(Backend())
    with pytest.raises(ValueError, match="no funds"):
        receive(ValueError("no funds"))
    assert complaints(caplog) == []


def test_what_is_not_a_context_manager_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A backend whose `span` returns nothing is complained of, once."""

    class Backend:
        def span(self, step: StepInfo, context: FlowContext) -> None:
            return None

    headrace.configure(Backend())
    assert receive() == "charged"
    assert len(complaints(caplog)) == 1


def test_a_complaint_that_cannot_be_logged_breaks_nothing() -> None:
    """Where the user's own logging raises, the step goes on all the same."""

    class Broken(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("the filter is broken")

    logger, broken = logging.getLogger("headrace"), Broken()
    level = logger.level
    logger.addFilter(broken)
    logger.setLevel(logging.DEBUG)
    try:
        headrace.configure([Failing("span"), "logging"])
        assert receive() == "charged"
    finally:
        logger.removeFilter(broken)
        logger.setLevel(level)


def test_threads_complain_once(caplog: pytest.LogCaptureFixture) -> None:
    """A backend that fails in many threads at once is logged once."""
    headrace.configure(Failing("span"))
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(50):
            receive()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(complaints(caplog)) == 1
    assert len(calls) == 400


INTERRUPTED = {
    "span": [],
    "span enters": [],
    "span leaves": ["charge"],
    "unit": [],
    "unit enters": [],
    "unit leaves": ["charge"],
}


@pytest.mark.parametrize("where", INTERRUPTED)
def test_an_interrupt_inside_a_backend_goes_on(where: str) -> None:
    """A `KeyboardInterrupt` stops the program; the other backends are told, nothing is left."""
    before, after = Recorder(), Recorder()
    headrace.configure([before, Failing(where, KeyboardInterrupt()), after])
    with pytest.raises(KeyboardInterrupt):
        receive()
    assert calls == INTERRUPTED[where]
    for recorder in (before, after):
        begun = [event[1:2] for event in recorder.events if event[0].endswith("begins")]
        ended = [event[1:2] for event in recorder.events if not event[0].endswith("begins")]
        assert begun == ended[::-1]
    assert before.events[0] == ("unit begins", "backends")
    assert headrace.get_flow_context() is None


current: ContextVar[str | None] = ContextVar("backends-current", default=None)


class WithToken:
    """A backend with a context variable of its own, which it resets by token."""

    @contextmanager
    def span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        token = current.set(step.name)
        try:
            yield
        finally:
            current.reset(token)


@shop.step
def currents() -> Iterator[str | None]:
    """Yield the backend's variable, twice."""
    yield current.get()
    yield current.get()


@shop.step
async def currents_async() -> AsyncIterator[str | None]:
    """Yield the same."""
    yield current.get()
    await asyncio.sleep(0)
    yield current.get()


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("how", ["to its end", "closed early", "closed elsewhere"])
def test_a_backend_s_own_variable_is_never_the_consumer_s(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Inside the generator it is set, between the items it is not, and its token stays valid."""
    headrace.configure(WithToken())
    with headrace.open_context():
        running: Any = currents()
        assert next(running) == "currents"
        assert current.get() is None
        if how == "to its end":
            assert [*running] == ["currents"]
        elif how == "closed early":
            running.close()
        else:
            copy_context().run(running.close)
        assert current.get() is None
    assert complaints(caplog) == []


@pytest.mark.guarantee(4)
def test_a_backend_s_own_variable_is_never_the_async_consumer_s(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same for asynchronous generators, one of which another task closes."""
    headrace.configure(WithToken())

    async def consume() -> None:
        with headrace.open_context():
            async for item in currents_async():
                assert item == "currents_async"
                assert current.get() is None
            running: Any = currents_async()
            assert await anext(running) == "currents_async"
            await asyncio.create_task(running.aclose())
            assert current.get() is None

    asyncio.run(consume())
    assert complaints(caplog) == []


# --- Which backend --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ("statsd", ValueError, "unknown backend 'statsd'; choose one of auto, logging, otel, none"),
        (["logging", "statsd"], ValueError, "unknown backend 'statsd'"),
        (None, TypeError, "a backend must be an object with a span"),
        (Recorder, TypeError, "a backend must be an object with a span"),
        (object(), TypeError, "a backend must be an object with a span"),
        ([[]], TypeError, "a backend must be an object with a span"),
    ],
)
def test_what_is_no_backend_is_refused_at_once(
    wrong: Any, error: type[Exception], said: str
) -> None:
    """`configure` raises, says what would be right, and leaves the configuration as it was."""
    recorder = Recorder()
    headrace.configure(recorder)
    with pytest.raises(error, match=said):
        headrace.configure(wrong)
    with headrace.open_context():
        charge()
    assert ("step begins", "charge") in recorder.events


def test_auto_logs_where_there_is_no_tracer_provider(caplog: pytest.LogCaptureFixture) -> None:
    """Without OpenTelemetry, `auto` is the logging backend."""
    caplog.set_level(logging.INFO, "headrace")
    headrace.configure("auto")
    receive()
    assert events(caplog.records) == ["step.end", "step.end", "unit.end"]


def test_auto_beside_logging_logs_once(caplog: pytest.LogCaptureFixture) -> None:
    """In a list that names the logging backend, `auto` does not log the same again."""
    caplog.set_level(logging.INFO, "headrace")
    headrace.configure(["auto", "logging"])
    with headrace.open_context():
        charge()
    assert events(caplog.records) == ["step.end", "unit.end"]


def test_auto_decides_once_however_many_threads_ask() -> None:
    """Threads that meet an undecided `auto` all have their steps run once."""
    headrace.configure("auto")
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        receive()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["charge"] * 8


def test_configure_works_in_a_child_of_a_thread_that_was_configuring() -> None:
    """A process forked while another thread configures is not left with a lock that is held."""
    if not hasattr(__import__("os"), "fork"):
        pytest.skip("this system has no fork")
    script = """
import os, threading, warnings
from headrace import configure
from headrace._observation import dispatch
warnings.simplefilter("ignore")
held, done = threading.Event(), threading.Event()
def hold():
    with dispatch._lock:
        held.set()
        done.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if child == 0:
    configure("none")
    os._exit(7)
done.set()
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.strip() == "7"


def test_a_renewed_lock_is_free() -> None:
    """What a child process does after a fork, done here: the lock that is held is held no more."""
    with dispatch._lock:
        renew_lock(vars(dispatch), "_lock")
        headrace.configure("none")
    assert receive() == "charged"


# --- TracingBackend -------------------------------------------------------------------------------


class Named(backends.TracingBackend):
    """A backend that thinks in names."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    @contextmanager
    def span(self, step_name: str, flow_name: str, **attrs: Any) -> Iterator[None]:
        self.seen.append((step_name, flow_name, attrs, self.get_correlation_id()))
        yield


def test_a_tracing_backend_gets_names() -> None:
    """`span` gets the step's and the flow's name, and the rest of `StepInfo` as keywords."""
    named = Named()
    headrace.configure(named)
    with headrace.open_context("order-17"):
        charge()
    [(step, flow, attrs, correlation_id)] = named.seen
    assert (step, flow, correlation_id) == ("charge", "backends", "order-17")
    assert attrs == {
        "after": ("receive",),
        "kind": "function",
        "is_entrypoint": False,
        "description": "Charge the card.",
        "file": __file__,
        "line": attrs["line"],
    }
    assert named.get_correlation_id() is None


def test_a_tracing_backend_may_have_units_and_a_switch() -> None:
    """`unit` and `enabled` work as in any other backend."""

    class Switched(Named):
        on = False

        def enabled(self) -> bool:
            return self.on

        def unit(self, context: FlowContext) -> Any:
            self.seen.append(context.kind)
            return nullcontext()

    switched = Switched()
    headrace.configure(switched)
    receive()
    assert switched.seen == []
    switched.on = True
    receive()
    assert switched.seen[0] == "flow"
    assert [each[0] for each in switched.seen[1:]] == ["receive", "charge"]


def test_a_tracing_backend_without_span_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """The base class itself raises, which is logged and breaks nothing."""
    headrace.configure(backends.TracingBackend())
    assert receive() == "charged"
    assert len(complaints(caplog)) == 1
    assert "must define span(step_name, flow_name, **attrs)" in caplog.text


# --- LoggingBackend -------------------------------------------------------------------------------


def test_the_logging_backend_s_records(caplog: pytest.LogCaptureFixture) -> None:
    """`step.start` at DEBUG and `step.end` at INFO, with the step's names, file and line."""
    caplog.set_level(logging.DEBUG, "headrace")
    headrace.configure("logging")
    with headrace.open_context("order-17"):
        charge()
    start, end = steps(caplog.records)
    assert (start.event, start.message, start.levelname) == (
        "step.start",
        "backends.charge started",
        "DEBUG",
    )
    assert (end.event, end.levelname) == ("step.end", "INFO")
    assert re.fullmatch(r"backends\.charge ok in \d+\.\d ms", end.message)
    for record in (start, end):
        assert (record.flow, record.step) == ("backends", "charge")
        assert record.correlation_id == "order-17"
        assert record.pathname == __file__
        assert record.lineno == charge.__wrapped__.__code__.co_firstlineno  # type: ignore[attr-defined]
        assert record.funcName == "charge"
    assert end.outcome == "ok"
    assert end.error is None
    assert 0 <= end.duration_ms < 100_000


@pytest.mark.parametrize(
    ("raised", "outcome", "error"),
    [
        (ValueError("no funds"), "error", "ValueError: no funds"),
        (asyncio.CancelledError(), "cancelled", "CancelledError: "),
        (KeyboardInterrupt(), "error", "KeyboardInterrupt: "),
        (SystemExit(2), "error", "SystemExit: 2"),
        (SystemExit(0), "ok", None),
        (GeneratorExit(), "ok", None),
    ],
)
def test_outcomes(
    raised: BaseException, outcome: str, error: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Each kind of exception has its outcome; what is no failure has no error text."""
    caplog.set_level(logging.INFO, "headrace")
    headrace.configure("logging")
    with pytest.raises(type(raised)), headrace.open_context():
        charge(raised)
    assert (caplog.records[0].outcome, caplog.records[0].error) == (outcome, error)


def test_an_exception_that_cannot_be_shown_is_logged_by_its_type(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A `__str__` that raises costs the message, not the line."""

    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    caplog.set_level(logging.INFO, "headrace")
    headrace.configure("logging")
    with pytest.raises(UnspeakableError), headrace.open_context():
        charge(UnspeakableError())
    assert [each.error for each in caplog.records] == ["UnspeakableError"] * 2


def test_nothing_is_done_while_the_level_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above INFO no clock is read and no record made."""

    def refuse(*_args: object) -> Any:
        raise AssertionError("this must not be called")

    logger = logging.getLogger("headrace")
    level = logger.level
    monkeypatch.setattr("headrace._process.clock.perf_counter", refuse)
    monkeypatch.setattr(logger, "makeRecord", refuse)
    logger.setLevel(logging.WARNING)
    try:
        headrace.configure(backends.LoggingBackend())
        assert receive() == "charged"
        with backends.LoggingBackend().span(StepInfo("s", "f"), FlowContext()):
            pass
    finally:
        logger.setLevel(level)


def test_another_logger(caplog: pytest.LogCaptureFixture) -> None:
    """`LoggingBackend(logger=...)` logs to the logger of that name."""
    caplog.set_level(logging.INFO, "shop.steps")
    headrace.configure(backends.LoggingBackend("shop.steps"))
    with headrace.open_context():
        charge()
    assert [each.name for each in caplog.records] == ["shop.steps"]


def test_the_logging_backend_as_an_ordinary_backend(caplog: pytest.LogCaptureFixture) -> None:
    """Called through the public protocol it logs the same, and lets the error through."""
    caplog.set_level(logging.INFO, "headrace")
    backend = backends.LoggingBackend()
    assert backend.enabled()
    info, context = StepInfo("pay", "shop"), FlowContext("order-17")
    with backend.span(info, context):
        pass
    with pytest.raises(ValueError, match="no funds"), backend.span(info, context):
        raise ValueError("no funds")
    assert [(each.step, each.outcome) for each in caplog.records] == [
        ("pay", "ok"),
        ("pay", "error"),
    ]


def test_a_subclass_s_methods_are_asked(caplog: pytest.LogCaptureFixture) -> None:
    """A subclass of one of our backends that overrides `span` or `enabled` is heeded."""
    caplog.set_level(logging.INFO, "headrace")

    class Picky(backends.LoggingBackend):
        on = True

        def enabled(self) -> bool:
            return self.on and super().enabled()

        def span(self, step: StepInfo, context: FlowContext) -> Any:
            return nullcontext() if step.name == "receive" else super().span(step, context)

    picky = Picky()
    headrace.configure(picky)
    receive()
    assert [each.step for each in steps(caplog.records)] == ["charge"]
    picky.on = False
    receive()
    assert len(steps(caplog.records)) == 1


# --- What the module offers -----------------------------------------------------------------------


def test_the_module_offers_what_it_lists() -> None:
    """`dir` names everything public, and an unknown name is an `AttributeError`."""
    assert set(backends.__all__) <= set(dir(backends))
    with pytest.raises(AttributeError, match="has no attribute 'StatsdBackend'"):
        _ = backends.StatsdBackend  # type: ignore[attr-defined]


def test_without_opentelemetry_its_backend_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error names what is missing and how to get it, at `configure` already."""
    monkeypatch.delitem(sys.modules, "headrace._observation.otel.backend", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match="OTelBackend needs OpenTelemetry: pip install"):
        headrace.configure("otel")


def test_auto_does_not_look_for_opentelemetry_that_nobody_imported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has not imported it has set no provider: `auto` logs."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace", raising=False)
    caplog.set_level(logging.INFO, "headrace")
    headrace.configure()
    receive()
    assert events(caplog.records) == ["step.end", "step.end", "unit.end"]
    assert "opentelemetry.trace" not in sys.modules


def test_importing_the_backends_imports_no_opentelemetry() -> None:
    """`import headrace.backends`, and using the automatic backend, leave it alone."""
    script = """
import sys
import headrace, headrace.backends
@headrace.entrypoint("f")
def receive(): return 1
assert receive() == 1
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.strip() == "[]"
