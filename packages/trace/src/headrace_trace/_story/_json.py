"""Operations and stories as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace_trace._model import Line, Operation, Publish, Unit
from headrace_trace._store import Logs

from ._story import Node, Story

VERSION = 1
_TIMES = {"time", "started", "ended", "last"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def operation_json(operation: Operation) -> str:
    """Return an operation as a JSON object on one line."""
    return json.dumps(_values(operation) | {"duration_ms": operation.duration_ms})


def story_json(story: Story, logs: Logs) -> str:
    """Return a story as a JSON object, with what could not be read of the logs."""
    entry = {
        "version": VERSION,
        "flow_id": story.flow_id,
        "clocks": [{"host": one.host, "behind_ms": one.behind_ms} for one in story.clocks],
        "nodes": [_node(node, story.lines) for node in story.nodes],
        "lines_read": logs.lines,
        "rejects": [_values(one) for one in logs.rejects],
    }
    return json.dumps(entry, indent=1)


def _node(node: Node, lines: Mapping[str, tuple[Line, ...]]) -> dict[str, Any]:
    attempts = [
        _values(unit)
        | {"corrected_start": time_json(start)}
        | {"lines": [_values(line) for line in lines.get(unit.unit_id, ())]}
        for unit, start in zip(node.attempts, node.starts, strict=True)
    ]
    publish = _values(node.publish) if node.publish else None
    return {"depth": node.depth, "publish": publish, "attempts": attempts}


def time_json(time: int | None) -> str | None:
    """Return a time, in microseconds since 1970, as RFC 3339 writes it."""
    if time is None:
        return None
    return f"{_EPOCH + timedelta(microseconds=time):%Y-%m-%dT%H:%M:%S.%fZ}"


def _values(entry: Line | Operation | Publish | Unit | Any) -> dict[str, Any]:
    values = {one.name: getattr(entry, one.name) for one in fields(entry)}
    place = values.pop("place", None)
    if place is not None:
        values |= {"file": place.file, "line": place.number}
    return {key: time_json(value) if key in _TIMES else value for key, value in values.items()}
