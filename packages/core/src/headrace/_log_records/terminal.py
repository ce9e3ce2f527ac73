"""Log lines for people: aligned, coloured on a terminal, control characters visible."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any
from zlib import crc32

from headrace._messages.hints import checks_keywords
from headrace._messages.text import plain_text, printable

from .entries import context_fields, extra_fields, message_of, traceback_of
from .fields import checked_fields

if TYPE_CHECKING:
    from collections.abc import Iterable

_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_LEVELS = ((50, "\x1b[1;31m"), (40, "\x1b[31m"), (30, "\x1b[33m"), (20, "\x1b[32m"), (0, _DIM))
_OPERATIONS = tuple(f"\x1b[{code}m" for code in (34, 35, 36, 94, 95, 96))
_COLOR = re.compile(r"\x1b\[[\d;]*m")
_MARK = "    | "  # before continuation lines of a record, which may be external text
_ID_WIDTH = 8
_LONGEST_ID = 12  # characters of an ID that is shown whole


def wants_color(stream: Any) -> bool:
    """Return whether to write colours to `stream`.

    NO_COLOR (https://no-color.org) and FORCE_COLOR (https://force-color.org) decide, then whether
    it is a terminal that has colours.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    try:
        return os.environ.get("TERM") != "dumb" and bool(stream.isatty())
    except Exception:  # None, closed, or not a file
        return False


class LinesFormatter(logging.Formatter):
    """Formats records as aligned lines for people, with headrace's names and no filter.

    A line shows the local time, the level, the end of the correlation ID, the message, the logger,
    the flow and the step, and the values of ``extra=``. Continuation lines of the message and all
    lines of a traceback begin with a mark, so that none looks like a record. Colours in the message
    are removed; other control characters appear as Python escapes. It raises nothing, whatever a
    record holds.

    Args:
        fields: metadata of the unit of work to show, as for `FlowFilter`.
        color: whether to colour the lines; by default, as NO_COLOR, FORCE_COLOR and the terminal
            behind `sys.stderr` say.

    Raises:
        TypeError: `fields` is not a list of names.
        ValueError: a field has the name of a standard attribute of log records.
    """

    @checks_keywords
    def __init__(self, *, fields: Iterable[str] = (), color: bool | None = None) -> None:
        super().__init__()
        self._fields = checked_fields(fields)
        self._color = wants_color(sys.stderr) if color is None else color

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback if there is one."""
        context = context_fields(record)
        flow_id = printable(context.get("flow_id", "-"))
        first, *more = _message_lines(record)
        line = [
            self._painted(_time_of(record), _DIM),
            self._painted(f"{plain_text(record.levelname):<8}", _level_color(record)),
            self._painted(f"{_short(flow_id):<{_ID_WIDTH}}", _color_of(flow_id)),
            first,
            self._painted(self._details(record, context), _DIM),
        ]
        exception, stack = traceback_of(self, record)
        for text in (exception, stack):
            more += [printable(line) for line in (text or "").splitlines()]
        return "\n".join([" ".join(line), *(f"{_MARK}{one}".rstrip() for one in more)])

    def _details(self, record: logging.LogRecord, context: dict[str, str]) -> str:
        """Return the logger, the flow and the step, and the other values.

        The message of an event already says the rest.
        """
        extra = extra_fields(record, self._fields)
        place = ".".join(context[name] for name in ("flow", "step") if name in context)
        if "event" in vars(record):
            extra = {name: extra[name] for name in self._fields if name in extra}
            place = ""
        source = f"[{plain_text(record.name)} {printable(place)}".rstrip()
        shown = [f"{plain_text(name)}={plain_text(value)}" for name, value in extra.items()]
        return " ".join([f"{source}]", *shown])

    def _painted(self, text: str, color: str) -> str:
        return f"{color}{text}{_RESET}" if self._color and color else text


def _message_lines(record: logging.LogRecord) -> list[str]:
    text = message_of(record)
    if "\x1b" in text:
        text = _COLOR.sub("", text)
    return [printable(line.rstrip()) for line in text.strip("\r\n").split("\n")]


def _short(flow_id: str) -> str:
    """Return the end of a long ID: some begin with the time, and so do their neighbours."""
    return flow_id if len(flow_id) <= _LONGEST_ID else flow_id[-_ID_WIDTH:]


def _time_of(record: logging.LogRecord) -> str:
    try:
        whole, micros = divmod(round(float(record.created) * 1_000_000), 1_000_000)
        return f"{time.strftime('%H:%M:%S', time.localtime(whole))}.{micros // 1000:03}"
    except Exception:  # not a time
        return f"{'-':<12}"


def _level_color(record: logging.LogRecord) -> str:
    level = record.levelno if isinstance(record.levelno, int) else 0
    return next((color for least, color in _LEVELS if level >= least), "")


def _color_of(flow_id: str) -> str:
    """Return the colour of an operation, so that its lines stand out among others."""
    return "" if flow_id == "-" else _OPERATIONS[crc32(flow_id.encode()) % len(_OPERATIONS)]
