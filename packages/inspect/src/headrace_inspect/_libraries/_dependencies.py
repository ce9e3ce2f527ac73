"""FastAPI's dependencies: what runs before an endpoint, and behind it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._library_values import AnnotatedValue, Dependency
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    FunctionValue,
    Instance,
    Items,
    StepValue,
    Value,
)
from headrace_inspect._running._giving import ANY_ARGUMENTS
from headrace_inspect._running._trees import Tree, Within, block_of

from ._registry import function
from ._running_arguments import tree_of_call

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Function
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._frame import Frame


@function("fastapi.Depends", "fastapi.Security", "fastapi.params.Depends")
def depends(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``Depends(f)``."""
    made = Dependency(frame.engine.resolve(arguments.get(0, "dependency") or UNKNOWN))
    note_dependencies(frame, made, node)
    return made


def note_dependencies(frame: Frame, value: Value, node: ast.AST) -> None:
    """Note that FastAPI may call what stands in ``Depends``."""
    values: Sequence[Value] = value.items if isinstance(value, Items) else (value,)
    for one in values:
        if isinstance(one, Dependency) and frame.is_recorded:
            tree, _ = tree_of_call(frame, one.inner, ANY_ARGUMENTS, node)
            frame.expose(tree)


def function_of(value: Value) -> Function | None:
    """Return the function that `value` is, as a step or not."""
    return value.function if isinstance(value, FunctionValue | StepValue) else None


def with_dependencies(
    frame: Frame, tree: Tree, first: Iterable[Value], function: Function | None, node: ast.AST
) -> Tree:
    """Return `tree` with what FastAPI runs around it.

    Args:
        frame: where the endpoint is entered.
        tree: what the endpoint runs.
        first: the dependencies of the router and the route.
        function: the endpoint, which has dependencies of its own, or None.
        node: what enters it.
    """
    own = _declared(frame, function) if function is not None else []
    found: dict[Value, None] = {}
    for one in (*first, *own):
        if isinstance(one, Dependency):
            _collect(frame, one.inner, found, frozenset())
    for inner in reversed(found):
        tree = _around(frame, inner, tree, node)
    return tree


def _collect(
    frame: Frame, inner: Value, found: dict[Value, None], seen: frozenset[Function]
) -> None:
    """Add `inner` to `found` behind what it depends on; each runs once in a request."""
    function = _called_in(frame.engine, inner)
    if function is not None and function not in seen:
        for one in _declared(frame, function):
            _collect(frame, one.inner, found, seen | {function})
    found.setdefault(inner)


def _called_in(engine: Engine, inner: Value) -> Function | None:
    if isinstance(inner, ClassValue):
        return engine.methods(inner.cls).get("__init__")
    return function_of(inner)


def _around(frame: Frame, inner: Value, tree: Tree, node: ast.AST) -> Tree:
    """Return that the dependency `inner` runs, and `tree` behind it, or at its ``yield``."""
    function = function_of(inner)
    if function is not None and function.is_generator:
        engine = frame.engine
        if isinstance(inner, StepValue):
            return Within(engine.step(inner, ANY_ARGUMENTS), tree, frame.where(node))
        if isinstance(inner, FunctionValue):
            return Within(engine.body(inner, ANY_ARGUMENTS), tree, frame.where(node))
    before, _ = tree_of_call(frame, inner, ANY_ARGUMENTS, node)
    return block_of([before, tree])


def _declared(frame: Frame, function: Function) -> list[Dependency]:
    found: list[Dependency] = []
    for name, parameter in function.parameters.items():
        default = function.defaults.get(name)
        values = _metadata(frame, parameter.annotation, function)
        if isinstance(default, ast.Call):
            values.append(frame.engine.evaluate(default, function.parent))
        for value in values:
            if isinstance(value, Dependency):
                own = frame.engine.parameter(function, name)
                if value.inner is UNKNOWN and isinstance(own, Instance):
                    found.append(Dependency(ClassValue(own.cls)))  # Depends()
                else:
                    found.append(value)
    return found


def _metadata(frame: Frame, annotation: ast.expr | None, function: Function) -> list[Value]:
    """Return what stands behind the type in ``Annotated[type, ...]``, or an alias of it."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
    if not isinstance(annotation, ast.Name | ast.Attribute | ast.Subscript):
        return []
    value = frame.engine.resolve(frame.engine.evaluate(annotation, function.parent))
    return list(value.metadata) if isinstance(value, AnnotatedValue) else []
