"""What the commands ``flows`` of the integrations say about the declared flows."""

from __future__ import annotations

from collections.abc import Iterable

from headrace._messages.text import printable

from .discovery import discover
from .registry import all_flows, get_flow
from .validation import GraphProblem


def flow_lines() -> list[str]:
    """Return a line for each declared flow, by name: its steps counted, its entrypoints named."""
    discover()
    return [_line(flow.name) for flow in sorted(all_flows(), key=lambda flow: flow.name)]


def flow_problems(names: Iterable[str] = ()) -> list[GraphProblem]:
    """Return what is wrong with the flows called `names`, or with all of them.

    Raises:
        UnknownFlowError: no flow of such a name is declared.
    """
    discover()
    wanted = list(names) or sorted(flow.name for flow in all_flows())
    return [problem for name in wanted for problem in get_flow(name).graph().validate()]


def _line(name: str) -> str:
    graph = get_flow(name).graph()
    count = len(graph.steps)
    entrypoints = ", ".join(graph.entrypoints) or "none"
    steps = "step" if count == 1 else "steps"
    return printable(f"{name}: {count} {steps}, entrypoints: {entrypoints}")
