"""The check: from paths to a report."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence

from headrace_inspect._source._discovery import find_files, shown
from headrace_inspect._source._reading import UnreadableError, read

from ._cache import Cache
from ._report import Problem, Report


def check(
    paths: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    cache: str | os.PathLike[str] | None = None,
) -> Report:
    """Compare the flows that are declared in `paths` with the code there.

    Nothing of it is imported. The files are taken for the whole program: a step that is called from
    elsewhere alone counts as one that nothing reaches.

    Args:
        paths: files and folders.
        exclude: patterns of files and folders to leave out; see `find_files`.
        cache: a folder in which to keep what was found for the next time, or None. It is made if
            need be; one that cannot be written, or holds nonsense, does no harm.
    """
    files, problems = find_files(paths, exclude)
    contents = _contents(files, problems)
    try:
        if cache is None:
            return _analyse(paths, contents, problems, set())
        question = (os.getcwd(), list(paths), list(exclude))
        memory = Cache(cache, question, contents, problems)
        report = memory.report()
        if report is None:
            sound = memory.sound()
            report = _analyse(paths, contents, problems, sound)
            memory.save(report, sound)
    except Exception as error:  # whatever it is, it must not read as clean
        return Report(problems=[*problems, Problem(", ".join(paths), 0, _bug(error))])
    return report


def _contents(files: Sequence[str], problems: list[Problem]) -> dict[str, bytes]:
    """Return the content of each file that can be read, and add what is wrong with the others."""
    contents: dict[str, bytes] = {}
    for file in files:
        try:
            contents[file] = read(file)
        except UnreadableError as error:
            problems.append(Problem(shown(file), error.line, error.message))
    return contents


def _analyse(
    paths: Sequence[str],
    contents: Mapping[str, bytes],
    problems: Sequence[Problem],
    sound: set[str],
) -> Report:
    # Imported when there is something to analyse: that takes longer than reading a cache.
    from ._analysing import analyse

    return analyse(paths, contents, problems, sound)


def _bug(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(where.filename)}:{where.lineno}"
    return (
        f"could not be analysed: {type(error).__name__} in headrace-inspect ({place}); "
        f"please report this"
    )
