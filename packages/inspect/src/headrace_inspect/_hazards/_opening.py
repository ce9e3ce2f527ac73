"""Transactions opened by the program or by its settings, and what runs inside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from headrace_inspect._evaluate._contexts import Context, Event, line_of
from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._evaluate._values import (
    ClassValue,
    External,
    Object,
    Pending,
    Value,
    function_in,
    options_of,
)
from headrace_inspect._models._routes import Routes
from headrace_inspect._models._signals import Connections
from headrace_inspect._shown._paths import text_of_call
from headrace_inspect._symbols._entities import Function
from headrace_inspect._symbols._syntax import parts_of

_OPENING = re.compile(
    r"django\.db\.transaction\.(atomic|Atomic)|peewee\.\w+\.atomic"
    r"|tortoise\.transactions\.(in_transaction|atomic)|sqlalchemy(\.\w+)+\.(begin|begin_nested)"
)
_DELETING = ("django.db.models.signals.pre_delete", "django.db.models.signals.post_delete")
_FOR_METHODS = "django.utils.decorators.method_decorator"
_IN_ADMIN = frozenset([
    "save_form", "save_model", "save_formset", "save_related", "delete_model", "response_add",
    "response_change", "response_delete",
])  # fmt: skip
"""Methods of an admin that Django calls in a transaction."""
_SETTING, _EXCEPTION = "ATOMIC_REQUESTS", "non_atomic_requests"
_IN_OTHER_THREADS = frozenset(["start", "submit", "run_in_executor", "start_soon"])
_KNOWN = dict.fromkeys(
    ["CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER", "task_always_eager", "TESTING"], False
) | {"in_atomic_block": True}


def transactions_in(
    engine: Engine, contexts: Iterable[Context]
) -> Iterator[tuple[Context, int, Sequence[Event]]]:
    """Yield the bodies that open transactions: the body, the line, and the calls inside."""
    views = {*_atomic_views(engine)}
    deleting = {context: line_of(one.node) for one, context in engine.fact(Connections).items()
                if str(one.signal) in _DELETING}  # fmt: skip
    for context in contexts:
        if context in deleting:
            yield context, deleting[context], context.events
        for one in context.blocks:
            if one.first < one.last and _may_open(one.manager):
                yield context, one.line, context.events[one.first : one.last]
        function = context.function
        if function is None:
            continue
        line = _line_around(engine, function)
        if function in views or line is not None:
            yield context, line or function.line, context.events


def _may_open(manager: Value, depth: int = 4) -> bool:
    return any(_opens(option, depth) for option in options_of(manager))


def _opens(manager: Value, depth: int) -> bool:
    match manager:
        case Object(made_by=name, arguments=arguments) if name == _FOR_METHODS:
            return any(map(_may_open, arguments))
        case Object(made_by=name) | External(name=name):
            return _OPENING.fullmatch(name) is not None
        case Pending(made_by=Context(blocks=blocks)) if depth:
            return any(_may_open(one.manager, depth - 1) for one in blocks if one.yields)
    return False


def _line_around(engine: Engine, function: Function) -> int | None:
    """Return the line that wraps a function in a transaction: a decorator's, or its own."""
    for line, node in function.decorators:
        if _may_open(engine.evaluate(function.home, node)):
            return line
    if function.name in _IN_ADMIN and function.owner is not None:
        bases = [base for base in engine.classes.order(function.owner) if isinstance(base, str)]
        return function.line if any(base.endswith("ModelAdmin") for base in bases) else None
    return None


def _atomic_views(engine: Engine) -> Iterator[Function]:
    """Yield the views that run in a transaction because settings enable ``ATOMIC_REQUESTS``."""
    paths = [path for path in engine.program.files if "settings" in path or "config" in path]
    modules = [one for one in map(engine.program.module, paths) if one and not one.is_test]
    if not any(_sets(part) for module in modules for part in parts_of(module.code)):
        return
    for view in engine.fact(Routes):
        cls = view.endpoint.cls if isinstance(view.endpoint, ClassValue) else None
        function = function_in(view.endpoint)
        views = [function] if function is not None else []
        views += [] if cls is None else engine.classes.methods_of(cls)
        decorators = [one for owner in (cls, *views) if owner for one in owner.decorators]
        if not any(_EXCEPTION in text_of_call(node) for _, node in decorators):
            yield from views


def _sets(part: Any) -> bool:
    match part:
        case ("put", _, ("k", str(name)), value, *_):
            return name == _SETTING and _is_on(value)
        case ("d", _, _, pairs):
            return any(key == ("k", _SETTING) and _is_on(value) for key, value in pairs)
    return False


def _is_on(node: Any) -> bool:
    """Tell whether a setting is true, or an environment variable that defaults to true."""
    return any(part[:1] == ("k",) and part[1] in {True, "True", "true"} for part in parts_of(node))


def runs(event: Event, context: Context) -> bool:
    """Return whether a call of a body may run inside the surrounding transaction.

    It does not if a condition contradicts a known parameter, requires a test setting, or requires
    `in_atomic_block` to be false; nor in another thread, which has its own connection.
    """
    match event.node:
        case ("c", _, _, ("a", _, name, *_), *_) if name in _IN_OTHER_THREADS:
            return False
    known = _KNOWN | context.literals
    for name, holds in event.conditions:
        plain = name.removesuffix(" is None")
        if plain in known:
            truth = known[plain] is None if name != plain else bool(known[plain])
            if truth is not holds:
                return False
    return True
