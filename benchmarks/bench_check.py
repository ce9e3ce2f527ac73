"""``headrace check`` on 160,000 lines: Django's own source with flows sprinkled in.

Each run is a separate process, as users start it, with its modules compiled, as pip leaves them.
The times are in seconds of the processor, beside the limits that the project allows itself.
"""

from __future__ import annotations

import ast
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from time import process_time

from benchmarks.harness import Result
from benchmarks.sprinkle import sprinkle

COLD, WARM, ONE_FILE, SINCE, MEMORY = 3.0, 0.3, 1.5, 2.0, 300.0
"""Times `ast.parse`, seconds, seconds, seconds and MiB."""
CHANGED = 20
_GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org")


def results() -> list[Result]:
    """Return cold, warm and changed runs, as ratios to their limits, and the memory."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lines = sprinkle(root / "program")
        title = (
            f"headrace check on {lines:,} lines: of {COLD:g} times ast.parse, {WARM:g} s, "
            f"{ONE_FILE:g} s, {SINCE:g} s, {MEMORY:g} MiB"
        )
        (root / "pyproject.toml").write_text("[tool.headrace.check]\n", "utf-8")
        for words in (("init", "-q"), ("add", "program"), ("commit", "-q", "-m", "base")):
            subprocess.run([*_GIT, *words], cwd=root, check=True)
        files = sorted(root.glob("program/django/**/views.py"))
        files += sorted(root.glob("program/django/core/**/*.py"))
        parsing = _parsing_time(root.rglob("*.py"))
        _compile_modules(root)
        cold = _run(root)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        warm = statistics.median(_run(root) for _ in range(3))
        _append(files[:1], "def added(request):\n    return print(request)")
        edited = _run(root)
        _append(files[:CHANGED], "def added_too(request):\n    return print(request)")
        since = _run(root, "--since", "HEAD")
    return [
        Result(title, "cold", cold, cold / parsing / COLD, 1.0),
        Result(title, "warm: nothing has changed", warm, warm / WARM, 1.0),
        Result(title, "a function was added to one file", edited, edited / ONE_FILE, 1.0),
        Result(title, f"--since with {CHANGED} changed files", since, since / SINCE, 1.0),
        Result(title, "memory", 0.0, memory / MEMORY, 1.0),
    ]


def _parsing_time(files: Iterable[Path]) -> float:
    contents = [path.read_bytes() for path in files]
    start = process_time()
    for content in contents:
        ast.parse(content)
    return process_time() - start


def _compile_modules(root: Path) -> None:
    """Check a program of one file, which compiles the modules that the check imports."""
    (root / "small").mkdir()
    (root / "small" / "flow.py").write_text("import headrace\nflow = headrace.flow('small')\n")
    _run(root, "--no-cache", path="small")


def _append(files: Iterable[Path], text: str) -> None:
    for path in files:
        path.write_text(f"{path.read_text('utf-8')}\n{text}\n", "utf-8")


def _run(folder: Path, *options: str, path: str = "program") -> float:
    command = [sys.executable, "-m", "headrace", "check", path, *options]
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode not in {0, 1}:
        raise RuntimeError(f"headrace check ended with {ran.returncode}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
