"""An audit as JSON."""

from __future__ import annotations

import json
from typing import Any

from headrace_trace._store import Logs
from headrace_trace._story import time_json

from ._audit import Audit, Case, Unjudged

VERSION = 1


def audit_json(found: Audit, logs: Logs) -> str:
    """Return an audit as a JSON object, with what could not be read of the logs."""
    entry = {
        "version": VERSION,
        "cases": [_case(case) for case in found.cases],
        "unjudged": [_unjudged(one) for one in found.unjudged],
        "under_way": [_case(case) for case in found.under_way],
        "lines_read": logs.lines,
        "rejects": [
            {"file": one.file, "reason": one.reason, "count": one.count, "numbers": one.numbers}
            for one in logs.rejects
        ],
    }
    return json.dumps(entry, indent=1)


def _case(case: Case) -> dict[str, Any]:
    return {
        "kind": case.kind,
        "flow_id": case.flow_id,
        "unit_id": case.unit_id,
        "name": case.name,
        "task_id": case.task_id,
        "queue": case.queue,
        "time": time_json(case.time),
        "detail": case.detail,
        "file": case.place.file,
        "line": case.place.number,
    }


def _unjudged(one: Unjudged) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "who": one.who,
        "verdict": one.verdict,
        "count": one.count,
        "needed": time_json(one.needed),
    }
