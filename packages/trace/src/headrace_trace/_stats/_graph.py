"""Figures of declared steps and of the edges between them."""

from __future__ import annotations

from collections.abc import Collection

from headrace.commands import PictureFigures
from headrace_trace._store import Logs

Step = tuple[str, str]
Pair = tuple[Step, Step]

_FIGURES = """count(*), count(*) FILTER (outcome = 'error'),
  quantile_cont(ms, 0.5), quantile_cont(ms, 0.95)"""
_RUNS = """
CREATE TABLE step_run AS
SELECT flow_id, flow, step, outcome, duration_ms AS ms,
  time - coalesce(duration_ms, 0) * 1000 AS started
FROM line WHERE event = 'step.end' AND flow IS NOT NULL AND step IS NOT NULL"""
_STEPS = f"SELECT flow, step, {_FIGURES} FROM step_run GROUP BY flow, step"
_PAIRS = "CREATE TABLE pair (flow VARCHAR, step VARCHAR, next_flow VARCHAR, next_step VARCHAR)"
# A run of the target belongs to the last run of the source in its operation that began before it.
# A start is computed from the time of a line, which is written a little after the end that it
# reports, so the starts of two steps that follow at once may appear in the wrong order.
_SLACK = 1000  # microseconds
_EDGES = f"""
SELECT flow, step, next_flow, next_step, {_FIGURES} FROM (
  SELECT later.flow, later.step, next_flow, next_step, later.outcome,
    greatest(later.started - earlier.started, 0) / 1000 AS ms
  FROM (
    SELECT pair.*, flow_id, started, started + {_SLACK} AS latest, outcome
    FROM pair JOIN step_run ON next_flow = step_run.flow AND next_step = step_run.step
  ) AS later ASOF JOIN step_run AS earlier ON later.flow_id = earlier.flow_id
    AND later.flow = earlier.flow AND later.step = earlier.step AND later.latest >= earlier.started
) GROUP BY ALL"""


def graph_figures(
    logs: Logs, edges: Collection[Pair]
) -> tuple[dict[Step, PictureFigures], dict[Pair, PictureFigures]]:
    """Return the figures of all steps and of `edges`; those that never ran have none.

    Args:
        logs: the logs, with at least the columns of `SKELETON`.
        edges: pairs of steps.
    """
    logs.query(_RUNS)
    logs.query(_PAIRS)
    if edges:
        rows = [(*source, *target) for source, target in edges]
        logs.connection.executemany("INSERT INTO pair VALUES (?, ?, ?, ?)", rows)
    steps = {(flow, step): PictureFigures(*row) for flow, step, *row in logs.query(_STEPS)}
    pairs = {
        ((flow, step), (next_flow, next_step)): PictureFigures(*row)
        for flow, step, next_flow, next_step, *row in logs.query(_EDGES)
    }
    return steps, pairs
