"""Where the models of libraries register what they know."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._values import Value

if TYPE_CHECKING:
    from headrace_inspect._symbols._entities import Class, Function

    from ._engine import Engine
    from ._frame import Frame


@dataclass(slots=True)
class Call:
    """A call that a model handles.

    Attributes:
        owner: the object whose method is called, or the callable itself.
        name: the name of the method or function.
    """

    frame: Frame
    node: ast.AST
    owner: Any
    name: str
    arguments: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]

    def get(self, index: int | None, name: str = "") -> Value | None:
        """Return the argument at `index` or passed as `name`."""
        if index is not None and index < len(self.arguments):
            return self.arguments[index]
        return dict(self.keywords).get(name)

    def rest(self, index: int) -> tuple[Value, ...]:
        """Return the positional arguments from `index`."""
        return self.arguments[index:]

    @property
    def line(self) -> int:
        """Return the line of the call."""
        return getattr(self.node, "lineno", 0)


Handler = Callable[[Call], Value | None]


class Registry:
    """What the models know, by names and by types of values."""

    def __init__(self) -> None:
        self.functions: dict[str, Handler] = {}
        self.methods: dict[tuple[object, str], Handler] = {}
        self.attributes: dict[type[Value], Callable[[Frame, Any, str], Value | None]] = {}
        self.members: dict[str, Callable[[Frame, Value, str], Value | None]] = {}
        self.entering: dict[type[Value], Callable[[Frame, Any, ast.AST], Value | None]] = {}
        self.leaving: dict[str, Callable[[Frame, Any, ast.AST, int], None]] = {}
        self.swallowing: set[str] = set()
        self.classes: list[Callable[[Engine, Class], None]] = []
        self.decorating: list[Callable[[Frame, ast.expr, Value, Function], None]] = []
        self.finishing: list[Callable[[Engine], None]] = []
        self.descriptors: dict[type[Value], Callable[[Frame, Value, Any, str], Value | None]] = {}
        self.described: dict[str, Callable[[Frame, Value, Any, str], Value | None]] = {}
        self.elements: dict[type[Value], Callable[[Frame, Any], Value]] = {}
        self.aliases: dict[str, str] = {}

    def canonical(self, dotted: str) -> str:
        """Return the usual dotted name of something that is importable under several."""
        return self.aliases.get(dotted, dotted)

    def alias(self, usual: str, *others: str) -> None:
        """Register other dotted names of `usual`."""
        self.aliases.update(dict.fromkeys(others, usual))

    def function(self, *names: str) -> Callable[[Handler], Handler]:
        """Register how a function or class of a library is called, by dotted names."""

        def register(handler: Handler) -> Handler:
            self.functions.update(dict.fromkeys(names, handler))
            return handler

        return register

    def method(self, owner: object, *names: str) -> Callable[[Handler], Handler]:
        """Register a method of a type of values, or of a library's class by dotted name."""

        def register(handler: Handler) -> Handler:
            self.methods.update(dict.fromkeys([(owner, name) for name in names], handler))
            return handler

        return register
