"""What is drawn, whatever the format: steps, edges, and the flows they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace._flows.registry import all_flows

if TYPE_CHECKING:
    from headrace._flows.graph import FlowGraph, StepNote
    from headrace._step_info import StepInfo

FOREIGN, UNKNOWN = "foreign", "unknown"
CONFIRMED, UNRESOLVED, CONTRADICTED = "confirmed", "unresolved", "contradicted"


@dataclass(frozen=True, slots=True)
class Node:
    """A step in a picture.

    Attributes:
        id: its name in the picture, unique there: the step's, or ``flow.step``.
        label: what is written on it.
        flow: the flow in which it is drawn.
        kind: the step's kind, or ``foreign`` (a step of a flow that is not drawn), or ``unknown``
            (a reference that leads nowhere).
        info: what is known of the step; None for what is unknown.
        notes: what a chain adds to the step.
    """

    id: str
    label: str
    flow: str
    kind: str
    info: StepInfo | None
    notes: tuple[StepNote, ...] = ()

    @property
    def is_entrypoint(self) -> bool:
        """Whether a drawn flow begins here."""
        return self.kind != FOREIGN and self.info is not None and self.info.is_entrypoint


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge in a picture.

    Attributes:
        source: the ID of the step before.
        target: the ID of the step after.
        kind: ``call`` or ``enqueue``.
        crosses: whether it links two flows.
        identity: the edge's name everywhere: ``flow:source->target``.
        verdict: what the code says of it: ``confirmed``, ``contradicted``, ``unresolved``; or None.
    """

    source: str
    target: str
    kind: str
    crosses: bool
    identity: str
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """One flow, or several and their links.

    Attributes:
        title: what it shows.
        flows: the flows' names; several are drawn as groups.
        nodes: the steps, those of a flow in topological order.
        edges: the edges, in the order of their sources, then by target.
    """

    title: str
    flows: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def is_map(self) -> bool:
        """Whether several flows are drawn."""
        return len(self.flows) > 1

    @property
    def is_judged(self) -> bool:
        """Whether the edges have verdicts."""
        return any(edge.verdict for edge in self.edges)

    def nodes_by_flow(self) -> dict[str, list[Node]]:
        """Return the nodes of each flow, in their order."""
        members: dict[str, list[Node]] = {flow: [] for flow in self.flows}
        for node in self.nodes:
            members[node.flow].append(node)
        return members

    def edges_as_pairs(self) -> list[tuple[str, str]]:
        """Return the edges as pairs of IDs."""
        return [(edge.source, edge.target) for edge in self.edges]


def picture_of(graphs: Sequence[FlowGraph]) -> Picture:
    """Return a picture of one flow or chain, or a map of several."""
    infos = _known_steps(graphs)
    if len(graphs) == 1:
        return _single(graphs[0], infos)
    return _map(graphs, infos)


def focused(picture: Picture, step: str, depth: int | None = None) -> Picture:
    """Return the part of `picture` that leads to `step`, and that it leads to.

    Args:
        picture: the whole.
        step: the step's ID, or its name where only one flow has such a step.
        depth: how many edges to go each way; all, unless given.

    Raises:
        ValueError: there is no such step, or there are several.
    """
    start = _found(picture, step)
    pairs = picture.edges_as_pairs()
    kept = _within(start, pairs, depth) | _within(start, [(b, a) for a, b in pairs], depth)
    nodes = tuple(node for node in picture.nodes if node.id in kept)
    kept_flows = {node.flow for node in nodes}
    flows = tuple(name for name in picture.flows if name in kept_flows)
    edges = tuple(e for e in picture.edges if e.source in kept and e.target in kept)
    return replace(
        picture, title=f"{picture.title}: {start}", flows=flows, nodes=nodes, edges=edges
    )


def judged(picture: Picture, verdicts: Mapping[str, str]) -> Picture:
    """Return `picture` with the verdicts of its edges, which are given by their identities.

    An edge of which nothing is known is unresolved.
    """
    edges = (replace(e, verdict=verdicts.get(e.identity, UNRESOLVED)) for e in picture.edges)
    return replace(picture, edges=tuple(edges))


def _single(graph: FlowGraph, infos: Mapping[str, StepInfo]) -> Picture:
    is_chain = all(info.kind == "chain" for info in graph.steps.values())
    # The steps of a chain are in the order in which they were added: branches stay side by side.
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
    crosses = source not in graph.steps and "." in source  # a name without one is mistyped
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
    # Step "b.c" of flow "a" and step "c" of flow "a.b" have one full name.
    while name in taken:
        name += "'"
    return name


def _found(picture: Picture, step: str) -> str:
    ids = {node.id for node in picture.nodes}
    if step in ids:
        return step
    # A picture of one flow leaves its name out, and it may be asked for all the same.
    found = [node.id for node in picture.nodes if step in {node.label, f"{node.flow}.{node.label}"}]
    if len(found) > 1:
        raise ValueError(f"several steps are named {step!r}; choose one of {', '.join(found)}")
    if not found:
        known = ", ".join(node.id for node in picture.nodes)
        raise ValueError(f"no step named {step!r}; the steps are {known}")
    return found[0]


def _within(start: str, pairs: Iterable[tuple[str, str]], depth: int | None) -> set[str]:
    """Return what `start` leads to in at most `depth` edges, itself included."""
    targets: dict[str, list[str]] = {}
    for source, target in pairs:
        targets.setdefault(source, []).append(target)
    reached, border = {start}, [start]
    while border and depth != 0:
        border = [t for node in border for t in targets.get(node, ()) if t not in reached]
        reached.update(border)
        depth = None if depth is None else depth - 1
    return reached
