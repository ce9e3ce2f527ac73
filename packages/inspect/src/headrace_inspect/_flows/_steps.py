"""Declared steps, and what they say comes before them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace_inspect._names._entities import Class, Function

Name = tuple[str, str]
"""A step: the names of its flow and of itself."""


@dataclass(eq=False, slots=True)
class DeclaredStep:
    """A step, as one declaration has it.

    Attributes:
        flow: the flow's name.
        name: the step's name.
        kind: ``function``, ``task`` or ``chain``.
        is_entrypoint: whether the flow begins with it.
        sources: the steps before it, as names; those of other flows as ``flow.step``.
        is_readable: whether all of ``after=`` could be read.
        path: the absolute path of the file.
        line: the line of the ``def``, or of the call that adds it to a chain.
        column: where the name begins in that line, from 1.
        width: the length of the name.
        function: what it runs, if it is one function.
        cls: the class whose flow it is, or None.
    """

    flow: str
    name: str
    kind: str
    is_entrypoint: bool
    path: str
    line: int
    column: int = 1
    width: int = 1
    sources: list[str] = field(default_factory=list)
    is_readable: bool = True
    function: Function | None = None
    cls: Class | None = None

    @property
    def key(self) -> Name:
        """The flow's and the step's name."""
        return self.flow, self.name


@dataclass(slots=True)
class Declared:
    """Every declaration in the source.

    Attributes:
        steps: the declarations of each step; more than one may be a contradiction.
        by_function: the names of the steps that a function is by a flow of its own.
        class_flows: the names of the flows of classes.
        in_class: the name under which a function is a step of its class's flow.
        unreadable: the functions of which flow or name are computed, with what is.
        has_unknown_steps: whether any flow may have steps that could not be read.
    """

    steps: dict[Name, list[DeclaredStep]] = field(default_factory=dict)
    by_function: dict[Function, list[Name]] = field(default_factory=dict)
    class_flows: dict[Class, list[str]] = field(default_factory=dict)
    in_class: dict[Function, str] = field(default_factory=dict)
    unreadable: list[tuple[Function, str]] = field(default_factory=list)

    @property
    def has_unknown_steps(self) -> bool:
        """Whether there are steps whose flow or name could not be read."""
        return bool(self.unreadable)

    def add(self, step: DeclaredStep) -> None:
        """Add a declaration."""
        self.steps.setdefault(step.key, []).append(step)
