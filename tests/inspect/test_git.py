"""Reading old files from a repository: only objects are read, whatever it configures."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import pytest

from headrace_inspect import RevisionError, _git, check
from headrace_inspect._git import OldTree, read_base
from headrace_inspect._sources import read_files
from tests.inspect.check_kit import RIGHT, Folder
from tests.inspect.git_kit import commit, git, script

READING = {"rev-parse", "merge-base", "ls-tree", "cat-file"}
HOOKS = (
    *("post-checkout", "post-index-change", "pre-auto-gc", "reference-transaction"),
    *("fsmonitor-watchman", "post-merge", "pre-commit", "post-rewrite"),
)


@pytest.fixture(autouse=True)
def only_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where another command is run than those that read objects."""
    run = _git._git

    def watched(folder: str, *words: str, **options: bytes) -> bytes:
        assert words[0] in READING
        return run(folder, *words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(_git, "_git", watched)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def names(tree: OldTree) -> dict[str, bytes]:
    """Return the files of a tree by their names in the current folder."""
    return {os.path.relpath(path): content for path, content in tree.contents.items()}


def test_base_is_where_the_branches_diverged(folder: Folder) -> None:
    """What has happened on the other branch since then is no concern of this one."""
    folder.write({"a.py": "old\n"})
    base = commit(folder.path)
    git(folder.path, "checkout", "-q", "-b", "work")
    folder.write({"a.py": "new\n"})
    commit(folder.path)
    git(folder.path, "checkout", "-q", "main")
    folder.write({"b.py": "later\n"})
    commit(folder.path)
    git(folder.path, "checkout", "-q", "work")
    tree = read_base("main", ["."])
    assert tree.commit == base
    assert names(tree) == {"a.py": b"old\n"}


def test_same_files_are_read_as_on_disk(folder: Folder) -> None:
    """The rules for folders and exclusions hold for old files, too, from any folder."""
    wanted = ["a.py", "src/b.py", "src/build/__init__.py", "src/build/c.py", "made.txt"]
    others = [
        ".x/a.py",
        "build/a.py",
        "env/pyvenv.cfg",
        "env/a.py",
        "no.txt",
        "old/a.py",
        "s_pb2.py",
    ]
    folder.write({name: name for name in (*wanted, *others)})
    commit(folder.path)
    asked, exclude = [".", "made.txt"], ["old", "*_pb2.py"]
    assert sorted(names(read_base("HEAD", asked, exclude))) == sorted(wanted)
    contents, _ = read_files(asked, exclude)
    assert read_base("HEAD", asked, exclude).contents == contents
    os.chdir(folder.path / "src")
    assert names(read_base("main", ["build", "../a.py"])).keys() == {
        "build/__init__.py",
        "build/c.py",
        "../a.py",
    }


@pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="such names do not exist there")
def test_odd_names_are_read(folder: Folder) -> None:
    """Names with line breaks, quotes, dashes or bytes that are no text are names like any other."""
    odd = [
        b"two\nlines.py",
        b'"quoted".py',
        b"--help.py",
        b"a\tb.py",
        b"\xff\xfe.py",
        b" .py",
        b":(top).py",
    ]
    for name in odd:
        Path(os.fsdecode(os.path.join(os.fsencode(folder.path), name))).write_bytes(name)
    commit(folder.path)
    found = {
        os.fsencode(name): content for name, content in names(read_base("main", ["."])).items()
    }
    assert found == {name: name for name in odd}


def test_paths_that_lead_out_of_a_tree_are_left_out(folder: Folder) -> None:
    """A tree that was made by hand may name the folder above."""
    folder.write({"a.py": "a"})
    commit(folder.path)
    blob = git(folder.path, "hash-object", "-w", "a.py")
    entry = b"100644 ..\0" + bytes.fromhex(blob)
    tree = git(
        folder.path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=entry
    )
    outer = b"40000 x\0" + bytes.fromhex(tree) + b"100644 y.py\0" + bytes.fromhex(blob)
    top = git(folder.path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=outer)
    made = git(folder.path, "commit-tree", top, "-m", "evil")
    git(folder.path, "update-ref", "refs/heads/evil", made)
    git(folder.path, "symbolic-ref", "HEAD", "refs/heads/evil")
    assert names(read_base("evil", ["."])) == {"y.py": b"a"}


