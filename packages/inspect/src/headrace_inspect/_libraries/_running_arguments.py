"""What many models share: calling a function that is among the arguments."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    Choice,
    Coroutine,
    Items,
    Many,
    Result,
    Started,
    Value,
    one_list,
)
from headrace_inspect._running._calls import call
from headrace_inspect._running._frame import DEEPEST_LISTS
from headrace_inspect._running._trees import Cross, Ended, Kind, Loop, Spawn, Tree, block_of

if TYPE_CHECKING:
    from headrace_inspect._running._frame import Frame


def call_now(frame: Frame, value: Value | None, arguments: Arguments, node: ast.AST) -> Value:
    """Let `value` be called and what it gives be awaited, now."""
    if value is None:
        return UNKNOWN
    return frame.consume(call(frame, frame.engine.resolve(value), arguments, node))


def tree_of_call(
    frame: Frame, value: Value | None, arguments: Arguments, node: ast.AST
) -> tuple[Tree, Value]:
    """Return what a call of `value` would run, and what it would give."""
    with frame.captured() as events:
        result = call_now(frame, value, arguments, node)
    return block_of(events), result


def hand_over(
    frame: Frame, value: Value | None, arguments: Arguments, node: ast.AST, kind: Kind = "call"
) -> Value:
    """Let a call of `value` be handed over: it may run now, or later."""
    tree, result = tree_of_call(frame, value, arguments, node)
    frame.emit(Cross(kind, tree))
    return result


def start(frame: Frame, tree: Tree, result: Value) -> Started:
    """Let a task begin that runs `tree`, and return it."""
    frame.emit(Spawn(tree))
    return Started(tree, result)


def call_for_each(frame: Frame, value: Value | None, arguments: Arguments, node: ast.AST) -> Value:
    """Let `value` be called any number of times, and return its results."""
    with frame.captured() as events:
        elements = tuple([_element(frame, one) for one in arguments.positional])
        result = (
            UNKNOWN
            if value is None
            else call(frame, frame.engine.resolve(value), Arguments(elements), node)
        )
    if events:
        frame.emit(Loop(block_of(events)))
    return UNKNOWN if result is UNKNOWN else Many((result,))


def _element(frame: Frame, value: Value) -> Value:
    from headrace_inspect._running._iterating import element_of

    return element_of(frame, frame.engine.resolve(value))


def trees_of_awaited(
    frame: Frame, values: tuple[Value, ...], depth: int = 0
) -> tuple[list[Tree], list[Value]]:
    """Return what awaiting each of `values` runs, taken apart as far as they are lists."""
    trees: list[Tree] = []
    results: list[Value] = []
    for value in values:
        resolved = one_list(frame.engine.resolve(value)) if depth <= DEEPEST_LISTS else UNKNOWN
        if isinstance(resolved, Items):
            inner, given = trees_of_awaited(frame, resolved.items, depth + 1)
            trees += inner
            results.append(Items(tuple(given)))
        elif isinstance(resolved, Many):
            inner, given = trees_of_awaited(frame, resolved.items, depth + 1)
            trees += [tree if isinstance(tree, Ended) else Loop(tree) for tree in inner]
            results.append(Many(tuple(given)))
        elif isinstance(resolved, Coroutine):
            trees.append(resolved.tree)
            results.append(resolved.result)
        elif isinstance(resolved, Started):
            trees.append(Ended(resolved.tree))
            results.append(resolved.result)
        elif isinstance(resolved, Choice):
            with frame.captured() as events:
                results.append(frame.consume(resolved))
            trees.append(block_of(events))
        else:
            results.append(resolved if not isinstance(value, Result) else value)
    return trees, results
