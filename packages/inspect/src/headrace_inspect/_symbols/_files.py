"""Which file an import means, among the files that are checked."""

from __future__ import annotations

import os
from collections.abc import Iterable


class SourceTree:
    """The files that are checked, as packages and modules.

    Args:
        files: absolute paths.
        roots: the folders that were asked for.
    """

    def __init__(self, files: Iterable[str], roots: Iterable[str] = ()) -> None:
        self._files = set(files)
        self._folders: set[str] = set()
        self._tops: dict[str, list[str]] = {}
        self._roots = {os.path.abspath(root) for root in roots}
        self._package_roots: dict[str, str] = {}
        self._found: dict[tuple[str, str], str | None] = {}
        for file in sorted(self._files):
            self._enter(file)

    def __contains__(self, path: object) -> bool:
        """Tell whether the file is one of those that are checked."""
        return path in self._files

    def find(self, dotted: str, importer: str) -> str | None:
        """Return the file of the module `dotted` as the file `importer` imports it.

        For a package that is its ``__init__.py``, for a namespace package its folder. None where
        the module is not among the files that are checked.
        """
        key = (os.path.dirname(importer), dotted)
        if key not in self._found:
            self._found[key] = self._search(dotted, importer)
        return self._found[key]

    def find_relative(self, dotted: str, level: int, importer: str) -> str | None:
        """Return the file of a relative import with `level` dots."""
        folder = os.path.dirname(importer)
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        return self._below(folder, dotted.split(".") if dotted else [])

    def dotted_names(self, path: str) -> list[str]:
        """Return the names under which the file may be imported, the longest last."""
        parts = self._parts(path)
        return [".".join(parts[i:]) for i in range(len(parts) - 1, -1, -1)] if parts else []

    def names_in_packages(self, path: str) -> list[str]:
        """Return those of the names of the file that begin with its outermost package, or above."""
        root = self._package_roots.get(path)
        depth = 0 if root is None else len(os.path.relpath(path, root).split(os.sep))
        depth -= path.endswith("/__init__.py")
        return [name for name in self.dotted_names(path) if name.count(".") + 1 >= depth]

    def child(self, path: str, name: str) -> str | None:
        """Return the file of the submodule `name` of the package or folder `path`."""
        if path.endswith("/__init__.py"):
            path = os.path.dirname(path)
        elif path in self._files:
            return None
        return self._below(path, [name])

    def _enter(self, file: str) -> None:
        folder = os.path.dirname(file)
        while folder not in self._folders:
            self._folders.add(folder)
            folder = os.path.dirname(folder)
        root = self._root(os.path.dirname(file))
        self._package_roots[file] = root
        top = os.path.relpath(file, root).split(os.sep)[0].removesuffix(".py")
        place = os.path.join(root, top)
        places = self._tops.setdefault(top, [])
        if place not in places:
            places.append(place)

    def _root(self, folder: str) -> str:
        while os.path.join(folder, "__init__.py") in self._files:
            folder = os.path.dirname(folder)
        return folder

    def _parts(self, path: str) -> list[str]:
        # Folders without __init__.py may be namespace packages, so that every suffix counts.
        parts = path.removesuffix(".py").split(os.sep)
        if parts[-1] == "__init__":
            parts.pop()
        return [part for part in parts[-8:] if part]

    def _search(self, dotted: str, importer: str) -> str | None:
        parts = dotted.split(".")
        home = self._package_roots.get(importer) or os.path.dirname(importer)
        folder = home
        while True:
            if found := self._below(folder, parts):
                return found
            parent = os.path.dirname(folder)
            if parent == folder or parent not in self._folders:
                break
            folder = parent
        candidates = [place for place in self._tops.get(parts[0], ()) if self._is_known(place)]
        candidates.sort(key=lambda place: -len(os.path.commonpath([place, home])))
        for place in candidates:
            if found := self._below(os.path.dirname(place), parts):
                return found
        # A folder that is asked for may be where imports begin, though it is a package itself.
        inside = [self._below(root, parts) for root in sorted(self._roots)]
        return next((found for found in inside if found), None)

    def _is_known(self, place: str) -> bool:
        # A lone module far away is more likely a namesake than what is meant.
        parent = os.path.dirname(place)
        return (
            os.path.join(place, "__init__.py") in self._files
            or parent in self._roots
            or os.path.basename(parent) == "src"
        )

    def _below(self, folder: str, parts: list[str]) -> str | None:
        path = os.sep.join([folder, *parts])
        for candidate in (f"{path}{os.sep}__init__.py", f"{path}.py"):
            if candidate in self._files:
                return candidate
        return path if path in self._folders else None
