"""The files of a project."""

from __future__ import annotations

import ast
import os
import re
import tokenize
import warnings
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from headrace._drawing import short_path
from headrace._process.source_folders import is_source_folder

from .source import Source

_ELSEWHERE = frozenset(["migrations", "test", "tests"])
_TESTS = re.compile(r"(conftest|test_.*|.*_test|tests)\.py$")
_CONFIGS = frozenset([".cfg", ".conf", ".ini", ".json", ".toml", ".yaml", ".yml"])
_LARGEST = 1_000_000
_shows = re.compile(r"headrace\.(logging|structlog|loguru)|flow_id|correlation_id")


class Project:
    """The Python files of a folder, without tests, and its configuration files.

    Args:
        root: a folder, or one file.

    Attributes:
        sources: the files that parse.
        problems: the files that do not, and why.
    """

    def __init__(self, root: Path) -> None:
        self.root = root if root.is_dir() else root.parent
        self.sources: list[Source] = []
        self.problems: list[str] = []
        self.configs: list[Path] = []
        for path in sorted(_files(root)) if root.is_dir() else [root]:
            if path.suffix == ".py":
                self._read(path)
            else:
                self.configs.append(path)

    def _read(self, path: Path) -> None:
        shown = short_path(str(path))
        words = list(path.relative_to(self.root).with_suffix("").parts)
        if words[-1] == "__init__":
            words.pop()
        try:
            with warnings.catch_warnings(), tokenize.open(path) as file:
                warnings.simplefilter("ignore")
                self.sources.append(Source(path, shown, ".".join(words), file.read()))
        except SyntaxError as error:
            self.problems.append(f"{shown}:{error.lineno or 0}: does not parse: {error.msg}")
        except (OSError, ValueError, RecursionError) as error:
            self.problems.append(f"{shown}: cannot be read: {error}")

    def find(self, dotted: str) -> tuple[Source, str] | None:
        """Return the file that defines the object `dotted`, and its name there, or None."""
        module, _, name = dotted.rpartition(".")
        found = self.module(module)
        return (found, name) if found and name else None

    def module(self, dotted: str) -> Source | None:
        """Return the file of the module `dotted`, or None; the project may be in ``src``."""
        return self._by_name.get(dotted)

    @cached_property
    def _by_name(self) -> dict[str, Source]:
        return {name: source for source in self.sources for name in self._names(source)}

    def _names(self, source: Source) -> list[str]:
        """Return the names under which a file may be imported: from the root, or below it."""
        words = source.module.split(".")
        folders = [self.root.joinpath(*words[:count]) for count in range(len(words))]
        return [
            ".".join(words[start:])
            for start, folder in enumerate(folders)
            if start == 0 or not (folder / "__init__.py").exists()
        ]

    def mentions(self, *names: str) -> bool:
        """Return whether any file reads or imports one of `names`, or has it as a string."""
        return any(not source.mentions.isdisjoint(names) for source in self.sources)

    @cached_property
    def configured_by_file(self) -> bool:
        """Whether a configuration file names headrace or one of its fields."""
        return any(_shows.search(_text(path)) for path in self.configs)

    @cached_property
    def _imported(self) -> frozenset[str]:
        names = {name for source in self.sources for name in source.modules}
        return frozenset(names | {name.rpartition(".")[0] for name in names})

    def is_imported(self, source: Source) -> bool:
        """Return whether another file imports `source`, or a name from it."""
        return not self._imported.isdisjoint(self._names(source))

    @cached_property
    def has_own_names(self) -> bool:
        """Whether the project sets ``flow_id`` or ``correlation_id`` on objects itself."""
        return any(
            isinstance(target, ast.Attribute) and target.attr in {"flow_id", "correlation_id"}
            for source in self.sources
            for target, _, _ in source.assigned()
        )


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if name not in _ELSEWHERE and is_source_folder(os.path.join(folder, name))
        ]
        for name in files:
            path = Path(folder, name)
            is_code = path.suffix == ".py" and not _TESTS.fullmatch(name)
            if is_code or path.suffix in _CONFIGS:
                yield path


def _text(path: Path) -> str:
    try:
        if path.name == "pyproject.toml" or path.stat().st_size > _LARGEST:
            return ""  # which names headrace as a dependency
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
