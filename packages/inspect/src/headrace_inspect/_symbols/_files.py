"""Resolves imports to the files under analysis."""

from __future__ import annotations

import os
from collections.abc import Iterable

_MAX_PARTS = 8


class SourceTree:
    """The files under analysis, as packages and modules.

    Args:
        files: absolute paths.
        roots: the folders given by the user.
    """

    def __init__(self, files: Iterable[str], roots: Iterable[str] = ()) -> None:
        self._files = set(files)
        self._roots = {os.path.abspath(root) for root in roots}
        self._folders: set[str] = set()
        self._homes: dict[str, str] = {}  # the folder of the outermost package of each folder
        self._tops: dict[str, set[str]] = {}  # the homes that have a package of this name
        self._found: dict[tuple[str, str], str | None] = {}
        for file in sorted(self._files):
            folder = home = os.path.dirname(file)
            if folder in self._folders:
                continue
            while folder not in self._folders:
                self._folders.add(folder)
                folder = os.path.dirname(folder)
            self._home(home)

    def _home(self, folder: str) -> str:
        if folder not in self._homes:
            outer, name = os.path.split(folder)
            is_package = os.path.join(folder, "__init__.py") in self._files
            self._homes[folder] = self._home(outer) if is_package else folder
            if is_package and self._homes[folder] == outer:
                self._tops.setdefault(name, set()).add(outer)
        return self._homes[folder]

    def find(self, dotted: str, importer: str) -> str | None:
        """Return the file of the module `dotted` as the file `importer` imports it.

        A package resolves to its ``__init__.py``, a namespace package to its folder, and a module
        that is not under analysis to None.
        """
        key = (os.path.dirname(importer), dotted)
        if key not in self._found:
            parts = dotted.split(".")
            found = self._search(parts, self._home(key[0]))
            self._found[key] = found or self._inside(parts, key[0])
        return self._found[key]

    def find_relative(self, dotted: str, level: int, importer: str) -> str | None:
        """Return the file of a relative import with `level` dots."""
        folder = os.path.dirname(importer)
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        return self._below(folder, dotted.split(".") if dotted else [])

    def child(self, path: str, name: str) -> str | None:
        """Return the file of the submodule `name` of the package or folder `path`."""
        if path.endswith("/__init__.py"):
            path = os.path.dirname(path)
        return None if path in self._files else self._below(path, [name])

    def dotted_names(self, path: str) -> list[str]:
        """Return the names under which the file may be imported, longest last.

        Folders without ``__init__.py`` may be namespace packages, so every suffix counts.
        """
        parts = path.removesuffix(".py").removesuffix("/__init__").split(os.sep)
        parts = [part for part in parts[-_MAX_PARTS:] if part]
        return [".".join(parts[i:]) for i in range(len(parts) - 1, -1, -1)]

    def name_of(self, path: str) -> str:
        """Return the dotted name of the file, starting with its outermost package."""
        inner = os.path.relpath(path, self._home(os.path.dirname(path)))
        depth = inner.removesuffix("/__init__.py").count(os.sep)
        names = self.dotted_names(path)
        return names[min(depth, len(names) - 1)] if names else os.path.basename(path)

    def _search(self, parts: list[str], home: str) -> str | None:
        places, folder = [home], home
        while (folder := os.path.dirname(folder)) in self._folders and folder != places[-1]:
            places.append(folder)
        tops = sorted(self._tops.get(parts[0], ()))
        places += sorted(tops, key=lambda top: -len(os.path.commonpath([top, home])))
        # A given folder may be an import root, even if it is a package itself.
        places += sorted(self._roots)
        return next((found for place in places if (found := self._below(place, parts))), None)

    def _inside(self, parts: list[str], folder: str) -> str | None:
        """Search the packages above `folder`, since ``sys.path`` may contain them."""
        home = self._home(folder)
        while folder != home and (folder := os.path.dirname(folder)) != home:
            if os.sep.join([folder, parts[0]]) in self._folders:
                return self._below(folder, parts)
        return None

    def _below(self, folder: str, parts: list[str]) -> str | None:
        path = os.sep.join([folder, *parts])
        for candidate in (f"{path}{os.sep}__init__.py", f"{path}.py"):
            if candidate in self._files:
                return candidate
        return path if path in self._folders else None
