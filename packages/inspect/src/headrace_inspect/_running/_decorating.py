"""What decorators make of functions and classes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._entities import Class, Function
from headrace_inspect._names._library_values import Declarator, FlowValue
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    ClassValue,
    External,
    FunctionValue,
    Parameter,
    PartialValue,
    Possibly,
    StepValue,
    TaskValue,
    Unknown,
    Value,
)

from ._calls import call
from ._classes import frameworks_of
from ._giving import calls_of, give, leave_what_describes
from ._hooks import may_call
from ._libraries_known import is_transparent

if TYPE_CHECKING:
    from ._frame import Frame


def decorate(frame: Frame, bare: FunctionValue) -> Value:
    """Return what the decorators of a function make of it; what they run, runs now."""
    from headrace_inspect._libraries._declaring import declarator_of
    from headrace_inspect._libraries._routes import enter_route

    value: Value = bare
    for node in reversed(bare.function.decorators):
        if enter_route(frame, node, value, bare.function):
            continue
        decorator = frame.resolved(node)
        made = declarator_of(decorator)
        if made is None:
            value = apply(frame, decorator, value, node)
        else:
            value = declare(frame, made, value, bare.function, bare.receiver)
    if frame.is_recorded:
        _expose_hook(frame, bare.function, value)
    return value


def apply(frame: Frame, decorator: Value, target: Value, node: ast.AST) -> Value:
    """Return what `decorator` makes of the function `target`."""
    from headrace_inspect._libraries import decorator_model_of

    model = decorator_model_of(decorator)
    if model is not None:
        return model(frame, decorator, target, node)
    match decorator:
        case Declarator():
            return declare_by_hand(frame, decorator, target)
        case External(name=name) if name.removesuffix("()").endswith(_REGISTERING):
            return by_unknown(frame, decorator, target, node)
        case External(name=name) if is_transparent(name):
            leave_what_describes(frame, name, target, node)
            return target
        case External() | Parameter() | Unknown():
            return by_unknown(frame, decorator, target, node)
    given = Arguments((target,))
    result = frame.engine.resolve(frame.consume(call(frame, decorator, given, node)))
    return Possibly(target) if result is UNKNOWN else result


def by_unknown(frame: Frame, decorator: Value, target: Value, node: ast.AST) -> Value:
    """Return `target`, which a decorator of a library has perhaps registered somewhere."""
    if frame.is_recorded:
        if isinstance(decorator, External):
            leave_what_describes(frame, decorator.name, target, node)
        for tree in calls_of(frame, target, node):
            frame.expose(tree)
            frame.escape(tree, "library")
    return target


def declare(
    frame: Frame,
    declarator: Declarator,
    target: Value,
    function: Function,
    receiver: Value | None,
) -> Value:
    """Return the step that a decorator of headrace makes of `target`, which is `function`."""
    from headrace_inspect._libraries._celery_tasks import make_task

    frame.engine.declare(function, declarator)
    step: Value = StepValue(function, receiver, target)
    return step if declarator.task is None else make_task(frame, declarator.task, step)


def declare_by_hand(frame: Frame, declarator: Declarator, target: Value) -> Value:
    """Return the step that a call of a decorator makes of `target`."""
    function = _function_of(target)
    if function is None:
        return target
    return declare(frame, declarator, target, function, None)


def _function_of(value: Value) -> Function | None:
    match value:
        case (
            FunctionValue(function=function)
            | StepValue(function=function)
            | TaskValue(function=function)
        ):
            return function
        case PartialValue(inner=inner) | Possibly(inner=inner):
            return _function_of(inner)
    return None


def _expose_hook(frame: Frame, function: Function, value: Value) -> None:
    """Note that a framework may call the method of a class with a base of the framework's."""
    if function.owner is None:
        return
    if may_call(frameworks_of(frame.engine, function.owner), function):
        for tree in calls_of(frame, value, function.node):
            frame.expose(tree)


def decorate_class(frame: Frame, cls: Class) -> None:
    """Let the decorators of a class run."""
    for decorator in reversed(cls.node.decorator_list):
        value = frame.resolved(decorator)
        if isinstance(value, FlowValue):
            continue
        if isinstance(value, External) and is_transparent(value.name):
            continue
        frame.expose_class(cls)
        if not isinstance(value, External):
            made = frame.engine.resolve(
                call(frame, value, Arguments((ClassValue(cls),)), decorator)
            )
            if made != ClassValue(cls):
                give(frame, made, decorator, "attached")


def evaluate_defaults(frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Evaluate the defaults of parameters, which happens where a function is defined."""
    for default in (*node.args.defaults, *node.args.kw_defaults):
        if default is not None:
            give(frame, frame.evaluate(default), node)


# What makes methods that run whenever an instance is made or written, in pydantic and attrs.
_REGISTERING = ("_validator", "_serializer", ".validator", ".computed_field", ").default")
