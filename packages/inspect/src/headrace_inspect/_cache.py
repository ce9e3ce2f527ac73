"""Facts of trees, kept for the next check.

Content decides, never time: facts are used again where every file has the content that they were
made from. Nothing in a cache is executed.
"""

from __future__ import annotations

import contextlib
import json
import marshal
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ._report import DurableChain, Edge, Facts, Finding, Ignore, Link, Message, Place, Problem, Step

if TYPE_CHECKING:
    from ._symbols._stored import StoredSyntax

_KEPT = (DurableChain, Edge, Facts, Finding, Ignore, Link, Message, Place, Problem, Step)
_CLASSES: dict[str, Any] = {cls.__name__: cls for cls in _KEPT}
_MOST = 8
"""The number of files of each kind; each version and each set of paths has its own."""


class Memory:
    """Facts in a folder, one file for each tree, and the syntax of the last tree evaluated.

    Args:
        folder: where it is kept, or None to keep nothing.
        question: the options that distinguish this check from others, as plain data.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, question: object) -> None:
        self._folder = None if folder is None else Path(folder)
        self._question = _digest_of((_version(), question))

    def facts(
        self,
        paths: Sequence[str],
        ids: Mapping[str, str],
        load: Callable[[], Mapping[str, bytes]],
        problems: Sequence[Problem],
        names: Collection[str] = (),
    ) -> Facts:
        """Return the facts of a tree from the cache; else analyse the files and store the facts.

        Args:
            paths: the files and folders.
            ids: for each file, an ID of its content.
            load: returns the content of the files.
            problems: what is wrong with missing files.
            names: further names of functions whose calls are evaluated.
        """
        about = sorted(ids.items()), [*map(str, problems)], sorted(names)
        key = _digest_of((self._question, *about))
        name = f"check-{key}.json"
        if stored := self._read(name):
            known: Facts = json.loads(stored, object_hook=_revived)
            return known
        # Imported only if there is something to analyse: it takes longer than reading a cache.
        from ._pipeline import facts_in

        contents = load()
        facts = facts_in(paths, contents, problems, self._syntax, names)
        if contents.keys() == ids.keys():  # a repository may lack some
            found = json.dumps(facts, separators=(",", ":"), default=_stored)
            self._write(name, found.encode())
            if self._syntax.used.keys() != self._syntax.known.keys():
                self._write(f"syntax-{self._question}.bin", marshal.dumps(self._syntax.used))
        return facts

    @cached_property
    def _syntax(self) -> StoredSyntax:
        """The syntax of the files that were read last."""
        from ._symbols._stored import StoredSyntax

        stored = self._read(f"syntax-{self._question}.bin")
        return StoredSyntax(marshal.loads(stored) if stored else None)  # noqa: S302 - only bytes

    def _read(self, name: str) -> bytes:
        """Return what was written, or nothing where that is gone or damaged."""
        if self._folder is None:
            return b""
        try:
            digest, _, content = (self._folder / name).read_bytes().partition(b"\n")
            os.utime(self._folder / name)
        except OSError:
            return b""
        return content if digest == _digest(content) else b""

    def _write(self, name: str, content: bytes) -> None:
        """Write a file atomically, and delete the least recently used files of its kind."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / ".gitignore").write_text("# Made by headrace check.\n*\n", "utf-8")
            with TemporaryDirectory(dir=self._folder) as made:
                Path(made, name).write_bytes(b"%s\n%s" % (_digest(content), content))
                os.replace(Path(made, name), self._folder / name)
            alike = self._folder.glob(f"{name.partition('-')[0]}-*")
            for _, old in sorted((-one.stat().st_mtime_ns, one) for one in alike)[_MOST:]:
                old.unlink()


def _stored(one: Any) -> dict[str, Any]:
    return {"": type(one).__name__} | {name: getattr(one, name) for name in one.__slots__}


def _revived(stored: dict[str, Any]) -> object:
    return _CLASSES[stored.pop("")](**{key: _tuples(value) for key, value in stored.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).hexdigest().encode()


def _digest_of(one: object) -> str:
    return _digest(repr(one).encode("utf-8", "backslashreplace")).decode()


def _version() -> object:
    """Return what tells this version of headrace-inspect and Python from others.

    The files themselves are looked at, so that a version under development is told too.
    """
    files = [(str(path), path.stat()) for path in sorted(Path(__file__).parent.rglob("*.py"))]
    return sys.version, [(name, st.st_size, st.st_mtime_ns) for name, st in files]
