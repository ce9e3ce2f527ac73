"""Hazards: uses of task queues that fail sooner or later."""

from __future__ import annotations

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._report import Finding

from ._arguments import mismatched_arguments, unsuitable_arguments
from ._transactions import published_in_transaction


def hazards_in(engine: Engine) -> list[Finding]:
    """Return the hazards of an evaluated program, sorted by place and code."""
    found = [
        *published_in_transaction(engine),
        *mismatched_arguments(engine),
        *unsuitable_arguments(engine),
    ]
    return sorted(found, key=lambda one: (one.place, one.code))
