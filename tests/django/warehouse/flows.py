"""The flows of the app."""

from __future__ import annotations

import headrace

stock = headrace.flow("django_stock")


@stock.entrypoint
def count() -> None:
    """Count what is there."""


@stock.step(after=count)
def order() -> None:
    """Order what is missing."""
