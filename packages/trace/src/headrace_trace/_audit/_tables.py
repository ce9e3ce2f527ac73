"""The tables of an audit.

`PARTS` are filled part by part, from the view ``line`` of the logs:

``process_part``: the times of the first and the last line of each process. ``run_part``: units that
reported their start or their end, some with several rows. ``publish_line``: lines about publishes.
``tail``: the hash of a unit without an end, and the time of its last line.

`TABLES` are created from them:

``found``: the cases, see `COLUMNS`. ``process``: as ``process_part``, for all parts. ``bounds``:
the time of the newest line, and the grace period in microseconds. ``run``, a view: as ``run_part``,
for all parts. ``again``: work with several runs. ``last_run``, a view: the last attempt of each
task, and each other unit. ``sent``: publishes. ``worker``: which process did which work.
``waited``: per queue and task, the longest time from a publish to the first start.
``taken``: per process, when the newest message was published that it has begun.
``queue_watch``: per queue, ``task_watch``: per task, the `coverage` of its workers, and that time.
``host_watch``: per host and kind of work, the time of the last line of the processes that did it.
"""

from __future__ import annotations

from headrace_trace._store import publish

COLUMNS = (
    *("flow_id", "unit_id", "name", "task_id", "queue", "time", "detail", "file", "number"),
    *("verdict", "who", "needed"),
)
"""The columns of a case.

``verdict`` is NULL for a case; else the case cannot be told, and it says why: ``open`` (it may
still be under way), ``none`` (no line of such a process is in the logs), ``before`` or ``after``
(none that is old or new enough, as ``needed`` says).
"""

FOUND = """
CREATE TABLE found (kind VARCHAR, flow_id VARCHAR, unit_id VARCHAR, name VARCHAR, task_id VARCHAR,
  queue VARCHAR, time BIGINT, detail VARCHAR, file INTEGER, number INTEGER, verdict VARCHAR,
  who VARCHAR, needed BIGINT)"""

PROCESS_KEY = (
    "coalesce(service, '') AS service, coalesce(host, '') AS host, coalesce(pid, -1) AS pid"
)

PROCESS_PART = f"""
SELECT {PROCESS_KEY}, min(time) AS first, max(time) AS last
FROM line WHERE time IS NOT NULL GROUP BY 1, 2, 3"""

PROCESS = """
CREATE TABLE process AS
SELECT service, host, pid, min(first) AS first, max(last) AS last
FROM process_part GROUP BY service, host, pid"""

BOUNDS = "CREATE TABLE bounds AS SELECT max(last) AS newest, ?::BIGINT AS grace FROM process"


def several(table: str, keys: str) -> str:
    """Return a query for the rows of `table` that share their `keys` with others.

    It compares hashes, which takes far less memory than the values; in rare cases, it also returns
    rows that share only the hash.
    """
    return f"""
  SELECT * FROM {table} WHERE hash({keys}) IN (
    SELECT key FROM (SELECT hash({keys}) AS key FROM {table}) GROUP BY key HAVING count(*) > 1)"""


_FACTS = ("kind", "name", "queue", "task_id", "retries", "redelivered", "outcome", "error")
_PROCESS = ("service", "host", "pid")
_STATED = (*_FACTS, *_PROCESS, "duration_ms")
# Unlike the view `unit`, this reads only the lines of starts and ends, which are few. Most units
# have at most one of each: joining those is several times faster than aggregating so many columns.
# A unit with several ends has a row for each; `SPLIT_RUN` joins them.
RUN_PART = f"""
WITH stated AS NOT MATERIALIZED (
  SELECT flow_id, unit_id, event, time AS first, time AS last,
    CAST(file AS BIGINT) << 32 | number AS place, {", ".join(_STATED)}
  FROM line WHERE event IN ('unit.start', 'unit.end') AND flow_id IS NOT NULL
), began AS NOT MATERIALIZED (
  SELECT *, hash(flow_id, unit_id) AS unit FROM stated WHERE event = 'unit.start'
), repeated AS MATERIALIZED (
  SELECT unit FROM began GROUP BY unit HAVING count(*) > 1
), once AS NOT MATERIALIZED (
  SELECT * FROM began ANTI JOIN repeated USING (unit)
  UNION ALL BY NAME
  SELECT flow_id, unit_id, min(first) AS first, max(last) AS last, min(place) AS place,
    {", ".join(f"any_value({name}) AS {name}" for name in _STATED)}
  FROM began SEMI JOIN repeated USING (unit) GROUP BY flow_id, unit_id
)
SELECT flow_id, unit_id,
  {", ".join(f"coalesce(e.{one}, s.{one}) AS {one}" for one in (*_FACTS, *_PROCESS))},
  coalesce(s.first, CAST(e.last - coalesce(e.duration_ms, s.duration_ms, 0) * 1000 AS BIGINT))
    AS started,
  greatest(s.last, e.last) AS last_line, s.place IS NOT NULL AS has_start,
  e.place IS NOT NULL AS has_end, least(s.place, e.place) AS place
FROM (SELECT * FROM stated WHERE event = 'unit.end') AS e
FULL JOIN once AS s USING (flow_id, unit_id)"""

