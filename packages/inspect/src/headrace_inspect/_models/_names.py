"""Classes by their names, as libraries refer to them in texts."""

from __future__ import annotations

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._symbols._entities import Class


def class_named(engine: Engine, text: str | None) -> Class | None:
    """Return the one class that ``"Order"`` or ``"shop.Order"`` names."""
    if not text:
        return None
    index: dict[str, list[Class]] = engine.facts.setdefault("classes by name", {})
    if not index:
        for cls in engine.all_classes():
            index.setdefault(cls.name, []).append(cls)
    app, _, name = text.rpartition(".")
    found = index.get(name, [])
    if len(found) > 1 and app:
        label = app.rsplit(".", 1)[-1].lower()
        found = [one for one in found if label in one.module.name.lower().split(".")] or found
    return found[0] if len(found) == 1 else None
