"""Interrupt a scenario by real signals at random times: ``python -m tests.faults.signals NAME N``.

It runs in a process of its own: the tools around a test (coverage takes a lock in Python code) do
not survive an exception between two of their own bytecodes.
"""

from __future__ import annotations

import contextlib
import random
import signal
import sys
from typing import TYPE_CHECKING

import headrace
from headrace._context.variables import unit_var
from headrace.integration import Unit, transport_context
from tests.faults.interrupts import Interrupt
from tests.faults.unit_scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable


def interrupted_at_random(scenario: Callable[[], object], times: int) -> int:
    """Interrupt `scenario` again and again; return how often a unit was left current."""

    def handle(_signal: int, _frame: object) -> None:
        raise Interrupt

    chance = random.Random(42)
    left = 0
    signal.signal(signal.SIGALRM, handle)
    for _ in range(times):
        with contextlib.suppress(Interrupt), Unit(transport_context("manual")):
            with contextlib.suppress(Interrupt):
                # Again after a second, since a finalizer may have swallowed the first.
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(5e-6, 3e-4), 1)
                while True:
                    scenario()
            signal.setitimer(signal.ITIMER_REAL, 0)
        left += headrace.get_flow_context() is not None
        unit_var.set(None)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return left


if __name__ == "__main__":
    count = interrupted_at_random(SCENARIOS[sys.argv[1]], int(sys.argv[2]))
    sys.stdout.write(f"{count}\n")
