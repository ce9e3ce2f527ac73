"""`Chain`: a pipeline of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace import _state as _runtime
from headrace._context.marks import mark
from headrace._context.model import FlowContext
from headrace._context.opening import nested_context, opening_id
from headrace._context.units import Unit
from headrace._context.variables import budget_var, step_var, unit_var

from . import driver
from .builder import Builder

if TYPE_CHECKING:
    from .result import ChainResult

_budget = budget_var.get
_current_unit = unit_var.get
_set_unit = unit_var.set
_reset_unit = unit_var.reset
_current_step = step_var.get
_set_step = step_var.set


class Chain(Builder):
    """A pipeline of steps, built once and run many times, in many threads at once.

        etl = Chain("etl").next(extract, out="raw").next(load, out="loaded", args=["raw"])
        result = etl.run(day="2026-11-21")
        result["loaded"]

    Args:
        name: the name of the chain, and of the flow that its steps are declared in.
        flow: another flow for the steps.
        strict: whether an unresolved reference raises `UnresolvedReferenceError`, instead
            of being None.
        before_step: called as ``before_step(step=..., context=...)`` once before each step.
        after_step: called as ``after_step(step=..., context=..., result=..., elapsed=...)`` once
            after each step that has succeeded; `elapsed` is in seconds.
        on_retry: called as ``on_retry(step=..., exc=..., attempt=..., next_delay=...)`` before the
            wait for each retry; `attempt` is the one that failed, from 1, and `next_delay` is in
            seconds.
        redact: the keys whose values are masked wherever they would be written, or a function
            that is applied to each log line.
        deadline: how long a run may take, in seconds.
        deadline_fn: returns the seconds that are left when a run begins, or None.
        safety_margin: the seconds that are kept free before the deadline.
        jitter: whether the delay before a retry is drawn between 0 and its maximum.
        misspelt: rejected, with the nearest options in the message.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: an argument has an invalid value.
    """

    _awaits = False

    def run(self, /, **inputs: Any) -> ChainResult:
        """Run the steps in order on a new context, and return it.

        Inside a unit of work the run joins it; outside it opens one.

        Args:
            inputs: values for the context; they take precedence over those set by `put`.

        Raises:
            StepFailedError: a step failed for good; `result` is what was done so far.
            ValidationFailedError: a `validate` rejected a result.
            DeadlineExceededError: the deadline passed.
            UnresolvedReferenceError: a reference of a strict chain is unresolved.
        """
        plan = self._plan or self._freeze()
        unit = _current_unit()
        outer = _current_step()
        if unit is not None:
            try:
                return driver.run(plan, unit, inputs)
            finally:
                _set_step(outer)
        dispatcher = _runtime.dispatcher
        if (dispatcher is not None and dispatcher.enabled()) or _budget() is not None:
            with Unit(nested_context("flow", self._flow or None)) as unit:
                return driver.run(plan, unit, inputs)
        # Fast path, in place of `Unit`: no backend is listening and no deadline is active.
        unit = FlowContext(opening_id(), None, "flow", self._flow or None)
        token = _set_unit(unit)
        try:
            return driver.run(plan, unit, inputs)
        except BaseException as exc:
            mark(exc, unit.correlation_id)
            raise
        finally:
            _reset_unit(token)
            _set_step(outer)
