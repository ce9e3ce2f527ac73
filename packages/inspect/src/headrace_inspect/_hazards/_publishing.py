"""The calls that publish tasks, and findings about them."""

from __future__ import annotations

import ast

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import line_of
from headrace_inspect._evaluate._values import function_in
from headrace_inspect._models._tasks import Publishing, publishings_in
from headrace_inspect._report import Finding, Link
from headrace_inspect._shown._links import link_to


def published(engine: Engine) -> list[Publishing]:
    """Return the calls that publish tasks, outside tests: what these publish does no harm."""
    return [one for one in publishings_in(engine) if not one.context.is_test]


def name_of(one: Publishing) -> str:
    """Return what to call the task that a call publishes: as it is written there, if it is."""
    if isinstance(one.node, ast.Call) and isinstance(one.node.func, ast.Attribute):
        named, method = one.node.func.value, one.node.func.attr
        if not method.startswith("enqueue") and isinstance(named, ast.Name | ast.Attribute):
            return f"`{ast.unparse(named)}`"
    function = function_in(one.task)
    return "a task" if function is None else f"`{function.name}`"


def hazard(code: str, message: str, engine: Engine, one: Publishing, *more: Link) -> Finding:
    """Return a finding about a call that publishes a task, with more evidence behind the call."""
    here = link_to(engine, one.context, line_of(one.node), "enqueue")
    return Finding(code, None, None, None, here.place, message, (here, *more))
