"""``headrace check`` as a user calls it: arguments, exit statuses, streams, bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace_inspect import _command
from tests.inspect.check_kit import DYNAMIC, RIGHT, WRONG, Folder

SUMMARY = "3 steps, 2 edges (2 confirmed, 0 contradicted, 0 unresolved); 1 file\n"
UNCALLED = RIGHT.replace("    ship(order)\n", "")
TASK = """\
from headrace import entrypoint
from headrace_celery import flow_task


@entrypoint("order")
def receive(order):
    ship(order)


@flow_task("order", after="receive")
def ship(order): ...
"""


def test_right_declaration_is_status_0(folder: Folder) -> None:
    """A flow that is what it says is confirmed, in one line."""
    folder.write({"shop.py": RIGHT})
    assert folder.check("shop.py") == (0, f"no findings: {SUMMARY}", "")


def test_wrong_declaration_is_status_1(folder: Folder) -> None:
    """A contradicted declaration is shown with its line and a caret, and fails."""
    folder.write({"shop.py": WRONG})
    done = folder.check("shop.py")
    assert done.status == 1
    assert done.out == (
        "HR102 'ship' always runs before 'charge', but is declared after it\n"
        "  --> shop.py:15:5\n"
        "   |\n"
        "15 | def ship(order): ...\n"
        "   |     ^^^^\n"
        "   = see shop.py:6\n"
        "   = see shop.py:7\n"
        "\n"
        "1 finding: 3 steps, 2 edges (1 confirmed, 1 contradicted, 0 unresolved); 1 file\n"
    )
    assert done.err == ""


def test_unresolved_fails_under_strict_alone(folder: Folder) -> None:
    """What is unresolved is counted, shown with --verbose, and fails with --strict."""
    folder.write({"shop.py": DYNAMIC})
    plain, verbose, strict = (folder.check(*words) for words in ([], ["-v"], ["--strict"]))
    assert (plain.status, verbose.status, strict.status) == (0, 0, 1)
    assert "HR10" not in plain.out
    assert plain.out.endswith("; 1 file\n--verbose shows what is unresolved\n")
    assert verbose.out.startswith("HR101 unresolved: ")
    assert verbose.out.endswith("(0 confirmed, 0 contradicted, 1 unresolved); 1 file\n")
    assert all(
        "\n\nno finding fails, 1 is unresolved: " in f"\n\n{one.out}" for one in (plain, verbose)
    )
    assert "1 finding: " in strict.out


def test_current_folder_is_checked_unless_told_otherwise(folder: Folder) -> None:
    """Without a path every Python file below the current folder is checked."""
    folder.write({"a/shop.py": WRONG, "b.py": ""})
    done = folder.check()
    assert done.status == 1
    assert "a/shop.py:15:5" in done.out
    assert done.out.endswith("2 files\n")


def test_excluded_files_are_left_out(folder: Folder) -> None:
    """--exclude takes names and paths, and may be given more than once."""
    folder.write({"a/shop.py": WRONG, "b/old.py": "def", "ok.py": RIGHT})
    done = folder.check("--exclude", "a", "--exclude", "old.py")
    assert done == (0, f"no findings: {SUMMARY}", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"def", "bad.py:1: does not parse"),
        (b"\x00\x01", "bad.py: is binary"),
        (b"# coding: nonsense\n", "bad.py: does not parse"),
        (b"x = '\xff'\n", "bad.py:1: does not parse"),
    ],
)
def test_file_that_cannot_be_analysed_is_status_2(
    folder: Folder, content: bytes, message: str
) -> None:
    """Such a file is named on standard error, and never reads as clean."""
    folder.write({"shop.py": RIGHT})
    (folder.path / "bad.py").write_bytes(content)
    done = folder.check(".")
    assert done.status == 2
    assert done.err.startswith(f"headrace: {message}")
    assert done.err.endswith("can be left out by --exclude\n")
    assert done.out.startswith(
        "incomplete: 1 path could not be analysed; in the rest no findings: 3 steps"
    )
    assert done.out.endswith("; 2 files\n")
    assert "--exclude" not in folder.check("shop.py", "bad.py").err


def test_missing_path_is_status_2(folder: Folder) -> None:
    """A path that is not there is named; so is a folder without Python."""
    (folder.path / "empty").mkdir()
    missing, empty = folder.check("nope"), folder.check("empty")
    assert (missing.status, missing.err) == (2, "headrace: nope: there is no such file or folder\n")
    assert (empty.status, empty.err) == (
        2,
        "headrace: empty: there is no Python file in this folder\n",
    )


def test_output_goes_to_a_file(folder: Folder) -> None:
    """With -o the report is written to the file; standard error has the line that sums up."""
    folder.write({"shop.py": RIGHT})
    assert folder.check("--format", "json", "-o", "report") == (0, "", f"no findings: {SUMMARY}")
    assert json.loads((folder.path / "report").read_bytes())["version"] == 1


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["-o", "r.json"], '{\n  "version": 1'),
        (["-o", "r.SARIF"], '{\n  "$schema"'),
        (["-o", "r.md"], "### headrace check: 1 finding"),
        (["-o", "r.txt"], "HR102 "),
        (["-o", "r"], "HR102 "),
        (["-o", "r.json", "--format", "github"], "::error "),
    ],
)
def test_format_follows_the_ending(folder: Folder, words: list[str], start: str) -> None:
    """Without --format the file's ending tells the format; one that says nothing means text."""
    folder.write({"shop.py": WRONG})
    assert folder.check(*words).status == 1
    assert (folder.path / words[1]).read_text("utf-8").startswith(start)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("nowhere/report.txt", "there is no folder nowhere"),
        ("taken", "it is a folder"),
        ("locked", "permission denied"),
    ],
)
def test_output_that_cannot_be_written_is_refused_before_the_work(
    folder: Folder, target: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be told beforehand ends in a message, and nothing is checked."""
    (folder.path / "taken").mkdir()
    (folder.path / "locked").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in str(path))
    monkeypatch.setattr(_command, "check", None)
    assert folder.check("-o", target) == (2, "", f"headrace: cannot write {target}: {why}\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")
def test_output_on_a_disk_that_is_full_is_status_2(folder: Folder) -> None:
    """What only writing can tell is a message, too."""
    folder.write({"shop.py": RIGHT})
    (folder.path / "full").symlink_to("/dev/full")
    done = folder.check("-o", "full")
    assert done == (2, "", "headrace: cannot write full: No space left on device\n")


def test_unknown_format_is_status_2(folder: Folder) -> None:
    """A format that there is none of is refused, with those that there are."""
    done = folder.check("--format", "xml")
    assert done.status == 2
    assert "'text', 'json', 'sarif', 'github', 'markdown'" in done.err


@pytest.mark.guarantee(72)
def test_refused_argument_is_printable(folder: Folder) -> None:
    """The control characters of an unknown option are escaped in the message."""
    done = folder.check("--\x1b[31m\u202e")
    assert done.status == 2
    assert done.err.endswith("unrecognized arguments: --\\x1b[31m\\u202e\n")


def test_colours_are_for_terminals(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR colours the text, NO_COLOR never does, and a file never has any."""
    folder.write({"shop.py": WRONG})
    assert "\x1b" not in folder.check().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert folder.check().out.startswith("\x1b[1;31mHR102\x1b[0m ")
    folder.check("-o", "report.txt")
    assert "\x1b" not in (folder.path / "report.txt").read_text()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in folder.check().out


def test_line_of_the_source_fits_into_the_terminal(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a terminal its width counts; a pipe has none."""
    folder.write({"shop.py": WRONG.replace("ship(order):", f"ship(order, why={'x' * 300!r}):")})
    piped = folder.check().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    widths = [max(map(len, out.split("\n")[3:5])) for out in (piped, folder.check().out)]
    assert widths[0] > 100
    assert 50 < widths[1] <= 60


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")
def test_standard_output_that_is_full_is_status_2(folder: Folder) -> None:
    """What could not be said is no finding: the status tells, and there is no traceback."""
    folder.write({"shop.py": RIGHT})
    command = f"{sys.executable} -m headrace check"
    done = subprocess.run(
        ["bash", "-c", f"{command} >/dev/full; echo $?; {command} >&-; echo $?"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2\n0\n"
    assert done.stderr == "headrace: cannot write: No space left on device\n"


def test_name_that_may_stand_in_a_broken_file_is_not_unknown(folder: Folder) -> None:
    """While a file is missing, nothing is contradicted only because it was not found."""
    folder.write({"shop.py": RIGHT.replace('after="charge"', 'after="pack"'), "bad.py": "def"})
    done = folder.check("--format", "json")
    (finding,) = json.loads(done.out)["findings"]
    assert (finding["code"], finding["verdict"]) == ("HR104", "unresolved")
    assert "in the files that could be read: its steps are" in finding["message"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (DYNAMIC, "HR101 unresolved: no call in the source leads from an entrypoint of flow"),
        (UNCALLED, "HR101 unresolved: no call in the source leads from an entrypoint of flow"),
        (WRONG, "HR103 unresolved: the source does not show that 'charge' runs before 'ship'"),
        (TASK, "HR107 unresolved: 'ship' is declared as a task, but is called directly"),
    ],
)
def test_what_is_open_since_files_are_missing_says_so(
    folder: Folder, source: str, message: str
) -> None:
    """While a path could not be analysed, that is the reason given, and not the run time."""
    folder.write({"shop.py": source, "bad.py": "def"})
    out = folder.check("-v", ".", "nowhere").out
    (line,) = [line for line in out.split("\n") if line.startswith("HR")]
    assert line.startswith(message)
    assert line.endswith("; 2 paths could not be analysed, so this is not sure")


def test_what_rests_on_no_absence_stays_contradicted(folder: Folder) -> None:
    """No file that is missing can mend a circle, or a second definition."""
    circle = RIGHT.replace('after="receive"', 'after=["receive", "ship"]')
    again = 'from headrace import step\n\n\n@step("order", name="charge", after="receive")\n'
    folder.write({"a.py": circle, "b.py": f"{again}def other(order): ...\n", "bad.py": "def"})
    found = json.loads(folder.check("--format", "json").out)["findings"]
    sure = [one["code"] for one in found if one["verdict"] == "contradicted"]
    assert sure == ["HR105", "HR106"]


def test_current_folder_that_is_gone_is_status_2(folder: Folder) -> None:
    """Where the current folder was removed the message says so."""
    gone = folder.path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    done = folder.check()
    assert done.status == 2
    assert done.err.startswith("headrace: the current folder cannot be found")


def test_interrupt_is_status_130(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the check without a word."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_command, "check", interrupted)
    assert folder.check() == (130, "", "")


def process(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m headrace`` as a process."""
    return subprocess.run(
        [sys.executable, "-m", "headrace", *words],
        capture_output=True,
        check=False,
        env=os.environ | environment,
    )


def test_command_runs_as_a_process_on_any_terminal(folder: Folder) -> None:
    """What the stream's encoding does not have stands as an escape; nothing crashes."""
    folder.write({"shop.py": RIGHT.replace('after="charge"', 'after="größe"')})
    done = process("check", PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert done.returncode == 1
    assert b"HR104 after='gr\\xf6\\xdfe'" in done.stdout
    assert done.stderr == b""


def test_reader_that_goes_away_is_no_error(folder: Folder) -> None:
    """``headrace check | head -1`` ends without a complaint."""
    folder.write({f"shop{i}.py": WRONG.replace("order", f"order{i}") for i in range(300)})
    command = f"{sys.executable} -m headrace check --format json"
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_check_is_among_the_commands(folder: Folder) -> None:
    """The core's help lists both commands, and no longer names the package to install."""
    out = folder.headrace("--help").out
    assert "check      compare the declared flows with the code\n" in out
    assert "explain    tell what a code of a finding means\n" in out


def test_nothing_is_imported(folder: Folder) -> None:
    """The checked code does not run, whatever it would do when imported."""
    folder.write({"shop.py": RIGHT + "\nraise SystemExit('imported')\n"})
    assert folder.check().status == 0


def test_second_run_is_read_from_the_cache(folder: Folder) -> None:
    """The cache stands beside pyproject.toml, is no part of the repository, and changes nothing."""
    folder.write({"src/shop.py": WRONG, "pyproject.toml": ""})
    os.chdir(folder.path / "src")
    first, second = folder.check("--suggest"), folder.check("--suggest")
    assert first == second
    assert (folder.path / ".headrace_cache" / ".gitignore").read_text().endswith("*\n")
    folder.write({"src/shop.py": RIGHT})
    assert folder.check().status == 0


def test_cache_stands_where_told_or_nowhere(folder: Folder) -> None:
    """--cache-dir names another folder, --no-cache makes none; one that cannot be does no harm."""
    folder.write({"shop.py": RIGHT})
    assert folder.check("--no-cache").status == 0
    assert [path.name for path in folder.path.iterdir()] == ["shop.py"]
    assert folder.check("--cache-dir", "kept/here").status == 0
    assert (folder.path / "kept" / "here").is_dir()
    assert folder.check("--cache-dir", "shop.py/x").status == 0
    assert not (folder.path / ".headrace_cache").exists()


def test_nothing_is_imported_from_the_folder_that_is_checked(tmp_path: Path) -> None:
    """A project is read, whatever its modules are named, and whatever it says of entry points."""
    probe = tmp_path / "probe"
    (probe / "bare").mkdir(parents=True)
    (probe / "bare" / "__init__.py").write_text("import sys; print(*sys.modules)")
    (probe / "bare" / "__main__.py").touch()
    run = [sys.executable, "-m"]
    before = subprocess.run([*run, "bare"], cwd=probe, capture_output=True, text=True, check=True)
    project = tmp_path / "project"
    (project / "evil-1.0.dist-info").mkdir(parents=True)
    (project / "evil-1.0.dist-info" / "entry_points.txt").write_text(
        "[headrace.commands]\ncheck = evil:main\n"
    )
    (project / "evil-1.0.dist-info" / "METADATA").write_text("Name: evil\nVersion: 1.0\n")
    installed = {"evil", "headrace_inspect", "rich"}
    # Of those that Python itself has imported by then, it has taken the folder's without us.
    for name in (sys.stdlib_module_names | installed) - {*before.stdout.split()}:
        (project / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')")
    done = subprocess.run(
        [*run, "headrace", "check", "."], cwd=project, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("no findings")
