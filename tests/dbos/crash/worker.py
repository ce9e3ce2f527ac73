"""A process of a history: runs chains, and is killed at a point."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from typing import Any

import dbos._dbos
from dbos._sys_db import SystemDatabase

import headrace
import headrace_dbos
from headrace.logging import FlowFilter
from headrace_dbos import _state

from .history import History, chain_of


class Journal:
    """Lines that survive the process, and the point at which it is killed.

    Args:
        path: the file, shared by all processes of a history.
        end: the number of points to pass, or None.
    """

    def __init__(self, path: str, end: int | None) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._end = end
        self._lock = threading.Lock()

    def write(self, *fields: object) -> None:
        """Add a line."""
        os.write(self._file, ("\t".join(map(str, (os.getpid(), *fields))) + "\n").encode())

    def point(self) -> None:
        """Pass a point, or die there."""
        if self._end is None:
            return
        with self._lock:
            self._end -= 1
            if self._end <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def effect(self, name: str) -> None:
        """Carry out an effect; there is a point before it and one after it."""
        self.point()
        key = headrace.current_step_key() or f"-:{name}"
        self.write("effect", dbos.DBOS.workflow_id, name, key, headrace.current_flow_id())
        self.point()


def instrument(journal: Journal) -> None:
    """Put points before and after each record and acknowledgement."""
    for name in ("record_operation_result", "update_workflow_outcome", "init_child_workflow"):
        _wrap(journal, name, getattr(SystemDatabase, name))


def _wrap(journal: Journal, name: str, original: Any) -> None:
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        journal.point()
        result = original(self, *args, **kwargs)
        if name == "record_operation_result":
            step = args[0]
            journal.write("record", step["workflow_uuid"], step["function_name"])
        journal.point()
        return result

    setattr(SystemDatabase, name, wrapped)


def work(history: History, url: str, folder: str, executor: str, end: int | None) -> None:
    """Start the runs of the executor, and stay until every run of the history has ended.

    A file named for another executor asks to take its runs over.
    """
    journal = Journal(f"{folder}/journal", end)
    log_to(f"{folder}/log")
    instrument(journal)
    _state.chains.clear()
    orders: Any = headrace_dbos.durable(chain_of(history.seed, journal.effect))
    registry = dbos._dbos._get_or_create_dbos_registry()
    registry.get_internal_queue()._polling_interval_sec = 0.05
    headrace_dbos.launch(url, executor_id=f"s{history.seed}-{executor}")
    begin = begin_async if isinstance(orders, headrace_dbos.AsyncDurableChain) else begin_sync
    begin(orders, owned(history, executor))
    dead = {"a", "b"} - {executor}
    until = time.monotonic() + 90
    while not has_ended(history):
        assert time.monotonic() < until, "the history does not end"
        for other in sorted(dead):
            if os.path.exists(f"{folder}/recover-{other}"):
                dead.discard(other)
                headrace_dbos.recover(f"s{history.seed}-{other}")
                begin(orders, owned(history, other))
        time.sleep(0.02)


def owned(history: History, executor: str) -> list[str]:
    """Return the runs that the executor starts."""
    return [run for run, owner in history.runs.items() if owner == executor]


def begin_sync(orders: Any, runs: list[str]) -> None:
    """Start the runs of a `Chain`."""
    for run in runs:
        with headrace.open_context(f"flow-{run}"):
            orders.start(run, run=run)


def begin_async(orders: Any, runs: list[str]) -> None:
    """Start the runs of an `AsyncChain`, on an event loop that stays."""

    async def main() -> None:
        for run in runs:
            with headrace.open_context(f"flow-{run}"):
                await orders.start(run, run=run)
        await asyncio.sleep(100)

    threading.Thread(target=asyncio.run, args=[main()], daemon=True).start()


def has_ended(history: History) -> bool:
    """Tell whether every run is recorded as ended."""
    found = [dbos.DBOS.get_workflow_status(run) for run in history.runs]
    return all(each is not None and each.status in {"SUCCESS", "ERROR"} for each in found)


def log_to(path: str) -> None:
    """Send every line to a file, with the correlation ID."""
    handler = logging.FileHandler(path)
    handler.addFilter(FlowFilter())
    handler.setFormatter(logging.Formatter("%(name)s\t%(flow_id)s\t%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
