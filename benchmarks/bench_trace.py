"""``headrace trace`` on the logs of a shop, beside DuckDB's own reader of JSON.

Each run is a process of its own, as users start it. DuckDB's reader groups the lines by their ID
and keeps nothing: that is the floor. ``python -m benchmarks.bench_trace 5000000`` measures the wall
clock and the memory on that many lines and on twice as many, and fails beyond the limits.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from benchmarks.harness import Result
from benchmarks.order_logs import write_order_logs

LINES = 200_000
ROUNDS = 5
SHOW, LIST, GROWTH = 1.0, 2.0, 2.2
"""Times the floor, times the floor, and for twice the lines."""
SECONDS, MEMORY = 6.0, 1024.0
"""For ``show`` on five million lines, and MiB."""
_FLOOR = """
import duckdb, sys
duckdb.sql(
    "SELECT flow_id, count(*) FROM read_json(?, columns = {flow_id: 'VARCHAR'}, "
    "format = 'newline_delimited') GROUP BY 1 ORDER BY 1 LIMIT 20", params=[sys.argv[1] + "/*"]
).fetchall()
"""


class Run(NamedTuple):
    """What a process has used."""

    processor: float
    """Seconds of all its threads."""
    wall: float
    """Seconds."""
    memory: float
    """Its largest resident set, in MiB."""


def results() -> list[Result]:
    """Return ``show`` and ``list`` as ratios to the floor, and their growth with the logs."""
    title = f"headrace trace on {LINES:,} lines, beside DuckDB's own reader of JSON"
    with tempfile.TemporaryDirectory() as once, tempfile.TemporaryDirectory() as twice:
        (flow_id, *_) = write_order_logs(Path(once), LINES)
        write_order_logs(Path(twice), 2 * LINES)
        show, listing = (*_TRACE, "show", flow_id, once), (*_TRACE, "list", once)
        commands = {"floor": (*_PYTHON, "-c", _FLOOR, once), "show": show, "list": listing}
        commands |= {"list twice": (*_TRACE, "list", twice)}
        runs = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                runs[name].append(_run(command).processor)
    floor, shown, listed, doubled = (median(times) for times in runs.values())
    return [
        Result(title, "DuckDB's reader, grouping by ID", floor, 1.0, None),
        Result(title, "show", shown, shown / floor, SHOW),
        Result(title, "list", listed, listed / floor, LIST),
        Result(title, "list of twice the lines, beside list", doubled, doubled / listed, GROWTH),
    ]


_PYTHON = (sys.executable,)
_TRACE = (sys.executable, "-m", "headrace", "trace")


def _run(command: tuple[str, ...]) -> Run:
    start = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    spent = usage.ru_utime + usage.ru_stime
    return Run(spent, perf_counter() - start, usage.ru_maxrss / 1024)


def main(lines: int) -> int:
    """Measure on `lines` lines and on twice as many; return 1 if anything exceeds its limit."""
    runs: dict[tuple[str, int], Run] = {}
    for times in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            (flow_id, *_) = write_order_logs(Path(folder), times * lines)
            size = sum(path.stat().st_size for path in Path(folder).iterdir())
            print(f"{times * lines:,} lines, {size / 1e9:.2f} GB")
            for words in (("show", flow_id), ("list",)):
                run = runs[words[0], times] = _run((*_TRACE, *words, folder))
                used = f"{run.wall:6.1f} s, {run.processor:6.1f} s of the processor"
                print(f"  {words[0]:5} {used}, {run.memory:5.0f} MiB")
    growth = {name: runs[name, 2].processor / runs[name, 1].processor for name in ("show", "list")}
    print(", ".join(f"{name} of twice the lines: {ratio:.2f}" for name, ratio in growth.items()))
    is_good = runs["show", 1].wall <= SECONDS and max(growth.values()) <= GROWTH
    is_small = all(run.memory <= MEMORY for run in runs.values())
    return 0 if is_good and is_small else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
