"""Public names that are imported when first used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def late_imports(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module whose names are defined elsewhere.

    Assign it with ``globals()["__getattr__"] = ...``: with a function of that name in the module,
    type checkers would accept any attribute.

    Args:
        module: the module's name.
        homes: the defining module of each name; ``module:other`` if it is called `other` there.
    """

    def import_late(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from importlib import import_module

        home, _, there = homes[name].partition(":")
        value = getattr(import_module(home), there or name)
        setattr(sys.modules[module], name, value)
        return value

    return import_late
