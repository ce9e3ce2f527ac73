"""The check: from paths to a report."""

from __future__ import annotations

import os
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ._cache import Cache
from ._codes import REFUTABLE, SOUGHT
from ._facts import Facts
from ._findings._ignores import silence
from ._recording._joining import joined, read_runs
from ._report import Finding, Problem, Report, Since
from ._source._discovery import find_files, shown
from ._source._git import OldTree, read_base
from ._source._lines import lines_of
from ._source._reading import UnreadableError, read


def check(
    paths: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    cache: str | os.PathLike[str] | None = None,
    require_shown: bool | Collection[str] = False,
    since: str | None = None,
    disable: Collection[str] = (),
    accept: Collection[str] = (),
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
        since: a revision: what was lost since ``HEAD`` parted from it is a finding.
        disable: the codes of findings that are not wanted.
        accept: intended findings, by code and what they are about: ``HR302 shop.gone``.
        evidence: a file that ``pytest --headrace-evidence`` has written, or None.

    Raises:
        RevisionError: `since` is no commit of the repository that the files are in.
        CommandError: `evidence` cannot be read.
    """
    asked = _Asked(paths, exclude, cache)
    runs = None if evidence is None else read_runs(evidence)
    base = None if since is None else read_base(since, paths, exclude)
    files, problems = find_files(paths, exclude)
    contents = contents_of(files, problems)
    changes: Since | None = None
    found: list[Finding] = []
    try:
        old = None if base is None else asked.facts("base", base.contents, base.problems)
        facts = asked.facts("", contents, problems)
        if base is not None and old is not None:
            changes, found = _compared(base, old, facts, contents)
            changes = replace(changes, revision=since or "", base=base.commit)
    except Exception as error:  # whatever it is, it must not read as clean
        return Report(problems=[*problems, Problem(", ".join(paths), 0, _bug(error))])
    kept = [one for one in found if f"{one.code} {_subject(one)}" not in accept]
    if runs is not None:
        facts = joined(facts, runs)
    report = report_of(facts, require_shown, disable, kept, changes, in_tests=runs is not None)
    report.problems += [] if base is None else base.problems
    return report


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a tree."""

    paths: Sequence[str]
    exclude: Sequence[str]
    cache: str | os.PathLike[str] | None

    def facts(self, role: str, contents: Mapping[str, bytes], problems: Sequence[Problem]) -> Facts:
        """Return what is known of a tree; its role tells its memory from that of another."""
        memory = None
        if self.cache is not None:
            about = (os.getcwd(), list(self.paths), list(self.exclude))
            # What is the base now was the tree itself before.
            roles = [(one, *about) for one in dict.fromkeys([role, ""])]
            memory = Cache(self.cache, roles, contents, problems)
        facts = None if memory is None else memory.facts()
        if facts is None:
            # Imported when there is something to analyse: that takes longer than reading a cache.
            from ._analysing import facts_in

            facts, _ = facts_in(self.paths, contents, problems)
        if memory is not None:
            memory.save(facts)
        return facts


def _compared(
    base: OldTree, old: Facts, new: Facts, contents: Mapping[str, bytes]
) -> tuple[Since, list[Finding]]:
    from ._findings._since import compared

    paths = {shown(path): path for path in contents}

    def source(file: str) -> str:
        return "\n".join(lines_of(contents[paths[file]])) if file in paths else ""

    return compared(old, new, [shown(path) for path in base.unfollowed], source)


def _subject(finding: Finding) -> str:
    edge = f"{finding.flow}:{finding.source}->{finding.target}"
    return edge if finding.flow else str(finding.target)


def report_of(
    facts: Facts,
    require_shown: bool | Collection[str] = False,
    disable: Collection[str] = (),
    lost: Sequence[Finding] = (),
    since: Since | None = None,
    *,
    in_tests: bool = False,
) -> Report:
    """Return what `facts` mean, and what was lost, with the arguments of `check`.

    With its `evidence` there is what was found in tests.
    """
    sought = SOUGHT | ({"HR110"} if require_shown is True else set())
    sought |= {"HR111"} if in_tests else set()
    unwanted = {*disable} | (REFUTABLE if facts.problems else set())
    found = [*facts.findings, *lost]
    found += [
        one
        for one in facts.not_shown
        if require_shown is True or (require_shown and one.flow in require_shown)
    ]
    found = [one for one in found if one.code not in unwanted]
    found = silence(found, facts.ignores, sought - unwanted)
    found.sort(key=lambda one: (one.place, one.code, one.source or "", one.message))
    if since is not None:
        since = _without_silenced(since, found)
    return Report(found, [*facts.edges], [*facts.problems], [*facts.steps], facts.files, since)


def _without_silenced(since: Since, found: Collection[Finding]) -> Since:
    """Return the changes without those that are no finding."""
    lost = {_subject(one) for one in found if one.code == "HR300"}
    return replace(
        since,
        lost=tuple([one for one in since.lost if one.edge in lost]),
        breaking=tuple([one for one in since.breaking if one in found]),
    )


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
