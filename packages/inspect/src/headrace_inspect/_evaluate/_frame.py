"""A body under evaluation: its variables, and the path that led here."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from headrace_inspect._symbols._entities import Function, Module, Scope

from ._contexts import CALL, WHOLE, Block, Context, Event
from ._registry import Call
from ._values import Arguments, Named, Value, union

if TYPE_CHECKING:
    from ._engine import Engine

T = TypeVar("T")
Path = int | None
"""The events that ran on the way to a place, as bits; None where no path leads there."""


class Frame:
    """A body under evaluation.

    Args:
        context: records the calls.
        scope: the scope that names are looked up in.

    Attributes:
        ran: the path to here.
        leaving: the paths that leave the innermost loop.
        literals: the parameters that are certainly true or false here.
        stored: what the body stored in its own object, the `receiver`.
        decorating: the function whose decorators are applied.
    """

    def __init__(
        self, engine: Engine, context: Context, scope: Scope, variables: dict[str, Value]
    ) -> None:
        self.engine = engine
        self.context = context
        self.receiver = context.receiver
        self.scope = scope
        self.module: Module = scope if isinstance(scope, Module) else scope.module
        self.variables = variables
        self.ran: Path = 0
        self.has_yielded = False
        self.returned: list[Value] = []
        self.returns = False
        self.literals = dict(context.literals)
        self.stored: dict[str, Value] = {}
        self.leaving: list[int] = []
        self.decorating: Function | None = None
        self._is_shared = True  # copied before the first assignment

    def bind(self, name: str, value: Value) -> None:
        """Assign a local variable."""
        if self._is_shared:
            self.variables, self._is_shared = dict(self.variables), False
        self.variables[name] = value
        self.literals.pop(name, None)

    def go_back(self, ran: Path, variables: dict[str, Value]) -> None:
        """Continue from an earlier place, or from where several paths meet."""
        self.ran, self.variables, self._is_shared = ran, variables, True

    # --- calls ------------------------------------------------------------------------------------

    def call(
        self, callee: Value, node: ast.AST, arguments: Arguments = (), keywords: Named = ()
    ) -> Value:
        """Return what a call of `callee` gives, and record what it runs."""
        return self.engine.invoke(callee, Call(self, node, arguments, keywords))

    def hand_over(
        self,
        callee: Value,
        node: ast.AST,
        arguments: Arguments = (),
        keywords: Named = (),
        kind: str = CALL,
    ) -> Value:
        """Record that `callee` runs elsewhere or later, and return what it will give."""
        return self.engine.hand_over(callee, Call(self, node, arguments, keywords, kind))

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

    # --- paths ------------------------------------------------------------------------------------

    def since(self, count: int) -> int:
        """Return the events after the first `count`, as bits."""
        return (1 << len(self.context.events)) - (1 << count)

    def each(self, options: Iterable[T], work: Callable[[T], Value]) -> list[Value]:
        """Return the results of `work` on alternatives, or on what runs side by side."""
        start, results, ends = self.ran, [], []
        for option in options:
            self.ran = start
            results.append(work(option))
            ends.append(self.ran)
        if ends:
            self.ran = joined(ends)
        return results

    def branch(self, alternatives: Iterable[Callable[[], None]]) -> None:
        """Run alternatives that assign variables, each from the path to here."""
        start, variables = self.ran, self.variables
        ends: list[dict[str, Value]] = []
        paths: list[Path] = []
        for work in alternatives:
            self.go_back(start, variables)
            work()
            if self.ran is not None:
                paths.append(self.ran)
                ends.append(self.variables)
        self.go_back(joined(paths), _merged(ends) if ends else variables)


def joined(paths: Iterable[Path]) -> Path:
    """Return the path to where these meet."""
    found: Path = None
    for path in paths:
        if path is not None:
            found = path if found is None else found | path
    return found


def line_of(node: ast.AST | None) -> int:
    """Return the line of the name that is called, which may be far below the beginning."""
    if isinstance(node, ast.Call):
        return node.func.end_lineno or node.lineno
    return getattr(node, "lineno", 0)


def _merged(several: list[dict[str, Value]]) -> dict[str, Value]:
    merged, *others = several
    for other in others:
        if other is not several[0]:
            merged = merged | {
                name: value if (known := merged.get(name)) is None else union(known, value)
                for name, value in other.items()
                if merged.get(name) is not value
            }
    return merged
