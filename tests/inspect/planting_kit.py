"""Puts flows into modules that have none, so that a check of them has something to look at."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

MOST_STEPS = 12
"""In each module."""
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINED = (*DEFINITIONS, ast.ClassDef)


@dataclass(frozen=True)
class Function:
    """A function of a module, or of a class there.

    Attributes:
        qualified: its name in the module, such as ``Class.method``.
        node: its definition.
    """

    qualified: str
    node: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def step(self) -> str:
        """The name of the step that it becomes: a dot would point to another flow."""
        return self.qualified.replace(".", "-")


def with_flow(content: bytes, flow: str) -> bytes | None:
    """Return a module with some of its functions as steps of `flow`; None if it does not parse.

    The flow says what the code does, as far as one sees that at a glance: a function that calls
    another one of the module comes before it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None
    after = after_in(functions_in(tree))
    lines = content.splitlines(keepends=True)
    for function, callers in after.items():
        _decorate(lines, function, decorator_for(function, callers))
    if after:
        begin = f"import headrace as _headrace\n_flow = _headrace.flow({flow!r})\n"
        first = min(_line_of(node) for node in tree.body if isinstance(node, DEFINED))
        lines[first] = begin.encode() + lines[first]
        one = next(iter(after))
        lines.append(f"\n_headrace.Chain('chain').next({one.qualified}).run()\n".encode())
    return b"".join(lines)


def decorator_for(function: Function, callers: list[Function]) -> str:
    """Return what makes `function` a step after `callers`."""
    if not callers:
        return f"@_flow.entrypoint(name={function.step!r})"
    return f"@_flow.step(name={function.step!r}, after={[caller.step for caller in callers]})"


def _decorate(lines: list[bytes], function: Function, decorator: str) -> None:
    number = _line_of(function.node)
    line = lines[number]
    indent = line[: len(line) - len(line.lstrip())]
    lines[number] = indent + decorator.encode() + b"\n" + line


def _line_of(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """Return the index of the line at which a definition begins, decorators included."""
    return min(one.lineno for one in (node, *node.decorator_list)) - 1


def functions_in(tree: ast.Module) -> list[Function]:
    """Return the functions of a module and of its classes; of namesakes the last."""
    found = {node.name: node for node in tree.body if isinstance(node, DEFINITIONS)}
    for cls in [node for node in tree.body if isinstance(node, ast.ClassDef)]:
        methods = [node for node in cls.body if isinstance(node, DEFINITIONS)]
        found |= {f"{cls.name}.{node.name}": node for node in methods}
    return [Function(name, node) for name, node in found.items()]


def after_in(functions: list[Function]) -> dict[Function, list[Function]]:
    """Return the functions that are made steps, each with those that call it.

    First those that call each other, then whatever comes first.
    """
    by_name = {function.node.name: function for function in functions}
    after: dict[Function, list[Function]] = {}
    for function in functions:
        callees = [by_name[name] for name in called_in(function) if name in by_name]
        for callee in callees:
            if callee is not function and len({*after, function, callee}) <= MOST_STEPS:
                after.setdefault(function, [])
                after.setdefault(callee, []).append(function)
    for function in functions:
        if len(after) < MOST_STEPS:
            after.setdefault(function, [])
    return after


def called_in(function: Function) -> list[str]:
    """Return the last words of what a function calls, each once."""
    called = [node.func for node in ast.walk(function.node) if isinstance(node, ast.Call)]
    names = [one.id for one in called if isinstance(one, ast.Name)]
    names += [one.attr for one in called if isinstance(one, ast.Attribute)]
    return [*dict.fromkeys(names)]
