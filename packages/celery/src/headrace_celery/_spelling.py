"""Misspelt options of tasks, which Celery would silently keep as attributes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

from headrace.integration.settings import nearest_name

# A less similar name is taken for the user's own attribute, such as "kind" or "rate".
_MIN_SIMILARITY = 0.75
_MIN_SIMILARITY_TO_CELERYS = 0.9
_MIN_LENGTH = 8  # a shorter one, such as "queues", may be the user's own
_OWN = ("headrace_new",)
_CELERYS = (
    *("acks_late", "acks_on_failure_or_timeout", "autoretry_for", "base", "bind", "compression"),
    *("default_retry_delay", "delivery_mode", "dont_autoretry_for", "exchange", "expires"),
    *("ignore_result", "lazy", "max_retries", "name", "priority", "pydantic", "queue"),
    *("rate_limit", "reject_on_worker_lost", "retry_backoff", "retry_backoff_max", "retry_jitter"),
    *("retry_kwargs", "routing_key", "send_events", "serializer", "shared", "soft_time_limit"),
    *("store_eager_result", "store_errors_even_if_ignored", "throws", "time_limit"),
    *("track_started", "trail", "typing"),
)


def check_spelling(
    caller: str, options: Iterable[str], base: Any, known: tuple[str, ...] = ()
) -> None:
    """Reject an option that is almost a known one.

    Args:
        caller: the name of the function, for the message.
        options: the names of the options.
        base: the class of the task, whose attributes are accepted too.
        known: the function's own options.

    Raises:
        TypeError: an option is misspelt.
    """
    for given in options:
        near = None if given in known else meant_by(given, base, known)
        if near is not None:
            raise TypeError(f"{caller}() has no option {given!r}; did you mean {near!r}?")


def meant_by(given: str, base: Any, known: tuple[str, ...] = ()) -> str | None:
    """Return the option that `given` misspells, or None."""
    # Not `hasattr`: reading `Task.app` would bind the base class to an app.
    if given in (*_OWN, *_CELERYS) or any(given in vars(each) for each in base.__mro__):
        return None
    choices: list[tuple[tuple[str, ...], float]] = [((*known, *_OWN), _MIN_SIMILARITY)]
    if len(given) >= _MIN_LENGTH:
        choices.append((_CELERYS, _MIN_SIMILARITY_TO_CELERYS))
    for names, least in choices:
        near = nearest_name(given, names)
        if near and SequenceMatcher(None, given.lower(), near).ratio() >= least:
            return near
    return None
