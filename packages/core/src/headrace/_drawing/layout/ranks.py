"""Components, cycle removal and ranks."""

from __future__ import annotations

from collections.abc import Sequence

Link = tuple[int, int]


def components(count: int, links: Sequence[Link]) -> list[list[int]]:
    """Return the connected components of the nodes 0 to `count` - 1, by their smallest node."""
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        neighbours[source].append(target)
        neighbours[target].append(source)
    seen = [False] * count
    found = []
    for start in range(count):
        if seen[start]:
            continue
        seen[start] = True
        group = [start]
        for node in group:
            for other in neighbours[node]:
                if not seen[other]:
                    seen[other] = True
                    group.append(other)
        found.append(sorted(group))
    return found


def downward(nodes: Sequence[int], links: Sequence[Link]) -> tuple[list[Link], set[Link]]:
    """Return the links without cycles, and those among them that were reversed.

    A link is reversed if it leads back in a depth-first walk in the nodes' order.
    """
    targets: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in links:
        targets[source].append(target)
    back = _back_links(nodes, targets, {target for _, target in links})
    directed = list(dict.fromkeys((b, a) if (a, b) in back else (a, b) for a, b in links))
    return directed, {(b, a) for a, b in back}


def _back_links(nodes: Sequence[int], targets: dict[int, list[int]], led_to: set[int]) -> set[Link]:
    back: set[Link] = set()
    done: set[int] = set()
    # Roots first, so that only links that lead back to them are reversed.
    for start in sorted(nodes, key=lambda node: (node in led_to, node)):
        if start in done:
            continue
        path = {start: iter(targets[start])}
        while path:
            node = next(reversed(path))
            following = next(path[node], None)
            if following is None:
                path.popitem()
                done.add(node)
            elif following in path:
                back.add((node, following))
            elif following not in done:
                path[following] = iter(targets[following])
    return back


def assign_ranks(nodes: Sequence[int], links: Sequence[Link]) -> dict[int, int]:
    """Return ranks such that every link leads down and the total length is small."""
    above: dict[int, list[int]] = {node: [] for node in nodes}
    below: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in links:
        above[target].append(source)
        below[source].append(target)
    order = _topological(nodes, above, below)
    ranks: dict[int, int] = {}
    for node in order:
        ranks[node] = max((ranks[a] + 1 for a in above[node]), default=0)
    for _ in range(8):
        if not _shorten(order, ranks, above, below):
            break
    lowest = min(ranks.values())
    return {node: rank - lowest for node, rank in ranks.items()}


def _shorten(
    order: Sequence[int],
    ranks: dict[int, int],
    above: dict[int, list[int]],
    below: dict[int, list[int]],
) -> bool:
    """Move each node to the rank where its links are shortest; return whether any moved."""
    moved = False
    for node in reversed(order):
        if below[node] and len(below[node]) > len(above[node]):
            rank = min(ranks[b] for b in below[node]) - 1
        elif above[node] and len(above[node]) > len(below[node]):
            rank = max(ranks[a] for a in above[node]) + 1
        else:
            continue
        if rank != ranks[node]:
            ranks[node] = rank
            moved = True
    return moved


def _topological(
    nodes: Sequence[int], above: dict[int, list[int]], below: dict[int, list[int]]
) -> list[int]:
    waiting = {node: len(above[node]) for node in nodes}
    order = [node for node in nodes if waiting[node] == 0]
    for node in order:
        for target in below[node]:
            waiting[target] -= 1
            if waiting[target] == 0:
                order.append(target)
    return order
