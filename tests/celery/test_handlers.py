"""The handlers that Celery's worker creates."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import pytest
from celery import signals
from celery.utils.log import get_multiprocessing_logger

import headrace
from headrace.logging import FlowFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery


def handler() -> logging.StreamHandler[io.StringIO]:
    """Return a handler whose format asks for the ID."""
    made = logging.StreamHandler(io.StringIO())
    made.setFormatter(logging.Formatter("%(flow_id)s %(message)s"))
    return made


@pytest.mark.parametrize("signal", [signals.after_setup_logger, signals.after_setup_task_logger])
def test_formats_of_the_worker_can_show_the_id(
    make_app: Callable[..., Celery], monkeypatch: pytest.MonkeyPatch, signal: signals.Signal
) -> None:
    """The handlers of the announced logger and of the pool's know the ID, with one filter each."""
    make_app()
    pool_logger, worker_logger = get_multiprocessing_logger(), logging.getLogger("a.worker")
    for logger in (worker_logger, pool_logger):
        monkeypatch.setattr(logger, "handlers", [handler()])
    for _ in range(2):
        signal.send(sender=None, logger=worker_logger)
    with headrace.open_context("an-id"):
        worker_logger.warning("in a run")
        pool_logger.warning("in a run")
    for logger in (worker_logger, pool_logger):
        [one] = logger.handlers
        assert one.stream.getvalue() == "an-id in a run\n"
        assert [type(each) for each in one.filters] == [FlowFilter]
