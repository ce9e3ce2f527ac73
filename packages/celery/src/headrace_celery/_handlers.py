"""The log handlers of Celery's worker, whose formats may contain ``%(flow_id)s``."""

from __future__ import annotations

import logging
from typing import Any

from celery.utils.log import get_multiprocessing_logger

from headrace.logging import FlowFilter


def on_after_setup_logger(logger: Any = None, **_: Any) -> None:
    """Add the context to all records of the handlers of `logger`.

    It is also connected to `after_setup_task_logger`. Celery sends no signal for the logger of its
    process pool, whose handlers use the worker's format too.
    """
    for configured in (logger, get_multiprocessing_logger()):
        for handler in getattr(configured, "handlers", ()):
            _add_filter(handler)


def _add_filter(handler: logging.Handler) -> None:
    if not any(isinstance(each, FlowFilter) for each in handler.filters):
        handler.addFilter(FlowFilter())
