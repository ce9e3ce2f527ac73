"""What a chain needs from outside: its inputs, and references that nothing provides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .plan import Parallel
from .references import UNKNOWN, spelled, why_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .plan import Plan
    from .references import Path
    from .step import Step

    Referring = tuple[Step, str, Path, dict[str, Any], bool]

_HINTS = 20  # each costs a comparison with every known name


def inputs_of(plan: Plan) -> tuple[str, ...]:
    """Return the names that `plan` refers to before anything in it provides them.

    Args:
        plan: the chain.
    """
    given = _references(plan, dict(plan.values))
    roots = [parts[0] for *_, parts, known, is_open in given if is_open and parts[0] not in known]
    return tuple(dict.fromkeys(roots))


def problems_of(plan: Plan, inputs: Iterable[str]) -> list[str]:
    """Return one line per reference of `plan` that cannot be resolved.

    Args:
        plan: the chain.
        inputs: the names of the inputs.
    """
    problems: list[str] = []
    known = {**plan.values, **dict.fromkeys(inputs, UNKNOWN)}
    for step, where, parts, provided, _ in _references(plan, known):
        reason = why_missing(parts, provided, hints=len(problems) < _HINTS)
        if reason:
            refers = f"{where} refers to {spelled(parts)!r}"
            problems.append(f"step {step.name!r}: {refers}, but {reason}")
    return problems


def _references(plan: Plan, known: dict[str, Any], *, is_open: bool = True) -> Iterator[Referring]:
    """Yield each reference with its step, the values known there, and whether inputs reach it.

    They do not reach a nested chain that starts with values of its own.
    """
    for step in plan.steps:
        if isinstance(step, Parallel):
            for branch in step.branches:
                yield from _references(branch, {**known, **branch.values}, is_open=is_open)
        else:
            for where, parts in step.references:
                if where != "log_fmt" or parts[0] != step.out:
                    yield step, where, parts, known, is_open
            if step.plan is not None:
                given = dict.fromkeys(step.kwargs, UNKNOWN) if step.has_inputs else known
                inner = {**given, **step.plan.values}
                yield from _references(step.plan, inner, is_open=is_open and not step.has_inputs)
        known.update(dict.fromkeys(step.outs, UNKNOWN))
