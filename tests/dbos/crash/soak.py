"""Runs histories and checks what came of them: `python -m tests.dbos.crash.soak COUNT [SEED]`.

On SQLite, and on the PostgreSQL of HEADRACE_POSTGRES_URL, in a database of its own.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .history import Crash, History, history_of
from .worker import work

if TYPE_CHECKING:
    from collections.abc import Iterator

POSTGRES = os.environ.get("HEADRACE_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
OURS = ("headrace.chain", "headrace")


class Processes:
    """The processes of a history, forked from this one, which has imported everything."""

    def __init__(self, history: History, url: str, folder: str) -> None:
        self._about = history, url, folder
        self._planned = {name: [c for c in history.crashes if c.executor == name] for name in "ab"}
        self.running: dict[int, tuple[str, Crash | None]] = {}
        self.killed: set[str] = set()

    def start(self, executor: str) -> None:
        """Start the executor, with its next crash."""
        planned = self._planned[executor]
        crash = planned.pop(0) if planned else None
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work(*self._about, executor, None if crash is None else crash.point)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        self.running[pid] = executor, crash

    def wait(self) -> None:
        """Wait for a process; if it was killed, start it again, or let the other one take over."""
        pid, status = os.wait()
        executor, crash = self.running.pop(pid)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"a process of {self._about[0]} failed"
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        self.killed.add(str(pid))
        if crash is not None and crash.recovers and self.running:
            Path(self._about[2], f"recover-{executor}").touch()
        else:
            self.start(executor)


def run(history: History, url: str, folder: str) -> int:
    """Run a history, check it, and return the number of crashes."""
    processes = Processes(history, url, folder)
    for executor in "ab":
        processes.start(executor)
    while processes.running:
        processes.wait()
    check(history, url, folder, processes.killed)
    return len(processes.killed)


def check(history: History, url: str, folder: str, killed: set[str]) -> None:
    """Check the journal, the lines, and the records of a history that has ended."""
    lines = Path(folder, "journal").read_text(encoding="utf-8").splitlines()
    journal = [line.split("\t") for line in lines]
    check_effects(journal, killed)
    for pid, kind, workflow, *rest in journal:
        if kind == "effect":
            assert rest[2] == f"flow-{run_of(workflow)}", (pid, workflow, rest)
    for line in Path(folder, "log").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("\t")
        if name in OURS:
            assert rest.startswith(f"flow-s{history.seed}-"), line
    check_records(history, url)


def run_of(workflow: str) -> str:
    """Return the run of a workflow: branches add numbers to its ID."""
    return "-".join(workflow.split("-")[:2])


def check_effects(journal: list[list[str]], killed: set[str]) -> None:
    """Each effect is recorded once, and those without a record are of processes that were killed.

    So an effect happens once, and once more for each crash between it and its record.
    """
    recorded: Counter[tuple[str, str]] = Counter()
    unrecorded: dict[tuple[str, str], list[str]] = {}
    for pid, kind, workflow, name, *_ in journal:
        if kind == "effect":
            unrecorded.setdefault((pid, workflow), []).append(name)
            continue
        effects = unrecorded.pop((pid, workflow), [])
        if effects:
            assert effects == [name.partition("#")[0]], (workflow, effects, name)
            recorded[workflow, name] += 1
    assert all(count == 1 for count in recorded.values()), recorded
    for (pid, workflow), effects in unrecorded.items():
        assert pid in killed, f"{effects} of {workflow} have no record, and nothing crashed"
        assert len(effects) == 1, effects


def check_records(history: History, url: str) -> None:
    """Each outcome and each undo is recorded once."""
    import sqlalchemy as sa

    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    schema = "" if url.startswith("sqlite") else "dbos."
    with engine.connect() as connection:
        for run_id in history.runs:
            about = {"run": run_id, "branches": f"{run_id}-%"}
            ended = rows(
                connection,
                f"SELECT status, name FROM {schema}workflow_status "
                f"WHERE workflow_uuid = :run OR workflow_uuid LIKE :branches",
                about,
            )
            assert all(status in {"SUCCESS", "ERROR"} for status, _ in ended), ended
            steps = rows(
                connection,
                f"SELECT workflow_uuid, function_name FROM {schema}operation_outputs "
                f"WHERE workflow_uuid = :run OR workflow_uuid LIKE :branches",
                about,
            )
            undos = Counter(name for _, name in steps if name.startswith("undo "))
            assert all(count == 1 for count in undos.values()), undos
    engine.dispose()


def rows(connection: Any, query: str, about: dict[str, str]) -> list[tuple[str, str]]:
    """Return the rows of a query."""
    import sqlalchemy as sa

    return [tuple(row) for row in connection.execute(sa.text(query), about)]


@contextmanager
def postgres() -> Iterator[str]:
    """Create a database, and drop it at the end."""
    import psycopg

    name = f"headrace_dbos_{os.getpid()}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield POSTGRES.rpartition("/")[0] + f"/{name}"
    finally:
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def soak(count: int, first: int) -> None:
    """Run `count` histories per database."""
    with postgres() as served:
        for kind in ("sqlite", "postgresql"):
            begun, crashes = time.monotonic(), 0
            for seed in range(first, first + count):
                with tempfile.TemporaryDirectory() as folder:
                    url = served if kind == "postgresql" else f"sqlite:///{folder}/runs.sqlite"
                    try:
                        crashes += run(history_of(seed), url, folder)
                    except BaseException:
                        say(f"{kind}, seed {seed}:")
                        raise
            seconds = time.monotonic() - begun
            say(f"{kind}: {count} histories, {crashes} crashes, {seconds:.0f} s")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    soak(words[0] if words else 30, words[1] if len(words) > 1 else 0)
