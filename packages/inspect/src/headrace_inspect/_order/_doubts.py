"""Where the source leaves open what runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from headrace_inspect._running._trees import Possible, Run, Tree, Where, Within, parts_of

if TYPE_CHECKING:
    from headrace_inspect._analysis import Analysis
    from headrace_inspect._running._nodes import Node


class _Call(NamedTuple):
    node: Node
    where: Where
    is_possible: bool


class Doubts:
    """Finds the first dynamic call on the way to a step."""

    def __init__(self, analysis: Analysis) -> None:
        self._sets = analysis.possible.sets
        self._nodes = analysis.engine.nodes
        self._calls: dict[Node, list[_Call]] = {}

    def first(self, start: int, target: int) -> tuple[Where, ...]:
        """Return where a way from a step of `start` to `target` is dynamic first.

        Of all ways that is the one with the fewest dynamic calls; nothing where it has none, or
        where there is no way.
        """
        sets = self._sets
        came: dict[Node, Where | None] = {}
        waiting: deque[tuple[Node, Where | None]] = deque(
            (node, None) for node in self._nodes.values() if sets.bits(node) & start
        )
        while waiting:
            node, doubt = waiting.popleft()
            if node in came:
                continue
            came[node] = doubt
            if sets.bits(node) & target:
                return () if doubt is None else (doubt,)
            for call in self._calls_of(node):
                if call.node in came or not sets.of(call.node).all & target:
                    continue
                if call.is_possible:
                    waiting.append((call.node, doubt or call.where))
                else:
                    waiting.appendleft((call.node, doubt))
        return ()

    def _calls_of(self, node: Node) -> list[_Call]:
        if node not in self._calls:
            self._calls[node] = list(_calls_in(node.tree)) if node.tree is not None else []
        return self._calls[node]


def _calls_in(tree: Tree) -> Iterator[_Call]:
    waiting: list[tuple[Tree, bool]] = [(tree, False)]
    while waiting:
        current, is_possible = waiting.pop()
        if isinstance(current, Run | Within):
            yield _Call(current.node, current.where, is_possible)
        is_possible = is_possible or isinstance(current, Possible)
        waiting.extend((part, is_possible) for part in parts_of(current))
