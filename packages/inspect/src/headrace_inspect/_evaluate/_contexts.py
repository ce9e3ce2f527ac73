"""Contexts: the calls a function body makes, and their order on each path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from headrace_inspect._symbols._entities import Function, Module, Scope

from ._values import Arguments, Known, Named, Value, union

if TYPE_CHECKING:
    from ._engine import Engine

CALL, SIGNAL, ENQUEUE, ON_COMMIT = "call", "signal", "enqueue", "on_commit"
T = TypeVar("T")
Path = int | None
"""The events that may have run before this point, as a bit mask; None if it is unreachable."""
Condition = tuple[str, bool]
"""A parameter or an attribute such as ``in_atomic_block``, and whether it is true here."""


@dataclass(eq=False, slots=True)
class Event:
    """A call in a body.

    Attributes:
        line: the line of the call.
        kind: how the call reaches its target.
        targets: the possible call targets; one of them runs.
        before: the events that run before it on some path, as a bit mask.
        node: the syntax of the call, or None.
        conditions: the conditions that hold where the call runs.
    """

    line: int
    kind: str
    targets: tuple[Context, ...]
    before: int
    node: Any = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """The events of a body from `first` up to, but not including, `last`, in a context manager.

    Attributes:
        line: the line that enters the manager.
        yields: whether the block contains a ``yield``.
    """

    manager: Value
    line: int
    first: int
    last: int
    yields: bool


@dataclass(eq=False, slots=True)
class Context:
    """A function body evaluated for given arguments, or a collection of call targets.

    Attributes:
        module: the module that the lines of the events refer to.
        receiver: the object that the method is bound to.
        captured: the closed-over variables, which distinguish closures of the same function.
        variables: the values of its parameters.
        literals: the parameters that the call sets to true, false or None.
        first: the number of events before the first ``yield`` of a generator.
        never_returns: whether it always raises.
        steps: the steps of a chain that it runs as.
    """

    function: Function | None
    module: Module | None
    receiver: Value = None
    captured: Named = ()
    variables: dict[str, Value] = field(default_factory=dict)
    literals: dict[str, bool | None] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    result: Value = None
    yielded: Value = None
    line: int = 0
    never_returns: bool = False
    steps: tuple[tuple[str, str], ...] = ()
    first: int = 0
    parts: tuple[Context, Context] | None = None

    @property
    def is_test(self) -> bool:
        """Whether the body is in a test module."""
        return self.module is not None and self.module.is_test

    def halves(self) -> tuple[Context, Context]:
        """Split a generator at its first ``yield``: what runs before it, and what runs after."""
        if self.parts is None:
            head = Context(self.function, self.module, self.receiver, self.captured)
            # Only the first half keeps the function, so that the step runs once.
            self.parts = head, Context(None, self.module)
        head, tail = self.parts
        head.events, tail.events = (
            self.events[: self.first],
            [replace(one, before=one.before >> self.first) for one in self.events[self.first :]],
        )
        return self.parts

    def add(self, target: Context, line: int = 0, kind: str = CALL) -> None:
        """Add a body that may run here, unordered with respect to the others."""
        if not any(target in event.targets for event in self.events):
            self.events.append(Event(line, kind, (target,), 0))


class Frame:
    """A body under evaluation: its variables and the current path.

    Args:
        context: records the calls.
        scope: the scope in which names are looked up.

    Attributes:
        ran: the current path.
        leaving: the paths that leave an iteration of the innermost loop.
        literals: the parameters known to be true, false or None here.
        conditions: the conditions that hold here.
        decorating: the function whose decorators are being applied.
    """

    __slots__ = (
        "conditions", "context", "decorating", "engine", "has_yielded", "leaving", "literals",
        "module", "ran", "receiver", "returned", "returns", "scope", "variables",
    )  # fmt: skip

    def __init__(
        self, engine: Engine, context: Context, scope: Scope, variables: dict[str, Value]
    ) -> None:
        self.engine, self.context, self.scope = engine, context, scope
        self.receiver, self.variables = context.receiver, variables
        self.module: Module = scope if isinstance(scope, Module) else scope.module
        self.ran: Path = 0
        self.has_yielded = self.returns = False
        self.returned: list[Value] = []
        self.literals = dict(context.literals)
        self.conditions: tuple[Condition, ...] = ()
        self.leaving: list[int] = []
        self.decorating: Function | None = None

    def bind(self, name: str, value: Value) -> None:
        """Assign a local variable."""
        self.variables[name] = value
        if name in self.literals:
            del self.literals[name]

    def location(self, node: Any) -> object:
        """Return a key that identifies `node` in the whole program."""
        return (self.module.path, node[0], node[1], node[2])

    # --- calls ------------------------------------------------------------------------------------

    def call(
        self, callee: Value, node: Any, arguments: Arguments = (), keywords: Named = ()
    ) -> Value:
        """Evaluate a call of `callee`: record its targets and return its result."""
        return self.engine.invoke(callee, Call(self, node, arguments, keywords))

    def hand_over(
        self,
        callee: Value,
        node: Any,
        arguments: Arguments = (),
        keywords: Named = (),
        kind: str = CALL,
    ) -> Value:
        """Record that `callee` runs elsewhere or later, and return its eventual result."""
        return self.engine.hand_over(callee, Call(self, node, arguments, keywords, kind))

    def emit(self, targets: Sequence[Context], node: Any, kind: str = CALL) -> None:
        """Record that one of `targets` runs here."""
        if self.ran is None or not targets:
            return
        events = self.context.events
        bit = 1 << len(events)
        line = line_of(node)
        events.append(Event(line, kind, tuple(targets), self.ran, node, self.conditions))
        self.ran |= bit

    def enclose(self, manager: Value, line: int, first: int, *, yields: bool = False) -> None:
        """Record that the events from index `first` on run inside a context manager."""
        last = len(self.context.events)
        self.context.blocks.append(Block(manager, line, first, last, yields))

    # --- paths ------------------------------------------------------------------------------------

    def since(self, count: int) -> int:
        """Return the events after the first `count`, as a bit mask."""
        return (1 << len(self.context.events)) - (1 << count)

    def each(self, options: Iterable[T], work: Callable[[T], Value]) -> list[Value]:
        """Apply `work` to alternatives or concurrent branches, each from the current path."""
        start, results, ends = self.ran, [], []
        for option in options:
            self.ran = start
            results.append(work(option))
            ends.append(self.ran)
        if ends:
            self.ran = joined(ends)
        return results

    def branch(self, alternatives: Iterable[Callable[[], None]]) -> None:
        """Run alternative branches from the current path, then merge their paths and variables."""
        start, variables = self.ran, self.variables
        merged: dict[str, Value] | None = None
        paths: list[Path] = []
        for work in alternatives:
            self.ran, self.variables = start, variables.copy()
            work()
            if self.ran is not None:
                paths.append(self.ran)
                merged = self.variables if merged is None else _merged(merged, self.variables)
        self.ran, self.variables = joined(paths), variables if merged is None else merged


@dataclass(slots=True)
class Call:
    """A call: its location and arguments.

    Attributes:
        kind: how the call reaches its target.
        is_complete: whether these are all the arguments of the call.
        owner: for a model, the object whose method is called, or the callable itself.
        name: for a model, the name of the method or function.
    """

    frame: Frame
    node: Any
    arguments: Arguments = ()
    keywords: Named = ()
    kind: str = CALL
    owner: Any = None
    name: str = ""
    is_complete: bool = False

    @property
    def engine(self) -> Engine:
        """The engine that evaluates the call."""
        return self.frame.engine

    def has(self, index: int | None, name: str = "") -> bool:
        """Tell whether an argument is passed at `index` or as `name`."""
        is_there = index is not None and index < len(self.arguments)
        return is_there or any(key == name for key, _ in self.keywords)

    def value(self, index: int | None, name: str = "") -> Value:
        """Return the argument passed at `index` or as `name`, or None if it is unknown."""
        if index is not None and index < len(self.arguments):
            return self.arguments[index]
        return next((value for key, value in self.keywords if key == name), None)

    def rest(self, index: int) -> Arguments:
        """Return the positional arguments from `index` on."""
        return self.arguments[index:]

    def contents(self, value: Value) -> Arguments:
        """Return the items of a container."""
        return tuple(self.engine.contents(self.frame, value))

    def element(self, value: Value) -> Value:
        """Return any item of an iterable."""
        return self.engine.element(self.frame, value)

    def attribute(self, owner: Value, name: str) -> Value:
        """Return the attribute `name` of `owner`."""
        return self.engine.attributes.get(self.frame, owner, name, self.node)

    def run(self, owner: Value, name: str, *arguments: Value) -> Value:
        """Evaluate a call of the method `name` of `owner` at the same location."""
        return self.frame.call(self.attribute(owner, name), self.node, arguments)

    def with_arguments(
        self, arguments: Arguments = (), keywords: Named = (), kind: str = ""
    ) -> Call:
        """Return a call at the same location with other arguments."""
        return Call(self.frame, self.node, arguments, keywords, kind or self.kind)

    def for_model(self, owner: Known, name: str) -> Call:
        """Return the same call, addressed to the model of `name`."""
        return Call(self.frame, self.node, self.arguments, self.keywords, self.kind, owner, name)


def joined(paths: Iterable[Path]) -> Path:
    """Return the path after `paths` meet."""
    found: Path = None
    for path in paths:
        if path is not None:
            found = path if found is None else found | path
    return found


_PLACED = frozenset(["c", "l", "d", "for", "with"])


def line_of(node: Any) -> int:
    """Return the line of the called name, which may be far below the start of the expression."""
    if type(node) is not tuple:
        return 0
    return node[3] if node[0] == "a" else node[1] if node[0] in _PLACED else 0


def _merged(one: dict[str, Value], other: dict[str, Value]) -> dict[str, Value]:
    for name, value in other.items():
        known = one.get(name)
        if known is not value:
            one[name] = union(known, value)
    return one
