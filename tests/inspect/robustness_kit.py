"""Sends the standard library's tests and all installed packages through the check.

`python -m tests.inspect.robustness_kit [SECONDS]` fails where anything raises. Since these programs
have no flows, the functions of each module are made steps behind its end: all code that leads to
one of them is looked at.
"""

from __future__ import annotations

import ast
import contextlib
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from headrace_inspect._analysing import analyse
from headrace_inspect._check import check

SECONDS = 170
MOST_LINES = 60_000
"""A package of more lines is taken in parts."""


def programs() -> Iterator[tuple[str, list[Path]]]:
    """Yield the name and the files of what is sent through: small ones first."""
    found: dict[str, list[Path]] = {}
    tests = Path(sysconfig.get_path("stdlib"), "test")
    for path in sorted(tests.rglob("*.py")) if tests.is_dir() else ():
        found.setdefault(f"test/{path.relative_to(tests).parts[0]}", []).append(path)
    packages = Path(sysconfig.get_path("purelib"))
    for path in sorted(packages.rglob("*.py")):
        found.setdefault(path.relative_to(packages).parts[0], []).append(path)
    yield from sorted(found.items(), key=lambda one: (len(one[1]), one[0]))


def with_flows(content: bytes) -> bytes:
    """Return a module with its first functions, and those of its first classes, as steps."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        names = [node.name for node in tree.body if isinstance(node, kinds)][:4]
        for cls in [node for node in tree.body if isinstance(node, ast.ClassDef)][:4]:
            names += [f"{cls.name}.{one.name}" for one in cls.body if isinstance(one, kinds)][:2]
        lines = ["", "import headrace as _headrace", "_flow = _headrace.flow('robust')"]
        lines += [f"_flow.step(after='{names[0]}')({name})" for name in names]
        lines += [f"_headrace.Chain('c').next({name}).run()" for name in names[:1]]
        return content + "\n".join([*lines, ""]).encode()
    return content


def send(files: list[Path]) -> int:
    """Analyse `files` as one program; return how many they are."""
    contents: dict[str, bytes] = {}
    for path in files:
        with contextlib.suppress(OSError):
            contents[str(path.absolute())] = with_flows(path.read_bytes())
    analyse([str(files[0].parent)], contents, [], set())
    return len(contents)


def parts_of(files: list[Path]) -> Iterator[list[Path]]:
    """Yield `files` in programs of bearable size."""
    part: list[Path] = []
    lines = 0
    for path in files:
        part.append(path)
        with contextlib.suppress(OSError):
            lines += path.read_bytes().count(b"\n")
        if lines > MOST_LINES:
            yield part
            part, lines = [], 0
    if part:
        yield part


def main(seconds: float) -> int:
    """Send through what can be sent in `seconds`, and say how much that was."""
    end = monotonic() + seconds
    sent = failed = left = 0
    for name, files in programs():
        if monotonic() > end:
            left += len(files)
            continue
        for part in parts_of(files):
            try:
                sent += send(part)
            except Exception:  # every one of them, and then a failure
                failed += 1
                print(f"{name}, {part[0]} and {len(part) - 1} more:", file=sys.stderr)  # noqa: T201
                traceback.print_exc()
    report = check([sysconfig.get_path("purelib")]) if monotonic() < end else None
    as_one = f"; {report.files} as one program" if report is not None else ""
    print(f"{sent} files{as_one}; {left} left out for want of time; {failed} failures")  # noqa: T201
    return 1 if failed or (report is not None and not report.files) else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
