"""Calls of libraries, and where the models register what they do."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._contexts import CALL
from ._values import UNKNOWN, Arguments, Named, Value

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Function

    from ._engine import Engine
    from ._frame import Frame


@dataclass(slots=True)
class Call:
    """A call: where it is, and its arguments.

    Attributes:
        kind: how the target is reached.
        owner: for a model, the object whose method is called, or the callable itself.
        name: for a model, the name of the method or function.
    """

    frame: Frame
    node: ast.AST
    arguments: Arguments = ()
    keywords: Named = ()
    kind: str = CALL
    owner: Any = None
    name: str = ""

    def get(self, index: int | None, name: str = "") -> Value | None:
        """Return the argument at `index` or passed as `name`."""
        if index is not None and index < len(self.arguments):
            return self.arguments[index]
        return next((value for key, value in self.keywords if key == name), None)

    def value(self, index: int | None, name: str = "") -> Value:
        """Return the argument at `index` or passed as `name`, or an unknown value."""
        return self.get(index, name) or UNKNOWN

    def rest(self, index: int) -> Arguments:
        """Return the positional arguments from `index`."""
        return self.arguments[index:]

    def but(self, arguments: Arguments = (), keywords: Named = (), kind: str = "") -> Call:
        """Return a call at the same place with other arguments."""
        return Call(self.frame, self.node, arguments, keywords, kind or self.kind)

    def of(self, owner: Any, name: str) -> Call:
        """Return the same call for the model of `name`."""
        return Call(self.frame, self.node, self.arguments, self.keywords, self.kind, owner, name)

    @property
    def line(self) -> int:
        """Return the line of the call."""
        return getattr(self.node, "lineno", 0)


Handler = Callable[[Call], Value | None]
Reader = Callable[["Frame", Any, str], Value | None]
Decorating = Callable[["Frame", ast.expr, Value, "Function"], None]
Descriptor = Callable[["Frame", Value, Any], Value | None]


@dataclass(slots=True)
class Registry:
    """What the models know.

    Attributes:
        functions: how a function or class of a library is called, by its dotted name.
        methods: the same for methods, by type of value or name of the class, and name.
        attributes: how attributes are read, by type of value.
        leaving: context managers, by the name of what made them.
        swallowing: context managers that end an error, by the name of what made them.
        decorating: called with each decorator.
        finishing: called when everything else has run.
        descriptors: class attributes that are read as something else, by type or maker.
        elements: what iterating gives, by type of value.
        names: the dotted names that are known.
        aliases: the usual dotted names of what is importable under several.
    """

    functions: dict[str, Handler] = field(default_factory=dict)
    methods: dict[tuple[object, str], Handler] = field(default_factory=dict)
    attributes: dict[type[Value], Reader] = field(default_factory=dict)
    leaving: dict[str, Callable[[Frame, Any, ast.AST, int], None]] = field(default_factory=dict)
    swallowing: set[str] = field(default_factory=set)
    decorating: list[Decorating] = field(default_factory=list)
    finishing: list[Callable[[Engine], None]] = field(default_factory=list)
    descriptors: dict[object, Descriptor] = field(default_factory=dict)
    elements: dict[type[Value], Callable[[Frame, Any], Value]] = field(default_factory=dict)
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
