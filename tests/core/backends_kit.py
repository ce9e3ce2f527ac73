"""Backends for tests: one that records, and those that fail in every way there is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator

    from headrace import FlowContext, StepInfo


class Recorder:
    """A backend that keeps what it is told, as tuples."""

    def __init__(self, name: str = "", events: list[Any] | None = None) -> None:
        self.name = name
        self.events: list[Any] = [] if events is None else events

    @contextmanager
    def span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        yield from self._around("step", step.name)

    @contextmanager
    def unit(self, context: FlowContext) -> Iterator[None]:
        yield from self._around("unit", context.name or context.kind)

    def _around(self, what: str, name: str) -> Iterator[None]:
        self._keep(f"{what} begins", name)
        try:
            yield
        except BaseException as exc:
            self._keep(f"{what} fails", name, type(exc).__name__)
            raise
        self._keep(f"{what} ends", name)

    def _keep(self, *event: str) -> None:
        self.events.append((self.name, *event) if self.name else event)


class StepsAlone:
    """A backend with nothing but `span`: no `unit`, no `enabled`."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    @contextmanager
    def span(self, step: StepInfo, context: FlowContext) -> Iterator[None]:
        self.begun.append(step.name)
        yield


def events(records: Iterable[logging.LogRecord]) -> list[str]:
    """Return the events among log records, such as ``step.end``."""
    return [record.event for record in records if hasattr(record, "event")]


def steps(records: Iterable[logging.LogRecord]) -> list[Any]:
    """Return the records of the steps."""
    return [each for each in records if vars(each).get("event") in {"step.start", "step.end"}]


class Failing:
    """A backend that raises `error` at the one place `where`."""

    PLACES = (
        "enabled",
        "span",
        "span enters",
        "span leaves",
        "unit",
        "unit enters",
        "unit leaves",
    )

    def __init__(self, where: str, error: BaseException | None = None) -> None:
        self.where = where
        self.error = RuntimeError("the backend is broken") if error is None else error

    def enabled(self) -> bool:
        self._fail("enabled")
        return True

    def span(self, step: StepInfo, context: FlowContext) -> Any:
        self._fail("span")
        return _FailingManager(self, "span")

    def unit(self, context: FlowContext) -> Any:
        self._fail("unit")
        return _FailingManager(self, "unit")

    def _fail(self, where: str) -> None:
        if where == self.where:
            raise self.error


class _FailingManager:
    def __init__(self, backend: Failing, what: str) -> None:
        self.backend = backend
        self.what = what

    def __enter__(self) -> None:
        self.backend._fail(f"{self.what} enters")

    def __exit__(self, *exc_info: object) -> None:
        self.backend._fail(f"{self.what} leaves")
