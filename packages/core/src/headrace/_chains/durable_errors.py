"""Errors of durable runs, shared by all engines that record runs."""

from __future__ import annotations

from headrace._errors import HeadraceError


class DurableError(HeadraceError):
    """The base class of the errors of durable runs."""


class RunConflictError(DurableError):
    """The run ID belongs to a run of another chain, or with other inputs."""


class RunCancelledError(DurableError):
    """The run was cancelled; `resume` continues it."""


class ExecutorBusyError(DurableError):
    """A living process has this executor ID."""


class ValueNotRecordedError(DurableError):
    """A value cannot be recorded; the message names the step and the type."""


class ChangedChainError(DurableError):
    """The run is parked: its chain has changed. The engine's `resume` or `fork` continues it.

    Attributes:
        run_id: the run.
        difference: the lines of the definition that are gone, marked ``-``, and new, marked ``+``.
    """

    def __init__(self, run_id: str, difference: list[str]) -> None:
        text = f"run {run_id!r} is parked, since its chain has changed: {'; '.join(difference)}"
        super().__init__(f"{text}; resume() it with the old code, or fork() it with the new")
        self.run_id = run_id
        self.difference = difference
