"""Views of Django and Django REST framework: what URLs and routers lead to."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._frame import Frame
from headrace_inspect._evaluate._registry import Call, Registry
from headrace_inspect._evaluate._values import UNKNOWN, ClassValue, Value, function_in, text_of
from headrace_inspect._symbols._entities import Module

Actions = tuple[tuple[str, str], ...]
_ROUTERS = """
    rest_framework.routers.DefaultRouter rest_framework.routers.SimpleRouter
    rest_framework_nested.routers.NestedDefaultRouter
    rest_framework_nested.routers.NestedSimpleRouter
    rest_framework_extensions.routers.ExtendedDefaultRouter
    rest_framework_extensions.routers.ExtendedSimpleRouter
"""


@dataclass(frozen=True, slots=True)
class View:
    """A view, and where it is.

    Attributes:
        path: the path, as it is written.
        endpoint: a function or class.
        actions: the HTTP methods of a view set, and the methods of the class for them.
    """

    path: str
    endpoint: Value
    actions: Actions
    module: Module
    node: ast.AST


def register(registry: Registry) -> None:
    """Register what this module knows."""
    registry.method(_register, _ROUTERS, "register")


def _register(call: Call) -> Value:
    path = text_of(call.get(0, "prefix")) or ""
    note_view(call.frame, path, call.get(1, "viewset") or UNKNOWN, (), call.node)
    return UNKNOWN


def note_view(frame: Frame, path: str, endpoint: Value, actions: Actions, node: ast.AST) -> None:
    """Keep a view whose function or class is known."""
    made = View(path, endpoint, actions, frame.module, node)
    if isinstance(endpoint, ClassValue) or function_in(endpoint) is not None:
        frame.engine.facts.setdefault(View, {})[node, endpoint] = made


def views_in(engine: Engine) -> list[View]:
    """Return the views that have been found."""
    return list(engine.facts.get(View, {}).values())


def unwrapped(node: ast.expr) -> tuple[ast.expr, Actions]:
    """Return the function or class of a view without what is around it, and its actions."""
    while isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "as_view":
            return node.func.value, _actions(node)
        if not node.args:
            break
        node = node.args[0]
    return node, ()


def _actions(node: ast.Call) -> Actions:
    given = node.args[0] if node.args else None
    if not isinstance(given, ast.Dict):
        return ()
    pairs = zip(given.keys, given.values, strict=True)
    return tuple([
        (str(verb.value), str(name.value))
        for verb, name in pairs
        if isinstance(verb, ast.Constant) and isinstance(name, ast.Constant)
    ])
