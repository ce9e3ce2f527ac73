"""The state of one run of a chain, and the interface of the drivers that carry runs out."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from headrace._context.deadlines import Budget, inherited_deadline, min_deadline
from headrace._process import clock

from .messages import is_on
from .result import ChainResult, StepReport, flattened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator

    from headrace._context.dispatcher import StepDispatcher
    from headrace._context.model import FlowContext

    from .plan import Parallel, Plan, Row
    from .result import Noted
    from .step import Step
    from .threads import LateCall

    Ended = tuple["Run", BaseException | None]

T = TypeVar("T")

_INFO = 20  # logging.INFO


class Undo(tuple["Step", Any]):
    """A finished step and its result.

    Compared by identity: a step can be undone twice, and results can define equality in any way.
    It is created without a Python function, at whose start a signal could lose the undo.
    """

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Undos:
    """The undos that a failure of the run triggers; its branches share them.

    Attributes:
        waiting: the steps to undo, each with its result, in the order in which they finished.
        late: the timed-out or cancelled calls that are still running in their threads.
        done: the outcome of each undo.
    """

    __slots__ = ("done", "late", "waiting")

    def __init__(self) -> None:
        self.waiting: list[Undo] = []
        self.late: list[LateCall] = []
        self.done: dict[Step | Parallel, str] = {}


class Run:
    """The state of one run, or of one of its branches; the fast path does without it.

    It refers to the context but not the reverse, so the values of a run are freed with its result.

    Args:
        plan: the plan that the run follows.
        context: the values.
        unit: the unit of work that the run is part of.
        dispatcher: sends the steps to the backends; None if no backend is listening.
        outer: the run that this one is a part of, or None.
        until: the deadline of a run that has one of its own; None to begin it now.

    Attributes:
        step: the current step.
        attempts: how many times the current step has been called.
        until: the chain's own deadline, as a reading of the monotonic clock, or None.
        limit: the reading from which no further attempt may start, or None.
        rows: the plan's rows for this run; special ones if a backend or a deadline is active.
        noted: the reports of steps that did not simply succeed at the first attempt.
        undos: the undos that a failure triggers.
    """

    __slots__ = (
        "__weakref__",
        "attempts",
        "context",
        "dispatcher",
        "limit",
        "noted",
        "plan",
        "rows",
        "step",
        "undos",
        "unit",
        "until",
    )

    step: Step

    def __init__(
        self,
        plan: Plan,
        context: ChainResult,
        unit: FlowContext,
        dispatcher: StepDispatcher | None = None,
        outer: Run | None = None,
        until: float | None = None,
    ) -> None:
        self.plan: Plan = plan
        self.context: ChainResult = context
        self.unit: FlowContext = unit
        self.dispatcher: StepDispatcher | None = dispatcher
        self.attempts: int = 0
        self.undos: Undos = Undos() if outer is None else outer.undos
        self.until: float | None = until
        if plan.has_deadline and until is None:
            self.until = own_deadline(plan)
            context._started = clock.perf_counter()  # deadline_fn took time
        deadline = inherited_deadline(unit)
        if self.until is not None:
            deadline = min_deadline(self.until, deadline)
        limit = None if deadline is None else deadline - plan.settings.safety_margin
        self.limit: float | None = limit if outer is None else min_deadline(limit, outer.limit)
        is_watched = dispatcher is not None or self.limit is not None
        self.rows: tuple[Row, ...] = plan.special_rows if is_watched else rows_of(plan)
        self.noted: Noted = {}
        context._noted, context._undone = self.noted, self.undos.done

    def branch(self, plan: Plan, inputs: dict[str, Any] | None = None) -> Run:
        """Return the run of a branch or a nested chain.

        Args:
            plan: the plan to run.
            inputs: its initial values; None for those of the context.
        """
        if inputs is None:
            inputs = {**self.context, **plan.values}
        context = new_context(plan, self.unit, inputs)
        return Run(plan, context, self.unit, self.dispatcher, self)

    def take_outputs(self, inner: Run) -> None:
        """Copy the outputs of `inner`, the run of a branch or a nested chain, into the context."""
        context = inner.context
        self.context.update({out: context[out] for out in inner.plan.outs if out in context})

    # --- time -------------------------------------------------------------------------------------

    @contextmanager
    def budget(self) -> Iterator[None]:
        """Make the chain's own deadline the one that `headrace.remaining` reads."""
        until = min_deadline(self.until, inherited_deadline(self.unit))
        budget = Budget(self, self.unit, until)
        try:
            budget.begin()
            yield
        finally:
            budget.leave()

    def has_time(self, delay: float) -> bool:
        """Return whether the deadline leaves time for an attempt in `delay` seconds."""
        return self.limit is None or clock.monotonic() + delay < self.limit

    def elapsed(self) -> float:
        """Return how long the current step has taken, in seconds."""
        ends = self.context._ends
        return clock.perf_counter() - (ends[-1] if ends else self.context._started)

    # --- report -----------------------------------------------------------------------------------

    def note(self, outcome: str, reason: str | None = None) -> None:
        """Record the outcome of the current step."""
        step = self.step
        report = StepReport(step.name, outcome, self.attempts, self.elapsed(), reason)
        if step.plan is None:
            self.noted[step] = (report,)
            return
        # A nested chain is reported by its steps, unless none of them caused its outcome.
        is_noted = step in self.noted
        within = flattened(self.context._reports_of(step, self.noted, 0.0)) if is_noted else []
        if outcome != "ok" and all(each.outcome in {"ok", "skipped"} for each in within):
            self.noted[step] = [*within, report]

    def note_runs(self, step: Step | Parallel, runs: Iterable[Run]) -> None:
        """Record the runs of the branches, or of the nested chain, of `step`."""
        self.noted[step] = [run.context for run in runs]


