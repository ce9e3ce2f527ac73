"""The source at another revision, read from a git repository that may be hostile.

Only objects are read. Nothing is checked out, compared or refreshed, since that would run filters,
hooks and monitors that the repository configures; and nothing is fetched or asked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headrace_inspect._report import Problem

from ._discovery import is_wanted, shown

_CONFIG = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}")
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "",  # for versions that do not know GIT_NO_LAZY_FETCH
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class RevisionError(ValueError):
    """A revision that cannot be read; the message says why, and what to do."""


@dataclass(slots=True)
class OldTree:
    """The Python files of a commit.

    Attributes:
        commit: the commit.
        contents: the content of each file, by the absolute path that it has today.
        unfollowed: the paths of symbolic links and submodules.
        problems: the files that the repository does not have.
    """

    commit: str
    contents: dict[str, bytes] = field(default_factory=dict)
    unfollowed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_base(revision: str, paths: Sequence[str], exclude: Sequence[str] = ()) -> OldTree:
    """Return the files in `paths` as they were where `revision` and ``HEAD`` parted.

    Args:
        revision: a commit, as git understands it.
        paths: files and folders of one repository.
        exclude: patterns as for `find_files`.

    Raises:
        RevisionError: there is no such commit, or no such repository.
    """
    roots = {os.path.abspath(path): _name_in_repository(path) for path in paths}
    folder = _folder_of(paths[0])
    if len({_git(_folder_of(path), "rev-parse", "--show-toplevel") for path in paths}) > 1:
        raise RevisionError("the paths are in different repositories; check each by itself")
    tree = OldTree(_base_of(folder, revision))
    wanted: dict[str, str] = {}
    entries = {path: entry for path, *entry in _entries(folder, tree.commit, roots)}
    for path, (mode, oid) in entries.items():
        if not mode.startswith("100"):
            tree.unfollowed.append(path)
        elif is_wanted(path, roots, entries, exclude):
            wanted[path] = oid
    _read(folder, wanted, tree)
    return tree


def _folder_of(path: str) -> str:
    path = os.path.abspath(path)
    return path if os.path.isdir(path) else os.path.dirname(path)


def _name_in_repository(path: str) -> str:
    prefix = os.fsdecode(_git(_folder_of(path), "rev-parse", "--show-prefix"))
    return prefix if os.path.isdir(path) else prefix + os.path.basename(path)


# --- commits --------------------------------------------------------------------------------------


def _base_of(folder: str, revision: str) -> str:
    commits = []
    for one in (revision, "HEAD"):
        try:
            commits.append(
                _git(folder, "rev-parse", "--verify", "--end-of-options", f"{one}^{{commit}}")
            )
        except RevisionError:
            raise _unknown(folder, f"{one!r} is no commit of this repository") from None
    try:
        return _git(folder, "merge-base", *map(os.fsdecode, commits)).decode()
    except RevisionError:
        raise _unknown(folder, f"{revision!r} and HEAD have no commit in common") from None


def _unknown(folder: str, message: str) -> RevisionError:
    if _git(folder, "rev-parse", "--is-shallow-repository") == b"true":
        message += "; the clone is shallow, so deepen it: git fetch --unshallow"
    return RevisionError(message)


# --- files ----------------------------------------------------------------------------------------


def _entries(folder: str, commit: str, roots: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield path, mode and object of each file, link and submodule in `roots`."""
    listed = _git(folder, "ls-tree", "-r", "-z", "--full-tree", commit)
    for entry in listed.split(b"\0"):
        facts, _, raw = entry.partition(b"\t")
        name = os.fsdecode(raw)
        if not name or {"", ".", ".."} & {*name.split("/")}:
            continue
        mode, _, oid = facts.decode().split()
        for root, prefix in roots.items():
            if name == prefix or (name.startswith(prefix) and (not prefix or prefix[-1] == "/")):
                yield os.path.join(root, name[len(prefix) :]).rstrip(os.sep), mode, oid


def _read(folder: str, wanted: Mapping[str, str], tree: OldTree) -> None:
    asked = "".join(f"{oid}\n" for oid in wanted.values()).encode()
    rest = memoryview(_git(folder, "cat-file", "--batch", asked=asked, is_text=False))
    for path, oid in wanted.items():
        end = bytes(rest[:200]).find(b"\n")
        words = bytes(rest[:end]).split()
        if len(words) == 3 and words[1] == b"blob":
            size = int(words[2])
            tree.contents[path] = bytes(rest[end + 1 : end + 1 + size])
            rest = rest[end + 2 + size :]
        else:
            message = f"object {oid} is missing; fetch it: git fetch --refetch --no-filter"
            tree.problems.append(Problem(shown(path), 0, message))
            rest = rest[end + 1 :]


def _git(folder: str, *words: str, asked: bytes = b"", is_text: bool = True) -> bytes:
    """Return what a git command prints, without the end of the line if it is text."""
    options = [word for setting in _CONFIG for word in ("-c", setting)]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and only words of ours before a revision
            [shutil.which("git") or "git", "--no-pager", *options, *words],
            input=asked,
            capture_output=True,
            check=False,
            cwd=folder,
            env=os.environ | _ENVIRONMENT,
        )
    except OSError as error:
        raise RevisionError(f"git cannot be run: {error.strerror}") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RevisionError(f"git {words[0]}: {lines[-1] if lines else 'failed'}")
    return done.stdout.removesuffix(b"\n") if is_text else done.stdout
