"""Sends the standard library's tests and all installed packages through the check.

`python -m tests.inspect.robustness_kit [NAME...]` fails where anything raises, crashes or hangs;
with names it sends only the programs whose names begin so, with `--share N` every Nth, and a third
of the program that is made of all packages. Since these have no flows, some are planted, so that
the check examines all code that leads to their steps.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import resource
import signal
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from time import monotonic

from headrace_inspect._check import check, report_of
from headrace_inspect._formats import FORMATS, render
from headrace_inspect._pipeline import facts_in
from tests.inspect.planting_kit import with_flow

PACKAGES = Path(sysconfig.get_path("purelib"))
TESTS = Path(sysconfig.get_path("stdlib"), "test")
MOST_LINES = 60_000
"""A package of more lines is taken in parts."""
LONGEST = 900
"""Seconds of processor time after which a program counts as one that hangs.

Most need one; all packages together, with 1.5 million lines, need minutes.
"""
MOST_MEMORY = 4 << 30
"""Bytes for each program: the largest needs a tenth of it."""
PARALLEL = os.cpu_count() or 1


@dataclass
class Outcome:
    """What came of a program, or of several.

    Attributes:
        files: how many files went through.
        unreadable: how many of them are no valid Python, for the Python that runs this.
        steps: how many steps were declared in them.
        shown: how many edges the code shows.
        failures: what went wrong.
    """

    files: int = 0
    unreadable: int = 0
    steps: int = 0
    shown: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Count in what came of another program."""
        self.files += other.files
        self.unreadable += other.unreadable
        self.steps += other.steps
        self.shown += other.shown
        self.failures += other.failures


@dataclass(frozen=True)
class Job:
    """A program, and what sends it through; `size` is the number of bytes in its files."""

    name: str
    send: Callable[[], Outcome]
    size: int


# --- What is sent through -------------------------------------------------------------------------


def jobs(names: list[str], share: int) -> list[Job]:
    """Return every `share`-th program, the largest first; if there are `names`, of these only."""
    found = [*programs_in(TESTS, "test/"), *programs_in(PACKAGES, "")]
    together = partial(send_as_they_are, 1 if share == 1 else 3)
    whole = Job("all packages", together, sum(job.size for job in found) // 16)
    found = [job for job in [whole, *found] if not names or job.name.startswith(tuple(names))]
    return sorted(found, key=lambda job: -job.size)[::share]


def programs_in(root: Path, prefix: str) -> Iterator[Job]:
    """Yield each file and folder in `root` as a program, large folders as several."""
    found: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*.py")):
        if path.is_file():
            found.setdefault(prefix + path.relative_to(root).parts[0], []).append(path)
    for name, files in found.items():
        for number, part in enumerate(parts_of(files), start=1):
            size = sum(path.stat().st_size for path in part)
            yield Job(f"{name} (part {number})", partial(send_with_flows, part), size)


def parts_of(files: list[Path]) -> Iterator[list[Path]]:
    """Yield `files` in programs of bearable size."""
    part: list[Path] = []
    lines = 0
    for path in files:
        part.append(path)
        lines += path.read_bytes().count(b"\n")
        if lines > MOST_LINES:
            yield part
            part, lines = [], 0
    if part:
        yield part


def send_with_flows(files: list[Path]) -> Outcome:
    """Send `files` through as one program; where that fails, find those that fail alone."""
    try:
        return send(files)
    except Exception:  # every one of them, and then a failure
        failure = f"from {files[0]} to {files[-1]}:\n{traceback.format_exc(limit=-20)}"
    culprits = [f"fails alone: {path}\n" for path in files if len(files) > 1 and fails(path)]
    return Outcome(len(files), failures=[failure + "".join(culprits)])


def fails(path: Path) -> bool:
    """Tell whether a file fails by itself."""
    try:
        send([path])
    except Exception:  # whatever it is
        return True
    return False


def send(files: list[Path]) -> Outcome:
    """Check `files`, with a flow in each that parses, and draw the report in all formats."""
    contents = {path: path.read_bytes() for path in files}
    planted = {path: with_flow(contents[path], f"flow{i}") for i, path in enumerate(files)}
    unreadable = sum(content is None for content in planted.values())
    sent = {str(path.absolute()): planted[path] or contents[path] for path in files}
    facts = facts_in([str(files[0].parent)], sent, [])
    report = report_of(facts, require_shown=True)
    if len(report.problems) != unreadable:
        raise AssertionError(f"{unreadable} files do not parse, and not: {report.problems}")
    for format in FORMATS:
        render(report, format, verbose=True)
    shown = sum("code" in edge.by for edge in report.edges)
    return Outcome(len(files), unreadable, len(report.steps), shown)


def send_as_they_are(share: int) -> Outcome:
    """Send all packages through as one program, or every `share`-th, without flows."""
    found = sorted(path for path in PACKAGES.iterdir() if path.suffix in {"", ".py"})
    report = check([str(path) for path in found[::share]])
    bugs = [str(one) for one in report.problems if "could not be analysed" in one.message]
    return Outcome(failures=bugs if report.files else [*bugs, "no file was read"])


# --- Processes ------------------------------------------------------------------------------------


class Pool:
    """Does jobs, each in a process of its own, so that one may crash, hang or eat memory.

    Attributes:
        total: what came of those that have ended.
        size: how many bytes these had.
    """

    def __init__(self) -> None:
        self.total = Outcome()
        self.size = 0
        self._running: dict[Connection, tuple[Job, ForkProcess]] = {}

    def do(self, todo: list[Job]) -> Iterator[Job]:
        """Do all jobs, and yield each when it has ended."""
        for job in todo:
            self._start(job)
            while len(self._running) == PARALLEL:
                yield from self._finish()
        while self._running:
            yield from self._finish()

    def _start(self, job: Job) -> None:
        fork = get_context("fork")
        reader, writer = fork.Pipe(duplex=False)
        process = fork.Process(target=work, args=(job, writer), daemon=True)
        process.start()
        writer.close()  # ours: the end of the process is to be seen
        self._running[reader] = job, process

    def _finish(self) -> Iterator[Job]:
        for reader in connection.wait([*self._running]):
            assert isinstance(reader, Connection)
            job, process = self._running.pop(reader)
            with reader:
                try:
                    outcome: Outcome = reader.recv()
                except EOFError:
                    outcome = Outcome()
                process.join()
            if process.exitcode:
                outcome.failures.append(f"its process ended with status {process.exitcode}\n")
            self.total.add(outcome)
            self.size += job.size
            for failure in outcome.failures:
                print(f"FAILED {job.name}: {failure}", file=sys.stderr)  # noqa: T201
            yield job


def work(job: Job, writer: Connection) -> None:
    """Do a job within bounds of time and memory, and send what came of it to `writer`."""
    faulthandler.enable()
    faulthandler.register(signal.SIGXCPU, chain=True)
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST + 10))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    writer.send(job.send())


def main() -> int:
    """Check the programs that the command line selects, and print how many there were."""
    parser = argparse.ArgumentParser(description="Sends installed code through the check.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="programs whose names begin so")
    parser.add_argument("--share", metavar="N", type=int, default=1, help="every Nth, by size")
    options = parser.parse_args()
    start = monotonic()
    if not TESTS.is_dir():
        print(f"warning: this Python comes without its tests, in {TESTS}", file=sys.stderr)  # noqa: T201
    pool, todo = Pool(), jobs(options.names, options.share)
    whole = sum(job.size for job in todo)
    told = 0
    for _ in pool.do(todo):
        if pool.size * 10 // whole > told:
            told = pool.size * 10 // whole
            print(f"{told * 10} % in {monotonic() - start:.0f} s", flush=True)  # noqa: T201
    total = pool.total
    print(  # noqa: T201
        f"{len(todo)} programs of {total.files} files, {total.unreadable} of them no valid Python; "
        f"{total.steps} steps, {total.shown} edges shown; {len(total.failures)} failures"
    )
    return 1 if total.failures or not total.shown else 0


if __name__ == "__main__":
    sys.exit(main())
