"""Where hazards are not looked for, and how they name a task."""

from __future__ import annotations

import ast

from headrace_inspect._evaluate._values import Value, function_in
from headrace_inspect._symbols._entities import Module


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
