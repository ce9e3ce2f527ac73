"""The declared steps and edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from headrace_inspect._evaluate._values import Arguments
from headrace_inspect._symbols._entities import Class, Function

Name = tuple[str, str]
"""The name of a flow and of a step in it."""
Kind = Literal["function", "task", "chain"]


@dataclass(slots=True)
class DeclaredStep:
    """A declaration of a step.

    Attributes:
        sources: the names of the preceding steps; ``flow.step`` for steps of other flows.
        function: the decorated function; None for a step of a chain.
        cls: the class decorated with the flow, or None.
        is_readable: whether all preceding steps are known.
        after: the values of ``after=``.
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
    after: Arguments = ()


@dataclass(slots=True)
class Declarations:
    """All declarations of a program.

    Attributes:
        steps: the declarations of each step; more than one is an error.
        functions: the steps of each function, for any receiver.
        methods: the step names of methods of flow classes.
        class_flows: the flows of each flow class.
        unreadable: functions with a computed declaration, and which part is computed.
        opened: the flows opened by ``flow.open()``.
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
    """A declared edge from `source` to `target`."""

    source: Name
    target: Name

    @property
    def id(self) -> str:
        """Return ``flow:source->target``."""
        flow, name = self.target
        source = self.source[1] if self.source[0] == flow else ".".join(self.source)
        return f"{flow}:{source}->{name}"


def edges_of(declarations: Declarations) -> list[Edge]:
    """Return the declared edges, including edges from unknown steps."""
    found: dict[Edge, None] = {}
    for target, steps in declarations.steps.items():
        for step in steps:
            for source in step.sources:
                found.setdefault(Edge(resolve(declarations, step.flow, source), target))
    return list(found)


def resolve(declarations: Declarations, flow: str, source: str) -> Name:
    """Return the step that `source` refers to in `flow`."""
    if (flow, source) not in declarations.steps and "." in source:
        for index, letter in enumerate(source):
            if letter == "." and (source[:index], source[index + 1 :]) in declarations.steps:
                return source[:index], source[index + 1 :]
    return flow, source
