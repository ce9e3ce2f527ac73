"""The cases, as queries over the tables of an audit, with the columns of `COLUMNS`."""

from __future__ import annotations

from ._tables import COLUMNS

_NEWEST = "(SELECT newest FROM bounds)"
_VERDICT = f"""CASE
    WHEN needed IS NULL OR needed > {_NEWEST} THEN 'open' WHEN seen_last IS NULL THEN 'none'
    WHEN seen_first > time THEN 'before' WHEN seen_last <= needed THEN 'after' END AS verdict"""
_NAMES = ", ".join(COLUMNS[:9])


def judged(candidates: str) -> str:
    """Return the query of cases that are judged by the lines that were seen.

    Args:
        candidates: a query with the columns up to ``number``; ``needed``: a line after this time is
            needed, or NULL if no line would tell; ``seen_first`` and ``seen_last``: between these
            times the lines are there, or ``seen_last`` is NULL; and, for the three verdicts,
            ``who``, ``first_who`` and ``last_who``.
    """
    return f"""
SELECT {_NAMES}, verdict, CASE verdict WHEN 'before' THEN first_who WHEN 'after' THEN last_who
  ELSE who END AS who, CASE verdict WHEN 'before' THEN time ELSE needed END AS needed
FROM (SELECT *, {_VERDICT} FROM ({candidates}))"""


def _certain(candidates: str) -> str:
    return f"""
SELECT {_NAMES}, NULL::VARCHAR AS verdict, NULL::VARCHAR AS who, NULL::BIGINT AS needed
FROM ({candidates})"""


# A publish of the last attempt at a task is its retry. A task without a queue is watched by its
# name. How long messages have waited in that queue is added to the grace, and corrects clocks.
NOT_STARTED = (
    judged("""
  SELECT p.flow_id, p.unit_id, p.task AS name, p.task_id, p.queue, p.time, p.file, p.number,
    p.due + coalesce(q.wait, t.wait, 0) + (SELECT grace FROM bounds) AS needed,
    coalesce(q.first, t.first) AS seen_first, coalesce(q.last, t.last) AS seen_last,
    coalesce(q.first_who, t.first_who) AS first_who, coalesce(q.last_who, t.last_who) AS last_who,
    CASE WHEN p.queue IS NULL THEN 'a worker of task ' || p.task
      ELSE 'a worker of queue ' || p.queue END AS who,
    CASE WHEN p.is_retry THEN 'its retry' END AS detail
  FROM (
    SELECT * FROM (
      SELECT DISTINCT ON (task_id) *, false AS is_retry
      FROM sent ANTI JOIN run USING (task_id) WHERE error IS NULL ORDER BY task_id, due DESC
    )
    UNION ALL BY NAME
    SELECT sent.*, true AS is_retry FROM sent JOIN last_run USING (flow_id, unit_id, task_id)
    WHERE sent.error IS NULL AND last_run.has_end
  ) AS p
  LEFT JOIN queue_watch AS q ON q.key = p.queue
  LEFT JOIN task_watch AS t ON t.key = p.task AND p.queue IS NULL"""),
    _certain("""
  SELECT flow_id, unit_id, task AS name, task_id, queue, time, file, number,
    'not sent: ' || error AS detail
  FROM sent ANTI JOIN run USING (task_id) WHERE error IS NOT NULL"""),
)

