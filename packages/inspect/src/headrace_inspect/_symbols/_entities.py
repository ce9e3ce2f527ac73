"""Modules, classes and functions of the source."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass, field
from typing import Any

_TESTS = frozenset(["test", "tests", "conftest"])
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Import:
    """A name bound by an import: `name` in `module`, or that itself; `level` counts the dots."""

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
        name: its dotted name, from its outermost package.
        bindings: what its global names are bound to, in source order.
        values: what they have turned out to mean.
    """

    path: str
    name: str
    tree: ast.Module
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[Import] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def qualname(self) -> str:
        """Return nothing: names at the top of a module have no prefix."""
        return ""

    @property
    def folder(self) -> str:
        """Return the name of the folder that the file is in."""
        return os.path.basename(os.path.dirname(self.path))

    @property
    def is_test(self) -> bool:
        """Return whether it contains tests or what only these use."""
        return self.folder in _TESTS or any(
            part in _TESTS or part.startswith("test_") or part.endswith("_test")
            for part in self.name.split(".")
        )


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


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function, apart from ``*args`` and ``**kwargs``."""

    name: str
    annotation: ast.expr | None
    default: ast.expr | None
    is_positional: bool


@dataclass(eq=False, slots=True)
class Function:
    """A function, method or lambda of the source.

    Attributes:
        owner: the class it is defined in.
        free: the names that it reads, if it is inside another function.
    """

    name: str
    node: FunctionNode
    module: Module
    scope: Scope
    owner: Class | None
    is_generator: bool
    is_async: bool
    free: frozenset[str]
    parameters: tuple[Parameter, ...]

    @property
    def is_abstract(self) -> bool:
        """Return whether the body only says that it is not implemented."""
        body = [] if isinstance(self.node, ast.Lambda) else self.node.body
        last = body[-1] if body else None
        return isinstance(last, ast.Raise) and "NotImplementedError" in ast.dump(last)

    @property
    def decorators(self) -> list[ast.expr]:
        """Return the decorators, the outermost first."""
        return [] if isinstance(self.node, ast.Lambda) else self.node.decorator_list

    @property
    def qualname(self) -> str:
        """Return the name with those of the enclosing scopes."""
        return f"{self.scope.qualname}.{self.name}".lstrip(".")


Scope = Module | Class | Function


def module_of(scope: Scope) -> Module:
    """Return the module of a scope."""
    return scope if isinstance(scope, Module) else scope.module
