"""Which functions may lead to a step at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from headrace_inspect._running._trees import Open, Run, Tree, Within, parts_of

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Function
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._nodes import Node


class Leading(NamedTuple):
    """Functions that may lead to a step.

    Attributes:
        perhaps: those that run a step, or put one that does into other hands, if all that is
            dynamic does what it can.
        surely: those of them that do without it, but for which class's method is called.
        bodies: the nodes of modules and chains that do.
        words: the words by which signals are mentioned whose receivers lead to a step.
        has_routes: whether the address of a web application does.
    """

    perhaps: set[Function]
    surely: set[Function]
    bodies: set[Node]
    words: frozenset[str]
    has_routes: bool


def leading_functions(engine: Engine) -> Leading:
    """Return the functions that may lead to a step."""
    callers: dict[Node, list[Node]] = {}
    starts: list[Node] = []
    for node in engine.nodes.values():
        if node.steps or node.function in engine.declared:
            starts.append(node)
        for tree in _parts(node.tree):
            if isinstance(tree, Run | Within):
                callers.setdefault(tree.node, []).append(node)
            elif isinstance(tree, Open):
                starts.append(node)
    surely = _with_registering(engine, _callers(starts, callers, through=_is_definite))
    perhaps = _with_registering(engine, _callers(starts, callers, through=lambda node: True))
    words = [
        connected.words
        for receivers in engine.exposure.receivers.values()
        for connected in receivers
        if _leads(connected.tree, surely)
    ]
    return Leading(
        _functions(perhaps),
        _functions(surely),
        {node for node in surely if node.function is None},
        frozenset().union(*words),
        any(_leads(route.tree, surely) for route in engine.exposure.routes),
    )


def _is_definite(node: Node) -> bool:
    hub = node.hub
    # Coarsely looked at, an address that is handed in says nothing; closely, it tells the route.
    return hub is None or hub.how in {"override", "routes", "super"}


def _callers(
    starts: list[Node], callers: dict[Node, list[Node]], through: Callable[[Node], bool]
) -> set[Node]:
    found: set[Node] = set()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        if node not in found and through(node):
            found.add(node)
            waiting.extend(callers.get(node, ()))
    return found


def _functions(nodes: set[Node]) -> set[Function]:
    return {node.function for node in nodes if node.function is not None}


def _with_registering(engine: Engine, leading: set[Node]) -> set[Node]:
    """Return `leading` and the nodes that put something that leads to a step into other hands."""
    functions = _functions(leading)
    found = {node for node, tree in engine.exposure.trees() if _leads(tree, leading)}
    found |= {
        node
        for node, cls in engine.exposure.classes
        if any(method in functions for method in engine.methods(cls).values())
    }
    return leading | found


def _leads(tree: Tree, leading: set[Node]) -> bool:
    return any(isinstance(part, Run | Within) and part.node in leading for part in _parts(tree))


def _parts(tree: Tree | None) -> Iterator[Tree]:
    waiting = [tree] if tree is not None else []
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(parts_of(current))
