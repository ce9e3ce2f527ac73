"""The modules of the source, parsed when they are first needed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ._bindings import bind_module, bindings_in, is_generator, names_in, parameters_of
from ._entities import Class, Function, FunctionNode, Module, Scope, module_of
from ._files import SourceTree


class Program:
    """The source that is analysed.

    Args:
        files: absolute paths.
        roots: the files and folders that were asked for.
        load: returns the syntax tree of a file, or None if it does not parse.
    """

    def __init__(
        self, files: Sequence[str], roots: Sequence[str], load: Callable[[str], ast.Module | None]
    ) -> None:
        self.files = files
        self._tree = SourceTree(files, roots)
        self._load = load
        self._modules: dict[str, Module | None] = {}
        self._entities: dict[ast.AST, Class | Function] = {}

    def module(self, path: str) -> Module | None:
        """Return the module in the file `path`, or None if it does not parse."""
        if path not in self._modules:
            self._modules[path] = None
            tree = self._load(path)
            if tree is not None:
                module = self._modules[path] = Module(path, self._tree.name_of(path), tree)
                bind_module(module)
        return self._modules[path]

    def names_of(self, module: Module) -> list[str]:
        """Return the dotted names under which `module` may be imported."""
        return self._tree.dotted_names(module.path)

    def find(self, dotted: str, level: int, importer: Module) -> Module | str | None:
        """Return what an import means: a module, a folder without ``__init__.py``, or None."""
        if level:
            return self._at(self._tree.find_relative(dotted, level, importer.path))
        return self._at(self._tree.find(dotted, importer.path))

    def child(self, package: Module | str, name: str) -> Module | str | None:
        """Return the submodule `name` of a package or folder."""
        path = package if isinstance(package, str) else package.path
        return self._at(self._tree.child(path, name))

    def _at(self, path: str | None) -> Module | str | None:
        return path if path is None or not path.endswith(".py") else self.module(path)

    def function(self, node: FunctionNode, scope: Scope) -> Function:
        """Return the function that `node` defines in `scope`."""
        found = self._entities.get(node)
        if not isinstance(found, Function):
            is_nested = isinstance(scope, Function) or isinstance(node, ast.Lambda)
            found = self._entities[node] = Function(
                "<lambda>" if isinstance(node, ast.Lambda) else node.name,
                node,
                module_of(scope),
                scope,
                scope if isinstance(scope, Class) else None,
                is_generator=is_generator(node),
                is_async=isinstance(node, ast.AsyncFunctionDef),
                free=names_in(node) if is_nested else frozenset(),
                parameters=parameters_of(node.args),
            )
        return found

    def cls(self, node: ast.ClassDef, scope: Scope) -> Class:
        """Return the class that `node` defines in `scope`."""
        found = self._entities.get(node)
        if not isinstance(found, Class):
            found = self._entities[node] = Class(node.name, node, module_of(scope), scope)
            for name, binding in bindings_in(node.body):
                found.members.setdefault(name, []).append(binding)
        return found
