"""The errors of durable runs."""

from __future__ import annotations

from collections.abc import Sequence

from headrace import HeadraceError


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
    """The run is parked: the chain has changed since it began.

    Attributes:
        run_id: the run.
        difference: the lines of the definition that are gone, marked ``-``, and new, marked ``+``.
    """

    def __init__(self, run_id: str, difference: Sequence[str]) -> None:
        super().__init__(run_id, difference)
        self.run_id = run_id
        self.difference = list(difference)

    def __str__(self) -> str:
        """Name the run, the difference, and what to do."""
        return (
            f"run {self.run_id!r} is parked, since its chain has changed: "
            f"{'; '.join(self.difference)}; resume() it with the old code, or fork() it with the "
            f"new"
        )
