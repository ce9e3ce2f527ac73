"""What a check has found, kept for the next one.

A file's content decides, and never its time: a report is used again only where every file has the
content that it was made from. Nothing is executed that stands in a cache.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from ._report import Edge, Finding, Place, Problem, Report, Suggestion, Verdict


class Cache:
    """The memory of one question: what was asked, and what came out.

    It is a file of two lines: what tells whether it may be used, and the report.

    Args:
        folder: where it is kept.
        question: what tells this check from others: plain data.
        contents: the content of each file that the question is about, by its path.
        problems: what is wrong with files that are missing there.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        question: object,
        contents: Mapping[str, bytes],
        problems: Sequence[Problem],
    ) -> None:
        self._file = Path(folder) / f"check-{_digest_of(question)}.json"
        self._program = _program()
        self._digests = {path: _digest(content) for path, content in contents.items()}
        facts = (self._program, sorted(self._digests.items()), [str(one) for one in problems])
        self._key = _digest_of(facts)
        self._head, self._rest = self._read()

    def report(self) -> Report | None:
        """Return the report on these very files, if there is one."""
        if self._head.get("key") != self._key or self._head.get("rest") != _digest(self._rest):
            return None
        return _report_of(json.loads(self._rest))

    def sound(self) -> set[str]:
        """Return the files that are known to parse."""
        known = self._head.get("sound")
        if self._head.get("program") != self._program or not isinstance(known, dict):
            return set()
        return {path for path, digest in self._digests.items() if known.get(path) == digest}

    def save(self, report: Report, sound: set[str]) -> None:
        """Keep `report`, and which files parse, if that is possible."""
        rest = json.dumps(astuple(report), separators=(",", ":")).encode()
        head = {
            "program": self._program,
            "key": self._key,
            "rest": _digest(rest),
            "sound": {path: self._digests[path] for path in sorted(sound)},
        }
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            ignored = self._file.parent / ".gitignore"
            if not ignored.exists():
                ignored.write_text("# Made by headrace check.\n*\n", "utf-8")
            _write(self._file, b"%s\n%s" % (json.dumps(head).encode(), rest))

    def _read(self) -> tuple[dict[str, Any], bytes]:
        try:
            head, _, rest = self._file.read_bytes().partition(b"\n")
            stored = json.loads(head)
        except (OSError, ValueError, RecursionError):  # there is none, or nonsense
            return {}, b""
        return (stored, rest) if isinstance(stored, dict) else ({}, b"")


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


def _report_of(stored: Any) -> Report:
    findings, edges, problems, suggestions, files, steps = stored
    return Report(
        [_finding_of(*one) for one in findings],
        [_edge_of(*one) for one in edges],
        [Problem(*one) for one in problems],
        [_suggestion_of(*one) for one in suggestions],
        files,
        steps,
    )


def _edge_of(
    flow: str, source: str, target: str, verdict: Verdict, kind: str, evidence: Any
) -> Edge:
    return Edge(flow, source, target, verdict, kind, _places(evidence))


def _finding_of(*facts: Any) -> Finding:
    code, verdict, flow, source, target, kind, place, message, column, width, related, text = facts
    about = (code, verdict, flow, source, target, kind)
    return Finding(*about, Place(*place), message, column, width, _places(related), text)


def _suggestion_of(flow: str, step: str, declared: Any, implied: Any, place: Any) -> Suggestion:
    return Suggestion(flow, step, tuple(declared), tuple(implied), Place(*place))


def _places(stored: Any) -> tuple[Place, ...]:
    return tuple(Place(*one) for one in stored)
