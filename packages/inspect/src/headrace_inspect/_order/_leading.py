"""Which functions may lead to a step at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from headrace_inspect._names._values import UNKNOWN, Result, Value
from headrace_inspect._running._giving import functions_in
from headrace_inspect._running._trees import NOTHING_HAPPENS, Tree

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Function
    from headrace_inspect._running._engine import Engine
    from headrace_inspect._running._nodes import Node

    from ._sets import CallsIn


class Leading(NamedTuple):
    """Functions that may lead to a step.

    Attributes:
        perhaps: those that run a step, or put one that does into other hands, if all that is
            dynamic does what it can.
        surely: those of them that do without it, but for which class's method is called.
        bodies: the nodes of modules and chains that do.
        words: the words by which signals are mentioned whose receivers lead to a step.
        containers: the names of lists, tables and the like in which there is something that leads
            to a step, perhaps.
        has_routes: whether the address of a web application does.
    """

    perhaps: set[Function]
    surely: set[Function]
    bodies: set[Node]
    words: frozenset[str]
    containers: frozenset[str]
    has_routes: bool


class Callers:
    """Who runs what, and where that leads to a step.

    Args:
        engine: what was looked at.
        calls_in: tells what is called in a tree.
    """

    def __init__(self, engine: Engine, calls_in: CallsIn) -> None:
        self._engine = engine
        self._calls_in = calls_in
        self._callers: dict[Node, list[Node]] = {}
        self._starts: list[Node] = []
        for node in engine.nodes.values():
            calls, flows = calls_in(engine.tree_of(node) or NOTHING_HAPPENS)
            if flows or node.steps or node.function in engine.declared:
                self._starts.append(node)
            for call in calls:
                self._callers.setdefault(call.node, []).append(node)

    @cached_property
    def _returned(self) -> list[tuple[Node, set[Function]]]:
        """The nodes that return functions, with these."""
        found = []
        for node in self._engine.nodes.values():
            if node.returns is not UNKNOWN:
                functions = {one.function for one in functions_in(_as_seen, node.returns)}
                if functions:
                    found.append((node, functions))
        return found

    def surely(self) -> set[Node]:
        """Return the nodes that lead to a step, but for which class's method is called."""
        return self._leading(_is_definite)

    def leading(self) -> Leading:
        """Return the functions that may lead to a step."""
        engine, surely = self._engine, self.surely()
        perhaps = self._leading(lambda node: True)
        words = [
            connected.words
            for receivers in engine.exposure.receivers.values()
            for connected in receivers
            if self._leads(connected.tree, surely)
        ]
        return Leading(
            functions_of(perhaps),
            functions_of(surely),
            {node for node in surely if node.function is None},
            frozenset().union(*words),
            self._containers(perhaps),
            any(self._leads(route.tree, surely) for route in engine.exposure.routes),
        )

    def _containers(self, leading: set[Node]) -> frozenset[str]:
        exposure = self._engine.exposure
        words = {
            given.word
            for given in exposure.escaped
            if given.place == "stored" and self._leads(given.tree, leading)
        }
        if "" in words:  # given to a function, which may put it into something
            words.update(exposure.containers)
        return frozenset(words - {""})

    def _leading(self, through: Callable[[Node], bool]) -> set[Node]:
        """Return the nodes that run a step, or give something that does to others."""
        found: set[Node] = set()
        waiting = list(self._starts)
        while waiting:
            node = waiting.pop()
            if node not in found and through(node):
                found.add(node)
                waiting.extend(self._callers.get(node, ()))
        return found | self._registering(found)

    def _registering(self, leading: set[Node]) -> set[Node]:
        exposure, functions = self._engine.exposure, functions_of(leading)
        found = {node for node, tree in exposure.trees() if self._leads(tree, leading)}
        found.update(
            node for node, returned in self._returned if not functions.isdisjoint(returned)
        )
        return found | {
            node
            for node, cls in exposure.classes
            if not functions.isdisjoint(self._engine.methods(cls).values())
        }

    def _leads(self, tree: Tree, leading: set[Node]) -> bool:
        return any(call.node in leading for call in self._calls_in(tree)[0])


def _as_seen(value: Value) -> Value:
    """Return `value`, or what the call returned whose result it is, if that was looked at."""
    seen: set[Node] = set()
    while isinstance(value, Result) and value.node not in seen:
        seen.add(value.node)
        value = value.node.returns
    return value


def _is_definite(node: Node) -> bool:
    hub = node.hub
    # Coarsely looked at, an address that is handed in says nothing; closely, it tells the route.
    return hub is None or hub.how in {"override", "routes", "super"}


def functions_of(nodes: set[Node]) -> set[Function]:
    """Return the functions whose nodes are among `nodes`."""
    return {node.function for node in nodes if node.function is not None}
