"""Faults in foreign code, one crossing at a time.

Wherever headrace calls code of others (a backend, a hook, a log handler, a validator, `str` of a
user's value) it crosses into foreign code. A scenario counts its crossings, then runs once for each
of them, which raises.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import pytest

import headrace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class BrokenError(Exception):
    """The fault that must not reach the caller."""


class Interrupt(BaseException):
    """The fault that must reach the caller."""


class Crossings:
    """Counts the crossings of a scenario, and raises at number `target`.

    Args:
        target: the number of the crossing, from 1; 0 for none.
        fault: the type of the exception raised there.
    """

    def __init__(self, target: int = 0, fault: type[BaseException] = BrokenError) -> None:
        self._target = target
        self._fault = fault
        self.names: list[str] = []

    def cross(self, name: str) -> None:
        """Cross into the foreign code `name`."""
        self.names.append(name)
        if len(self.names) == self._target:
            raise self._fault(name)

    @property
    def reached(self) -> str:
        """The name of the crossing that has raised, or ""."""
        return self.names[self._target - 1] if 0 < self._target <= len(self.names) else ""


class _Manager:
    def __init__(self, crossings: Crossings, name: str) -> None:
        self._crossings = crossings
        self._name = name

    def __enter__(self) -> None:
        self._crossings.cross(f"{self._name}: __enter__")

    def __exit__(self, *_: object) -> None:
        self._crossings.cross(f"{self._name}: __exit__")


class ForeignBackend:
    """A backend that crosses in each of its methods."""

    def __init__(self, crossings: Crossings) -> None:
        self._crossings = crossings

    def enabled(self) -> bool:
        self._crossings.cross("backend: enabled")
        return True

    def span(self, step: Any, context: Any) -> _Manager:
        self._crossings.cross("backend: span")
        return _Manager(self._crossings, "backend: span")

    def unit(self, context: Any) -> _Manager:
        self._crossings.cross("backend: unit")
        return _Manager(self._crossings, "backend: unit")


class ForeignHandler(logging.Handler):
    """A log handler that crosses when it filters, and when it emits a record.

    `logging` passes on the errors of both.
    """

    def __init__(self, crossings: Crossings) -> None:
        super().__init__()
        self._crossings = crossings

    def filter(self, record: logging.LogRecord) -> bool:
        self._crossings.cross(f"{_kind_of(record)} filter")
        return True

    def emit(self, record: logging.LogRecord) -> None:
        self._crossings.cross(f"{_kind_of(record)} handler")
        record.getMessage()


def _kind_of(record: logging.LogRecord) -> str:
    return "unit line" if vars(record).get("event") == "unit.end" else "log"


class ForeignValue:
    """A user's object with fields, as attrs makes one; every access to it crosses."""

    __attrs_attrs__ = ("secret",)

    def __init__(self, crossings: Crossings) -> None:
        self._crossings = crossings

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._crossings.cross(f"value: {name}")
        return lambda: "seen"

    @property
    def secret(self) -> str:
        self._crossings.cross("value: property")
        return "0815"

    def __str__(self) -> str:
        self._crossings.cross("value: str")
        return "foreign"

    def __repr__(self) -> str:
        self._crossings.cross("value: repr")
        return "foreign"

    def __len__(self) -> int:
        self._crossings.cross("value: len")
        return 1

    def __bool__(self) -> bool:
        self._crossings.cross("value: bool")
        return True

    def __hash__(self) -> int:
        self._crossings.cross("value: hash")
        return 1

    def __eq__(self, other: object) -> bool:
        self._crossings.cross("value: eq")
        return self is other


class ForeignError(Exception):
    """A user's exception; conversion to text crosses."""

    def __init__(self, crossings: Crossings) -> None:
        super().__init__("refused")
        self.crossings = crossings

    def __str__(self) -> str:
        self.crossings.cross("exception: str")
        return "refused"

    def __repr__(self) -> str:
        self.crossings.cross("exception: repr")
        return "ForeignError()"


@contextlib.contextmanager
def watched(crossings: Crossings, **settings: Any) -> Iterator[None]:
    """Install a foreign backend and a foreign log handler for the block."""
    handler = ForeignHandler(crossings)
    logger = logging.getLogger("headrace")
    level = logger.level
    headrace.configure([ForeignBackend(crossings), "logging"], **settings)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        headrace.configure()


def each_fault(
    scenario: Callable[[Crossings], None], fault: type[BaseException], **settings: Any
) -> set[str]:
    """Run `scenario` once for each of its crossings, which raises; return the crossings' names.

    The scenario's assertions run each time; the failures of all runs are shown together.
    """
    names: set[str] = set()
    failures: list[str] = []
    for target in range(1, 3000):
        crossings = Crossings(target, fault)
        with watched(crossings, **settings):
            try:
                scenario(crossings)
            except AssertionError as error:
                what = str(error).partition("\n")[0]
                failures.append(f"{target}, {crossings.reached or 'none'}: {what}")
        if not crossings.reached:
            break
        names.add(crossings.reached)
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)
    return names
