"""The log lines of a message that is published to a queue."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from headrace._context.variables import get_unit
from headrace._logger import report_lost_line
from headrace._messages.text import plain_text, printable

from .dispatch import unit_lines
from .outcomes import error_text
from .records import emit

if TYPE_CHECKING:
    from types import TracebackType

_NAME = "headrace"
_log = logging.getLogger(_NAME)


class Publication:
    """Logs ``task.published`` on entering, and ``task.publish_failed`` if the block raises.

    Enter it just before the message is sent, so that its line precedes those of the worker. It logs
    nothing with the backend ``none``.

    Args:
        task: the name of the task.
        task_id: the ID of the message.
        queue: the queue, under the name that the worker reports too; None if unknown.
        eta: the earliest time at which the task may run, in ISO 8601, or None.
    """

    __slots__ = ("_values",)

    def __init__(
        self,
        task: str,
        task_id: str | None,
        *,
        queue: str | None = None,
        eta: str | None = None,
    ) -> None:
        self._values = {"task": task, "task_id": task_id, "queue": queue, "eta": eta}

    def __enter__(self) -> Self:
        """Log that the message is about to be sent."""
        lines = unit_lines()
        if lines is not None and _log.isEnabledFor(logging.INFO):
            self._log(logging.INFO, "task.published", None)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Log that sending failed, if it did."""
        lines = unit_lines()
        if exc is None or lines is None:
            return
        level = lines.level_of("error")
        if _log.isEnabledFor(level):
            self._log(level, "task.publish_failed", exc)

    def _log(self, level: int, event: str, exc: BaseException | None) -> None:
        try:
            values = _values(event, self._values)
            task, queue, eta = values["task"], values["queue"], values["eta"]
            args = [task, "" if queue is None else f" to {queue}"]
            if exc is None:
                message = "%s published%s%s"
                args.append("" if eta is None else f", due {eta}")
            else:
                message = "publishing %s%s failed: %s"
                values["error"] = error = error_text(exc)
                args.append(error)
            emit(_log, level, message, tuple(args), values)
        except Exception as error:  # of a handler or filter
            report_lost_line(_NAME, error)


def _values(event: str, given: dict[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {"event": event}
    for name, value in given.items():
        values[name] = None if value is None else plain_text(value)
    context = get_unit()
    if context is not None:
        cause = context.causation_id
        values["correlation_id"] = printable(context.correlation_id)
        values["unit_id"] = context.unit_id
        values["causation_id"] = None if cause is None else printable(cause)
    return values
