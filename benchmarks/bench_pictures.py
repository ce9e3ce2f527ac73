"""Drawing: a flow of sixty steps, and one of three hundred, against the project's own limits."""

from __future__ import annotations

import random
import statistics
from time import perf_counter

import headrace
from benchmarks.harness import Result

SMALL, LARGE = (60, 75, 0.060), (300, 380, 5.0)  # steps, edges, seconds


def results() -> list[Result]:
    """Return how long drawing as SVG takes, in parts of the limit."""
    return [_result(*size, rounds=rounds) for size, rounds in ((SMALL, 25), (LARGE, 5))]


def _result(steps: int, edges: int, limit: float, *, rounds: int) -> Result:
    seconds = statistics.median(_draw(_flow(steps, edges, seed)) for seed in range(rounds))
    group = f"SVG of {steps} steps and {edges} edges, in {limit * 1000:.0f} ms"
    return Result(group, "headrace", seconds, seconds / limit, 1.0)


def _draw(graph: headrace.FlowGraph) -> float:
    start = perf_counter()
    graph.render("svg")
    return perf_counter() - start


def _flow(steps: int, edges: int, seed: int) -> headrace.FlowGraph:
    """Return a flow such as grows over years: links to steps shortly before, some to far ones."""
    draw = random.Random(seed)
    links = {(draw.randint(max(0, i - 6), i - 1), i) for i in range(1, steps)}
    while len(links) < edges:
        target = draw.randint(1, steps - 1)
        reach = 20 if draw.random() < 0.15 else 7
        links.add((draw.randint(max(0, target - reach), target - 1), target))
    flow = headrace.flow(f"grown.{steps}.{seed}")
    for i in range(steps):
        after = [f"step_{source}" for source, target in sorted(links) if target == i]
        flow.step(name=f"step_{i}", after=after)(_nothing)
    return flow.graph()


def _nothing() -> None:
    """Be a step."""
