"""Output of the integrations' ``flows`` commands."""

from __future__ import annotations

from collections.abc import Iterable

from headrace._messages.text import printable

from .discovery import discover
from .registry import all_flows, get_flow
from .validation import GraphProblem


def flow_lines() -> list[str]:
    """Return one line per declared flow, by name: its number of steps and its entrypoints."""
    discover()
    return [_line(flow.name) for flow in sorted(all_flows(), key=lambda flow: flow.name)]


def flow_problems(names: Iterable[str] = ()) -> list[GraphProblem]:
    """Return the problems of the flows `names`, or of all flows.

    Raises:
        UnknownFlowError: no flow of a given name is declared.
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
