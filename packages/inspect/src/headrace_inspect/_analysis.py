"""From files to what is known of the steps in them: declarations, relations, who else may call."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from headrace_inspect._flows._finding import Finding
from headrace_inspect._flows._reading import steps_of
from headrace_inspect._flows._steps import Name
from headrace_inspect._names._program import Program
from headrace_inspect._names._values import ClassValue, Instance
from headrace_inspect._order._relations import PossibleRelations, Relations
from headrace_inspect._order._sets import RunSets
from headrace_inspect._running._nodes import Hub, Node
from headrace_inspect._symbols._files import SourceTree


class Analysis:
    """What is known of the steps in some files.

    Args:
        tree: the files.
        load: returns the syntax tree of a file, or None.
        words: the words in the text of each file, by path.

    Attributes:
        engine: what runs what.
        declared: the declarations.
        names: the steps, in the order of their bits.
        sure: the relations that the source shows.
        possible: those that it does not exclude.
        outside: the steps that a framework or another program may run outside their flow, as bits.
        unasked: the steps that may run at any time, by methods that nobody calls by name.
    """

    def __init__(
        self,
        tree: SourceTree,
        load: Callable[[str], ast.Module | None],
        words: Mapping[str, frozenset[str]],
    ) -> None:
        finding = Finding(Program(tree, load), words)
        self.engine = finding.engine
        self._calls_in = finding.calls_in
        self.declared = finding.declared
        self.names: list[Name] = []
        self._bits: dict[Name, int] = {}
        self._begun_by: dict[int, int] = {}
        for name in self.declared.steps:
            self.bit(name)
        self._relate()

    # --- relating ---------------------------------------------------------------------------------

    def bit(self, name: Name) -> int:
        """Return the bit of a step, or of the opening of a flow, which has no step's name."""
        if name not in self._bits:
            self._bits[name] = 1 << len(self.names)
            self.names.append(name)
        return self._bits[name]

    def _relate(self) -> None:
        engine = self.engine
        exposed, unasked = engine.hub(Hub("exposed")), engine.hub(Hub("unasked"))
        engine.run()
        engine.close()
        nodes = list(engine.nodes.values())
        own = {node: self._own(node) for node in nodes}
        # Called around its decorators, a step's function may still do the step's work.
        perhaps = {node: own[node] or self._own(node, bare=True) for node in nodes}
        tasks = {
            name
            for name, steps in self.declared.steps.items()
            if any(step.kind == "task" for step in steps)
        }
        task_bits = self._tasks = self.mask(tasks)

        def opened(flow: str) -> int:
            return self.bit((flow, ""))

        def make(*, possibly: bool) -> RunSets:
            return RunSets(
                nodes,
                self._calls_in,
                lambda node: (perhaps if possibly else own).get(node, 0),
                lambda node: bool(own.get(node, 0) & task_bits),
                opened,
                possibly=possibly,
            )

        sure, possible = make(possibly=False), make(possibly=True)
        count = len(self.names)
        self.sets = sure
        self.sure = Relations(sure, count)
        self.possible = PossibleRelations(possible, count, self._begun)
        self.outside = self.possible.free.get(exposed, 0)
        # What is dynamic in them in turn would make of every such method any function.
        self.unasked = sure.of(unasked).all

    def _own(self, node: Node, *, bare: bool = False) -> int:
        names = node.steps
        if (node.is_step or bare) and node.function is not None:
            cls = node.receiver.cls if isinstance(node.receiver, Instance | ClassValue) else None
            names = tuple(steps_of(self.declared, self.engine, node.function, cls))
        return self.mask(name for name in names if name in self.declared.steps)

    def is_task(self, bit: int) -> bool:
        """Tell whether the step with this bit is declared as a task."""
        return bool(bit & self._tasks)

    def mask(self, names: Iterable[Name]) -> int:
        """Return the bits of these steps."""
        mask = 0
        for name in names:
            mask |= self.bit(name)
        return mask

    def starts(self, flow: str) -> int:
        """Return the entrypoints of `flow`, and its opening by hand, as bits."""
        return self._starts.get(flow, 0)

    @cached_property
    def _starts(self) -> dict[str, int]:
        starts: dict[str, int] = {}
        for (flow, name), steps in self.declared.steps.items():
            if any(step.is_entrypoint for step in steps):
                starts[flow] = starts.get(flow, 0) | self._bits[flow, name]
        for (flow, name), bit in self._bits.items():
            if not name:
                starts[flow] = starts.get(flow, 0) | bit
        return starts

    @cached_property
    def _steps_of_flows(self) -> dict[str, int]:
        masks: dict[str, int] = {}
        for flow, name in self.declared.steps:
            masks[flow] = masks.get(flow, 0) | self._bits[flow, name]
        return masks

    def _begun(self, before: int) -> int:
        """Return all steps of the flows that have begun, once the steps in `before` have run."""
        begun = before & self._all_starts
        if begun not in self._begun_by:
            mask = 0
            for flow, starts in self._starts.items():
                if starts & begun:
                    mask |= self._steps_of_flows.get(flow, 0)
            self._begun_by[begun] = mask
        return self._begun_by[begun]

    @cached_property
    def _all_starts(self) -> int:
        mask = 0
        for starts in self._starts.values():
            mask |= starts
        return mask