# How long other runs of the same name took is added to the grace. Without any, and for connections,
# which stay open as long as the client likes, only a later run of the same work tells.
NOT_ENDED = (
    judged("""
  SELECT run.flow_id, run.unit_id, run.name, run.task_id, run.queue, run.started AS time,
    run.file, run.number,
    CASE WHEN later.work IS NOT NULL OR (longest.took IS NOT NULL AND run.kind <> 'websocket')
      THEN coalesce(latest.last, last_line) + coalesce(longest.took, 0)
        + (SELECT grace FROM bounds) END AS needed,
    NULL::BIGINT AS seen_first, seen.last AS seen_last,
    NULL AS first_who,
    coalesce(nullif(run.service, ''), 'a process') || coalesce(' with ' || run.kind || ' units', '')
      || coalesce(' of queue ' || run.queue, '') || ' on host ' || run.host AS last_who,
    last_who AS who,
    CASE WHEN later.work IS NOT NULL THEN 'a later run ended' END AS detail
  FROM run
  LEFT JOIN (
    SELECT unit, max(last) AS last FROM tail SEMI JOIN (
      SELECT hash(flow_id, unit_id) AS unit FROM run WHERE NOT has_end
    ) USING (unit) GROUP BY unit
  ) AS latest ON latest.unit = hash(run.flow_id, run.unit_id)
  LEFT JOIN (
    SELECT kind, name, max(took) AS took FROM run WHERE has_end GROUP BY kind, name
  ) AS longest ON longest.kind IS NOT DISTINCT FROM run.kind
    AND longest.name IS NOT DISTINCT FROM run.name
  LEFT JOIN host_watch AS seen ON seen.service = run.service AND seen.host = run.host
    AND seen.kind = coalesce(run.kind, '') AND seen.queue = coalesce(run.queue, '')
  LEFT JOIN (
    SELECT DISTINCT flow_id, task_id AS work FROM run SEMI JOIN again USING (flow_id, work)
    WHERE has_end AND task_id IS NOT NULL
  ) AS later ON later.flow_id = run.flow_id AND later.work = run.task_id
  WHERE run.has_start AND NOT run.has_end"""),
)

# A task may be published again under its own ID, so that its publishes are counted. Without them,
# only the broker's word tells a second run from a second publish.
RUN_TWICE = (
    _certain("""
  SELECT twice.*, runs || ' runs' AS detail
  FROM (
    SELECT flow_id, task_id, retries, count(*) AS runs, count(*) FILTER (outcome = 'ok') AS ok,
      bool_or(redelivered) AS redelivered, max(started) AS time, any_value(name) AS name,
      any_value(queue) AS queue, arg_max(unit_id, (started, unit_id)) AS unit_id,
      arg_max(file, (started, unit_id)) AS file, arg_max(number, (started, unit_id)) AS number
    FROM run SEMI JOIN again USING (flow_id, work)
    WHERE task_id IS NOT NULL AND outcome IN ('ok', 'error', 'retry')
    GROUP BY flow_id, task_id, retries
  ) AS twice
  JOIN (
    SELECT flow_id, task_id, count(*) AS ran
    FROM run SEMI JOIN again USING (flow_id, work)
    WHERE task_id IS NOT NULL AND outcome IN ('ok', 'error', 'retry')
    GROUP BY flow_id, task_id
  ) USING (flow_id, task_id)
  LEFT JOIN (
    SELECT flow_id, task_id, count(*) AS times
    FROM sent SEMI JOIN (SELECT flow_id, work AS task_id FROM again) USING (flow_id, task_id)
    WHERE error IS NULL GROUP BY ALL
  ) USING (flow_id, task_id)
  WHERE (ok > 1 OR (retries IS NOT NULL AND runs > 1)) AND coalesce(ran > times, redelivered)"""),
)

_FAILED = _certain("""
  SELECT * EXCLUDE (error),
    nullif(concat_ws(', ', error, CASE WHEN attempts > 1 THEN attempts || ' attempts' END), '')
      AS detail
  FROM (SELECT *, started AS time FROM last_run WHERE outcome = 'error'
    AND (coalesce(retries, 0) > 0 OR attempts > 1) = {}) AS failed
  ANTI JOIN sent USING (flow_id, unit_id, task_id)""")

QUERIES = {
    "not_started": NOT_STARTED,
    "not_ended": NOT_ENDED,
    "run_twice": RUN_TWICE,
    "retries_exhausted": (_FAILED.format("true"),),
    "error": (_FAILED.format("false"),),
}
"""The queries of each kind, but the one that needs declared steps."""
