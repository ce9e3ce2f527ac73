"""Where transactions are opened: by the program, by its settings, by Django itself."""

from __future__ import annotations

import ast
import re

from headrace_inspect._evaluate._contexts import Context
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import (
    ClassValue,
    External,
    Instance,
    Object,
    Pending,
    Value,
    function_in,
    options_of,
    text_of,
)
from headrace_inspect._models._classes import methods_of
from headrace_inspect._models._routes import VERBS, routes_in
from headrace_inspect._symbols._entities import Class, Function

_OPENING = re.compile(
    r"django\.db\.transaction\.(atomic|Atomic)|peewee\.\w+\.atomic"
    r"|tortoise\.transactions\.(in_transaction|atomic)|sqlalchemy(\.\w+)+\.(begin|begin_nested)"
)
_ATOMIC = "django.db.transaction.Atomic"
_FOR_METHODS = "django.utils.decorators.method_decorator"
_ADMIN = re.compile(r"django\.contrib\.admin(\.\w+)*\.ModelAdmin|\w+(\.\w+)*\.\w*ModelAdmin")
_IN_ADMIN = frozenset([
    "save_form", "save_model", "save_formset", "save_related", "delete_model", "log_addition",
    "log_change", "log_deletion", "response_add", "response_change", "response_delete",
])  # fmt: skip


class Openings:
    """Knows what opens a transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lines: dict[Function, int | None] = {}
        self._requests = self._atomic_views() if self._is_set() else set()

    def in_body(self, context: Context) -> list[tuple[int, int, int]]:
        """Return the parts of a body inside transactions: the line that opens it, and the events.

        These are the number of the first event, and that of the first behind them.
        """
        found = [
            (one.line, one.first, one.last)
            for one in context.blocks
            if one.first < one.last and self._may_open(one.manager)
        ]
        function = context.function
        if function is not None and context.events:
            if function not in self._lines:
                self._lines[function] = self._line_of(function)
            line = self._lines[function]
            if line is not None:
                found.append((line, 0, len(context.events)))
        return found

    # --- context managers -------------------------------------------------------------------------

    def _may_open(self, manager: Value, depth: int = 4) -> bool:
        return any(self._opens(option, depth) for option in options_of(manager))

    def _opens(self, manager: Value, depth: int) -> bool:
        match manager:
            case Object(made_by="contextlib.ExitStack", arguments=arguments) if depth:
                kept = [one for given in arguments for one in self._engine.contents(given)]
                return any(self._may_open(one, depth - 1) for one in kept)
            case Object(made_by=name) | External(name=name):
                return _OPENING.fullmatch(name) is not None
            case Instance(cls=cls):
                return self._engine.classes.is_a(cls, _ATOMIC)
            case Pending(targets=targets, is_generator=True) if depth:
                blocks = [one for target in targets for one in target.blocks if one.yields]
                return any(self._may_open(one.manager, depth - 1) for one in blocks)
        return False

    # --- whole functions --------------------------------------------------------------------------

    def _line_of(self, function: Function) -> int | None:
        """Return the line that puts the whole of a function into a transaction, or None."""
        quiet = self._engine.quiet(function.scope)
        for node in function.decorators:
            if self._decorates(self._engine.evaluate(quiet, node)):
                return node.lineno
        line = _line_in_migration(function)
        if function.owner is not None:
            line = self._line_of_class(function, function.owner)
        return function.node.lineno if line is None and function in self._requests else line

    def _decorates(self, value: Value) -> bool:
        for option in options_of(value):
            if isinstance(option, Object) and option.made_by == _FOR_METHODS:
                return any(self._may_open(one) for one in option.arguments)
        return self._may_open(value)

    def _line_of_class(self, function: Function, cls: Class) -> int | None:
        for node in cls.node.decorator_list:
            value = self._engine.evaluate(self._engine.quiet(cls.scope), node)
            name = text_of(value.keyword("name")) if isinstance(value, Object) else None
            names = {*VERBS, "dispatch"} if name == "dispatch" else {name}
            if function.name in names and self._decorates(value):
                return node.lineno
        bases = self._engine.classes.order(cls) if function.name in _IN_ADMIN else ()
        is_admin = any(isinstance(base, str) and _ADMIN.fullmatch(base) for base in bases)
        return function.node.lineno if is_admin else None

    # --- ATOMIC_REQUESTS --------------------------------------------------------------------------

    def _is_set(self) -> bool:
        """Tell whether a settings module sets it in its ``DATABASES``, and not for tests alone."""
        program = self._engine.program
        paths = [path for path in program.files if "settings" in path or "config" in path]
        modules = [one for one in map(program.module, paths) if one and not one.is_test]
        return any(_sets(node) for module in modules for node in ast.walk(module.tree))

    def _atomic_views(self) -> set[Function]:
        found: set[Function] = set()
        for view in routes_in(self._engine):
            functions, nodes = [function_in(view.endpoint)], list[ast.AST]()
            if isinstance(view.endpoint, ClassValue):
                functions = [*methods_of(self._engine, view.endpoint.cls)]
                nodes = [view.endpoint.cls.node]
            views = {one for one in functions if one is not None}
            if not any(_is_excepted(node) for node in [*nodes, *[one.node for one in views]]):
                found |= views
        return found


def _sets(node: ast.AST) -> bool:
    match node:
        case ast.Dict(keys=keys, values=values):
            pairs = list(zip(keys, values, strict=True))
        case ast.Assign(targets=[ast.Subscript(slice=key)], value=value):
            pairs = [(key, value)]
        case _:
            return False
    return any(
        getattr(key, "value", None) == "ATOMIC_REQUESTS" and getattr(value, "value", None) is True
        for key, value in pairs
    )


def _is_excepted(node: ast.AST) -> bool:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return any("non_atomic_requests" in ast.unparse(one) for one in decorators)


def _line_in_migration(function: Function) -> int | None:
    """Return the line of a migration that runs a function, unless the migration is not atomic."""
    line = None
    is_migration = function.module.folder == "migrations"
    for node in ast.walk(function.module.tree) if is_migration else ():
        match node:
            case ast.Assign(targets=[ast.Name(id="atomic")], value=ast.Constant(value=False)):
                return None
            case ast.Call(func=ast.Attribute(attr="RunPython"), args=arguments):
                if any(getattr(one, "id", "") == function.name for one in arguments):
                    line = node.lineno
            case _:
                pass
    return line
