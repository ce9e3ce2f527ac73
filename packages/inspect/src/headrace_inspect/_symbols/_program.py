"""The modules of the source, loaded lazily."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ._entities import Module
from ._files import SourceTree
from ._syntax import FileSyntax


class Program:
    """The source under analysis.

    Args:
        files: absolute paths.
        roots: the files and folders given by the user.
        load: returns the syntax of a file, or None if it does not parse.
    """

    def __init__(
        self, files: Sequence[str], roots: Sequence[str], load: Callable[[str], FileSyntax | None]
    ) -> None:
        self.files = files
        self._tree = SourceTree(files, roots)
        self._load = load
        self._modules: dict[str, Module | None] = {}

    @property
    def modules(self) -> list[Module]:
        """The modules that parse."""
        return [one for path in self.files if (one := self.module(path)) is not None]

    def module(self, path: str) -> Module | None:
        """Return the module in the file `path`, or None if it does not parse."""
        if path not in self._modules:
            syntax = self._load(path)
            found = None if syntax is None else Module(path, self._tree.name_of(path), syntax)
            self._modules[path] = found
        return self._modules[path]

    def names_of(self, module: Module) -> list[str]:
        """Return the dotted names under which `module` may be imported."""
        return self._tree.dotted_names(module.path)

    def find(self, dotted: str, level: int, importer: Module) -> Module | str | None:
        """Resolve an import: a module, a folder without ``__init__.py``, or None."""
        if level:
            return self._at(self._tree.find_relative(dotted, level, importer.path))
        return self._at(self._tree.find(dotted, importer.path))

    def child(self, package: Module | str, name: str) -> Module | str | None:
        """Return the submodule `name` of a package or folder."""
        path = package if isinstance(package, str) else package.path
        return self._at(self._tree.child(path, name))

    def _at(self, path: str | None) -> Module | str | None:
        return path if path is None or not path.endswith(".py") else self.module(path)
