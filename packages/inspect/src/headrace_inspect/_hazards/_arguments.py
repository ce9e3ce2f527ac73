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
from headrace_inspect._report import Finding

from ._guards import lines_outside
from ._publishing import hazard, name_of, published

_FILES = ("builtins.open", "io.open", "tempfile.TemporaryFile", "tempfile.NamedTemporaryFile")
_ADVICE = {
    "HR203": "it is a copy by the time the task runs; pass its key",
    "HR204": "it does not survive the way through a queue",
}
_DEEPEST = 3


def unfit_arguments(engine: Engine) -> Iterator[Finding]:
    """Find the arguments that are model instances, generators, coroutines or open files."""
    done: set[tuple[ast.AST, str]] = set()
    for one in published(engine):
        function = one.context.function
        if function and line_of(one.node) in lines_outside(function.node, one.context.flags):
            continue
        given = [(f"argument {number}", value) for number, value in enumerate(one.arguments, 1)]
        for label, value in [*given, *[(f"{name!r}", value) for name, value in one.keywords]]:
            found = _unfit(engine, value, _DEEPEST)
            if found is not None and (one.node, found[0]) not in done:
                code, what = found
                done.add((one.node, code))
                message = f"{label} of {name_of(one)} is {what}: {_ADVICE[code]}"
                yield hazard(code, message, engine, one)


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
