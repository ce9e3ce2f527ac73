"""A hazard, and the places that are not looked at."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import Context
from headrace_inspect._evaluate._values import Value, function_in
from headrace_inspect._shown._evidence import Link
from headrace_inspect._symbols._entities import Module


@dataclass(frozen=True, slots=True)
class Hazard:
    """A finding that needs no declaration.

    Attributes:
        code: ``HR201`` to ``HR204``.
        path: the file.
        line: the line of the call that publishes.
        message: what is wrong, and what to do.
        evidence: the calls that lead to it, the outermost first.
    """

    code: str
    path: str
    line: int
    message: str
    evidence: tuple[Link, ...]


def link_to(context: Context, line: int, kind: str) -> Link:
    """Return a place in the body of `context` as a part of evidence."""
    path = context.module.path if context.module is not None else ""
    return Link(path, line, kind, context.function.qualname if context.function else "")


def is_test(module: Module | None) -> bool:
    """Tell whether a module is of tests: what these publish does no harm."""
    return module is not None and module.is_test


def name_of(node: ast.AST, task: Value) -> str:
    """Return what to call the task that a call publishes: as it is written there, if it is."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        named = node.func.value
        if not node.func.attr.startswith("enqueue") and isinstance(named, ast.Name | ast.Attribute):
            return f"`{ast.unparse(named)}`"
    function = function_in(task)
    return "a task" if function is None else f"`{function.name}`"
