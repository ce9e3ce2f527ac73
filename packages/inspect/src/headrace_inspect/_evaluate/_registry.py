"""The registry, in which models describe the behaviour of libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace_inspect._symbols._entities import Function

from ._contexts import Call, Context, Event
from ._values import Known, Value

if TYPE_CHECKING:
    from ._engine import Engine


Handler = Callable[[Call], Value]
Reader = Callable[[Context, Any, str], Value]
Decorating = Callable[[Context, Any, Value, Function], None]
Decorated = Callable[[Context, Value, Value, Function], Value]
Descriptor = Callable[[Context, Value, Any], Value]


@dataclass(slots=True)
class Registry:
    """The registered behaviour of libraries.

    Attributes:
        functions: handlers of calls of library functions and classes, by dotted name.
        methods: handlers of method calls, by value type or class name, and method name.
        attributes: readers of attributes, by value type.
        missing: readers of attributes that no class defines.
        exiting: handlers that run when a context manager exits, by the name of its factory.
        decorating: called with each decorator.
        decorated: called with the result of each decorator, which they may replace.
        finishing: called after everything else is evaluated.
        descriptors: readers of class attributes that are descriptors, by type or factory.
        elements: elements of iterables, by value type.
        injecting: callables that declare a dependency; their first argument provides it.
        parallel: functions whose arguments run concurrently.
        seeds: names of functions and methods; an instruction that mentions one is evaluated.
        declaring: names of functions whose calls are always evaluated, such as ``path``.
        implied_by: for the name of a method that libraries call, the names of the library methods
            that call it, such as ``start`` for ``run``.
        names: the known dotted names.
        aliases: the canonical dotted names of objects importable under several names.
    """

    functions: dict[str, Handler] = field(default_factory=dict)
    methods: dict[tuple[object, str], Handler] = field(default_factory=dict)
    attributes: dict[type[Known], Reader] = field(default_factory=dict)
    missing: list[Reader] = field(default_factory=list)
    exiting: dict[str, Callable[[Context, list[Event]], None]] = field(default_factory=dict)
    decorating: list[Decorating] = field(default_factory=list)
    decorated: list[Decorated] = field(default_factory=list)
    finishing: list[Callable[[Engine], None]] = field(default_factory=list)
    descriptors: dict[object, Descriptor] = field(default_factory=dict)
    elements: dict[type[Known], Callable[[Context, Any], Value]] = field(default_factory=dict)
    injecting: set[str] = field(default_factory=set)
    parallel: set[str] = field(default_factory=set)
    seeds: set[str] = field(default_factory=set)
    declaring: set[str] = field(default_factory=set)
    implied_by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)

    def canonical(self, dotted: str) -> str:
        """Return the canonical dotted name of an object that a parent package may re-export."""
        if dotted not in self.aliases:
            *parts, last = dotted.split(".")
            above = [".".join([*parts[:count], last]) for count in range(len(parts), 0, -1)]
            known = next((name for name in above if name in self.names), dotted)
            self.aliases[dotted] = self.aliases.get(known, known)
        return self.aliases[dotted]

    def alias(self, usual: str, others: str) -> None:
        """Register the dotted names `others`, separated by spaces, as aliases of `usual`."""
        self.aliases.update(dict.fromkeys(others.split(), usual))
        self.names.update((usual, *others.split()))

    def implies(self, names: str, called: str) -> None:
        """Register that a call of one of `names` makes a library call the methods `called`."""
        for one in called.split():
            self.implied_by[one] = (*self.implied_by.get(one, ()), *names.split())

    def function(self, handler: Handler, names: str) -> None:
        """Register the handler of library functions or classes, their names separated by spaces."""
        self.functions.update(dict.fromkeys(names.split(), handler))
        self.names.update(names.split())

    def method(self, handler: Handler, owner: type | str, names: str) -> None:
        """Register the handler of methods of a value type or of library classes."""
        for one in owner.split() if isinstance(owner, str) else [owner]:
            self.methods.update(dict.fromkeys([(one, name) for name in names.split()], handler))
            self.names.update([one] if isinstance(one, str) else [])
