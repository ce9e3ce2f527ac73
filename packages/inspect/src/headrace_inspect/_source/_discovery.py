"""Which files a check is about."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from headrace_inspect._report import Problem

# What tools make: never the program's own source, unless it is a package.
_MADE = frozenset(["__pypackages__", "_build", "build", "dist", "site-packages"])
_NEVER = frozenset(["__pycache__", "node_modules"])


def find_files(
    paths: Sequence[str], exclude: Sequence[str] = ()
) -> tuple[list[str], list[Problem]]:
    """Return the Python files in `paths` as absolute paths, sorted, and what is wrong with paths.

    A folder is searched for ``*.py``, without folders that begin with a dot, virtual environments,
    what tools build, and folders that symbolic links lead to. Patterns in `exclude` are as in a
    shell, for paths relative to the working directory or for names.
    """
    found: set[str] = set()
    problems: list[Problem] = []
    for path in paths:
        absolute = os.path.abspath(path)
        if os.path.isdir(absolute):
            files = list(_search(absolute, exclude, problems))
            if not files and not problems:
                problems.append(Problem(path, 0, "there is no Python file in this folder"))
            found.update(files)
        elif os.path.exists(absolute):
            found.add(absolute)
        else:
            problems.append(Problem(path, 0, "there is no such file or folder"))
    return sorted(found), problems


def _search(root: str, exclude: Sequence[str], problems: list[Problem]) -> Iterator[str]:
    def report(error: OSError) -> None:
        problems.append(Problem(error.filename or root, 0, f"cannot be read: {error.strerror}"))

    for folder, folders, files in os.walk(root, onerror=report):
        inner = {name: os.path.join(folder, name) for name in sorted(folders)}
        folders[:] = [name for name in inner if _is_source(inner[name], os.path.exists, exclude)]
        for path in [os.path.join(folder, name) for name in files if name.endswith(".py")]:
            if not _is_excluded(path, exclude):
                yield path


def is_wanted(
    path: str, roots: Collection[str], entries: Collection[str], exclude: Sequence[str]
) -> bool:
    """Return whether `find_files` would find a file in `entries`, a tree that is not on disk."""
    if path in roots:
        return True
    if not path.endswith(".py") or _is_excluded(path, exclude):
        return False
    folder = os.path.dirname(path)
    while folder not in roots:
        if not _is_source(folder, entries.__contains__, exclude):
            return False
        folder = os.path.dirname(folder)
    return True


def _is_source(folder: str, exists: Callable[[str], bool], exclude: Sequence[str]) -> bool:
    name = os.path.basename(folder)
    if name.startswith(".") or name in _NEVER or exists(os.path.join(folder, "pyvenv.cfg")):
        return False
    is_made = name in _MADE and not exists(os.path.join(folder, "__init__.py"))
    return not is_made and not _is_excluded(folder, exclude)


def _is_excluded(path: str, patterns: Iterable[str]) -> bool:
    fits = fnmatch.fnmatch
    return any(
        fits(os.path.basename(path), one) or fits(os.path.relpath(path), one.rstrip("/"))
        for one in patterns
    )


def shown(path: str) -> str:
    """Return `path` as it is shown: relative to the working directory where it lies in it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith("..") else relative.replace(os.sep, "/")
