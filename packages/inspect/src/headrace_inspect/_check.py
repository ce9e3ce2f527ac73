"""The check: from paths to a report."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from headrace_inspect._flows._relevance import words_in
from headrace_inspect._names._files import SourceTree
from headrace_inspect._source._discovery import find_files, shown
from headrace_inspect._source._reading import UnreadableError, parse, read

from ._analysis import Analysis
from ._report import Problem, Report
from ._reporting import report_of
from ._verdicts import Judge

_DEEPEST = 10_000


def check(paths: Sequence[str], *, exclude: Sequence[str] = ()) -> Report:
    """Compare the flows that are declared in `paths` with the code there.

    Nothing of it is imported. The files are taken for the whole program: a step that is called from
    elsewhere alone counts as one that nothing reaches.

    Args:
        paths: files and folders.
        exclude: patterns of files and folders to leave out; see `find_files`.
    """
    files, problems = find_files(paths, exclude)
    with _undisturbed():
        sources = Sources(files)
        analysis = Analysis(SourceTree(sources.contents, paths), sources.load, sources.words())
        sources.load_rest()
        problems += sources.problems
        judge = Judge(analysis, is_complete=not problems)
        return report_of(analysis, judge, sources.contents, problems)


class Sources:
    """The content of files; each is parsed once.

    Attributes:
        contents: the content of each file that can be read, by path.
        problems: what is wrong with the others, and with those that do not parse.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self.contents: dict[str, bytes] = {}
        self.problems: list[Problem] = []
        self._parsed: set[str] = set()
        for file in files:
            try:
                self.contents[file] = read(file)
            except UnreadableError as error:
                self._report(file, error)

    def words(self) -> dict[str, frozenset[str]]:
        """Return the words in each file."""
        return {path: words_in(content) for path, content in self.contents.items()}

    def load(self, path: str) -> ast.Module | None:
        """Return the syntax tree of a file, or None if it does not parse."""
        self._parsed.add(path)
        try:
            return parse(self.contents[path])
        except UnreadableError as error:
            self._report(path, error)
            return None

    def load_rest(self) -> None:
        """Parse the files that nobody has asked for, so that what is wrong with them is known."""
        for path in self.contents.keys() - self._parsed:
            self.load(path)

    def _report(self, path: str, error: UnreadableError) -> None:
        self.problems.append(Problem(shown(path), error.line, error.message))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let deep code be followed, and no time be spent on looking for garbage in trees."""
    deepest, is_collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(deepest, _DEEPEST))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(deepest)
        if is_collecting:
            gc.enable()
