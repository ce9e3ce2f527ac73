"""`chain_task`: a task that runs a whole chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded

from headrace.integration.settings import name_hint

from ._spelling import check_spelling
from ._tasks import flow_task

if TYPE_CHECKING:
    from celery import Celery

    from headrace import AsyncChain, Chain

    from ._tasks import FlowTask


def chain_task(
    app: Celery | None,
    chain: Chain | AsyncChain,
    *,
    returns: Sequence[str] = (),
    name: str | None = None,
    progress: bool = False,
    **task_options: Any,
) -> FlowTask[..., dict[str, Any]]:
    """Declare a task that runs all steps of a chain, under the publisher's correlation ID.

    Its keyword arguments are the inputs of the chain. It returns a mapping of JSON values: those
    that `returns` names, and ``report``, a list with the ``name``, ``outcome``, ``attempts``,
    ``seconds`` and ``reason`` of each step. After the death of a worker, the chain starts again
    from its first step.

    Args:
        app: the task's app; None for a `celery.shared_task`.
        chain: the chain, which can no longer be changed.
        returns: the keys of the chain's context whose values are returned.
        name: the task's name; by default, the chain's.
        progress: whether to report each step to the result backend, for `watch`.
        task_options: the options of Celery's decorator. ``base=AbortableTask`` makes the chain heed
            ``AbortableAsyncResult.abort`` between its steps.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: there is no name, or the chain cannot run or return what `returns` names.
    """
    from ._chain_driver import AbortedError, run_chain

    base = task_options.get("base") or Task
    check_spelling("chain_task", task_options, base, ("name", "progress", "returns"))
    task_name = _checked_name(chain, name, returns)
    needed = chain.inputs

    def run(task: Any, /, **inputs: Any) -> Any:
        try:
            return run_chain(task, chain, inputs, progress).as_json(*returns)
        except AbortedError as aborted:
            # As for a revoked task, since `get()` and a chord would wait for ever for ABORTED.
            task.backend.mark_as_revoked(task.request.id, str(aborted), task.request)
            raise

    def check_inputs(*args: Any, **inputs: Any) -> None:
        if args or not inputs.keys() >= {*needed}:
            expected = ", ".join(f"{key}=..." for key in needed)
            raise TypeError(f"{task_name}.delay() takes the inputs of its chain: delay({expected})")

    run.__name__ = run.__qualname__ = task_name.rpartition(".")[2]
    run.__doc__ = f"Run the chain {chain.name or task_name!r}."
    task_options["__header__"] = staticmethod(check_inputs)  # Celery calls it in `delay`
    task_options.setdefault("dont_autoretry_for", (SoftTimeLimitExceeded,))
    return flow_task(app=app, name=task_name, bind=True, **task_options)(run)


def _checked_name(chain: Any, name: str | None, returns: Sequence[str]) -> str:
    from headrace import AsyncChain, Chain

    if not isinstance(chain, Chain | AsyncChain):
        raise TypeError(f"chain_task() takes a Chain or an AsyncChain, not {chain!r}")
    task_name = name or chain.name
    if not task_name:
        raise ValueError('name the task: chain_task(app, chain, name="orders.fulfil")')
    if problem := "; ".join(chain.check(*chain.inputs)) or _problem(chain, returns):
        raise ValueError(f"the chain of task {task_name!r} cannot run: {problem}")
    return task_name


def _problem(chain: Chain | AsyncChain, returns: Sequence[str]) -> str:
    from headrace.integration.chains import plan_of

    plan = plan_of(chain)
    known = {*plan.outs, *plan.values, *chain.inputs}
    for key in returns:
        if key not in known:
            return f"it has no value {key!r} to return; {name_hint(key, sorted(known))}"
        if key == "report" or key in plan.settings.redaction.names:
            return f"{key!r} cannot be returned, since it is redacted or the key of the report"
    return "" if plan.steps else "it has no steps yet"
