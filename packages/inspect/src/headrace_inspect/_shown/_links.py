"""The calls of evidence, as they stand in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from headrace_inspect._evaluate._contexts import Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import line_of
from headrace_inspect._report import Link, Place
from headrace_inspect._source._discovery import shown
from headrace_inspect._symbols._entities import Module

_LONGEST = 60
_CALLS = "calls by line"


def link_to(engine: Engine, context: Context, line: int, kind: str, target: str = "") -> Link:
    """Return a call in the body of `context` as a part of evidence.

    Args:
        engine: the engine.
        context: the body.
        line: the line of the call.
        kind: how its target is reached.
        target: the dotted name of the function that is called.
    """
    module, function = context.module, context.function
    name = target.rpartition(".")[2]
    text = name if module is None else _text(calls_at(engine, module, line), name)
    place = Place(shown(module.path) if module is not None else "", line)
    return Link(place, text, kind, function.qualname if function is not None else "", target)


def calls_at(engine: Engine, module: Module, line: int) -> list[ast.Call]:
    """Return the calls whose names are on a line of a module."""
    known: dict[Module, dict[int, list[ast.Call]]] = engine.facts.setdefault(_CALLS, {})
    if module not in known:
        known[module] = {}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                known[module].setdefault(line_of(node), []).append(node)
    return known[module].get(line, [])


def _text(calls: Sequence[ast.Call], name: str) -> str:
    """Return the call of `name` among `calls`, or the first one, without its arguments."""
    texts = [
        ast.unparse(one.func) + ("(...)" if one.args or one.keywords else "()") for one in calls
    ]
    named = [text for text in texts if re.search(rf"\b{re.escape(name)}\b", text)]
    text = (named or texts or [name])[0]
    return text if len(text) <= _LONGEST else f"...{text[3 - _LONGEST :]}"
