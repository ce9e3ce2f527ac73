"""Views that ``ATOMIC_REQUESTS`` puts into a transaction."""

from __future__ import annotations

import ast

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import ClassValue, function_in
from headrace_inspect._models._classes import methods_of
from headrace_inspect._models._views import views_in
from headrace_inspect._symbols._entities import Function, Module

from ._finding import is_test

_SETTING = "ATOMIC_REQUESTS"
_EXCEPTION = "non_atomic_requests"


def atomic_views(engine: Engine) -> set[Function]:
    """Return the views that run in a transaction because the settings say so."""
    found: set[Function] = set()
    if not _is_set(engine):
        return found
    for view in views_in(engine):
        if isinstance(view.endpoint, ClassValue):
            cls = view.endpoint.cls
            methods = methods_of(engine, cls)
            if not any(_is_excepted(node) for node in [cls.node, *[one.node for one in methods]]):
                found.update(methods)
        else:
            function = function_in(view.endpoint)
            if function is not None and not _is_excepted(function.node):
                found.add(function)
    return found


def _is_excepted(node: ast.AST) -> bool:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return any(
        _EXCEPTION in {getattr(one, "id", ""), getattr(one, "attr", "")}
        for decorator in decorators
        for one in ast.walk(decorator)
    )


def _is_set(engine: Engine) -> bool:
    """Tell whether a settings module sets it in its ``DATABASES``, and not for tests alone."""
    for path in engine.program.files:
        if "settings" in path or "config" in path:
            module = engine.program.module(path)
            if module is not None and not is_test(module) and _sets_in(module):
                return True
    return False


def _sets_in(module: Module) -> bool:
    return any(_sets(node) for node in ast.walk(module.tree))


def _sets(node: ast.AST) -> bool:
    match node:
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return any(_is_name(key) and _is_true(value) for key, value in pairs)
        case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
            return _is_name(key) and _is_true(value)
    return False


def _is_name(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == _SETTING


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
