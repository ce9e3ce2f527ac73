"""Signals between two bytecodes, one place at a time.

A signal handler can raise only where the interpreter checks for signals: when a Python function
begins, and when a call of a C function has returned. `interrupt` counts these places
inside headrace (and in contextlib, where headrace's blocks run) and raises at one of them.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import headrace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

_HERE = (str(Path(headrace.__file__).parent), contextlib.__file__)
_TOOL = 4  # not an identifier of debuggers, coverage or profilers


class Interrupt(BaseException):
    """The exception of the signal handler, as for a soft time limit or Ctrl-C."""


class _Places:
    """Raises once, at the place number `target`; counts the places if it is never reached."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._count = 0
        self.reached = ""

    def begins(self, code: CodeType, _offset: int) -> Any:
        """Record the start of a Python function."""
        if not code.co_filename.startswith(_HERE):
            return sys.monitoring.DISABLE
        self._reach(f"{code.co_qualname} begins")
        return None

    def calls(self, code: CodeType, _offset: int, _callable: object, _first: object) -> Any:
        """Watch only calls inside headrace."""
        return None if code.co_filename.startswith(_HERE) else sys.monitoring.DISABLE

    def has_called(self, code: CodeType, offset: int, called: object, _first: object) -> None:
        """Record the return of a C function."""
        if code.co_filename.startswith(_HERE):
            line = next(row for start, end, row in code.co_lines() if start <= offset < end)
            self._reach(f"{code.co_qualname} has called {called!r:.60}, line {line}")

    def _reach(self, place: str) -> None:
        self._count += 1
        if self._count == self._target:
            self.reached = place
            raise Interrupt(place)


def interrupt(scenario: Callable[[], object], target: int) -> str:
    """Run `scenario`, interrupted at the place number `target`, and return the place's name.

    The name is "" if the scenario has fewer places.
    """
    monitoring, events = sys.monitoring, sys.monitoring.events
    places = _Places(target)
    monitoring.use_tool_id(_TOOL, "interrupts")
    try:
        monitoring.register_callback(_TOOL, events.PY_START, places.begins)
        monitoring.register_callback(_TOOL, events.CALL, places.calls)
        monitoring.register_callback(_TOOL, events.C_RETURN, places.has_called)
        monitoring.restart_events()
        monitoring.set_events(_TOOL, events.PY_START | events.CALL)
        scenario()
    except Interrupt:
        pass
    finally:
        monitoring.set_events(_TOOL, 0)
        monitoring.free_tool_id(_TOOL)
    return places.reached
