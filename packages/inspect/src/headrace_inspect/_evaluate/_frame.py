"""The variables of a body that is being run, and the path that led here."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace_inspect._symbols._entities import Function, Module, Scope

from ._contexts import CALL, WHOLE, Block, Context, Event
from ._values import UNKNOWN, Value, union

if TYPE_CHECKING:
    from ._engine import Engine


class Frame:
    """A body that is being run.

    Args:
        engine: what knows the rest of the program.
        context: what the calls are recorded in.
        scope: where names are looked up.
        variables: the local variables.

    Attributes:
        ran: the events that ran on the path to here, as bits; None where no path leads here.
        stored: what the body stored in its own object.
        decorating: the function whose decorators are applied.
    """

    def __init__(
        self, engine: Engine, context: Context, scope: Scope, variables: dict[str, Value]
    ) -> None:
        self.engine = engine
        self.context = context
        self.scope = scope
        self.module: Module = scope if isinstance(scope, Module) else scope.module
        self.variables = variables
        self.ran: int | None = 0
        self.has_yielded = False
        self.returned: list[Value] = []
        self.returns = False
        self.stored: dict[str, Value] = {}
        self.global_names: set[str] = set()
        self.leaving: list[int] = []
        self.decorating: Function | None = None

    @property
    def receiver(self) -> Value | None:
        """Return the object whose method runs."""
        return self.context.receiver

    def emit(
        self,
        targets: Sequence[Context],
        node: ast.AST | None,
        kind: str = CALL,
        part: str = WHOLE,
    ) -> None:
        """Record that one of `targets` runs here."""
        if self.ran is None or not targets:
            return
        events = self.context.events
        bit = 1 << len(events)
        events.append(Event(line_of(node), kind, tuple(targets), self.ran, part))
        self.ran |= bit
        if self.has_yielded:
            self.context.tail |= bit

    def enclose(self, manager: Value, node: ast.AST, first: int, *, yields: bool = False) -> None:
        """Record that the events from the number `first` run inside a context manager."""
        last = len(self.context.events)
        self.context.blocks.append(Block(manager, line_of(node), first, last, yields))

    def since(self, count: int) -> int:
        """Return the events after the first `count`, as bits."""
        return (1 << len(self.context.events)) - (1 << count)

    @contextmanager
    def aside(self) -> Iterator[Branches]:
        """Run alternatives, each from the path to here, and join them."""
        branches = Branches(self)
        yield branches
        branches.join()


def line_of(node: ast.AST | None) -> int:
    """Return the line of the name that is called, which may be far below the beginning."""
    if isinstance(node, ast.Call):
        return node.func.end_lineno or node.lineno
    return getattr(node, "lineno", 0)


class Branches:
    """Alternatives that begin at one place and are joined afterwards."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._ran = frame.ran
        self._variables = frame.variables
        self._ends: list[tuple[int | None, dict[str, Value]]] = []

    def begin(self) -> None:
        """Go back to the beginning for another alternative."""
        self._frame.ran = self._ran
        self._frame.variables = dict(self._variables)

    def end(self) -> None:
        """Keep where the current alternative has come to."""
        self._ends.append((self._frame.ran, self._frame.variables))

    def advance(self) -> None:
        """Let the other alternatives begin behind what has run in this one so far."""
        if self._ran is not None:
            self._ran |= self._frame.ran or 0

    def join(self) -> None:
        """Go on where any alternative has come to."""
        alive = [(ran, variables) for ran, variables in self._ends if ran is not None]
        if not alive:
            self._frame.ran = None
            return
        self._frame.ran = 0
        for ran, _ in alive:
            self._frame.ran |= ran
        self._frame.variables = _joined([variables for _, variables in alive])


def _joined(several: list[dict[str, Value]]) -> dict[str, Value]:
    first, *others = several
    joined = dict(first)
    for other in others:
        for name, value in other.items():
            known = joined.get(name)
            if known is None:
                joined[name] = value
            elif known is not value:
                joined[name] = union(known, value)
    return joined


def unknown_if_none(value: Value | None) -> Value:
    """Return `value`, or an unknown one."""
    return UNKNOWN if value is None else value
