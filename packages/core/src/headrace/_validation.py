"""What can be wrong with a declared graph: unknown references, cycles, steps never reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._flows import all_flows

if TYPE_CHECKING:
    from ._graph import FlowGraph


@dataclass(frozen=True, slots=True)
class GraphProblem:
    """Something that is wrong with a flow as it is declared.

    Attributes:
        kind: ``unknown-reference``, ``cycle`` or ``unreachable``.
        flow: the flow's name.
        step: the step concerned.
        message: what is wrong, and what to do.
        file: where the step is defined, or ``""``.
        line: the line there, or 0.
    """

    kind: str
    flow: str
    step: str
    message: str
    file: str
    line: int

    def __str__(self) -> str:
        """Give it as compilers do: place, then message."""
        place = f"{self.file}:{self.line}: " if self.file else ""
        return f"{place}{self.flow}.{self.step}: {self.message}"


def find_problems(graph: FlowGraph) -> list[GraphProblem]:
    """Return what is wrong with `graph`, in the order of its nodes."""
    known_elsewhere = {f"{flow.name}.{node}" for flow in all_flows() for node in flow.graph().steps}
    unknown = [n for n in graph.nodes if n not in graph.steps and n not in known_elsewhere]
    foreign = [n for n in graph.nodes if n not in graph.steps and n in known_elsewhere]
    cycles = list(_cycles(graph))
    reached = _reachable(graph.edges, [*graph.entrypoints, *foreign])
    # What hangs on an unknown reference or a cycle has been reported by that.
    excused = _reachable(graph.edges, [*unknown, *(node for cycle in cycles for node in cycle)])
    problems = [
        _problem(graph, "unknown-reference", target, _unknown_message(graph, source))
        for source, target in graph.edges
        if source in unknown
    ]
    problems += [
        _problem(graph, "cycle", cycle[0], f"the steps run in a circle: {' -> '.join(cycle)}")
        for cycle in cycles
    ]
    problems += [
        _problem(graph, "unreachable", node, _UNREACHABLE)
        for node in graph.nodes
        if node in graph.steps and node not in reached and node not in excused
    ]
    return sorted(problems, key=lambda problem: graph.nodes.index(problem.step))


_UNREACHABLE = (
    "no entrypoint leads to this step; declare what comes before it with after=, or make it an "
    "entrypoint"
)


def _unknown_message(graph: FlowGraph, reference: str) -> str:
    known = ", ".join(sorted(graph.steps))
    return (
        f"after={reference!r} names no declared step; the steps of flow {graph.name!r} are "
        f"{known}, those of other flows are written 'flow.step'"
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
    """Yield one cycle, closed, for each group of steps that lead to one another."""
    targets = _targets(graph.edges)
    done: set[str] = set()
    for start in graph.nodes:
        if start in done:
            continue
        path: dict[str, Iterator[str]] = {start: iter(targets.get(start, ()))}
        while path:
            node = next(reversed(path))
            following = next(path[node], None)
            if following is None:
                path.popitem()
                done.add(node)
            elif following in path:
                names = list(path)
                yield [*names[names.index(following) :], following]
                done.update(names)
                break
            elif following not in done:
                path[following] = iter(targets.get(following, ()))
