"""What `import headrace` costs beside `import logging, contextvars, inspect`.

``python -m benchmarks.bench_import [--runs N]``: each run is an interpreter of its own, ours and
the floor in turn, and takes the time of the import statement alone.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

import headrace

FLOOR = "logging, contextvars, inspect"
OURS = "headrace"
PROGRAM = (
    "import sys, time; sys.path.insert(0, {path!r}); start = time.perf_counter(); "
    "import {what}; print(time.perf_counter() - start)"
)


def seconds(what: str) -> float:
    """Return how long ``import {what}`` takes in a new interpreter, without `site`."""
    program = PROGRAM.format(path=str(Path(headrace.__file__).parents[1]), what=what)
    ran = subprocess.run(
        [sys.executable, "-S", "-E", "-c", program], capture_output=True, text=True, check=True
    )
    return float(ran.stdout)


def main(runs: int = 40) -> float:
    """Print the medians of both and return their ratio."""
    seconds(OURS), seconds(FLOOR)  # writes the byte code
    pairs = [(seconds(OURS), seconds(FLOOR)) for _ in range(runs)]
    ours, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Python {version}: import {FLOOR} {floor * 1000:.1f} ms, "
        f"import {OURS} {ours * 1000:.1f} ms, ratio {ours / floor:.2f} (at most 1.5)"
    )
    return ours / floor


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--runs", type=int, default=40, help="how many of each (40)")
    main(parser.parse_args().runs)
