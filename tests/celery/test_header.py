"""Headers that are not ours, broken, hostile or huge."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace
from headrace.integration.messages import MalformedEnvelopeError, parse_envelope
from tests.celery.conftest import looking, run_in_worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

GOOD = {"v": 1, "id": "0af7651916cd43dd8448eb211c80319c", "cause": "b7ad6b7169203331", "at": 5}
SECRET = "s3cr3t"
POISON: dict[str, Any] = {
    "null": None,
    "a number": 1,
    "a string": SECRET,
    "a list": [SECRET],
    "an empty mapping": {},
    "no version": {**GOOD, "v": None},
    "a version to come": {**GOOD, "v": 2},
    "a version that is true": {**GOOD, "v": True},
    "no ID": {**GOOD, "id": None},
    "an ID with a line break": {**GOOD, "id": f"{SECRET}\r\nX: 1"},
    "an ID of 16 KB": {**GOOD, "id": SECRET * 3000},
    "an ID that is a list": {**GOOD, "id": [SECRET]},
    "a cause that is a mapping": {**GOOD, "cause": {SECRET: 1}},
    "a cause with a line break": {**GOOD, "cause": f"{SECRET}\n"},
    "a flow that is a list": {**GOOD, "flow": [SECRET]},
    "a step of 16 KB": {**GOOD, "step": SECRET * 3000},
    "a time that is text": {**GOOD, "at": SECRET},
    "a time that is a float": {**GOOD, "at": 1.5},
    "a time beyond all clocks": {**GOOD, "at": 10**400},
    "a negative time": {**GOOD, "at": -1},
    "a deadline that is true": {**GOOD, "deadline": True},
    "a deadline beyond all clocks": {**GOOD, "deadline": 10**400},
    "metadata that is a list": {**GOOD, "meta": [SECRET]},
    "metadata of 100 KB": {**GOOD, "meta": {"x": SECRET * 20_000}},
    "metadata that nests deeply": {**GOOD, "meta": json.loads('{"a":' * 50 + "1" + "}" * 50)},
}


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what our own logger has said."""
    return [record for record in caplog.records if record.name == "headrace"]


@pytest.mark.guarantee(20)
@pytest.mark.parametrize("poison", POISON)
def test_poisoned_header_never_fails_a_task(
    app: Celery, caplog: pytest.LogCaptureFixture, poison: str
) -> None:
    """The task runs in a fresh unit, and one warning is logged, without the header's value."""
    task, seen = looking(app)
    task.apply_async(headers={"headrace": POISON[poison]})
    run_in_worker(app)
    (context,) = seen
    assert context.correlation_id != GOOD["id"]
    assert context.causation_id is None
    (record,) = lines(caplog)
    assert record.levelname == "WARNING"
    assert SECRET not in record.getMessage()
    assert len(record.getMessage()) < 300


