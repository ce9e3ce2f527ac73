"""What is known of a tree, kept for the next check.

A file's content decides, never its time: facts are used again only where every file has the
content that they were made from. Nothing in a cache is executed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from ._facts import Facts, Ignore, Message
from ._report import Edge, Finding, Link, Place, Problem, Step

_CLASSES = (Facts, Ignore, Message, Edge, Finding, Link, Place, Problem, Step)
_KEPT = {cls.__name__: cls for cls in _CLASSES}


class Memory:
    """Facts of trees in a folder: a file for each, with a line that says of what they are.

    Args:
        folder: where it is kept.
        question: what tells this check from others, as plain data.
    """

    def __init__(self, folder: str | os.PathLike[str], question: object) -> None:
        self._folder = Path(folder)
        self._question = question
        self._program = _program()

    def key(self, contents: Mapping[str, bytes], problems: Sequence[Problem]) -> str:
        """Return what tells a tree from others: its files, and what is wrong with missing ones."""
        digests = sorted((path, _digest(content)) for path, content in contents.items())
        return _digest_of((self._program, digests, [str(one) for one in problems]))

    def read(self, roles: Iterable[str], key: str) -> Facts | None:
        """Return the facts of the tree with this key, if they are there under one of the roles."""
        for file in map(self._file, roles):
            try:
                head, _, rest = file.read_bytes().partition(b"\n")
            except OSError:
                continue
            if head.decode("ascii", "replace") == key + _digest(rest):
                found = json.loads(rest, object_hook=_revived)
                return found if isinstance(found, Facts) else None
        return None

    def write(self, role: str, key: str, facts: Facts) -> None:
        """Keep `facts`, if that is possible."""
        rest = json.dumps(facts, separators=(",", ":"), default=_stored).encode()
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            ignored = self._folder / ".gitignore"
            if not ignored.exists():
                ignored.write_text("# Made by headrace check.\n*\n", "utf-8")
            _write(self._file(role), b"%s%s\n%s" % (key.encode(), _digest(rest).encode(), rest))

    def _file(self, role: str) -> Path:
        return self._folder / f"check-{_digest_of((role, self._question))}.json"


def _stored(one: object) -> dict[str, Any]:
    if not is_dataclass(one):
        raise TypeError(one)
    names = [field.name for field in fields(one)]
    return {"": type(one).__name__} | {name: getattr(one, name) for name in names}


def _revived(stored: dict[str, Any]) -> object:
    cls = _KEPT[stored.pop("")]
    return cls(**{key: _tuples(value) for key, value in stored.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _digest_of(facts: object) -> str:
    return _digest(repr(facts).encode("utf-8", "backslashreplace"))


def _program() -> str:
    """Return what tells this version of headrace-inspect and Python from others.

    The files themselves are looked at, so that a version under development is told too.
    """
    here = Path(__file__).parent
    files = [(str(path), path.stat()) for path in sorted(here.rglob("*.py"))]
    return _digest_of((sys.version, [(name, st.st_size, st.st_mtime_ns) for name, st in files]))


def _write(path: Path, content: bytes) -> None:
    """Write a file at once, so that another process never reads half of it."""
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.replace(file.name, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(file.name)
            raise
