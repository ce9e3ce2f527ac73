"""Finds the flows and whatever runs their steps: coarsely in all files, then closely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headrace_inspect._libraries._chains import chain_node, own_name
from headrace_inspect._names._entities import Function
from headrace_inspect._names._library_values import ChainValue, FlowValue
from headrace_inspect._names._values import Instance, Value
from headrace_inspect._order._leading import Callers, Leading, functions_of
from headrace_inspect._order._sets import CallsIn
from headrace_inspect._running import _hubs
from headrace_inspect._running._attributes import attribute
from headrace_inspect._running._engine import Engine
from headrace_inspect._running._frame import Frame
from headrace_inspect._running._giving import calls_of
from headrace_inspect._running._policies import Coarse, Precise

from ._reading import read_chains, read_declarations
from ._relevance import Relevance

if TYPE_CHECKING:
    from headrace_inspect._names._program import Program


class Finding:
    """What was found.

    Args:
        program: the source.
        words: the words in the text of each file, by path.

    Attributes:
        engine: what runs what, as closely as was looked.
        declared: the declarations.
        calls_in: tells what is called in a tree.
    """

    def __init__(self, program: Program, words: Mapping[str, frozenset[str]]) -> None:
        self.engine = engine = Engine(program, Coarse())
        self.calls_in = CallsIn()
        self._relevance = Relevance(engine, words)
        self._seen: set[Function] = set()
        self._relevance.find_declarations()
        declared = read_declarations(engine, list(self._relevance.classes))
        leading = self._look_coarsely(engine)
        policy = Precise(leading, set(declared.class_flows))
        engine.refine(policy, leading.surely, leading.bodies)
        functions = list(self._relevance.near)
        self._make_relevant([one for one in functions if one in leading.perhaps])
        self._scan(engine, [one for one in functions if one in leading.surely])
        self._scan_classes(engine, leading.surely)
        _run(engine)
        self.declared = read_declarations(engine, list(self._relevance.classes))
        read_chains(engine, self.declared)

    def _look_coarsely(self, engine: Engine) -> Leading:
        relevance = self._relevance
        relevance.find_callers(self._names_of_flows(engine))
        known: set[str] = set()
        has_requests = False
        while True:
            declared = len(engine.declared)
            relevance.find_callers_of(engine.declared)
            leading = self._look_around(engine)
            names = leading.words | _names_in_chains(engine)
            asks_for_requests = leading.has_routes and not has_requests
            is_complete = (names | leading.containers) <= known and declared == len(engine.declared)
            if is_complete and not asks_for_requests:
                return leading
            known |= names | leading.containers
            relevance.find_callers(names)
            relevance.find_users_of(leading.containers)
            if asks_for_requests:
                relevance.find_requests()
                has_requests = True

    def _look_around(self, engine: Engine) -> Leading:
        """Look at what is near, and at what comes near by that."""
        relevance = self._relevance
        relevance.find_dynamic()
        while True:
            near = list(relevance.near)
            self._make_relevant(near)
            self._scan(engine, [one for one in near if one not in self._seen])
            self._seen.update(near)
            _run(engine)
            callers = Callers(engine, self.calls_in)
            relevance.approach(functions_of(callers.surely()))
            if len(relevance.near) == len(near):
                return callers.leading()

    def _make_relevant(self, near: list[Function]) -> None:
        relevance = self._relevance
        self.engine.make_relevant(near, relevance.far(), relevance.mentioned_by_far())

    def _names_of_flows(self, engine: Engine) -> set[str]:
        """Return the names of variables with chains, and of those with flows, that open them."""
        return {
            name
            for module in self._relevance.modules
            for name, bindings in module.bindings.names.items()
            if any(binding.how not in {"def", "class"} for binding in bindings)
            and isinstance(engine.value_of(module, name), ChainValue | FlowValue)
        }

    def _scan(self, engine: Engine, functions: list[Function]) -> None:
        for module in list(self._relevance.modules):
            engine.module_node(module)
        for cls in list(self._relevance.classes):
            engine.mro(cls)
        for function in functions:
            if not isinstance(function.parent, Function):
                _call(engine, _hubs.decorated(engine, function), function)

    def _scan_classes(self, engine: Engine, leading: set[Function]) -> None:
        for cls in list(self._relevance.classes):
            for name, function in engine.methods(cls).items():
                if function not in leading or function.owner is cls:
                    continue
                own = Instance(cls)
                if engine.policy.receiver(engine, function, own) == own:
                    value = attribute(Frame(engine, function.module), own, name, function.node)
                    _call(engine, value, function)


def _run(engine: Engine) -> None:
    engine.run()
    for chain in list(engine.exposure.chains.values()):
        chain_node(engine, chain)
    engine.run()


def _call(engine: Engine, value: Value, function: Function) -> None:
    """Let `value` be called by nobody in particular, so that it is looked at."""
    node = engine.node("scan", lambda node: None)
    calls_of(Frame(engine, function.module, node), value, function.node)


def _names_in_chains(engine: Engine) -> set[str]:
    return {
        name
        for chain in engine.exposure.chains.values()
        for step in chain.steps
        if (name := own_name(step.function)) is not None
    }
