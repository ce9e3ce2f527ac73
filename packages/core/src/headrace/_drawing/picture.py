"""The picture, independent of its format: steps, edges and flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .figures import Figures

if TYPE_CHECKING:
    from headrace._step_info import StepInfo, StepNote

FOREIGN, UNKNOWN = "foreign", "unknown"
SHOWN, SHOWN_BY_TESTS, NOT_SHOWN = "shown", "shown_by_tests", "not_shown"

Step = tuple[str, str]
"""The name of a flow, and of a step in it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A step in a picture.

    Attributes:
        id: a unique name in the picture: the step's, or ``flow.step``.
        label: the text in its box.
        flow: the flow in which it is drawn.
        kind: the step's kind, ``foreign`` (a step of a flow that is not drawn), or ``unknown`` (a
            reference to no declared step).
        info: the declaration of the step; None for an unknown step.
        notes: the options of a chain's step, such as its retries.
        href: the target of its link; the node itself by default.
        figures: its figures in logs; None if no logs were read.
    """

    id: str
    label: str
    flow: str
    kind: str
    info: StepInfo | None
    notes: tuple[StepNote, ...] = ()
    href: str = ""
    figures: Figures | None = None

    @property
    def is_entrypoint(self) -> bool:
        """Whether the step is an entrypoint of a drawn flow."""
        return self.kind != FOREIGN and self.info is not None and self.info.is_entrypoint

    @property
    def key(self) -> Step:
        """The flow and the name of the step, even in a picture of another flow."""
        return (self.info.flow, self.info.name) if self.info else (self.flow, self.label)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge in a picture.

    Attributes:
        source: the ID of the preceding step.
        target: the ID of the following step.
        kind: ``call`` or ``enqueue``.
        crosses: whether it links two flows.
        identity: the name of the edge in all tools: ``flow:source->target``.
        verdict: ``shown``, ``shown_by_tests`` or ``not_shown``; None if it has not been checked.
        figures: its figures in logs; None if no logs were read.
    """

    source: str
    target: str
    kind: str
    crosses: bool
    identity: str
    verdict: str | None = None
    figures: Figures | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """One flow, or several flows and their links.

    Attributes:
        title: the heading.
        flows: the names of the flows; several are drawn as groups.
        nodes: the steps, in topological order within each flow.
        edges: the edges, ordered by source, then by target.
        noun: the word for a node, used when nodes are counted.
    """

    title: str
    flows: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    noun: str = "step"

    @property
    def is_map(self) -> bool:
        """Whether the picture shows several flows."""
        return len(self.flows) > 1

    @property
    def is_judged(self) -> bool:
        """Whether the edges carry verdicts."""
        return any(edge.verdict for edge in self.edges)

    @property
    def is_traced(self) -> bool:
        """Whether the steps carry figures."""
        return any(node.figures for node in self.nodes)

    def steps_of_edges(self) -> dict[str, tuple[Step, Step]]:
        """Return the source and the target of each edge, by its identity."""
        keys = {node.id: node.key for node in self.nodes}
        return {edge.identity: (keys[edge.source], keys[edge.target]) for edge in self.edges}

    def nodes_by_flow(self) -> dict[str, list[Node]]:
        """Return the nodes of each flow, in order."""
        members: dict[str, list[Node]] = {flow: [] for flow in self.flows}
        for node in self.nodes:
            members[node.flow].append(node)
        return members

    def edges_as_pairs(self) -> list[tuple[str, str]]:
        """Return the edges as pairs of IDs."""
        return [(edge.source, edge.target) for edge in self.edges]


def focused(picture: Picture, step: str, depth: int | None = None) -> Picture:
    """Return `step` with its predecessors and successors in `picture`.

    Args:
        picture: the whole picture.
        step: the ID of the step, or its name if only one flow has such a step.
        depth: the number of edges to follow in each direction; all by default.

    Raises:
        ValueError: there is no step of this name, or more than one.
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
    """Return `picture` with `verdicts`, which maps the identity of each edge to its verdict.

    An edge without a verdict is ``not_shown``.
    """
    edges = (replace(e, verdict=verdicts.get(e.identity, NOT_SHOWN)) for e in picture.edges)
    return replace(picture, edges=tuple(edges))


def traced(
    picture: Picture, steps: Mapping[Step, Figures], edges: Mapping[tuple[Step, Step], Figures]
) -> Picture:
    """Return `picture` with the figures of its steps and edges; those without figures never ran."""
    pairs = picture.steps_of_edges()
    return replace(
        picture,
        nodes=tuple(replace(n, figures=steps.get(n.key, Figures())) for n in picture.nodes),
        edges=tuple(
            replace(e, figures=edges.get(pairs[e.identity], Figures())) for e in picture.edges
        ),
    )


def _found(picture: Picture, step: str) -> str:
    ids = {node.id for node in picture.nodes}
    if step in ids:
        return step
    # A picture of one flow omits the flow's name, but the user may include it.
    found = [node.id for node in picture.nodes if step in {node.label, f"{node.flow}.{node.label}"}]
    if len(found) > 1:
        raise ValueError(f"several steps are named {step!r}; choose one of {', '.join(found)}")
    if not found:
        known = ", ".join(node.id for node in picture.nodes)
        raise ValueError(f"no step named {step!r}; the steps are {known}")
    return found[0]


def _within(start: str, pairs: Iterable[tuple[str, str]], depth: int | None) -> set[str]:
    """Return the nodes within `depth` edges of `start`, including `start`."""
    targets: dict[str, list[str]] = {}
    for source, target in pairs:
        targets.setdefault(source, []).append(target)
    reached, border = {start}, [start]
    while border and depth != 0:
        border = [t for node in border for t in targets.get(node, ()) if t not in reached]
        reached.update(border)
        depth = None if depth is None else depth - 1
    return reached
