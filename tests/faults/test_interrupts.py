"""A signal at any place leaves nothing current that was not current before."""

from __future__ import annotations

import contextlib
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import FlowContext, open_context
from headrace._context.variables import budget_var, step_var, unit_var
from headrace._process import locks
from headrace._process.locks import SignalSafeLock, new_lock
from headrace.integration import Unit, as_current, transport_context
from tests.core.flow_kit import run_python
from tests.faults.interrupts import Interrupt, interrupt
from tests.faults.unit_scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
# For coroutines that were created, and interrupted before they were awaited.
IGNORED = (
    "ignore:.*was never awaited",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


def current() -> tuple[Any, Any, Any]:
    """Return the current unit, step and deadline."""
    return unit_var.get(), step_var.get(), headrace.remaining() is None


class Watching:
    """A backend that implements every method."""

    def span(self, step: Any, context: Any) -> Any:
        return as_current(context)

    def unit(self, context: Any) -> Any:
        return as_current(context)


def violations(scenario: Callable[[], object], passes_through: bool) -> Iterator[str]:
    """Interrupt `scenario` at each of its places, and yield those that leave something current.

    Args:
        scenario: the function to run inside a unit.
        passes_through: whether the interrupt leaves that unit too, and is not caught inside.
    """
    for target in range(1, 5000):
        before = current()
        place = ""
        with contextlib.suppress(Interrupt), Unit(transport_context("manual")):
            place = interrupt(scenario, target)
            if passes_through and place:
                raise Interrupt
        if current() != before:
            yield f"{place}: {current()} instead of {before}"
            unit_var.set(before[0])
            step_var.set(before[1])
            budget_var.set(None)
        if not place:
            return
    pytest.fail("the scenario has no end")


@pytest.mark.guarantee(97)
@pytest.mark.filterwarnings(*IGNORED)
@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
@pytest.mark.parametrize("backend", ["none", "watching"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_interrupt_at_any_place_leaves_nothing_behind(name: str, backend: str) -> None:
    """Whatever was interrupted, the enclosing unit restores the previous state."""
    headrace.configure(Watching() if backend == "watching" else "none")
    scenario = SCENARIOS[name]
    scenario()  # warm the caches
    # A context entered directly, without a `Unit` object, cannot be detected as forgotten.
    passes_through = name == "fork"
    try:
        left = [*violations(scenario, passes_through)]
        with open_context():
            left += violations(scenario, passes_through)
    finally:
        headrace.configure()
    assert "\n".join(left) == ""


def is_free(lock: Any) -> bool:
    """Tell whether another thread can have `lock`."""
    with ThreadPoolExecutor(1) as pool:
        free: bool = pool.submit(lock.acquire, blocking=False).result()
        if free:
            pool.submit(lock.release).result()
    return free


class LockWithSignal(SignalSafeLock):
    """A lock whose `__enter__` is interrupted right after the lock was acquired."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> Any:
        """Acquire, and return something whose record raises."""
        super().acquire(blocking, timeout)
        raise KeyboardInterrupt


def test_lock_is_free_after_a_block_and_after_an_interrupt() -> None:
    """`with` releases it; an interrupted `acquire` passes the interrupt on."""
    lock = SignalSafeLock()
    with lock as entered:
        assert entered
        assert not is_free(lock)
    assert is_free(lock)
    with pytest.raises(KeyboardInterrupt), LockWithSignal():
        pass


@pytest.mark.guarantee(97)
@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
@pytest.mark.parametrize("make", [new_lock, SignalSafeLock])
def test_interrupt_at_any_place_leaves_no_lock_locked(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other threads can have it, also where the signal came just after it was acquired."""
    monkeypatch.setattr(locks, "_once_lock", make())
    for target in range(1, 5000):
        place = interrupt(lambda: FlowContext("order-1").unit_id, target)
        assert is_free(locks._once_lock), place
        if not place:
            return
    pytest.fail("the scenario has no end")


@pytest.mark.guarantee(97)
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
@pytest.mark.parametrize("name", ["open_context", "nested", "new entrypoint", "pieces", "chain"])
def test_interrupts_by_real_signals_leave_nothing_behind(name: str) -> None:
    """After each of 600 signals at random times, the enclosing unit has restored the state."""
    assert run_python("-m", "tests.faults.signals", name, "600", cwd=ROOT).split() == ["0"]
