"""HR202: the arguments of a call do not fit the task's signature."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import line_of
from headrace_inspect._evaluate._values import External, FunctionValue, Object, Value, options_of
from headrace_inspect._models._tasks import Publishing, Task, publishings_in
from headrace_inspect._report import Finding, Link, Place
from headrace_inspect._shown._links import link_to
from headrace_inspect._source._discovery import shown
from headrace_inspect._symbols._entities import Function

from ._finding import is_test, name_of

_DIRECT = frozenset(["delay", "delay_on_commit", "send", "kiq", "s", "si"])
_PACKED = frozenset([
    "apply_async", "apply_async_on_commit", "apply", "send_with_options", "signature", "subtask",
])  # fmt: skip
_PARTIAL = frozenset(["s", "signature", "subtask"])
_TRANSPARENT = ("django.db.transaction.", "functools.", "headrace.", "headrace_", "typing.")


@dataclass(frozen=True, slots=True)
class _Given:
    """The arguments of a call, as far as they are written out.

    Attributes:
        count: the number of positional arguments.
        names: the names of the others.
        is_whole: whether these are all that the task gets.
    """

    count: int
    names: tuple[str, ...]
    is_whole: bool


def misfits(engine: Engine) -> Iterator[Finding]:
    """Find the calls that publish a task with arguments that it cannot take."""
    done: set[ast.AST] = set()
    for one in publishings_in(engine):
        given = _given(one.node)
        if given is None or one.node in done or is_test(one.context.module):
            continue
        done.add(one.node)
        reasons = [_reason(engine, task, given) for task in options_of(one.task)]
        if all(reasons):
            yield _hazard(engine, one, reasons[0] or "")


def _hazard(engine: Engine, one: Publishing, reason: str) -> Finding:
    here = link_to(engine, one.context, line_of(one.node), "enqueue")
    message = f"{name_of(one.node, one.task)} does not take these arguments: {reason}"
    evidence = (here, *_definition(one.task))
    return Finding("HR202", None, None, None, here.place, message, evidence)


def _definition(task: Value) -> tuple[Link, ...]:
    function = _function(options_of(task)[0])
    if function is None:
        return ()
    place = Place(shown(function.module.path), function.node.lineno)
    return (Link(place, "", "call", function.qualname),)


# --- the call -------------------------------------------------------------------------------------


def _given(node: ast.AST) -> _Given | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    name, is_whole = node.func.attr, node.func.attr not in _PARTIAL
    if name in _DIRECT:
        return _counted(node.args, [one.arg for one in node.keywords], is_whole=is_whole)
    if name in _PACKED:
        return _packed(node, is_whole=is_whole)
    return None


def _packed(node: ast.Call, *, is_whole: bool) -> _Given | None:
    """Return what stands in the tuple and the mapping that ``apply_async`` takes."""
    named = {one.arg: one.value for one in node.keywords}
    if None in named or any(isinstance(one, ast.Starred) for one in node.args):
        return None
    parts = [*node.args[:2], *[named.get(name) for name in ("args", "kwargs")][len(node.args) :]]
    arguments, keywords = parts[0], parts[1]
    values: list[ast.expr] = [ast.Starred(ast.Constant(None))]
    if arguments is None or isinstance(arguments, ast.Tuple | ast.List):
        values = [] if arguments is None else arguments.elts
    names: list[str | None] = [None]
    if keywords is None:
        names = []
    elif isinstance(keywords, ast.Dict):
        names = [_text(key) for key in keywords.keys]
    return _counted(values, names, is_whole=is_whole)


def _text(key: ast.expr | None) -> str | None:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def _counted(values: list[ast.expr], names: list[str | None], *, is_whole: bool) -> _Given:
    stars = [number for number, one in enumerate(values) if isinstance(one, ast.Starred)]
    known = tuple([name for name in names if name is not None])
    is_written_out = not stars and len(known) == len(names)
    return _Given(stars[0] if stars else len(values), known, is_whole and is_written_out)


# --- the task -------------------------------------------------------------------------------------


def _reason(engine: Engine, task: Value, given: _Given) -> str | None:
    function = _function(task)
    if function is None or not isinstance(task, Task) or _may_change(engine, function):
        return None
    is_method = isinstance(task.inner, FunctionValue) and task.inner.receiver is not None
    return _misfit(function.node.args, given, task.is_bound + is_method)


def _function(task: Value) -> Function | None:
    inner = task.inner if isinstance(task, Task) else task
    return inner.function if isinstance(inner, FunctionValue) else None


def _may_change(engine: Engine, function: Function) -> bool:
    """Tell whether something else than the task's decorator wraps the function."""
    quiet = engine.quiet(function.scope)
    opaque = 0
    for node in function.decorators:
        value = engine.evaluate(quiet, node)
        name = getattr(value, "name", "") if isinstance(value, External) else ""
        name = value.made_by if isinstance(value, Object) else name
        is_ours = type(value).__module__.endswith("_headrace")
        opaque += not (is_ours or name.startswith(_TRANSPARENT))
    return opaque > 1


def _misfit(node: ast.arguments, given: _Given, skipped: int) -> str | None:
    """Return why arguments do not fit, or None if they may."""
    names = [one.arg for one in (*node.posonlyargs, *node.args)]
    positional, named = names[skipped:], {*names[len(node.posonlyargs) :][skipped:]}
    named |= {one.arg for one in node.kwonlyargs}
    if given.count > len(positional) and node.vararg is None:
        return f"{given.count} positional arguments, and it takes {len(positional)}"
    for name in given.names:
        if name in positional[: given.count]:
            return f"{name!r} is given twice"
        if name not in named and node.kwarg is None:
            return f"it has no parameter {name!r}"
    if given.is_whole:
        for name in [*_needed(positional, node), *_needed_by_name(node)]:
            if name not in positional[: given.count] and name not in given.names:
                return f"{name!r} is missing"
    return None


def _needed(positional: list[str], node: ast.arguments) -> list[str]:
    return positional[: max(0, len(positional) - len(node.defaults))]


def _needed_by_name(node: ast.arguments) -> list[str]:
    pairs = zip(node.kwonlyargs, node.kw_defaults, strict=True)
    return [one.arg for one, default in pairs if default is None]
