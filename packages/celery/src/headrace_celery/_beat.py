"""Beat: each tick of a schedule is a unit of work of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

from headrace.integration import Unit, transport_context


def on_beat_init(sender: Any = None, **_: Any) -> None:
    """Receive `beat_init`: have the scheduler of this service open a unit for each tick."""
    scheduler = sender.scheduler
    scheduler.apply_entry = partial(_tick, scheduler.apply_entry)


def _tick(apply_entry: Any, entry: Any, *args: Any, **kwargs: Any) -> Any:
    with Unit(transport_context("manual", f"beat:{entry.name}")):
        return apply_entry(entry, *args, **kwargs)
