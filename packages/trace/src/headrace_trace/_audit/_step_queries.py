"""Declared steps that never came, as a query over the tables of an audit.

``declared``: the edges between steps. `STEP_PARTS` are filled part by part: ``done_part``: per
operation, steps that ended well. ``came_part``: the first line of each step of an operation.
``step_process``: which process ran which step. ``flow_part``: the last line of each operation.

`TABLES` are created from them: ``done`` and ``came``, as ``done_part`` and ``came_part``, for all
parts. ``step_watch``: per step with successors, what was seen of the processes that run these, and
the longest time until one of them began. ``stopped``: operations that another case is about, which
explains what is missing in them.
"""

from __future__ import annotations

from ._queries import judged
from ._tables import PROCESS_KEY, coverage

DECLARED = """
CREATE TABLE declared (flow VARCHAR, step VARCHAR, next_flow VARCHAR, next_step VARCHAR)"""

STEP_PARTS = {
    "done_part": """
SELECT flow_id, flow, step, max(time) AS time, arg_max(file, time) AS file,
  arg_max(number, time) AS number
FROM line SEMI JOIN declared USING (flow, step)
WHERE event = 'step.end' AND outcome = 'ok' AND flow_id IS NOT NULL AND time IS NOT NULL
GROUP BY flow_id, flow, step""",
    "came_part": """
SELECT line.flow_id, declared.flow, declared.step, min(line.time) AS time
FROM line JOIN declared ON line.flow = declared.next_flow AND line.step = declared.next_step
WHERE line.flow_id IS NOT NULL GROUP BY ALL""",
    "step_process": f"""
SELECT DISTINCT flow || '.' || step AS key, {PROCESS_KEY}
FROM line WHERE flow IS NOT NULL AND step IS NOT NULL""",
    "flow_part": "SELECT flow_id, max(time) AS last FROM line GROUP BY flow_id",
}
"""The queries over ``line`` that fill a table for each part of the lines."""

TABLES = (
    """
CREATE TABLE done AS
SELECT flow_id, flow, step, max(time) AS time, arg_max(file, time) AS file,
  arg_max(number, time) AS number
FROM done_part GROUP BY flow_id, flow, step""",
    """
CREATE TABLE came AS
SELECT flow_id, flow, step, min(time) AS time FROM came_part GROUP BY flow_id, flow, step""",
    f"""
CREATE TABLE step_watch AS
SELECT flow, step, max(first) AS first, string_agg(next, ' or ' ORDER BY next) AS nexts,
  CASE WHEN bool_and(last IS NOT NULL) THEN min(last) END AS last,
  arg_max(first_who, first) AS first_who, arg_min(last_who, last) AS last_who,
  greatest(coalesce(any_value(wait), 0), 0) AS wait
FROM (SELECT *, next_flow || '.' || next_step AS next FROM declared)
LEFT JOIN ({coverage("SELECT DISTINCT * FROM step_process")}) AS covered ON covered.key = next
LEFT JOIN (
  SELECT flow, step, max(came.time - done.time) AS wait
  FROM done JOIN came USING (flow_id, flow, step) GROUP BY flow, step
) AS waits USING (flow, step)
GROUP BY flow, step""",
    """
CREATE TABLE stopped AS SELECT DISTINCT flow_id FROM found WHERE kind <> 'run_twice'""",
)
"""The statements that create the other tables, in their order."""

STEP_MISSING = judged("""
  SELECT flow_id, NULL AS unit_id, done.flow || '.' || done.step AS name, NULL AS task_id,
    NULL AS queue, done.time, 'next: ' || nexts AS detail, file, number,
    ends.last + wait + (SELECT grace FROM bounds) AS needed,
    seen.first AS seen_first, seen.last AS seen_last,
    first_who, last_who, 'a process that runs ' || nexts AS who
  FROM done
  JOIN step_watch AS seen USING (flow, step)
  JOIN (SELECT flow_id, max(last) AS last FROM flow_part GROUP BY flow_id) AS ends USING (flow_id)
  ANTI JOIN came USING (flow_id, flow, step)
  ANTI JOIN stopped USING (flow_id)""")