def new_context(plan: Plan, unit: FlowContext, inputs: dict[str, Any]) -> ChainResult:
    """Return the context of a run: the values of `plan`, overridden by `inputs`."""
    if plan.values:
        context = ChainResult(plan.values)
        context.update(inputs)
    else:
        context = ChainResult(inputs)
    context._plan = plan
    context._noted = None
    context._ends = []
    context._correlation_id = unit.correlation_id
    context._started = clock.perf_counter()
    return context


def rows_of(plan: Plan) -> tuple[Row, ...]:
    """Return the rows of a run without an active backend or deadline."""
    if plan.has_templates and not is_on(_INFO):
        return plan.silent_rows
    return plan.rows


def own_deadline(plan: Plan) -> float | None:
    """Return the deadline of a run that begins now, as a reading of the monotonic clock, or None.

    Raises:
        TypeError: `deadline_fn` returned something else.
    """
    settings = plan.settings
    now = clock.monotonic()
    left = None if settings.deadline_fn is None else settings.deadline_fn()
    if left is not None and (not isinstance(left, int | float) or math.isnan(left)):
        raise TypeError(f"deadline_fn() must return the seconds left, or None, not {left!r}")
    return min_deadline(
        None if settings.deadline is None else now + settings.deadline,
        None if left is None else now + left,
    )


class Driver(Protocol):
    """How a chain calls and waits.

    Everything that determines the path of a run goes through its driver: attempts (`call`),
    decisions (`decide`), waits (`sleep`) and undos. So do hooks and log lines (`notify`). A driver
    can therefore record a run and replay it; ``run.step.name`` and ``run.attempts`` identify the
    position in the run.

    Attributes:
        stepwise: whether the driver takes each step by itself: `before_step` is awaited before each
            one, and `call_plain` is never called.
    """

    stepwise: bool = False

    async def before_step(self, run: Run, step: Step | Parallel) -> None:
        """Do what is due before a step or its branches, if the driver is `stepwise`.

        An exception ends the run between two steps; the finished ones are undone.

        Args:
            run: the run.
            step: what comes next; its condition has not been evaluated yet.
        """

    async def call_plain(self, rows: tuple[Row, ...], context: ChainResult) -> BaseException | None:
        """Call the steps that take only a call, up to the first that takes more.

        A fast path: a driver may call only some of them, or none, and leave the rest to `call`.

        Returns:
            The exception that the last of them raised, or None.
        """
        ...

    async def call(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        """Make one attempt at the current step; return its result, and its exception or None."""
        ...

    async def decide(self, run: Run, what: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function whose result determines the path of the run.

        Args:
            run: the run.
            what: ``when``, ``validate``, ``retry`` (the delay before another attempt, or None), or
                ``time`` (whether the deadline leaves time for an attempt).
            function: the function.
            args: its arguments.
        """
        ...

    async def notify(
        self, run: Run, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        """Call a hook, or log a line; neither affects the path of the run.

        Args:
            run: the run.
            what: ``before_step``, ``after_step``, ``on_retry``, ``log``, ``log_fmt``, or, to log
                one, ``retry`` or ``undone``.
            function: the function.
            args: its positional arguments.
            kwargs: its keyword arguments.
        """
        ...

    async def undo(self, run: Run, step: Step, result: Any) -> None:
        """Call the undo of `step` with its result."""
        ...

    async def sleep(self, run: Run, seconds: float) -> None:
        """Wait before the next attempt at the current step."""
        ...

    async def settle(self, run: Run, waiting: str, steps: Collection[Step] | None = None) -> None:
        """Wait for timed-out calls of `steps` that are still running, up to the deadline.

        Args:
            run: the run.
            waiting: the part of the run that waits, for the log.
            steps: the steps to wait for, or None for all of the run.
        """
        ...

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work` to completion, even if the run is cancelled meanwhile."""
        ...

    async def run_branches(self, run: Run, step: Parallel, branches: list[Run]) -> list[Ended]:
        """Run the branches of `step` concurrently.

        Returns:
            Each branch with its exception or None, in the order in which they ended. A branch that
            was cancelled because another failed has a `Stopped`.
        """
        ...
