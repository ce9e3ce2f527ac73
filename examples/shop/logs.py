"""The logging set-up that all four processes share: JSON lines with the flow's fields."""

from __future__ import annotations

import json
import logging
import logging.config
from typing import Any

from config import RUN

FIELDS = ("flow_id", "flow", "step", "order", "duration_ms", "queue_ms", "outcome", "error")


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON. headrace's filter has put the flow's fields on it."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """One record, one line."""
        line: dict[str, Any] = {
            "time": record.created,
            "process": self.process,
            "pid": record.process,
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: vars(record)[name] for name in FIELDS if vars(record).get(name) is not None}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def config(process: str) -> dict[str, Any]:
    """The ``dictConfig`` of one process, which writes ``<process>.jsonl`` into the run's folder."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"flow": {"()": "headrace.logging.FlowFilter"}},
        "formatters": {"json": {"()": "logs.JsonLines", "process": process}},
        "handlers": {
            "file": {
                "class": "logging.FileHandler",
                "filename": str(RUN / f"{process}.jsonl"),
                "encoding": "utf-8",
                "delay": True,
                "formatter": "json",
                "filters": ["flow"],
            },
        },
        "loggers": {
            # The server's own lines too: the traceback of an error carries the ID of its request.
            "uvicorn": {"propagate": True},
            "uvicorn.access": {"level": "WARNING"},
            # A line at the start of each run of a task, with the time that its message waited.
            "headrace.celery": {"level": "DEBUG"},
        },
        "root": {"level": "INFO", "handlers": ["file"]},
    }


def configure(process: str) -> None:
    """Set up logging for one process."""
    logging.config.dictConfig(config(process))
