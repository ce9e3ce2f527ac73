"""asyncio, and anyio and trio as far as they say the same with other words."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Coroutine,
    Items,
    Many,
    Started,
    Value,
)
from headrace_inspect._running._trees import Ended, Parallel, Spawn, block_of

from ._registry import function, method
from ._running_arguments import call_now, hand_over, start, tree_of_call, trees_of_awaited

if TYPE_CHECKING:
    from headrace_inspect._running._frame import Frame

_LOOPS = (
    "asyncio.get_running_loop()",
    "asyncio.get_event_loop()",
    "asyncio.new_event_loop()",
    "asyncio.AbstractEventLoop()",
    "asyncio.events.AbstractEventLoop()",
)


def _of_loops(*names: str) -> tuple[str, ...]:
    return tuple(f"{loop}.{name}" for loop in _LOOPS for name in names)


@function(
    "asyncio.run",
    "asyncio.Runner().run",
    "asyncio.wait_for",
    "asyncio.shield",
    *_of_loops("run_until_complete"),
)
def awaited(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What awaits one thing."""
    return frame.consume(arguments.get(0, "main", "fut", "arg", "coro", "future") or UNKNOWN)


@function(
    "asyncio.create_task",
    "asyncio.ensure_future",
    "asyncio.run_coroutine_threadsafe",
    "asyncio.Task",
    "asyncio.TaskGroup().create_task",
    *_of_loops("create_task"),
)
def started(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What begins to run, while the caller goes on."""
    trees, results = trees_of_awaited(frame, (arguments.get(0, "coro") or UNKNOWN,))
    return start(frame, block_of(trees), results[0])


@method(Started, "add_done_callback")
def at_its_end(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.add_done_callback(f)``."""
    tree, _ = tree_of_call(frame, arguments.get(0, "fn"), Arguments((value.owner,)), node)
    frame.emit(Spawn(block_of([Ended(value.owner.tree), tree])))
    return UNKNOWN


@method(Started, "result", "exception")
def result(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``task.result()``, which waits, or fails before the end."""
    return frame.consume(value.owner)


@method(Started, "cancel", "cancelled", "done", "get_name", "set_name")
def asked(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What runs nothing."""
    return UNKNOWN


@function(
    "anyio.create_task_group().start_soon",
    "anyio.abc.TaskGroup().start_soon",
    "trio.open_nursery().start_soon",
    "trio.Nursery().start_soon",
)
def spawned_call(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """A call as a task of a group."""
    tree, _ = tree_of_call(frame, arguments.get(0), arguments.after(1), node)
    frame.emit(Spawn(tree))
    return UNKNOWN


@function("asyncio.gather", "asyncio.as_completed", "asyncio.wait")
def together(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What awaits several things at once."""
    trees, results = trees_of_awaited(frame, arguments.positional)
    if trees:
        frame.emit(Parallel(trees))
    if value.name == "asyncio.gather":
        return Items(tuple(results))
    return Many(tuple(results)) if value.name == "asyncio.as_completed" else UNKNOWN


@function(
    *_of_loops("call_soon", "call_soon_threadsafe"),
    "anyio.from_thread.run",
    "anyio.from_thread.run_sync",
    "anyio.run",
    "trio.run",
    "trio.from_thread.run",
    "trio.from_thread.run_sync",
)
def called(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """What calls its first argument with the rest."""
    if "call_soon" in value.name:
        return hand_over(frame, arguments.get(0), arguments.after(1), node)
    return call_now(frame, arguments.get(0), arguments.after(1), node)


@function(*_of_loops("call_later", "call_at"))
def called_later(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What calls its second argument after a while."""
    return hand_over(frame, arguments.get(1), arguments.after(2), node)


@function(
    "asyncio.to_thread",
    "anyio.to_thread.run_sync",
    "trio.to_thread.run_sync",
    "starlette.concurrency.run_in_threadpool",
    "fastapi.concurrency.run_in_threadpool",
)
def in_thread(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What gives a thread a call to do, when it is awaited."""
    tree, result = tree_of_call(frame, arguments.get(0), arguments.after(1), node)
    return Coroutine(tree, result)


@function(*_of_loops("run_in_executor"))
def in_executor(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """What gives an executor a call to do."""
    return hand_over(frame, arguments.get(1, "func"), arguments.after(2), node)


@method(Coroutine, "__await__")
def itself(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``coroutine.__await__()``, for an awaitable of one's own."""
    owner: Value = value.owner
    return owner