# A unit whose lines are in several parts, or that has several ends.
SPLIT_RUN = f"""
CREATE TABLE split_run AS
SELECT flow_id, unit_id, {
    ", ".join(
        f"coalesce(any_value({one}) FILTER (has_end), any_value({one})) AS {one}"
        for one in (*_FACTS, *_PROCESS)
    )
}, coalesce(min(started) FILTER (has_start), max(started)) AS started,
  max(last_line) AS last_line, bool_or(has_start) AS has_start, bool_or(has_end) AS has_end,
  min(place) AS place
FROM ({several("run_part", "flow_id, unit_id")}) GROUP BY flow_id, unit_id HAVING count(*) > 1"""
UNSPLIT = """
DELETE FROM run_part USING split_run
WHERE run_part.flow_id = split_run.flow_id AND run_part.unit_id = split_run.unit_id"""
MERGED = "INSERT INTO run_part BY NAME FROM split_run"
RUN = f"""
CREATE VIEW run AS
SELECT flow_id, unit_id, coalesce(task_id, unit_id) AS work, {", ".join(_FACTS)}, started,
  last_line, has_start, has_end, CAST(place >> 32 AS INTEGER) AS file,
  CAST(place & 4294967295 AS INTEGER) AS number, {PROCESS_KEY},
  coalesce(last_line - started, 0) AS took
FROM run_part"""

AGAIN = f"""
CREATE TABLE again AS
SELECT flow_id, work, count(*) AS attempts
FROM ({several("run", "flow_id, work")}) GROUP BY flow_id, work HAVING count(*) > 1"""

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

# Most units end in the same part: their lines are not kept.
TAIL = """
SELECT unit, max(time) AS last
FROM (SELECT hash(flow_id, unit_id) AS unit, time FROM line WHERE flow_id IS NOT NULL)
ANTI JOIN (SELECT hash(flow_id, unit_id) AS unit FROM line WHERE event = 'unit.end') USING (unit)
GROUP BY unit"""

PUBLISH_LINE = """
SELECT flow_id, unit_id, time, event, task, task_id, queue, eta, error, file, number
FROM line WHERE event IN ('task.published', 'task.publish_failed')"""

# A task whose ETA cannot be read is never due.
_NEVER = "253_402_300_799_999_999"  # the end of the year 9999, in microseconds
_ETA = f"coalesce(least(epoch_us(try_cast(eta AS TIMESTAMPTZ)), {_NEVER}), {_NEVER})"
SENT = f"""
CREATE TABLE sent AS
SELECT *, CASE WHEN eta <> '' THEN greatest(time, {_ETA}) ELSE time END AS due
FROM ({publish("publish_line")}) WHERE task_id IS NOT NULL AND time IS NOT NULL"""


def coverage(keys: str, seen: str = "process") -> str:
    """Return a query for what the logs have of the processes that do certain work.

    Its columns are ``key``; ``first`` and ``last``, the times between which every host that did it
    was seen; and ``first_who`` and ``last_who``, the hosts that limit them.

    Args:
        keys: a query with the columns ``key``, ``service``, ``host`` and ``pid``.
        seen: the table with the time ``last`` at which a process was last seen.
    """
    return f"""
SELECT key, max(first) AS first, min(last) AS last,
  arg_max(who, first) AS first_who, arg_min(who, last) AS last_who
FROM (
  SELECT key, min(process.first) AS first, max(seen.last) AS last,
    coalesce(nullif(service, ''), 'a process') || ' on host ' || host AS who
  FROM ({keys}) JOIN process USING (service, host, pid)
  JOIN {seen} AS seen USING (service, host, pid) GROUP BY key, service, host
) GROUP BY key"""


WORKER = """
CREATE TABLE worker AS
SELECT DISTINCT coalesce(kind, '') AS kind, name, queue, service, host, pid FROM run"""

# A worker that logs may be busy with one long task, and one that begins a task may have a backlog:
# only a message that was published later, and has begun, tells that an earlier one is gone.
TAKEN = """
CREATE TABLE taken AS
SELECT service, host, pid, max(coalesce(due, started)) AS last
FROM run LEFT JOIN (SELECT task_id, min(due) AS due FROM sent GROUP BY task_id) USING (task_id)
WHERE kind = 'task' GROUP BY service, host, pid"""

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
FROM ({coverage(keys, "taken")}) AS covered
LEFT JOIN (SELECT {key} AS key, max(wait) AS wait FROM waited GROUP BY 1) USING (key)"""


HOST_WATCH = """
CREATE TABLE host_watch AS
SELECT service, host, kind, coalesce(queue, '') AS queue, max(last) AS last
FROM worker JOIN process USING (service, host, pid) GROUP BY ALL"""

PARTS = {
    "process_part": PROCESS_PART,
    "run_part": RUN_PART,
    "publish_line": PUBLISH_LINE,
    "tail": TAIL,
}
"""The queries over ``line`` that fill a table for each part of the lines."""
TABLES = (
    FOUND,
    SPLIT_RUN,
    UNSPLIT,
    MERGED,
    RUN,
    AGAIN,
    LAST_RUN,
    SENT,
    WORKER,
    TAKEN,
    WAITED,
    _watch("queue_watch", "queue", "queue"),
    _watch("task_watch", "task", "name"),
    HOST_WATCH,
)
"""The statements that create the other tables after ``process`` and ``bounds``, in their order."""
