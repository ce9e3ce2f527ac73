"""headrace on DBOS: chains whose runs survive the death of their process."""

from __future__ import annotations

from ._admin import delete_finished, fork, resume, unfinished
from ._chain import AsyncDurableChain, DurableChain, durable
from ._errors import (
    ChangedChainError,
    DurableError,
    ExecutorBusyError,
    RunCancelledError,
    RunConflictError,
    ValueNotRecordedError,
)
from ._handles import AsyncHandle, Handle, RecordedStep
from ._launch import launch, recover, shutdown
from ._values import JsonSerializer, PickleSerializer

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
