"""The tables of an audit, from the views of the logs.

``bounds``: the time of the newest line, and the grace. ``found``: the cases, see `COLUMNS`.
``run``: units that reported their start or their end. ``again``: work with several of them.
``last_run``, a view: the last attempt of each task, and each other unit. ``process``: the
times of the first and the last line of each process. ``worker``: which process did which work.
``waited``: per queue and task, the longest time from a publish to the first start. ``queue_watch``:
per queue, ``task_watch``: per task, the `coverage` of its workers, and that time.
``host_watch``: per host and kind of work, the time of the last line of the processes that did it.
"""

from __future__ import annotations

COLUMNS = (
    *("flow_id", "unit_id", "name", "task_id", "queue", "time", "detail", "file", "number"),
    *("verdict", "who", "needed"),
)
"""The columns of a case.

``verdict`` is NULL for a case; else the case cannot be told, and it says why: ``open`` (it may
still be under way), ``none`` (no line of such a process is in the logs), ``before`` or ``after``
(none that is old or new enough, as ``needed`` says).
"""

BOUNDS = "CREATE TABLE bounds AS SELECT max(time) AS newest, ?::BIGINT AS grace FROM line"
FOUND = """
CREATE TABLE found (kind VARCHAR, flow_id VARCHAR, unit_id VARCHAR, name VARCHAR, task_id VARCHAR,
  queue VARCHAR, time BIGINT, detail VARCHAR, file INTEGER, number INTEGER, verdict VARCHAR,
  who VARCHAR, needed BIGINT)"""

PROCESS_KEY = (
    "coalesce(service, '') AS service, coalesce(host, '') AS host, coalesce(pid, -1) AS pid"
)

_FACTS = ("kind", "name", "queue", "task_id", "retries", "redelivered", "outcome", "error")
_STATED = (*_FACTS, "service", "host", "pid", "duration_ms")
# Unlike the view `unit`, this reads only the lines of starts and ends, which are few. Most units
# have at most one of each: joining those is several times faster than aggregating so many columns.
RUN = f"""
CREATE TABLE run AS
WITH stated AS NOT MATERIALIZED (
  SELECT flow_id, unit_id, event, time AS first, time AS last,
    CAST(file AS BIGINT) << 32 | number AS place, {", ".join(_STATED)}
  FROM line WHERE event IN ('unit.start', 'unit.end') AND flow_id IS NOT NULL
), repeated AS MATERIALIZED (
  SELECT flow_id, unit_id, event FROM stated GROUP BY ALL HAVING count(*) > 1
), once AS NOT MATERIALIZED (
  SELECT * FROM stated ANTI JOIN repeated USING (flow_id, unit_id, event)
  UNION ALL BY NAME
  SELECT flow_id, unit_id, event, min(first) AS first, max(last) AS last, min(place) AS place,
    {", ".join(f"any_value({name}) AS {name}" for name in _STATED)}
  FROM stated SEMI JOIN repeated USING (flow_id, unit_id, event) GROUP BY ALL
)
SELECT flow_id, unit_id, coalesce(task_id, unit_id) AS work, {", ".join(_FACTS)}, started,
  last_line, has_start, has_end, CAST(place >> 32 AS INTEGER) AS file,
  CAST(place & 4294967295 AS INTEGER) AS number, {PROCESS_KEY},
  coalesce(last_line - started, 0) AS took
FROM (
  SELECT flow_id, unit_id, {", ".join(f"coalesce(e.{one}, s.{one}) AS {one}" for one in _STATED)},
    coalesce(s.first, CAST(e.last - coalesce(e.duration_ms, 0) * 1000 AS BIGINT)) AS started,
    greatest(s.last, e.last) AS last_line, s.place IS NOT NULL AS has_start,
    e.place IS NOT NULL AS has_end, least(s.place, e.place) AS place
  FROM (SELECT * FROM once WHERE event = 'unit.end') AS e
  FULL JOIN (SELECT * FROM once WHERE event = 'unit.start') AS s USING (flow_id, unit_id)
)"""

