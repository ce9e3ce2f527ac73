"""Where the models register what libraries do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace_inspect._symbols._entities import Function

from ._contexts import Call, Frame
from ._values import Known, Value

if TYPE_CHECKING:
    from ._engine import Engine


Handler = Callable[[Call], Value]
Reader = Callable[[Frame, Any, str], Value]
Decorating = Callable[[Frame, Any, Value, Function], None]
Descriptor = Callable[[Frame, Value, Any], Value]


@dataclass(slots=True)
class Registry:
    """What the models know.

    Attributes:
        functions: how a function or class of a library is called, by its dotted name.
        methods: the same for methods, by type of value or name of the class, and name.
        attributes: how attributes are read, by type of value.
        missing: how attributes of objects are read that no class has.
        leaving: context managers, by the name of what made them.
        decorating: called with each decorator.
        finishing: called when everything else has run.
        descriptors: class attributes that are read as something else, by type or maker.
        elements: what iterating gives, by type of value.
        injecting: what declares a dependency, which its first argument provides.
        parallel: functions whose arguments run side by side.
        names: the dotted names that are known.
        aliases: the usual dotted names of what is importable under several.
    """

    functions: dict[str, Handler] = field(default_factory=dict)
    methods: dict[tuple[object, str], Handler] = field(default_factory=dict)
    attributes: dict[type[Known], Reader] = field(default_factory=dict)
    missing: list[Reader] = field(default_factory=list)
    leaving: dict[str, Callable[[Frame, int], None]] = field(default_factory=dict)
    decorating: list[Decorating] = field(default_factory=list)
    finishing: list[Callable[[Engine], None]] = field(default_factory=list)
    descriptors: dict[object, Descriptor] = field(default_factory=dict)
    elements: dict[type[Known], Callable[[Frame, Any], Value]] = field(default_factory=dict)
    injecting: set[str] = field(default_factory=set)
    parallel: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)

    def canonical(self, dotted: str) -> str:
        """Return the usual dotted name of something, which a package may offer higher up."""
        if dotted not in self.aliases:
            *parts, last = dotted.split(".")
            above = [".".join([*parts[:count], last]) for count in range(len(parts), 0, -1)]
            known = next((name for name in above if name in self.names), dotted)
            self.aliases[dotted] = self.aliases.get(known, known)
        return self.aliases[dotted]

    def alias(self, usual: str, others: str) -> None:
        """Register other dotted names of `usual`."""
        self.aliases.update(dict.fromkeys(others.split(), usual))
        self.names.update((usual, *others.split()))

    def function(self, handler: Handler, names: str) -> None:
        """Register how functions or classes of libraries are called; spaces separate names."""
        self.functions.update(dict.fromkeys(names.split(), handler))
        self.names.update(names.split())

    def method(self, handler: Handler, owner: type | str, names: str) -> None:
        """Register methods of a type of values, or of classes of libraries."""
        for one in owner.split() if isinstance(owner, str) else [owner]:
            self.methods.update(dict.fromkeys([(one, name) for name in names.split()], handler))
            self.names.update([one] if isinstance(one, str) else [])
