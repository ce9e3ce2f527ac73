"""Modules, classes and functions of the source."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Import:
    """A name bound by an import.

    Attributes:
        module: the dotted name of the module, without the dots of a relative import.
        name: the name imported from it, or None for the module itself.
        level: the number of dots.
    """

    module: str
    name: str | None
    level: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """A name bound by an assignment: `value` is what is assigned, `path` how it is unpacked."""

    value: ast.expr | None
    annotation: ast.expr | None = None
    path: tuple[int, ...] = ()


Binding = Import | Assignment | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(eq=False, slots=True)
class Module:
    """A file of the source.

    Attributes:
        path: its absolute path.
        name: its longest plausible dotted name.
        bindings: what its global names are bound to, in source order.
        stars: the star imports.
    """

    path: str
    name: str
    tree: ast.Module
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[Import] = field(default_factory=list)

    @property
    def qualname(self) -> str:
        """Return nothing: names at the top of a module have no prefix."""
        return ""


@dataclass(eq=False, slots=True)
class Class:
    """A class of the source; `members` maps names to their bindings in the body."""

    name: str
    node: ast.ClassDef
    module: Module
    scope: Scope
    members: dict[str, list[Binding]] = field(default_factory=dict)

    @property
    def qualname(self) -> str:
        """Return the name with those of the enclosing scopes."""
        return f"{self.scope.qualname}.{self.name}".lstrip(".")


@dataclass(eq=False, slots=True)
class Function:
    """A function, method or lambda of the source; `owner` is the class it is defined in."""

    name: str
    node: FunctionNode
    module: Module
    scope: Scope
    owner: Class | None
    is_generator: bool
    free: frozenset[str]

    @property
    def is_async(self) -> bool:
        """Tell whether a call makes a coroutine or an async generator."""
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def decorators(self) -> list[ast.expr]:
        """Return the decorators, the outermost first."""
        return [] if isinstance(self.node, ast.Lambda) else self.node.decorator_list

    @property
    def qualname(self) -> str:
        """Return the name with those of the enclosing scopes."""
        return f"{self.scope.qualname}.{self.name}".lstrip(".")


Scope = Module | Class | Function