def test_links_and_submodules_are_not_followed(folder: Folder) -> None:
    """They are named, so that what they lead to today is no news, and nothing is read there."""
    folder.write({"a.py": "a", "inner/b.py": "b"})
    inner = folder.path / "inner"
    commit(inner)
    (folder.path / "link.py").symlink_to("/etc/passwd")
    (folder.path / "linked").symlink_to("inner")
    git(folder.path, "init", "-q", "-b", "main")
    git(folder.path, "-c", "advice.addEmbeddedRepo=false", "add", "-A")
    commit(folder.path)
    tree = read_base("main", ["."])
    assert names(tree) == {"a.py": b"a"}
    assert sorted(map(os.path.relpath, tree.unfollowed)) == ["inner", "link.py", "linked"]


def test_steps_of_a_submodule_are_no_news(folder: Folder) -> None:
    """The files of a submodule are checked as ever, and are no addition since the base."""
    folder.write({"inner/b.py": RIGHT})
    commit(folder.path / "inner")
    folder.write({"a.py": ""})
    git(folder.path, "init", "-q", "-b", "main")
    git(folder.path, "-c", "advice.addEmbeddedRepo=false", "add", "-A")
    commit(folder.path)
    report = check(["."], since="main")
    assert len(report.steps) == 3
    assert report.since is not None
    assert (report.since.steps.added, report.since.edges.added) == ((), ())


def test_nothing_that_the_repository_configures_runs(folder: Folder, tmp_path: Path) -> None:
    """Hooks, filters, drivers, monitors, aliases, pagers and helpers leave no marker."""
    marker = tmp_path / "ran"
    evil = script(tmp_path / "evil" / "run", marker)
    folder.write({
        "a.py": RIGHT,
        ".gitattributes": "*.py filter=evil diff=evil merge=evil text eol=crlf\n",
    })
    base = commit(folder.path)
    settings = {
        "core.fsmonitor": evil, "core.hooksPath": str(tmp_path / "evil"), "core.pager": evil,
        "core.editor": evil, "core.sshCommand": evil, "core.askPass": evil, "gpg.program": evil,
        "core.alternateRefsCommand": evil, "credential.helper": evil, "diff.external": evil,
        "diff.evil.command": evil, "diff.evil.textconv": evil, "merge.evil.driver": evil,
        "filter.evil.clean": evil, "filter.evil.smudge": evil, "filter.evil.process": evil,
        "filter.evil.required": "true", "uploadpack.packObjectsHook": evil,
        **{f"alias.{name}": f"!{evil}" for name in READING},
        **{f"pager.{name}": evil for name in READING},
    }  # fmt: skip
    for name in HOOKS:
        script(tmp_path / "evil" / name, marker)
        script(folder.path / ".git" / "hooks" / name, marker)
    text = "".join(
        f"[{_section(name)}]\n\t{name.rpartition('.')[2]} = {value}\n"
        for name, value in settings.items()
    )
    with (folder.path / ".git" / "config").open("a") as config:
        config.write(text)
    assert names(read_base("main", ["."])) == {"a.py": RIGHT.encode()}
    assert read_base("main", ["."]).commit == base
    assert not marker.exists()


def _section(name: str) -> str:
    section, *middle, _ = name.split(".")
    return f'{section} "{".".join(middle)}"' if middle else section


