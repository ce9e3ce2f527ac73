"""Lines that do not run inside the surrounding transaction."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from headrace_inspect._evaluate._frame import line_of

_ELSEWHERE = frozenset(["start", "submit", "run_in_executor", "start_soon"])
_IN_TESTS = frozenset([
    "CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER", "task_always_eager", "TESTING",
])  # fmt: skip
Flags = Mapping[str, bool | None]


def lines_outside(body: ast.AST, flags: Flags) -> set[int]:
    """Return the lines of a body that do not run, or run where no transaction is open.

    These are the other branches of conditions on ``in_atomic_block``, on settings for tests, and on
    parameters that are certainly true, false or None; and calls in another thread, which has a
    connection of its own.

    Args:
        body: the function.
        flags: those parameters.
    """
    nodes = list(ast.walk(body))
    assigned = {
        one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
    known = {name: value for name, value in flags.items() if name not in assigned}
    found: set[int] = set()
    for one in nodes:
        if isinstance(one, ast.If):
            found.update(_dead(one, _truth(one.test, known), body))
        elif isinstance(one, ast.Call) and getattr(one.func, "attr", "") in _ELSEWHERE:
            found.add(line_of(one))
    return found


def _dead(node: ast.If, truth: bool | None, body: ast.AST) -> list[int]:
    """Return the lines of the branch not taken, and those behind a branch that leaves."""
    if truth is None:
        return []
    taken, other = (node.body, node.orelse) if truth else (node.orelse, node.body)
    lines = list(range(other[0].lineno, (other[-1].end_lineno or 0) + 1)) if other else []
    if taken and isinstance(taken[-1], ast.Return | ast.Raise):
        lines += range((node.end_lineno or 0) + 1, (getattr(body, "end_lineno", 0) or 0) + 1)
    return lines


def _truth(test: ast.expr, known: Flags) -> bool | None:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _truth(operand, known)
            return None if inner is None else not inner
        case ast.Name(id=name) if name in known:
            return bool(known[name])
        case ast.Compare(
            left=ast.Name(id=name), ops=[ast.Is() | ast.IsNot() as op],
            comparators=[ast.Constant(value=None)],
        ) if name in known:  # fmt: skip
            return (known[name] is None) is isinstance(op, ast.Is)
        case ast.BoolOp(op=operator, values=values):
            decisive = isinstance(operator, ast.Or)
            found = [_truth(one, known) for one in values]
            if decisive in found:
                return decisive
            return None if None in found else not decisive
        case (
            ast.Attribute(attr=name)
            | ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=name), *_])
        ):
            return True if name == "in_atomic_block" else False if name in _IN_TESTS else None
    return None
