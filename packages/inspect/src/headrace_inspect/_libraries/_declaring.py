"""headrace's own decorators and flows."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace_inspect._names._library_values import (
    Declarator,
    FlowValue,
    OpenedFlow,
    TaskDecorator,
)
from headrace_inspect._names._values import (
    UNKNOWN,
    Arguments,
    External,
    Items,
    Method,
    Text,
    Value,
)

from ._celery_tasks import is_bound, make_task
from ._registry import decorator, decorator_type, function, method

if TYPE_CHECKING:
    from headrace_inspect._running._frame import Frame


@function("headrace.flow", "headrace.get_flow", "headrace.Flow")
def flow(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``flow("name")``."""
    name = frame.engine.resolve(arguments.get(0, "name") or UNKNOWN)
    return FlowValue(name.constant if isinstance(name, Text) else None)


@function("headrace.step", "headrace.entrypoint")
def by_name(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``step("flow", after=...)``, ``step(after=...)``, ``step(function)``."""
    given = arguments.get(0)
    target = frame.engine.resolve(given) if given is not None else None
    is_entrypoint = value.name == "headrace.entrypoint"
    if target is not None and not isinstance(target, Text):
        if _may_be_name(target):
            return _declarator(frame, UNKNOWN, arguments, is_entrypoint)
        return _apply(frame, _declarator(frame, None, Arguments(), is_entrypoint), target, node)
    return _declarator(frame, target, arguments, is_entrypoint)


@method(FlowValue, "step", "entrypoint")
def of_flow(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``orders.step(after=...)``, ``orders.step(function)``."""
    made = _declarator(frame, _name_of(value.owner), arguments, value.name == "entrypoint")
    target = arguments.get(0)
    return made if target is None else _apply(frame, made, target, node)


@method(FlowValue, "open")
def open_(frame: Frame, arguments: Arguments, node: ast.AST, value: Any) -> Value:
    """``with orders.open():``."""
    return OpenedFlow(value.owner.name) if value.owner.name is not None else UNKNOWN


@function("headrace_celery.flow_task")
def flow_task(frame: Frame, arguments: Arguments, node: ast.AST, value: Value) -> Value:
    """``flow_task("flow", after=...)``, ``flow_task(bind=True)``, ``flow_task(function)``."""
    given = arguments.get(0)
    target = frame.engine.resolve(given) if given is not None else None
    task = TaskDecorator(arguments.get(None, "name"), is_bound(node))
    if target is None:
        return task
    if not isinstance(target, Text) and not _may_be_name(target):
        return _apply(frame, task, target, node)
    is_entrypoint = _is_true(node, "entrypoint")
    name = target if isinstance(target, Text) else UNKNOWN
    return _declarator(frame, name, arguments, is_entrypoint, task)


def declarator_of(value: Value) -> Declarator | None:
    """Return what makes a step of the function that `value` decorates, or None."""
    match value:
        case Declarator():
            return value
        case External(name="headrace.step" | "headrace.entrypoint" as name):
            return Declarator(None, name == "headrace.entrypoint")
        case Method(owner=FlowValue() as flow, name="step" | "entrypoint" as name):
            return Declarator(_name_of(flow), name == "entrypoint")
    return None


@decorator("headrace_celery.flow_task")
def bare_task(frame: Frame, value: Any, target: Value, node: ast.AST) -> Value:
    """``@flow_task``: a task, and no step."""
    return make_task(frame, TaskDecorator(), target)


@decorator_type(Method)
def method_of_unknown(frame: Frame, value: Any, target: Value, node: ast.AST) -> Value:
    """A method of something that may register the function."""
    from headrace_inspect._running._decorating import by_unknown

    return by_unknown(frame, value, target, node)


def _apply(frame: Frame, made: Value, target: Value, node: ast.AST) -> Value:
    from headrace_inspect._running._decorating import apply

    return apply(frame, made, target, node)


def _declarator(
    frame: Frame,
    flow: Value | None,
    arguments: Arguments,
    is_entrypoint: bool,
    task: TaskDecorator | None = None,
) -> Declarator:
    after = arguments.get(None, "after")
    name = arguments.get(None, "step_name" if task is not None else "name")
    resolved = frame.engine.resolve(after) if after is not None else Items(())
    references = resolved.items if isinstance(resolved, Items) else (resolved,)
    return Declarator(
        flow,
        is_entrypoint,
        tuple([frame.engine.resolve(one) for one in references]),
        frame.engine.resolve(name) if name is not None else None,
        task,
    )


def _name_of(flow: FlowValue) -> Value:
    return Text((flow.name,)) if flow.name is not None else UNKNOWN


def _may_be_name(value: Value) -> bool:
    from headrace_inspect._names._values import Parameter

    return value is UNKNOWN or isinstance(value, Parameter | External)


def _is_true(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and any(
        keyword.arg == name
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is True
        for keyword in node.keywords
    )
