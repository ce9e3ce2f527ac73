"""The graph of a flow: frozen, in topological order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from headrace._drawing import render

from .draw import picture_of

if TYPE_CHECKING:
    from headrace._step_info import StepInfo, StepNote

    from .validation import GraphProblem


def _nothing() -> Mapping[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """A flow as a graph.

    Attributes:
        name: the name of the flow.
        nodes: the names of the steps in topological order, ties by name; ``flow.step`` for a linked
            step of another flow.
        edges: pairs of names, ordered by source as in `nodes`, then by target.
        entrypoints: the names of the entrypoints, in the order of `nodes`.
        steps: the `StepInfo` of each step of this flow, by name.
        kinds: the kind of each edge: ``call``, or ``enqueue`` if it leads to a task.
        notes: the options of a chain's steps, by name.
    """

    name: str
    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    entrypoints: tuple[str, ...]
    steps: Mapping[str, StepInfo]
    kinds: Mapping[tuple[str, str], str] = field(default_factory=_nothing)
    notes: Mapping[str, tuple[StepNote, ...]] = field(default_factory=_nothing)

    def validate(self) -> list[GraphProblem]:
        """Return the problems of the graph; an empty result means none.

        Problems are references to undeclared steps, cycles, and steps that no entrypoint reaches.
        Import all modules that declare flows first.
        """
        from .validation import find_problems

        return find_problems(self)

    def render(self, format: str = "mermaid", *, style: str = "plain") -> str:
        """Draw the graph.

        Args:
            format: ``dot``, ``html``, ``json``, ``mermaid``, ``svg`` or ``text``.
            style: for Mermaid, ``plain`` or ``rich``, which marks entrypoints, tasks and links. The
                other formats always mark them.

        Raises:
            ValueError: the format or style is unknown.
        """
        return render(picture_of([self]), format, style)


def build_graph(
    name: str,
    steps: Iterable[StepInfo],
    notes: Mapping[str, Sequence[StepNote]] = MappingProxyType({}),
) -> FlowGraph:
    """Return the graph of the flow or chain `name`, with the given steps and their notes."""
    by_name = {info.name: info for info in steps}
    edges = {
        (_local_name(source, name, by_name), info.name)
        for info in by_name.values()
        for source in info.after
    }
    nodes = topological_order({*by_name, *(source for source, _ in edges)}, edges)
    position = {node: i for i, node in enumerate(nodes)}
    in_order = tuple(sorted(edges, key=lambda edge: (position[edge[0]], edge[1])))
    kinds = {edge: "enqueue" if by_name[edge[1]].kind == "task" else "call" for edge in in_order}
    return FlowGraph(
        name=name,
        nodes=nodes,
        edges=in_order,
        entrypoints=tuple(n for n in nodes if n in by_name and by_name[n].is_entrypoint),
        steps=MappingProxyType(by_name),
        kinds=MappingProxyType(kinds),
        notes=MappingProxyType({step: tuple(given) for step, given in notes.items() if given}),
    )


def topological_order(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Order `nodes` by Kahn's algorithm, always taking the smallest ready name.

    If a cycle leaves no node ready, take the smallest remaining name.
    """
    targets: dict[str, list[str]] = {node: [] for node in nodes}
    waiting = dict.fromkeys(targets, 0)
    for source, target in edges:
        targets[source].append(target)
        waiting[target] += 1
    ready = [node for node, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    rest = iter(sorted(targets))
    order: dict[str, None] = {}
    while len(order) < len(targets):
        node = heapq.heappop(ready) if ready else next(n for n in rest if n not in order)
        if node in order:
            continue
        order[node] = None
        for target in targets[node]:
            waiting[target] -= 1
            if waiting[target] == 0:
                heapq.heappush(ready, target)
    return tuple(order)


def _local_name(reference: str, flow_name: str, steps: Mapping[str, StepInfo]) -> str:
    """Return `reference` without this flow's own prefix."""
    own_prefix = flow_name + "."
    if reference not in steps and reference.startswith(own_prefix):
        return reference.removeprefix(own_prefix)
    return reference
