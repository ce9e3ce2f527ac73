"""Drawings of flows: pictures of their graphs, and `generate_dag`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headrace._drawing import check_format
from headrace._drawing.picture import FOREIGN, UNKNOWN, Edge, Node, Picture
from headrace._messages.hints import checks_keywords

from .registry import all_flows, get_flow

if TYPE_CHECKING:
    from os import PathLike

    from headrace._step_info import StepInfo

    from .graph import FlowGraph


def picture_of(graphs: Sequence[FlowGraph]) -> Picture:
    """Return a picture of one flow or chain, or a map of several."""
    infos = _known_steps(graphs)
    if len(graphs) == 1:
        return _single(graphs[0], infos)
    return _map(graphs, infos)


def _single(graph: FlowGraph, infos: Mapping[str, StepInfo]) -> Picture:
    is_chain = all(info.kind == "chain" for info in graph.steps.values())
    # Keep the order of the `.next` calls, so that a chain's branches stay side by side.
    order = list(graph.steps if is_chain else graph.nodes)
    nodes = [_node(name, name, graph, infos) for name in order]
    edges = [_edge(graph, source, target, source, target) for source, target in graph.edges]
    if is_chain:
        place = {name: i for i, name in enumerate(order)}
        edges.sort(key=lambda edge: (place[edge.source], place[edge.target]))
    return Picture(graph.name, (graph.name,), tuple(nodes), tuple(edges))


def _map(graphs: Sequence[FlowGraph], infos: Mapping[str, StepInfo]) -> Picture:
    nodes: dict[str, Node] = {}
    ids: dict[tuple[str, str], str] = {}
    for graph in graphs:
        for name in graph.steps:
            ids[graph.name, name] = _free(f"{graph.name}.{name}", nodes)
            nodes[ids[graph.name, name]] = _node(ids[graph.name, name], name, graph, infos)
    by_full_name = {f"{flow}.{name}": node_id for (flow, name), node_id in ids.items()}
    edges: list[Edge] = []
    for graph in graphs:
        for reference in (name for name in graph.nodes if name not in graph.steps):
            ids[graph.name, reference] = by_full_name.get(reference, reference)
            nodes.setdefault(ids[graph.name, reference], _node(reference, reference, graph, infos))
        for source, target in graph.edges:
            pair = ids[graph.name, source], ids[graph.name, target]
            edges.append(_edge(graph, source, target, *pair))
    flows = tuple(graph.name for graph in graphs)
    order = {node: i for i, node in enumerate(nodes)}
    edges.sort(key=lambda edge: (order[edge.source], edge.target))
    return Picture(", ".join(flows), flows, tuple(nodes.values()), tuple(edges))


def _node(node_id: str, name: str, graph: FlowGraph, infos: Mapping[str, StepInfo]) -> Node:
    if name in graph.steps:
        info = graph.steps[name]
        return Node(node_id, name, graph.name, info.kind, info, graph.notes.get(name, ()))
    known = infos.get(name)
    return Node(node_id, name, graph.name, FOREIGN if known else UNKNOWN, known)


def _edge(graph: FlowGraph, source: str, target: str, source_id: str, target_id: str) -> Edge:
    crosses = source not in graph.steps and "." in source  # a name without a dot is mistyped
    kind = graph.kinds.get((source, target), "call")
    return Edge(source_id, target_id, kind, crosses, f"{graph.name}:{source}->{target}")


def _known_steps(graphs: Iterable[FlowGraph]) -> dict[str, StepInfo]:
    """Return the steps of other flows that the graphs refer to, by their full names."""
    if all(len(graph.nodes) == len(graph.steps) for graph in graphs):
        return {}
    return {
        f"{flow.name}.{name}": info
        for flow in all_flows()
        for name, info in flow.graph().steps.items()
    }


def _free(name: str, taken: Mapping[str, Node]) -> str:
    # Step "b.c" of flow "a" and step "c" of flow "a.b" have the same full name.
    while name in taken:
        name += "'"
    return name


@checks_keywords
def generate_dag(
    flow_name: str,
    *,
    format: str = "mermaid",
    style: str = "plain",
    output: str | PathLike[str] | None = None,
) -> str | None:
    """Draw the flow `flow_name`.

    Args:
        flow_name: the name of the flow.
        format: ``dot``, ``html``, ``json``, ``mermaid``, ``svg`` or ``text``.
        style: for Mermaid, ``plain`` or ``rich``; see `FlowGraph.render`.
        output: the file to write; the result is then None.

    Raises:
        UnknownFlowError: no flow of this name is declared.
        ValueError: the format or style is unknown.
        OSError: the file cannot be written.
    """
    check_format(format, style)
    drawing = get_flow(flow_name).graph().render(format, style=style)
    if output is None:
        return drawing
    # The same bytes on every platform.
    Path(output).write_text(drawing + "\n", encoding="utf-8", newline="\n")
    return None
