"""The order of the receivers of `task_prerun` and `task_postrun`.

Celery calls receivers in the order in which they were connected. Ours run first at prerun and last
at postrun, so that other receivers log with the ID and clean up before we restore the context. Only
OpenTelemetry's instrumentation stays outside ours: its span then represents the run, and the unit
adds none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import signals

Receiver = Callable[..., Any]
_last: Receiver | None = None


def has_changed() -> bool:
    """Return whether a receiver was connected since the last call to `restore`.

    Comparing the last entry is enough, since Celery appends, and is cheap enough for each run.
    """
    return signals.task_postrun.receivers[-1][1] is not _last


def restore(prerun: Receiver, postrun: Receiver) -> bool:
    """Put `prerun` and `postrun`, our receivers, outside all others except OpenTelemetry's.

    Returns:
        Whether one of OpenTelemetry's receivers came after `prerun`. If `task_prerun` is being
        sent, it still does this time, since Celery has already listed the receivers to call.
    """
    global _last  # noqa: PLW0603 - compared in each run
    before = [receiver for _, receiver in signals.task_prerun.receivers]
    _sort(signals.task_prerun, lambda each: (not _is_from_opentelemetry(each), each is not prerun))
    _sort(signals.task_postrun, lambda each: (_is_from_opentelemetry(each), each is postrun))
    _last = signals.task_postrun.receivers[-1][1]
    return prerun in before and any(map(_is_from_opentelemetry, before[before.index(prerun) :]))


def _sort(signal: Any, key: Callable[[Any], tuple[bool, bool]]) -> None:
    with signal.lock:
        # In place, since Celery's tracers hold this list. Not with `list.sort`, which leaves the
        # list empty while it sorts, and other threads read it.
        signal.receivers[:] = sorted(signal.receivers, key=lambda entry: key(entry[1]))
        signal.sender_receivers_cache.clear()


def _is_from_opentelemetry(receiver: Any) -> bool:
    module: str = getattr(receiver, "__module__", None) or ""
    return module.startswith("opentelemetry.instrumentation.")
