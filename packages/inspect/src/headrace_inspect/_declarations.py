"""The flows, steps and edges that the source declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ._evaluate._contexts import line_of
from ._evaluate._engine import Engine
from ._evaluate._values import Value, function_in, text_of
from ._models._headrace import Chain, ChainFacts, Declarator, Declared
from ._report import Place
from ._sources import shown
from ._symbols._entities import Class, Function

Name = tuple[str, str]
"""The name of a flow and of a step in it."""
Pair = tuple[Name, Name]
"""A declared edge: its source and its target."""


@dataclass(slots=True)
class DeclaredStep:
    """A declaration of a step."""

    flow: str
    name: str
    path: str
    line: int
    is_entrypoint: bool
    sources: list[str] = field(default_factory=list)  # those of other flows as ``flow.step``
    function: Function | None = None  # None for a step of a chain
    cls: Class | None = None  # the class decorated with the flow, or None
    declarator: Declarator | None = None  # None for a step of a chain
    is_readable: bool = True  # whether all preceding steps are known

    @property
    def place(self) -> Place:
        """The line of its ``def``."""
        return Place(shown(self.path), self.line)


class Declarations:
    """The declarations that decorators, flow classes and chains make.

    Attributes:
        steps: the declarations of each step; more than one is an error.
        unreadable: functions with a computed declaration, and which part is computed.
        opened: the flows opened by ``flow.open()``.
    """

    def __init__(self, engine: Engine) -> None:
        found = engine.fact(Declared)
        self.steps: dict[Name, list[DeclaredStep]] = {}
        self.unreadable: list[tuple[Function, str]] = []
        self.opened = found.opened
        self._classes, self._class_flows = engine.classes, found.class_flows
        self._functions: dict[Function, list[Name]] = {}  # the steps, for any receiver
        self._methods: dict[Function, str] = {}  # the step names in flow classes
        for function, declarators in found.functions.items():
            for declarator in declarators:
                self._read(function, declarator)
        for cls, flows in found.class_flows.items():
            for method in engine.classes.methods_of(cls):
                name = self._methods.get(method)
                for flow in flows if name is not None else ():
                    self._add(method, found.functions[method][0], (flow, name or ""), cls)
        for step in self:
            self._read_sources(step)
        for chain in found.chains.values():
            if chain.flow is not None:
                self._read_chain(chain, chain.flow, [])

    def __iter__(self) -> Iterator[DeclaredStep]:
        return iter([step for steps in self.steps.values() for step in steps])

    def pairs(self) -> list[Pair]:
        """Return the declared edges, including edges from unknown steps."""
        found = [(step, source) for step in self for source in step.sources]
        pairs = [(self._resolve(step.flow, one), (step.flow, step.name)) for step, one in found]
        return list(dict.fromkeys(pairs))

    def steps_of(self, function: Function, cls: Class | None) -> list[Name]:
        """Return the steps that `function` declares, as a method of `cls` if given."""
        names = list(self._functions.get(function, ()))
        name = self._methods.get(function)
        order = self._classes.order(cls or function.owner) if function.owner and name else []
        for base in order:
            flows = self._class_flows.get(base) if isinstance(base, Class) else None
            if flows and isinstance(base, Class) and function in self._classes.methods_of(base):
                return [*names, *[(flow, name) for flow in flows if name is not None]]
            if base is function.owner:
                break
        return names

    def _read(self, function: Function, declarator: Declarator) -> None:
        name = function.name if declarator.name is None else text_of(declarator.name)
        flow = text_of(declarator.flow)
        if name is None or (flow is None and declarator.flow is not None):
            what = "the step's name" if name is None else "the flow's name"
            self.unreadable.append((function, what))
            return
        if flow is not None:
            self._functions.setdefault(function, []).append((flow, name))
            self._add(function, declarator, (flow, name), None)
        if flow is None or function.owner is not None:
            self._methods.setdefault(function, name)

    def _add(
        self, function: Function, declarator: Declarator, name: Name, cls: Class | None
    ) -> None:
        about = (*name, function.module.path, function.line, declarator.is_entrypoint)
        step = DeclaredStep(*about, function=function, cls=cls, declarator=declarator)
        self.steps.setdefault(name, []).append(step)

    def _read_sources(self, step: DeclaredStep) -> None:
        for reference in step.declarator.after if step.declarator is not None else ():
            source = self._source(step, reference)
            step.is_readable &= source is not None
            if source is not None and source not in step.sources:
                step.sources.append(source)

    def _source(self, step: DeclaredStep, reference: Value) -> str | None:
        """Return the name of the step that `reference` refers to, or None if it is computed."""
        name = text_of(reference)
        if name is not None:
            is_whole = (step.flow, name) in self.steps
            local = name if is_whole else name.removeprefix(f"{step.flow}.")
            return None if "\0" in name else local
        function = function_in(reference)
        if function is None:
            return None
        method = self._methods.get(function)
        if step.cls is not None and method is not None:
            return method
        names = dict(self._functions.get(function, [])[::-1])
        if step.flow in names:
            return names[step.flow]
        return ".".join(next(iter(names.items()))) if names else method

    def _read_chain(self, chain: ChainFacts, flow: str, after: list[str]) -> list[str]:
        """Add the steps of a chain; return the names of its last ones."""
        for step in chain.steps:
            if step.branches:
                branches = [one.facts for one in step.branches if isinstance(one, Chain)]
                tails = [self._read_chain(one, flow, after) for one in branches]
                after = [name for tail in tails for name in tail] or after
            elif step.name is not None:
                where = (step.module.path, line_of(step.node))
                made = DeclaredStep(flow, step.name, *where, not after, [*after])
                self.steps.setdefault((flow, step.name), []).append(made)
                after = [step.name]
        return after

    def _resolve(self, flow: str, source: str) -> Name:
        """Return the step that `source` refers to in `flow`."""
        if (flow, source) not in self.steps and "." in source:
            for index, letter in enumerate(source):
                if letter == "." and (source[:index], source[index + 1 :]) in self.steps:
                    return source[:index], source[index + 1 :]
        return flow, source
