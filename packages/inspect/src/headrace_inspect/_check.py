"""The check: from paths to a report."""

from __future__ import annotations

import os
import traceback
from collections.abc import Collection, Sequence
from dataclasses import replace

from ._cache import Memory
from ._explain import REFUTABLE, SOUGHT
from ._findings._ignores import silence
from ._git import blob_id, read_base
from ._recording._joining import joined, read_runs
from ._report import Facts, Finding, Problem, Report, Since
from ._sources import read_files


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

    None of it is imported. The files are taken to be the whole program.

    Args:
        paths: files and folders.
        exclude: shell patterns for the names or paths of files and folders to leave out.
        cache: a folder in which to keep the results for the next check, or None. It is created
            if necessary; one that cannot be written, or has invalid content, does no harm.
        require_shown: whether an edge that is not shown is a finding, or in which flows it is.
        since: a revision: what was lost since ``HEAD`` diverged from it is a finding.
        disable: the codes of findings to leave out.
        accept: intended findings, by code and what they are about: ``HR302 shop.gone``.
        evidence: a file that ``pytest --headrace-evidence`` has written, or None.

    Raises:
        RevisionError: `since` is no commit of the repository that the files are in.
        CommandError: `evidence` cannot be read.
    """
    runs = None if evidence is None else read_runs(evidence)
    base = None if since is None else read_base(since, paths, exclude)
    contents, problems = read_files(paths, exclude)
    ids = {path: blob_id(content) for path, content in contents.items()}
    memory = Memory(cache, (os.getcwd(), [*paths], [*exclude]))
    changes: Since | None = None
    found: list[Finding] = []
    try:
        facts = memory.facts(paths, ids, lambda: contents, problems)
        if base is not None:
            from ._findings._since import compared, names_in

            old = memory.facts(paths, base.ids, lambda: base.contents, [])
            changes, found = compared(old, facts, base)
            if names := names_in(found):  # which calls of the old evidence are left?
                facts = memory.facts(paths, ids, lambda: contents, problems, names)
                changes, found = compared(old, facts, base)
    except Exception as error:  # whatever it is, it must not read as clean
        return Report(problems=[*problems, Problem(", ".join(paths), 0, _bug(error))])
    found = [one for one in found if f"{one.code} {one.about}" not in accept]
    facts = facts if runs is None else joined(facts, runs)
    report = report_of(facts, require_shown, disable, found, in_tests=runs is not None)
    if base is not None and changes is not None:
        report.problems += base.problems
        wrong = {one.about for one in report.findings if one.code == "HR300"}
        lost = tuple([one for one in changes.lost if one.edge in wrong])
        breaking = tuple([one for one in report.findings if one.code > "HR300"])
        report.since = replace(changes, revision=since or "", lost=lost, breaking=breaking)
    return report


def report_of(
    facts: Facts,
    require_shown: bool | Collection[str] = False,
    disable: Collection[str] = (),
    lost: Sequence[Finding] = (),
    *,
    in_tests: bool = False,
) -> Report:
    """Return what `facts` mean, and what was lost, with the arguments of `check`."""
    flows = () if isinstance(require_shown, bool) else require_shown
    sought = SOUGHT | ({"HR110"} if require_shown is True else set[str]())
    sought |= {"HR111"} if in_tests else set()
    unwanted = {*disable} | (REFUTABLE if facts.problems else set())
    not_shown = [one for one in facts.not_shown if require_shown is True or one.flow in flows]
    found = [one for one in (*facts.findings, *lost, *not_shown) if one.code not in unwanted]
    found = silence(found, facts.ignores, sought - unwanted)
    found.sort(key=lambda one: (one.place, one.code, one.source or "", one.message))
    return Report(found, [*facts.edges], [*facts.problems], [*facts.steps], facts.files)


def _bug(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    bug = f"{type(error).__name__} in headrace-inspect ({os.path.basename(where.filename)}"
    return f"could not be analysed: {bug}:{where.lineno}); please report this"
