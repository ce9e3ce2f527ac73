"""What an engine needs to run chains with a driver of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from headrace import _state
from headrace._context.deadlines import inherited_deadline, min_deadline
from headrace._context.variables import get_step, get_unit, set_step
from headrace._process import clock

from .errors import ChainError
from .plan import Parallel
from .recorded_errors import error_from_json, error_to_json
from .references import spelled
from .result import ChainResult, StepReport, restored
from .run import Run, Undo, new_context, own_deadline
from .sync_driver import drive
from .walk import complete

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from headrace._context.dispatcher import Dispatcher, StepDispatcher
    from headrace._context.model import FlowContext

    from .chain import BaseChain, Chain
    from .plan import Plan
    from .references import Operand
    from .run import Driver
    from .step import Step
    from .sync_driver import SyncDriver


def plan_of(chain: BaseChain) -> Plan:
    """Return the plan of `chain`, which can no longer be changed."""
    return chain._plan or chain._freeze()


def flow_of(chain: BaseChain) -> str:
    """Return the name of the flow of `chain`, or ``""``."""
    return chain._flow


class Part(NamedTuple):
    """A chain, a branch or a nested chain, as a part of a whole chain.

    Attributes:
        plan: its plan.
        path: where it is in the whole, ``""`` for the whole itself.
        is_branch: whether it is a branch.
        values: the values set by `put` that its runs begin with, those of outer chains included.
    """

    plan: Plan
    path: str
    is_branch: bool
    values: dict[str, Any]


def parts_of(
    plan: Plan,
    path: str = "",
    outer: Mapping[str, Any] | None = None,
    *,
    is_branch: bool = False,
) -> Iterator[Part]:
    """Yield the parts of a chain, beginning with the chain itself.

    Args:
        plan: the plan of the chain.
        path: where it is in the whole.
        outer: the values that it begins with, besides its own.
        is_branch: whether it is a branch.
    """
    values = {**(outer or {}), **plan.values}
    yield Part(plan, path, is_branch, values)
    for place, step in enumerate(plan.steps):
        if isinstance(step, Parallel):
            for number, branch in enumerate(step.branches):
                here = f"{path}/{place}.{number}"
                yield from parts_of(branch, here, values, is_branch=True)
        elif step.plan is not None:
            given = {} if step.has_inputs else values
            yield from parts_of(step.plan, f"{path}/{place}", given)


def active_dispatcher() -> Dispatcher | None:
    """Return the dispatcher, or None if no backend is listening."""
    dispatcher = _state.dispatcher
    return dispatcher if dispatcher is not None and dispatcher.enabled() else None


def seconds_left(plan: Plan) -> float | None:
    """Return how long a run that begins now may take, in seconds, or None.

    The earliest of `deadline`, `deadline_fn` and the deadline of the current unit of work.

    Args:
        plan: the plan of the chain.
    """
    until = min_deadline(own_deadline(plan), inherited_deadline(get_unit()))
    return None if until is None else until - clock.monotonic()


def new_run(
    plan: Plan,
    unit: FlowContext,
    inputs: dict[str, Any],
    *,
    dispatcher: StepDispatcher | None = None,
    until: float | None = None,
) -> Run:
    """Return the state of a run that begins now; pass it to `complete`.

    Args:
        plan: the plan of the chain.
        unit: the unit of work, which must be the current one.
        inputs: the initial values of the context; they override those set by `put`.
        dispatcher: sends the steps to the backends; see `active_dispatcher`.
        until: the reading of the monotonic clock at which the run's deadline passes, infinite if it
            has none; None for the deadline of the chain.
    """
    run = Run(plan, new_context(plan, unit, inputs), unit, dispatcher, until=until)
    if until == math.inf:
        run.until = None
        run.limit = None if run.limit == math.inf else run.limit
    return run


def run_with(driver: SyncDriver, chain: Chain, inputs: dict[str, Any]) -> ChainResult:
    """Run `chain` with `driver` in the current unit of work, and return its context.

    Args:
        driver: how to call and wait.
        chain: the chain.
        inputs: the initial values of the context; they override those set by `put`.

    Raises:
        RuntimeError: no unit of work is active.
        ChainError: as for `Chain.run`.
    """
    return drive(run_async_with(driver, chain, inputs))


async def run_async_with(driver: Driver, chain: BaseChain, inputs: dict[str, Any]) -> ChainResult:
    """Run `chain` with `driver`, which may suspend; otherwise as `run_with`.

    Args:
        driver: how to call and wait.
        chain: the chain.
        inputs: the initial values of the context; they override those set by `put`.

    Raises:
        RuntimeError: no unit of work is active.
        ChainError: as for `AsyncChain.run`.
    """
    unit, outer = get_unit(), get_step()
    if unit is None:
        raise RuntimeError("no unit of work is active: open one around the run")
    run = new_run(plan_of(chain), unit, inputs, dispatcher=active_dispatcher())
    failure = None
    try:
        failure = await complete(driver, run)
        if failure is not None:
            raise failure
    finally:
        del failure  # its traceback holds this frame
        set_step(outer)
    return run.context


def add_undo(run: Run, step: Step, result: Any) -> None:
    """Let a failure of the run undo `step`, whose attempt had an effect although it failed.

    Args:
        run: the run.
        step: the current step.
        result: the argument of the undo.
    """
    if step.undo is not None:
        run.undos.waiting.append(Undo((step, result)))


# --- branches that run elsewhere ------------------------------------------------------------------


def leave_branch(branch: Run, failure: BaseException | None) -> dict[str, Any]:
    """Return what a branch that has ended leaves to the run that it is part of.

    Args:
        branch: the branch.
        failure: what `walk` returned.

    Returns:
        A mapping of ``outs`` (its outputs), ``undos`` (pairs of a step's name and its result, in
        the order in which they finished), ``steps`` (the fields of its reports), ``error`` (a
        JSON value, or None) and ``is_own`` (whether it is an error of the chain).
    """
    context = branch.context
    is_own = isinstance(failure, ChainError) and failure.result is context
    blot = branch.plan.blotter(context)
    return {
        "outs": {out: context[out] for out in branch.plan.outs if out in context},
        "undos": [[step.name, result] for step, result in branch.undos.waiting],
        "steps": [fields_of(report) for report in context.steps],
        "error": None if failure is None else error_to_json(failure, blot),
        "is_own": is_own,
    }


def join_branch(branch: Run, left: dict[str, Any]) -> BaseException | None:
    """Bring `branch` to the state in which another process has left it; return its error or None.

    Args:
        branch: the run of the branch, which has not begun.
        left: the result of `leave_branch`.
    """
    branch.context.update(left["outs"])
    steps = {step.name: step for step in _steps_of(branch.plan)}
    branch.undos.waiting += [Undo((steps[name], result)) for name, result in left["undos"]]
    reports = {fields[0]: StepReport(*fields) for fields in left["steps"]}
    branch.context._started = clock.perf_counter()
    _report(branch.context, branch.plan, reports)
    own = branch.context if left["is_own"] else None
    return None if left["error"] is None else error_from_json(left["error"], own)


def fields_of(report: StepReport) -> list[Any]:
    """Return the arguments that make `report`."""
    return [report.name, report.outcome, report.attempts, report.seconds, report.reason]


def result_of(
    plan: Plan, values: dict[str, Any], steps: Iterable[list[Any]], correlation_id: str | None
) -> ChainResult:
    """Return the result of a run that ended elsewhere.

    Args:
        plan: the plan of the chain.
        values: the context, without the values set by `put`.
        steps: the fields of its reports; see `fields_of`.
        correlation_id: the ID of the operation that the run was part of.
    """
    names = plan.settings.redaction.names
    reports = tuple(StepReport(*fields) for fields in steps)
    return restored({**plan.values, **values}, reports, names, correlation_id)


def _steps_of(plan: Plan) -> Iterator[Step]:
    """Yield every step, including those that are chains themselves."""
    for step in plan.steps:
        if isinstance(step, Parallel):
            for branch in step.branches:
                yield from _steps_of(branch)
        else:
            yield step
            if step.plan is not None:
                yield from _steps_of(step.plan)


def _report(context: ChainResult, plan: Plan, reports: dict[str, StepReport]) -> bool:
    """Enter the `reports` of the steps of `plan` into `context`; return whether there are any."""
    noted = context._noted
    if noted is None:
        return False
    for step in plan.steps:
        inner = step.branches if isinstance(step, Parallel) else (step.plan,)
        entry: list[ChainResult | StepReport] = []
        for each in inner:
            if each is not None:
                part = ChainResult()
                part._plan, part._noted, part._undone = each, {}, context._undone
                part._ends, part._started = [], context._started
                if _report(part, each, reports):
                    entry.append(part)
        own = reports.get(step.name)
        if own is not None:
            entry.append(own)
        if not entry:
            break
        noted[step] = (own,) if own is not None and inner == (None,) else entry
        context._ends.append(context._started)
    return bool(noted)


# --- definitions ----------------------------------------------------------------------------------


def definition_of(plan: Plan) -> list[str]:
    """Describe what the records of a run depend on: the chain's structure, names and options.

    Two chains with the same lines make the same records, unless the bodies of their functions
    differ, which the lines do not show. Options that only log are left out.

    Args:
        plan: the plan of the chain.
    """
    settings = plan.settings
    options = {
        "strict": settings.strict,
        "deadline": settings.deadline,
        "deadline_fn": settings.deadline_fn is not None,
        "jitter": settings.jitter or "off",
        "put": ",".join(plan.values),
    }
    lines = [f"chain{_shown(options, jitter=True)}"]
    for step in plan.steps:
        if isinstance(step, Parallel):
            lines.append("parallel")
            parts = [definition_of(branch) for branch in step.branches]
        else:
            lines.append(f"step {step.name}{_shown(_options_of(step))}")
            parts = [] if step.plan is None else [definition_of(step.plan)]
        lines += [f"  {line}" for part in parts for line in part]
    return lines


def _options_of(step: Step) -> dict[str, Any]:
    return {
        "out": step.out,
        "args": ",".join(_operand(each) for each in step.args),
        "kwargs": ",".join(f"{name}:{_operand(each)}" for name, each in step.kwargs.items()),
        "retries": step.retries.policy(),
        "timeout": step.timeout,
        "when": spelled(step.when) if isinstance(step.when, tuple) else bool(step.when),
        "validate": step.validate is not None,
        "undo": step.undo is not None,
        "overwrite": step.overwrite,
    }


def _operand(operand: Operand) -> str:
    if isinstance(operand, tuple):
        return spelled(operand)
    value = operand.value  # the text of other objects may hold their address
    return repr(value) if isinstance(value, str | int | float) else type(value).__name__


def _shown(options: dict[str, Any], **usual: Any) -> str:
    return "".join(
        f" {name}={value}" for name, value in options.items() if value and value != usual.get(name)
    )
