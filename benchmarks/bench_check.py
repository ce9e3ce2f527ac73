"""``headrace check`` on 150,000 lines: Django's own source with flows sprinkled in.

Each run is a process of its own, as users start it. The times are in seconds of the wall clock,
beside the limits that the project allows itself; the machine should have nothing else to do.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.harness import Result
from benchmarks.sprinkle import sprinkle

COLD, WARM, MEMORY = 8.0, 1.0, 400.0
"""Seconds, seconds and MiB."""


def results() -> list[Result]:
    """Return cold, warm and changed runs, as ratios to their limits, and the memory."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lines = sprinkle(root / "program")
        title = f"headrace check on {lines:,} lines: of {COLD:g} s, {WARM:g} s, {MEMORY:g} MiB"
        (root / "pyproject.toml").write_text("[tool.headrace.check]\n", "utf-8")
        cold = _run(root)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        warm = statistics.median(_run(root) for _ in range(3))
        changed = root / "program" / "django" / "shortcuts.py"
        changed.write_text(changed.read_text("utf-8") + "\n", "utf-8")
        edited = _run(root)
    return [
        Result(title, "cold", cold, cold / COLD, 1.0),
        Result(title, "warm: nothing has changed", warm, warm / WARM, 1.0),
        Result(title, "one file has changed", edited, edited / COLD, 1.0),
        Result(title, "memory", 0.0, memory / MEMORY, 1.0),
    ]


def _run(folder: Path) -> float:
    command = [sys.executable, "-m", "headrace", "check", "program"]
    start = perf_counter()
    ran = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    taken = perf_counter() - start
    if ran.returncode not in {0, 1}:
        raise RuntimeError(f"headrace check ended with {ran.returncode}")
    return taken
