"""The cache: it makes the second check quick, and never tells what is no longer true."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace_inspect import _pipeline
from headrace_inspect._check import check
from headrace_inspect._report import Report
from headrace_inspect._sources import parse
from headrace_inspect._symbols import _stored

RIGHT = """
from headrace import flow
f = flow("f")

@f.entrypoint
def start():
    one()
    two()

@f.step(after="start")
def one(): ...

@f.step(after="one")
def two(): ...

@f.step
def lost(): ...
"""
WRONG = RIGHT.replace('after="one"', 'after="eno"')


def write(folder: Path, text: str) -> str:
    (folder / "program.py").write_text(text, "utf-8")
    return str(folder)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    folder = tmp_path / "program"
    folder.mkdir()
    write(folder, RIGHT)
    return folder


def check_with(program: Path, exclude: tuple[str, ...] = ()) -> Report:
    return check([str(program)], exclude=exclude, cache=program.parent / "cache")


def forbid_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    def analyse(*args: object) -> Report:
        raise AssertionError

    monkeypatch.setattr(_pipeline, "facts_in", analyse)


def test_second_check_does_not_analyse(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing has changed the report comes from the cache, and is the same."""
    first = check_with(program)
    forbid_analysis(monkeypatch)

    assert check_with(program) == first


def test_only_changed_files_are_parsed(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The syntax of the other files comes from the cache, and the report is the same."""
    (program / "other.py").write_text("def other(argument=1): return [argument, lambda: 2]\n")
    check_with(program)
    write(program, WRONG)
    parsed: list[bytes] = []
    monkeypatch.setattr(_stored, "parse", lambda content: parsed.append(content) or parse(content))

    assert check_with(program) == check([str(program)])
    assert parsed[:-2] == [WRONG.encode()]


def test_change_of_equal_size_and_time_is_seen(program: Path) -> None:
    """A file that was changed in the same instant, to the same size, is looked at again."""
    before = check_with(program)
    facts = (program / "program.py").stat()
    write(program, WRONG)
    os.utime(program / "program.py", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    after = check_with(program)

    assert (program / "program.py").stat().st_size == facts.st_size
    assert before.findings != after.findings
    assert after == check([str(program)])


def test_new_and_removed_files_are_seen(program: Path) -> None:
    """A file more or less makes another report."""
    before = check_with(program)
    (program / "other.py").write_text("from program import lost\nlost()\n", "utf-8")
    with_other = check_with(program)
    (program / "other.py").unlink()

    assert with_other.files == 2
    assert check_with(program) == before


def test_file_that_no_longer_parses_is_seen(program: Path) -> None:
    """A file that was sound is parsed again once it is another."""
    (program / "other.py").write_text("x = 1\n", "utf-8")
    check_with(program)
    (program / "other.py").write_text("x = (\n", "utf-8")

    assert check_with(program).exit_status() == 2
    assert check_with(program).exit_status() == 2


def test_question_is_part_of_it(program: Path) -> None:
    """A check with other exclusions has another answer."""
    assert check_with(program).files == 1
    assert check_with(program, exclude=("program.py",)).files == 0


@pytest.mark.parametrize(
    "nonsense", [b"", b"{", b"\xff\xfe", b"[]\n[]", b'{"key": 1}\n', b"{}\n{}"]
)
def test_nonsense_in_the_cache_does_no_harm(program: Path, nonsense: bytes) -> None:
    """A cache that holds nonsense is made anew."""
    first = check_with(program)
    stored = [*(program.parent / "cache").glob("*-*")]
    for path in stored:
        path.write_bytes(nonsense)

    assert check_with(program) == first
    assert len(stored) == 2
    assert nonsense not in [path.read_bytes() for path in stored]


def test_altered_report_is_not_believed(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report in the cache that is not the one that was written is not used."""
    first = check_with(program)
    (stored,) = (program.parent / "cache").glob("*.json")
    stored.write_bytes(stored.read_bytes().replace(b"HR101", b"HR105"))

    assert check_with(program) == first


def test_trees_of_long_ago_are_forgotten(program: Path) -> None:
    """Eight trees are kept: those that were checked last."""
    for number in range(10):
        write(program, RIGHT + f"x = {number}\n")
        check_with(program)

    assert len([*(program.parent / "cache").glob("*.json")]) == 8


def test_cache_that_cannot_be_written_does_no_harm(program: Path) -> None:
    """Where a file stands in the folder's place, the check does without."""
    (program.parent / "cache").write_text("in the way", "utf-8")

    assert check_with(program) == check([str(program)])


def test_version_control_ignores_it(program: Path) -> None:
    """The folder ignores itself, as other tools' caches do."""
    check_with(program)

    assert "*" in (program.parent / "cache" / ".gitignore").read_text("utf-8").splitlines()
    assert [path.name for path in (program.parent / "cache").iterdir() if "tmp" in path.name] == []


def test_a_file_that_cannot_be_put_in_place_is_removed(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check does without, and leaves no half of a cache."""

    def replace(source: str, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    monkeypatch.setattr(os, "replace", replace)

    assert check_with(program) == check([str(program)])
    assert [one.name for one in (program.parent / "cache").iterdir()] == [".gitignore"]
