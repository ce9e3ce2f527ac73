"""headrace on DBOS: chains whose runs survive the death of their process."""

from __future__ import annotations

from headrace.integration.recording import (
    ChangedChainError,
    DurableError,
    ExecutorBusyError,
    JsonSerializer,
    PickleSerializer,
    RecordedStep,
    RunCancelledError,
    RunConflictError,
    ValueNotRecordedError,
)

from ._admin import delete_finished, fork, resume, unfinished
from ._chain import AsyncDurableChain, DurableChain, durable
from ._handles import AsyncHandle, Handle
from ._launch import launch, recover, shutdown

__all__ = [
    "AsyncDurableChain",
    "AsyncHandle",
    "ChangedChainError",
    "DurableChain",
    "DurableError",
    "ExecutorBusyError",
    "Handle",
    "JsonSerializer",
    "PickleSerializer",
    "RecordedStep",
    "RunCancelledError",
    "RunConflictError",
    "ValueNotRecordedError",
    "delete_finished",
    "durable",
    "fork",
    "launch",
    "recover",
    "resume",
    "shutdown",
    "unfinished",
]
