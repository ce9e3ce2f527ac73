"""`Chain.check`: references that lead nowhere, found before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._spelling import nearest_name

from ._plan import Parallel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._plan import Plan
    from ._steps import Step


def problems_of(plan: Plan, given: set[str]) -> list[str]:
    """Return a line for each reference of `plan` that leads nowhere.

    Args:
        plan: the chain.
        given: the keys that are in the context from the beginning; the outputs are added.
    """
    return list(_problems(plan, given))


def _problems(plan: Plan, given: set[str]) -> Iterator[str]:
    for step in plan.steps:
        if isinstance(step, Parallel):
            for branch in step.branches:
                yield from _problems(branch, {*given, *branch.values})
            given.update(out for branch in step.branches for out in branch.outs)
        else:
            yield from _problems_of_step(step, given)
            if step.out is not None:
                given.add(step.out)


def _problems_of_step(step: Step, given: set[str]) -> Iterator[str]:
    for where, parts in step.spec.wants:
        known = {*given, step.out} if where == "log_fmt" else given
        if parts[0] not in known:
            near = nearest_name(parts[0], sorted(given))
            hint = "" if near is None else f"; did you mean {near!r}?"
            yield (
                f"step {step.name!r}: {where} refers to {'.'.join(parts)!r}, but no earlier step, "
                f"put() or input gives {parts[0]!r}{hint}"
            )
