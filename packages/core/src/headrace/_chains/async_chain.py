"""`AsyncChain`: a pipeline of steps that are awaited."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Never

from headrace import _state
from headrace._context.marks import mark
from headrace._context.model import FlowContext
from headrace._context.opening import nested_context, opening_id
from headrace._context.units import Unit
from headrace._context.variables import budget_var, step_var, unit_var
from headrace._messages.hints import refuse_keyword

from . import arguments, async_driver
from .builder import Builder

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace._flows.flow import Flow
    from headrace._redaction.rules import Redact
    from headrace._step_info import StepInfo

    from .result import ChainResult

_modules = sys.modules
_current_unit = unit_var.get
_set_unit = unit_var.set
_current_step = step_var.get
_budget = budget_var.get


class AsyncChain(Builder):
    """A pipeline like `Chain`, whose steps are awaited.

    A sync function runs in a thread, in a copy of the context, and its result is awaited if it is
    awaitable. Hooks, predicates and callbacks may be coroutine functions; sync ones are called on
    the event loop, undos in a thread.

    Args:
        name: as for `Chain`.
        flow: as for `Chain`.
        strict: as for `Chain`.
        before_step: as for `Chain`.
        after_step: as for `Chain`.
        on_retry: as for `Chain`.
        redact: as for `Chain`.
        deadline: as for `Chain`.
        deadline_fn: as for `Chain`.
        safety_margin: as for `Chain`.
        jitter: as for `Chain`.
        allow_sync: whether steps and undos may be sync functions.
        misspelt: rejected, with the nearest options in the message.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: an argument has an invalid value.
    """

    _awaits = True

    def __init__(
        self,
        name: str | None = None,
        *,
        flow: str | Flow | None = None,
        strict: bool = False,
        before_step: Callable[..., Any] | None = None,
        after_step: Callable[..., Any] | None = None,
        on_retry: Callable[..., Any] | None = None,
        redact: Redact = None,
        deadline: float | None = None,
        deadline_fn: Callable[[], float | None] | None = None,
        safety_margin: float = 0.25,
        jitter: bool = True,
        allow_sync: bool = True,
        **misspelt: Never,
    ) -> None:
        for option in misspelt:
            refuse_keyword(type(self), option, type(self).__name__)
        if allow_sync is not True:
            self._allow_sync = arguments.flag("allow_sync", allow_sync)
        super().__init__(
            name,
            flow=flow,
            strict=strict,
            before_step=before_step,
            after_step=after_step,
            on_retry=on_retry,
            redact=redact,
            deadline=deadline,
            deadline_fn=deadline_fn,
            safety_margin=safety_margin,
            jitter=jitter,
        )

    async def run(self, /, **inputs: Any) -> ChainResult:
        """Run the steps in order on a new context, and return it.

        Inside a unit of work the run joins it; outside it opens one. A cancelled run
        undoes its finished steps and lets the cancellation propagate.

        Args:
            inputs: values for the context; they take precedence over those set by `put`.

        Raises:
            StepFailedError: a step failed for good; `result` is what was done so far.
            ValidationFailedError: a `validate` rejected a result.
            DeadlineExceededError: the deadline passed, or the `timeout` of a step expired.
            UnresolvedReferenceError: a reference of a strict chain is unresolved.
            RuntimeError: the current task is a trio task.
        """
        if "trio" in _modules:
            _refuse_trio()
        plan = self._plan or self._freeze()
        unit = _current_unit()
        if unit is not None:
            outer = _current_step()
            try:
                return await async_driver.run(plan, unit, inputs)
            finally:
                _restore(unit, unit, outer)
        dispatcher = _state.dispatcher
        if (dispatcher is not None and dispatcher.enabled()) or _budget() is not None:
            with Unit(nested_context("flow", self._flow or None)) as unit:
                return await async_driver.run(plan, unit, inputs)
        unit = FlowContext(opening_id(), None, "flow", self._flow or None)
        outer = _current_step()
        _set_unit(unit)
        try:
            return await async_driver.run(plan, unit, inputs)
        except BaseException as exc:
            mark(exc, unit.correlation_id)
            raise
        finally:
            _restore(unit, None, outer)


def _restore(
    unit: FlowContext, outer_unit: FlowContext | None, outer_step: StepInfo | None
) -> None:
    """Restore what was current before `unit`, unless something else has become current.

    A coroutine may be closed in a context other than its own, which is not ours to change.
    """
    if _current_unit() is unit:
        if outer_unit is not unit:
            _set_unit(outer_unit)
        step_var.set(outer_step)


def _refuse_trio() -> None:
    try:
        _modules["trio"].lowlevel.current_task()
    except RuntimeError:  # not in a trio task: asyncio runs this
        return
    raise RuntimeError(
        "an AsyncChain needs asyncio for its timeouts, threads and tasks, but this is a trio "
        "task; run it on asyncio, as with anyio.run(main, backend='asyncio'), or run a "
        "Chain with trio.to_thread.run_sync(chain.run)"
    )
