"""``headrace graph`` as a user calls it: in a folder, as a process or in this one."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.__main__ import main
from headrace._cli import commands
from headrace._cli.streams import shows_ascii_only, welcomes_colors, write
from headrace._flows import registry
from headrace.commands import add_graph_arguments, graph_main, run_graph

SHOP = '''\
from headrace import entrypoint, step

print("noise of an import")

@entrypoint("order")
def receive():
    """Take an order."""

@step("order", after="receive")
def ship():
    """Send it off."""

@step("mail", after="order.ship")
def tell(): ...
'''
MERMAID = "graph TD\n    receive --> ship\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a module `shop`; flows, modules and the path end with the test."""
    (tmp_path / "shop.py").write_text(SHOP, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "declared", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(
            sys.modules[name].__file__
        ):
            del sys.modules[name]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """A function that runs ``headrace`` and returns status, output and messages."""

    def call(*words: str) -> tuple[int, str, str]:
        try:
            status = main(words)
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return call


def test_flow_is_drawn_on_standard_output(run: Any) -> None:
    """Mermaid, unless told otherwise; what the module prints goes to standard error."""
    status, out, err = run("graph", "order", "--app", "shop")
    assert (status, out, err) == (0, MERMAID, "noise of an import\n")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.svg", "<svg "),
        ("a.html", "<!doctype html>"),
        ("a.HTM", "<!doctype html>"),
        ("a.json", "{"),
        ("a.dot", "digraph"),
        ("a.gv", "digraph"),
        ("a.mmd", "graph TD"),
        ("a.mermaid", "graph TD"),
        ("a.txt", "order  2 steps"),
    ],
)
def test_format_follows_the_files_ending(run: Any, folder: Path, name: str, start: str) -> None:
    """With -o the ending tells the format; nothing is printed."""
    assert run("graph", "order", "--app", "shop", "-o", name)[:2] == (0, "")
    assert (folder / name).read_text("utf-8").startswith(start)


def test_format_can_be_given(run: Any, folder: Path) -> None:
    """--format wins over the file's ending, and --style is for Mermaid."""
    assert run("graph", "order", "--app", "shop", "-o", "a.md", "--format", "mermaid")[0] == 0
    assert (folder / "a.md").read_bytes() == MERMAID.encode()
    assert run("graph", "order", "--app", "shop", "--style", "rich")[1].startswith("flowchart TD")


def test_several_flows_and_all_are_a_map(run: Any) -> None:
    """Two names, or --all, draw both flows and the link between them."""
    named = run("graph", "mail", "order", "--app", "shop:app", "--format", "text")
    assert named[0] == 0
    assert "mail.tell" in named[1]
    every = run("graph", "--all", "--app", "shop", "--format", "text")
    assert sorted(every[1].splitlines()) == sorted(named[1].splitlines())


def test_focus_draws_a_part(run: Any) -> None:
    """--focus and --depth draw what is near a step."""
    status, out, _ = run(*(
        "graph",
        "--all",
        "--app",
        "shop",
        "--focus",
        "tell",
        "--depth",
        "1",
        "--format",
        "text",
    ))
    assert status == 0
    assert "receive" not in out
    assert "ship" in out


def test_only_flow_needs_no_name(run: Any, folder: Path) -> None:
    """Where one flow is declared it is drawn."""
    (folder / "one.py").write_text(
        "from headrace import entrypoint\n@entrypoint('f')\ndef a(): ...\n", "utf-8"
    )
    assert run("graph", "--app", "one")[1] == "graph TD\n    a\n"


def test_check_reports_problems_by_file_and_line(run: Any, folder: Path) -> None:
    """--check draws nothing; what is wrong is told with its place, and the status is 2."""
    (folder / "bad.py").write_text(
        "from headrace import step\n@step('bad', after=['nope'])\ndef a(): ...\n", "utf-8"
    )
    status, out, err = run("graph", "--check", "--app", "bad")
    assert (status, out) == (2, "")
    assert err.startswith("headrace: ")
    assert "bad.py:2: bad.a: after='nope' names no declared step" in err
    status, out, _ = run("graph", "order", "--check", "--app", "shop")
    assert (status, out) == (0, "no problems\n")


