"""The canonical line: one record at the end of each unit of work, with its fields."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

import headrace
from headrace.integration import add_facts
from headrace.logging import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    assert 0 <= first["duration_ms"] < 10_000
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
