"""headrace check: compares declared flows with the code."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._check import check
    from ._git import RevisionError
    from ._report import (
        Boundary,
        Changes,
        Edge,
        Finding,
        Link,
        Lost,
        Place,
        Problem,
        Report,
        Since,
        Step,
    )

__all__ = [
    "Boundary", "Changes", "Edge", "Finding", "Link", "Lost", "Place", "Problem", "Report",
    "RevisionError", "Since", "Step", "check",
]  # fmt: skip


def __getattr__(name: str) -> object:
    # Imported when asked for: pytest imports this package for its plugin.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    homes = {"check": "._check", "RevisionError": "._git"}
    return getattr(import_module(homes.get(name, "._report"), __name__), name)


def __dir__() -> list[str]:
    return [*__all__]
