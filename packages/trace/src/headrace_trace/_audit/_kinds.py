"""The kinds of cases."""

from __future__ import annotations

KINDS = {
    "not_started": "published and never started",
    "not_ended": "started and never ended",
    "run_twice": "run more often than published",
    "retries_exhausted": "retried, and ended in error",
    "error": "ended in error",
    "step_missing": "the next step never came",
}
"""The kinds of cases, each with its heading."""
