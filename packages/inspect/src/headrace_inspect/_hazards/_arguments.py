"""HR203 and HR204: arguments that must not, or cannot, go through a queue."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import line_of
from headrace_inspect._evaluate._values import (
    Instance,
    Items,
    Object,
    Pending,
    Table,
    Value,
    options_of,
)
from headrace_inspect._models._django import MODEL
from headrace_inspect._models._tasks import Publishing, publishings_in
from headrace_inspect._report import Finding
from headrace_inspect._shown._links import link_to

from ._finding import is_test, name_of
from ._guards import lines_outside

_FILES = ("builtins.open", "io.open", "tempfile.TemporaryFile", "tempfile.NamedTemporaryFile")
_DEEPEST = 3


def unfit_arguments(engine: Engine) -> Iterator[Finding]:
    """Find the arguments that are model instances, generators, coroutines or open files."""
    done: set[tuple[ast.AST, str]] = set()
    for one in publishings_in(engine):
        if is_test(one.context.module) or _is_dead(one):
            continue
        given = [(f"argument {number + 1}", value) for number, value in enumerate(one.arguments)]
        for label, value in [*given, *[(f"{name!r}", value) for name, value in one.keywords]]:
            found = _unfit(engine, value, _DEEPEST)
            if found is not None and (one.node, found[0]) not in done:
                done.add((one.node, found[0]))
                yield _hazard(engine, one, label, *found)


def _is_dead(one: Publishing) -> bool:
    """Tell whether the caller's arguments exclude the branch that the call is in."""
    function = one.context.function
    if function is None or not one.context.flags:
        return False
    return line_of(one.node) in lines_outside(function.node, one.context.flags)


def _hazard(engine: Engine, one: Publishing, label: str, code: str, what: str) -> Finding:
    here = link_to(engine, one.context, line_of(one.node), "enqueue")
    advice = (
        "it is a copy by the time the task runs; pass its key"
        if code == "HR203"
        else "it does not survive the way through a queue"
    )
    message = f"{label} of {name_of(one.node, one.task)} is {what}: {advice}"
    return Finding(code, None, None, None, here.place, message, (here,))


def _unfit(engine: Engine, value: Value, depth: int) -> tuple[str, str] | None:
    found = [_kind(engine, option, depth) for option in options_of(value)]
    return found[0] if all(found) else None


def _kind(engine: Engine, value: Value, depth: int) -> tuple[str, str] | None:
    match value:
        case Instance(cls=cls) if engine.classes.is_a(cls, MODEL):
            return "HR203", f"an instance of the model {cls.name}"
        case Items(origin=ast.GeneratorExp()):
            return "HR204", "a generator"
        case Pending(is_generator=is_generator):
            return "HR204", "a generator" if is_generator else "a coroutine that nothing awaits"
        case Object(made_by=made_by) if made_by in _FILES:
            return "HR204", "an open file"
        case Items(values=values) if depth:
            inner = [_unfit(engine, one, depth - 1) for one in values]
        case Table(entries=entries) if depth:
            inner = [_unfit(engine, one, depth - 1) for _, one in entries]
        case _:
            return None
    found = [one for one in inner if one is not None]
    return (found[0][0], f"a container with {found[0][1]}") if found else None