def test_keys_to_come_are_ignored() -> None:
    """A header with keys that this version does not know is read all the same."""
    envelope = parse_envelope({**GOOD, "later": [1, 2]})
    assert (envelope.correlation_id, envelope.causation_id) == (GOOD["id"], GOOD["cause"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
parts = {
    "v": st.just(1) | json_values,
    "id": st.just(GOOD["id"]) | json_values,
    **dict.fromkeys(["cause", "flow", "step", "at", "deadline", "meta"], json_values),
}


@given(json_values | st.fixed_dictionaries({}, optional=parts))
def test_any_json_is_read_or_refused(raw: Any) -> None:
    """Whatever JSON the header is, it is read, or refused with one kind of error."""
    try:
        envelope = parse_envelope(raw)
    except MalformedEnvelopeError:
        return
    assert envelope.correlation_id == raw["id"]
    assert 1 <= len(envelope.correlation_id) <= 256


LINE_BREAKS = {
    "line feed": "\n",
    "carriage return": "\r",
    "escape": "\x1b[2J",
    "null": "\0",
    "C1 control": "\x9b",
    "line separator": "\u2028",
    "right-to-left override": "\u202e",
}
FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "ID": lambda text: {"id": f"a{text}b"},
    "cause": lambda text: {"cause": f"a{text}b"},
    "flow": lambda text: {"flow": f"a{text}b"},
    "step": lambda text: {"flow": "a", "step": f"a{text}b"},
    "metadata": lambda text: {"meta": {"tenant": f"a{text}b"}},
    "nested metadata": lambda text: {"meta": {"tenant": [{"x": f"a{text}b"}]}},
    "key of metadata": lambda text: {"meta": {"tenant": {f"a{text}b": 1}}},
}


@pytest.mark.guarantee(75)
@pytest.mark.parametrize("character", LINE_BREAKS)
@pytest.mark.parametrize("field", FIELDS)
def test_line_break_in_a_field_is_never_taken_over(
    app: Celery, caplog: pytest.LogCaptureFixture, field: str, character: str
) -> None:
    """A header with a line break or an escape anywhere is ignored, with one line."""
    headrace.configure(propagate_metadata=["tenant"])
    task, seen = looking(app)
    task.apply_async(headers={"headrace": GOOD | FIELDS[field](LINE_BREAKS[character])})
    run_in_worker(app)
    assert seen[0].correlation_id != GOOD["id"]
    assert seen[0].metadata.keys().isdisjoint({"tenant", "celery.from_flow", "celery.from_step"})
    assert len(lines(caplog)) == 1


@pytest.mark.guarantee(75)
def test_line_break_is_not_sent(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """The publisher leaves out values that receivers reject, and the message keeps its ID."""
    headrace.configure(propagate_metadata=["note", "tenant"])
    task, seen = looking(app)
    with (
        headrace.open_context("an-id", metadata={"note": "a\nb", "tenant": "acme"}),
        headrace.flow("two\nlines").open(),
    ):
        task.delay()
    (record,) = lines(caplog)
    assert "'note'" in record.getMessage()
    run_in_worker(app)
    assert seen[0].correlation_id == "an-id"
    assert seen[0].get_value("tenant") == "acme"
    assert seen[0].get_value("celery.from_flow") is None


OVERLONG: dict[str, dict[str, Any]] = {
    "keys": {f"key{number}": 1 for number in range(100)},
    "a million items": {"meta": {"tenant": [1] * 1_000_000}},
    "a long key": {"meta": {"tenant": {"x" * 10_000: 1}}},
    "nine levels": {"meta": {"tenant": json.loads("[" * 9 + "]" * 9)}},
    "900 levels": {"meta": {"tenant": json.loads("[" * 900 + "]" * 900)}},
}


@pytest.mark.guarantee(75)
@pytest.mark.parametrize("what", OVERLONG)
def test_overlong_header_is_ignored(what: str) -> None:
    """A header that is too long or too deep is refused before much work is done."""
    headrace.configure(propagate_metadata=["tenant"])
    with pytest.raises(MalformedEnvelopeError):
        parse_envelope(GOOD | OVERLONG[what])


@pytest.mark.guarantee(75)
def test_values_that_share_a_part_are_counted_each_time() -> None:
    """A few lists that contain each other many times do not cause endless work."""
    value: Any = "x"
    for _ in range(7):
        value = [value] * 50
    with pytest.raises(MalformedEnvelopeError):
        parse_envelope({**GOOD, "meta": {"tenant": value}})


@pytest.mark.guarantee(75)
def test_metadata_that_is_not_accepted_here_is_dropped(
    app: Celery, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run has the metadata that its process names; the first drop is logged without the value."""
    monkeypatch.setattr("headrace._propagation.envelope._reported", set())
    headrace.configure(propagate_metadata=["tenant"])
    task, seen = looking(app)
    header = {**GOOD, "meta": {"tenant": "acme", "is_admin": SECRET, "celery.queue_ms": -1}}
    for _ in range(2):
        task.apply_async(headers={"headrace": header})
    run_in_worker(app)
    for context in seen:
        assert context.correlation_id == GOOD["id"]
        assert context.get_value("tenant") == "acme"
        assert context.get_value("is_admin") is None
        assert context.get_value("celery.queue_ms") > 0
    (record,) = lines(caplog)
    assert "is_admin" in record.getMessage()
    assert SECRET not in record.getMessage()


@pytest.mark.guarantee(75)
def test_line_about_a_header_is_one_line(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """A task ID from outside breaks no line of ours."""
    task, _ = looking(app)
    task.apply_async(task_id="a\nb", headers={"headrace": None})
    run_in_worker(app)
    (record,) = lines(caplog)
    assert "\n" not in record.getMessage()
