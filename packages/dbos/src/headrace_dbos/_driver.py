"""The drivers of durable runs: each attempt, predicate and undo is a step of DBOS.

DBOS knows a step by its position in the run and checks its name. When a run is resumed, the walk
repeats it from the beginning, and DBOS answers each step from its record. The list of recorded
names tells beforehand whether the next step is recorded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Never

from headrace import ChainError
from headrace.integration.chains import (
    AsyncDriver,
    Parallel,
    Run,
    Step,
    SyncDriver,
    add_undo,
    drive,
    join_branch,
    next_delay,
    step_key,
)

from ._values import error_from_json, error_to_json

if TYPE_CHECKING:
    from ._execution import Execution

    _Base = SyncDriver
else:
    _Base = object  # a mixin of both drivers

_LOST: Any = object()
"""Stands for a result that could not be recorded, in a process that did not see it."""

Record = dict[str, Any]
Body = Callable[[], Awaitable[Record]]


class Interrupted(BaseException):
    """Stops an execution without undos: the run continues elsewhere, or later."""


class _Durable(_Base):
    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._position = 0
        self._is_replayed = False
        self._record: Record = {}
        self.cause: BaseException | None = None

    @property
    def is_replaying(self) -> bool:
        """Whether the next step is recorded."""
        return self._position < len(self._execution.recorded)

    # --- attempts ---------------------------------------------------------------------------------

    async def call_plain(self, rows: Any, context: Any) -> None:
        """Leave each step to `call`."""

    async def call(self, run: Run, step: Step) -> tuple[Any, BaseException | None]:
        base, live = super(), list[Any]()
        if step.plan is not None:  # its steps are recorded
            return await base.call(run, step)

        async def attempt() -> Record:
            self._execution.spans.open()
            with step_key(f"{self._execution.root}:{step.name}"):
                live[:] = await base.call(run, step)
            return await self._outcome(run, step, *live)

        name = step.name if run.attempts == 1 else f"{step.name}#{run.attempts}"
        self._record = record = await self._step(run, name, attempt)
        if "error" not in record:
            return record["value"], None
        if record.get("done"):
            add_undo(run, step, live[0] if live else _LOST)
        elif live:
            return None, live[1]
        return None, error_from_json(record["error"], run.context if record["is_own"] else None)

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
            value = self._execution.kept(f"step {step.name!r}", step.out, result)
        except Exception as exc:
            return {"error": _error(run, exc), "is_own": False, "done": True}
        if step.validate is None:
            return {"value": value}
        return {"value": value, **await self._answer(run, "validate", step.validate, value)}

    async def undo(self, run: Run, step: Step, result: Any) -> None:
        base, live = super(), list[Exception]()

        async def undo() -> Record:
            try:
                if result is _LOST:
                    raise RuntimeError("its result could not be recorded, and is lost")  # noqa: TRY301
                with step_key(f"{self._execution.root}:undo {step.name}"):
                    await base.undo(run, step, result)
            except Exception as exc:
                live.append(exc)
                return {"error": _error(run, exc)}
            return {}

        record = await self._step(run, f"undo {step.name}", undo)
        if "error" in record:
            raise live[0] if live else error_from_json(record["error"])

    # --- decisions --------------------------------------------------------------------------------

    async def decide(self, run: Run, what: str, function: Callable[..., Any], *args: Any) -> Any:
        step, record = run.step, self._record
        if what == "time":
            return await self._has_time(run, function, *args)
        if what == "when" and isinstance(step.when, tuple):
            return function(*args)  # depends on recorded values alone
        if what == "when" or step.plan is not None:
            name = f"{what} {step.name}"
            record = await self._step(run, name, lambda: self._answer(run, what, function, *args))
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
            if self._execution.recorded[self._position] != name:
                return True
        elif function(*args):
            return True

        async def refuse() -> Record:
            return {}

        await self._step(run, name, refuse)
        return False

    async def notify(
        self, run: Run, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        if not (self.is_replaying if what == "before_step" else self._is_replayed):
            await super().notify(run, what, function, *args, **kwargs)

    async def finish(self, work: Any) -> Any:
        return await work

    # --- DBOS -------------------------------------------------------------------------------------

    async def _step(self, run: Run, name: str, body: Body) -> Record:
        """Return the record of the next step, which `body` makes unless there is one."""
        ran = False

        async def first() -> Record:
            nonlocal ran
            ran = True
            return await body()

        try:
            record = await self._run_step(name, first)
        except BaseException as exc:
            self._interrupt(run, exc)
        self._position += 1
        self._is_replayed = not ran
        return record

    def _interrupt(self, run: Run, exc: BaseException) -> Never:
        """Stop without undos; the errors of steps do not come this way."""
        self.cause = exc
        run.undos.waiting.clear()
        run.undos.late.clear()
        raise Interrupted from exc

    async def sleep(self, run: Run, seconds: float) -> None:
        try:
            await self._sleep(seconds)
        except BaseException as exc:
            self._interrupt(run, exc)
        self._position += 1

    async def run_branches(
        self, run: Run, step: Parallel, branches: list[Run]
    ) -> list[tuple[Run, BaseException | None]]:
        try:
            children = [self._execution.child(run, branch) for branch in branches]
            lefts = await self._run_children(children)
        except BaseException as exc:
            self._interrupt(run, exc)
        self._position += 2 * len(branches)  # each is started, and its result is awaited
        ended: list[tuple[Run, BaseException | None]] = []
        for branch, left in zip(branches, lefts, strict=True):
            join_branch(branch, left)
            error, own = left["error"], branch.context if left["is_own"] else None
            ended.append((branch, None if error is None else error_from_json(error, own)))
        return ended

    async def _run_step(self, name: str, body: Body) -> Record:
        raise NotImplementedError

    async def _sleep(self, seconds: float) -> None:
        raise NotImplementedError

    async def _run_children(self, children: list[tuple[Any, Record]]) -> list[Record]:
        raise NotImplementedError


class SyncDurable(_Durable, SyncDriver):
    """Runs a `Chain` in the thread of its workflow."""

    async def _run_step(self, name: str, body: Body) -> Record:
        from dbos import DBOS

        return DBOS.run_step({"name": name}, lambda: drive(body()))

    async def _sleep(self, seconds: float) -> None:
        from dbos import DBOS

        DBOS.sleep(seconds)

    async def _run_children(self, children: list[tuple[Any, Record]]) -> list[Record]:
        from dbos import DBOS

        handles = [DBOS.start_workflow(workflow, record) for workflow, record in children]
        with self._execution.waiting():
            return [handle.get_result() for handle in handles]


class AsyncDurable(_Durable, AsyncDriver):
    """Runs an `AsyncChain` in the task of its workflow."""

    async def _run_step(self, name: str, body: Body) -> Record:
        from dbos import DBOS

        return await DBOS.run_step_async({"name": name}, body)

    async def _sleep(self, seconds: float) -> None:
        from dbos import DBOS

        await DBOS.sleep_async(seconds)

    async def _run_children(self, children: list[tuple[Any, Record]]) -> list[Record]:
        from dbos import DBOS

        handles = [
            await DBOS.start_workflow_async(workflow, record) for workflow, record in children
        ]
        with self._execution.waiting():
            return [await handle.get_result() for handle in handles]


def _error(run: Run, exc: BaseException) -> Record:
    return error_to_json(exc, run.plan.blotter(run.context))
