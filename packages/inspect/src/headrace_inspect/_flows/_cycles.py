"""Declared edges that close a circle."""

from __future__ import annotations

from collections.abc import Callable

from headrace_inspect._order._components import components

from ._steps import Name

Edge = tuple[Name, Name]


def closing_edges(
    edges: list[Edge], is_confirmed: Callable[[Name, Name], bool]
) -> dict[Edge, list[Name]]:
    """Return one edge for each group of steps that lead to one another, with the circle.

    It is the edge that the source does not confirm, if there is one.
    """
    targets: dict[Name, list[Name]] = {}
    for source, target in edges:
        targets.setdefault(source, []).append(target)
        targets.setdefault(target, [])
    closing: dict[Edge, list[Name]] = {}
    for component in components(sorted(targets), lambda name: targets[name]):
        group = set(component)
        inner = [(s, t) for s, t in edges if s in group and t in group]
        if inner:
            source, target = min(inner, key=lambda edge: (is_confirmed(*edge), edge))
            closing[source, target] = _circle(source, target, targets, group)
    return closing


def _circle(
    source: Name, target: Name, targets: dict[Name, list[Name]], group: set[Name]
) -> list[Name]:
    """Return the shortest way from `target` to `source`, and on to `target`."""
    came: dict[Name, Name] = {}
    waiting = [target]
    for name in waiting:
        if name == source:
            break
        for following in targets[name]:
            if following in group and following not in came and following != target:
                came[following] = name
                waiting.append(following)
    way = [source]
    while way[-1] != target:
        way.append(came[way[-1]])
    return [*reversed(way), target]
