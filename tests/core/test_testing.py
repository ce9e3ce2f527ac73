"""The helpers that users test with: `capture`, `assert_clean`, `reset`."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import logging as flow_logging
from headrace._context import variables
from headrace.testing import CapturedStep, CapturedUnit, assert_clean, capture, reset
from tests.core.backends_kit import Recorder, events

if TYPE_CHECKING:
    from collections.abc import Iterator

shop = headrace.flow("testing")
other = headrace.flow("testing-mail")


@other.step
def mail() -> None:
    """Send a mail."""


@shop.step
def charge(fail: BaseException | None = None) -> None:
    """Charge the card."""
    if fail is not None:
        raise fail


@shop.entrypoint
def receive(fail: BaseException | None = None) -> str:
    """Receive an order: charge it and send a mail."""
    charge(fail)
    mail()
    return headrace.current_flow_id() or ""


@shop.step
def items() -> Iterator[int]:
    """Yield two items, with a step between."""
    yield 1
    charge()
    yield 2


@pytest.fixture(autouse=True)
def _initial_configuration() -> Iterator[None]:
    yield
    reset()


def names(steps: list[CapturedStep]) -> list[tuple[str, str | None]]:
    """Return the name and the parent of each step."""
    return [(step.name, step.parent) for step in steps]


# --- capture --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "backend", ["none", "logging", "auto", Recorder(), ["logging", Recorder()]]
)
def test_capture_sees_units_and_steps_whatever_the_backend(backend: Any) -> None:
    """Steps and units come as data, in the order in which they began."""
    headrace.configure(backend)
    with capture() as captured:
        correlation_id = receive()
    [unit] = captured.units
    assert isinstance(unit, CapturedUnit)
    assert (unit.kind, unit.name, unit.parent) == ("flow", "testing", None)
    assert (unit.outcome, unit.error) == ("ok", None)
    assert unit.correlation_id == correlation_id
    assert [
        (step.flow, *name) for step, name in zip(captured.steps, names(captured.steps), strict=True)
    ] == [
        ("testing", "receive", None),
        ("testing", "charge", "receive"),
        ("testing-mail", "mail", "testing.receive"),
    ]
    for step in captured.steps:
        assert (step.correlation_id, step.unit_id) == (correlation_id, unit.unit_id)
        assert (step.outcome, step.error) == ("ok", None)
        assert step.seconds is not None
        assert 0 <= step.seconds <= (unit.seconds or 0)


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (ValueError("no funds"), "error"),
        (asyncio.CancelledError(), "cancelled"),
        (KeyboardInterrupt(), "error"),
    ],
)
def test_capture_keeps_outcome_and_error(raised: BaseException, outcome: str) -> None:
    """A failed or cancelled step, its caller and its unit have the exception that they let out."""
    with pytest.raises(type(raised)), capture() as captured:
        receive(raised)
    assert names(captured.steps) == [("receive", None), ("charge", "receive")]
    for each in (*captured.steps, *captured.units):
        assert each.outcome == outcome
        assert each.error is raised


def test_the_configured_backend_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """While a capture is open the backend is told as before, and afterwards too."""
    recorder = Recorder()
    headrace.configure(recorder)
    receive()
    once = [*recorder.events]
    with capture():
        receive()
    receive()
    assert recorder.events == once * 3


def test_configure_inside_a_capture_keeps_the_capture() -> None:
    """A new configuration takes effect at once, and the capture goes on."""
    recorder = Recorder()
    with capture() as captured:
        headrace.configure(recorder)
        receive()
    assert len(captured.steps) == 3
    assert ("step begins", "charge") in recorder.events


def test_nothing_is_captured_outside_the_block() -> None:
    """What begins before the block and after it is not in it."""
    headrace.configure("none")
    receive()
    with capture() as captured:
        pass
    receive()
    assert (captured.units, captured.steps) == ([], [])


def test_what_began_before_is_not_captured_and_what_it_does_inside_is() -> None:
    """A unit that is open already is no unit of the capture; a step that it runs is a step."""
    headrace.configure("none")
    with headrace.open_context("order-17"), capture() as captured:
        charge()
    assert captured.units == []
    assert [(step.name, step.correlation_id) for step in captured.steps] == [("charge", "order-17")]


def test_what_outlives_the_block_gets_its_outcome_when_it_ends() -> None:
    """A step that runs beyond the block has no outcome at first, and one later."""
    headrace.configure("none")
    with headrace.open_context():
        with capture() as captured:
            running = items()
            next(running)
        [step] = captured.steps
        assert (step.name, step.outcome, step.seconds) == ("items", None, None)
        assert list(running) == [2]
        assert step.outcome == "ok"
        assert step.seconds is not None
        assert len(captured.steps) == 1  # what it ran after the block began after it


def test_captures_nest() -> None:
    """The inner one sees what begins inside of it, the outer one sees everything."""
    headrace.configure("none")
    with headrace.open_context(), capture() as outer:
        charge()
        with capture() as inner:
            mail()
        charge()
    assert [step.name for step in inner.steps] == ["mail"]
    assert [step.name for step in outer.steps] == ["charge", "mail", "charge"]


def test_captures_may_end_in_any_order() -> None:
    """One that is closed while a later one is open takes nothing from that."""
    headrace.configure("none")
    first, second = capture(), capture()
    early, late = first.__enter__(), second.__enter__()
    receive()
    first.__exit__(None, None, None)
    receive()
    second.__exit__(None, None, None)
    assert (len(early.steps), len(late.steps)) == (3, 6)


def test_capture_sees_all_threads_and_tasks() -> None:
    """Units of other threads and tasks are captured, each with its own steps and parents."""
    headrace.configure("none")

    async def order() -> None:
        await asyncio.sleep(0)
        receive()

    async def main() -> None:
        await asyncio.gather(*(order() for _ in range(10)))

    with capture() as captured:
        threads = [threading.Thread(target=receive) for _ in range(10)]
        for thread in threads:
            thread.start()
        asyncio.run(main())
        for thread in threads:
            thread.join()
    assert len(captured.units) == 20
    for unit in captured.units:
        steps = [step for step in captured.steps if step.unit_id == unit.unit_id]
        assert [step.parent for step in steps] == [None, "receive", "testing.receive"]
        assert {step.correlation_id for step in steps} == {unit.correlation_id}


def test_a_unit_inside_a_step_has_steps_and_a_cause_of_its_own() -> None:
    """A nested unit names the outer one as its parent; its first step has no parent step."""
    headrace.configure("none")

    @shop.step(name="nests")
    def nests() -> None:
        with headrace.open_context():
            charge()
        mail()

    with capture() as captured, headrace.open_context():
        nests()
    outer, inner = captured.units
    assert (outer.parent, inner.parent) == (None, outer.unit_id)
    assert names(captured.steps) == [("nests", None), ("charge", None), ("mail", "testing.nests")]
    assert [step.unit_id for step in captured.steps] == [
        outer.unit_id,
        inner.unit_id,
        outer.unit_id,
    ]


def test_a_generator_is_nobody_s_parent_between_its_items() -> None:
    """Steps of the consumer are not the generator's, and steps of the generator are."""
    headrace.configure("none")
    with headrace.open_context(), capture() as captured:
        for _ in items():
            mail()
    assert names(captured.steps) == [
        ("items", None),
        ("mail", None),
        ("charge", "items"),
        ("mail", None),
    ]
    assert captured.steps[0].outcome == "ok"


