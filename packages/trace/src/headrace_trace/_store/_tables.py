"""The tables and their columns.

``line``: one row for each line that has an ID. Its columns are the fields of
`headrace_trace._shapes.FIELDS` and, before them, ``file`` (an index into `Logs.sources`) and
``number`` (the line's number, from 1). ``time`` is in microseconds since 1970 UTC; what ends in
``_ms`` is a DOUBLE in milliseconds; ``pid``, ``steps``, ``status`` and ``retries`` are BIGINT,
``redelivered`` is BOOLEAN, the others are VARCHAR. What a line does not state is NULL. ``unit_id``
is never NULL: a line that states none has the text ``@service/host/pid``.

``unit``, ``publish`` and ``operation`` are views with the columns of the classes of these names in
`headrace_trace._model`, where ``place`` is ``file`` and ``number``.
"""

from __future__ import annotations

from headrace_trace._shapes import FIELDS

_TYPES = {
    "time": "BIGINT",
    **dict.fromkeys(("pid", "steps", "status", "retries"), "BIGINT"),
    **dict.fromkeys(("duration_ms", "queue_ms"), "DOUBLE"),
    "redelivered": "BOOLEAN",
}

LINE = "CREATE TABLE line (file INTEGER, number INTEGER, {})".format(
    ", ".join(f"{field} {_TYPES.get(field, 'VARCHAR')}" for field in FIELDS)
)

_STATED = (
    *("causation_id", "kind", "name", "outcome", "error", "flow", "method", "path", "status"),
    *("task_id", "queue", "queue_ms", "retries", "redelivered", "steps", "duration_ms"),
)
_END = "FILTER (event = 'unit.end')"
_START = "FILTER (event = 'unit.start')"


def _stated(column: str) -> str:
    return f"coalesce(any_value({column}) {_END}, any_value({column}) {_START}) AS {column}"


UNIT = f"""
CREATE VIEW unit AS SELECT * EXCLUDE (start_line, first) REPLACE (
  coalesce(flow, flow_of_lines) AS flow,
  coalesce(start_line, CAST(ended - duration_ms * 1000 AS BIGINT), first) AS started
) FROM (
  SELECT flow_id, unit_id, {", ".join(map(_stated, _STATED))},
    any_value(flow) AS flow_of_lines,
    any_value(service) AS service, any_value(host) AS host, any_value(pid) AS pid,
    min(time) {_START} AS start_line, max(time) {_END} AS ended,
    NULL::BIGINT AS started, min(time) AS first, max(time) AS last,
    count(*) {_START} > 0 AS has_start, count(*) {_END} > 0 AS has_end,
    count(*) AS lines,
    arg_min(file, (file, number)) AS file, arg_min(number, (file, number)) AS number
  FROM line GROUP BY flow_id, unit_id
)"""

PUBLISH = """
CREATE VIEW publish AS
SELECT flow_id, unit_id, time, task, task_id, queue, eta, error, file, number
FROM line WHERE event = 'task.published'"""

# The attempts of a task share its task ID: the last one says how it ended.
OPERATION = """
CREATE VIEW operation AS
SELECT flow_id, min(started) AS started, max(last) AS last,
  arg_min(entry, (is_caused, started)) AS entry, arg_min(kind, (is_caused, started)) AS kind,
  CASE WHEN bool_or(outcome = 'error') THEN 'error' WHEN bool_or(outcome = 'open') THEN 'open'
    WHEN bool_or(outcome = 'cancelled') THEN 'cancelled' WHEN count(outcome) > 0 THEN 'ok'
    ELSE 'unknown' END AS state,
  CAST(sum(units) AS BIGINT) AS units, CAST(sum(lines) AS BIGINT) AS lines
FROM (
  SELECT flow_id, min(least(started, ended)) AS started, max(greatest(started, last)) AS last,
    arg_min(coalesce(name, flow), started) AS entry, arg_min(kind, started) AS kind,
    bool_and(causation_id IS NOT NULL) AS is_caused,
    arg_max(CASE WHEN has_end THEN coalesce(outcome, 'ok') WHEN has_start THEN 'open' END,
      coalesce(started, 0)) AS outcome,
    count(*) AS units, sum(lines) AS lines
  FROM unit GROUP BY flow_id, coalesce(task_id, unit_id)
) GROUP BY flow_id"""

TABLES = (LINE, UNIT, PUBLISH, OPERATION)
