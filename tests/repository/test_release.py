"""`nox -s release`, which prepares a release, on a clone."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.repository import release

ROOT = Path(__file__).parents[2]
TODAY = dt.date(2026, 12, 1)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the metadata of all packages and the changelog, all committed."""
    for path in [*ROOT.glob("packages/*/pyproject.toml"), ROOT / "CHANGELOG.md"]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "All")):
        author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *author, *words], check=True)
    return tmp_path


def test_version_is_set_everywhere(clone: Path) -> None:
    """Each package has the new version, and asks for the new minor version of the others."""
    release.prepare(clone, "7.8.9", TODAY)
    texts = [path.read_text() for path in clone.glob("packages/*/pyproject.toml")]
    assert {tomllib.loads(text)["project"]["version"] for text in texts} == {"7.8.9"}
    asked = [one for text in texts for one in re.findall(r'"headrace[a-z-]*[~=><][^"]*"', text)]
    assert len(asked) == 2 * (len(texts) - 1)  # each integration's, and the extra `all`
    assert {one.partition("~=")[2] for one in asked} == {'7.8.0"'}


def test_changelog_is_dated(clone: Path) -> None:
    """What was unreleased stands under the version and the date, and Unreleased is empty."""
    before = (clone / "CHANGELOG.md").read_text()
    release.prepare(clone, "7.8.9", TODAY)
    after = (clone / "CHANGELOG.md").read_text()
    assert after.replace("\n## [7.8.9] - 2026-12-01\n", "", 1) == before
    assert "## [Unreleased]\n\n## [7.8.9] - 2026-12-01\n" in after


@pytest.mark.parametrize(
    ("version", "says"), [("1.2", "write X.Y.Z"), ("v1.2.3", "write X.Y.Z"), ("0.0.1", "not newer")]
)
def test_wrong_version_changes_nothing(version: str, says: str, clone: Path) -> None:
    """A malformed version, or one that is not newer, is refused, and no file is changed."""
    with pytest.raises(release.ReleaseError, match=says):
        release.prepare(clone, version, TODAY)
    assert release.git(clone, "status", "--porcelain") == ""


def test_tree_with_changes_is_refused(clone: Path) -> None:
    """Changes that are not committed are listed, and nothing is prepared on top of them."""
    (clone / "notes.txt").write_text("x")
    with pytest.raises(release.ReleaseError, match=r"not clean[^$]*notes\.txt"):
        release.prepare(clone, "7.8.9", TODAY)
    assert release.current(clone) != "7.8.9"


def test_empty_changelog_is_refused(clone: Path) -> None:
    """A second release without a change between is refused."""
    release.prepare(clone, "7.8.9", TODAY)
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(clone), *author, "commit", "-qam", "Release"]
    subprocess.run(command, check=True)
    with pytest.raises(release.ReleaseError, match="nothing under Unreleased"):
        release.prepare(clone, "7.9.0", TODAY)


def test_next_steps_tell_how_to_publish() -> None:
    """The steps name commit, tag and upload, which the session leaves to people."""
    steps = release.next_steps("7.8.9")
    for part in ('git commit -am "Release 7.8.9"', "git tag -a v7.8.9", "twine upload"):
        assert part in steps
