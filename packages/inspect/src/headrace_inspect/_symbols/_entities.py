"""Modules, classes and functions of the source."""

from __future__ import annotations

import os
from functools import cached_property

from ._syntax import ClassSyntax, Code, Definition, FileSyntax, FunctionSyntax, Ids

_TESTS = frozenset(["test", "tests", "conftest"])


class Module:
    """A file of the source.

    Attributes:
        path: its absolute path.
        name: its dotted name, from its outermost package.
        stars: the module and the number of leading dots of each star import.
    """

    qualname = ""

    def __init__(self, path: str, name: str, syntax: FileSyntax) -> None:
        self.path, self.name, self.syntax, self.code = path, name, syntax, syntax.code
        folder = os.path.basename(os.path.dirname(path))
        self.is_test = folder in _TESTS or any(
            part in _TESTS or part.startswith("test_") or part.endswith("_test")
            for part in name.split(".")
        )
        self.stars = syntax.code.stars
        self.module = self
        self.classes: list[Class] = []
        for one in syntax.classes:  # an outer class comes before those in it
            self.classes.append(Class(self, one))
        self.functions: list[Function] = []
        for function in syntax.functions:  # an outer function comes before those in it
            made = Function(self, function)
            self.functions.append(made)
            if function.outer >= 0:
                self.functions[function.outer].inner.append(made)

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names bound anywhere in the file, in any scope."""
        named = [*[one.name for one in self.functions], *[one.name for one in self.classes]]
        places = [self.code.names, *[one.code.names for one in self.functions]]
        return frozenset(named).union(*places, *[one.names for one in self.classes])

    def definitions(self, name: str) -> list[Definition]:
        """Return the definitions of a global name."""
        return [self.code.definitions[number] for number in self.code.names.get(name, ())]


class Class:
    """A class of the source."""

    def __init__(self, module: Module, syntax: ClassSyntax) -> None:
        self.module, self.syntax = module, syntax
        self.name, self.qualname, self.line = syntax.name, syntax.qualname, syntax.line
        self.bases, self.decorators, self.names = syntax.bases, syntax.decorators, syntax.names

    @property
    def home(self) -> Module | Function:
        """The module or function whose code defines it."""
        number = self.syntax.home
        return self.module.functions[number] if number >= 0 else self.module

    @property
    def code(self) -> Code:
        """The code that has the definitions of its members."""
        return self.home.code

    @cached_property
    def methods(self) -> dict[str, Function]:
        """The functions among its members."""
        found = {name: self.code.definitions[ids[-1]] for name, ids in self.names.items()}
        return {
            name: self.module.functions[made[2]] for name, made in found.items() if made[0] == "def"
        }


class Function:
    """A function, method or lambda of the source.

    Attributes:
        owner: the class it is defined in.
        inner: the functions defined directly in it.
        decorators: lines and expressions, outermost first.
    """

    def __init__(self, module: Module, syntax: FunctionSyntax) -> None:
        self.module, self.syntax, self.code = module, syntax, syntax.code
        self.name, self.qualname, self.line = syntax.name, syntax.qualname, syntax.line
        self.parameters, self.decorators = syntax.parameters, syntax.decorators
        self.is_lambda = syntax.name == "<lambda>"
        self.owner = module.classes[syntax.owner] if syntax.owner >= 0 else None
        self.inner: list[Function] = []

    @property
    def is_generator(self) -> bool:
        """Whether it yields."""
        return bool(self.code.yields)

    @property
    def home(self) -> Module | Function:
        """The module or function whose code defines it."""
        number = self.syntax.outer
        return self.module.functions[number] if number >= 0 else self.module

    @property
    def never_returns(self) -> bool:
        """Whether its code ends with an exception on every path."""
        code, syntax = self.code, self.syntax
        is_left = code.is_open or code.returns or code.yields
        return not is_left and not syntax.is_abstract and not syntax.is_async


Scope = Module | Function
"""What has code: its expressions refer to its own definitions."""


def definition_of(scope: Scope, ids: Ids) -> Definition:
    """Return the last of some definitions."""
    return scope.code.definitions[ids[-1]]
