"""The canonical line: one record at the end of each unit of work, with its fields."""

from __future__ import annotations

import json
import logging
import re
from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace import Chain
from headrace.integration import Publication, add_facts
from headrace.logging import FlowFilter, JsonFormatter, install, uninstall
from headrace.testing import no_waiting
from tests.core.backends_kit import Recorder, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

shop = headrace.flow("unit_lines")


@shop.entrypoint
def receive(fail: BaseException | None = None) -> None:
    """Receive an order."""
    charge(fail)


@shop.step(after=receive)
def charge(fail: BaseException | None = None) -> None:
    """Charge the card."""
    if fail is not None:
        raise fail


@pytest.fixture(autouse=True)
def _initial_configuration(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO, "headrace")
    headrace.configure()
    yield
    headrace.configure()


def units(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the attributes of the records of units."""
    found = [vars(each) for each in caplog.records]
    return [each for each in found if each.get("event") in {"unit.start", "unit.end"}]


@pytest.mark.guarantee(170)
def test_a_unit_ends_with_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """At INFO, to the logger `headrace`, with every field and a message for people."""
    with headrace.open_context("order-17") as outer, headrace.open_context() as inner:
        charge()
    first, second = units(caplog)
    assert first["name"] == "headrace"
    assert first["levelno"] == logging.INFO
    assert first["event"] == "unit.end"
    assert (first["kind"], first["unit_name"]) == ("manual", None)
    assert (first["outcome"], first["error"]) == ("ok", None)
    assert 0 <= first["duration_ms"] < 100_000
    assert first["correlation_id"] == "order-17"
    assert (first["unit_id"], first["causation_id"]) == (inner.unit_id, outer.unit_id)
    assert (first["steps"], second["steps"]) == (1, 0)
    assert re.fullmatch(r"manual ok in \d+\.\d ms", first["message"])


def test_a_failed_unit_says_why(caplog: pytest.LogCaptureFixture) -> None:
    """Its outcome is `error`, its error is the exception, and its level is still INFO."""
    with pytest.raises(ValueError, match="no funds"):
        receive(ValueError("no funds\n"))
    (line,) = units(caplog)
    assert (line["kind"], line["unit_name"], line["steps"]) == ("flow", "unit_lines", 2)
    assert (line["outcome"], line["error"]) == ("error", r"ValueError: no funds\n")
    assert line["levelno"] == logging.INFO
    assert re.fullmatch(r"flow unit_lines error after \d+\.\d ms", line["message"])


def test_the_json_formatter_names_the_unit(caplog: pytest.LogCaptureFixture) -> None:
    """A record's own `name` is the logger's; in JSON, `name` is the unit's."""
    receive()
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert (line["logger"], line["event"]) == ("headrace", "unit.end")
    assert (line["kind"], line["name"], line["steps"]) == ("flow", "unit_lines", 2)
    assert "unit_name" not in line


def test_a_task_starts_with_a_line_at_info(caplog: pytest.LogCaptureFixture) -> None:
    """A killed worker writes no end; other units log their start at DEBUG."""
    context = headrace.FlowContext("order-17", kind="task", name="pack")
    add_facts(context, task_id="t-1", queue="celery", queue_ms=301.4, retries=1, redelivered=False)
    with context:
        pass
    start, end = units(caplog)
    assert (start["event"], start["levelno"]) == ("unit.start", logging.INFO)
    assert start["message"] == "pack started (queued 301 ms)"
    wanted = {
        "task_id": "t-1",
        "queue": "celery",
        "queue_ms": 301.4,
        "retries": 1,
        "redelivered": False,
    }
    assert wanted.items() <= start.items()
    assert wanted.items() <= end.items()
    assert re.fullmatch(r"pack ok in \d+\.\d ms \(queued 301 ms\)", end["message"])
    caplog.set_level(logging.DEBUG, "headrace")
    with headrace.open_context():
        pass
    assert (units(caplog)[-2]["event"], units(caplog)[-2]["levelno"]) == ("unit.start", 10)


def test_a_durable_run_starts_with_a_line_at_info(caplog: pytest.LogCaptureFixture) -> None:
    """As with a task, a killed process writes no end; the lines of a run share its ID."""
    context = headrace.FlowContext("order-17", kind="flow", name="fulfilment")
    add_facts(context, run_id="A-17", resumed=True)
    with context:
        pass
    start, end = units(caplog)
    assert (start["event"], start["levelno"]) == ("unit.start", logging.INFO)
    for each in (start, end):
        assert {"run_id": "A-17", "resumed": True}.items() <= each.items()


@pytest.mark.guarantee(170)
@pytest.mark.parametrize(
    "backend", ["auto", "logging", "otel", Recorder(), ["none", Recorder()], ["auto", "otel"]]
)
def test_the_line_is_written_whatever_the_backend(
    backend: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Each unit has one line, which counts its steps even if no backend logs them."""
    headrace.configure(backend)
    receive()
    (line,) = units(caplog)
    assert (line["event"], line["steps"]) == ("unit.end", 2)


@pytest.mark.parametrize("backend", ["none", ["none"]])
def test_none_writes_no_line(backend: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Neither of a unit nor of a message."""
    headrace.configure(backend)
    receive()
    with Publication("pack", "t-1"):
        pass
    assert caplog.records == []


def test_the_line_carries_the_fields_of_the_logging(caplog: pytest.LogCaptureFixture) -> None:
    """Metadata that `fields=` names, although the unit has ended when the line is formatted."""
    install(fields=["tenant"])
    try:
        with headrace.open_context(metadata={"tenant": "acme"}):
            pass
        FlowFilter().filter(caplog.records[0])
        assert units(caplog)[0]["tenant"] == "acme"
    finally:
        uninstall()


# --- Kinds of units -------------------------------------------------------------------------------


def test_a_chain_shows_its_steps(caplog: pytest.LogCaptureFixture) -> None:
    """With outcome and attempts, on the unit that the run opens or that it runs in."""
    attempts = []

    def pay() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionError

    chain = (
        Chain("unit_lines_chain")
        .next(pay, retries=1)
        .next(charge, name="skipped", when=lambda _: False)
        .next(charge, args=[headrace.literal(ValueError("no funds"))])
    )
    wanted = [
        {"step": "pay", "outcome": "ok", "attempts": 2},
        {"step": "skipped", "outcome": "skipped", "attempts": 0},
        {"step": "charge", "outcome": "error", "attempts": 1},
    ]
    with no_waiting(), pytest.raises(headrace.StepFailedError):
        chain.run()
    assert (units(caplog)[0]["kind"], units(caplog)[0]["unit_name"]) == ("flow", "unit_lines_chain")
    assert units(caplog)[0]["chain"] == wanted
    attempts.clear()
    with no_waiting(), headrace.open_context(), pytest.raises(headrace.StepFailedError):
        chain.run()
    assert units(caplog)[1]["chain"] == wanted
    assert "chain" not in run_alone(caplog)


def run_alone(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Return the line of a unit without a chain."""
    caplog.clear()
    receive()
    return units(caplog)[0]


def test_the_steps_of_many_chains_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """A unit that runs chains without end has a line of bounded size."""
    chain = Chain().next(lambda: None, name="a").next(lambda: None, name="b")
    with headrace.open_context():
        for _ in range(200):
            chain.run()
    assert len(units(caplog)[0]["chain"]) == 100
    assert units(caplog)[0]["steps"] == 400


def test_a_generator_has_its_line_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    """An entrypoint that yields is a unit up to its last piece."""

    @shop.entrypoint
    def items() -> Iterator[int]:
        yield 1

    pieces = items()
    next(pieces)
    assert units(caplog) == []
    assert list(pieces) == []
    (line,) = units(caplog)
    assert (line["kind"], line["outcome"], line["steps"]) == ("flow", "ok", 1)


# --- Levels ---------------------------------------------------------------------------------------


def test_levels_are_set_by_outcome(caplog: pytest.LogCaptureFixture) -> None:
    """A level that is above that of the logger is written although INFO is off."""
    headrace.configure(levels={"error": "ERROR", "cancelled": 30})
    caplog.set_level(logging.WARNING, "headrace")
    with headrace.open_context():
        pass
    with pytest.raises(ValueError, match="no funds"):
        receive(ValueError("no funds"))
    with pytest.raises(CancelledError), headrace.open_context():
        raise CancelledError
    lines = [(line["outcome"], line["levelname"]) for line in units(caplog)]
    assert lines == [("error", "ERROR"), ("cancelled", "WARNING")]
    assert events(caplog.records) == ["unit.end", "unit.end"]


@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        ({"eror": "ERROR"}, ValueError, "did you mean 'error'"),
        ({"error": "ERRO"}, ValueError, "did you mean 'ERROR'"),
        ({"error": None}, TypeError, "a level must be a name such as 'ERROR'"),
        (["error"], TypeError, "levels must be a mapping"),
    ],
)
def test_invalid_levels_are_refused(levels: Any, error: type[Exception], message: str) -> None:
    """Immediately, and with what would be right."""
    with pytest.raises(error, match=message):
        headrace.configure(levels=levels)


# --- What must not happen -------------------------------------------------------------------------


class UnspeakableError(Exception):
    """Its text raises."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def _fail(_: object) -> bool:
    raise ArithmeticError


@pytest.mark.guarantee(171)
@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_a_line_that_fails_breaks_nothing(level: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a unit or of a message: it is reported on stderr, and everything runs."""
    logger = logging.getLogger("headrace")
    logger.setLevel(level)
    logger.addFilter(_fail)
    recorder = Recorder()
    headrace.configure(recorder)
    try:
        with headrace.open_context(), Publication("pack", "t-1"):
            pass
        with pytest.raises(LookupError), Publication("pack", "t-1"):
            raise LookupError
    finally:
        logger.removeFilter(_fail)
    assert recorder.events == [("unit begins", "manual"), ("unit ends", "manual")]
    assert "headrace: logging raised ArithmeticError; a line was lost" in capfd.readouterr().err


def test_a_hostile_exception_costs_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """The line has the name of its type."""
    with pytest.raises(UnspeakableError), headrace.open_context():
        raise UnspeakableError
    assert units(caplog)[0]["error"] == "UnspeakableError"


@pytest.mark.guarantee(171)
@pytest.mark.parametrize("run", [receive, lambda: headrace.open_context().__enter__()])
def test_a_silent_unit_does_nothing(
    run: Callable[[], object], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Above the logger's level no clock is read, no record is made, and no step is counted."""

    def refuse(*_args: object) -> Any:
        raise AssertionError("this must not be called")

    caplog.set_level(logging.WARNING, "headrace")
    monkeypatch.setattr("headrace._process.clock.perf_counter", refuse)
    monkeypatch.setattr(logging.getLogger("headrace"), "makeRecord", refuse)
    monkeypatch.setattr("headrace._observation.unit_lines.count", refuse)
    with headrace.open_context():
        run()


# --- Messages -------------------------------------------------------------------------------------


@pytest.mark.guarantee(172)
def test_a_message_is_logged_before_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    """With its task, ID, queue and time, and the unit that publishes it."""
    message = Publication("pack", "t-1", queue="celery", eta="2026-11-21T14:03:07+00:00")
    with headrace.open_context("order-17") as context, message:
        (line,) = [vars(each) for each in caplog.records]
    assert (line["event"], line["levelno"]) == ("task.published", logging.INFO)
    assert line["message"] == "pack published to celery, due 2026-11-21T14:03:07+00:00"
    assert (line["task"], line["task_id"], line["queue"]) == ("pack", "t-1", "celery")
    assert line["eta"] == "2026-11-21T14:03:07+00:00"
    assert (line["correlation_id"], line["unit_id"]) == ("order-17", context.unit_id)


@pytest.mark.guarantee(172)
def test_a_message_that_could_not_be_sent_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the error, at the level of errors; outside any unit there is no ID."""
    headrace.configure(levels={"error": "ERROR"})
    with pytest.raises(OSError, match="refused"), Publication("pack", "t-1"):
        raise OSError("refused")
    sent, failed = (vars(each) for each in caplog.records)
    assert sent["message"] == "pack published"
    assert (failed["event"], failed["levelname"]) == ("task.publish_failed", "ERROR")
    assert failed["message"] == "publishing pack failed: OSError: refused"
    assert (failed["task_id"], failed["error"]) == ("t-1", "OSError: refused")
    assert "correlation_id" not in failed
