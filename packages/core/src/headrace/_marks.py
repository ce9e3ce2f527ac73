"""The mark on an exception that a unit of work has let through.

A server logs an unhandled error after the unit has ended; the mark lets that line carry the ID.
"""

from __future__ import annotations

from contextlib import suppress

_KEY = "_headrace_correlation_id"


def mark(exc: BaseException, correlation_id: str) -> None:
    """Remember on the exception `exc` which operation it comes from.

    Args:
        exc: what a unit of work lets through.
        correlation_id: the ID of that unit. Of several units the outermost has the last word.
    """
    with suppress(Exception):  # an exception may be made so that nothing can be set on it
        exc.__dict__[_KEY] = correlation_id


def marked_id(exc: object) -> str | None:
    """Return the correlation ID that `exc` was marked with, or None."""
    try:
        return vars(exc).get(_KEY)
    except Exception:
        return None
