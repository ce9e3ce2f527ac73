"""The Python files of a program: which they are, their bytes, lines and syntax trees."""

from __future__ import annotations

import ast
import fnmatch
import io
import os
import re
import stat
import sys
import tokenize
import warnings
from collections.abc import Collection, Iterator, Sequence

from headrace.commands import is_source_folder

from ._report import Problem

_end_of_line = re.compile(r"\r\n|\r|\n")


class UnreadableError(Exception):
    """A file that cannot be parsed: the line concerned, or 0, and why."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read_files(
    paths: Sequence[str], exclude: Sequence[str] = ()
) -> tuple[dict[str, bytes], list[Problem]]:
    """Return the Python files in `paths` by their absolute paths, sorted, and what is wrong.

    A folder is searched for ``*.py``, except in folders whose names begin with a dot, virtual
    environments, folders that tools create, and symbolic links to folders. `exclude` has shell
    patterns for paths relative to the working directory, or for names.
    """
    problems: list[Problem] = []
    files: set[str] = set()
    for path in paths:
        root = os.path.abspath(path)
        found = list(_search(root, exclude, problems)) if os.path.isdir(root) else [root]
        if not found and not problems:
            problems.append(Problem(path, 0, "there is no Python file in this folder"))
        files.update(found)
    contents: dict[str, bytes] = {}
    for file in sorted(files):
        try:
            # Checked first: opening a pipe would wait for its other end.
            if stat.S_ISREG(os.stat(file).st_mode):
                with open(file, "rb", buffering=0) as opened:
                    contents[file] = opened.read()
            else:
                problems.append(Problem(shown(file), 0, "not a regular file"))
        except (OSError, ValueError) as error:
            problems.append(_unread(file, error))
    return contents, problems


def _search(folder: str, exclude: Sequence[str], problems: list[Problem]) -> Iterator[str]:
    try:
        with os.scandir(folder) as found:
            entries = [*found]
    except OSError as error:
        problems.append(_unread(folder, error))
        return
    for entry in entries:
        path = entry.path
        if entry.is_dir(follow_symlinks=False):
            if is_source_folder(path) and not _is_excluded(path, exclude):
                yield from _search(path, exclude, problems)
            continue
        is_folder = entry.is_symlink() and os.path.isdir(path)
        if path.endswith(".py") and not is_folder and not _is_excluded(path, exclude):
            yield path


def _unread(path: str, error: Exception) -> Problem:
    return Problem(shown(path), 0, f"cannot be read: {getattr(error, 'strerror', None) or error}")


def is_wanted(
    path: str, roots: Collection[str], entries: Collection[str], exclude: Sequence[str]
) -> bool:
    """Return whether `read_files` would read a file in `entries`, a tree that is not on disk."""
    if path in roots:
        return True
    if not path.endswith(".py"):
        return False
    above = [path]
    while (folder := os.path.dirname(above[-1])) not in roots:
        above.append(folder)
    return not any(_is_excluded(one, exclude) for one in above) and all(
        is_source_folder(one, entries.__contains__) for one in above[1:]
    )


def _is_excluded(path: str, patterns: Sequence[str]) -> bool:
    fits = fnmatch.fnmatch
    return any(
        fits(os.path.basename(path), one) or fits(os.path.relpath(path), one.rstrip("/"))
        for one in patterns
    )


def shown(path: str) -> str:
    """Return `path` as it is shown: relative to the working directory if it is in it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith("..") else relative.replace(os.sep, "/")


def parse(content: bytes) -> ast.Module:
    """Return the syntax tree of a file, or raise `UnreadableError` if it is not valid Python."""
    if b"\0" in content:
        raise UnreadableError("is binary: it contains null bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except SyntaxError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        message = f"does not parse with Python {version}: {error.msg}"
        raise UnreadableError(message, error.lineno or 0) from None
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"does not parse: {error}") from None
    except (RecursionError, MemoryError):
        raise UnreadableError("does not parse: nested too deeply") from None


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a file as Python counts them; what cannot be decoded is replaced."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError:  # it declares an unknown encoding
        encoding = "utf-8"
    return _end_of_line.split(content.decode(encoding, errors="replace"))
