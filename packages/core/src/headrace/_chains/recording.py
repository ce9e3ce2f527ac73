"""Runs that are recorded, and repeated from their records after their process has died.

The engine identifies a record by its position in the run. When a run is resumed, the walk repeats
it from the beginning, and the engine answers from the records for as long as there are any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Never

from headrace._context.step_keys import step_key

from .engine import add_undo, join_branch
from .errors import ChainError
from .recorded_errors import error_from_json, error_to_json
from .retries import next_delay
from .sync_driver import SyncDriver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from headrace._context.dispatcher import StepDispatcher
    from headrace._context.model import FlowContext
    from headrace._step_info import StepInfo

    from .plan import Parallel
    from .run import Ended, Run
    from .step import Step

    Record = dict[str, Any]
    Body = Callable[[], Awaitable[Record]]
    _Driver = SyncDriver
else:
    _Driver = object  # a mixin for both drivers

_LOST: Any = object()
"""Stands for a result that could not be recorded, in a process that did not see it."""


class Interrupted(BaseException):
    """Stops an execution without undos: the run continues elsewhere, or later."""


class Recording(_Driver):
    """A mixin for `SyncDriver` or `AsyncDriver` that records a run, and repeats it.

    One record is made for each attempt (named ``charge``, ``charge#2``), predicate of `when`
    (``when charge``), undo (``undo charge``) and refusal by the deadline (``deadline charge``). An
    attempt's record holds what `retry_on` and `validate` said about it. What depends on recorded
    values alone is not recorded. Hooks, log lines and spans are left out for recorded steps.

    A subclass stores the records: it defines `record_step`, `record_sleep`, `record_branches` and
    `keep`. An exception of these stops the execution without undos, as does a `BaseException` that
    is not an `Exception` in a step: the run is then unfinished, and can be resumed.

    Args:
        run_id: the ID of the run, for the keys of its steps.
        names: the names of the records that there are, in order.
        dispatcher: sends the steps to the backends, or None.

    Attributes:
        cause: the exception that stopped the execution, or None.
        dispatcher: the dispatcher for `new_run`, or None.
    """

    def __init__(
        self, run_id: str, names: Sequence[str], dispatcher: StepDispatcher | None = None
    ) -> None:
        self._run_id = run_id
        self._names = names
        self._position = 0
        self._is_replayed = False
        self._record: Record = {}
        self.cause: BaseException | None = None
        self.dispatcher: LateSpans | None = (
            None if dispatcher is None else LateSpans(dispatcher, self)
        )

    @property
    def is_replaying(self) -> bool:
        """Whether there is a record of what comes next."""
        return self._position < len(self._names)

    # --- what an engine defines -------------------------------------------------------------------

    async def record_step(self, name: str, body: Body) -> Record:
        """Return the next record; if there is none, that which `body` returns, recorded."""
        raise NotImplementedError

    async def record_sleep(self, seconds: float) -> None:
        """Record when a wait ends, and wait; only `names` of one record may come of it."""
        raise NotImplementedError

    async def record_branches(self, run: Run, branches: list[Run]) -> tuple[list[Record], int]:
        """Run the branches; return what each left (see `leave_branch`), and how many records."""
        raise NotImplementedError

    def keep(self, step: Step, value: Any) -> Any:
        """Return the result of a step as it will be read from its record, or raise."""
        raise NotImplementedError

    # --- attempts and undos -----------------------------------------------------------------------

    async def call_plain(self, rows: Any, context: Any) -> None:
        """Leave each step to `call`."""

    async def call(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        """Make an attempt, or repeat it from its record."""
        if step.plan is not None:  # its steps are recorded
            return await super().call(run, step)
        live: list[Any] = []

        async def attempt() -> Record:
            if self.dispatcher is not None:
                self.dispatcher.open()
            live[:] = await self._call_live(run, step)
            return await self._outcome(run, step, *live)

        name = step.name if run.attempts == 1 else f"{step.name}#{run.attempts}"
        self._record = record = await self._next(run, name, attempt)
        if "error" not in record:
            return record["value"], None
        if record.get("done"):
            add_undo(run, step, live[0] if live else _LOST)
        elif live:
            return None, live[1]
        return None, error_from_json(record["error"], run.context if record["is_own"] else None)

    async def _call_live(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        with step_key(f"{self._run_id}:{step.name}"):
            return await super().call(run, step)

    async def _outcome(
        self, run: Run, step: Step, result: Any, failure: BaseException | None
    ) -> Record:
        """Return what is recorded of an attempt, and the decisions that depend on it."""
        if failure is not None:
            is_own = isinstance(failure, ChainError) and failure.result is run.context
            delay = None
            if run.attempts <= step.retries.count and isinstance(failure, Exception):
                delay = next_delay(run, failure)
            return {"error": _error(run, failure), "is_own": is_own, "delay": delay}
        try:
            value = self.keep(step, result)
        except Exception as exc:
            return {"error": _error(run, exc), "is_own": False, "done": True}
        if step.validate is None:
            return {"value": value}
        return {"value": value, **await self._answer(run, "validate", step.validate, value)}

    async def undo(self, run: Run, step: Step, result: Any) -> None:
        """Undo a step, or repeat that from its record."""
        live: list[Exception] = []

        async def undo() -> Record:
            try:
                await self._undo_live(run, step, result)
            except Exception as exc:
                live.append(exc)
                return {"error": _error(run, exc)}
            return {}

        record = await self._next(run, f"undo {step.name}", undo)
        if "error" in record:
            raise live[0] if live else error_from_json(record["error"])

    async def _undo_live(self, run: Run, step: Step, result: Any) -> None:
        if result is _LOST:
            raise RuntimeError("its result could not be recorded, and is lost")
        with step_key(f"{self._run_id}:undo {step.name}"):
            await super().undo(run, step, result)

    # --- decisions, hooks, waits ------------------------------------------------------------------

    async def decide(self, run: Run, what: str, function: Callable[..., Any], *args: Any) -> Any:
        """Decide, or repeat the decision from the records."""
        step, record = run.step, self._record
        if what == "time":
            return await self._has_time(run, function, *args)
        if what == "when" and isinstance(step.when, tuple):
            return function(*args)  # depends on recorded values alone
        if what == "when" or step.plan is not None:
            name = f"{what} {step.name}"
            record = await self._next(run, name, lambda: self._answer(run, what, function, *args))
        elif what == "retry":
            return record.get("delay")
        if "raised" in record:
            raise error_from_json(record["raised"])
        return record["answer"]

    async def _answer(
        self, run: Run, what: str, function: Callable[..., Any], *args: Any
    ) -> Record:
        try:
            answer = await super().decide(run, what, function, *args)
        except Exception as exc:
            return {"raised": _error(run, exc)}
        if what == "validate":
            answer = answer is not False
        return {"answer": answer if what == "retry" else bool(answer)}

    async def _has_time(self, run: Run, function: Callable[..., Any], *args: Any) -> bool:
        """Only a refusal is recorded: what follows in the records shows that there was time."""
        name = f"deadline {run.step.name}"
        if self.is_replaying:
            if self._names[self._position] != name:
                return True
        elif function(*args):
            return True

        async def refuse() -> Record:
            return {}

        await self._next(run, name, refuse)
        return False

    async def notify(
        self, run: Run, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        """Call a hook, unless the step is recorded."""
        if not (self.is_replaying if what == "before_step" else self._is_replayed):
            await super().notify(run, what, function, *args, **kwargs)

    async def finish(self, work: Any) -> Any:
        """Await `work`; a resumed run finishes what a cancellation interrupts."""
        return await work

    async def sleep(self, run: Run, seconds: float) -> None:
        """Wait until the time that is recorded."""
        try:
            await self.record_sleep(seconds)
        except BaseException as exc:
            self._interrupt(run, exc)
        self._position += 1

    async def run_branches(self, run: Run, step: Parallel, branches: list[Run]) -> list[Ended]:
        """Run the branches; none is stopped because another one failed."""
        try:
            lefts, count = await self.record_branches(run, branches)
        except BaseException as exc:
            self._interrupt(run, exc)
        self._position += count
        return [(each, join_branch(each, left)) for each, left in zip(branches, lefts, strict=True)]

    # --- records ----------------------------------------------------------------------------------

    async def _next(self, run: Run, name: str, body: Body) -> Record:
        ran = False

        async def first() -> Record:
            nonlocal ran
            ran = True
            return await body()

        try:
            record = await self.record_step(name, first)
        except BaseException as exc:
            self._interrupt(run, exc)
        self._position += 1
        self._is_replayed = not ran
        return record

    def _interrupt(self, run: Run, exc: BaseException) -> Never:
        self.cause = exc
        run.undos.waiting.clear()
        run.undos.late.clear()
        raise Interrupted from exc


class LateSpans:
    """A dispatcher that begins the span of a step with the first attempt that is not repeated.

    Args:
        dispatcher: the real one.
        driver: knows what is recorded.
    """

    def __init__(self, dispatcher: StepDispatcher, driver: Recording) -> None:
        self._dispatcher = dispatcher
        self._driver = driver
        self._step: tuple[StepInfo, FlowContext] | None = None
        self._state: list[Any] = []

    def begin(self, step: StepInfo, context: FlowContext) -> Any:
        """Begin the span, unless there is a record of what comes next."""
        self._step, self._state = (step, context), []
        if not self._driver.is_replaying:
            self.open()
        return self._state

    def open(self) -> None:
        """Begin the span of the current step, unless it has begun."""
        if self._step is not None and not self._state:
            self._state.append(self._dispatcher.begin(*self._step))

    def end(self, state: Any, exc: BaseException | None) -> None:
        """End the span, if it has begun."""
        self._step = None
        if state:
            self._dispatcher.end(state[0], exc)


def _error(run: Run, exc: BaseException) -> Record:
    return error_to_json(exc, run.plan.blotter(run.context))