def test_check_of_a_file_tells_whether_it_is_current(run: Any, folder: Path) -> None:
    """--check -o compares the file with what would be drawn, and does not touch it."""
    words = ("graph", "order", "--app", "shop", "-o", "order.svg")
    assert run(*words, "--check")[0] == 2
    assert not (folder / "order.svg").exists()
    assert run(*words)[0] == 0
    assert run(*words, "--check")[:2] == (0, "no problems\n")
    (folder / "order.svg").write_text("old", "utf-8")
    status, _, err = run(*words, "--check")
    assert status == 2
    assert "order.svg is out of date" in err


CYCLE = """\
from headrace import entrypoint, step
@entrypoint("loop")
def a(): ...
@step("loop", after=["a", "c"])
def b(): ...
@step("loop", after="b")
def c(): ...
"""


def test_cycle_is_drawn_and_told(run: Any, folder: Path) -> None:
    """A circle can be seen in the drawing; the message names its steps, and the status is 2."""
    (folder / "cycle.py").write_text(CYCLE, "utf-8")
    status, out, err = run("graph", "loop", "--app", "cycle")
    assert status == 2
    assert "    c --> b" in out
    assert "b -> c -> b" in err


BAD = {
    "unknown flow": (["nope"], "no flow named 'nope' is declared; declared: mail, order"),
    "unknown format": (["order", "--format", "png"], "unknown format 'png'; choose one of dot"),
    "unknown style": (["order", "--style", "loud"], "unknown style 'loud'; choose one of plain"),
    "unknown ending": (["order", "-o", "a.png"], "cannot infer the format from 'a.png'"),
    "no such folder": (
        ["order", "-o", "no/a.svg"],
        "no/a.svg: the folder no does not exist",
    ),
    "a folder": (["order", "-o", "sub.svg"], "cannot write sub.svg: it is a folder"),
    "several flows": ([], "several flows are declared: mail, order; name some"),
    "all and a name": (["order", "--all"], "--all draws every flow"),
    "unknown step": (["order", "--focus", "x"], "no step named 'x'; the steps are receive, ship"),
    "depth alone": (["order", "--depth", "1"], "--depth must be a number of edges, 0 or more"),
    "negative depth": (["order", "--focus", "ship", "--depth", "-1"], "--depth must be a number"),
    "depth is no number": (["order", "--depth", "x"], "invalid int value"),
    "unknown option": (["order", "--nope"], "there is no option '--nope'"),
    "misspelt option": (["order", "--formt=svg"], "did you mean '--format'?"),
    "shortened option": (["order", "--form", "svg"], "did you mean '--format'?"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_ends_in_a_message_and_status_2(what: str, run: Any, folder: Path) -> None:
    """Whatever is wrong is told in words, on standard error alone."""
    (folder / "sub.svg").mkdir()
    words, message = BAD[what]
    status, out, err = run("graph", *words, "--app", "shop")
    assert (status, out) == (2, "")
    assert message in err
    assert re.search("(?m)^headrace(: | graph: error: )", err)
    assert "Traceback" not in err


MODULES = {
    "missing": ("", "absent", "cannot import 'absent': ModuleNotFoundError: No module named"),
    "imports what is missing": ("import nope_nope", "m", "No module named 'nope_nope' (at m.py:1)"),
    "raises": ("x = 1\n1 / 0", "m", "ZeroDivisionError: division by zero (at m.py:2)"),
    "is no Python": ("def", "m", "cannot import 'm': SyntaxError"),
    "ends": ("import sys; sys.exit(3)", "m", "cannot import 'm': SystemExit: 3 (at m.py:1)"),
    "declares nothing": ("", "m", "no flow is declared"),
    "declares no step": (
        "import headrace; headrace.flow('empty')",
        "m",
        "flow 'empty' has no steps",
    ),
    "is a path": ("", "sub/m.py", "'sub/m.py' is a path; name the module, as in --app sub.m"),
}


@pytest.mark.parametrize("what", MODULES)
def test_module_that_fails_is_named(what: str, run: Any, folder: Path) -> None:
    """The message says which module, which error, and where."""
    text, module, message = MODULES[what]
    (folder / "m.py").write_text(text, "utf-8")
    status, out, err = run("graph", "--app", module)
    assert (status, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("target", ["no/a.svg", "sub.svg", "locked.svg"])
def test_file_that_cannot_be_written_is_refused_before_the_work(
    target: str, run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is imported for a drawing that nobody will see."""
    (folder / "sub.svg").mkdir()
    (folder / "locked.svg").write_text("", "utf-8")
    access = os.access  # root may write everywhere
    monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in str(path))
    status, _, err = run("graph", "order", "--app", "shop", "-o", target)
    monkeypatch.setattr(os, "access", access)
    assert status == 2
    assert err.startswith(f"headrace: cannot write {target}: ")
    assert "noise of an import" not in err


def test_disk_that_is_full_is_told(run: Any, folder: Path) -> None:
    """What only writing can tell is a message, too."""
    if not os.path.exists("/dev/full"):
        pytest.skip("needs a disk that is full")
    (folder / "full.svg").symlink_to("/dev/full")
    status, _, err = run("graph", "order", "--app", "shop", "-o", "full.svg")
    assert status == 2
    assert err.endswith("headrace: cannot write full.svg: No space left on device\n")


def test_source_folder_is_named(run: Any, folder: Path) -> None:
    """Of a module that stands in ``src`` is said how Python finds it, whoever imports it."""
    source = folder / "src" / "market"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("", "utf-8")
    (source / "flows.py").write_text("import market.steps", "utf-8")
    hint = f"; {source.relative_to(folder)} exists: install the project, or set PYTHONPATH=src\n"
    for module in ("market.flows", "src.market.flows"):
        status, _, err = run("graph", "--app", module)
        assert status == 2
        assert "No module named 'market'" in err
        assert err.endswith(hint)
    assert "src" not in run("graph", "--app", "absent")[2]


def test_interrupt_during_the_import_is_no_message(folder: Path, run: Any) -> None:
    """Ctrl-C is not taken for a fault of the module: the status is 130, and nothing is said."""
    (folder / "m.py").write_text("raise KeyboardInterrupt", "utf-8")
    assert run("graph", "--app", "m") == (130, "", "")


def test_without_flows_the_option_is_named(run: Any) -> None:
    """Who names no module is told how to."""
    status, _, err = run("graph")
    assert status == 2
    assert "no flow is declared; name a module that declares one: --app MODULE" in err


def test_large_drawing_comes_with_a_hint(run: Any, folder: Path) -> None:
    """Beyond 300 steps the way to a part is told; the drawing is made all the same."""
    (folder / "large.py").write_text(
        "from headrace import flow\n"
        "for i in range(301):\n"
        "    def f(): ...\n"
        "    f.__qualname__ = f'f{i}'\n"
        "    flow('large').step(name=f's{i}')(f)\n",
        "utf-8",
    )
    status, out, err = run("graph", "large", "--app", "large", "--format", "svg")
    assert status == 0
    assert out.startswith("<svg")
    assert "301 steps make a large drawing; draw a part: --focus STEP --depth 2" in err
    assert "many" not in run("graph", "large", "--app", "large")[2]


@pytest.mark.guarantee(96)
def test_what_mermaid_refuses_is_told_with_the_alternative(run: Any, folder: Path) -> None:
    """On standard error; the drawing is made, with a comment, and other formats have no limit."""
    (folder / "wide.py").write_text(
        "from headrace import flow\n"
        "f = flow('wide')\n"
        "f.entrypoint(name='a')(lambda: 0)\n"
        "for i in range(501):\n"
        "    f.step(name=f's{i}', after='a')(lambda: 0)\n",
        "utf-8",
    )
    status, out, err = run("graph", "wide", "--app", "wide")
    assert status == 0
    assert "%% 501 edges" in out.splitlines()[1]
    assert "(500 and 50000); use --format svg or html, or draw a part: --focus STEP" in err
    for options in (["--format", "dot"], ["--focus", "s1"]):
        assert "500" not in run("graph", "wide", "--app", "wide", *options)[2]


def project(folder: Path, text: str) -> None:
    """Write the folder's pyproject.toml."""
    (folder / "pyproject.toml").write_text(text, "utf-8")


def test_defaults_are_read_from_pyproject(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[tool.headrace] is found from a folder below, and what is given wins over it."""
    project(folder, '[tool.headrace]\napp = "shop"\nflows = ["order"]\nformat = "dot"\n')
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert run("graph")[1].startswith('digraph "order"')
    assert run("graph", "--format", "mermaid")[1] == MERMAID
    assert run("graph", "-o", "x.svg")[0] == 0
    assert Path("x.svg").read_text("utf-8").startswith("<svg")
    assert run("graph", "-o", "x.unknown")[0] == 0
    assert Path("x.unknown").read_text("utf-8").startswith("digraph")
    assert "mail" in run("graph", "--all")[1]


def test_tables_within_belong_to_others(run: Any, folder: Path) -> None:
    """[tool.headrace.check] is none of this command's business; a project without table is fine."""
    project(folder, "[tool.headrace.check]\nanything = 1\n")
    assert run("graph", "order", "--app", "shop")[0] == 0
    project(folder, '[project]\nname = "x"\n')
    assert run("graph", "order", "--app", "shop")[0] == 0


SETTINGS = {
    "ap = 'shop'": "has no setting 'ap'; did you mean 'app'?",
    "zzz = 1": "has no setting 'zzz'; choose one of app, flows, format, style",
    "app = 3": "app must be a string or a list of strings, not 3",
    "flows = [1]": "flows must be a string or a list of strings",
    "format = ['svg']": "format must be a string, not ['svg']",
    "format = 'png'": "unknown format 'png'",
    "style = 'loud'": "unknown style 'loud'",
    "app = ": "cannot read",
}


@pytest.mark.parametrize("line", SETTINGS)
def test_wrong_setting_is_told(line: str, run: Any, folder: Path) -> None:
    """A setting that nobody understands is named, with the file."""
    project(folder, f"[tool.headrace]\n{line}\n")
    status, out, err = run("graph", "order", "--app", "shop")
    assert (status, out) == (2, "")
    assert SETTINGS[line] in err
    assert "pyproject.toml" in err


def test_colours_come_where_they_are_welcome() -> None:
    """NO_COLOR forbids, FORCE_COLOR demands, else it takes a terminal that is not dumb."""
    terminal: Any = SimpleNamespace(isatty=lambda: True)
    pipe: Any = SimpleNamespace(isatty=lambda: False)
    assert welcomes_colors(terminal, {})
    assert not welcomes_colors(pipe, {})
    assert not welcomes_colors(terminal, {"TERM": "dumb"})
    assert not welcomes_colors(terminal, {"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert welcomes_colors(pipe, {"FORCE_COLOR": "1"})


def test_terminal_without_unicode_gets_ascii() -> None:
    """The tree falls back to ASCII signs where the encoding has no others."""
    ascii_only: Any = SimpleNamespace(encoding="ascii")
    unicode: Any = SimpleNamespace(encoding="utf-8")
    assert shows_ascii_only(ascii_only)
    assert not shows_ascii_only(unicode)


def process(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m headrace`` as a process."""
    return subprocess.run(
        [sys.executable, "-m", "headrace", *words],
        capture_output=True,
        check=False,
        env=os.environ | environment,
    )


def test_command_runs_as_a_process() -> None:
    """``python -m headrace`` draws, in colour where that is forced, in ASCII where it must be."""
    words = ("graph", "order", "--app", "shop", "--format", "text")
    coloured = process(*words, FORCE_COLOR="1", NO_COLOR="")
    assert coloured.returncode == 0
    assert b"\x1b[1;36mreceive\x1b[0m" in coloured.stdout
    plain = process(*words, PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert b"`-- ship" in plain.stdout
    wrong = process("graph", "nope", "--app", "shop")
    assert wrong.returncode == 2
    assert b"Traceback" not in wrong.stderr


class Gone(io.StringIO):
    """A stream whose reader has gone away."""

    def write(self, text: str) -> int:
        """Refuse."""
        raise BrokenPipeError


def test_messages_for_nobody_are_dropped() -> None:
    """A stream that is not the process's own may be closed, too."""
    write(Gone(), "message")


def test_framework_shares_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of a framework declares the same arguments, without --app, and has its streams."""
    monkeypatch.syspath_prepend(str(folder))
    importlib.import_module("shop")  # as the framework has done

    parser = argparse.ArgumentParser()
    add_graph_arguments(parser, app=False)
    out, err = io.StringIO(), io.StringIO()
    assert run_graph(parser.parse_args(["order"]), out=out, err=err) == 0
    assert (out.getvalue(), err.getvalue()) == (MERMAID, "")
    assert run_graph(parser.parse_args(["nope"]), out=out, err=err) == 2
    assert err.getvalue().startswith("headrace: no flow named 'nope'")
    with pytest.raises(SystemExit):
        parser.parse_args(["--app", "shop"])


def test_framework_without_argparse_hands_the_words_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`graph_main` parses the words itself, under the framework's name of the command."""
    assert graph_main([], prog="flask flows graph", app=False) == 2
    assert capsys.readouterr().err == "headrace: no flow is declared\n"
    with pytest.raises(SystemExit):
        graph_main(["--help"], prog="flask flows graph", app=False)
    assert capsys.readouterr().out.startswith("usage: flask flows graph")


def test_reader_that_goes_away_is_no_error() -> None:
    """``headrace graph | head -1`` ends without a complaint."""
    command = f"{sys.executable} -m headrace graph order --app shop --format svg"
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0\n"
    assert "BrokenPipe" not in done.stderr


def test_help_and_version(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Help lists the commands and the packages that bring them; no command is status 2."""
    monkeypatch.setattr(commands, "entry_points", lambda group: [])
    status, out, _ = run("--help")
    assert status == 0
    assert "graph      draw or check flows" in out
    assert "(pip install headrace-inspect)" in out
    status, out, err = run()
    assert (status, out) == (2, "")
    assert "usage: headrace" in err
    assert run("--version")[1] == f"headrace {importlib.metadata.version('headrace')}\n"
    assert "--focus STEP" in run("graph", "--help")[1]


def test_missing_command_names_its_package(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of a package that is not installed says what to install."""
    monkeypatch.setattr(commands, "entry_points", lambda group: [])
    assert (
        run("check")[2]
        == "headrace: 'check' comes with headrace-inspect: pip install headrace-inspect\n"
    )
    assert "did you mean 'graph'?" in run("grahp")[2]
    assert "choose one of doctor, graph, check, discover, explain, trace" in run("zzz")[2]
    assert run("zzz")[0] == 2


def test_packages_add_commands(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point in the group headrace.commands is a command; one that fails is told."""
    points = [
        importlib.metadata.EntryPoint("check", "builtins:len", commands.GROUP),
        importlib.metadata.EntryPoint("broken", "tests.pictures.nope:x", commands.GROUP),
    ]
    monkeypatch.setattr(commands, "entry_points", lambda group: points)
    assert main(["check", "some", "arguments"]) == 2  # their number
    assert "compare the declared flows with the code\n" in run("--help")[1]
    status, _, err = run("broken")
    assert status == 2
    assert "cannot load the command 'broken' from tests.pictures.nope:x" in err
