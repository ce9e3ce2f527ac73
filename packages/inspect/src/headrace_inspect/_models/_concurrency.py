"""Concurrent and deferred calls in one process.

Knows asyncio, anyio, threads, executors, asgiref, and the background tasks of Starlette.
"""

from __future__ import annotations

from functools import partial

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._expressions import TASK, await_
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Bound,
    Handing,
    Instance,
    Items,
    Object,
    Parallel,
    Table,
    Value,
)

from ._stdlib import map_now, members

_THREADS = "threading.Thread threading.Timer multiprocessing.Process"
_POOLS = """
    concurrent.futures.ThreadPoolExecutor concurrent.futures.ProcessPoolExecutor
    concurrent.futures.Executor headrace.ContextExecutor multiprocessing.Pool
    multiprocessing.pool.ThreadPool
"""
_GROUP = "asyncio.TaskGroup"
_BACKGROUND = "starlette.background.BackgroundTasks"
_LOOPS = """
    asyncio.get_running_loop asyncio.get_event_loop asyncio.new_event_loop
    asyncio.AbstractEventLoop
"""
_AWAITING = """
    asyncio.wait_for asyncio.shield asyncio.run asyncio.run_coroutine_threadsafe anyio.run trio.run
"""
_CALLING = """
    asyncio.to_thread starlette.concurrency.run_in_threadpool anyio.to_thread.run_sync
    fastapi.concurrency.run_in_threadpool anyio.from_thread.run starlette.background.BackgroundTask
    atexit.register contextvars.Context.run
"""
_METHODS = (
    (0, _LOOPS, "call_soon call_soon_threadsafe"),
    (1, _LOOPS, "run_in_executor call_later call_at"),
    (0, _GROUP, "start_soon"),
    (0, TASK, "add_done_callback"),
    (0, _POOLS, "submit apply apply_async"),
    (0, "contextvars.copy_context", "run"),
    (0, "tenacity.Retrying tenacity.AsyncRetrying", "__call__"),
)
"""Methods that call an argument: its index, the owners, the names."""


def register(registry: Registry) -> None:
    """Register this model."""
    function, method = registry.function, registry.method
    registry.alias(_GROUP, "anyio.create_task_group")
    registry.alias(_BACKGROUND, "fastapi.BackgroundTasks")
    method(_add_task, _BACKGROUND, "add_task")
    for index, owners, names in _METHODS:
        method(partial(_hand, index), owners, names)
    function(partial(_hand, 0), _CALLING)
    function(_run_first, _AWAITING)
    function(_start_task, "asyncio.create_task asyncio.ensure_future")
    method(_start_task, f"{_LOOPS} {_GROUP}", "create_task")
    method(_run_first, f"{_LOOPS} asyncio.Runner", "run_until_complete run")
    function(lambda call: Parallel(members(call)), "asyncio.gather")
    function(_wait, "asyncio.wait asyncio.as_completed concurrent.futures.as_completed")
    function(_as_other, "asgiref.sync.async_to_sync asgiref.sync.sync_to_async")
    method(_start, _THREADS, "start run")
    method(map_now, _POOLS, "map imap imap_unordered starmap")
    function(lambda call: UNKNOWN, "signal.signal")


def _hand(index: int, call: Call) -> Value:
    callee, rest = call.value(index, "func"), call.rest(index + 1)
    return call.frame.hand_over(callee, call.node, rest, call.keywords)


def _add_task(call: Call) -> Value:
    call.frame.engine.facts.setdefault(_add_task, []).append(call.value(0, "func"))
    return _hand(0, call)


def background_in(engine: Engine) -> list[Value]:
    """Return the functions that become background tasks."""
    found: list[Value] = engine.facts.get(_add_task, [])
    return found


def _run_first(call: Call) -> Value:
    return await_(call.frame, call.value(0), call.node)


def _start_task(call: Call) -> Value:
    return Object(TASK, (_run_first(call),))


def _as_other(call: Call) -> Value:
    given = call.value(0)
    is_sync = given is not UNKNOWN and call.name.endswith("async_to_sync")
    return Handing(given, "call") if is_sync else given


def _wait(call: Call) -> Value:
    made = await_(call.frame, Parallel(members(call)), call.node)
    return Items((made,)) if call.name.endswith("wait") else made


def _start(call: Call) -> Value:
    frame, owner = call.frame, call.owner
    if isinstance(owner, Instance):
        method = frame.engine.attribute(frame, owner, "run", call.node)
        return UNKNOWN if isinstance(method, Bound) else frame.hand_over(method, call.node)
    if not isinstance(owner, Object):
        return UNKNOWN
    made = Call(frame, call.node, owner.arguments, owner.keywords)
    target = made.get(1, "target") or made.value(None, "function")
    given = made.value(3 if "Timer" not in owner.made_by else 2, "args")
    named = made.get(None, "kwargs")
    keywords = named.named if isinstance(named, Table) else ()
    return frame.hand_over(target, call.node, frame.engine.contents(given), keywords)
