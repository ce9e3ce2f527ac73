"""Run the benchmarks: ``python -m benchmarks [--rounds N] [--store]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import bench_celery, bench_chains, bench_core, bench_size, bench_web
from benchmarks.harness import Result, load, measure, print_tables, save
from benchmarks.picture import draw

HERE = Path(__file__).parent
STORED = HERE / "results.json"
PICTURE = HERE.parent / "docs" / "benchmarks.svg"


def main(arguments: list[str]) -> int:
    """Measure, print the tables, and store them where that is asked for."""
    parser = argparse.ArgumentParser(description="Measure headrace beside the floor and its peers.")
    parser.add_argument("--rounds", type=int, default=60, help="rounds of all cases (60)")
    parser.add_argument("--store", action="store_true", help="keep the results for the docs")
    options = parser.parse_args(arguments)
    modules = (bench_core, bench_chains, bench_web, bench_celery)
    groups = [group for module in modules for group in module.groups()]
    results = [*measure(groups, rounds=options.rounds), *bench_size.results()]
    compare(results)
    console = Console()
    print_tables(results, console)
    if options.store:
        save(results, STORED)
        PICTURE.write_text(draw(results), "utf-8")
        console.print(f"stored in {STORED.name} and {PICTURE.name}")
    return 0


def compare(results: list[Result]) -> None:
    """Put the stored ratios beside the new ones."""
    stored = load(STORED)
    for result in results:
        result.before = stored.get((result.group, result.name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
