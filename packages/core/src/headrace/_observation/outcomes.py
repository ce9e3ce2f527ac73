"""The outcome of a step or unit, determined by the exception that it raised."""

from __future__ import annotations

from headrace._exceptions.control_flow import control_flow_outcome
from headrace._messages.text import printable

FAILED = frozenset({"error", "cancelled"})
"""The outcomes whose exception a log line describes."""


def outcome_of(exc: BaseException | None) -> str:
    """Return the outcome of a step or unit that raised `exc`: ``ok``, ``error`` or ``cancelled``.

    It is also ``ok`` if a consumer closed a generator early or the program exits with status 0.
    Integrations may register other outcomes for their framework's control flow, such as ``retry``,
    ``ignored`` and ``rejected`` for Celery.
    """
    if exc is None or isinstance(exc, GeneratorExit):
        return "ok"
    if isinstance(exc, SystemExit):
        return "error" if exc.code else "ok"
    if isinstance(exc, Exception):
        return control_flow_outcome(exc) or "error"
    # asyncio's and trio's exceptions, recognised by name to avoid importing either library.
    return "cancelled" if type(exc).__name__ in {"CancelledError", "Cancelled"} else "error"


def describe(exc: BaseException) -> str:
    """Return `exc` as text: the name of its type and its message."""
    try:
        return f"{type(exc).__name__}: {exc}"
    except Exception:  # the user's `__str__` raised
        return type(exc).__name__


def error_text(exc: BaseException) -> str:
    """Return `exc` as text for a log line: printable, and without secrets."""
    # Imported late, for errors only: it takes a while.
    from headrace._exceptions.masked import without_secrets

    return printable(describe(without_secrets(exc)))
