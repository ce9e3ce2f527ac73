"""Building blocks for engines that record the runs of chains, and resume them after a crash."""

from __future__ import annotations

from headrace._chains.recorded_errors import (
    RecordedError,
    error_from_json,
    error_to_json,
    secret_in,
)
from headrace._chains.recorded_run import RecordedRun, beginning
from headrace._chains.recording import Interrupted, LateSpans, Recording

__all__ = [
    "Interrupted",
    "LateSpans",
    "RecordedError",
    "RecordedRun",
    "Recording",
    "beginning",
    "error_from_json",
    "error_to_json",
    "secret_in",
]
