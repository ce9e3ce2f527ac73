"""The check: from paths to a report."""

from __future__ import annotations

import os
import traceback
from collections.abc import Collection, Mapping, Sequence

from ._cache import Cache
from ._codes import REFUTABLE, SOUGHT
from ._facts import Facts
from ._findings._ignores import silence
from ._recording._joining import joined, read_runs
from ._report import Problem, Report
from ._source._discovery import find_files, shown
from ._source._reading import UnreadableError, read


def check(
    paths: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    cache: str | os.PathLike[str] | None = None,
    require_shown: bool | Collection[str] = False,
    disable: Collection[str] = (),
    evidence: str | os.PathLike[str] | None = None,
) -> Report:
    """Compare the flows that are declared in `paths` with the code there.

    Nothing of it is imported. The files are taken for the whole program.

    Args:
        paths: files and folders.
        exclude: patterns of files and folders to leave out; see `find_files`.
        cache: a folder in which to keep what was found for the next time, or None. It is made if
            need be; one that cannot be written, or holds nonsense, does no harm.
        require_shown: whether an edge that is not shown is a finding, or in which flows it is.
        disable: the codes of findings that are not wanted.
        evidence: a file that ``pytest --headrace-evidence`` has written, or None.

    Raises:
        CommandError: `evidence` cannot be read.
    """
    runs = None if evidence is None else read_runs(evidence)
    files, problems = find_files(paths, exclude)
    contents = contents_of(files, problems)
    try:
        facts = _facts(paths, exclude, contents, problems, cache)
    except Exception as error:  # whatever it is, it must not read as clean
        return Report(problems=[*problems, Problem(", ".join(paths), 0, _bug(error))])
    if runs is not None:
        facts = joined(facts, runs)
    return report_of(facts, require_shown, disable, in_tests=runs is not None)


def _facts(
    paths: Sequence[str],
    exclude: Sequence[str],
    contents: Mapping[str, bytes],
    problems: Sequence[Problem],
    cache: str | os.PathLike[str] | None,
) -> Facts:
    question = (os.getcwd(), list(paths), list(exclude))
    memory = None if cache is None else Cache(cache, question, contents, problems)
    facts = None if memory is None else memory.facts()
    if facts is None:
        # Imported when there is something to analyse: that takes longer than reading a cache.
        from ._analysing import facts_in

        facts, _ = facts_in(paths, contents, problems)
        if memory is not None:
            memory.save(facts)
    return facts


def report_of(
    facts: Facts,
    require_shown: bool | Collection[str] = False,
    disable: Collection[str] = (),
    *,
    in_tests: bool = False,
) -> Report:
    """Return what `facts` mean, with the arguments of `check`; `in_tests` with its `evidence`."""
    sought = (SOUGHT | {"HR111"} if in_tests else SOUGHT) - {*disable}
    if facts.problems:
        sought -= REFUTABLE
    if require_shown is True:
        sought |= {"HR110"}
    found = [one for one in facts.findings if one.code in sought]
    found += [
        one
        for one in facts.not_shown
        if require_shown is True or (require_shown and one.flow in require_shown)
    ]
    found = silence(found, facts.ignores, sought)
    found.sort(key=lambda one: (one.place, one.code, one.source or "", one.message))
    return Report(found, [*facts.edges], [*facts.problems], [*facts.steps], facts.files)


def contents_of(files: Sequence[str], problems: list[Problem]) -> dict[str, bytes]:
    """Return the content of each file that can be read, and add what is wrong with the others."""
    contents: dict[str, bytes] = {}
    for file in files:
        try:
            contents[file] = read(file)
        except UnreadableError as error:
            problems.append(Problem(shown(file), error.line, error.message))
    return contents


def _bug(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(where.filename)}:{where.lineno}"
    return (
        f"could not be analysed: {type(error).__name__} in headrace-inspect ({place}); "
        f"please report this"
    )
