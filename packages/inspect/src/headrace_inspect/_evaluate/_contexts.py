"""Contexts: bodies under evaluation, the calls they make, and the order of these calls."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from headrace_inspect._symbols._entities import Function, Module, Scope
from headrace_inspect._symbols._syntax import NO_CODE, Code, Condition, Ids, block_around

from ._values import Arguments, Known, Named, Value, union

if TYPE_CHECKING:
    from ._engine import Engine

CALL, SIGNAL, ENQUEUE, ON_COMMIT = "call", "signal", "enqueue", "on_commit"
T = TypeVar("T")
Wants = tuple[tuple[str, ...], tuple[str, ...]]


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
        first: the events of the same instruction that run before it, as a bit mask.
    """

    line: int
    kind: str
    targets: tuple[Context, ...]
    before: int = 0
    node: Any = None
    conditions: tuple[Condition, ...] = ()
    first: int = 0


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


class Context:
    """A body evaluated for given arguments, or a collection of call targets.

    An instruction is evaluated once, when its value or its calls are needed.

    Attributes:
        scope: the module or function; None without code.
        function: the function, or None.
        module: the module that the lines of the events refer to; None for a collection.
        receiver: the object that the method is bound to.
        captured: the closed-over variables, which distinguish closures of the same function.
        variables: the values of its parameters.
        literals: the parameters that the call sets to true, false or None.
        events: its calls, once it is complete.
        steps: the steps of a chain that it runs as.
        decorating: the function whose decorators are being applied.
        wants: names, and top-level packages: code that mentions one of the names may run the body
            if its module imports one of the packages, or if there are none.
    """

    __slots__ = (
        "_at", "_emitted", "_enclosed", "_groups", "_halves", "_open", "_ran", "_result",
        "_results", "_stopped", "_values", "blocks", "captured", "code", "decorating",
        "engine", "events", "function", "line", "literals", "module", "receiver", "scope", "steps",
        "variables", "wants",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        scope: Scope | None,
        module: Module | None,
        receiver: Value = None,
        captured: Named = (),
        line: int = 0,
        steps: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.engine = engine
        self.scope: Any = scope
        self.module: Any = module
        self.function = scope if isinstance(scope, Function) else None
        self.code = NO_CODE if scope is None else scope.code
        self.receiver, self.captured, self.line, self.steps = receiver, captured, line, steps
        self.variables: dict[str, Value] = {}
        self.wants: Wants = ((), ())
        self.literals: dict[str, bool | None] = {}
        self._halves: tuple[Context, Context] | None = None
        self.events: list[Event] = []
        self.decorating: Function | None = None
        self.forget()

    def forget(self) -> None:
        """Forget what has been evaluated."""
        self.events.clear()
        self.blocks: list[Block] = []
        self._results: dict[int, Value] = {}
        self._values: dict[int, Value] = {}
        self._emitted: dict[int, list[Event]] = {}
        self._enclosed: list[tuple[Value, int, int, int]] = []
        self._stopped: set[int] = set()
        self._groups: dict[int, Sequence[int]] = {}
        self._result: Any = ...
        # Without code, the events are those of a single instruction.
        self._open: list[Event] | None = self.events if self.scope is None else None
        self._ran, self._at = 0, 0

    @property
    def is_test(self) -> bool:
        """Whether the body is in a test module."""
        return self.module is not None and self.module.is_test

    # --- evaluating -------------------------------------------------------------------------------

    def value(self, node: Any) -> Value:
        """Return the value of an expression of this body."""
        if node is None:
            return None
        if type(node) is str:
            for name, one in self.captured:
                if name == node:
                    return one
            return self.engine.names.in_scope(self.scope or self.module, node)
        if node[0] == "v":
            ids = node[2]
            return self.definition(ids[0]) if len(ids) == 1 else self.defined(ids)
        return self.engine.handlers[node[0]](self, node)

    def defined(self, ids: Ids) -> Value:
        """Return the union of some definitions."""
        return union(*[self.definition(one) for one in ids])

    def definition(self, number: int) -> Value:
        """Return the value of a definition."""
        if number in self._values:
            return self._values[number]
        self._values[number] = None  # in case the definition depends on itself
        found = self.engine.define(self, self.code.definitions[number])
        self._values[number] = found
        return found

    def undefine(self, ids: Ids) -> None:
        """Forget definitions that were evaluated too early."""
        for number in ids:
            self._values.pop(number, None)

    def execute(self, number: int) -> Value:
        """Return the result of an instruction; the first time, evaluate it and record its calls."""
        if number in self._results:
            return self._results[number]
        code, node, engine = self.code, self.code.ops[number], self.engine
        self._results[number] = None
        if self.literals and self.is_excluded(code.conditions.get(number, ())):
            return None
        kept = self._open, self._ran, self._at, self.decorating
        self._open, self._ran, self._at, self.decorating = [], 0, number, None
        made = engine.instructions[node[0]](self, node)
        if self._open:
            self._emitted[number] = self._open
        self._open, self._ran, self._at, self.decorating = kept
        self._results[number] = made
        return made

    def is_excluded(self, conditions: Iterable[Condition]) -> bool:
        """Tell whether literal arguments contradict conditions."""
        for name, holds in conditions:
            plain = name.removesuffix(" is None")
            if plain in self.literals:
                known = self.literals[plain]
                if (known is None if name != plain else bool(known)) is not holds:
                    return True
        return False

    @property
    def result(self) -> Value:
        """What a call returns."""
        if self._result is ... and self.function is not None:
            syntax, home = self.function.syntax, self.function.home
            self._result = self.engine.types.of(syntax.returns, home, self.receiver)
            self._result = self.engine.result_of(self, self._result)
        found: Value = self._result
        return found

    @property
    def never_returns(self) -> bool:
        """Whether it is known to raise on every path."""
        if self.function is None or self.function.syntax.is_abstract:
            return False
        code = self.code
        return self.function.never_returns or (
            not code.returns and any(block_around(code, one) is None for one in self._stopped)
        )

    def order(self) -> None:
        """Set `events` to those of all instructions, in order."""
        code, events, masks = self.code, self.events, dict[int, int]()
        if self.scope is None:
            return
        places, dead = dict[int, int](), -1
        left: list[tuple[int, int, int]] = []  # instruction, end and events of its block
        events.clear()
        for number in sorted({*self._emitted, *self._stopped}):
            places[number] = len(events)
            if number <= dead:
                continue
            made, offset = self._emitted.get(number, ()), len(events)
            before = ((1 << offset) - 1) & ~self._apart(number, masks, left)
            for event in made:
                event.before = before | event.first << offset
            events += made
            masks[number] = (1 << len(events)) - (1 << offset)
            if number in self._stopped:
                first, end, is_caught = block_around(code, number) or (0, len(code.ops), False)
                first = end if is_caught else first
                left.append((number, end, sum(mask for one, mask in masks.items() if first <= one)))
                dead = end - 1
        self._place_blocks(code, places)

    def _apart(self, number: int, masks: dict[int, int], left: list[tuple[int, int, int]]) -> int:
        """Return the earlier events that do not lead to an instruction, as a bit mask."""
        code, apart = self.code, 0
        skips = code.skips.get(number, 0)
        for one, mask in masks.items() if skips else ():
            apart |= mask if skips >> one & 1 else 0
        for one in self._groups.get(number, ()):
            apart |= masks.get(one, 0)
        for op, end, mask in left:
            is_final = any(a <= op < b <= number < c for a, b, c in code.finals)
            apart |= mask if number >= end and not is_final else 0
        return apart

    def _place_blocks(self, code: Code, places: dict[int, int]) -> None:
        """Assign events to the context managers, and to the halves of a generator."""
        events, numbers = self.events, sorted(places)

        def place(op: int) -> int:
            found = bisect_left(numbers, op)
            return places[numbers[found]] if found < len(numbers) else len(events)

        self.blocks = [
            Block(self.value(manager), line, place(first), place(last), yields)
            for manager, line, first, last, yields in code.blocks
        ]
        for manager, line, number, count in self._enclosed:
            first = place(number) + count
            self.blocks.append(Block(manager, line, first, place(number + 1), yields=False))
        if self._halves is not None:
            head, tail = self._halves
            count = place(code.first)
            head.events = events[:count]
            tail.events = [replace(one, before=one.before >> count) for one in events[count:]]

    def halves(self) -> tuple[Context, Context]:
        """Split a generator at its first ``yield``: what runs before it, and what runs after."""
        if self._halves is None:
            head = Context(self.engine, None, self.module, self.receiver, self.captured)
            head.function = self.function  # only the first half, so that the step runs once
            self._halves = head, Context(self.engine, None, self.module)
            for one in self._halves:
                self.engine.demand.link(one, self)
        return self._halves

    # --- recording --------------------------------------------------------------------------------

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
        made = self._open
        if made is None or not targets:
            return
        conditions = self.code.conditions.get(self._at, ())
        demand = self.engine.demand
        for target in targets:
            demand.link(self, target)
        if kind != CALL:
            demand.mark_relevant(self)
        bit = 1 << len(made)
        made.append(
            Event(line_of(node), kind, tuple(targets), self._ran, node, conditions, self._ran)
        )
        self._ran |= bit

    @property
    def opened(self) -> list[Event]:
        """The events so far of the instruction under evaluation."""
        return [] if self._open is None else self._open

    @property
    def made(self) -> list[Event]:
        """The events of all instructions so far, in no particular order."""
        return [event for events in self._emitted.values() for event in events]

    def add(self, target: Context, line: int = 0, kind: str = CALL) -> None:
        """Add a body that may run here, unordered with respect to the others."""
        if not any(target in event.targets for event in self.events):
            self.events.append(Event(line, kind, (target,), 0))
            self.engine.demand.link(self, target)

    def enclose(self, manager: Value, line: int, first: int) -> None:
        """Record that the instruction's events from index `first` on run inside `manager`."""
        self._enclosed.append((manager, line, self._at, first))

    def stop(self) -> None:
        """Record that nothing after the instruction runs in its block."""
        self._stopped.add(self._at)

    def emitted(self, first: int, last: int) -> list[Event]:
        """Return the events of the instructions from `first` up to, but not including, `last`."""
        for number in self.engine.demand.wanted(self.scope):
            if first <= number < last:
                self.execute(number)
        return [event for one in range(first, last) for event in self._emitted.get(one, ())]

    def together(self, numbers: Sequence[int]) -> None:
        """Forget the order among some instructions, which run concurrently."""
        for number in numbers:
            self._groups[number] = numbers

    def each(self, options: Iterable[T], work: Callable[[T], Value]) -> list[Value]:
        """Apply `work` to alternatives or concurrent branches; in a loop, they may follow."""
        start, results, end = self._ran, [], 0
        at, code = self._at, self.code
        is_looped = any(one <= at < last for one, last in code.loops)
        for option in options:
            self._ran = end if is_looped else start
            self._ran |= start
            results.append(work(option))
            end |= self._ran
        self._ran |= end
        return results

    def location(self, node: Any) -> object:
        """Return a key that identifies `node` in the whole program."""
        return (self.module.path if self.module else "", node[0], node[1], node[2])


@dataclass(slots=True)
class Call:
    """A call: its location and arguments.

    Attributes:
        frame: the body that contains it.
        kind: how the call reaches its target.
        is_complete: whether these are all the arguments of the call.
        owner: for a model, the object whose method is called, or the callable itself.
        name: for a model, the name of the method or function.
    """

    frame: Context
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


_PLACED = frozenset(["c", "l", "d", "iter", "end", "enter", "exit"])


def line_of(node: Any) -> int:
    """Return the line of the called name, which may be far below the start of the expression."""
    if type(node) is not tuple:
        return 0
    return node[3] if node[0] == "a" else node[1] if node[0] in _PLACED else 0
