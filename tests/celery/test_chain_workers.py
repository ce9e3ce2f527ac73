"""Chains in real prefork workers that are limited, aborted, revoked, shut down and killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("HEADRACE_CELERY_FULL") == "1"
BROKERS = [
    "redis",
    pytest.param(
        "rabbitmq", marks=pytest.mark.skipif(not FULL, reason="belongs to `nox -s celery_full`")
    ),
]
FINISHED = ["reserve", "charge slow", "charged", "ship"]


@cache
def run(broker: str, results: str) -> dict[str, Any]:
    """Run all orders over a broker, in processes of their own, and return the facts about each."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.celery.chains.run", broker, results],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    orders: dict[str, Any] = json.loads(done.stdout)
    return orders


@pytest.fixture(params=BROKERS)
def orders(request: pytest.FixtureRequest, redis_url: str) -> dict[str, Any]:
    """The facts about each order; the results are in Redis with either broker."""
    if request.param == "redis":
        return run(redis_url, redis_url)
    return run(request.getfixturevalue("rabbitmq_url"), redis_url)


def test_every_step_and_undo_has_the_publishers_id(orders: dict[str, Any]) -> None:
    """Whatever happens to the process, and in a run after its death."""
    assert len(orders) == 15
    for order, facts in orders.items():
        assert facts["ids"] == [facts["published"]], order


@pytest.mark.parametrize("order", ["fulfil", "awaited", "branches"])
def test_a_chain_runs_to_its_end(orders: dict[str, Any], order: str) -> None:
    """A `Chain`, an `AsyncChain` and branches: result, report and progress."""
    facts = orders[order]
    assert facts["state"] == "SUCCESS"
    report = facts["result"]["report"]
    assert [entry["outcome"] for entry in report] == ["ok"] * 3
    middle = report[1]["name"]
    assert [middle, 2, 3] in facts["progress"]
    if order != "branches":
        assert facts["result"]["parcel"] == {"order": order, "parcels": 2}
        assert [entry["name"] for entry in report] == ["reserve", "charge", "parcel"]


@pytest.mark.guarantee(132)
@pytest.mark.parametrize("order", ["soft limit", "soft limit, async"])
def test_the_undos_follow_the_soft_limit(orders: dict[str, Any], order: str) -> None:
    """Once, without a retry, with the rest of the hard limit as their deadline."""
    facts = orders[order]
    assert facts["events"] == ["reserve", "charge stuck", "release"]
    assert (facts["state"], facts["result"]) == ("FAILURE", "SoftTimeLimitExceeded")
    assert facts["left"][:2] == [None, None]
    assert 5 < facts["left"][2] <= 7.1
    if order == "soft limit":
        line = "step 'charge': the outcome of its last attempt is unknown: interrupted by Soft"
        assert any(line in each for each in facts["lines"])


@pytest.mark.guarantee(132)
def test_undos_wait_for_a_thread_for_half_of_what_is_left(orders: dict[str, Any]) -> None:
    """A sync step of an `AsyncChain` cannot be interrupted, but must not keep the undos waiting."""
    facts = orders["soft limit, thread"]
    assert facts["events"][:3] == ["reserve", "charge stuck", "release"]
    assert 1.5 < facts["left"][2] < 4


def test_the_hard_limit_ends_an_undo_too(orders: dict[str, Any]) -> None:
    """Celery ends the process; what is still undone in its last instants varies."""
    facts = orders["hard limit"]
    assert facts["events"][:3] == ["reserve", "charge stuck", "refund"]
    assert (facts["state"], facts["result"]) == ("FAILURE", "TimeLimitExceeded")
    assert 0.5 < facts["left"][2] <= 2.1


@pytest.mark.guarantee(133)
@pytest.mark.parametrize("order", ["aborted fulfil", "aborted awaited", "aborted branches"])
def test_abort_ends_a_chain_before_its_next_step(orders: dict[str, Any], order: str) -> None:
    """The step in progress ends, nothing follows but the undos, and `get` raises."""
    facts = orders[order]
    assert (facts["state"], facts["result"]) == ("REVOKED", "TaskRevokedError")
    assert "ship" not in facts["events"]
    assert facts["events"][-2:] == ["refund", "release"]


def test_revoke_kills_the_run(orders: dict[str, Any]) -> None:
    """SIGTERM leaves the undos to run; SIGKILL leaves nothing."""
    assert orders["SIGTERM"]["events"] == ["reserve", "charge stuck", "release"]
    assert orders["SIGKILL"]["events"] == ["reserve", "charge stuck"]
    assert {orders[name]["state"] for name in ("SIGTERM", "SIGKILL")} == {"REVOKED"}


def test_a_warm_shutdown_lets_the_run_end(orders: dict[str, Any]) -> None:
    """The worker takes no further messages, and waits."""
    assert orders["warm shutdown"]["events"] == FINISHED
    assert orders["warm shutdown"]["state"] == "SUCCESS"


@pytest.mark.guarantee(134)
@pytest.mark.parametrize(
    ("order", "charge"), [("child killed", "kill once"), ("worker killed", "stuck once")]
)
def test_a_killed_chain_starts_again_from_its_first_step(
    orders: dict[str, Any], order: str, charge: str
) -> None:
    """With `acks_late`, in another process, under the same ID: finished steps are repeated."""
    facts = orders[order]
    again = ["reserve", f"charge {charge}"]
    assert facts["events"] == [*again, *again, "charged", "ship"]
    assert facts["state"] == "SUCCESS"
