"""Threads, processes and pools."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    External,
    Instance,
    Items,
    Method,
    PartialValue,
    Value,
)
from headrace_inspect._running._attributes import attribute
from headrace_inspect._running._giving import give
from headrace_inspect._running._trees import Cross, block_of

from ._registry import Model, finder, function, method
from ._running_arguments import call_for_each, call_now, hand_over, tree_of_call
from ._running_arguments import start as begin

if TYPE_CHECKING:
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame

_EXECUTORS = (
    "concurrent.futures.Executor()",
    "concurrent.futures.InterpreterPoolExecutor()",
    "concurrent.futures.ProcessPoolExecutor()",
    "concurrent.futures.ThreadPoolExecutor()",
    "headrace.ContextExecutor()",
)
_POOLS = (
    "multiprocessing.Pool()",
    "multiprocessing.pool.Pool()",
    "multiprocessing.pool.ThreadPool()",
)
_THREADS = frozenset(["threading.Thread", "threading.Timer", "multiprocessing.Process"])


def _of(owners: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(f"{owner}.{name}" for owner in owners for name in names)


@function(*_of(_EXECUTORS, "submit"))
def submit(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``executor.submit(f, ...)``."""
    return begin(frame, *tree_of_call(frame, arguments.get(0), arguments.after(1), node))


@function(*_of(_EXECUTORS, "map"), *_of(_POOLS, "map", "imap", "imap_unordered", "starmap"))
def map_(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``executor.map(f, items)``."""
    items = arguments.after(1)
    if value.name.endswith("starmap"):
        for each in items.values():
            give(frame, each, node)
    return call_for_each(frame, arguments.get(0), items, node)


@function(*_of(_POOLS, "apply"))
def apply(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``pool.apply(f, args)``."""
    return call_now(frame, arguments.get(0), _given(arguments), node)


@function(*_of(_POOLS, "map_async", "starmap_async"))
def map_async(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``pool.map_async(f, items)``."""
    with frame.captured() as events:
        give(frame, arguments.get(1) or UNKNOWN, node)
        call_for_each(frame, arguments.get(0), arguments.after(1), node)
    frame.emit(Cross("call", block_of(events)))
    return UNKNOWN


@function(*_of(_POOLS, "apply_async"))
def apply_async(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``pool.apply_async(f, args)``."""
    hand_over(frame, arguments.get(0), _given(arguments), node)
    return UNKNOWN


def _given(arguments: Arguments) -> Arguments:
    given = arguments.get(1, "args")
    return Arguments(given.items) if isinstance(given, Items) else Arguments()


@function("threading.Thread", "multiprocessing.Process", "threading.Timer")
def thread(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """A thread or process, which is started by and by."""
    is_timer = value.name == "threading.Timer"
    target = arguments.get(1, "target", "function")
    if target is None:
        return External(f"{value.name}()")
    given = arguments.get(2 if is_timer else 3, "args")
    bound = Arguments(given.items) if isinstance(given, Items) else Arguments()
    return PartialValue(frame.engine.resolve(target), bound)


@method(PartialValue, "start", "run")
def start(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``thread.start()``."""
    return hand_over(frame, value.owner, Arguments(), node)


@finder
def thread_method(engine: Engine, value: Method) -> Model | None:
    """``start()`` of an instance of a class of threads, which runs its ``run()``."""
    if value.name != "start" or not isinstance(value.owner, Instance):
        return None
    return None if _THREADS.isdisjoint(engine.mro(value.owner.cls)) else _start_run


def _start_run(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    with frame.captured() as events:
        call_now(frame, attribute(frame, value.owner, "run", node), Arguments(), node)
    frame.emit(Cross("call", block_of(events)))
    return UNKNOWN
