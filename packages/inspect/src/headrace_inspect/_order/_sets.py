"""Per node, the steps that it runs: as far as is sure, or possibly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from headrace_inspect._running._nodes import Node
from headrace_inspect._running._trees import (
    QUEUES,
    Cross,
    Ended,
    Later,
    Open,
    Possible,
    Run,
    Spawn,
    Team,
    Tree,
    Within,
    parts_of,
)

from ._components import components


class Steps(NamedTuple):
    """The steps that something runs, as bits.

    Attributes:
        all: all of them.
        queued: those that are reached over a queue.
        plain: those that are reached without a queue, but for the queues of declared tasks.
        later: those that are handed over, and may run after what follows.
        apart: those of them that run as tasks of their own, which nothing awaits.
    """

    all: int = 0
    queued: int = 0
    plain: int = 0
    later: int = 0
    apart: int = 0


NONE = Steps()
_LARGEST_CIRCLE = 300


class Call(NamedTuple):
    """A node that a tree runs.

    Attributes:
        node: the node.
        is_queued: whether it is over a queue.
        is_later: whether it is handed over.
        is_possible: whether nothing in the source says that it runs.
        is_apart: whether it runs as a task of its own, which nothing awaits.
    """

    node: Node
    is_queued: bool
    is_later: bool
    is_possible: bool
    is_apart: bool


CallsAndFlows = tuple[list[Call], list[tuple[str, bool]]]
"""What a tree calls, and the flows that it opens; the second says whether that is but possible."""


class RunSets:
    """What each node runs.

    Args:
        nodes: the nodes.
        calls_in: tells what is called in a tree.
        bits: gives the steps that a node itself is.
        is_task: tells whether a node is a step that is declared as a task.
        opened: gives the bit of a flow that is opened by hand.
        possibly: whether what is merely possible counts.
    """

    def __init__(
        self,
        nodes: list[Node],
        calls_in: CallsIn,
        bits: Callable[[Node], int],
        is_task: Callable[[Node], bool],
        opened: Callable[[str], int],
        *,
        possibly: bool,
    ) -> None:
        self._calls_in = calls_in
        self.bits = bits
        self.is_task = is_task
        self.opened = opened
        self.possibly = possibly
        self.component: dict[Node, int] = {}
        self.order: list[list[Node]] = []
        self._steps: dict[Node, Steps] = {}
        self._calls: dict[Node, list[Call]] = {}
        self._opened: dict[Node, int] = {}
        self._trees: dict[int, tuple[Tree, Steps]] = {}
        self._avoiding: dict[tuple[Node, Node], Steps] = {}
        self._apart: dict[Node, tuple[Steps, list[Node]]] = {}
        self._compute(nodes)

    def of(self, node: Node) -> Steps:
        """Return what `node` runs."""
        return self._steps.get(node, NONE)

    def of_tree(self, tree: Tree) -> Steps:
        """Return what `tree` runs."""
        known = self._trees.get(id(tree))
        if known is None:
            known = self._trees[id(tree)] = (tree, self._joined(*self._in(tree)))
        return known[1]

    def of_call(self, call: Call) -> Steps:
        """Return what a call runs, seen from outside."""
        return self._crossing(self.of(call.node), call)

    @cached_property
    def anywhere(self) -> Steps:
        """What is called anywhere but by itself, in each of the ways."""
        found = NONE
        for node, calls in self._calls.items():
            steps = self._joined(calls, 0)
            found = _union(found, steps._replace(plain=steps.plain & ~self.bits(node)))
        return found

    def avoiding(self, node: Node, without: Node) -> Steps:
        """Return what `node` runs on the ways that do not lead through `without`.

        Of functions that call each other by the hundreds, only what `node` is itself.
        """
        if len(self.order[self.component[node]]) > _LARGEST_CIRCLE:
            bits = self.bits(node)
            return Steps(bits, 0, bits)
        key = (node, without)
        if key not in self._avoiding:
            self._avoiding[key] = self._search(node, without)
        return self._avoiding[key]

    def _compute(self, nodes: list[Node]) -> None:
        for node in nodes:
            self._calls[node], self._opened[node] = self._in(node.tree) if node.tree else ([], 0)
        self._drop_the_rest()
        self.order = components(self._calls, lambda node: [call.node for call in self._calls[node]])
        for number, component in enumerate(self.order):
            for node in component:
                self.component[node] = number
            self._settle(component)

    def _drop_the_rest(self) -> None:
        """Leave out the nodes that run no step, and the calls of them."""
        callers: dict[Node, list[Node]] = {}
        for node, calls in self._calls.items():
            for call in calls:
                callers.setdefault(call.node, []).append(node)
        waiting = [node for node in self._calls if self.bits(node) or self._opened[node]]
        leading: set[Node] = set()
        while waiting:
            node = waiting.pop()
            if node not in leading:
                leading.add(node)
                waiting.extend(callers.get(node, ()))
        self._calls = {
            node: [call for call in calls if call.node in leading]
            for node, calls in self._calls.items()
            if node in leading
        }

    def _settle(self, component: list[Node]) -> None:
        if len(component) == 1 and not self._is_recursive(component[0]):
            self._steps[component[0]] = self._of_own_calls(component[0])
            return
        self._settle_circle(component)

    def _settle_circle(self, component: list[Node]) -> None:
        """Settle nodes that all lead to each other, and so run the same steps."""
        bits = 0
        for node in component:
            bits |= self.bits(node)
        for node in component:
            self._steps[node] = Steps(bits, 0, bits, 0)
        every = NONE
        for node in component:
            every = _union(every, self._of_own_calls(node))
        if self.possibly:  # where anything is possible, so is every way
            anything = Steps(every.all, every.all, every.all, every.later, every.apart)
            self._steps.update(dict.fromkeys(component, anything))
            return
        for node in component:
            self._steps[node] = Steps(every.all, 0, self.bits(node), 0)
        is_settled = False
        while not is_settled:
            is_settled = True
            for node in component:
                steps = _union(self._steps[node], self._of_own_calls(node))
                if steps != self._steps[node]:
                    self._steps[node] = steps
                    is_settled = False

    def _of_own_calls(self, node: Node) -> Steps:
        return self._joined(self._calls[node], self._opened[node] | self.bits(node))

    def _is_recursive(self, node: Node) -> bool:
        return any(call.node is node for call in self._calls[node])

    def _joined(self, calls: list[Call], own: int) -> Steps:
        every, queued, plain, later, apart = own, 0, own, 0, 0
        for call in calls:
            steps = self.of_call(call)
            every |= steps.all
            queued |= steps.queued
            plain |= steps.plain
            later |= steps.later
            apart |= steps.apart
        return Steps(every, queued, plain, later, apart)

    def _crossing(self, steps: Steps, call: Call) -> Steps:
        every, queued, plain, later, apart = steps
        if call.is_queued and self.is_task(call.node):
            # What the task calls is called, although the task itself comes over a queue.
            queued |= self.bits(call.node)
        elif call.is_queued:
            queued, plain = every, 0
        later = every if call.is_later else later
        return Steps(every, queued, plain, later, every if call.is_apart else apart)

    def _in(self, tree: Tree) -> tuple[list[Call], int]:
        """Return what `tree` calls, and the flows that it opens."""
        calls, flows = self._calls_in(tree)
        if not self.possibly:
            calls = [call for call in calls if not call.is_possible]
        opened = 0
        for flow, is_possible in flows:
            if self.possibly or not is_possible:
                opened |= self.opened(flow)
        return calls, opened

    def _search(self, start: Node, without: Node) -> Steps:
        """Collect the steps within one component; beyond it `without` cannot be reached."""
        seen = {start, without}
        waiting = [start]
        total = NONE
        while waiting:
            steps, inner = self._taken_apart(waiting.pop())
            if steps != NONE:
                total = _union(total, steps)
            waiting += [node for node in inner if node not in seen]
            seen.update(inner)
        return total

    def _taken_apart(self, node: Node) -> tuple[Steps, list[Node]]:
        """Return what `node` runs outside its component, and what it calls within."""
        if node not in self._apart:
            home, bits = self.component[node], self.bits(node)
            steps = Steps(bits, 0, bits)
            inner: dict[Node, None] = {}
            for call in self._calls[node]:
                if self.component.get(call.node) == home:
                    inner[call.node] = None
                else:
                    steps = _union(steps, self.of_call(call))
            self._apart[node] = (steps, list(inner))
        return self._apart[node]


class CallsIn:
    """Tells what is called in a tree; goes through each once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Tree, CallsAndFlows]] = {}

    def __call__(self, tree: Tree) -> CallsAndFlows:
        """Return what `tree` calls, perhaps, and the flows that it opens."""
        known = self._known.get(id(tree))
        if known is None:
            known = self._known[id(tree)] = (tree, calls_in(tree))
        return known[1]


