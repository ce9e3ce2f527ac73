"""Declared edges between steps, from the JSON of ``headrace graph``."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple

from headrace.commands import CommandError

_SCHEMA = "headrace.graph"


class Edge(NamedTuple):
    """Two steps, of which the second follows the first."""

    flow: str
    step: str
    next_flow: str
    next_step: str


def read_edges(text: str, source: str) -> list[Edge]:
    """Return the edges of a graph whose first step is always followed by one of the others.

    A step that only conditional steps follow may be the last one.

    Args:
        text: what ``headrace graph --format json`` writes.
        source: where it comes from, for messages.

    Raises:
        CommandError: the text is no such graph.
    """
    try:
        graph = json.loads(text)
        if graph["schema"] != _SCHEMA:
            raise ValueError
        nodes = {node["id"]: node for node in graph["nodes"]}
        edges = [(nodes[one["source"]], nodes[one["target"]]) for one in graph["edges"]]
        return _unconditional(edges)
    except (ValueError, KeyError, TypeError):
        hint = "write one with headrace graph --all --format json"
        raise CommandError(f"{source} is no graph of headrace; {hint}") from None


def _unconditional(edges: list[tuple[Any, Any]]) -> list[Edge]:
    following: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for source, target in edges:
        following[source["flow"], source["name"]].append(target)
    return [
        Edge(*step, target["flow"], target["name"])
        for step, targets in following.items()
        if not all(_is_conditional(target) for target in targets)
        for target in targets
    ]


def _is_conditional(node: Any) -> bool:
    return any(note["kind"] == "when" for note in node["notes"])
