"""All hazards of a program."""

from __future__ import annotations

from collections.abc import Collection

from headrace_inspect._evaluate._engine import Engine
from headrace_inspect._report import Finding

from ._arguments import unfit_arguments
from ._signatures import misfits
from ._transactions import published_inside

CODES = ("HR201", "HR202", "HR203", "HR204")


def hazards_in(engine: Engine, codes: Collection[str] = CODES) -> list[Finding]:
    """Return the hazards of a program that was analysed, by file, line and code.

    Args:
        engine: what the bodies run.
        codes: those that are wanted.
    """
    found = list(published_inside(engine)) if "HR201" in codes else []
    found += misfits(engine)
    found += unfit_arguments(engine)
    wanted = [one for one in found if one.code in codes]
    return sorted(wanted, key=lambda one: (one.place, one.code))
