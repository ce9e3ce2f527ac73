"""Every way to publish and run a task, over real brokers, on every pool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.celery.matrix import table
from tests.celery.matrix.rows import ROWS

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("HEADRACE_CELERY_FULL") == "1"
only_full = pytest.mark.skipif(not FULL, reason="takes a minute: belongs to `nox -s celery_full`")


@cache
def run(module: str, *args: str) -> Any:
    """Run a module of the matrix in a process of its own, and return what it prints."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", f"tests.celery.matrix.{module}", *args],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_eight_rows_are_tried_on_every_pool() -> None:
    """The matrix has the rows that were promised, eight of them for every pool."""
    assert len(ROWS) == len({row.name for row in ROWS}) == 27
    assert sum(row.telling for row in ROWS) == 8


@pytest.mark.guarantee(24)
@pytest.mark.guarantee(26)
@pytest.mark.guarantee(30)
def test_matrix_holds_on_prefork_with_redis(redis_url: str) -> None:
    """Each way to publish and run a task keeps the ID, has its cause, and leaves the caller's."""
    results = run("run", "prefork", redis_url, redis_url, "--quick")
    assert {name: problem for name, problem in results.items() if problem} == {}
    assert len(results) == len([row for row in ROWS if not row.slow])


@only_full
@pytest.mark.guarantee(24)
@pytest.mark.guarantee(27)
@pytest.mark.parametrize("column", table.COLUMNS)
def test_column_holds(column: str, redis_url: str, rabbitmq_url: str) -> None:
    """Each row that is tried on this pool with this broker holds."""
    results = column_results(column, redis_url, rabbitmq_url)
    assert results == table.expected()[column]


def column_results(column: str, redis_url: str, rabbitmq_url: str) -> dict[str, str]:
    """Return what each row of a column came to."""
    pool, broker = table.COLUMNS[column]
    brokers = {"redis": redis_url, "rabbitmq": rabbitmq_url}
    results: dict[str, str] = run("run", pool, brokers[broker], redis_url)
    return results


@only_full
def test_table_of_this_run_stands_in_the_docs(
    redis_url: str, rabbitmq_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table of what was seen just now is printed, and is the one in docs/howto/celery.md."""
    seen = {column: column_results(column, redis_url, rabbitmq_url) for column in table.COLUMNS}
    with capsys.disabled():
        sys.stdout.write(f"\n{table.render(seen)}")
    assert table.render(seen) == table.in_docs()


def test_table_in_the_docs_is_current() -> None:
    """The docs have the table of today's rows; `python -m tests.celery.matrix.table` writes it."""
    assert table.in_docs() == table.render(table.expected())


@only_full
@pytest.mark.guarantee(27)
@pytest.mark.parametrize("pool", ["prefork", "solo", "threads", "gevent"])
def test_thousands_of_mixed_tasks_have_no_id_on_a_wrong_line(pool: str, redis_url: str) -> None:
    """Nested, failing, retrying, 12,500 in all: each line has its ID; memory is flat."""
    count = 5000 if pool == "prefork" else 2500  # two children, each of which must warm up
    found = run("many", pool, redis_url, redis_url, str(count))
    assert (found["wrong notes"], found["wrong lines"]) == ([], [])
    assert found["notes"] >= count
    assert found["lines"] >= count
    assert found["contexts alive"] < 5
    if pool != "gevent":  # whose size swings with its connections, on plain Celery too
        assert found["growth in KB"] < 10_000
