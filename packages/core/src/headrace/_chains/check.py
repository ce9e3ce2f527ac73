"""`Chain.check`: unresolved references, found before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._messages.hints import nearest_name

from .plan import Parallel, outs_of
from .references import CONTAINERS, MISSING, hop, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .plan import Plan
    from .references import Path
    from .step import Step

_UNKNOWN: Any = object()
_HINTS = 20  # each compares a name with every known name


def problems_of(plan: Plan, values: Mapping[str, Any], inputs: Iterable[str]) -> list[str]:
    """Return a line for each unresolved reference of `plan`.

    Args:
        plan: the chain.
        values: the values that `Chain.put` has stored in the context.
        inputs: the keys of the inputs, whose values are not known yet.
    """
    problems: list[str] = []
    _check(plan, {**values, **dict.fromkeys(inputs, _UNKNOWN)}, problems)
    return problems


def _check(plan: Plan, known: dict[str, Any], problems: list[str]) -> None:
    for step in plan.steps:
        if isinstance(step, Parallel):
            for branch in step.branches:
                _check(branch, {**known, **branch.values}, problems)
        else:
            _check_step(step, known, problems)
            if step.plan is not None:
                inputs = dict.fromkeys(step.spec.kwargs, _UNKNOWN)
                given = inputs if step.spec.has_inputs else known
                _check(step.plan, {**given, **step.plan.values}, problems)
        known.update(dict.fromkeys(outs_of(step), _UNKNOWN))


def _check_step(step: Step, known: dict[str, Any], problems: list[str]) -> None:
    for where, parts in step.spec.wants:
        if where == "log_fmt" and parts[0] == step.out:
            continue
        reason = _reason(parts, known, hints=len(problems) < _HINTS)
        if reason:
            problems.append(
                f"step {step.name!r}: {where} refers to {spelled(parts)!r}, but {reason}"
            )


def _reason(parts: Path, known: dict[str, Any], *, hints: bool) -> str:
    root = parts[0]
    if root not in known:
        near = nearest_name(root, sorted(known)) if hints else None
        hint = "" if near is None else f"; did you mean {near!r}?"
        return f"no earlier step, put() or input gives {root!r}{hint}"
    value = known[root]
    for i, part in enumerate(parts[1:], 1):
        if type(value) not in CONTAINERS or part == "__len__":
            break
        # An item of a list may have any attribute; only the indexes are known.
        if type(value) is not dict and not part.isdecimal():
            break
        value = hop(value, part)
        if value is MISSING:
            return f"{spelled(parts[:i])!r} has no {part!r}"
    return ""
