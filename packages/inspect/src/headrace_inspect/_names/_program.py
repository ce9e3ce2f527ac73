"""The source as a whole: modules, parsed when they are first needed, and their classes."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator

from headrace_inspect._symbols._files import SourceTree

from ._entities import Class, Function, Module
from ._scopes import statements_in

BUILTINS = frozenset(dir(builtins))


class Program:
    """The files that are checked.

    Args:
        tree: which files there are.
        load: returns the syntax tree of a file, or None where it cannot be had.

    Attributes:
        modules: the modules that have been parsed, by path.
    """

    def __init__(self, tree: SourceTree, load: Callable[[str], ast.Module | None]) -> None:
        self.tree = tree
        self.modules: dict[str, Module] = {}
        self._load = load
        self._missing: set[str] = set()
        self._scopes: dict[Module, list[Class | Function]] = {}

    def module(self, path: str) -> Module | None:
        """Return the module of the file `path`, or None if it has none: a folder, or unreadable."""
        module = self.modules.get(path)
        if module is None and path in self.tree and path not in self._missing:
            tree = self._load(path)
            if tree is None:
                self._missing.add(path)
                return None
            module = self.modules[path] = Module(path, tree)
        return module

    def scopes(self, module: Module) -> list[Class | Function]:
        """Return every class and function in `module`, however deep, lambdas excepted."""
        if module not in self._scopes:
            self._scopes[module] = list(_scopes(module))
        return self._scopes[module]


def _scopes(module: Module) -> Iterator[Class | Function]:
    waiting: list[tuple[ast.AST, Module | Class | Function]] = [(module.tree, module)]
    while waiting:
        node, scope = waiting.pop()
        for child in statements_in(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                function = module.function(child, scope)
                yield function
                waiting.append((child, function))
            elif isinstance(child, ast.ClassDef):
                cls = module.cls(child, scope)
                yield cls
                waiting.append((child, cls))
            else:
                waiting.append((child, scope))
