"""Publishing and running a Celery task, against hand-written signal handlers with the same duties.

The base is what people write before they use a library: one header with the ID, the unit that
published the message and the time, taken into a `ContextVar` before each run and taken out after
it. Run it alone with ``python -m benchmarks.bench_celery``.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from celery import Celery, signals
from celery.app.trace import build_tracer
from rich.console import Console

import headrace
import headrace_celery
from benchmarks.harness import Case, Group, measure, print_tables
from headrace import Chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

app = Celery("bench", broker="memory://", backend="cache+memory://", set_as_current=False)
app.conf.task_ignore_result = True
CALLS = 100


@app.task(name="bench.nothing")
def nothing() -> None:
    """What a task does."""


# --- By hand --------------------------------------------------------------------------------------


class Own(NamedTuple):
    """What the hand-written handlers keep of a unit of work."""

    correlation_id: str
    unit: str
    cause: str | None


_own: ContextVar[Own | None] = ContextVar("own", default=None)
_is_valid = re.compile(r"[A-Za-z0-9._-]{1,128}").fullmatch


def own_publish(headers: Any = None, **_: Any) -> None:
    """Put the current unit into the message."""
    own = _own.get()
    if own is not None:
        at = int(time.time() * 1000)
        headers["own"] = {"id": own.correlation_id, "cause": own.unit, "at": at}


def own_prerun(task: Any = None, **_: Any) -> None:
    """Make the unit of a run current."""
    request = task.request
    outer = _own.get()
    header = request.get("own") or (request.headers or {}).get("own")
    try:
        if outer is not None:
            own = Own(outer.correlation_id, uuid4().hex[:16], outer.unit)
        elif header and _is_valid(header["id"]):
            own = Own(header["id"], uuid4().hex[:16], header["cause"])
        else:
            own = Own(uuid4().hex, uuid4().hex[:16], None)
    except Exception:
        own = Own(uuid4().hex, uuid4().hex[:16], None)
    request.own_token = _own.set(own)


def own_postrun(task: Any = None, **_: Any) -> None:
    """Restore what was current before."""
    _own.reset(task.request.own_token)


def by_hand() -> None:
    """Connect the hand-written handlers."""
    signals.before_task_publish.connect(own_publish, weak=False)
    signals.task_prerun.connect(own_prerun, weak=False)
    signals.task_postrun.connect(own_postrun, weak=False)


# --- Chains ---------------------------------------------------------------------------------------


def add_one(n: int) -> int:
    """What a step does."""
    return n + 1


def ten_steps(name: str) -> Chain:
    """Return a chain of ten steps."""
    chain = Chain(name).next(add_one, args=["n"], out="n0")
    for i in range(9):
        chain.next(add_one, args=[f"n{i}"], out=f"n{i + 1}")
    return chain


called = ten_steps("called")


@app.task(name="bench.by_hand")
def by_hand_called(**inputs: int) -> dict[str, Any]:
    """Call a chain, and return a value and the report."""
    result = called.run(**inputs)
    report = [
        {
            "name": step.name,
            "outcome": step.outcome,
            "attempts": step.attempts,
            "seconds": round(step.seconds, 6),
            "reason": step.reason,
        }
        for step in result.steps
    ]
    return {"n9": result["n9"], "report": report}


@app.task(name="bench.value")
def value_called(**inputs: int) -> int:
    """Call a chain, and return a value."""
    value: int = called.run(**inputs)["n9"]
    return value


registered = headrace_celery.chain_task(app, ten_steps("registered"), returns=["n9"])
limited = headrace_celery.chain_task(app, ten_steps("limited"), returns=["n9"], time_limit=60)


def in_worker(task: Any) -> Callable[[], object]:
    """Return a function that runs `task` as a worker does, with the message at hand."""
    run = build_tracer(task.name, app.tasks[task.name], app=app)
    request = {"id": "bench", "delivery_info": {}, "hostname": "bench", "ignore_result": False}
    return lambda: run("bench", (), {"n": 1}, request)


def chain_cases() -> list[Case]:
    """Return tasks that run a chain, with its result in the result backend."""

    def case(name: str, task: Any, limit: float | None = None) -> Case:
        return Case(name, in_worker(task), lambda: connected(with_headrace), limit, calls=20)

    return [
        case("a task that calls the chain by hand", by_hand_called),
        case("chain_task", registered, 1.05),
        case("chain_task with a hard time limit", limited),
        case("by hand, without the report", value_called),
    ]


# --- The cases ------------------------------------------------------------------------------------


def with_headrace() -> None:
    """Connect headrace."""
    headrace_celery.init_app(app)


def with_opentelemetry() -> None:
    """Connect OpenTelemetry's instrumentation; its spans go nowhere."""
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    instrumentor = CeleryInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
    instrumentor.instrument(tracer_provider=TracerProvider())


def nobody() -> None:
    """Connect nothing."""


@contextmanager
def connected(connect: Callable[[], None]) -> Iterator[None]:
    """Have `connect` done, and a unit of work open, inside the block."""
    known = [getattr(signals, name) for name in signals.__all__]
    before = [list(signal.receivers) for signal in known]
    connect()
    token = _own.set(Own(uuid4().hex, uuid4().hex[:16], None))
    try:
        with headrace.open_context():
            yield
    finally:
        _own.reset(token)
        with app.connection_for_write() as connection:
            connection.default_channel.queue_purge("celery")
        for signal, receivers in zip(known, before, strict=True):
            signal.receivers[:] = receivers
            signal.sender_receivers_cache.clear()


def cases(call: Callable[[], object]) -> list[Case]:
    """Return `call` with each of the handlers."""

    def case(name: str, connect: Callable[[], None], limit: float | None = None) -> Case:
        return Case(name, call, lambda: connected(connect), limit, calls=CALLS)

    return [
        case("handlers by hand", by_hand),
        case("no handlers", nobody),
        case("headrace", with_headrace, 1.1),
        case("OpenTelemetry's instrumentation", with_opentelemetry),
    ]


def groups() -> list[Group]:
    """Return what is compared."""
    return [
        Group("publish a Celery task (memory transport)", cases(nothing.apply_async)),
        Group("run a Celery task eagerly", cases(nothing.apply)),
        Group("run a chain of ten steps in a Celery task", chain_cases()),
    ]


if __name__ == "__main__":
    print_tables(measure(groups(), rounds=60), Console())