@pytest.mark.parametrize("kind", ["ext", "file", "ssh"])
def test_missing_objects_are_not_fetched(folder: Folder, tmp_path: Path, kind: str) -> None:
    """A promised object is named as missing, and its remote is not asked, whatever that runs."""
    marker = tmp_path / "ran"
    evil = script(tmp_path / "evil", marker)
    folder.write({"a.py": "a", "b.py": "b"})
    commit(folder.path)
    remote = {"ext": f"ext::{evil}", "file": str(folder.path), "ssh": "ssh://example.invalid/x"}
    for name, value in {
        "extensions.partialClone": "origin",
        "remote.origin.url": remote[kind],
        "remote.origin.promisor": "true",
        "remote.origin.partialclonefilter": "blob:none",
        "remote.origin.uploadpack": evil,
        "protocol.ext.allow": "always",
        "core.sshCommand": evil,
        "core.repositoryFormatVersion": "1",
    }.items():
        git(folder.path, "config", name, value)
    blob = git(folder.path, "rev-parse", "main:b.py")
    (folder.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    tree = None
    with contextlib.suppress(RevisionError):  # a git that does not know GIT_NO_LAZY_FETCH
        tree = read_base("main", ["."])
    assert not marker.exists()
    if tree is not None:
        assert names(tree) == {"a.py": b"a"}
        (problem,) = tree.problems
        assert problem.file == "b.py"
        assert "git fetch --refetch" in problem.message


def test_replaced_objects_are_read_as_they_are(folder: Folder) -> None:
    """``refs/replace`` makes git show another object than the commit has."""
    folder.write({"a.py": "true", "b.py": "false"})
    commit(folder.path)
    git(folder.path, "replace", "main:a.py", "main:b.py")
    assert names(read_base("main", ["."]))["a.py"] == b"true"


@pytest.mark.parametrize(
    "revision",
    ["nope", "-x", "--help", "--output=ran", "--upload-pack=touch ran", "", "main..work", "a\nb",
     "main:a.py", "@{u}", "$(touch ran)", "main;touch ran"],
)  # fmt: skip
def test_revision_that_is_none_is_refused(folder: Folder, revision: str) -> None:
    """What names no commit is an error, whatever it would mean to git or to a shell."""
    folder.write({"a.py": ""})
    commit(folder.path)
    with pytest.raises(RevisionError, match="is no commit of this repository"):
        read_base(revision, ["."])
    assert not (folder.path / "ran").exists()


def test_branch_may_have_any_name(folder: Folder) -> None:
    """A branch whose name begins like an option is found where it is given in full."""
    folder.write({"a.py": ""})
    base = commit(folder.path)
    git(folder.path, "update-ref", "refs/heads/--help", base)
    assert read_base("refs/heads/--help", ["."]).commit == base
    assert read_base("--help", ["."]).commit == base


def test_shallow_clone_is_named_with_what_deepens_it(folder: Folder) -> None:
    """As CI clones it, the base may not be there; the message says what to run."""
    folder.write({"a.py": ""})
    first = commit(folder.path)
    commit(folder.path)
    clone = folder.path / "clone"
    git(folder.path, "clone", "-q", "--depth", "1", f"file://{folder.path}", str(clone))
    for revision in (first, "v1"):
        with pytest.raises(RevisionError, match="is shallow, so deepen it: git fetch --unshallow"):
            read_base(revision, [str(clone)])


def test_shallow_clone_without_a_common_commit_is_named(folder: Folder) -> None:
    """Two branches of which only the ends are there have no base."""
    folder.write({"a.py": ""})
    commit(folder.path)
    git(folder.path, "checkout", "-q", "-b", "work")
    commit(folder.path, "here")
    git(folder.path, "checkout", "-q", "main")
    commit(folder.path, "there")
    clone = folder.path / "clone"
    options = ("--depth", "1", "--no-single-branch")
    git(folder.path, "clone", "-q", *options, f"file://{folder.path}", str(clone))
    with pytest.raises(RevisionError, match="no commit in common; the clone is shallow"):
        read_base("origin/work", [str(clone)])


def test_folder_that_is_no_repository_is_refused(folder: Folder, tmp_path: Path) -> None:
    """So are two folders of two repositories, and a repository without a commit."""
    folder.write({"a/x.py": "", "b/x.py": ""})
    with pytest.raises(RevisionError, match="not a git repository"):
        read_base("main", ["a"])
    commit(folder.path / "a")
    commit(folder.path / "b")
    with pytest.raises(RevisionError, match="different repositories"):
        read_base("main", ["a", "b"])
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q", "-b", "main")
    with pytest.raises(RevisionError, match="'HEAD' is no commit"):
        read_base("HEAD", [str(tmp_path / "empty")])


def test_git_that_is_missing_is_named(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git there is a message, and no traceback."""
    monkeypatch.setenv("PATH", str(folder.path))
    with pytest.raises(RevisionError, match="git cannot be run"):
        read_base("main", ["."])
