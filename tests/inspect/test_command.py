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

SUMMARY = "3 steps, 2 edges: 2 shown, 0 not shown; 1 file\n"


def test_right_declaration_is_status_0(folder: Folder) -> None:
    """A flow that is what it says is shown, in one line."""
    folder.write({"shop.py": RIGHT})
    assert folder.check("shop.py") == (0, f"no findings; {SUMMARY}", "")


def test_wrong_declaration_is_status_1(folder: Folder) -> None:
    """An error is printed with its place, and fails."""
    folder.write({"shop.py": WRONG})
    done = folder.check("shop.py")
    assert done.status == 1
    assert done.out == (
        "HR104 after='charg' names no declared step of flow 'order': did you mean 'charge'?\n"
        "  --> shop.py:15\n"
        "\n"
        "1 finding; 3 steps, 2 edges: 1 shown, 1 not shown; 1 file\n"
    )
    assert done.err == ""


def test_edge_that_is_not_shown_fails_where_it_is_required(folder: Folder) -> None:
    """It is counted, listed with --verbose, and fails with --require-shown, before paths too."""
    folder.write({"shop.py": DYNAMIC})
    plain, verbose, required = (
        folder.check(*words) for words in ([], ["-v"], ["--require-shown", "shop.py"])
    )
    assert (plain.status, verbose.status, required.status) == (0, 0, 1)
    assert plain.out == "no findings; 2 steps, 1 edge: 0 shown, 1 not shown; 1 file\n"
    assert verbose.out == f"order:receive->collect: not shown\n\n{plain.out}"
    message = "HR110 the code does not show that 'receive' runs before 'collect'\n"
    assert required.out.startswith(message)


def test_verbose_lists_edges_with_their_evidence(folder: Folder) -> None:
    """Each edge has its kind, and the calls that show it."""
    folder.write({"shop.py": RIGHT})
    assert folder.check("-v").out.startswith(
        "order:receive->charge: call, shop.py:6 charge(...)\n"
        "order:charge->ship: call, shop.py:6 charge(...) > shop.py:7 ship(...)\n\n"
    )


def test_edges_are_required_flow_by_flow(folder: Folder) -> None:
    """--require-shown=FLOW concerns that flow, and can be repeated."""
    folder.write({"a.py": DYNAMIC, "b.py": DYNAMIC.replace('"order"', '"stock"')})
    assert folder.check("--require-shown=order").out.count("HR110") == 1
    both = folder.check("--require-shown=order", "--require-shown=stock")
    assert both.out.count("HR110") == 2
    assert folder.check("--require-shown").out.count("HR110") == 2


def test_flow_that_does_not_exist_cannot_be_required(folder: Folder) -> None:
    """A mistyped flow would require nothing, so it is refused, with what is near."""
    folder.write({"shop.py": RIGHT})
    done = folder.check("--require-shown=ordr")
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        "headrace: there is no flow 'ordr' for require-shown; did you mean 'order'?\n"
    )


def test_findings_can_be_disabled(folder: Folder) -> None:
    """--disable leaves out a code; an unknown one is refused."""
    folder.write({"shop.py": WRONG})
    assert folder.check("--disable", "HR104").status == 0
    done = folder.check("--disable", "HR014")
    assert (done.status, done.out) == (2, "")
    assert "there is no code 'HR014'; did you mean 'HR" in done.err


def test_current_folder_is_checked_unless_told_otherwise(folder: Folder) -> None:
    """Without a path every Python file below the current folder is checked."""
    folder.write({"a/shop.py": WRONG, "b.py": ""})
    done = folder.check()
    assert done.status == 1
    assert "a/shop.py:15\n" in done.out
    assert done.out.endswith("2 files\n")


def test_excluded_files_are_left_out(folder: Folder) -> None:
    """--exclude takes names and paths, and may be given more than once."""
    folder.write({"a/shop.py": WRONG, "b/old.py": "def", "ok.py": RIGHT})
    done = folder.check("--exclude", "a", "--exclude", "old.py")
    assert done == (0, f"no findings; {SUMMARY}", "")


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
    assert done.out.startswith(
        "incomplete: 1 path could not be analysed; in the rest no findings; 3 steps"
    )
    assert done.out.endswith("; 2 files\n")


def test_missing_path_is_status_2(folder: Folder) -> None:
    """A path that is not there is named; so is a folder without Python."""
    (folder.path / "empty").mkdir()
    missing, empty = folder.check("nope"), folder.check("empty")
    assert (missing.status, missing.err) == (
        2,
        "headrace: nope: cannot be read: No such file or directory\n",
    )
    assert (empty.status, empty.err) == (
        2,
        "headrace: empty: there is no Python file in this folder\n",
    )


def test_output_goes_to_a_file(folder: Folder) -> None:
    """With -o the report is written to the file; standard error has the line that sums up."""
    folder.write({"shop.py": RIGHT})
    assert folder.check("--format", "json", "-o", "report") == (0, "", f"no findings; {SUMMARY}")
    assert json.loads((folder.path / "report").read_bytes())["version"] == 2


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["-o", "r.json"], '{\n  "version": 2'),
        (["-o", "r.SARIF"], '{\n  "$schema"'),
        (["-o", "r.md"], "### headrace check: 1 finding"),
        (["-o", "r.txt"], "HR104 "),
        (["-o", "r"], "HR104 "),
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
        ("nowhere/report.txt", "the folder nowhere does not exist"),
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
    assert "there is no option '--\\x1b[31m\\u202e'; " in done.err


def test_colours_are_for_terminals(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR colours the text, NO_COLOR never does, and a file never has any."""
    folder.write({"shop.py": WRONG})
    assert "\x1b" not in folder.check().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert folder.check().out.startswith("\x1b[1;31mHR104\x1b[0m ")
    folder.check("-o", "report.txt")
    assert "\x1b" not in (folder.path / "report.txt").read_text()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in folder.check().out


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


def test_what_a_missing_file_may_refute_is_not_reported(folder: Folder) -> None:
    """While a file is missing, only what it cannot change is an error."""
    circle = RIGHT.replace('after="receive"', 'after=["receive", "ship"]')
    again = 'from headrace import step\n\n\n@step("order", name="charge", after="receive")\n'
    lost = '@step("lost", after="elsewhere")  # headrace: ignore[HR101]\ndef more(): ...\n'
    folder.write({"a.py": circle, "b.py": f"{again}def other(order): ...\n\n\n{lost}"})
    whole = json.loads(folder.check("--format", "json").out)["findings"]
    assert [one["code"] for one in whole] == ["HR105", "HR106", "HR108", "HR104"]
    folder.write({"bad.py": "def"})
    part = json.loads(folder.check("--format", "json").out)["findings"]
    assert [one["code"] for one in part] == ["HR105", "HR106"]


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
    assert "explain    explain the code of a finding\n" in out


def test_nothing_is_imported(folder: Folder) -> None:
    """The checked code does not run, whatever it would do when imported."""
    folder.write({"shop.py": RIGHT + "\nraise SystemExit('imported')\n"})
    assert folder.check().status == 0


def test_second_run_is_read_from_the_cache(folder: Folder) -> None:
    """The cache stands beside pyproject.toml, is no part of the repository, and changes nothing."""
    folder.write({"src/shop.py": WRONG, "pyproject.toml": ""})
    os.chdir(folder.path / "src")
    first, second = folder.check(), folder.check()
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
