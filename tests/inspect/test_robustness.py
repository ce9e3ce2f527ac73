"""Whatever the files are, the check ends with a message and a status, never with a traceback."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from headrace_inspect import _pipeline, _sources
from headrace_inspect._check import check
from headrace_inspect._report import Report
from headrace_inspect._sources import UnreadableError, lines_of, parse, shown

FLOW = """
from headrace import flow
f = flow("f")

@f.entrypoint
def start():
    a()

@f.step(after="start")
def a(): ...
"""
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def check_bytes(folder: Path, content: bytes) -> Report:
    (folder / "program.py").write_bytes(content)
    return check([str(folder)])


def only_message(report: Report) -> str:
    """Return the one problem's message, and see that it does not read as clean."""
    assert report.exit_status() == 2
    (problem,) = report.problems
    return problem.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x = (\n", "does not parse with Python"),
        (b"\x7fELF\x00\x01\x02", "null bytes"),
        (b"x = 1\0\n", "null bytes"),
        (b"# coding: klingon\nx = 1\n", "unknown encoding: klingon"),
        (b"x = '\xe4'\n", "does not parse"),
        ("# coding: ascii\nx = 'ä'\n".encode(), "does not parse"),
        (b"\xff\xfex\x00=\x001\x00", "null bytes"),
        (b"(" * 5000, "does not parse"),
        (b"x = " + b"(" * 90 + b")" * 90 + b"1" * 5000 + b"\n", "does not parse"),
        (b"def f():\n\treturn 1\n        return 2\n", "does not parse"),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else None,
)
def test_reports_what_does_not_parse(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that is no Python, or in an encoding that cannot be read, is reported as such."""
    assert message in only_message(check_bytes(tmp_path, content))


@pytest.mark.parametrize(
    ("since", "code"),
    [
        ((3, 12), "type Name = str\n"),
        ((3, 12), "def f[T](x: T) -> T: return x\n"),
        ((3, 14), 'x = t"{1}"\n'),
        ((3, 14), "try: pass\nexcept KeyError, ValueError: pass\n"),
    ],
)
def test_reports_syntax_of_a_newer_python(
    tmp_path: Path, since: tuple[int, int], code: str
) -> None:
    """Newer syntax is reported with its line on an older Python, and read on a newer one."""
    report = check_bytes(tmp_path, f"{FLOW}\n{code}".encode())
    if sys.version_info >= since:
        assert report.exit_status() == 0
    else:
        assert "does not parse with Python" in only_message(report)
        assert report.problems[0].line > 0


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + FLOW.encode(),
        b"# -*- coding: latin-1 -*-\nname = '\xe4'\n" + FLOW.encode(),
        FLOW.replace("\n", "\r\n").encode(),
        FLOW.replace("\n", "\r").encode(),
        FLOW.encode() + b"\x0c\n",
        FLOW.replace("a()", "größe()").replace("def a", "def größe").encode(),
    ],
    ids=["BOM", "latin-1", "CRLF", "CR", "form feed", "umlauts"],
)
def test_reads_what_python_reads(tmp_path: Path, content: bytes) -> None:
    """What is valid Python is read: the flow in it is found, and shown."""
    report = check_bytes(tmp_path, content)

    assert report.exit_status() == 0
    assert [edge.verdict for edge in report.edges] == ["shown"]


def nested(depth: int) -> str:
    return "".join(f"{'    ' * n}def f{n}():\n" for n in range(depth)) + "    " * depth + "a()\n"


@pytest.mark.parametrize(
    "code",
    [
        "x = " + " + ".join(["1"] * 5000),
        "x = " + " + ".join(["a()"] * 5000),
        "x = a(" + " + ".join(["a()"] * 5000) + ")",
        "def g():\n    return " + " + ".join(["a()"] * 5000) + "\ng()",
        "x = " + " and ".join(["a()"] * 5000),
        "x = " + " < ".join(["a()"] * 5000),
        "x = '" + "x' 'x" * 5000 + "'",
        "x = [" + "a(), " * 5000 + "]",
        "a()\n" * 5000,
        "def g(x: tuple[()] | list[()] | Union[()]): return x.y\ng(1)",
        "import sys\nleave = lambda: sys.exit()\nleave()",
        "x = a()" + ".y" * 900,
        "x = a" + "()" * 900,
        "x = " + "[" * 80 + "a()" + "]" * 80,
        "x = " + "-" * 900 + "a()",
        "x = " + " if a() else ".join(["1"] * 400),
        "x = " + "lambda: " * 80 + "a()",
        nested(80),
        "if a():\n    pass\n" + "elif a():\n    pass\n" * 900,
        "\n".join(f"def g{n}():\n    return g{n + 1}()" for n in range(3000)) + "\ng0()",
        "def g():\n    return [g()]\ng()",
        "def g(x):\n    return g(lambda: x())\ng(a)",
        "def g(x):\n    return g([x, x])\ng(a)",
        "class A(A): pass\nclass B(C): pass\nclass C(B): pass\nB().go()",
        "from program import *\nfrom program import a as a\nx = x\ny = z\nz = y\ny()",
        "class C:\n    def __getattr__(self, n):\n        return getattr(self, n)\nC().a()",
        "class C: pass\nC.__call__ = C()\nC()()",
        "def g(*a, b=a, **k):\n    return g(*a, **k)\ng(*g())",
        "a = a = a\n(a, *b) = c = a()\nfor a.b[0] in a(): pass\nwith a() as (b, [c]): pass",
        "async def g():\n    async for x in g():\n        yield [y async for y in g()]\n",
        "match a():\n    case {'x': [1, *r], **k} if a(): pass\n    case a.b() | None: pass",
    ],
    ids=lambda code: code[:30].replace("\n", " "),
)
@pytest.mark.unmeasured
def test_follows_deep_and_odd_code(tmp_path: Path, code: str) -> None:
    """Code that is nested deeply, or goes in circles, neither stops nor breaks the check."""
    report = check_bytes(tmp_path, f"{FLOW}\n{code}\n".encode())

    assert all("nested too deeply" in one.message for one in report.problems)
    assert report.files == 1


def test_internal_error_does_not_read_as_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours is reported as a problem of the check, without a traceback."""

    def fail(*args: object) -> object:
        raise RecursionError("too deep")

    monkeypatch.setattr(_pipeline, "analyse", fail)
    message = only_message(check_bytes(tmp_path, FLOW.encode()))

    assert "RecursionError" in message
    assert "please report" in message


def test_internal_error_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again the next time, cache or no cache."""
    (tmp_path / "program.py").write_text(FLOW, "utf-8")
    cache = tmp_path / "cache"

    def fail(*args: object) -> object:
        raise KeyError

    with monkeypatch.context() as patch:
        patch.setattr(_pipeline, "analyse", fail)
        assert check([str(tmp_path)], cache=cache).exit_status() == 2

    assert check([str(tmp_path)], cache=cache).exit_status() == 0


def test_missing_paths_are_reported(tmp_path: Path) -> None:
    """A path that there is none of, or a link that leads nowhere, is a problem each."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    report = check([str(tmp_path / "missing"), str(tmp_path / "link")])

    assert report.exit_status() == 2
    assert len(report.problems) == 2


def test_empty_folder_is_reported(tmp_path: Path) -> None:
    """A folder without Python files is most likely a mistake, and does not read as clean."""
    assert "no Python file" in only_message(check([str(tmp_path)]))


def test_program_without_flows_is_clean(tmp_path: Path) -> None:
    """A program that declares nothing has nothing wrong with it."""
    report = check_bytes(tmp_path, b"print(1)\n")

    assert report == Report(files=1)


def test_loops_of_links_end(tmp_path: Path) -> None:
    """Folders and files that link to themselves are not followed for ever."""
    (tmp_path / "program.py").write_text(FLOW, "utf-8")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    report = check([str(tmp_path)])

    assert report.files == 1
    assert [Path(one.file).name for one in report.problems] == ["loop.py"]


def test_file_that_vanishes_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is gone when it is to be read is a problem, and the rest is checked."""
    (tmp_path / "program.py").write_text(FLOW, "utf-8")
    gone = tmp_path / "gone.py"
    gone.write_text("", "utf-8")

    def find_and_remove(*_: object) -> list[str]:
        gone.unlink()
        return [str(gone), str(tmp_path / "program.py")]

    monkeypatch.setattr(_sources, "_search", find_and_remove)
    report = check([str(tmp_path)])

    assert "cannot be read" in only_message(report)
    assert [edge.verdict for edge in report.edges] == ["shown"]


@pytest.mark.skipif(ROOT, reason="root may read everything")
def test_what_may_not_be_read_is_reported(tmp_path: Path) -> None:
    """A file and a folder without permission are problems."""
    (tmp_path / "program.py").write_text(FLOW, "utf-8")
    (tmp_path / "program.py").chmod(0)
    (tmp_path / "closed").mkdir(mode=0)
    report = check([str(tmp_path)])
    (tmp_path / "closed").chmod(0o700)

    assert len(report.problems) == 2
    assert report.exit_status() == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    """Something that is no regular file is reported, and never waited for."""
    os.mkfifo(tmp_path / "pipe.py")

    assert "not a regular file" in only_message(check([str(tmp_path)]))


@pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="names are text there")
def test_names_in_other_encodings_are_read(tmp_path: Path) -> None:
    """A file whose name is no UTF-8 is read like any other, with a cache too."""
    folder = os.fsencode(tmp_path)
    with open(os.path.join(folder, b"b\xff\xfe.py"), "wb") as file:
        file.write(b"x = (\n")
    (tmp_path / "program.py").write_text(FLOW, "utf-8")

    for _ in range(2):
        report = check([str(tmp_path)], cache=tmp_path / "cache")
        assert report.exit_status() == 2
        assert len(report.edges) == 1


def test_works_in_other_threads(tmp_path: Path) -> None:
    """A thread has a small stack, and the check makes do with it."""
    done: list[Report] = []
    thread = threading.Thread(target=lambda: done.append(check_bytes(tmp_path, FLOW.encode())))
    thread.start()
    thread.join()

    assert done[0].exit_status() == 0


def test_lines_in_an_unknown_encoding_are_read_as_utf_8() -> None:
    """The lines can be shown although the file cannot be parsed."""
    assert lines_of("# coding: klingon\nx = 'ä'\n".encode()) == [
        "# coding: klingon", "x = 'ä'", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecursionError(), "does not parse: nested too deeply"),
        (MemoryError(), "does not parse: nested too deeply"),
        (ValueError("odd"), "does not parse: odd"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_the_parser_of_any_version_raises_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    """Whatever is raised instead of a SyntaxError, the message says why the file is not read."""

    def fail(content: bytes) -> None:
        raise error

    monkeypatch.setattr("ast.parse", fail)
    with pytest.raises(UnreadableError, match=message):
        parse(b"x = 1")


def test_a_path_on_another_drive_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no relative path to it."""

    def relpath(path: str) -> str:
        raise ValueError(path)

    monkeypatch.setattr(os.path, "relpath", relpath)
    assert shown("D:/shop/views.py") == "D:/shop/views.py"


def test_a_folder_that_cannot_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report names it, and does not read as clean."""

    def scandir(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert only_message(check([str(tmp_path)])) == "cannot be read: Permission denied"
