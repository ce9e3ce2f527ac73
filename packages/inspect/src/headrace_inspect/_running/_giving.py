"""What happens to functions that are given away: stored, or passed to code that is not seen."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._library_values import Driven, Signature
from headrace_inspect._names._values import (
    Arguments,
    Choice,
    ClassValue,
    ContextValue,
    Coroutine,
    FunctionValue,
    Instance,
    Items,
    Many,
    Method,
    PartialValue,
    Possibly,
    PropertyValue,
    StepValue,
    TaskValue,
    Value,
)

from ._libraries_known import is_inert, is_standard
from ._trees import NOTHING_HAPPENS, Possible, Tree, block_of

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Class

    from ._exposure import Place
    from ._frame import Frame

ANY_ARGUMENTS = Arguments(starred=True)
_CALLABLE = (FunctionValue, StepValue, TaskValue, PartialValue, Signature)


def give(frame: Frame, value: Value, node: ast.AST, place: Place = "stored") -> None:
    """Note that functions in `value` are put where they are lost sight of.

    Args:
        frame: where that happens.
        value: what is put there.
        node: by what.
        place: where.
    """
    if frame.is_recorded:
        for tree in calls_of(frame, value, node):
            frame.escape(tree, place)


def pass_on(frame: Frame, value: Value, node: ast.AST) -> None:
    """Give `value` to code that is not seen, which may call it at once or whenever it likes."""
    if frame.is_recorded:
        for tree in calls_of(frame, value, node):
            frame.emit(Possible(tree))
            frame.escape(tree, "library")
            frame.expose(tree)


def pass_to_library(frame: Frame, name: str, value: Value, node: ast.AST) -> None:
    """Give `value` to the function `name` of a library."""
    if not frame.is_recorded:
        return
    if not is_standard(name):
        pass_on(frame, value, node)
        if not is_inert(name):
            for cls in classes_in(value):
                frame.expose_class(cls)
        return
    # The standard library calls it at once, or when a signal or the like comes.
    for tree in calls_of(frame, value, node):
        frame.emit(Possible(tree))
        frame.expose(tree)


def calls_of(frame: Frame, value: Value, node: ast.AST) -> list[Tree]:
    """Return what a call of each function in `value` would run."""
    match value:
        case Items(items=items) | Many(items=items) | Choice(options=items):
            return [tree for item in items for tree in calls_of(frame, item, node)]
        case Possibly(inner=inner):
            return calls_of(frame, inner, node)
        case Coroutine(tree=tree):
            return [tree]
        case ContextValue(inner=inner) | PropertyValue(inner=inner) | Driven(inner=inner):
            return calls_of(frame, inner, node)
        case Method(owner=owner) if isinstance(owner, _CALLABLE):
            return _called(frame, value, node)
        case FunctionValue() | StepValue() | TaskValue() | PartialValue() | Signature():
            return _called(frame, value, node)
    return []


def call_tree(frame: Frame, value: Value, arguments: Arguments, node: ast.AST) -> Tree:
    """Return what a call of `value` runs, to its end, without letting it happen."""
    from ._calls import call

    with frame.captured() as events:
        result = call(frame, frame.engine.resolve(value), arguments, node)
        if not frame.engine.is_far(result):
            frame.consume(result)
    return block_of(events)


def _called(frame: Frame, value: Value, node: ast.AST) -> list[Tree]:
    tree = call_tree(frame, value, ANY_ARGUMENTS, node)
    return [] if tree is NOTHING_HAPPENS else [tree]


def classes_in(value: Value) -> list[Class]:
    """Return the classes that `value` is, or is an instance of."""
    match value:
        case Instance(cls=cls) | ClassValue(cls=cls):
            return [cls]
        case Items(items=items) | Many(items=items) | Choice(options=items):
            return [cls for item in items for cls in classes_in(item)]
    return []
