"""The work that the handlers of every framework do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace

import headrace

if TYPE_CHECKING:
    from collections.abc import Iterator

flow = headrace.flow("tracing")


class DeclinedError(Exception):
    """Raised by a failing handler."""


@flow.step
def work() -> None:
    """Do a step."""


@flow.step
def fail() -> None:
    """Fail."""
    raise DeclinedError("on purpose")


def stream() -> Iterator[bytes]:
    """Do a step in the middle of a body."""
    yield b"1"
    work()
    yield b"2"


def carrier() -> dict[str, str]:
    """Return the headers of a request to the next service."""
    written: dict[str, str] = {}
    headrace.inject(written)
    return written


def health() -> dict[str, str | None]:
    """Return the ID of the unit whose span, one of headrace's, is active."""
    return {"span": getattr(trace.get_current_span(), "_headrace_correlation_id", None)}
