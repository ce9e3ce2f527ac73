"""Looks up classes by the strings in which frameworks name them."""

from __future__ import annotations

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._symbols._entities import Class


def class_named(engine: Engine, text: str | None) -> Class | None:
    """Return the class named ``"Order"`` or ``"shop.Order"``, unless the name is ambiguous."""
    index: dict[str, list[Class]] = engine.facts.setdefault(class_named, {})
    for cls in [] if index else engine.classes.all():
        index.setdefault(cls.name, []).append(cls)
    found = index.get((text or "").rpartition(".")[2], [])
    return found[0] if len(found) == 1 else None
