"""A backend for tests that keeps the units of work that it is told of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import headrace
from headrace.backends import StepInfo, outcome_of


@dataclass
class WatchedUnit:
    """A unit of work: its context, and how it ended (None: it goes on)."""

    context: headrace.FlowContext
    outcome: str | None = None
    error: BaseException | None = None


class UnitBackend:
    """Keeps the units, and ignores the steps."""

    def __init__(self) -> None:
        self.units: list[WatchedUnit] = []

    @contextmanager
    def span(self, step: StepInfo, context: headrace.FlowContext) -> Iterator[None]:
        yield

    @contextmanager
    def unit(self, context: headrace.FlowContext) -> Iterator[None]:
        watched = WatchedUnit(context)
        self.units.append(watched)
        try:
            yield
        except BaseException as exc:
            watched.error = exc
            watched.outcome = outcome_of(exc)
            raise
        watched.outcome = "ok"


@contextmanager
def watched_units(**settings: Any) -> Iterator[list[WatchedUnit]]:
    """Give the list of the units that run inside the block."""
    backend = UnitBackend()
    headrace.configure(backend=backend, **settings)
    try:
        yield backend.units
    finally:
        headrace.configure()