def test_a_generator_closed_early_is_ok() -> None:
    """Its consumer's leaving is no error."""
    headrace.configure("none")
    with headrace.open_context(), capture() as captured:
        running = items()
        next(running)
        running.close()
    assert (captured.steps[0].outcome, captured.steps[0].error) == ("ok", None)


def test_a_unit_that_ends_elsewhere_changes_nothing_there() -> None:
    """Ended in another context than it began in, a unit leaves that one's steps alone."""
    headrace.configure("none")
    unit = headrace.open_context()
    with capture() as captured:
        contextvars.copy_context().run(unit.__enter__)
        with headrace.open_context():

            @shop.step(name="ends-the-other")
            def ends_the_other() -> None:
                unit.__exit__(None, None, None)
                charge()

            ends_the_other()
    assert names(captured.steps) == [("ends-the-other", None), ("charge", "ends-the-other")]
    assert [each.outcome for each in captured.units] == ["ok", "ok"]


# --- assert_clean ---------------------------------------------------------------------------------


def test_assert_clean_passes_where_nothing_is_left() -> None:
    """After units, steps and deadlines have ended, nothing is said."""
    receive()
    with headrace.deadline(1.0):
        pass
    assert_clean()


@contextmanager
def _left_step() -> Iterator[None]:
    variables.step_var.set(headrace.StepInfo("charge", "testing"))
    yield


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        (
            lambda: headrace.open_context("order-17"),
            "unit of work <FlowContext.*order-17",
        ),
        (lambda: shop.open("order-17"), "the flow 'testing'"),
        (lambda: headrace.deadline(1.0), "a deadline"),
        (_left_step, "the step 'charge' of the flow 'testing'"),
    ],
)
def test_assert_clean_names_what_is_left(leave: Any, said: str) -> None:
    """A unit, a flow's step or a deadline that was never left is named in the error."""

    def check() -> None:
        kept = leave()
        kept.__enter__()
        with pytest.raises(AssertionError, match=said):
            assert_clean()

    contextvars.copy_context().run(check)
    assert_clean()


# --- reset ----------------------------------------------------------------------------------------


def test_reset_restores_the_configuration(caplog: pytest.LogCaptureFixture) -> None:
    """Backend, strictness, header and factory are as at import."""
    recorder = Recorder()
    headrace.configure(recorder, strict=True, header="X-Mine", id_factory=lambda: "mine")
    reset()
    caplog.set_level(logging.INFO, "headrace")
    charge()  # outside any unit: strict would refuse it
    carrier: dict[str, str] = {}
    with headrace.open_context() as context:
        headrace.inject(carrier)
        charge()
    assert "X-Correlation-ID" in carrier
    assert "X-Mine" not in carrier
    assert context.correlation_id != "mine"
    assert recorder.events == []
    assert events(caplog.records) == ["step.end", "unit.end"]


def test_reset_removes_what_was_left_behind() -> None:
    """Afterwards this thread or task is clean."""

    def leave_and_reset() -> None:
        kept = [shop.open(), headrace.deadline(1.0)]
        for each in kept:
            each.__enter__()
        assert headrace.current_flow_id() is not None
        reset()
        assert_clean()
        assert headrace.remaining() is None
        assert variables.step_var.get() is None

    contextvars.copy_context().run(leave_and_reset)


def test_reset_keeps_what_was_declared_and_installed() -> None:
    """Flows are declared once, at import, and stay; so does the log record factory."""
    before = logging.getLogRecordFactory()
    flow_logging.install()
    try:
        installed = logging.getLogRecordFactory()
        reset()
        assert headrace.get_flow("testing") is shop
        assert {*shop.graph().nodes} >= {"receive", "charge", "items"}
        assert logging.getLogRecordFactory() is installed
    finally:
        flow_logging.uninstall()
        logging.setLogRecordFactory(before)


def test_reset_keeps_open_captures() -> None:
    """A fixture that resets inside of a capture does not end it."""
    with capture() as captured:
        reset()
        receive()
    assert len(captured.steps) == 3
