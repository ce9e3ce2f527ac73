"""Other SDKs' integrations of Celery beside ours, set up before and after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

MODULES = {"sentry": "sentry_sdk", "otel": "opentelemetry.instrumentation.celery"}
ROOT = Path(__file__).parents[2]
both = pytest.mark.parametrize("order", ["before", "after"])
each = pytest.mark.parametrize("sdk", ["sentry", "otel"])


@cache
def seen_with(sdk: str, order: str) -> Any:
    """Return what the runs saw with `sdk` set up before or after `init_app`."""
    pytest.importorskip(
        {"sentry": "sentry_sdk", "otel": "opentelemetry.instrumentation.celery"}[sdk]
    )
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "tests.celery.side_by_side", sdk, order],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": paths},
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@each
@both
def test_each_run_has_its_publishers_id(sdk: str, order: str) -> None:
    """Runs, eager runs inside them and retries have their publishers' IDs; nothing is left."""
    seen = seen_with(sdk, order)
    attempts = {"retry": 4}
    expected = [
        [name, correlation_id]
        for name, correlation_id in seen["publishers"]
        for _ in range(2 * attempts.get(name, 1))
    ]
    assert [[run[0], run[2]] for run in seen["runs"]] == expected
    assert {tuple(between) for between in seen["between"]} == {(None, False)}


@each
@both
def test_users_headers_are_kept(sdk: str, order: str) -> None:
    """Each message has the user's own header beside ours, once."""
    seen = seen_with(sdk, order)
    assert {headers["mine"] for headers in seen["sent"]} == {"kept"}
    for headers in seen["sent"]:
        assert json.dumps(headers).count('"headrace"') == 1


@each
@both
def test_retries_do_not_grow(sdk: str, order: str) -> None:
    """Our part of the message is as large at the last retry as at the first."""
    sent = [headers for headers in seen_with(sdk, order)["sent"] if headers["retries"]]
    assert [headers["retries"] for headers in sent] == [1, 2, 3]
    assert len({len(json.dumps(headers["headrace"])) for headers in sent}) == 1


@both
def test_sentry_still_works(order: str) -> None:
    """Sentry has a transaction for each run and an event for the failure."""
    seen = seen_with("sentry", order)
    assert seen["event"] == ["side.run"]
    assert seen["transaction"].count("side.run") == 7


@both
def test_opentelemetry_still_works(order: str) -> None:
    """Each run's span of the instrumentation is in the trace of the span that published it."""
    seen = seen_with("otel", order)
    published = [trace for name, trace in seen["spans"] if name == "apply_async/side.run"]
    runs = [trace for name, trace in seen["spans"] if name == "run/side.run"]
    assert len(runs) == 7
    assert set(runs) == set(published)
    assert [line for line in seen["logged"] if "etach" in line] == []


@both
def test_runs_are_in_the_trace_of_their_operation(order: str) -> None:
    """A publisher's correlation ID is the trace ID of its spans, and so of those of its runs."""
    seen = seen_with("otel", order)
    traces = {trace for name, trace in seen["spans"] if name == "run/side.run"}
    assert traces == {correlation_id for _, correlation_id in seen["publishers"]}
