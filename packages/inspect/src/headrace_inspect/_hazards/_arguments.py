"""HR202 to HR204: arguments that do not fit the task, or do not belong in a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headrace_inspect._evaluate._contexts import Event, line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import (
    FunctionValue,
    Instance,
    Items,
    Object,
    Pending,
    Table,
    Value,
    function_in,
    options_of,
)
from headrace_inspect._models._headrace import Declarator
from headrace_inspect._models._orm import MODEL
from headrace_inspect._models._tasks import Publishing, Task, Tasks, signature_of
from headrace_inspect._report import Finding, Link, Place
from headrace_inspect._shown._paths import link_to, text_of_call
from headrace_inspect._sources import shown
from headrace_inspect._symbols._entities import Function
from headrace_inspect._symbols._syntax import Expr

from ._opening import runs

_DIRECT = frozenset(["delay", "delay_on_commit", "send", "kiq", "s", "si"])
_PACKED = frozenset(["apply_async", "apply_async_on_commit", "apply", "signature", "subtask"])
_PARTIAL = frozenset(["s", "signature", "subtask"])
_TRANSPARENT = ("django.db.transaction.", "functools.", "headrace.", "headrace_", "typing.")
_FILES = ("builtins.open", "io.open", "tempfile.TemporaryFile", "tempfile.NamedTemporaryFile")
_ADVICE = {
    "HR203": "it is a copy by the time the task runs; pass its key",
    "HR204": "it does not survive the way through a queue",
}
_MAX_DEPTH = 3


def published(engine: Engine) -> list[Publishing]:
    """Return the calls that publish tasks, except in tests, where publishing does no harm."""
    return [one for one in engine.fact(Tasks).published.values() if not one.context.is_test]


def name_of(one: Publishing) -> str:
    """Return the display name of a published task, as written in the call if possible."""
    match one.node:
        case ("c", _, _, ("a", (str() | ("a" | "v", *_)) as named, method, *_), *_):
            if not method.startswith("enqueue"):
                return f"`{text_of_call(named)}`"
    function = function_in(one.task)
    return "a task" if function is None else f"`{function.name}`"


def _hazard(code: str, message: str, one: Publishing, *more: Link) -> Finding:
    """Return a finding about a publishing call; `more` extends its evidence."""
    here = link_to(one.context, Event(line_of(one.node), "enqueue", (), 0, one.node))
    return Finding(code, None, None, None, here.place, message, (here, *more))


# --- the signature --------------------------------------------------------------------------------


def mismatched_arguments(engine: Engine) -> Iterator[Finding]:
    """Find calls that publish a task with arguments that do not match its signature."""
    for one in {_key(one): one for one in published(engine)[::-1]}.values():
        tasks = options_of(one.task) if _is_written_out(one.node) else ()
        reasons = [_reason(engine, task, one) for task in tasks]
        function = _function(tasks[0]) if tasks else None
        if all(reasons) and function is not None:
            place = Place(shown(function.module.path), function.line)
            definition = Link(place, f"def {function.name}", "call", function.qualname)
            message = f"{name_of(one)} does not take these arguments: {reasons[0]}"
            yield _hazard("HR202", message, one, definition)


def _key(one: Publishing) -> tuple[str, Any]:
    path = one.context.module.path if one.context.module is not None else ""
    return (path, one.node)


def _is_written_out(node: Any) -> bool:
    """Tell whether a call spells out all arguments of the task, without ``*`` or ``**``."""
    match node:
        case ("c", _, _, ("a", _, method, *_), values, named, _) if all(name for name, _ in named):
            packed = [value for name, value in named if name in {"args", "kwargs"}]
            is_plain = method in _PACKED and all(map(_is_display, (*values[:2], *packed)))
            return (method in _DIRECT or is_plain) and not any(map(_is_starred, values))
    return False


def _is_display(node: Expr) -> bool:
    match node:
        case ("l", _, _, items):
            return not any(map(_is_starred, items))
        case ("d", _, _, pairs):
            return all(type(key) is tuple and key[0] == "k" for key, _ in pairs)
    return False


def _is_starred(node: Expr) -> bool:
    return type(node) is tuple and node[0] == "*"


def _reason(engine: Engine, task: Value, one: Publishing) -> str | None:
    """Return why the arguments do not fit the task, or None if they may."""
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
    is_partial = one.node[3][2] in _PARTIAL
    for name in () if is_partial else needed:
        if name not in positional[:count] and name not in names:
            return f"{name!r} is missing"
    return None


def _function(task: Value) -> Function | None:
    inner = task.inner if isinstance(task, Task) else task
    return inner.function if isinstance(inner, FunctionValue) else None


def _may_change(engine: Engine, function: Function) -> bool:
    """Tell whether a decorator other than the task's may change the signature."""
    frame = engine.home(function.home)
    opaque = 0
    for _, node in function.decorators:
        called = node[3] if isinstance(node, tuple) and node[0] == "c" else node
        if function_in(frame.value(called)) is not None:
            return True  # defined in the source
        value = frame.value(node)
        name = getattr(value, "made_by", None) or getattr(value, "name", None)
        is_known = isinstance(name, str) and name.startswith(_TRANSPARENT)
        opaque += not (is_known or isinstance(value, Declarator))
    return opaque > 1


# --- the queue ------------------------------------------------------------------------------------


def unsuitable_arguments(engine: Engine) -> Iterator[Finding]:
    """Find arguments that are model instances, generators, coroutines or open files."""
    done: set[object] = set()
    for one in published(engine):
        events = [event for event in one.context.events if event.node == one.node]
        if not all(runs(event, one.context) for event in events):
            continue
        given = [(f"argument {number}", value) for number, value in enumerate(one.arguments, 1)]
        for label, value in [*given, *[(f"{name!r}", value) for name, value in one.keywords]]:
            found = _unsuitable(engine, value, _MAX_DEPTH)
            if found is not None and (_key(one), found[0]) not in done:
                code, what = found
                done.add((_key(one), code))
                message = f"{label} of {name_of(one)} is {what}: {_ADVICE[code]}"
                yield _hazard(code, message, one)


def _unsuitable(engine: Engine, value: Value, depth: int) -> tuple[str, str] | None:
    found = [_kind(engine, option, depth) for option in options_of(value)]
    return found[0] if found and all(found) else None


def _kind(engine: Engine, value: Value, depth: int) -> tuple[str, str] | None:
    match value:
        case Instance(cls=cls) if engine.classes.is_a(cls, MODEL):
            return "HR203", f"an instance of the model {cls.name}"
        case Pending(is_generator=is_generator):
            return "HR204", "a generator" if is_generator else "a coroutine that nothing awaits"
        case Object(made_by=made_by) if made_by in _FILES:
            return "HR204", "an open file"
        case Items(values=values) if depth:
            inner = [_unsuitable(engine, one, depth - 1) for one in values]
        case Table(entries=entries) if depth:
            inner = [_unsuitable(engine, one, depth - 1) for _, one in entries]
        case _:
            return None
    found = [one for one in inner if one is not None]
    return (found[0][0], f"a container with {found[0][1]}") if found else None
