"""Prepare a release: ``python -m tests.repository.release X.Y.Z``, as `nox -s release` does.

Sets the version of all packages, what they ask of each other, and the heading of the changelog.
Nothing is committed, tagged or uploaded; ``--next-steps`` says how.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSION = re.compile(r"\d+\.\d+\.\d+")
OURS = re.compile(r'"(headrace[a-z-]*)~=\d+\.\d+\.0"')
OWN = re.compile(r'^version = "(.*)"$', re.MULTILINE)
UNRELEASED = "## [Unreleased]\n"


class ReleaseError(Exception):
    """The release cannot be prepared; the message says why."""


def prepare(root: Path, version: str, today: dt.date) -> None:
    """Set `version` everywhere in the tree `root`, and date the changelog.

    Raises:
        ReleaseError: the version is malformed or not newer, the tree has changes that are not
            committed, or nothing stands under Unreleased.
    """
    if not VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} is no version; write X.Y.Z")
    if numbers(version) <= numbers(current(root)):
        raise ReleaseError(f"{version} is not newer than {current(root)}")
    if changes := git(root, "status", "--porcelain"):
        raise ReleaseError(f"the tree is not clean; commit or discard:\n{changes}")
    changelog = dated(root, version, today)
    minor = version.rpartition(".")[0]
    for path in sorted(root.glob("packages/*/pyproject.toml")):
        text = OWN.sub(f'version = "{version}"', path.read_text("utf-8"), count=1)
        path.write_text(OURS.sub(rf'"\1~={minor}.0"', text), "utf-8")
    (root / "CHANGELOG.md").write_text(changelog, "utf-8")


def dated(root: Path, version: str, today: dt.date) -> str:
    """Return the changelog with what is unreleased under `version` and the date."""
    text = (root / "CHANGELOG.md").read_text("utf-8")
    before, heading, after = text.partition(UNRELEASED)
    unreleased = after.partition("\n## [")[0]
    if not heading or not re.search(r"^- ", unreleased, re.MULTILINE):
        raise ReleaseError("CHANGELOG.md has nothing under Unreleased")
    return f"{before}{UNRELEASED}\n## [{version}] - {today:%Y-%m-%d}\n{after}"


def current(root: Path) -> str:
    """Return the version of the core."""
    found = OWN.search((root / "packages" / "core" / "pyproject.toml").read_text("utf-8"))
    assert found is not None
    return found[1]


def numbers(version: str) -> tuple[int, ...]:
    """Return a version in the form that compares."""
    return tuple(map(int, version.split(".")))


def git(root: Path, *words: str) -> str:
    """Return what a command of git prints about the tree `root`."""
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def next_steps(version: str) -> str:
    """Return what is left to do."""
    return f"""\
{version} is prepared, and its distributions are in dist/. Next:
  1. read the diff and the section of CHANGELOG.md
  2. nox && nox -t full && nox -t matrix
  3. git commit -am "Release {version}"
  4. nox -s build          # the distributions carry the time of that commit
  5. git tag -a v{version} -m {version} && git push --follow-tags
  6. twine upload dist/headrace-{version}*, and then the others"""


def main(words: list[str]) -> int:
    """Prepare the version in `words`, or say what is left to do; return the exit status."""
    if words == ["--next-steps"]:
        sys.stdout.write(next_steps(current(ROOT)) + "\n")
        return 0
    if len(words) != 1:
        sys.stderr.write("usage: nox -s release -- X.Y.Z\n")
        return 2
    try:
        prepare(ROOT, words[0], dt.datetime.now(dt.UTC).date())
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
