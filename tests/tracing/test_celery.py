"""Celery beside OpenTelemetry's instrumentation of it: a run has one CONSUMER span."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tracing.cells import TASKS, printed
from tests.tracing.test_matrix import PARENT, TRACE

matrix = pytest.mark.parametrize(("setup", "backend"), [each[1:] for each in TASKS])
pytestmark = pytest.mark.guarantee(118)


def spans_of(setup: str, backend: str, name: str) -> list[Any]:
    spans: list[Any] = printed("celery", setup, backend)["seen"][name]
    return spans


def consumers_of(spans: list[Any]) -> list[Any]:
    return [span for span in spans if span["kind"] == "CONSUMER"]


@matrix
@pytest.mark.parametrize(("name", "runs"), [("run", 1), ("fail", 1), ("retry", 2)])
def test_a_run_has_one_consumer_span(setup: str, backend: str, name: str, runs: int) -> None:
    """One span per attempt, below the span that published it, all in one trace."""
    spans = spans_of(setup, backend, name)
    consumers = consumers_of(spans)
    by_id = {span["id"]: span for span in spans}
    assert len(consumers) == runs
    assert len({span["trace"] for span in spans}) == 1
    kind = "SERVER" if setup == "alone" else "PRODUCER"
    parents = [by_id[span["parent"]]["kind"] for span in consumers]
    assert sorted(parents) == sorted([kind, "CONSUMER" if setup == "alone" else "PRODUCER"][:runs])
    assert [span for span in spans if span["parent"] not in by_id] == [
        span for span in spans if span["kind"] == "SERVER"
    ]


@matrix
@pytest.mark.parametrize("name", ["run", "fail", "retry", "message", "fresh"])
def test_the_steps_are_below_the_consumer_span(setup: str, backend: str, name: str) -> None:
    """Each step is a child of its run's span, which has the correlation ID."""
    spans = spans_of(setup, backend, name)
    consumers = {span["id"]: span for span in consumers_of(spans)}
    steps = [span for span in spans if "headrace.step" in span["attributes"]]
    assert steps
    for step in steps:
        above = consumers[step["parent"]]["attributes"]
        assert above["headrace.correlation_id"] == step["attributes"]["headrace.correlation_id"]


@matrix
def test_a_message_from_elsewhere_is_continued(setup: str, backend: str) -> None:
    """The span that a message names is the parent of its run's; unsampled stays unsampled."""
    published = [s for s in spans_of(setup, backend, "message") if s["kind"] == "PRODUCER"]
    [consumer] = consumers_of(spans_of(setup, backend, "message"))
    # The publisher's instrumentation overwrites the header.
    assert consumer["parent"] == (published[0]["id"] if published else PARENT)
    assert published or consumer["trace"] == TRACE
    if setup == "alone":
        assert spans_of(setup, backend, "unsampled") == []


@matrix
def test_an_eager_run_is_in_its_callers_trace(setup: str, backend: str) -> None:
    """The run has the instrumentation's span or none; its steps are in the caller's trace."""
    spans = spans_of(setup, backend, "eager")
    assert len({span["trace"] for span in spans}) == 1
    assert [span["kind"] for span in spans if span["parent"] is None] == ["SERVER"]
    assert len(consumers_of(spans)) == int(setup != "alone")


@matrix
def test_nothing_is_left_and_nothing_complained(setup: str, backend: str) -> None:
    """No span or unit is current afterwards."""
    seen = printed("celery", setup, backend)
    assert seen["after"]
    assert [line for line in seen["logged"] if "headrace" in line or "etach" in line] == []
