"""Runs the demo again and again while all processors are busy; no order may be lost, or its ID.

``python -m tests.demo.soak [runs on files] [runs on Redis]``, or ``nox -s demo_soak``. Exit
status 0 if all runs passed. The output of a run that failed is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.demo.ids import printed_orders, wrong_ids

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "shop" / "demo.py"
LOGS = ROOT / "build" / "shop" / "logs"
REDIS = "redis://127.0.0.1:6379/0"
RUN_SECONDS = 180
"""The maximum duration of one run, on a busy machine, in seconds."""


def main() -> int:
    """Run the demo and return the exit status."""
    parser = argparse.ArgumentParser(description="Runs the demo many times, under load.")
    parser.add_argument("files", type=int, nargs="?", default=100, help="runs on files")
    parser.add_argument("redis", type=int, nargs="?", default=10, help="runs on Redis")
    wanted = parser.parse_args()
    brokers = [""] * wanted.files + [REDIS] * wanted.redis
    failed = 0
    with load():
        for number, broker in enumerate(brokers, start=1):
            start = time.monotonic()
            output = run(broker)
            failed += bool(output)
            seconds, state = time.monotonic() - start, "FAILED" if output else "passed"
            line = f"{number}/{len(brokers)} {broker or 'files'} {state} {seconds:.1f} s"
            sys.stdout.write(f"{line}, {failed} failed so far\n{output}")
            sys.stdout.flush()
    return 1 if failed else 0


def run(broker: str) -> str:
    """Run the demo once; return its output if it failed, else ""."""
    with subprocess.Popen(
        [sys.executable, DEMO],
        env=os.environ | {"HEADRACE_DEMO_BROKER": broker, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as demo:
        try:
            output, _ = demo.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            demo.terminate()
            output, _ = demo.communicate()
            return f"not done after {RUN_SECONDS} s\n{output}"
    wrong = [f"exit status {demo.returncode}"] if demo.returncode else []
    if not wrong:
        wrong = wrong_ids(printed_orders(output), LOGS)
    return "\n".join([output, *wrong, ""]) if wrong else ""


@contextlib.contextmanager
def load() -> Iterator[None]:
    """Keep each processor busy inside the block, and as long as this process lives."""
    spin = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): sum(range(10_000))"
    busy = [sys.executable, "-c", spin, str(os.getpid())]
    burners = [subprocess.Popen(busy) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


if __name__ == "__main__":
    sys.exit(main())
