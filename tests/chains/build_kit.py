"""Functions for the steps of chains that are built again and again."""

from __future__ import annotations

import asyncio
from typing import Any


def one(*args: Any, **kwargs: Any) -> Any:
    """Return the arguments."""
    return args, kwargs


def two(*args: Any, **kwargs: Any) -> Any:
    """Return how many arguments there are."""
    return len(args) + len(kwargs)


def fails(*_: Any) -> Any:
    """Fail."""
    raise ValueError("no")


async def awaited(*args: Any) -> Any:
    """Return the arguments."""
    await asyncio.sleep(0)
    return args
