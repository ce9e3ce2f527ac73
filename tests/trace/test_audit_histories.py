"""``headrace trace audit`` over random histories: every fault is named, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trace import log_kit
from tests.trace.histories import GRACE, History

SIZE = 5_000  # bytes; the logs are also audited in parts of this size
seeds = st.integers(min_value=0, max_value=2**32)


def audited(history: History) -> tuple[set[tuple[str, str]], int]:
    """Return the kind and the task of each case in the logs of a history, and the exit status."""
    with TemporaryDirectory() as folder:
        history.write(Path(folder))
        done = log_kit.audited("--json", "--grace", f"{GRACE}s", folder, size=SIZE)
    assert done.returncode in {0, 1}, done.stderr.decode()
    cases = [(case["kind"], case["task_id"]) for case in json.loads(done.stdout)["cases"]]
    assert len(cases) == len(set(cases))
    return set(cases), done.returncode


@pytest.mark.guarantee(280)
@settings(max_examples=6, deadline=None)
@given(seeds)
def test_every_fault_is_named_and_nothing_else(seed: int) -> None:
    """With all logs, in rotated and compressed files, the cases are those of the history."""
    history = History(seed)
    cases, status = audited(history)
    assert cases == history.cases
    assert status == (1 if cases else 0)


@pytest.mark.guarantee(281)
@settings(max_examples=12, deadline=None)
@given(seeds)
def test_missing_logs_make_no_case(seed: int) -> None:
    """Whichever beginnings and ends of logs are missing, no case is reported that is none."""
    history = History(seed)
    history.forget()
    cases, _ = audited(history)
    assert cases <= history.cases
