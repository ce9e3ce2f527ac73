"""Strongly connected components: functions that call each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def components(nodes: Iterable[T], targets: Callable[[T], Iterable[T]]) -> list[list[T]]:
    """Return the strongly connected components, those that are called before their callers.

    Tarjan's algorithm without recursion, since call graphs are deep.
    """
    index: dict[T, int] = {}
    lowest: dict[T, int] = {}
    stack: list[T] = []
    on_stack: set[T] = set()
    found: list[list[T]] = []
    for root in nodes:
        if root in index:
            continue
        work: list[tuple[T, Iterator[T]]] = [(root, iter(targets(root)))]
        index[root] = lowest[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            following = next((one for one in rest if one not in index or one in on_stack), None)
            if following is None:
                work.pop()
                if work:
                    caller = work[-1][0]
                    lowest[caller] = min(lowest[caller], lowest[node])
                if lowest[node] == index[node]:
                    found.append(_popped(stack, on_stack, node))
            elif following in index:
                lowest[node] = min(lowest[node], index[following])
            else:
                index[following] = lowest[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(targets(following))))
    return found


def _popped(stack: list[T], on_stack: set[T], last: T) -> list[T]:
    component: list[T] = []
    while True:
        node = stack.pop()
        on_stack.discard(node)
        component.append(node)
        if node is last:
            return component
