"""Headers that are not ours, broken, hostile or huge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace_celery._envelope import MalformedHeaderError, parse
from tests.celery.conftest import looking, run_in_worker

if TYPE_CHECKING:
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
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.name == "headrace.celery"
    assert SECRET not in record.getMessage()
    assert len(record.getMessage()) < 300


def test_keys_to_come_are_ignored() -> None:
    """A header with keys that this version does not know is read all the same."""
    envelope = parse({**GOOD, "later": [1, 2]})
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


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(json_values | st.fixed_dictionaries({}, optional=parts))
def test_any_json_is_read_or_refused(raw: Any) -> None:
    """Whatever JSON the header is, it is read, or refused with one kind of error."""
    try:
        envelope = parse(raw)
    except MalformedHeaderError:
        return
    assert envelope.correlation_id == raw["id"]
    assert 1 <= len(envelope.correlation_id) <= 256
