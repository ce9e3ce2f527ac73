"""Where transactions are opened."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headrace_inspect._evaluate._contexts import Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import (
    External,
    Instance,
    Object,
    Pending,
    Value,
    options_of,
    text_of,
)
from headrace_inspect._models._routes import VERBS
from headrace_inspect._report import Link
from headrace_inspect._shown._links import link_to
from headrace_inspect._symbols._entities import Class, Function, Module

from ._requests import atomic_views

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


@dataclass(frozen=True, slots=True)
class Opening:
    """A part of a body that runs inside a transaction, and what opens it."""

    context: Context
    events: Sequence[Event]
    link: Link


def openings_in(engine: Engine, contexts: Iterable[Context]) -> Iterator[Opening]:
    """Return where `contexts` open transactions."""
    opening = _Openings(engine)
    in_requests = atomic_views(engine)
    for context in contexts:
        for block in context.blocks:
            if block.first < block.last and opening.opens(block.manager):
                events = context.events[block.first : block.last]
                yield Opening(context, events, link_to(engine, context, block.line, "call"))
        line = opening.line_of(context.function) if context.function is not None else None
        if line is None and context.function in in_requests:
            line = context.function.node.lineno
        if line is not None and context.events:
            yield Opening(context, context.events, link_to(engine, context, line, "call"))


class _Openings:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lines: dict[Function, int | None] = {}
        self._migrations: dict[Module, dict[str, int]] = {}

    def opens(self, manager: Value, depth: int = 4) -> bool:
        """Tell whether entering a context manager may open a transaction."""
        return any(self._opens(option, depth) for option in options_of(manager))

    def _opens(self, manager: Value, depth: int) -> bool:
        match manager:
            case Object(made_by="contextlib.ExitStack", arguments=arguments) if depth:
                kept = [one for given in arguments for one in self._engine.contents(given)]
                return any(self.opens(one, depth - 1) for one in kept)
            case Object(made_by=name) | External(name=name):
                return _OPENING.fullmatch(name) is not None
            case Instance(cls=cls):
                return self._engine.classes.is_a(cls, _ATOMIC)
            case Pending(targets=targets, is_generator=True) if depth:
                return any(
                    block.yields and self.opens(block.manager, depth - 1)
                    for target in targets
                    for block in target.blocks
                )
        return False

    def line_of(self, function: Function) -> int | None:
        """Return the line that puts the whole of a function into a transaction, or None."""
        if function not in self._lines:
            self._lines[function] = self._find_line(function)
        return self._lines[function]

    def _find_line(self, function: Function) -> int | None:
        quiet = self._engine.quiet(function.scope)
        for node in function.decorators:
            if self._decorates(self._engine.evaluate(quiet, node)):
                return node.lineno
        if function.owner is not None:
            return self._line_of_class(function, function.owner)
        return self._migrating(function.module).get(function.name)

    def _decorates(self, value: Value) -> bool:
        for option in options_of(value):
            if isinstance(option, Object) and option.made_by == _FOR_METHODS:
                return any(self.opens(one) for one in option.arguments)
        return self.opens(value)

    def _line_of_class(self, function: Function, cls: Class) -> int | None:
        for node in cls.node.decorator_list:
            value = self._engine.evaluate(self._engine.quiet(cls.scope), node)
            name = text_of(value.keyword("name")) if isinstance(value, Object) else None
            names = {*VERBS, "dispatch"} if name == "dispatch" else {name}
            if function.name in names and self._decorates(value):
                return node.lineno
        if function.name in _IN_ADMIN and any(
            isinstance(base, str) and _ADMIN.fullmatch(base)
            for base in self._engine.classes.order(cls)
        ):
            return function.node.lineno
        return None

    def _migrating(self, module: Module) -> dict[str, int]:
        """Return the functions that a migration runs, by the lines that name them."""
        if module not in self._migrations:
            self._migrations[module] = {}
            is_migration = module.folder == "migrations"
            migrations = module.bindings.get("Migration", []) if is_migration else []
            if migrations and isinstance(migrations[-1], ast.ClassDef):
                self._migrations[module] = _run_by(migrations[-1])
        return self._migrations[module]


def _run_by(migration: ast.ClassDef) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in ast.walk(migration):
        match node:
            case ast.Assign(targets=[ast.Name(id="atomic")], value=ast.Constant(value=False)):
                return {}
            case ast.Call(func=ast.Attribute(attr="RunPython"), args=arguments):
                names = [one.id for one in arguments if isinstance(one, ast.Name)]
                found.update(dict.fromkeys(names, node.lineno))
            case _:
                pass
    return found
