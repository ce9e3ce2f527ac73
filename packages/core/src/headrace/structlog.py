"""The correlation ID in every event of structlog.

`flow_processor` stands in ``structlog.configure(processors=[...])``, and in the
``foreign_pre_chain`` of a ``structlog.stdlib.ProcessorFormatter``.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from ._capture import KEY, Captured, capture

__all__ = ["flow_processor"]


def flow_processor(
    _logger: Any, _method_name: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add `flow_id`, `flow` and `step` to the event: those that there are, and no others.

    What stands in the event already is never overwritten, and structlog's own context variables
    are not touched. In ``foreign_pre_chain`` the values are those of the thread that logged, if
    `headrace.logging.install` was called. Outside any unit of work an event with ``exc_info``
    takes its `flow_id` from the unit that the exception has left, so this processor stands before
    those that format exceptions.

    Args:
        _logger: ignored.
        _method_name: ignored.
        event_dict: the event.
    """
    for name, value in zip(("flow_id", "flow", "step"), _captured(event_dict), strict=True):
        if value is not None:
            event_dict.setdefault(name, value)
    return event_dict


def _captured(event_dict: MutableMapping[str, Any]) -> Captured:
    record = event_dict.get("_record")
    if not isinstance(record, logging.LogRecord):
        return capture(event_dict.get("exc_info"))
    kept: Captured | None = record.__dict__.get(KEY)
    return capture(record.exc_info) if kept is None else kept
