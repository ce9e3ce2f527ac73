"""Transactions opened by the program, by its settings or by Django itself, and what runs inside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace_inspect._evaluate._contexts import Context, Event
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import (
    ClassValue,
    External,
    Object,
    Pending,
    Value,
    function_in,
    options_of,
    text_of,
)
from headrace_inspect._models._routes import VERBS, Routes
from headrace_inspect._models._routing import literal, parts_of, settings_in
from headrace_inspect._shown._paths import text_of_call
from headrace_inspect._symbols._entities import Class, Function

_OPENING = re.compile(
    r"django\.db\.transaction\.(atomic|Atomic)|peewee\.\w+\.atomic"
    r"|tortoise\.transactions\.(in_transaction|atomic)|sqlalchemy(\.\w+)+\.(begin|begin_nested)"
)
_FOR_METHODS = "django.utils.decorators.method_decorator"
_ADMIN = re.compile(r"django\.contrib\.admin(\.\w+)*\.ModelAdmin|\w+(\.\w+)*\.\w*ModelAdmin")
_IN_ADMIN = frozenset([
    "save_form", "save_model", "save_formset", "save_related", "delete_model", "log_addition",
    "log_change", "log_deletion", "response_add", "response_change", "response_delete",
])  # fmt: skip
_IN_OTHER_THREADS = frozenset(["start", "submit", "run_in_executor", "start_soon"])
_IN_TESTS = frozenset([
    "CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER", "task_always_eager", "TESTING",
])  # fmt: skip
Flags = Mapping[str, bool | None]
"""Parameters known to be true, false or None."""
_SETTING, _EXCEPTION = "ATOMIC_REQUESTS", "non_atomic_requests"


class Transactions:
    """Finds where transactions are opened."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lines: dict[Function, int | None] = {}
        self._views = set(_atomic_views(engine))

    def in_body(self, context: Context) -> list[tuple[int, int, int]]:
        """Return the transactions of a body: line, first event inside, first event after."""
        found = [
            (one.line, one.first, one.last)
            for one in context.blocks
            if one.first < one.last and self._may_open(one.manager)
        ]
        function = context.function
        if function is not None and context.events:
            if function not in self._lines:
                self._lines[function] = next(self._lines_around(function), None)
            line = self._lines[function]
            found += [] if line is None else [(line, 0, len(context.events))]
        return found

    def _may_open(self, manager: Value, depth: int = 4) -> bool:
        return any(self._opens(option, depth) for option in options_of(manager))

    def _opens(self, manager: Value, depth: int) -> bool:
        match manager:
            case Object(made_by=name, arguments=arguments) if name == _FOR_METHODS:
                return any(self._may_open(one) for one in arguments)
            case Object(made_by=name) | External(name=name):
                return _OPENING.fullmatch(name) is not None
            case Pending(made_by=Context(blocks=blocks)) if depth:
                inner = [one.manager for one in blocks if one.yields]
                return any(self._may_open(one, depth - 1) for one in inner)
        return False

    def _lines_around(self, function: Function) -> Iterator[int]:
        """Yield the lines that wrap a whole function in a transaction."""
        frame = self._engine.scratch_frame(function.scope)
        for line, node in function.decorators:
            if self._may_open(self._engine.evaluate(frame, node)):
                yield line
        if function.owner is not None:
            yield from self._lines_of_class(function, function.owner)
        if function.module.folder == "migrations":
            yield from _lines_in_migration(function)
        if function in self._views:
            yield function.line

    def _lines_of_class(self, function: Function, cls: Class) -> Iterator[int]:
        for line, node in cls.decorators:
            value = self._engine.evaluate(self._engine.scratch_frame(cls.scope), node)
            name = text_of(value.keyword("name")) if isinstance(value, Object) else None
            names = {*VERBS, "dispatch"} if name == "dispatch" else {name}
            if function.name in names and self._may_open(value):
                yield line
        for base in self._engine.classes.order(cls) if function.name in _IN_ADMIN else ():
            if isinstance(base, str) and _ADMIN.fullmatch(base):
                yield function.line


def _lines_in_migration(function: Function) -> Iterator[int]:
    """Yield the lines of atomic migrations that run a function."""
    for cls in function.module.classes:
        is_atomic = literal(dict(settings_in(cls.body)).get("atomic")) is not False
        for part in parts_of(cls.body) if is_atomic else ():
            match part:
                case ("c", line, _, ("a", _, "RunPython", _), given, _) if function.name in given:
                    yield line


def _atomic_views(engine: Engine) -> Iterator[Function]:
    """Yield the views that run in a transaction because settings enable ``ATOMIC_REQUESTS``."""
    paths = [path for path in engine.program.files if "settings" in path or "config" in path]
    modules = [one for one in map(engine.program.module, paths) if one and not one.is_test]
    if not any(_sets(part) for module in modules for part in parts_of(module.body)):
        return
    for view in engine.fact(Routes):
        function, decorated = function_in(view.endpoint), []
        views = [] if function is None else [function]
        if isinstance(view.endpoint, ClassValue):
            views = engine.classes.methods_of(view.endpoint.cls)
            decorated = [*view.endpoint.cls.decorators]
        decorated += [pair for one in views for pair in one.decorators]
        if not any(_EXCEPTION in text_of_call(node) for _, node in decorated):
            yield from views


def _sets(part: Any) -> bool:
    match part:
        case ("=", (("s", _, ("k", str(name))),), ("k", True)):
            return name == _SETTING
        case ("d", _, _, pairs):
            return (("k", _SETTING), ("k", True)) in pairs
    return False


def runs(event: Event, flags: Flags) -> bool:
    """Tell whether a call may run inside the surrounding transaction.

    It does not if a condition contradicts a known parameter, requires a test setting, or requires
    `in_atomic_block` to be false; nor in another thread, which has its own connection.

    Args:
        event: the call.
        flags: the known parameters.
    """
    match event.node:
        case ("c", _, _, ("a", _, name, _), _, _) if name in _IN_OTHER_THREADS:
            return False
    for name, holds in event.conditions:
        truth: bool | None = True if name == "in_atomic_block" else None
        truth = False if name in _IN_TESTS else truth
        plain = name.removesuffix(" is None")
        if plain in flags:
            truth = flags[plain] is None if name != plain else bool(flags[plain])
        if truth is not None and truth is not holds:
            return False
    return True
