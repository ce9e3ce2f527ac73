"""Beat, where each tick of a schedule is a unit of work."""

from __future__ import annotations

from functools import partial
from typing import Any

from headrace.integration import Unit, transport_context


def on_beat_init(sender: Any = None, **_: Any) -> None:
    """Make the scheduler of the beat service `sender` open a unit for each tick.

    It is also connected to `beat_embedded_init`, which a worker with ``--beat`` sends.
    """
    scheduler = sender.scheduler
    # Around `apply_entry`, so that the line "Sending due task" also carries the ID.
    scheduler.apply_entry = partial(_tick, scheduler.apply_entry)


def _tick(apply_entry: Any, entry: Any, *args: Any, **kwargs: Any) -> Any:
    with Unit(transport_context("manual", f"beat:{entry.name}")):
        return apply_entry(entry, *args, **kwargs)
