"""The calls that function bodies make, and which of them run before which on one path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._values import UNKNOWN, Value

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Function, Module

CALL, SIGNAL, ENQUEUE = "call", "signal", "enqueue"
WHOLE, HEAD, TAIL = "whole", "head", "tail"


@dataclass(eq=False, slots=True)
class Event:
    """A call in a body.

    Attributes:
        line: its line.
        kind: how the target is reached.
        targets: the contexts, one of which runs.
        before: the events that run before it on some path, as bits.
        part: what runs of a generator: the part up to its first ``yield``, the rest, or all.
    """

    line: int
    kind: str
    targets: tuple[Context, ...]
    before: int
    part: str = WHOLE


@dataclass(frozen=True, slots=True)
class Block:
    """The events of a body from `first` to before `last`, inside a context manager.

    Attributes:
        line: where the manager is entered.
        yields: whether the body yields inside.
    """

    manager: Value
    line: int
    first: int
    last: int
    yields: bool


@dataclass(eq=False, slots=True)
class Context:
    """A function body under certain arguments, or a place that joins several bodies.

    Attributes:
        module: the module that the lines of the events are in.
        receiver: the object whose method it is.
        tail: the events after the first ``yield``, as bits.
        flags: the parameters that are certainly true, false or None.
        literals: the parameters that the call names and sets to true or false.
        captured: the variables of the enclosing function, which tell its closures apart.
        stored: what it stores in its own object.
        never_returns: whether it always raises.
        steps: the steps that running it means, where a chain says so.
    """

    function: Function | None
    module: Module | None
    receiver: Value | None = None
    events: list[Event] = field(default_factory=list)
    tail: int = 0
    blocks: list[Block] = field(default_factory=list)
    flags: dict[str, bool | None] = field(default_factory=dict)
    literals: dict[str, object] = field(default_factory=dict)
    captured: tuple[tuple[str, Value], ...] = ()
    result: Value = UNKNOWN
    yielded: Value = UNKNOWN
    line: int = 0
    stored: dict[str, Value] = field(default_factory=dict)
    never_returns: bool = False
    steps: tuple[tuple[str, str], ...] = ()

    @property
    def is_test(self) -> bool:
        """Return whether it is in a test."""
        return self.module is not None and self.module.is_test

    def add(self, target: Context, line: int = 0, kind: str = CALL) -> None:
        """Add a body that may run here, in no order with the others."""
        if not any(target in event.targets for event in self.events):
            self.events.append(Event(line, kind, (target,), 0))
