"""The tables and their columns.

``line``: one row for each line that is a JSON object. Its columns are the fields of
`headrace_trace._shapes.FIELDS` and, before them, ``file`` (an index into `Logs.sources`) and
``number`` (the line's number, from 1). ``time`` is in microseconds since 1970 UTC; what ends in
``_ms`` is a DOUBLE in milliseconds; ``pid``, ``steps``, ``status`` and ``retries`` are BIGINT,
``redelivered`` is BOOLEAN, the others are VARCHAR. What a line does not state is NULL, such as
``flow_id`` outside any operation. ``unit_id`` is never NULL: a line that states none has the text
``@service/host/pid``.

``unit``, ``publish`` and ``operation`` are views with the columns of the classes of these names in
`headrace_trace._model`, where ``place`` is ``file`` and ``number``.

All of them are temporary, so that each connection to the database has its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from headrace_trace._shapes import FIELDS, TYPES

COLUMNS = tuple(FIELDS)
"""The columns of ``line`` after ``file`` and ``number``."""
SKELETON = (
    *("time", "event", "flow_id", "unit_id", "causation_id", "flow", "step", "service", "host"),
    *("pid", "kind", "name", "outcome", "duration_ms", "task_id"),
)
"""The columns that tell which units there were and how they ended."""


def tables(columns: Iterable[str]) -> list[str]:
    """Return the statements that create the tables and views.

    Args:
        columns: the columns of ``line`` to be stored; the others are NULL.
    """
    kept = set(columns)
    shown = ", ".join(
        name if name in kept else f"NULL::{_type(name)} AS {name}" for name in COLUMNS
    )
    line = f"CREATE TEMP VIEW line AS SELECT file, number, {shown} FROM stored WHERE rest IS NULL"
    sent = f"CREATE TEMP VIEW publish AS {publish('line')}"
    return [stored(columns), line, UNIT, sent, OPERATION]


def stored(columns: Iterable[str]) -> str:
    """Return the statement that creates an empty table of lines, or replaces the existing one.

    Args:
        columns: as for `tables`.
    """
    kept = ", ".join(f"{name} {_type(name)}" for name in COLUMNS if name in set(columns))
    return (
        f"CREATE OR REPLACE TEMP TABLE stored (file INTEGER, number INTEGER, rest VARCHAR, {kept})"
    )


def _type(column: str) -> str:
    return "BIGINT" if column == "time" else TYPES.get(column, "VARCHAR")


_STATED = (
    *("causation_id", "kind", "name", "outcome", "error", "flow", "method", "path", "status"),
    *("task_id", "queue", "queue_ms", "retries", "redelivered", "steps", "duration_ms"),
)
_END = "FILTER (event = 'unit.end')"
_START = "FILTER (event = 'unit.start')"


def _stated(column: str) -> str:
    return f"coalesce(any_value({column}) {_END}, any_value({column}) {_START}) AS {column}"


UNIT = f"""
CREATE TEMP VIEW unit AS SELECT * EXCLUDE (start_line, first) REPLACE (
  coalesce(flow, flow_of_lines) AS flow,
  coalesce(causation_id, cause_of_lines) AS causation_id,
  coalesce(start_line, least(CAST(ended - duration_ms * 1000 AS BIGINT), first)) AS started
) FROM (
  SELECT flow_id, unit_id, {", ".join(map(_stated, _STATED))},
    any_value(flow) AS flow_of_lines, any_value(causation_id) AS cause_of_lines,
    any_value(service) AS service, any_value(host) AS host, any_value(pid) AS pid,
    min(time) {_START} AS start_line, max(time) {_END} AS ended,
    NULL::BIGINT AS started, min(time) AS first, max(time) AS last,
    count(*) {_START} > 0 AS has_start, count(*) {_END} > 0 AS has_end,
    count(*) AS lines,
    arg_min(file, (file, number)) AS file, arg_min(number, (file, number)) AS number
  FROM line WHERE flow_id IS NOT NULL GROUP BY flow_id, unit_id
)"""


def publish(lines: str) -> str:
    """Return the query of the view ``publish``.

    Args:
        lines: the table or view that it reads, with the columns of ``line``.
    """
    return f"""
SELECT sent.flow_id, sent.unit_id, sent.time, sent.task, sent.task_id, sent.queue, sent.eta,
  CASE WHEN failed.event IS NOT NULL THEN coalesce(failed.error, 'unknown') END AS error,
  sent.file, sent.number
FROM {lines} AS sent LEFT JOIN {lines} AS failed ON failed.event = 'task.publish_failed'
  AND failed.unit_id = sent.unit_id AND failed.task_id = sent.task_id
WHERE sent.event = 'task.published'"""


# The attempts of a task share its task ID: the last one says how it ended.
OPERATION = """
CREATE TEMP VIEW operation AS
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
