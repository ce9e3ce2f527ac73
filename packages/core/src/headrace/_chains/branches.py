"""Runs within a run, of branches and of chains that are steps: their outputs, and their errors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from headrace._exceptions.control_flow import is_control_flow

from .errors import ChainError

if TYPE_CHECKING:
    from .plan import Parallel, Plan
    from .result import ChainResult
    from .run import Run
    from .step import Step
    from .walk import IO


class Stopped(BaseException):
    """The end of a branch that was cancelled because another one failed."""


async def perform_parallel(io: IO, run: Run, step: Parallel) -> None:
    """Run the branches of `step`, and put their outputs into the context of `run`.

    Raises:
        BaseException: the error of the branch that failed first.
    """
    branches = [run.branch(plan) for plan in step.branches]
    run.note_runs(step, branches)
    ended = await io.run_branches(branches)
    for branch in branches:
        context = branch.context
        run.context.update({out: context[out] for out in branch.plan.outs if out in context})
    raised = [(branch, exc) for branch, exc in ended if exc is not None]
    try:
        if raised:
            raise _together(run, raised)
    finally:
        del raised[:], ended[:]  # the traceback holds this frame, and the frames of the branches


async def call_chain(io: IO, run: Run, step: Step, plan: Plan) -> ChainResult:
    """Run the chain that is a step of `run`, and return its context.

    Args:
        io: how to call and wait.
        run: the run.
        step: the step.
        plan: its plan.

    Raises:
        BaseException: the error that ended it; its steps are undone with the outer run.
    """
    inputs = None
    if step.has_inputs:
        inputs = {**plan.values, **step.call(run.context)}
    inner = run.branch(plan, inputs)
    run.note_runs(step, [inner])
    failure = await io.run_inside(inner)
    if step.out is None:
        context = inner.context
        run.context.update({out: context[out] for out in plan.outs if out in context})
    try:
        if failure is not None:
            raise run.adopted(failure, inner, step)
    finally:
        del failure  # its traceback holds this frame
    return inner.context


def _together(run: Run, raised: list[tuple[Run, BaseException]]) -> BaseException:
    """Return the first of the errors of several branches; its message names all of them."""
    raised.sort(key=_rank)
    branch, first = raised[0]
    others = raised[1:]
    if branch.owns(first) and isinstance(first, ChainError):
        first.reason = "; ".join([first.reason, *(_line(other, exc) for other, exc in others)])
        first.others = [exc for _, exc in others if not isinstance(exc, Stopped)]
        for other, exc in others:
            other.conceal(exc)
        return run.own(first, first.attempts)
    for other, exc in others:
        run.log(logging.ERROR, f"besides, {_line(other, exc)}")
    return first


def _rank(raised: tuple[Run, BaseException]) -> int:
    _, exc = raised
    if isinstance(exc, Stopped):
        return 3
    if not isinstance(exc, Exception):
        return 0
    return 1 if is_control_flow(exc) else 2


def _line(run: Run, exc: BaseException) -> str:
    if isinstance(exc, ChainError) and run.owns(exc):
        return str(exc)
    reports = run.context.steps
    name = reports[-1].name if reports else run.plan.first.name
    return f"step {name!r} {'was cancelled' if isinstance(exc, Stopped) else run.describe(exc)}"
