"""Hazards: what a program does with its tasks that goes wrong sooner or later."""

from __future__ import annotations

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._report import Finding

from ._arguments import misfits, unfit_arguments
from ._transactions import published_inside


def hazards_in(engine: Engine) -> list[Finding]:
    """Return the hazards of a program that was analysed, by place and code."""
    found = [*published_inside(engine), *misfits(engine), *unfit_arguments(engine)]
    return sorted(found, key=lambda one: (one.place, one.code))
