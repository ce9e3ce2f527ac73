"""Paths of captured steps: which order they took, and how to show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._flows.registry import all_flows
from headrace._messages.hints import did_you_mean
from headrace._messages.text import plain_text
from headrace._observation.outcomes import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from . import CapturedStep


def is_named(step: CapturedStep, name: str) -> bool:
    """Return whether `name` is that of `step`, alone or as ``flow.step``."""
    return name in {step.name, f"{step.flow}.{step.name}"}


def problem(steps: Sequence[CapturedStep], names: Sequence[str]) -> str:
    """Return why no operation ran the steps called `names` in this order; "" if one did."""
    if not names:
        raise ValueError("assert_path() takes the names of steps")
    for name in names:
        _check_type(name, "assert_path")
    longest = max((_reached(each, names) for each in _operations(steps)), default=0)
    if longest == len(names):
        return ""
    missing = names[longest]
    after = f" after {names[longest - 1]!r}" if longest else ""
    is_unknown = missing not in _known(steps)
    hint = f"; no flow has such a step; {_hint(missing, steps)}" if is_unknown else ""
    found = f"{missing!r} did not begin{after}{hint}"
    return f"no operation took the path {' -> '.join(names)}: {found}\n{shown(steps)}"


def check_name(name: str, steps: Iterable[CapturedStep]) -> None:
    """Raise `ValueError` if no flow declares a step called `name`, and none of `steps` is."""
    _check_type(name, "assert_not_reached")
    if name not in _known(steps):
        raise ValueError(f"no flow has a step {name!r}; {_hint(name, steps)}")


def _check_type(name: object, caller: str) -> None:
    if not isinstance(name, str):
        raise TypeError(
            f"{caller}() takes the names of steps as separate strings, as in "
            f'{caller}("order", "charge"), not {name!r}'
        )


def shown(steps: Iterable[CapturedStep]) -> str:
    """Return the steps of each operation, one a line, in the order in which they began."""
    lines = []
    for operation in _operations(steps):
        lines.append(f"the operation {operation[0].correlation_id} ran:")
        lines += [f"  {_line(step)}" for step in operation]
    return "\n".join(lines) or "no step ran"


def _line(step: CapturedStep) -> str:
    name = f"{step.flow}.{step.name}" if step.flow else step.name
    error = "" if step.error is None else f": {describe(step.error)}"
    return plain_text(f"{name} ({step.outcome or 'running'}{error})")


def _operations(steps: Iterable[CapturedStep]) -> list[list[CapturedStep]]:
    operations: dict[str, list[CapturedStep]] = {}
    for step in steps:
        operations.setdefault(step.correlation_id, []).append(step)
    return [*operations.values()]


def _reached(steps: Iterable[CapturedStep], names: Sequence[str]) -> int:
    """Return how many of `names` the steps have in this order."""
    count = 0
    for step in steps:
        if count < len(names) and is_named(step, names[count]):
            count += 1
    return count


def _known(steps: Iterable[CapturedStep]) -> set[str]:
    declared = [(flow.name, name) for flow in all_flows() for name in flow.graph().nodes]
    captured = [(step.flow, step.name) for step in steps]
    return {each for flow, name in [*declared, *captured] for each in (name, f"{flow}.{name}")}


def _hint(name: str, steps: Iterable[CapturedStep]) -> str:
    return did_you_mean(name, sorted(_known(steps)), "a chain needs a name to be a flow")
