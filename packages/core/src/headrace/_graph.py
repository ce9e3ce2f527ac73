"""The graph of a flow: frozen, in topological order, and drawn."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ._flows import get_flow
from ._mermaid import mermaid

if TYPE_CHECKING:
    from os import PathLike

    from ._step_info import StepInfo
    from ._validation import GraphProblem

_RENDERERS = {"mermaid": mermaid}


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """A flow as a graph.

    Attributes:
        name: the flow's name.
        nodes: the steps' names in topological order, ties by name; a step of another flow, to
            which this one is linked, stands as ``flow.step``.
        edges: pairs of names, in the order of their sources in `nodes`, then by target.
        entrypoints: the names of the entrypoints, in the order of `nodes`.
        steps: what is known of each step of this flow, by name.
    """

    name: str
    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    entrypoints: tuple[str, ...]
    steps: Mapping[str, StepInfo]

    def validate(self) -> list[GraphProblem]:
        """Return what is wrong with the graph; nothing where all is well.

        Reported are references to steps that are not declared, cycles, and steps that no
        entrypoint leads to. Import every module that declares flows first.
        """
        from ._validation import find_problems

        return find_problems(self)

    def render(self, format: str = "mermaid") -> str:
        """Draw the graph.

        Args:
            format: ``mermaid``.

        Raises:
            ValueError: an unknown format.
        """
        try:
            renderer = _RENDERERS[format]
        except KeyError:
            raise ValueError(
                f"unknown format {format!r}; choose one of {', '.join(sorted(_RENDERERS))}"
            ) from None
        return renderer(self.nodes, self.edges)


def generate_dag(
    flow_name: str, *, format: str = "mermaid", output: str | PathLike[str] | None = None
) -> str | None:
    """Draw the flow called `flow_name`.

    Args:
        flow_name: the flow's name.
        format: ``mermaid``.
        output: the file to write; then None is returned.

    Raises:
        UnknownFlowError: no such flow is declared.
        ValueError: an unknown format.
        OSError: the file cannot be written.
    """
    drawing = get_flow(flow_name).graph().render(format)
    if output is None:
        return drawing
    Path(output).write_text(drawing + "\n", encoding="utf-8")
    return None


def build_graph(name: str, steps: Iterable[StepInfo]) -> FlowGraph:
    """Return the graph of the flow `name` with these steps."""
    by_name = {info.name: info for info in steps}
    edges = {
        (_local_name(source, name, by_name), info.name)
        for info in by_name.values()
        for source in info.after
    }
    nodes = topological_order({*by_name, *(source for source, _ in edges)}, edges)
    position = {node: i for i, node in enumerate(nodes)}
    return FlowGraph(
        name=name,
        nodes=nodes,
        edges=tuple(sorted(edges, key=lambda edge: (position[edge[0]], edge[1]))),
        entrypoints=tuple(n for n in nodes if n in by_name and by_name[n].is_entrypoint),
        steps=MappingProxyType(by_name),
    )


def topological_order(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Order `nodes` by Kahn's algorithm, always taking the smallest ready name.

    Where a cycle leaves none ready, the smallest remaining name is taken.
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
