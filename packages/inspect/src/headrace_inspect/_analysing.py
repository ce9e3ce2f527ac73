"""From the contents of files to a report."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from headrace_inspect._flows._relevance import words_in
from headrace_inspect._source._discovery import shown
from headrace_inspect._source._reading import UnreadableError, parse
from headrace_inspect._symbols._files import SourceTree

from ._analysis import Analysis
from ._report import Problem, Report
from ._reporting import report_of
from ._verdicts import Judge

_DEEPEST = 10_000


def analyse(
    paths: Sequence[str],
    contents: Mapping[str, bytes],
    problems: Sequence[Problem],
    sound: set[str],
) -> Report:
    """Compare the flows that are declared in files with the code there.

    Args:
        paths: the files and folders that were asked for.
        contents: the content of each file, by its absolute path.
        problems: what is wrong already.
        sound: the files that are known to parse; those that do are added.
    """
    with _undisturbed():
        sources = Sources(contents, sound)
        words = {path: words_in(content) for path, content in contents.items()}
        analysis = Analysis(SourceTree(contents, paths), sources.load, words)
        sources.load_rest()
        wrong = [*problems, *sources.problems]
        return report_of(analysis, Judge(analysis, is_complete=not wrong), contents, wrong)


class Sources:
    """The syntax trees of files; each is made once.

    Args:
        contents: the content of each file, by its path.
        sound: the files that are known to parse; those that do are added.

    Attributes:
        problems: what is wrong with those that do not parse.
    """

    def __init__(self, contents: Mapping[str, bytes], sound: set[str]) -> None:
        self.problems: list[Problem] = []
        self._contents = contents
        self._sound = sound
        self._parsed: set[str] = set()

    def load(self, path: str) -> ast.Module | None:
        """Return the syntax tree of a file, or None if it does not parse."""
        self._parsed.add(path)
        try:
            tree = parse(self._contents[path])
        except UnreadableError as error:
            self.problems.append(Problem(shown(path), error.line, error.message))
            return None
        self._sound.add(path)
        return tree

    def load_rest(self) -> None:
        """Parse the files that nobody has asked for, so that what is wrong with them is known."""
        for path in sorted(self._contents.keys() - self._parsed - self._sound):
            self.load(path)


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
            # All that was made counts as old, or it would be gone through at once.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
