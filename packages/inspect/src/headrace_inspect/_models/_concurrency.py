"""Work side by side or later in one process: asyncio, anyio, threads, pools and executors."""

from __future__ import annotations

from headrace_inspect._evaluate._expressions import TASK, await_
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import (
    UNKNOWN,
    Bound,
    External,
    Handing,
    Instance,
    Items,
    Object,
    Parallel,
    Table,
    Value,
    union,
)

from ._stdlib import UNCHANGED, call_first, map_now, members

_FUTURE = "concurrent.futures.Future"
_THREADS = "threading.Thread threading.Timer multiprocessing.Process"
_POOLS = """
    concurrent.futures.ThreadPoolExecutor concurrent.futures.ProcessPoolExecutor
    concurrent.futures.Executor headrace.ContextExecutor multiprocessing.Pool
    multiprocessing.pool.ThreadPool multiprocessing.pool.Pool
"""
_LOOPS = """
    asyncio.get_running_loop asyncio.get_event_loop asyncio.new_event_loop
    asyncio.AbstractEventLoop
"""
_RUNNING = """
    asyncio.wait_for asyncio.shield asyncio.run asyncio.run_coroutine_threadsafe anyio.run trio.run
"""
_IN_THREADS = """
    asyncio.to_thread starlette.concurrency.run_in_threadpool anyio.to_thread.run_sync
    fastapi.concurrency.run_in_threadpool anyio.from_thread.run
"""


def register(registry: Registry) -> None:
    """Register what this module knows."""
    function, method = registry.function, registry.method
    for name, part in (("ThreadPoolExecutor", "thread"), ("ProcessPoolExecutor", "process")):
        registry.alias(f"concurrent.futures.{name}", f"concurrent.futures.{part}.{name}")
    registry.alias("asyncio.TaskGroup", "asyncio.taskgroups.TaskGroup anyio.create_task_group")
    function(_run_first, _RUNNING)
    function(_start_task, "asyncio.create_task asyncio.ensure_future")
    method(_add_callback, f"{TASK} {_FUTURE}", "add_done_callback")
    method(_result_of, f"{TASK} {_FUTURE}", "result")
    function(_as_other, "asgiref.sync.async_to_sync asgiref.sync.sync_to_async")
    function(lambda call: Parallel(members(call)), "asyncio.gather")
    function(_wait, "asyncio.wait asyncio.as_completed")
    function(call_first, _IN_THREADS)
    method(lambda call: _hand(call, 1), _LOOPS, "run_in_executor call_later call_at")
    method(lambda call: _hand(call, 0), _LOOPS, "call_soon call_soon_threadsafe")
    method(lambda call: _hand(call, 0), "asyncio.TaskGroup", "start_soon")
    method(_start_task, f"{_LOOPS} asyncio.TaskGroup", "create_task")
    method(_run_first, f"{_LOOPS} asyncio.Runner", "run_until_complete run")
    method(_start, _THREADS, "start run")
    method(_submit, _POOLS, "submit apply apply_async")
    method(map_now, _POOLS, "map imap imap_unordered starmap")
    function(
        lambda call: Items(members(call)), "concurrent.futures.as_completed concurrent.futures.wait"
    )
    function(lambda call: UNKNOWN, "signal.signal")


def _run_first(call: Call) -> Value:
    return await_(call.frame, call.value(0), call.node)


def _start_task(call: Call) -> Value:
    return Object(TASK, (_run_first(call),))


def _result_of(call: Call) -> Value:
    return union(*call.owner.arguments[:1]) if isinstance(call.owner, Object) else UNKNOWN


def _add_callback(call: Call) -> Value:
    call.frame.hand_over(call.value(0), call.node, (call.owner,))
    return UNKNOWN


def _as_other(call: Call) -> Value:
    given = call.get(0)
    if given is None:
        return External(UNCHANGED)
    return Handing(given, "call") if call.name.endswith("async_to_sync") else given


def _wait(call: Call) -> Value:
    made = await_(call.frame, Parallel(members(call)), call.node)
    return Items((made,)) if call.name.endswith("wait") else made


def _hand(call: Call, index: int) -> Value:
    callee, rest = call.value(index), call.rest(index + 1)
    return call.frame.hand_over(callee, call.node, rest, call.keywords)


def _start(call: Call) -> Value:
    frame, owner = call.frame, call.owner
    if isinstance(owner, Instance):
        method = frame.engine.attribute(frame, owner, "run", call.node)
        return UNKNOWN if isinstance(method, Bound) else frame.hand_over(method, call.node)
    if not isinstance(owner, Object):
        return UNKNOWN
    made = Call(frame, call.node, owner.arguments, owner.keywords)
    target = made.get(1, "target") or made.value(None, "function")
    given = made.get(3 if "Timer" not in owner.made_by else 2, "args")
    named = made.get(None, "kwargs")
    arguments = () if given is None else frame.engine.contents(given)
    keywords = named.named if isinstance(named, Table) else ()
    return frame.hand_over(target, call.node, arguments, keywords)


def _submit(call: Call) -> Value:
    arguments, keywords = call.rest(1), call.keywords
    if call.name.startswith("apply"):
        arguments, keywords = call.frame.engine.contents(call.value(1, "args")), ()
    made = call.frame.hand_over(call.value(0, "func"), call.node, arguments, keywords)
    return Object(_FUTURE, (made,))
