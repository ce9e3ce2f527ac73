"""Flows for tests, each under a name of its own: the registry is one for the whole process."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

import headrace

if TYPE_CHECKING:
    from pathlib import Path

_numbers = itertools.count(1)


def unused_name() -> str:
    """Return a name that no flow has."""
    return f"test.{next(_numbers)}"


def new_flow() -> headrace.Flow:
    """Return a flow without steps."""
    return headrace.flow(unused_name())


def run_python(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Run a Python of its own, warnings being errors, and return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout
