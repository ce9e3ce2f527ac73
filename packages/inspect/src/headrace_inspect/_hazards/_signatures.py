"""HR202: the arguments of a call do not fit the task's signature."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import External, FunctionValue, Object, Value, options_of
from headrace_inspect._findings._messages import signature_of
from headrace_inspect._models._tasks import Publishing, Task
from headrace_inspect._report import Finding, Link, Place
from headrace_inspect._source._discovery import shown
from headrace_inspect._symbols._entities import Function

from ._publishing import hazard, name_of, published

_DIRECT = frozenset(["delay", "delay_on_commit", "send", "kiq", "s", "si"])
_PACKED = frozenset(["apply_async", "apply_async_on_commit", "apply", "signature", "subtask"])
_PARTIAL = frozenset(["s", "signature", "subtask"])
_TRANSPARENT = ("django.db.transaction.", "functools.", "headrace.", "headrace_", "typing.")


def misfits(engine: Engine) -> Iterator[Finding]:
    """Find the calls that publish a task with arguments that it cannot take."""
    done: set[ast.AST] = set()
    for one in published(engine):
        if one.node in done or not _is_written_out(one.node):
            continue
        done.add(one.node)
        tasks = options_of(one.task)
        reasons = [_reason(engine, task, one) for task in tasks]
        function = _function(tasks[0])
        if all(reasons) and function is not None:
            place = Place(shown(function.module.path), function.node.lineno)
            definition = Link(place, f"def {function.name}", "call", function.qualname)
            message = f"{name_of(one)} does not take these arguments: {reasons[0]}"
            yield hazard("HR202", message, engine, one, definition)


def _is_written_out(node: ast.AST) -> bool:
    """Tell whether a call names all arguments of the task, none of them behind a star."""
    match node:
        case ast.Call(func=ast.Attribute(attr=method), args=values, keywords=named):
            if method in _PACKED:
                packed = [one.value for one in named if one.arg in {"args", "kwargs"}]
                is_plain = all(map(_is_display, (*values[:2], *packed)))
            else:
                is_plain = method in _DIRECT
            return is_plain and all(one.arg for one in named) and not _has_star(values)
    return False


def _is_display(node: ast.expr) -> bool:
    match node:
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return not _has_star(elements)
        case ast.Dict(keys=keys):
            return all(isinstance(key, ast.Constant) for key in keys)
    return False


def _has_star(values: list[ast.expr]) -> bool:
    return any(isinstance(one, ast.Starred) for one in values)


def _reason(engine: Engine, task: Value, one: Publishing) -> str | None:
    """Return why arguments do not fit a task, or None if they may."""
    function = _function(task)
    if function is None or not isinstance(task, Task) or _may_change(engine, function):
        return None
    positional, named, needed = signature_of(task, function)
    count, names = len(one.arguments), [name for name, _ in one.keywords]
    if count > len(positional) and "*" not in positional:
        return f"{count} positional arguments, and it takes {len(positional)}"
    for name in names:
        if name in positional[:count]:
            return f"{name!r} is given twice"
        if name not in named and "**" not in named:
            return f"it has no parameter {name!r}"
    is_partial = isinstance(one.node, ast.Call) and getattr(one.node.func, "attr", "") in _PARTIAL
    for name in () if is_partial else needed:
        if name not in positional[:count] and name not in names:
            return f"{name!r} is missing"
    return None


def _function(task: Value) -> Function | None:
    inner = task.inner if isinstance(task, Task) else task
    return inner.function if isinstance(inner, FunctionValue) else None


def _may_change(engine: Engine, function: Function) -> bool:
    """Tell whether something else than the task's decorator wraps the function."""
    quiet = engine.quiet(function.scope)
    opaque = 0
    for node in function.decorators:
        value = engine.evaluate(quiet, node)
        name = value.name if isinstance(value, External) else ""
        name = value.made_by if isinstance(value, Object) else name
        is_ours = type(value).__module__.endswith("_headrace")
        opaque += not (is_ours or name.startswith(_TRANSPARENT))
    return opaque > 1
