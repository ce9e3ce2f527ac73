"""Which steps the entrypoints of their flows reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ._sets import bits_in

if TYPE_CHECKING:
    from headrace_inspect._analysis import Analysis
    from headrace_inspect._flows._steps import Name


class Reaching:
    """Answers whether a flow, once begun, leads to a step."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._sure = _turned(analysis.sure.before)
        self._possible = _turned(analysis.possible.before)
        self._reached: dict[tuple[int, bool], int] = {}

    def is_reached(self, target: Name, foreign: Iterable[Name]) -> bool:
        """Tell whether an entrypoint of the flow, or a step of another flow, leads to `target`."""
        return bool(self._from(target[0], foreign, surely=True) & self._analysis.bit(target))

    def is_perhaps_reached(self, target: Name, foreign: Iterable[Name]) -> bool:
        """Tell whether something dynamic, or somebody outside, may lead to `target`."""
        bit = self._analysis.bit(target)
        return bool((self._from(target[0], foreign, surely=False) | self._analysis.outside) & bit)

    def _from(self, flow: str, foreign: Iterable[Name], *, surely: bool) -> int:
        start = self._analysis.starts(flow) | self._analysis.mask(foreign)
        key = (start, surely)
        if key not in self._reached:
            self._reached[key] = _closure(start, self._sure if surely else self._possible)
        return self._reached[key]


def _turned(before: list[int]) -> list[int]:
    """Return per step those that come after it, from those that come before each."""
    after = [0] * len(before)
    for number, earlier in enumerate(before):
        for bit in bits_in(earlier):
            after[bit] |= 1 << number
    return after


def _closure(start: int, after: list[int]) -> int:
    reached = waiting = start
    while waiting:
        following = 0
        for number in bits_in(waiting):
            following |= after[number]
        waiting = following & ~reached
        reached |= following
    return reached
