"""Mermaid: https://mermaid.js.org/syntax/flowchart.html."""

from __future__ import annotations

import re
from collections.abc import Sequence

_is_plain = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_unsafe = re.compile(r"[^A-Za-z0-9 _.,/()\u00a1-\U0010ffff-]")
_RESERVED = frozenset([
    "end",
    "graph",
    "subgraph",
    "flowchart",
    "style",
    "linkstyle",
    "classdef",
    "class",
    "click",
    "call",
    "href",
    "default",
    "direction",
    "interpolate",
    "accdescr",
    "acctitle",
])


def mermaid(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> str:
    """Draw a graph: ``graph TD`` and a line per edge; a node without edges has its own line.

    A name that Mermaid cannot take as an ID stands as the label of a made one.
    """
    ids = _ids(nodes)
    lines = [f'    {ids[node]}["{_escaped(node)}"]' for node in nodes if ids[node] != node]
    linked = {node for edge in edges for node in edge}
    lines += [f"    {node}" for node in nodes if node not in linked and ids[node] == node]
    lines += [f"    {ids[source]} --> {ids[target]}" for source, target in edges]
    return "\n".join(["graph TD", *lines])


def _ids(nodes: Sequence[str]) -> dict[str, str]:
    taken = set(nodes)
    made = (name for i in range(1, 2 * len(nodes) + 1) if (name := f"n{i}") not in taken)
    return {node: node if _can_be_id(node) else next(made) for node in nodes}


def _can_be_id(name: str) -> bool:
    return _is_plain(name) is not None and name.lower() not in _RESERVED


def _escaped(label: str) -> str:
    return _unsafe.sub(lambda found: f"#{ord(found.group())};", label)
