"""Where the source leaves open what runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from headrace_inspect._running._trees import Possible, Run, Tree, Where, Within, parts_of

if TYPE_CHECKING:
    from headrace_inspect._analysis import Analysis
    from headrace_inspect._running._nodes import Node

_MOST = 300
"""So many functions are gone through; a longer way explains nothing to anybody."""


class _Call(NamedTuple):
    node: Node
    where: Where
    is_possible: bool


class Doubts:
    """Finds the first dynamic call on the way to a step."""

    def __init__(self, analysis: Analysis) -> None:
        bits = analysis.possible.sets.bits
        self._steps = {
            node: mask for node in analysis.engine.nodes.values() if (mask := bits(node))
        }
        self._calls: dict[Node, list[_Call]] = {}
        self._searches: dict[int, _Search] = {}

    def first(self, start: int, target: int) -> tuple[Where, ...]:
        """Return where a way from a step of `start` to `target` is dynamic first.

        Of all ways that is one with the fewest dynamic calls; nothing where it has none, or where
        no way was found.
        """
        if start not in self._searches:
            self._searches[start] = _Search(self, start)
        where = self._searches[start].first(target)
        return () if where is None else (where,)

    def steps_of(self, node: Node) -> int:
        """Return the steps that `node` is, as bits."""
        return self._steps.get(node, 0)

    def nodes_of(self, steps: int) -> list[Node]:
        """Return the nodes that are one of `steps`."""
        return [node for node, mask in self._steps.items() if mask & steps]

    def calls_of(self, node: Node) -> list[_Call]:
        """Return what `node` calls, surely or possibly."""
        if node not in self._calls:
            self._calls[node] = list(_calls_in(node.tree)) if node.tree is not None else []
        return self._calls[node]


class _Search:
    """Goes through what the steps of `start` lead to, only as far as it is asked."""

    def __init__(self, doubts: Doubts, start: int) -> None:
        self._doubts = doubts
        self._seen: set[Node] = set()
        self._found: list[tuple[int, Where | None]] = []
        self._waiting: deque[tuple[Node, Where | None]] = deque(
            (node, None) for node in doubts.nodes_of(start)
        )

    def first(self, target: int) -> Where | None:
        """Return the first dynamic call on the way to `target`."""
        for steps, doubt in self._found:
            if steps & target:
                return doubt
        while self._waiting and len(self._seen) < _MOST:
            node, doubt = self._waiting.popleft()
            if node not in self._seen:
                steps = self._visit(node, doubt)
                if steps & target:
                    return doubt
        return None

    def _visit(self, node: Node, doubt: Where | None) -> int:
        self._seen.add(node)
        for call in self._doubts.calls_of(node):
            if call.node in self._seen:
                continue
            if call.is_possible:
                self._waiting.append((call.node, doubt or call.where))
            else:
                self._waiting.appendleft((call.node, doubt))
        if steps := self._doubts.steps_of(node):
            self._found.append((steps, doubt))
        return steps


def _calls_in(tree: Tree) -> Iterator[_Call]:
    waiting: list[tuple[Tree, bool]] = [(tree, False)]
    while waiting:
        current, is_possible = waiting.pop()
        if isinstance(current, Run | Within):
            yield _Call(current.node, current.where, is_possible)
        is_possible = is_possible or isinstance(current, Possible)
        waiting.extend((part, is_possible) for part in parts_of(current))
