"""Building blocks for engines that record the runs of chains, and resume them after a crash."""

from __future__ import annotations

from headrace._chains.durable_errors import (
    ChangedChainError,
    DurableError,
    ExecutorBusyError,
    RunCancelledError,
    RunConflictError,
    ValueNotRecordedError,
)
from headrace._chains.recorded_chain import RecordedChain, RecordedStep
from headrace._chains.recorded_errors import (
    RecordedError,
    error_from_json,
    error_to_json,
    secret_in,
)
from headrace._chains.recorded_run import RecordedRun
from headrace._chains.recorded_values import JsonSerializer, PickleSerializer, Serializer
from headrace._chains.recording import Interrupted, LateSpans, Recording

__all__ = [
    "ChangedChainError",
    "DurableError",
    "ExecutorBusyError",
    "Interrupted",
    "JsonSerializer",
    "LateSpans",
    "PickleSerializer",
    "RecordedChain",
    "RecordedError",
    "RecordedRun",
    "RecordedStep",
    "Recording",
    "RunCancelledError",
    "RunConflictError",
    "Serializer",
    "ValueNotRecordedError",
    "error_from_json",
    "error_to_json",
    "secret_in",
]
