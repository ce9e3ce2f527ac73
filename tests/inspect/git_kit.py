"""A git repository in the current folder of a test, as friendly or hostile as wanted."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NOBODY = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(folder: Path, *words: str, given: bytes = b"") -> str:
    """Run git in a folder, and return what it prints."""
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        input=given,
        capture_output=True,
        check=True,
        env=os.environ | NOBODY,
    )
    return done.stdout.decode(errors="surrogateescape").strip()


def commit(folder: Path, message: str = "x") -> str:
    """Commit everything in a folder, which becomes a repository; return the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def script(path: Path, marker: Path) -> str:
    """Write a script that leaves a marker when it is run; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    path.chmod(0o755)
    return str(path)
