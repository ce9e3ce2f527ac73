"""Classes by the names that frameworks use in strings, and the methods of classes."""

from __future__ import annotations

import ast

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._symbols._entities import Class, Function


def class_named(engine: Engine, text: str | None) -> Class | None:
    """Return the only class that ``"Order"`` or ``"shop.Order"`` can name."""
    index: dict[str, list[Class]] = engine.facts.setdefault(class_named, {})
    for cls in [] if index else engine.all_classes():
        index.setdefault(cls.name, []).append(cls)
    found = index.get((text or "").rpartition(".")[2], [])
    return found[0] if len(found) == 1 else None


def methods_of(engine: Engine, cls: Class) -> list[Function]:
    """Return the methods that the source defines for a class, inherited ones included."""
    found: dict[str, Function] = {}
    for base in [one for one in engine.classes.order(cls) if isinstance(one, Class)]:
        for name, bindings in base.members.items():
            last = bindings[-1]
            if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef):
                found.setdefault(name, engine.program.function(last, base))
    return list(found.values())
