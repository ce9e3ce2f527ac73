"""The correlation ID in every log line.

`install` captures the context in the thread that logs; `FlowFilter`, on a handler, publishes it as
attributes of the record, for format strings and JSON formatters.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ._capture import KEY, Captured, capture

__all__ = ["FlowFilter", "install", "uninstall"]


class FlowFilter(logging.Filter):
    """A handler's filter that gives each record `flow_id`, `correlation_id`, `flow` and `step`.

    All four are strings on every record. What the user has put there with ``extra=`` stays.

    Args:
        default: the text where there is no value.
    """

    def __init__(self, default: str = "-") -> None:
        super().__init__()
        self._default = default

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attributes; let every record through."""
        values = record.__dict__
        captured: Captured | None = values.get(KEY)
        flow_id, flow, step = captured if captured is not None else capture(record.exc_info)
        default = self._default
        # One ID under two names: whichever the user gave with extra= serves both.
        given = values.get("flow_id", values.get("correlation_id", flow_id))
        text = default if given is None else str(given)
        values.setdefault("flow_id", text)
        values.setdefault("correlation_id", text)
        values.setdefault("flow", flow or default)
        values.setdefault("step", step or default)
        return True


def install() -> None:
    """Let every log record capture the context of the thread or task that logs it.

    It sets a log record factory around the present one, so that handlers in other threads (queue
    listeners), child loggers and other libraries' loggers carry the ID too. A second call does
    nothing, unless another library has replaced the factory meanwhile.
    """
    _Factory.active = True
    if not _is_installed():
        logging.setLogRecordFactory(_Factory(logging.getLogRecordFactory()))


def uninstall() -> None:
    """Undo `install`: later records capture nothing."""
    _Factory.active = False  # for one that another library has wrapped, which must stay
    factory = logging.getLogRecordFactory()
    if isinstance(factory, _Factory):
        logging.setLogRecordFactory(factory.wrapped)


class _Factory:
    active = False

    def __init__(self, wrapped: Callable[..., logging.LogRecord]) -> None:
        self.wrapped = wrapped

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.wrapped(*args, **kwargs)
        if _Factory.active:
            # A private name: a public one would make a user's extra={"flow_id": ...} raise.
            record.__dict__[KEY] = capture(record.exc_info)
        return record


def _is_installed() -> bool:
    # Asked of a record: another library may have set its factory around ours.
    probe = logging.getLogRecordFactory()("headrace", logging.DEBUG, "", 0, "", (), None)
    return KEY in probe.__dict__
