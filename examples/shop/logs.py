"""The logging set-up that all four processes share: JSON lines, into one file for each process."""

from __future__ import annotations

import logging.config
from typing import Any

from config import RUN
from headrace.logging import dict_config


def config(process: str) -> dict[str, Any]:
    """The ``dictConfig`` of one process, which writes ``<process>.jsonl`` into the run's folder."""
    config = dict_config("json", service=process)
    config["handlers"]["stderr"] |= {
        "class": "logging.handlers.WatchedFileHandler",  # for logrotate
        "filename": str(RUN / f"{process}.jsonl"),
        "encoding": "utf-8",
        "delay": True,
    }
    config["loggers"]["uvicorn.access"]["level"] = "WARNING"  # headrace logs each request
    return config


def configure(process: str) -> None:
    """Set up logging for one process."""
    logging.config.dictConfig(config(process))
