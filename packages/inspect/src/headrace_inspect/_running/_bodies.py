"""Reading a body for its node: a function's, a step's, a module's."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Function, Module
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    External,
    FunctionValue,
    Many,
    Parameter,
    StepValue,
    Value,
    choice_of,
)

from ._calls import call
from ._entering import ATOMIC
from ._frame import Frame
from ._nodes import Hub, Node
from ._policies import anybody
from ._statements import run_block
from ._trees import Until

if TYPE_CHECKING:
    from ._engine import Engine

MOST_VARIANTS = 50
"""For how many different arguments one function is looked at."""


def look(engine: Engine, node: Node, value: FunctionValue, telling: dict[str, Value]) -> None:
    """Find out what the body of `value` runs, and put it into `node`."""
    function = value.function
    variables = {
        name: telling[name] if name in telling else engine.parameter(function, name)
        for name in function.parameters
    }
    first = _first_parameter(function)
    if first is not None and first not in telling:
        variables[first] = value.receiver or anybody(function) or UNKNOWN
    frame = Frame(engine, function, node, variables, dict(value.closure))
    frame.in_transaction = _is_atomic(engine, function)
    try:
        _read(frame, function)
        node.tree = Until(frame.tree()) if frame.in_transaction else frame.tree()
    except RecursionError:
        node.tree = frame.any_of(Hub("all"), function.node)
        return
    node.returns = _returned(engine, frame, function)
    node.yields = choice_of(frame.yielded) if frame.yielded else UNKNOWN


def _is_atomic(engine: Engine, function: Function) -> bool:
    for decorator in function.decorators:
        value = engine.evaluate(decorator, function.parent)
        if isinstance(value, External) and value.name.startswith(ATOMIC):
            return True
    return False


def _read(frame: Frame, function: Function) -> None:
    body = function.node.body
    if isinstance(body, ast.expr):
        frame.returned.append(frame.consume(frame.evaluate(body)))
    else:
        run_block(frame, body)


def _returned(engine: Engine, frame: Frame, function: Function) -> Value:
    if function.is_generator:
        return Many(tuple(dict.fromkeys(frame.yielded)))
    value = choice_of(frame.returned)
    definition = function.definition
    if isinstance(value, External | type(UNKNOWN)) and definition is not None:
        annotated = engine.annotated(definition.returns, function.parent)
        if annotated is not UNKNOWN:
            return annotated
    return value


def parameter(engine: Engine, function: Function, name: str) -> Value:
    """Return what a parameter stands for where the call is not known: what its annotation says."""
    if name == _first_parameter(function):
        return anybody(function) or UNKNOWN
    annotation = function.parameters[name].annotation
    arguments = function.node.args
    if annotation is not None:
        value = engine.annotated(annotation, function.parent)
        if value is not UNKNOWN and arguments.vararg is not function.parameters[name]:
            return value
    return Parameter(function, name)


def _first_parameter(function: Function) -> str | None:
    if function.binds == "nothing":
        return None
    parameters = function.node.args
    first = [*parameters.posonlyargs, *parameters.args][:1]
    return first[0].arg if first else None


def look_at_step(engine: Engine, node: Node, value: StepValue, arguments: Arguments) -> None:
    """Find out what the step `value` runs: its function, with what decorators have made of it."""
    frame = Frame(engine, value.function.parent, node)
    result = call(frame, value.inner, arguments, value.function.node)
    frame.hurry()
    node.returns = frame.consume(result)
    node.tree = frame.tree()


def look_at_module(engine: Engine, node: Node, module: Module) -> None:
    """Find out what the import of `module` runs."""
    frame = Frame(engine, module, node)
    try:
        run_block(frame, module.tree.body)
        node.tree = frame.tree()
    except RecursionError:
        node.tree = frame.any_of(Hub("all"), module.tree)
