"""The undos that are due if a run fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .plan import Parallel
    from .step import Step
    from .threads import LateCall


class Undo:
    """A finished step that is undone if the run fails.

    Attributes:
        step: the step.
        function: its undo function.
        result: its result.
    """

    __slots__ = ("function", "result", "step")

    def __init__(self, step: Step, function: Callable[[Any], Any], result: Any) -> None:
        self.step = step
        self.function = function
        self.result = result


class Undos:
    """The undos that are due if the run fails; the branches of a run share them.

    Attributes:
        waiting: the finished steps that can be undone, in the order in which they finished.
        late: the timed-out or cancelled calls that are still running in their threads.
        done: the outcome of each undo.
    """

    __slots__ = ("done", "late", "waiting")

    def __init__(self) -> None:
        self.waiting: list[Undo] = []
        self.late: list[LateCall] = []
        self.done: dict[Step | Parallel, str] = {}

    def add(self, step: Step, result: Any) -> None:
        """Remember that `step` has returned `result`, if it can be undone."""
        if step.undo is not None:
            self.waiting.append(Undo(step, step.undo, result))

    def take(self, steps: Collection[Step] | None = None) -> Undo | None:
        """Remove and return the last finished step, or None.

        Args:
            steps: the steps to consider, or None for all.
        """
        for undo in reversed(self.waiting):
            if steps is None or undo.step in steps:
                self.waiting.remove(undo)
                return undo
        return None

    def concern(self, steps: Collection[Step]) -> bool:
        """Tell whether one of `steps` is still running or can be undone."""
        return any(each.step in steps for each in self.late) or any(
            each.step in steps for each in self.waiting
        )

    def are_due(self) -> bool:
        """Tell whether a run that fails has anything to undo, now or when a late call ends."""
        return bool(self.waiting) or any(late.step.undo for late in self.late)
