"""The demo's shop, which sets a time limit for orders that get stuck."""

from __future__ import annotations

from typing import Any

from faults import fault_of
from faulty_worker import STUCK

from shop import app
from worker import fulfil

__all__ = ["app"]


def delay(order: dict[str, Any]) -> Any:
    """Publish the task of an order."""
    limit = STUCK if fault_of(order["number"]) == "stuck" else None
    return fulfil.apply_async((order,), time_limit=limit)


fulfil.delay = delay
