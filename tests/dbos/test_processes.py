"""Durable runs over several processes: crashes, executors, changed chains, logging."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import headrace_dbos
from headrace import Chain
from headrace_dbos._locks import take_lock

ROOT = Path(__file__).parents[2]


def program(url: str, *words: str, **environment: str) -> list[str]:
    """Run the program, and return its lines; those of a killed one end with ``killed``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.dbos.program", url, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode == -9:
        return [*lines, "killed"]
    assert done.returncode == 0, done.stdout
    return lines


def effects(lines: list[str]) -> list[str]:
    """Return the lines that the steps and hooks print."""
    return [line for line in lines if line.startswith(("effect", "before", "after"))]


def test_a_run_is_resumed_where_its_process_died(url: str) -> None:
    """Its executor, started again, repeats the interrupted step only, under the same IDs."""
    died = program(url, "one", "start", "r1", DIES="1")
    assert died[-1] == "killed"
    assert effects(died) == [
        "before paid",
        "effect charge r1:paid",
        "after paid",
        "before parcel",
        "effect ship r1:parcel order-7",
    ]
    lines = program(url, "one", "start", "r1")
    assert effects(lines) == ["before parcel", "effect ship r1:parcel order-7", "after parcel"]
    assert "result {'paid': 'paid', 'parcel': 'shipped'}" in lines
    ours = [line for line in lines if line.startswith("headrace") and "|manual ok" not in line]
    assert all("|order-7|True|acme|" in line for line in ours), ours
    assert sum("run 'r1' resumed after 1 records" in line for line in ours) == 1
    assert any("orders.parcel ok" in line for line in ours)
    assert not any("orders.paid ok" in line for line in ours), "no span for a replayed step"


def test_the_lines_of_dbos_go_through_the_logging_of_the_application(url: str) -> None:
    """None goes anywhere else, none is an advertisement, and DBOS has no handler of its own."""
    lines = program(url, "one", "start", "r1")
    printed = [line for line in lines if "DBOS" in line]
    assert any(line.startswith("dbos|INFO|") for line in printed)
    assert all(line.startswith("dbos|") for line in printed), printed
    assert not any("console.dbos.dev" in line for line in lines)


def test_a_dead_executor_is_taken_over_and_a_living_one_is_not(url: str) -> None:
    """`recover` is refused while the lock is held, which dies with its process."""
    program(url, "one", "start", "r1", DIES="1")
    release = take_lock(url, "one")
    path = url.removeprefix("sqlite:///")
    held = subprocess.run(
        [sys.executable, "-c", f"from headrace_dbos._locks import *; take_lock({url!r}, 'one')"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ExecutorBusyError: a living process has the executor ID 'one'" in held.stderr
    release()
    assert os.path.exists(f"{path}.one.lock")
    lines = program(url, "two", "recover", "r1", "one")
    assert "recovered 1" in lines
    assert effects(lines) == ["before parcel", "effect ship r1:parcel order-7", "after parcel"]


def test_a_changed_chain_is_parked_and_resumed_with_the_old_code(url: str) -> None:
    """It is neither ended nor lost; handle, list and one line say why; the old code finishes it."""
    program(url, "one", "start", "r1", DIES="1")
    lines = program(url, "one", "start", "r1", CHANGED="1")
    assert effects(lines) == []
    error = next(line for line in lines if line.startswith("ChangedChainError"))
    assert "its chain has changed: + step check;" in error
    assert lines[-2:] == ["status parked", "unfinished [('r1', 'parked')]"]
    warned = [line for line in lines if "is parked" in line and line.startswith("headrace.chain|")]
    assert [line.split("|")[1:3] for line in warned] == [["WARNING", "order-7"]]
    lines = program(url, "one", "resume", "r1", CHANGED="1")
    assert "status parked" in lines, "still another chain"
    lines = program(url, "one", "resume", "r1")
    assert effects(lines) == ["before parcel", "effect ship r1:parcel order-7", "after parcel"]
    assert lines[-1] == "result {'paid': 'paid', 'parcel': 'shipped'}"


def test_a_changed_chain_is_forked_with_the_new_code(url: str) -> None:
    """The new run begins with the records before the step; the other one stays parked."""
    program(url, "one", "start", "r1", DIES="1")
    program(url, "one", "start", "r1", CHANGED="1")
    lines = program(url, "one", "fork", "r1", "paid", CHANGED="1")
    keys = [re.sub("[0-9a-f-]{20,}", "ID", line) for line in effects(lines)]
    assert keys == [
        "before paid",
        "effect charge ID:paid",
        "after paid",
        "before check",
        "after check",
        "before parcel",
        "effect ship ID:parcel order-7",
        "after parcel",
    ]
    assert lines[-1].startswith("result")


def test_an_executor_id_is_locked_in_this_process(url: str) -> None:
    """A second launch in another process is refused; `recover` refuses this executor."""
    headrace_dbos.durable(_chain())
    headrace_dbos.launch(url, executor_id="one")
    held = subprocess.run(
        [sys.executable, "-m", "tests.dbos.program", url, "one", "start", "r1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ExecutorBusyError" in held.stderr
    with pytest.raises(ValueError, match="'one' is this executor"):
        headrace_dbos.recover("one")
    headrace_dbos.shutdown()
    take_lock(url, "one")()


def _chain() -> Chain:
    return Chain("others").next(print)


def test_a_forked_child_is_told_to_launch_for_itself(url: str) -> None:
    """It has the objects of its parent, but none of the threads."""
    orders = headrace_dbos.durable(_chain())
    headrace_dbos.launch(url, executor_id="one")
    pid = os.fork()
    if pid == 0:
        try:
            orders.start()
        except RuntimeError as error:
            os._exit(0 if "launch it in each child" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_importing_the_package_does_not_import_dbos() -> None:
    """Nor does defining a chain: the import takes a second."""
    code = (
        "import sys, headrace_dbos; from headrace import Chain;"
        "headrace_dbos.durable(Chain('orders').next(print)); assert 'dbos' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
