"""Run the benchmarks: ``python -m benchmarks [PART...] [--rounds N] [--store]``."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks.harness import Result, load, measure, print_tables, save
from benchmarks.picture import draw

HERE = Path(__file__).parent
STORED = HERE / "results.json"
PICTURE = HERE.parent / "docs" / "explanation" / "benchmarks.svg"
PARTS = (
    "core",
    "logging",
    "lines",
    "chains",
    "stepchain",
    "import",
    "web",
    "served",
    "celery",
    "durable",
    "size",
    "pictures",
    "check",
    "trace",
)
# Where a context variable lies in a context is drawn by lot at the start of a process, and some
# places are slower: no single process can tell.
PROCESSES = 5
ONCE = {"check", "served", "trace"}  # they start processes themselves


def main(arguments: list[str]) -> int:
    """Measure, print the tables, and store them where that is asked for."""
    parser = argparse.ArgumentParser(description="Measure headrace beside the floor and its peers.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"what to measure, of {', '.join(PARTS)} (all)"
    )
    parser.add_argument("--rounds", type=int, default=15, help="rounds of all cases (15)")
    parser.add_argument("--store", action="store_true", help="keep the results for the docs")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    parts = options.parts or PARTS
    if options.child:
        print(json.dumps([asdict(each) for each in _measure_here(parts[0], options.rounds)]))
        return 0
    results = _measure(parts, options.rounds)
    compare(results)
    console = Console()
    print_tables(results, console)
    if options.store:
        # What has not been measured this time stays as it is.
        results += [each for each in load(STORED) if each.part not in parts]
        results.sort(key=lambda result: PARTS.index(result.part))
        save(results, STORED)
        PICTURE.write_text(draw(results), "utf-8")
        console.print(f"stored in {STORED.name} and {PICTURE.name}")
    return 0


def compare(results: list[Result]) -> None:
    """Put the stored ratios beside the new ones."""
    stored = {(each.group, each.name): each.ratio for each in load(STORED)}
    for result in results:
        result.before = stored.get((result.group, result.name))


def _measure(parts: list[str], rounds: int) -> list[Result]:
    """Return the medians over several processes for each part."""
    runs: dict[tuple[str, str], list[Result]] = {}
    said: set[str] = set()
    errors = Console(stderr=True)
    todo = [
        part
        for number in range(PROCESSES)
        for name in parts
        for part in (_apart(name) if number == 0 or name not in ONCE else ())
    ]
    for part in track(todo, "measuring", console=errors, transient=True):
        results, words = _measure_apart(part, rounds)
        for result in results:
            result.part = part.partition(":")[0]
            runs.setdefault((result.group, result.name), []).append(result)
        if words not in said:  # each process says the same
            said.add(words)
            errors.print(words, end="", markup=False)
    return [_median(each) for each in runs.values()]


def _apart(part: str) -> list[str]:
    """Return `part`, or its modules where each is measured in a process of its own."""
    modules = getattr(import_module(f"benchmarks.bench_{part}"), "APART", ())
    return [f"{part}:{module}" for module in modules] or [part]


def _measure_apart(part: str, rounds: int) -> tuple[list[Result], str]:
    """Return what a process of its own has measured, and what it has said."""
    command = [sys.executable, "-m", "benchmarks", part, "--child", "--rounds", str(rounds)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr)
    return [Result(**fields) for fields in json.loads(ran.stdout.splitlines()[-1])], ran.stderr


def _measure_here(part: str, rounds: int) -> list[Result]:
    part, _, submodule = part.partition(":")
    module = import_module(f"benchmarks.bench_{part}")
    if part in {"import", "size", "pictures", "check", "served", "trace"}:
        results: list[Result] = module.results()
        return results
    made = module.groups(submodule) if submodule else module.groups()
    return measure(made, rounds=rounds * getattr(module, "ROUNDS", 1))


def _median(runs: list[Result]) -> Result:
    first = runs[0]
    seconds = statistics.median(run.seconds for run in runs)
    ratio = statistics.median(run.ratio for run in runs)
    return Result(first.group, first.name, seconds, ratio, first.limit, part=first.part)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
