"""Locks on executor IDs: one living process has each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

import headrace_dbos
from headrace import Chain
from headrace_dbos import ExecutorBusyError
from headrace_dbos._locks import take_lock
from tests.brokers import missing

if TYPE_CHECKING:
    from collections.abc import Callable

POSTGRES = os.environ.get("HEADRACE_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, url: str) -> str:
    """A database that several processes share."""
    if request.param == "sqlite":
        return url
    try:
        psycopg.connect(POSTGRES, connect_timeout=3).close()
    except psycopg.OperationalError:
        missing("there is no PostgreSQL (HEADRACE_POSTGRES_URL)")
    return POSTGRES


def test_a_lock_ends_with_its_process(shared: str) -> None:
    """Another process is refused until then, for this ID only; killing the process is enough."""
    name = f"tests-{os.getpid()}"
    code = (
        "import sys; from headrace_dbos._locks import take_lock\n"
        "release = take_lock(sys.argv[1], sys.argv[2]); sys.stdout.write('!\\n')\n"
        "sys.stdout.flush(); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, shared, name]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == b"!\n"
        with pytest.raises(ExecutorBusyError, match=f"has the executor ID '{name}'"):
            take_lock(shared, name)
        take_lock(shared, f"{name}-other")()
        holder.kill()
        holder.wait()
    for _ in range(3000):  # a server notices a moment later
        try:
            take_lock(shared, name)()
        except ExecutorBusyError:
            time.sleep(0.02)
        else:
            break
    else:
        pytest.fail("the lock outlived its process")


def test_a_launch_that_fails_leaves_no_lock(url: str, launch: Callable[..., None]) -> None:
    """Another attempt in the same process can succeed."""
    headrace_dbos.durable(Chain("orders").next(print), queue="_dbos_mine")
    with pytest.raises(Exception, match="_dbos_"):
        launch()
    headrace_dbos._state.chains.clear()
    launch()
    assert headrace_dbos.recover("two") == 0
    assert os.path.exists(f"{url.removeprefix('sqlite:///')}.one.lock")
