"""The levels of the units' log lines, by outcome."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from headrace._exceptions.control_flow import registered_outcomes
from headrace._messages.hints import name_hint

_OUTCOMES = ("ok", "error", "cancelled", "retry", "ignored", "rejected")


def checked_levels(levels: Mapping[str, int | str] | None) -> dict[str, int]:
    """Return the levels by outcome, as numbers.

    Raises:
        TypeError: `levels` is not a mapping, or a level is neither a name nor a number.
        ValueError: an outcome or a level is unknown.
    """
    if levels is None:
        return {}
    if not isinstance(levels, Mapping):
        raise TypeError(f'levels must be a mapping such as {{"error": "ERROR"}}, not {levels!r}')
    known = {*_OUTCOMES, *registered_outcomes()}
    for outcome in levels:
        if outcome not in known:
            hint = name_hint(str(outcome), sorted(known))
            raise ValueError(f"levels has no outcome {outcome!r}; {hint}")
    return {outcome: _number(level) for outcome, level in levels.items()}


def _number(level: int | str) -> int:
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    if not isinstance(level, str):
        raise TypeError(f"a level must be a name such as 'ERROR', or a number, not {level!r}")
    names = logging.getLevelNamesMapping()
    if level not in names:
        hint = name_hint(level, sorted(names))
        raise ValueError(f"levels has an unknown level {level!r}; {hint}")
    return names[level]
