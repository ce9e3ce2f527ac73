"""The columns of ``line`` that an audit reads."""

from __future__ import annotations

AUDITED = (
    *("time", "event", "flow_id", "unit_id", "service", "host", "pid", "kind", "name", "outcome"),
    *("duration_ms", "task_id", "error", "task", "queue", "eta", "retries", "redelivered"),
)
"""The columns of ``line`` that an audit reads; the fewer, the faster."""
WITH_STEPS = (*AUDITED, "flow", "step")
"""The columns of an audit that looks for declared steps."""
