"""The handlers that Celery's worker makes: `%(flow_id)s` may stand in their formats."""

from __future__ import annotations

import logging
from typing import Any

from celery.utils.log import get_multiprocessing_logger

from headrace.logging import FlowFilter


def on_after_setup_logger(logger: Any = None, **_: Any) -> None:
    """Receive `after_setup_logger`: publish the context on each record of Celery's handlers.

    The logger of the pool's processes is not announced, but has the worker's format too.
    """
    for one in (logger, get_multiprocessing_logger()):
        for handler in getattr(one, "handlers", ()):
            _add_filter(handler)


def _add_filter(handler: logging.Handler) -> None:
    if not any(isinstance(one, FlowFilter) for one in handler.filters):
        handler.addFilter(FlowFilter())
