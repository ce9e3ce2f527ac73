"""What the code implies for ``after=``, where that is sure and is not what is declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headrace_inspect._order._reaching import Reaching
from headrace_inspect._order._sets import bits_in
from headrace_inspect._source._discovery import shown

from ._report import Place, Suggestion, Verdict

if TYPE_CHECKING:
    from headrace_inspect._flows._steps import DeclaredStep, Name

    from ._analysis import Analysis
    from ._verdicts import Judge


def suggestions(analysis: Analysis, judge: Judge) -> list[Suggestion]:
    """Return for each step whose ``after=`` is wrong or misses a way what the code implies.

    Nothing is said of a step where anything dynamic has a part in what comes before it.
    """
    implying = _Implying(analysis, judge)
    found = [
        implying.suggestion(steps[0])
        for steps in analysis.declared.steps.values()
        if len(steps) == 1
    ]
    return sorted((one for one in found if one), key=lambda one: (one.place, one.flow, one.step))


class _Implying:
    def __init__(self, analysis: Analysis, judge: Judge) -> None:
        self._analysis = analysis
        self._reaching = Reaching(analysis)
        self._verdicts: dict[Name, dict[str, Verdict]] = {}
        self._foreign: dict[Name, list[Name]] = {}
        self._members: dict[str, int] = {}
        for name in analysis.declared.steps:
            self._members[name[0]] = self._members.get(name[0], 0) | analysis.bit(name)
        wrong_kinds = {(f.step.key, f.source) for f in judge.faults if f.code == "HR107"}
        for judged in judge.edges:
            target, source, before = judged.link
            # How a step is reached is another matter than what comes before it.
            is_ordered = (target, source) in wrong_kinds
            verdict: Verdict = "confirmed" if is_ordered else judged.verdict
            self._verdicts.setdefault(target, {})[source] = verdict
            if before is not None and before[0] != target[0]:
                self._foreign.setdefault(target, []).append(before)

    def suggestion(self, step: DeclaredStep) -> Suggestion | None:
        """Return what the code implies for `step`, if that is sure and something else."""
        if step.kind == "chain" or step.is_entrypoint or not step.is_readable:
            return None
        if not self._is_sure(step.key):
            return None
        verdicts = self._verdicts.get(step.key, {})
        nearest = self._nearest(self._before(step.key))
        if nearest is None:
            return None
        own = {self._analysis.names[number][1]: number for number in bits_in(nearest)}
        if any(verdict == "contradicted" for verdict in verdicts.values()):
            foreign = {name for name in verdicts if self._is_foreign(step.key, name)}
            implied = {*own} | {name for name in foreign if verdicts[name] == "confirmed"}
        else:
            implied = {*verdicts} | {*self._missing(step, own)}
        if not implied or implied == {*step.sources} or "unresolved" in verdicts.values():
            return None
        place = Place(shown(step.path), step.line)
        return Suggestion(step.flow, step.name, tuple(step.sources), tuple(sorted(implied)), place)

    def _is_sure(self, name: Name) -> bool:
        """Tell whether nothing dynamic has a part in what comes before a step."""
        analysis, bit = self._analysis, self._analysis.bit(name)
        if analysis.outside & bit or analysis.declared.has_unknown_steps:
            return False
        if not self._reaching.is_reached(name, self._foreign.get(name, [])):
            return False
        number = bit.bit_length() - 1
        sure = analysis.sure.before[number]
        perhaps = analysis.possible.before[number] & ~sure & self._members[name[0]]
        # What surely follows may only overtake it.
        return all(analysis.sure.before[other] & bit for other in bits_in(perhaps & ~bit))

    def _before(self, name: Name) -> int:
        """Return the steps of the same flow that have run, and are not merely handed over."""
        bit = self._analysis.bit(name)
        before = self._analysis.sure.before[bit.bit_length() - 1]
        mask = 0
        for number in bits_in(before & self._members[name[0]] & ~bit):
            if not self._analysis.possible.before[number] & bit:
                mask |= 1 << number
        return mask

    def _nearest(self, before: int) -> int | None:
        """Return those steps in `before` that come before no other of them.

        None if some come before each other, so that there is no telling.
        """
        earlier = 0
        for number in bits_in(before):
            others = self._analysis.sure.before[number] & before & ~(1 << number)
            if any(self._analysis.sure.before[other] >> number & 1 for other in bits_in(others)):
                return None
            earlier |= others
        return before & ~earlier

    def _missing(self, step: DeclaredStep, own: dict[str, int]) -> Iterator[str]:
        """Yield the steps that come before `step` on a way that no declared one is on."""
        known = [(step.flow, source) for source in step.sources]
        numbers = [
            self._analysis.bit(name).bit_length() - 1
            for name in known
            if name in self._analysis.declared.steps
        ]
        before = self._analysis.sure.before
        for name, number in own.items():
            if not any(
                number == other or before[number] >> other & 1 or before[other] >> number & 1
                for other in numbers
            ):
                yield name

    def _is_foreign(self, target: Name, source: str) -> bool:
        return (target[0], source) not in self._analysis.declared.steps
