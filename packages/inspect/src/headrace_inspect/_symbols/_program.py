"""The modules of the source, and the imports between them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cached_property

from ._entities import Module
from ._syntax import FileSyntax

_MAX_PARTS = 8


class Program:
    """The source under analysis.

    Args:
        files: absolute paths, sorted.
        roots: the files and folders given by the user.
        load: returns the syntax of a file, or None if it does not parse.
    """

    def __init__(
        self, files: Sequence[str], roots: Sequence[str], load: Callable[[str], FileSyntax | None]
    ) -> None:
        self.files = files
        self._load = load
        self._modules: dict[str, Module | None] = {}
        self._known = set(files)
        self._roots = sorted({os.path.abspath(root) for root in roots})
        self._folders: set[str] = set()
        self._homes: dict[str, str] = {}  # the folder of the outermost package of each folder
        self._tops: dict[str, set[str]] = {}  # the homes that have a package of this name
        self._found: dict[tuple[str, str], str | None] = {}
        for file in files:
            folder = home = os.path.dirname(file)
            if folder in self._folders:
                continue
            while folder not in self._folders:
                self._folders.add(folder)
                folder = os.path.dirname(folder)
            self._home(home)

    @property
    def modules(self) -> list[Module]:
        """The modules that parse."""
        return [one for path in self.files if (one := self.module(path)) is not None]

    def module(self, path: str) -> Module | None:
        """Return the module in the file `path`, or None if it does not parse."""
        if path not in self._modules:
            syntax = self._load(path)
            found = None if syntax is None else Module(path, self._name_of(path), syntax)
            self._modules[path] = found
        return self._modules[path]

    def names_of(self, module: Module) -> list[str]:
        """Return the names under which `module` may be imported, longest last.

        Folders without ``__init__.py`` may be namespace packages, so every suffix counts.
        """
        parts = module.path.removesuffix(".py").removesuffix("/__init__").split(os.sep)
        parts = [part for part in parts[-_MAX_PARTS:] if part]
        return [".".join(parts[i:]) for i in range(len(parts) - 1, -1, -1)]

    def find(self, dotted: str, level: int, importer: Module) -> Module | str | None:
        """Return what `importer` imports: a module, a folder without ``__init__.py``, or None."""
        folder, parts = os.path.dirname(importer.path), dotted.split(".") if dotted else []
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._at(self._below(folder, parts))
        key = (folder, dotted)
        if key not in self._found:
            self._found[key] = self._search(parts, folder)
        return self._at(self._found[key])

    def child(self, package: Module | str, name: str) -> Module | str | None:
        """Return the submodule `name` of a package or folder."""
        path = package if isinstance(package, str) else package.path
        if path.endswith("/__init__.py"):
            path = os.path.dirname(path)
        return None if path in self._known else self._at(self._below(path, [name]))

    def _at(self, path: str | None) -> Module | str | None:
        return path if path is None or not path.endswith(".py") else self.module(path)

    # --- folders ----------------------------------------------------------------------------------

    def _home(self, folder: str) -> str:
        if folder not in self._homes:
            outer, name = os.path.split(folder)
            is_package = os.path.join(folder, "__init__.py") in self._known
            self._homes[folder] = self._home(outer) if is_package else folder
            if is_package and self._homes[folder] == outer:
                self._tops.setdefault(name, set()).add(outer)
        return self._homes[folder]

    def _name_of(self, path: str) -> str:
        inner = os.path.relpath(path, self._home(os.path.dirname(path)))
        parts = inner.removesuffix(".py").removesuffix("/__init__").split(os.sep)
        return ".".join(parts[-_MAX_PARTS:]).removesuffix("__init__") or "__init__"

    def _search(self, parts: list[str], importing: str) -> str | None:
        home = folder = self._home(importing)
        places = [home]
        while (folder := os.path.dirname(folder)) in self._folders and folder != places[-1]:
            places.append(folder)
        tops = sorted(self._tops.get(parts[0], ()))
        places += sorted(tops, key=lambda top: -len(os.path.commonpath([top, home])))
        # A given folder may be an import root, even if it is a package itself.
        places += self._roots
        for place in places:
            if (found := self._below(place, parts)) is not None:
                return found
        inner, folder = list[str](), importing
        while folder != home:
            inner.append(folder)
            folder = os.path.dirname(folder)
        for place in inner[::-1] if parts[0] not in sys.stdlib_module_names else ():
            found = self._below(place, parts)
            if found is not None and found not in self._packages and self._is_root(place):
                return found
        return None

    def _is_root(self, folder: str) -> bool:
        """Tell whether a folder with ``__init__.py`` is an import root: no import names it."""
        parts = os.path.relpath(folder, self._home(folder)).split(os.sep)
        names = [".".join(parts[number:]) for number in range(len(parts))]
        return self._packages.isdisjoint([folder, *names])

    @cached_property
    def _packages(self) -> set[str]:
        """The names in absolute imports, and the folders that relative ones refer to.

        Also the path of each file that imports its own name, since that means a library.
        """
        found = set[str]()
        for module in self.modules:
            codes = [module.code, *[one.code for one in module.functions]]
            imports = [one[2:] for code in codes for one in code.definitions if one[0] == "import"]
            imports += [(star, None, level) for star, level in module.code.stars]
            for dotted, taken, level in imports:
                folder = module.path
                for _ in range(level):
                    folder = os.path.dirname(folder)
                parts = [] if level else [*dotted.split("."), *([taken] if taken else [])]
                found.update(".".join(parts[: count + 1]) for count in range(len(parts)))
                if level or parts[0] == os.path.basename(module.path).removesuffix(".py"):
                    found.add(folder)
        return found

    def _below(self, folder: str, parts: list[str]) -> str | None:
        path = os.sep.join([folder, *parts])
        for candidate in (f"{path}{os.sep}__init__.py", f"{path}.py"):
            if candidate in self._known:
                return candidate
        return path if path in self._folders else None
