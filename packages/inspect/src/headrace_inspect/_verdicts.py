"""Compares what is declared with what the source shows and with what it excludes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from headrace_inspect._flows._cycles import closing_edges
from headrace_inspect._order._doubts import Doubts
from headrace_inspect._order._reaching import Reaching
from headrace_inspect._order._witnesses import Witnesses
from headrace_inspect._running._trees import Where

from . import _messages as messages
from ._report import Verdict

if TYPE_CHECKING:
    from headrace_inspect._flows._steps import DeclaredStep, Name

    from ._analysis import Analysis


class Link(NamedTuple):
    """A declared edge.

    Attributes:
        target: the step after.
        source: the step before, as it is declared.
        before: the step before, or None where there is none of that name.
    """

    target: Name
    source: str
    before: Name | None


class Judged(NamedTuple):
    """An edge with its verdict."""

    link: Link
    verdict: Verdict
    kind: str
    evidence: tuple[Where, ...]


class Fault(NamedTuple):
    """A finding, before ignore comments are looked at.

    Attributes:
        code: its code.
        verdict: whether it is sure.
        step: the declaration concerned.
        source: the predecessor concerned, or None.
        kind: the kind of the edge, or None.
        message: what is wrong.
        related: places that show it.
        is_open: whether files that could not be analysed may have to do with it.
    """

    code: str
    verdict: Verdict
    step: DeclaredStep
    source: str | None
    kind: str | None
    message: str
    related: tuple[Where, ...] = ()
    is_open: bool = False


class Judge:
    """Judges the edges and steps of an analysis.

    Attributes:
        edges: every declared edge with its verdict.
        faults: what is wrong, or may be.
    """

    def __init__(self, analysis: Analysis, *, is_complete: bool) -> None:
        self._analysis = analysis
        self._declared = analysis.declared
        self._is_complete = is_complete
        self._reaching = Reaching(analysis)
        self._doubts = Doubts(analysis)
        self.edges: list[Judged] = []
        self.faults: list[Fault] = []
        links = self._links()
        self._witnesses = Witnesses(
            analysis, [(link.before, link.target) for link in links if link.before]
        )
        self._closing = closing_edges(
            [(link.before, link.target) for link in links if link.before], self._is_confirmed
        )
        by_target: dict[Name, list[Link]] = {}
        for link in links:
            by_target.setdefault(link.target, []).append(link)
        for target in self._declared.steps:
            self._judge(target, by_target.get(target, []))

    # --- links ------------------------------------------------------------------------------------

    def _links(self) -> list[Link]:
        links: dict[Link, None] = {}
        for target, steps in self._declared.steps.items():
            for step in steps:
                for source in step.sources:
                    links[Link(target, source, self._find(target[0], source))] = None
        return list(links)

    def _find(self, flow: str, source: str) -> Name | None:
        steps = self._declared.steps
        if (flow, source) in steps:
            return flow, source
        for place, character in enumerate(source):
            if character == "." and (source[:place], source[place + 1 :]) in steps:
                return source[:place], source[place + 1 :]
        return None

    def _step(self, target: Name, source: str | None = None) -> DeclaredStep:
        steps = self._declared.steps[target]
        return next((step for step in steps if source in step.sources), steps[0])

    # --- judging ----------------------------------------------------------------------------------

    def _judge(self, target: Name, links: list[Link]) -> None:
        self._judge_definitions(target)
        is_reached = self._judge_reaching(target, links)
        open_links: list[Link] = []
        for link in links:
            if link.before is None:
                self._judge_unknown(link)
            elif self._is_confirmed(link.before, target):
                self._judge_kind(link, link.before)
            elif (link.before, target) not in self._closing:
                open_links.append(link)
            if link.before is not None and (link.before, target) in self._closing:
                self._judge_cycle(link)
        if is_reached is None:
            self._judge_order(target, open_links, len(links))
        else:
            self.edges += [self._edge(link, is_reached) for link in open_links]
        if not all(step.is_readable for step in self._declared.steps[target]):
            self._fault("HR103", "unresolved", target, None, messages.unreadable_after(target))

    def _judge_reaching(self, target: Name, links: list[Link]) -> Verdict | None:
        """Judge whether an entrypoint reaches the step; return the verdict if none does."""
        if any(step.is_entrypoint for step in self._declared.steps[target]):
            return None
        foreign = [link.before for link in links if link.before and link.before[0] != target[0]]
        if self._reaching.is_reached(target, foreign):
            return None
        is_possible = self._reaching.is_perhaps_reached(target, foreign)
        verdict = self._verdict(is_possible)
        has_start = bool(self._analysis.starts(target[0]))
        message = messages.unreached(
            target,
            has_start=has_start,
            is_sure=verdict == "contradicted",
            is_dynamic=self._is_complete,
        )
        start = self._analysis.starts(target[0]) | self._analysis.mask(foreign)
        doubt = self._doubt(start, target) if verdict == "unresolved" else ()
        self._fault("HR101", verdict, target, None, message, doubt, is_open=not self._is_complete)
        return verdict

    def _judge_order(self, target: Name, links: list[Link], count: int) -> None:
        """Judge the edges to a step that is reached, which nothing confirms."""
        never: list[Link] = []
        for link in links:
            before = link.before
            if before is None:
                continue
            if self._verdict(self._may_precede(before, target)) == "unresolved":
                self._judge_unresolved(link)
            elif self._is_confirmed(target, before):
                evidence = self._witnesses.reverse(before, target)
                self.edges.append(self._edge(link, "contradicted", evidence))
                message = messages.reversed_order(link.source, target)
                self._fault("HR102", "contradicted", target, link.source, message, evidence)
            else:
                self.edges.append(self._edge(link, "contradicted"))
                never.append(link)
        if len(never) > 1 and len(never) == count:
            message = messages.no_predecessor([link.source for link in never], target)
            self._fault("HR103", "contradicted", target, None, message)
        else:
            for link in never:
                message = messages.never_before(link.source, target)
                self._fault("HR103", "contradicted", target, link.source, message)

    def _judge_unresolved(self, link: Link) -> None:
        self.edges.append(self._edge(link, "unresolved"))
        message = messages.unresolved(link.source, link.target, is_dynamic=self._is_complete)
        start = self._analysis.starts(link.target[0])
        doubt = (link.before and self._doubt(start, link.before)) or self._doubt(start, link.target)
        about = (link.target, link.source, message, doubt)
        self._fault("HR103", "unresolved", *about, is_open=not self._is_complete)

    def _judge_kind(self, link: Link, before: Name) -> None:
        """Judge how the target of a confirmed edge is reached."""
        target = link.target
        is_task = self._is_task(target)
        witness = self._witnesses.of(before, target)
        sure, possible = self._analysis.sure, self._analysis.possible
        layers = (sure.queued, possible.queued) if is_task else (sure.plain, possible.plain)
        is_fitting, is_possible = (self._has(layer, before, target) for layer in layers)
        if is_fitting or self._is_chain(target):
            self.edges.append(Judged(link, "confirmed", witness.kind, witness.places))
            return
        verdict = self._verdict(is_possible)
        self.edges.append(Judged(link, verdict, witness.kind, witness.places))
        message = messages.wrong_kind(target, witness.kind, is_task=is_task)
        about = (self._step(target, link.source), link.source, witness.kind)
        is_open = not self._is_complete
        self.faults.append(Fault("HR107", verdict, *about, message, witness.places, is_open))

    def _judge_unknown(self, link: Link) -> None:
        if self._declared.has_unknown_steps:
            self._judge_unresolved(link)
            return
        verdict = self._verdict(is_possible=False)
        self.edges.append(self._edge(link, verdict))
        names = [name for flow, name in self._declared.steps if flow == link.target[0]]
        is_sure = verdict == "contradicted"
        message = messages.unknown(link.source, link.target[0], names, is_sure=is_sure)
        related = self._written(self._step(link.target, link.source), link.source)
        self._fault("HR104", verdict, link.target, link.source, message, related)

    def _judge_cycle(self, link: Link) -> None:
        if link.before is None:
            return
        self.edges = [edge for edge in self.edges if edge.link != link]
        self.edges.append(self._edge(link, "contradicted"))
        way = self._closing[link.before, link.target]
        message = messages.cycle([name for _, name in way])
        self._fault("HR105", "contradicted", link.target, link.source, message)

    def _judge_definitions(self, target: Name) -> None:
        steps = self._declared.steps[target]
        first, *others = sorted(steps, key=lambda step: (step.path, step.line))
        for other in others:
            if not self._is_same(first, other):
                message = messages.two_definitions(target, first)
                where = self._place(first)
                fault = Fault("HR106", "contradicted", other, None, None, message, (where,))
                self.faults.append(fault)

    # --- asking -----------------------------------------------------------------------------------

    def _doubt(self, start: int, target: Name) -> tuple[Where, ...]:
        """Return where it is open whether a step of `start` leads to `target`."""
        return self._doubts.first(start, self._analysis.bit(target)) if self._is_complete else ()

    def _is_confirmed(self, before: Name, target: Name) -> bool:
        return self._has(self._analysis.sure.before, before, target)

    def _may_precede(self, before: Name, target: Name) -> bool:
        if self._has(self._analysis.possible.before, before, target):
            return True
        analysis = self._analysis
        if analysis.unasked & (analysis.bit(before) | analysis.bit(target)):
            return True
        return bool(analysis.outside & analysis.bit(target)) or self._is_hook(before)

    def _is_hook(self, name: Name) -> bool:
        """Tell whether a step runs at best when a framework likes, so perhaps at any place."""
        if not self._analysis.outside & self._analysis.bit(name):
            return False
        is_entrypoint = any(step.is_entrypoint for step in self._declared.steps[name])
        return not is_entrypoint and not self._reaching.is_reached(name, ())

    def _has(self, layer: list[int], before: Name, target: Name) -> bool:
        number = self._analysis.bit(target).bit_length() - 1
        return bool(layer[number] & self._analysis.bit(before))

    def _is_task(self, name: Name) -> bool:
        return self._analysis.is_task(self._analysis.bit(name))

    def _declared_kind(self, target: Name) -> str:
        return "enqueue" if self._is_task(target) else "call"

    def _is_chain(self, name: Name) -> bool:
        return any(step.kind == "chain" for step in self._declared.steps[name])

    def _is_same(self, one: DeclaredStep, other: DeclaredStep) -> bool:
        if one.function is not None and one.function is other.function:
            return True
        if one.cls is not None and other.cls is not None:
            engine = self._analysis.engine
            return engine.is_subclass(one.cls, other.cls) or engine.is_subclass(other.cls, one.cls)
        if one.function is None or other.function is None:
            return (one.path, one.line) == (other.path, other.line)
        return (one.path, one.function.qualname) == (other.path, other.function.qualname)

    def _verdict(self, is_possible: bool) -> Verdict:
        # Of a file that could not be read nothing is known, so that nothing is excluded.
        return "unresolved" if is_possible or not self._is_complete else "contradicted"

    def _place(self, step: DeclaredStep) -> Where:
        return Where(step.path, step.line)

    def _written(self, step: DeclaredStep, source: str) -> tuple[Where, ...]:
        """Return where in the decorators of `step` the text `source` stands, if it does."""
        decorators = step.function.decorators if step.function else []
        nodes = (node for decorator in decorators for node in ast.walk(decorator))
        lines = {n.lineno for n in nodes if isinstance(n, ast.Constant) and n.value == source}
        return tuple(Where(step.path, line) for line in sorted(lines))

    # --- saying -----------------------------------------------------------------------------------

    def _edge(self, link: Link, verdict: Verdict, evidence: tuple[Where, ...] = ()) -> Judged:
        return Judged(link, verdict, self._declared_kind(link.target), evidence)

    def _fault(
        self,
        code: str,
        verdict: Verdict,
        target: Name,
        source: str | None,
        message: str,
        related: tuple[Where, ...] = (),
        *,
        is_open: bool = False,
    ) -> None:
        kind = None if source is None else self._declared_kind(target)
        step = self._step(target, source)
        self.faults.append(Fault(code, verdict, step, source, kind, message, related, is_open))
