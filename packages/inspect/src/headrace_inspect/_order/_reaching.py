"""Which steps the entrypoints of their flows reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace_inspect._analysis import Analysis
    from headrace_inspect._flows._steps import Name


class Reaching:
    """Answers whether a flow, once begun, leads to a step."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._reached: dict[tuple[int, bool], int] = {}

    def is_reached(self, target: Name, foreign: Iterable[Name]) -> bool:
        """Tell whether an entrypoint of the flow, or a step of another flow, leads to `target`."""
        return bool(self._from(target[0], foreign, surely=True) & self._analysis.bit(target))

    def is_perhaps_reached(self, target: Name, foreign: Iterable[Name]) -> bool:
        """Tell whether something dynamic, or somebody outside, may lead to `target`."""
        bit = self._analysis.bit(target)
        others = self._analysis.outside | self._analysis.unasked
        return bool((self._from(target[0], foreign, surely=False) | others) & bit)

    def _from(self, flow: str, foreign: Iterable[Name], *, surely: bool) -> int:
        start = self._analysis.starts(flow) | self._analysis.mask(foreign)
        key = (start, surely)
        if key not in self._reached:
            layer = self._analysis.sure if surely else self._analysis.possible
            self._reached[key] = _closure(start, layer.before)
        return self._reached[key]


def _closure(start: int, before: list[int]) -> int:
    """Return `start` and the steps that come after one of it, and so on."""
    reached, waiting = start, list(enumerate(before))
    is_complete = False
    while not is_complete:
        left = []
        for number, earlier in waiting:
            if earlier & reached:
                reached |= 1 << number
            else:
                left.append((number, earlier))
        is_complete = len(left) == len(waiting)
        waiting = left
    return reached
