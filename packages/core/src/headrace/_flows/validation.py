"""Problems of a declared graph: unknown references, cycles, unreachable steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace._messages.text import printable

from .registry import all_flows

if TYPE_CHECKING:
    from .graph import FlowGraph


@dataclass(frozen=True, slots=True)
class GraphProblem:
    """A problem of a declared flow.

    Attributes:
        kind: ``unknown-reference``, ``cycle`` or ``unreachable``.
        flow: the name of the flow.
        step: the name of the step.
        message: what is wrong, and what to do.
        file: the file that defines the step, or ``""``.
        line: the line of the definition, or 0.
    """

    kind: str
    flow: str
    step: str
    message: str
    file: str
    line: int

    def __str__(self) -> str:
        """Format the problem as compilers do: location, then message."""
        place = f"{self.file}:{self.line}: " if self.file else ""
        return printable(f"{place}{self.flow}.{self.step}: {self.message}")


def find_problems(graph: FlowGraph) -> list[GraphProblem]:
    """Return the problems of `graph`, in the order of its nodes."""
    outside = [node for node in graph.nodes if node not in graph.steps]
    foreign = {node for node in outside if _is_declared(node)}
    unknown = set(outside) - foreign
    cycles = list(_cycles(graph))
    reached = _reachable(graph.edges, [*graph.entrypoints, *foreign])
    # A step after an unknown reference or a cycle is unreachable because of that problem.
    excused = _reachable(graph.edges, [*unknown, *(node for cycle in cycles for node in cycle)])
    problems = [
        _problem(graph, "unknown-reference", target, _unknown_message(graph, source))
        for source, target in graph.edges
        if source in unknown
    ]
    problems += [
        _problem(graph, "cycle", cycle[0], f"the steps form a cycle: {' -> '.join(cycle)}")
        for cycle in cycles
    ]
    problems += [
        _problem(graph, "unreachable", node, _UNREACHABLE)
        for node in graph.nodes
        if node in graph.steps and node not in reached and node not in excused
    ]
    position = {node: i for i, node in enumerate(graph.nodes)}
    return sorted(problems, key=lambda problem: position[problem.step])


def _is_declared(reference: str) -> bool:
    """Return whether ``flow.step`` names a step of some flow."""
    return any(
        reference.removeprefix(flow.name + ".") in flow
        for flow in all_flows()
        if reference.startswith(flow.name + ".")
    )


_UNREACHABLE = (
    "no entrypoint leads to this step; declare its predecessor with after=, or make it an "
    "entrypoint"
)


def _unknown_message(graph: FlowGraph, reference: str) -> str:
    known = ", ".join(sorted(graph.steps))
    return (
        f"after={reference!r} names no declared step; the steps of flow {graph.name!r} are "
        f"{known}; for a step of another flow, write 'flow.step'"
    )


def _problem(graph: FlowGraph, kind: str, step: str, message: str) -> GraphProblem:
    info = graph.steps[step]
    return GraphProblem(kind, graph.name, step, message, info.file, info.line)


def _reachable(edges: Iterable[tuple[str, str]], starts: Iterable[str]) -> set[str]:
    targets = _targets(edges)
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        if node not in reached:
            reached.add(node)
            waiting.extend(targets.get(node, ()))
    return reached


def _targets(edges: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    targets: dict[str, list[str]] = {}
    for source, target in edges:
        targets.setdefault(source, []).append(target)
    return targets


def _cycles(graph: FlowGraph) -> Iterator[list[str]]:
    """Yield one closed cycle for each strongly connected group of steps."""
    targets = _targets(graph.edges)
    position = {node: i for i, node in enumerate(graph.nodes)}
    for group in _groups(graph.nodes, targets):
        start = min(group, key=position.__getitem__)
        if len(group) > 1 or start in targets.get(start, ()):
            yield _cycle_through(start, group, targets)


def _groups(nodes: Iterable[str], targets: Mapping[str, list[str]]) -> Iterator[set[str]]:
    """Yield the strongly connected components, by Kosaraju's algorithm."""
    seen: set[str] = set()
    left = [each for node in nodes for each in _walk(node, targets, seen)]
    sources = _targets((target, source) for source in targets for target in targets[source])
    seen.clear()
    for node in reversed(left):
        if node not in seen:
            yield set(_walk(node, sources, seen))


def _walk(start: str, targets: Mapping[str, list[str]], seen: set[str]) -> Iterator[str]:
    """Yield the unseen nodes reachable from `start`, in depth-first post-order."""
    path: list[tuple[str, Iterator[str]]] = []
    entering: str | None = start if start not in seen else None
    while path or entering is not None:
        if entering is not None:
            seen.add(entering)
            path.append((entering, iter(targets.get(entering, ()))))
        node, following = path[-1]
        entering = next((each for each in following if each not in seen), None)
        if entering is None:
            path.pop()
            yield node


def _cycle_through(start: str, group: set[str], targets: Mapping[str, list[str]]) -> list[str]:
    """Return a shortest cycle through `start` inside its group."""
    before: dict[str, str] = {}
    waiting = deque([start])
    while start not in before:
        node = waiting.popleft()
        for target in targets.get(node, ()):
            if target in group and target not in before:
                before[target] = node
                waiting.append(target)
    cycle = [start]
    while len(cycle) == 1 or cycle[-1] != start:
        cycle.append(before[cycle[-1]])
    return cycle[::-1]
