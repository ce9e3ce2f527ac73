"""The calls of evidence, as they stand in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from headrace_inspect._evaluate._contexts import Context
from headrace_inspect._evaluate._frame import line_of
from headrace_inspect._report import Link, Place
from headrace_inspect._source._discovery import shown
from headrace_inspect._symbols._entities import Module

_LONGEST = 60


def link_to(context: Context, line: int, kind: str, target: str = "") -> Link:
    """Return a call in the body of `context` as a part of evidence.

    Args:
        context: the body.
        line: the line of the call.
        kind: how its target is reached.
        target: the dotted name of the function that is called.
    """
    module, function = context.module, context.function
    name = target.rpartition(".")[2]
    text = name if module is None else _text(calls_at(module, line), name)
    place = Place(shown(module.path) if module is not None else "", line)
    return Link(place, text, kind, function.qualname if function is not None else "", target)


def calls_at(module: Module, line: int) -> list[ast.Call]:
    """Return the calls whose names are on a line of a module."""
    nodes: list[ast.AST] = [module.tree]
    for node in nodes:  # which grows
        for one in ast.iter_child_nodes(node):
            first = min([getattr(one, "lineno", line), *map(line_of, _decorators(one))])
            if first <= line <= getattr(one, "end_lineno", line):
                nodes.append(one)
    return [one for one in nodes if isinstance(one, ast.Call) and line_of(one) == line]


def _decorators(node: ast.AST) -> list[ast.expr]:
    return getattr(node, "decorator_list", [])[:1]


def _text(calls: Sequence[ast.Call], name: str) -> str:
    """Return the call of `name` among `calls`, or the first one, without its arguments."""
    texts = [
        ast.unparse(one.func) + ("(...)" if one.args or one.keywords else "()") for one in calls
    ]
    named = [text for text in texts if re.search(rf"\b{re.escape(name)}\b", text)]
    text = (named or texts or [name])[0]
    return text if len(text) <= _LONGEST else f"...{text[3 - _LONGEST :]}"
