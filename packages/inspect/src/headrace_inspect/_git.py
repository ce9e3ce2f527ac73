"""The source at another revision, read from a git repository that may be hostile.

Only objects are read. Nothing is checked out, compared or refreshed, since that would run filters,
hooks and monitors that the repository configures; and nothing is fetched or asked for.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha1

from ._report import Problem
from ._sources import is_wanted, shown

_CONFIG = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
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


@dataclass
class OldTree:
    """The Python files of a commit, by their absolute paths today."""

    folder: str
    commit: str
    ids: dict[str, str] = field(default_factory=dict)  # the object of each file
    unfollowed: list[str] = field(default_factory=list)  # symbolic links and submodules
    problems: list[Problem] = field(default_factory=list)  # complete once `contents` are read

    @cached_property
    def contents(self) -> dict[str, bytes]:
        """The content of each file that the repository has."""
        asked = "".join(f"{oid}\n" for oid in self.ids.values()).encode()
        batch = io.BytesIO(_git(self.folder, "cat-file", "--batch", asked=asked, is_text=False))
        found: dict[str, bytes] = {}
        for path, oid in self.ids.items():
            match batch.readline().split():
                case [_, b"blob", size]:
                    found[path] = batch.read(int(size) + 1)[:-1]
                case _:
                    says = f"object {oid} is missing; fetch it: git fetch --refetch --no-filter"
                    self.problems.append(Problem(shown(path), 0, says))
        return found


def blob_id(content: bytes) -> str:
    """Return the object that git would make of a file, for most repositories."""
    return sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def read_base(revision: str, paths: Sequence[str], exclude: Sequence[str] = ()) -> OldTree:
    """Return the files in `paths`, of one repository, at the merge base of `revision` and ``HEAD``.

    Raises:
        RevisionError: there is no such commit, or no such repository.
    """
    folders = [path if os.path.isdir(path) else os.path.dirname(path) or "." for path in paths]
    if len({_git(folder, "rev-parse", "--show-toplevel") for folder in folders}) > 1:
        raise RevisionError("the paths are in different repositories; check each by itself")
    roots: dict[str, str] = {}
    for path, folder in zip(paths, folders, strict=True):
        prefix = os.fsdecode(_git(folder, "rev-parse", "--show-prefix"))
        roots[os.path.abspath(path)] = prefix + ("" if path == folder else os.path.basename(path))
    tree = OldTree(folders[0], _base_of(folders[0], revision))
    entries = {path: entry for path, *entry in _entries(tree, roots)}
    for path, (mode, oid) in entries.items():
        if not mode.startswith("100"):
            tree.unfollowed.append(path)
        elif is_wanted(path, roots, entries, exclude):
            tree.ids[path] = oid
    return tree


def _base_of(folder: str, revision: str) -> str:
    message, commits = "", list[str]()
    try:
        for one in (revision, "HEAD"):
            message = f"{one!r} is no commit of this repository"
            words = ("--verify", "--end-of-options", f"{one}^{{commit}}")
            commits.append(_git(folder, "rev-parse", *words).decode())
        message = f"{revision!r} and HEAD have no commit in common"
        return _git(folder, "merge-base", *commits).decode()
    except RevisionError:
        if _git(folder, "rev-parse", "--is-shallow-repository") == b"true":
            message += "; the clone is shallow, so deepen it: git fetch --unshallow"
        raise RevisionError(message) from None


def _entries(tree: OldTree, roots: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield path, mode and object of each file, link and submodule in `roots`."""
    listed = _git(tree.folder, "ls-tree", "-r", "-z", "--full-tree", tree.commit)
    for entry in listed.split(b"\0"):
        facts, _, raw = entry.partition(b"\t")
        name = os.fsdecode(raw)
        if not name or {"", ".", ".."} & {*name.split("/")}:
            continue
        mode, _, oid = facts.decode().split()
        for root, prefix in roots.items():
            if name == prefix or (name.startswith(prefix) and (not prefix or prefix[-1] == "/")):
                yield os.path.join(root, name[len(prefix) :]).rstrip(os.sep), mode, oid


def _git(folder: str, *words: str, asked: bytes = b"", is_text: bool = True) -> bytes:
    """Return what a git command prints, without the end of the line if it is text."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and only words of ours before a revision
            [shutil.which("git") or "git", "--no-pager", *_CONFIG, *words],
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
