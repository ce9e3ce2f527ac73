"""Counts, errors and times of flows, steps, tasks and edges, from the tables of the logs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from headrace_trace._store import SKELETON, Logs

MEASURED = (*SKELETON, "queue_ms")
"""The columns of ``line`` that are read."""


@dataclass(frozen=True, slots=True)
class Stat:
    """The figures of a flow, step, task or edge; times are in milliseconds."""

    kind: str
    """``flow``, ``step``, ``task`` or ``edge``."""
    name: str
    """The flow, ``flow.step``, the task, or ``cause -> effect``."""
    count: int
    """Operations with lines of the flow, or ends of the step, task or effect."""
    errors: int
    """How many of them ended in an error."""
    median: float | None
    """Of the duration; of an edge, from the start of the cause to the start of the effect."""
    p95: float | None
    p99: float | None
    queue_median: float | None
    """Of the time in the queue; None for what is not queued."""
    queue_p95: float | None


_FIGURES = """count(*) AS count, count(*) FILTER (outcome = 'error') AS errors,
  quantile_cont(ms, 0.5) AS median, quantile_cont(ms, 0.95) AS p95, quantile_cont(ms, 0.99) AS p99,
  quantile_cont(queue_ms, 0.5) AS queue_median, quantile_cont(queue_ms, 0.95) AS queue_p95"""

_FLOW = """
  SELECT flow AS name, NULL::DOUBLE AS queue_ms,
    (max(time) - min(time - coalesce(duration_ms, 0) * 1000)) / 1000 AS ms,
    CASE WHEN bool_or(outcome = 'error') THEN 'error' END AS outcome
  FROM line WHERE flow IS NOT NULL AND flow_id IS NOT NULL AND time IS NOT NULL
  GROUP BY flow, flow_id"""
_STEP = """
  SELECT flow || '.' || step AS name, NULL::DOUBLE AS queue_ms, duration_ms AS ms, outcome
  FROM line WHERE event = 'step.end' AND flow IS NOT NULL AND step IS NOT NULL"""
_TASK = """
  SELECT name, queue_ms, duration_ms AS ms, outcome
  FROM unit WHERE kind = 'task' AND has_end AND name IS NOT NULL"""
_EDGE = """
  SELECT cause.name || ' -> ' || effect.name AS name, effect.queue_ms,
    (effect.started - cause.started) / 1000 AS ms, effect.outcome
  FROM unit AS effect JOIN unit AS cause
    ON cause.flow_id = effect.flow_id AND cause.unit_id = effect.causation_id
  WHERE effect.has_end AND effect.name IS NOT NULL AND cause.name IS NOT NULL"""
_QUERIES = {"flow": _FLOW, "step": _STEP, "task": _TASK, "edge": _EDGE}


def stats(logs: Logs) -> list[Stat]:
    """Return the figures of flows, steps, tasks and edges, in this order, by name.

    Args:
        logs: the logs, with at least the columns of `MEASURED`.
    """
    return [
        Stat(kind, *row)
        for kind, sql in _QUERIES.items()
        for row in logs.query(f"SELECT name, {_FIGURES} FROM ({sql}) GROUP BY name ORDER BY name")
    ]


def stat_json(stat: Stat) -> str:
    """Return figures as a JSON object on one line."""
    return json.dumps(asdict(stat))
