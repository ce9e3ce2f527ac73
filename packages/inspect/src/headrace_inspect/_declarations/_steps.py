"""The declared steps, and which function is which step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from headrace_inspect._symbols._entities import Class, Function

Name = tuple[str, str]
"""A flow, and the name of a step in it."""
Kind = Literal["function", "task", "chain"]


@dataclass(slots=True)
class DeclaredStep:
    """A declaration of a step.

    Attributes:
        flow: the flow's name.
        name: the step's name in it.
        sources: the steps before it; ``flow.step`` for those of other flows.
        function: the function, or None in a chain whose callable is not known.
        cls: the class whose flow it is in, or None.
        is_readable: whether all that comes before it is known.
    """

    flow: str
    name: str
    kind: Kind
    is_entrypoint: bool
    path: str
    line: int
    sources: list[str] = field(default_factory=list)
    function: Function | None = None
    cls: Class | None = None
    is_readable: bool = True


@dataclass(slots=True)
class Declarations:
    """Everything that is declared.

    Attributes:
        steps: the declarations of each step; more than one is a fault.
        functions: the steps that a function is, whatever object it is called on.
        methods: the names of steps in classes that have the flow.
        class_flows: the flows of classes.
        opened: the flows that are begun by hand.
        unreadable: functions whose declaration is computed, and which part of it is.
    """

    steps: dict[Name, list[DeclaredStep]] = field(default_factory=dict)
    functions: dict[Function, list[Name]] = field(default_factory=dict)
    methods: dict[Function, str] = field(default_factory=dict)
    class_flows: dict[Class, list[str]] = field(default_factory=dict)
    unreadable: list[tuple[Function, str]] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)

    def add(self, step: DeclaredStep) -> None:
        """Add a declaration."""
        self.steps.setdefault((step.flow, step.name), []).append(step)


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A declared edge: `source` comes before `target`."""

    source: Name
    target: Name

    @property
    def id(self) -> str:
        """Return ``flow:source->target``, as in all outputs."""
        flow, name = self.target
        source = self.source[1] if self.source[0] == flow else ".".join(self.source)
        return f"{flow}:{source}->{name}"


def edges_of(declarations: Declarations) -> list[Edge]:
    """Return the declared edges, those to unknown steps included, without repetition."""
    found: dict[Edge, None] = {}
    for target, steps in declarations.steps.items():
        for step in steps:
            for source in step.sources:
                found.setdefault(Edge(resolve(declarations, step.flow, source), target))
    return list(found)


def resolve(declarations: Declarations, flow: str, source: str) -> Name:
    """Return the step that `source` names in `flow`."""
    if (flow, source) not in declarations.steps and "." in source:
        for index, letter in enumerate(source):
            if letter == "." and (source[:index], source[index + 1 :]) in declarations.steps:
                return source[:index], source[index + 1 :]
    return flow, source