def calls_in(tree: Tree) -> CallsAndFlows:
    """Return what `tree` calls, perhaps, and the flows that it opens."""
    calls: list[Call] = []
    flows: list[tuple[str, bool]] = []
    waiting: list[tuple[Any, bool, bool, bool, bool]] = [(tree, False, False, False, False)]
    while waiting:
        current, is_queued, is_later, is_possible, is_apart = waiting.pop()
        kind = type(current)
        if kind is Run or kind is Within:
            calls.append(Call(current.node, is_queued, is_later, is_possible, is_apart))
            if kind is Run:
                continue
        elif kind is Possible:
            is_possible = True
        elif kind is Cross:
            is_queued = is_queued or current.kind in QUEUES
            is_later = is_later or current.is_later
        elif kind is Later:
            is_later = True
        elif kind is Spawn:
            is_later = True
            is_apart = is_apart or not _is_awaited(current, tree)
        elif kind is Open:
            flows.append((current.flow, is_possible))
        how = (is_queued, is_later, is_possible, is_apart)
        waiting.extend([(part, *how) for part in parts_of(current)])
    return calls, flows


def _is_awaited(task: Spawn, tree: Tree) -> bool:
    """Tell whether the block around `task`, or an await in `tree`, waits for it to end."""
    waiting = [(tree, False)]
    while waiting:
        current, is_team = waiting.pop()
        if type(current) is Ended and current.body is task.body:
            return True
        if current is task and is_team:
            return True
        is_team = is_team or type(current) is Team
        waiting.extend([(part, is_team) for part in parts_of(current)])
    return False


def _union(one: Steps, other: Steps) -> Steps:
    return Steps(*(a | b for a, b in zip(one, other, strict=True)))


def bits_in(mask: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set in `mask`."""
    digits = f"{mask:b}"[::-1]
    place = digits.find("1")
    while place >= 0:
        yield place
        place = digits.find("1", place + 1)
