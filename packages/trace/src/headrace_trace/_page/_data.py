"""What the page shows, as plain data: operations with their units and lines, and figures of flows.

Lists instead of objects, since 10,000 operations are many. Stories stand apart from
operations, since few are opened. Offsets are milliseconds from the start of the operation, by the
clocks as corrected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from headrace_trace._model import Line, Operation, Publish, Unit
from headrace_trace._store import Logs
from headrace_trace._story import Node, Story, tell_story, time_json

MOST = 10_000
"""How many operations are on the page, the newest ones."""
_FIGURES = """
SELECT flow, coalesce(step, ''), count(*), count(*) FILTER (outcome NOT IN ('ok', 'cancelled')),
  median(duration_ms), quantile_cont(duration_ms, 0.95)
FROM line WHERE event = 'step.end' AND flow IS NOT NULL GROUP BY 1, 2
UNION ALL
SELECT coalesce(name, kind, ''), '', count(*), count(*) FILTER (outcome NOT IN ('ok', 'cancelled')),
  median(duration_ms), quantile_cont(duration_ms, 0.95)
FROM unit WHERE has_end GROUP BY 1, 2
ORDER BY 1, 2"""


def page_data(logs: Logs, *, limit: int = MOST, messages: bool = True) -> dict[str, Any]:
    """Return what the page shows.

    Args:
        logs: what was read.
        limit: how many operations at most, the newest ones.
        messages: whether the text of log lines is on the page.
    """
    operations = logs.operations(limit=limit)
    kept = {one.flow_id for one in operations}
    units, publishes = _grouped(logs.units()), _grouped(logs.publishes())
    lines: Mapping[str, Sequence[Line]] = logs.lines_by_operation() if messages else {}
    told = (
        tell_story(flow_id, units[flow_id], publishes[flow_id], lines.get(flow_id, ()))
        for flow_id in (one.flow_id for one in operations)
    )
    (total,) = logs.query("SELECT count(DISTINCT flow_id) FROM line WHERE flow_id <> ''")[0]
    return {
        "operations": [_operation(one) for one in operations],
        "left": total - len(kept),
        "figures": [[*row[:4], *map(_rounded, row[4:])] for row in logs.query(_FIGURES)],
        "messages": messages,
        "stories": [_story(one, story) for one, story in zip(operations, told, strict=True)],
    }


def _grouped(parts: Sequence[Unit] | Sequence[Publish]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for part in parts:
        found[part.flow_id].append(part)
    return found


def _operation(operation: Operation) -> list[Any]:
    return [
        operation.flow_id,
        operation.entry or operation.flow_id,
        operation.state,
        time_json(operation.started) or "",
        _rounded(operation.duration_ms),
    ]


def _story(operation: Operation, story: Story) -> list[Any]:
    units = [row for node in story.nodes for row in _rows(node, story, operation.started)]
    clocks = [f"the clock of {one.host} is behind by {one.behind_ms:.0f} ms or more"
              for one in story.clocks]  # fmt: skip
    return [units, clocks]


def _rows(node: Node, story: Story, begin: int | None) -> list[list[Any]]:
    publish = node.publish
    if not node.attempts and publish is not None:
        state = "not sent" if publish.error else "not started"
        about = [publish.task or "task", "task", publish.queue or "", state]
        return [
            [node.depth, *about, _offset(publish.time, begin), None, None, 0, publish.error, []]
        ]
    several = len(node.attempts) > 1
    return [
        [
            node.depth,
            _name(unit),
            unit.kind or "",
            "/".join(str(part) for part in (unit.service, unit.host, unit.pid) if part),
            unit.outcome or ("open" if unit.has_start and not unit.has_end else "unknown"),
            _offset(start, begin),
            _rounded(unit.duration_ms),
            _rounded(unit.queue_ms),
            number if several else 0,
            unit.error,
            [[_offset(line.time, begin), line.level or "", line.logger or "", line.message or ""]
             for line in story.lines.get(unit.unit_id, ())],
        ]
        for number, (unit, start) in enumerate(zip(node.attempts, node.starts, strict=True), 1)
    ]  # fmt: skip


def _name(unit: Unit) -> str:
    name = unit.title
    return f"{unit.method} {name}" if unit.method and unit.method not in name else name


def _offset(time: int | None, begin: int | None) -> float | None:
    return None if time is None or begin is None else round((time - begin) / 1000, 3)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
