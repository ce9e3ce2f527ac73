"""With statements: what runs at the beginning, and what at the end."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from headrace_inspect._names._library_values import Closing, OpenedFlow
from headrace_inspect._names._values import (
    UNKNOWN,
    Choice,
    EnteredLater,
    External,
    Instance,
    Many,
    Value,
)

from ._attributes import attribute
from ._calls import call
from ._giving import ANY_ARGUMENTS
from ._iterating import assign
from ._libraries_known import is_standard
from ._nodes import NO_ARGUMENTS
from ._trees import Open, Team, Tree, Try, Until, Within, block_of

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Class

    from ._frame import Frame

Body = Callable[[], None]

ATOMIC = "django.db.transaction.atomic"


def run_with(frame: Frame, items: Sequence[ast.withitem], body: Body) -> None:
    """Let a with statement run: its items from left to right, then `body`, then their ends."""
    if not items:
        body()
        return
    first, *others = items
    value = frame.engine.resolve(frame.consume(frame.evaluate(first.context_expr)))
    enter(frame, value, first, lambda: run_with(frame, others, body))


def enter(frame: Frame, value: Value, item: ast.withitem, body: Body) -> None:
    """Let the context manager `value` be entered, `body` run, and the context manager left."""
    match value:
        case EnteredLater():
            _generator(frame, value, item, body)
        case Instance():
            _instance(frame, value, item, body)
        case Closing(inner=inner, method=method):
            _closing(frame, inner, method, item, body)
        case OpenedFlow(name=name):
            frame.emit(Open(name))
            _plain(frame, UNKNOWN, item, body)
        case External(name=name) if name in _WRAPPERS:
            _plain_within(frame, value, item, body, _WRAPPERS[name])
        case External(name=name) if name.startswith(ATOMIC):
            _transaction(frame, value, item, body)
        case External(name=name) if is_standard(name):
            _plain(frame, value, item, body)
        case External():
            _plain_within(frame, value, item, body, _perhaps_suppressing)
        case Choice(options=options):
            # Whichever it is, the body runs once.
            enter(frame, options[0], item, body)
        case _:
            _plain_within(frame, UNKNOWN, item, body, _perhaps_suppressing)


def _generator(frame: Frame, value: EnteredLater, item: ast.withitem, body: Body) -> None:
    frame.enters(value.node)
    target = frame.engine.yielded(value.node)
    with frame.captured() as events:
        _plain(frame, target, item, body)
    where = frame.where(item.context_expr)
    frame.emit(Within(value.node, block_of(events), where))


def _instance(frame: Frame, value: Instance, item: ast.withitem, body: Body) -> None:
    begin, end = ("__enter__", "__exit__")
    if frame.engine.has_method(value.cls, "__aenter__"):
        begin, end = ("__aenter__", "__aexit__")
    if not frame.engine.has_method(value.cls, begin):
        _plain(frame, value, item, body)
        return
    node = item.context_expr
    entered = call(frame, attribute(frame, value, begin, node), NO_ARGUMENTS, node)
    with frame.captured() as events:
        _plain(frame, frame.engine.resolve(frame.consume(entered)), item, body)
    with frame.captured() as ending:
        frame.consume(call(frame, attribute(frame, value, end, node), ANY_ARGUMENTS, node))
    swallows = None if _gives_something(frame, value.cls, end) else False
    frame.emit(Try(block_of(events), final=block_of(ending), swallows=swallows))


def _closing(frame: Frame, inner: Value, method: str, item: ast.withitem, body: Body) -> None:
    node = item.context_expr
    with frame.captured() as events:
        _plain(frame, inner, item, body)
    with frame.captured() as ending:
        close(frame, inner, method, node)
    frame.emit(Try(block_of(events), final=block_of(ending)))


def close(frame: Frame, value: Value, method: str, node: ast.AST) -> None:
    """Let the method `method` of `value` be called, and its result be awaited."""
    resolved = frame.engine.resolve(value)
    if not isinstance(resolved, Many | External):  # a generator, a file, a connection
        frame.consume(call(frame, attribute(frame, resolved, method, node), NO_ARGUMENTS, node))


def _gives_something(frame: Frame, cls: Class, name: str) -> bool:
    """Tell whether a method may return what is true."""
    function = frame.engine.methods(cls).get(name)
    return function is None or any(
        isinstance(node, ast.Return)
        and node.value is not None
        and not (isinstance(node.value, ast.Constant) and not node.value.value)
        for node in ast.walk(function.node)
    )


def _plain(frame: Frame, target: Value, item: ast.withitem, body: Body) -> None:
    if item.optional_vars is not None:
        assign(frame, item.optional_vars, target)
    body()


def _plain_within(
    frame: Frame,
    target: Value,
    item: ast.withitem,
    body: Body,
    wrap: Callable[[Tree], Tree],
) -> None:
    with frame.captured() as events:
        _plain(frame, target, item, body)
    frame.emit(wrap(block_of(events)))


def _transaction(frame: Frame, value: Value, item: ast.withitem, body: Body) -> None:
    outer, frame.in_transaction = frame.in_transaction, True
    _plain_within(frame, value, item, body, Until)
    frame.in_transaction = outer


def _perhaps_suppressing(tree: Tree) -> Tree:
    return Try(tree, swallows=None)


def _stack(tree: Tree) -> Tree:
    return Until(tree, is_stack=True)


def _suppressing(tree: Tree) -> Tree:
    return Try(tree, swallows=True)


_WRAPPERS: dict[str, Callable[[Tree], Tree]] = {
    "anyio.create_task_group()": Team,
    "asyncio.TaskGroup()": Team,
    "concurrent.futures.InterpreterPoolExecutor()": Team,
    "concurrent.futures.ProcessPoolExecutor()": Team,
    "concurrent.futures.ThreadPoolExecutor()": Team,
    "contextlib.AsyncExitStack()": _stack,
    "contextlib.ExitStack()": _stack,
    "contextlib.suppress()": _suppressing,
    "headrace.ContextExecutor()": Team,
    "trio.open_nursery()": Team,
}
