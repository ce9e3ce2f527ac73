"""The rows of the matrix: each way to publish and run a task, and what its runs must see."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from celery import chain, chord, group

import headrace

if TYPE_CHECKING:
    from types import ModuleType

PUBLISHER = "the publisher"
Causes = Mapping[str, "str | tuple[str, ...]"]


@dataclass(frozen=True)
class Row:
    """One way to publish and run a task.

    Attributes:
        name: what the table says, and the tasks' first argument.
        cause: in words, which unit is the cause of the run.
        publish: does it, in the driver, inside a unit of work.
        causes: the label of each note that is expected, with the label of its cause; or several,
            one of which it must be.
        same_unit: labels of notes that are made in the unit of another one.
        log: what a line of the worker's log says that must carry the ID.
        telling: whether the row is tried on every pool.
        slow: whether it takes its time.
        reason: why the ID that is seen is not the publisher's; empty where it is.
    """

    name: str
    cause: str
    publish: Callable[[ModuleType, str], object]
    causes: Causes
    same_unit: Mapping[str, str] = field(default_factory=dict)
    log: str = ""
    telling: bool = False
    slow: bool = False
    reason: str = ""


def eagerly(t: ModuleType, row: str) -> None:
    """Publish with task_always_eager."""
    t.app.conf.task_always_eager = True
    try:
        t.run.delay(row, "run")
    finally:
        t.app.conf.task_always_eager = False


def later(t: ModuleType, row: str) -> None:
    """Publish with a countdown, and with a time of arrival."""
    t.run.apply_async((row, "countdown"), countdown=0.2)
    t.run.apply_async((row, "eta"), eta=t.app.now())


def with_deadline(t: ModuleType, row: str) -> None:
    """Publish with less time than the task would take."""
    with headrace.deadline(4):
        t.timely.delay(row)


def in_chord(t: ModuleType, row: str) -> None:
    """Publish a chord of two tasks."""
    header = [t.run.si(row, "header 1"), t.run.si(row, "header 2")]
    chord(header, t.collect.s(row, "body")).apply_async()


def in_chord_of_groups(t: ModuleType, row: str) -> None:
    """Publish a chord whose header consists of groups."""
    groups = [group([t.run.si(row, f"header {i}{j}") for j in "ab"]) for i in "12"]
    chord(groups, t.collect.s(row, "body")).apply_async()


def then_revoke(t: ModuleType, row: str) -> None:
    """Publish a task for later, and revoke it."""
    result = t.run.apply_async((row, "never"), countdown=4)
    t.app.control.revoke(result.id)


def failing(t: ModuleType, row: str, errback: Any) -> None:
    """Publish a task that fails, with an errback."""
    t.failing.apply_async((row,), link_error=errback, task_id=f"{row}/{time.time_ns()}")


def attempts(times: int) -> dict[str, str]:
    """Return the notes of a task that is retried: each attempt is the cause of the next."""
    causes = {f"attempt {i}": f"attempt {i - 1}" for i in range(1, times + 1)}
    return {"attempt 0": PUBLISHER, **causes}


def each(*labels: str) -> dict[str, str]:
    """Return notes that have the publisher as cause."""
    return dict.fromkeys(labels, PUBLISHER)


HEADERS = ("header 1", "header 2")
GROUPED = ("header 1a", "header 1b", "header 2a", "header 2b")

ROWS = [
    Row(
        "`delay`",
        "publisher",
        lambda t, row: t.run.delay(row, "run"),
        each("run"),
        log="line of",
        telling=True,
    ),
    Row(
        "`apply_async`",
        "publisher",
        lambda t, row: t.run.apply_async((row, "run"), headers={"mine": "1"}),
        each("run"),
    ),
    Row(
        "`send_task`",
        "publisher",
        lambda t, row: t.app.send_task("matrix.run", (row, "run")),
        each("run"),
    ),
    Row("`apply`", "caller", lambda t, row: t.run.apply((row, "run")), each("run")),
    Row("`task_always_eager`", "caller", eagerly, each("run")),
    Row(
        "eager within eager, in a worker",
        "caller",
        lambda t, row: t.outer.delay(row),
        {
            **each("outer", "outer afterwards"),
            **dict.fromkeys(["middle", "middle afterwards"], "outer"),
            "inner": "middle",
        },
        same_unit={"outer afterwards": "outer", "middle afterwards": "middle"},
        telling=True,
    ),
    Row("`countdown`, `eta`", "publisher", later, each("countdown", "eta")),
    Row(
        "retry x 20",
        "the attempt before",
        lambda t, row: t.retrying.delay(row, 20),
        attempts(20),
        telling=True,
    ),
    Row(
        "`autoretry_for`",
        "the attempt before",
        lambda t, row: t.autoretrying.delay(row, 3),
        attempts(3),
    ),
    Row(
        "`replace`",
        "the replaced task",
        lambda t, row: t.replaced.delay(row),
        {"replaced": PUBLISHER, "replacement": "replaced"},
        telling=True,
    ),
    Row(
        "chain",
        "the task before",
        lambda t, row: chain(*(t.run.si(row, label) for label in "abc")).apply_async(),
        {"a": PUBLISHER, "b": "a", "c": "b"},
        telling=True,
    ),
    Row(
        "group",
        "publisher",
        lambda t, row: group(t.run.si(row, label) for label in "abc").apply_async(),
        each(*"abc"),
    ),
    Row(
        "chord",
        "publisher; of the body: the header task that finished last",
        in_chord,
        {**each(*HEADERS), "body": HEADERS},
        telling=True,
    ),
    Row(
        "chord of groups",
        "publisher; of the body: the header task that finished last",
        in_chord_of_groups,
        {**each(*GROUPED), "body": GROUPED},
    ),
    Row(
        "`link`",
        "the task that succeeded",
        lambda t, row: t.run.apply_async((row, "run"), link=t.collect.s(row, "linked")),
        {"run": PUBLISHER, "linked": "run"},
    ),
    Row(
        "`link_error`, one argument: published",
        "the task that failed",
        lambda t, row: failing(t, row, t.errback.s()),
        {"failing": PUBLISHER, "errback": "failing"},
        telling=True,
    ),
    Row(
        "`link_error`, more arguments: called inline",
        "runs in the unit of the task that failed",
        lambda t, row: failing(t, row, t.inline_errback.s()),
        each("failing", "errback"),
        same_unit={"errback": "failing"},
    ),
    Row(
        "chunks",
        "publisher; the chunk is the unit",
        lambda t, row: t.run.chunks([(row, label) for label in "abcd"], 2).apply_async(),
        each(*"abcd"),
        same_unit={"b": "a", "d": "c"},
    ),
    Row(
        "starmap",
        "publisher; the map is the unit",
        lambda t, row: t.run.starmap([(row, label) for label in "ab"]).apply_async(),
        each(*"ab"),
        same_unit={"b": "a"},
    ),
    Row(
        "beat",
        "the tick",
        lambda t, row: None,
        {},
        reason="a fresh one at each tick",
    ),
    Row(
        "task from task",
        "the task that published it",
        lambda t, row: t.parent.delay(row),
        {"parent": PUBLISHER, "child": "parent"},
        telling=True,
    ),
    Row(
        "revoked",
        "publisher",
        then_revoke,
        each("revoked"),
        log="Discarding revoked task",
    ),
    Row(
        "soft time limit",
        "publisher",
        lambda t, row: t.soft_limited.delay(row),
        each("run"),
        log="Soft time limit",
    ),
    Row(
        "deadline, accepted: a soft time limit",
        "publisher",
        with_deadline,
        each("run"),
        log="Soft time limit",
    ),
    Row(
        "hard time limit",
        "publisher",
        lambda t, row: t.hard_limited.delay(row),
        each("run"),
        log="Hard time limit",
    ),
    Row(
        "child killed, task redelivered (`acks_late`)",
        "publisher, of both runs",
        lambda t, row: t.killed.delay(row, f"{t.NOTES}.killed"),
        each("first run", "second run"),
        log="WorkerLostError",
    ),
    Row(
        "worker killed, task redelivered (`acks_late`)",
        "publisher, of both runs",
        lambda t, row: t.stuck.apply_async(
            (row, f"{t.NOTES}.stuck"), queue=f"{t.PREFIX}.kill", routing_key=f"{t.PREFIX}.kill"
        ),
        each("first run", "second run"),
        slow=True,
    ),
]
