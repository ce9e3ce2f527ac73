"""Modules, classes and functions of the source, and the bindings of names in their bodies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ._syntax import (
    Block,
    ClassSyntax,
    Expr,
    FileSyntax,
    FunctionSyntax,
    Statement,
    blocks_of,
)

_TESTS = frozenset(["test", "tests", "conftest"])


@dataclass(frozen=True, slots=True)
class Import:
    """A name bound by an import: `name` in `module`, or the module; `level` counts leading dots."""

    module: str
    name: str | None
    level: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """A name bound by an assignment: `value` is the right-hand side, `path` unpacks it."""

    value: Expr
    annotation: Expr = None
    path: tuple[int, ...] = ()
    is_set: bool = True


class Module:
    """A file of the source.

    Attributes:
        path: its absolute path.
        name: its dotted name, from its outermost package.
        bindings: the bindings of its global names, in source order.
        stars: its star imports.
        values: the resolved values of its names.
    """

    qualname = ""

    def __init__(self, path: str, name: str, syntax: FileSyntax) -> None:
        self.path, self.name, self.body = path, name, syntax.body
        self.folder = os.path.basename(os.path.dirname(path))
        self.is_test = self.folder in _TESTS or any(
            part in _TESTS or part.startswith("test_") or part.endswith("_test")
            for part in name.split(".")
        )
        self.values: dict[str, Any] = {}
        self.syntax = syntax
        self._functions: dict[int, Function] = {}
        self._classes: dict[int, Class] = {}

    def binds(self, name: str) -> bool:
        """Tell whether a name is bound anywhere in the file, in any scope."""
        if name in self.bindings:
            return True
        return any(
            name in one.bindings
            or name in {one.name, one.syntax.vararg, one.syntax.kwarg}
            or any(name == parameter[0] for parameter in one.parameters)
            for one in self.functions
        ) or any(name in one.members or name == one.name for one in self.classes)

    def function(self, number: int) -> Function:
        """Return the function with this number in the file."""
        found = self._functions.get(number)
        if found is None:
            found = self._functions[number] = Function(self, self.syntax.functions[number])
        return found

    def cls(self, number: int) -> Class:
        """Return the class with this number in the file."""
        found = self._classes.get(number)
        if found is None:
            found = self._classes[number] = Class(self, self.syntax.classes[number])
        return found

    @property
    def classes(self) -> list[Class]:
        """The classes of the file, including nested ones."""
        return [self.cls(number) for number in range(len(self.syntax.classes))]

    @property
    def functions(self) -> list[Function]:
        """The functions of the file, in source order."""
        return [self.function(number) for number in range(len(self.syntax.functions))]

    @cached_property
    def bindings(self) -> dict[str, list[Binding]]:
        """The bindings of top-level names, in source order."""
        return _collected(self, self.body)

    @cached_property
    def stars(self) -> list[Import]:
        """The star imports of the module."""
        return [one for one in self.bindings.pop("*", []) if isinstance(one, Import)]


class Class:
    """A class of the source."""

    def __init__(self, module: Module, syntax: ClassSyntax) -> None:
        self.module = module
        self.name, self.qualname, self.line = syntax.name, syntax.qualname, syntax.line
        self.bases, self.keywords = syntax.bases, syntax.keywords
        self.decorators, self.body = syntax.decorators, syntax.body
        self.scope: Scope = module if syntax.outer < 0 else module.cls(syntax.outer)

    @cached_property
    def members(self) -> dict[str, list[Binding]]:
        """The bindings of names in its body, in source order.

        Keywords in the class statement count too, since ``__init_subclass__`` usually stores them.
        """
        found = _collected(self.module, self.body)
        for name, value in self.keywords:
            if name is not None and name != "metaclass":
                found.setdefault(name, [Assignment(value)])
        return found


class Function:
    """A function, method or lambda of the source.

    Attributes:
        owner: the class it is defined in.
        scope: the enclosing scope, in which free names are looked up.
        decorators: lines and expressions, outermost first.
    """

    def __init__(self, module: Module, syntax: FunctionSyntax) -> None:
        self.module, self.syntax = module, syntax
        self.name, self.qualname, self.line = syntax.name, syntax.qualname, syntax.line
        self.parameters, self.decorators = syntax.parameters, syntax.decorators
        self.body, self.free = syntax.body, syntax.free
        self.is_lambda = syntax.name == "<lambda>"
        self.owner = module.cls(syntax.owner) if syntax.owner >= 0 else None
        outer: Scope = module.function(syntax.outer) if syntax.outer >= 0 else module
        self.scope: Scope = self.owner or outer

    @cached_property
    def bindings(self) -> dict[str, list[Binding]]:
        """The bindings of names in its body, in source order."""
        return _collected(self.module, self.body)


Binding = Import | Assignment | Class | Function
Scope = Module | Class | Function


def module_of(scope: Scope) -> Module:
    """Return the module of a scope."""
    return scope if isinstance(scope, Module) else scope.module


def _collected(module: Module, body: Block) -> dict[str, list[Binding]]:
    found: dict[str, list[Binding]] = {}
    for name, binding in _bindings(module, body):
        found.setdefault(name, []).append(binding)
    return found


def _bindings(module: Module, body: Block) -> Iterator[tuple[str, Binding]]:
    """Yield the names that statements bind, including those in nested blocks."""
    for statement in body:
        match statement:
            case ("def", int(number)):
                function = module.function(number)
                yield function.name, function
            case ("class", int(number)):
                cls = module.cls(number)
                yield cls.name, cls
            case ("import", bound):
                yield from [(name, Import(*about)) for name, *about in bound]
            case _:
                yield from _assignments(statement)
        for block in blocks_of(statement):
            yield from _bindings(module, block)


def _assignments(statement: Statement) -> Iterator[tuple[str, Assignment]]:
    match statement:
        case ("=", targets, value):
            for target in targets:
                yield from _assigned(target, value, ())
        case (":", str(name), annotation, value, is_set):
            yield name, Assignment(value, annotation, (), is_set)
        case ("for", _, target, *_):
            yield from _assigned(target, None, ())
        case ("with", _, items, _):
            for _, target in items:
                yield from _assigned(target, None, ())
        case ("try", _, handlers, *_):
            yield from [(name, Assignment(None)) for name, _ in handlers if name]


def _assigned(target: Expr, value: Expr, path: tuple[int, ...]) -> Iterator[tuple[str, Assignment]]:
    if isinstance(target, str):
        yield target, Assignment(value, None, path)
    elif isinstance(target, tuple) and target[0] == "l":
        for index, element in enumerate(target[3]):
            yield from _assigned(element, value, (*path, index))
