"""The columns of ``line`` that an audit reads."""

from __future__ import annotations

from headrace_trace._store import SKELETON

AUDITED = (*SKELETON, "error", "task", "queue", "eta", "retries", "redelivered")
"""The columns of ``line`` that an audit reads."""
