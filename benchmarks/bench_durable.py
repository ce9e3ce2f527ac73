"""Durable steps against steps of DBOS itself, on SQLite: ``python -m benchmarks.bench_durable``.

``python -m benchmarks.bench_durable unfinished`` measures the start of a process that has up to
10,000 unfinished runs.
"""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextvars import Context
from typing import Any

from rich.console import Console

import headrace
import headrace_dbos
from benchmarks.harness import Case, Group, measure, print_tables
from headrace import Chain

STEPS = 10
LIMIT = 1.2


def nothing() -> None:
    """What a step does."""


def groups() -> list[Group]:
    """Return what is compared."""
    from dbos import DBOS

    @DBOS.workflow(name="bare")
    def bare() -> None:
        for number in range(STEPS):
            DBOS.run_step({"name": f"step{number}"}, nothing)

    chain = Chain("bench")
    for number in range(STEPS):
        chain.next(nothing, name=f"step{number}")
    durable = headrace_dbos.durable(chain)
    logging.disable(logging.INFO)
    headrace.configure(backend="none")
    folder = tempfile.mkdtemp()
    headrace_dbos.launch(f"sqlite:///{folder}/runs.sqlite", executor_id="bench")

    def start() -> None:
        Context().run(DBOS.start_workflow, bare).get_result()

    def group(title: str, clock: Any) -> Group:
        about: dict[str, Any] = {"per": STEPS, "calls": 3, "clock": clock}
        cases = [Case("DBOS", start, **about), Case("headrace", durable.run, limit=LIMIT, **about)]
        return Group(f"a durable step (a run of {STEPS}, SQLite), {title}", cases)

    return [group("elapsed", time.perf_counter), group("processor", time.process_time)]


# --- unfinished runs ------------------------------------------------------------------------------


def hold() -> str:
    """Be a step in which each run is unfinished, until there is no HOLD."""
    if os.environ.get("HOLD"):
        os._exit(0)
    return "held"


def start_with(count: int, folder: str) -> None:
    """Record `count` unfinished runs, or resume those that are recorded, and print the figures."""
    from dbos import DBOS

    logging.disable(logging.WARNING)
    orders = headrace_dbos.durable(Chain("orders").next(hold, out="held"))
    begun = time.perf_counter()
    headrace_dbos.launch(f"sqlite:///{folder}/runs.sqlite", executor_id="bench")
    launched = time.perf_counter() - begun
    if os.environ.get("FILL"):
        _fill(orders, count)
        os._exit(0)
    peak = 0
    while DBOS.list_workflows(status=["PENDING", "ENQUEUED"], limit=1, load_input=False):
        time.sleep(0.2)
        peak = max(peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    ended = time.perf_counter() - begun
    done = len(DBOS.list_workflows(status="SUCCESS", load_input=False, load_output=False))
    print(f"{count:6} runs: launched in {launched:.2f} s, {done} ended in {ended:.1f} s, {peak} MB")
    os._exit(0)


def _fill(orders: Any, count: int) -> None:
    """Copy the record of one interrupted run."""
    import sqlalchemy as sa

    from headrace_dbos import _state  # noqa: PLC2701 - the format of its records

    _, record = orders._begin("r0", {"order": 1})  # noqa: SLF001 - as above
    engine = sa.create_engine(_state.engine().url)
    text = _state.engine().serializer.serialize({"args": (record,), "kwargs": {}})
    with engine.begin() as connection:
        for number in range(count):
            about = {"id": f"r{number}", "inputs": text}
            connection.execute(
                sa.text(
                    "INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, "
                    "application_version, application_name, recovery_attempts, serialization, "
                    "created_at, updated_at, priority) VALUES (:id, 'PENDING', 'headrace:orders', "
                    "'bench', 'headrace', 'headrace', 1, 'headrace_json', 1, 1, 0)"
                ),
                about,
            )
            connection.execute(
                sa.text("INSERT INTO workflow_input (workflow_uuid, inputs) VALUES (:id, :inputs)"),
                about,
            )


def unfinished() -> None:
    """Measure the start with 1,000 and with 10,000 unfinished runs, each in its own process."""
    for count in (1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            for filling in ({"FILL": "1"}, {}):
                command = [sys.executable, "-m", "benchmarks.bench_durable", str(count), folder]
                subprocess.run(command, check=True, env={**os.environ, **filling})


if __name__ == "__main__":
    if sys.argv[1:] == ["unfinished"]:
        unfinished()
    elif sys.argv[1:]:
        start_with(int(sys.argv[1]), sys.argv[2])
    else:
        print_tables(measure(groups(), rounds=20), Console())