AGAIN = """
CREATE TABLE again AS
SELECT flow_id, work, count(*) AS attempts FROM run GROUP BY flow_id, work HAVING count(*) > 1"""

# Attempts are ordered by number, then by time. Most work has one attempt.
LAST_RUN = """
CREATE VIEW last_run AS
SELECT run.*, 1 AS attempts FROM run ANTI JOIN again USING (flow_id, work)
UNION ALL BY NAME
SELECT run.*, attempts FROM run JOIN (
  SELECT flow_id, any_value(attempts) AS attempts,
    arg_max(unit_id, (coalesce(retries, 0), coalesce(started, 0), unit_id)) AS unit_id
  FROM run JOIN again USING (flow_id, work) GROUP BY flow_id, work
) USING (flow_id, unit_id)"""

PROCESS = f"""
CREATE TABLE process AS
SELECT {PROCESS_KEY}, min(time) AS first, max(time) AS last
FROM line WHERE time IS NOT NULL GROUP BY 1, 2, 3"""

SENT = """
CREATE TABLE sent AS
SELECT *, greatest(time, coalesce(epoch_us(try_cast(eta AS TIMESTAMPTZ)), 0)) AS due
FROM publish WHERE task_id IS NOT NULL AND time IS NOT NULL"""


def coverage(keys: str) -> str:
    """Return a query for what the logs have of the processes that do certain work.

    Its columns are ``key``; ``first`` and ``last``, the times between which the logs have lines of
    every host that did it; and ``first_who`` and ``last_who``, the hosts that limit them.

    Args:
        keys: a query with the columns ``key``, ``service``, ``host`` and ``pid``.
    """
    return f"""
SELECT key, max(first) AS first, min(last) AS last,
  arg_max(who, first) AS first_who, arg_min(who, last) AS last_who
FROM (
  SELECT key, min(first) AS first, max(last) AS last,
    coalesce(nullif(service, ''), 'a process') || ' on host ' || host AS who
  FROM ({keys}) JOIN process USING (service, host, pid) GROUP BY key, service, host
) GROUP BY key"""


WORKER = """
CREATE TABLE worker AS
SELECT DISTINCT coalesce(kind, '') AS kind, name, queue, service, host, pid FROM run"""

WAITED = """
CREATE TABLE waited AS
SELECT queue, task, max(began - due) AS wait FROM (
  SELECT task_id, queue, task, min(due) AS due FROM sent GROUP BY ALL
) JOIN (
  SELECT task_id, min(started) AS began FROM run WHERE task_id IS NOT NULL GROUP BY task_id
) USING (task_id) GROUP BY ALL"""


def _watch(table: str, key: str, source: str) -> str:
    keys = f"""
  SELECT DISTINCT {source} AS key, service, host, pid FROM worker
  WHERE kind = 'task' AND {source} IS NOT NULL"""
    return f"""
CREATE TABLE {table} AS
SELECT covered.*, greatest(coalesce(wait, 0), 0) AS wait
FROM ({coverage(keys)}) AS covered
LEFT JOIN (SELECT {key} AS key, max(wait) AS wait FROM waited GROUP BY 1) USING (key)"""


HOST_WATCH = """
CREATE TABLE host_watch AS
SELECT service, host, kind, coalesce(queue, '') AS queue, max(last) AS last
FROM worker JOIN process USING (service, host, pid) GROUP BY ALL"""

TABLES = (
    FOUND,
    RUN,
    AGAIN,
    LAST_RUN,
    PROCESS,
    SENT,
    WORKER,
    WAITED,
    _watch("queue_watch", "queue", "queue"),
    _watch("task_watch", "task", "name"),
    HOST_WATCH,
)
"""The statements that create the other tables, in their order."""
