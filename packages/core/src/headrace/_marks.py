"""What is written on an exception on its way: the ID of its unit, and what backends may see of it.

A server logs an unhandled error after the unit has ended; the mark lets that line carry the ID.
"""

from __future__ import annotations

from contextlib import suppress

_KEY = "_headrace_correlation_id"
_TOLD = "_headrace_told"


def mark(exc: BaseException, correlation_id: str) -> None:
    """Remember on the exception `exc` which operation it comes from.

    Args:
        exc: what a unit of work lets through.
        correlation_id: the ID of that unit. Of several units the outermost has the last word.
    """
    with suppress(Exception):  # an exception may be made so that nothing can be set on it
        exc.__dict__[_KEY] = correlation_id


def marked_id(exc: object) -> str | None:
    """Return the correlation ID of the unit that let `exc` through, or None.

    Args:
        exc: an exception, for whoever is told of it when its unit has ended: an error tracker.
    """
    try:
        return vars(exc).get(_KEY)
    except Exception:
        return None


def conceal(exc: BaseException, twin: BaseException) -> None:
    """Have backends told of `twin` in place of `exc`, whose causes may hold secrets."""
    exc.__dict__[_TOLD] = twin


def told(exc: BaseException) -> BaseException:
    """Return what backends are told of `exc`: mostly itself."""
    try:
        twin: BaseException = vars(exc).get(_TOLD, exc)
    except Exception:  # an exception without a usable __dict__ has no twin
        return exc
    return twin
