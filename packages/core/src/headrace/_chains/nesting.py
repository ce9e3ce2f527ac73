"""Chains as steps of other chains: adding one, and running it within the outer run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .placing import Placing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .definition import Definition
    from .names import Ledger
    from .placing import Draft
    from .result import ChainResult
    from .run import Run
    from .spec import Spec
    from .step import ChainStep
    from .walk import IO


def place_chain(
    outer: Definition, chain: Definition, spec: Spec
) -> tuple[ChainStep, tuple[str, ...], Ledger]:
    """Return `chain` compiled as a step of `outer`, with its last steps and the updated ledger.

    Args:
        outer: the chain under construction, which is not changed.
        chain: the chain that becomes a step.
        spec: the other arguments of `Chain.next`.

    Raises:
        TypeError: positional arguments, or a step that `outer` cannot call.
        ValueError: the chain has no steps or is `outer`, or an output is written twice.
    """
    if spec.args:
        raise TypeError("a chain takes its inputs by name, as in kwargs={'order': 'order'}")
    if chain is outer:
        raise ValueError("a chain cannot be a step of itself")
    if not chain._items:
        raise ValueError("a chain that is a step needs at least one step of its own")
    for function in _functions(chain._items):
        outer._checked_kind(function)
    spec.function = dict
    spec.chain = chain._draft()
    spec.chain_name = chain.name or type(chain).__name__
    spec.is_plain = False
    ledger = outer._ledger.copy()
    place = Placing(outer._flow, outer._awaits, ledger.names)
    step, tails = place.chain(spec, spec.chain, outer._settings, outer._tails)
    inside = chain._ledger.copy()
    if spec.has_inputs:
        inside.wanted.clear()
    if spec.out is not None:
        inside.makers.clear()
    ledger.merge([inside], [chain._values], outer._values)
    ledger.check(spec, step.name)
    ledger.enter(spec, step.name, outer._values)
    return step, tails, ledger


def _functions(items: Sequence[Spec | tuple[Draft, ...]]) -> Iterator[Any]:
    for item in items:
        if isinstance(item, tuple):
            for draft in item:
                yield from _functions(draft.items)
        elif item.chain is not None:
            yield from _functions(item.chain.items)
        else:
            yield item.function


async def call_chain(io: IO, run: Run, step: ChainStep) -> ChainResult:
    """Run the chain that is a step of `run`, and return its context.

    Raises:
        BaseException: the error that ended it; its steps are undone with the outer run.
    """
    inputs = None
    if step.spec.has_inputs:
        inputs = {**step.plan.values, **step.call(run.context)}
    inner = run.branch(step.plan, inputs)
    run.note_runs(step, [inner])
    failure = await io.run_inside(inner)
    if step.out is None:
        context = inner.context
        run.context.update({out: context[out] for out in step.plan.outs if out in context})
    try:
        if failure is not None:
            raise run.adopted(failure, inner, step)
    finally:
        del failure  # its traceback holds this frame
    return inner.context
