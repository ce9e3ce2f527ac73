"""The formats of a report: text, JSON, GitHub's workflow commands, Markdown."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt

from headrace_inspect import Place, Problem, Report, check
from headrace_inspect._formats import FORMATS, View, render
from headrace_inspect._reporting import _span
from tests.inspect.check_kit import DYNAMIC, WRONG, Folder
from tests.inspect.corpus_kit import PROJECTS, report_on
from tests.inspect.output_kit import NAMES, finding, hostile, told

SCHEMA = json.loads(Path(__file__).parents[2].joinpath("docs/check.schema.json").read_text("utf-8"))


# --- all formats ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("format", FORMATS)
def test_names_are_harmless(name: str, format: str) -> None:
    """No control character, no turned text and no half of a character comes out anywhere."""
    out = told(hostile(name), format, verbose=True, suggest=True)
    assert out.encode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", out)


def test_unresolved_findings_are_shown_where_asked_for() -> None:
    """By default what fails is shown; --verbose and --strict show the rest, as what it is."""
    report = Report([finding(verdict="unresolved", message="not sure")])
    for format in set(FORMATS) - {"json"}:
        assert "not sure" not in told(report, format)
        assert "unresolved: not sure" in re.sub("&#58;", ":", told(report, format, verbose=True))
        assert "not sure" in told(report, format, strict=True)
    assert "::warning " in told(report, "github", verbose=True)
    assert "::error " in told(report, "github", strict=True)
    assert '"level": "warning"' in told(report, "sarif", verbose=True)


@pytest.mark.parametrize("format", ["text", "github", "markdown"])
def test_summary_counts_what_fails_apart_from_what_does_not(format: str) -> None:
    """Findings are counted by whether they fail, whatever is shown, and never called none."""
    unsure = finding(verdict="unresolved")
    for findings, strict, words in (
        ([], False, "no findings"),
        ([finding()], False, "1 finding"),
        ([unsure], False, "no finding fails, 1 is unresolved"),
        ([finding(), unsure, unsure], False, "1 finding fails, 2 are unresolved"),
        ([finding(), finding(), unsure], False, "2 findings fail, 1 is unresolved"),
        ([finding(), unsure], True, "2 findings"),
    ):
        for verbose in (False, True):
            out = told(Report(findings), format, strict=strict, verbose=verbose).split("\n")
            assert any(re.search(rf"(^|headrace check: ){words}(:|$)", line) for line in out)


@pytest.mark.parametrize("format", ["text", "github", "markdown"])
def test_summary_says_that_a_check_is_incomplete(format: str) -> None:
    """Where a path could not be analysed no format reads as clean."""
    problems = [Problem("a.py", 1, "odd"), Problem("b.py", 0, "gone")]
    incomplete = "incomplete: 2 paths could not be analysed"
    out = told(Report(problems=problems, files=1), format)
    assert f"{incomplete}; in the rest no findings" in out
    assert "1 file" in out
    out = told(Report(problems=problems), format)
    assert incomplete in out
    assert "no findings" not in out


def test_summary_counts_steps_of_which_the_name_is_not_known(folder: Folder) -> None:
    """Where all that is declared is computed, that is not called nothing."""
    folder.write({"shop.py": "import os, headrace\n\n\n@headrace.step(os.sep)\ndef f(): ...\n"})
    assert "no flow is declared" not in folder.check().out
    folder.write({"shop.py": ""})
    assert "no findings: no flow is declared in these files; 1 file\n" in folder.check().out


# --- text -----------------------------------------------------------------------------------------


def excerpt(columns: int = 120, /, **changes: Any) -> list[str]:
    """Return the line of the source and that of the caret."""
    return render(Report([finding(**changes)]), "text", View(width=columns)).split("\n")[3:5]


def test_caret_stands_below_the_name() -> None:
    """Tabs, wide characters and escapes before the name shift the caret along."""
    assert excerpt(text="\tdef ship(): ...", column=6) == [
        "12 |     def ship(): ...",
        "   |         ^^^^",
    ]
    assert excerpt(text='"日本"; def ship(): ...', column=11) == [
        '12 | "日本"; def ship(): ...',
        "   |             ^^^^",
    ]
    assert excerpt(text="\x1b def ship(): ...", column=7) == [
        "12 | \\x1b def ship(): ...",
        "   |          ^^^^",
    ]


def test_line_that_is_not_known_has_a_caret_all_the_same() -> None:
    """A column beyond the line, or a line that is not there, is no error."""
    assert excerpt(text="", column=9) == ["12 |", "   | ^"]


@pytest.mark.parametrize("width", [40, 80, 300])
def test_long_line_is_cut_around_the_name(width: int) -> None:
    """Of a very long line what stands around the name is shown, and fits into the terminal."""
    text = "x = 1; " * 1000 + "def ship(): ..." + "\t# no" * 1000
    line, caret = excerpt(width, text=text, column=7005)
    assert width - 10 < len(line) <= width
    assert line[caret.index("^") :].startswith("ship()")
    assert line[5:].startswith("...")
    assert line.endswith("...")
    line, caret = excerpt(width, text="f" * 5000, column=1, width=5000)
    assert len(caret) <= len(line) <= width
    assert excerpt(width, text="def ship(): ...")[0] == "12 | def ship(): ..."


def test_places_that_are_many_are_counted() -> None:
    """Three places are shown, and the number of the others."""
    report = Report([finding(related=tuple(Place("shop.py", line) for line in range(1, 6)))])
    out = told(report, "text")
    assert "   = see shop.py:3\n   = and 2 places more\n" in out
    assert "more" not in told(Report([finding(related=(Place("shop.py", 1),))]), "text")


def test_bytes_and_characters_are_not_confused(folder: Folder) -> None:
    """The caret is right after letters that take several bytes, and in files of any encoding."""
    coded = "# coding: latin-1\nfrom headrace import step\n\n\n@step('ä', after='ö')\n"
    (folder.path / "coded.py").write_bytes((coded + "def  ship(): ...  # ü\n").encode("latin-1"))
    out = folder.check().out
    assert "6 | def  ship(): ...  # ü\n  |      ^^^^\n" in out
    # A step of a chain stands where it is added; syntax trees count in bytes of UTF-8.
    line = 'größe = Chain("größe").next(f, name="日本").next(g)'
    column = len(line[: line.rindex("next")].encode()) + 1
    start, width = _span(line, column, 4, is_definition=False)
    assert line[start - 1 : start - 1 + width] == "next"


def test_what_is_computed_is_said_to_be(folder: Folder) -> None:
    """A name, a flow or an after= that is computed is unresolved, at the line of the ``def``."""
    source = """
        import os
        from headrace import entrypoint, step


        @entrypoint("order")
        def receive():
            ship()
            pack()


        @step("order", name=os.environ["STEP"])
        def ship(): ...


        @step("order", after=os.environ["AFTER"])
        def pack(): ...
    """
    folder.write({"shop.py": source})
    out = folder.check("-v").out
    assert "HR101 unresolved: the step's name is computed where 'ship' is declared" in out
    assert "HR103 unresolved: what 'pack' is declared after is computed" in out
    assert "13 | def ship(): ...\n   |     ^^^^\n" in out


# --- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("project", PROJECTS)
def test_json_is_as_the_schema_says(project: str) -> None:
    """Each document is valid by docs/check.schema.json, and has no field that is not in it."""
    document = json.loads(told(report_on(project), "json", suggest=True))
    jsonschema.validate(document, SCHEMA)
    assert document.keys() == SCHEMA["properties"].keys()
    for part in document.keys() - {"version"}:
        known = SCHEMA["properties"][part]["items"]["properties"].keys()
        assert all(item.keys() == known for item in document[part])


def test_json_is_exactly_as_agreed(folder: Folder) -> None:
    """A finding and an edge have these fields, whatever options are given."""
    folder.write({"shop.py": WRONG})
    document = json.loads(folder.check("--format", "json").out)
    assert document == {
        "version": 1,
        "findings": [
            {
                "code": "HR102",
                "verdict": "contradicted",
                "flow": "order",
                "source": "charge",
                "target": "ship",
                "kind": "call",
                "file": "shop.py",
                "line": 15,
                "message": "'ship' always runs before 'charge', but is declared after it",
            }
        ],
        "edges": [
            {
                "id": "order:receive->charge",
                "verdict": "confirmed",
                "kind": "call",
                "evidence": [{"file": "shop.py", "line": 7}],
            },
            {
                "id": "order:charge->ship",
                "verdict": "contradicted",
                "kind": "call",
                "evidence": [
                    {"file": "shop.py", "line": 6},
                    {"file": "shop.py", "line": 7},
                ],
            },
        ],
        "problems": [],
    }


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_json_gives_names_back(name: str) -> None:
    """Whatever a name holds, reading the JSON gives it back; in a page it ends no script."""
    out = told(hostile(name), "json")
    document = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert document["findings"][0]["target"] == name
    assert document["problems"][0]["message"] == name
    assert document["problems"][0]["line"] is None
    assert "<" not in out
    assert out.isascii()


def test_json_has_what_is_unresolved_without_being_asked(folder: Folder) -> None:
    """Programs choose themselves by the verdict."""
    folder.write({"shop.py": DYNAMIC})
    document = json.loads(folder.check("--format", "json").out)
    assert {one["verdict"] for one in document["findings"]} == {"unresolved"}


# --- GitHub ---------------------------------------------------------------------------------------


def test_github_command_names_place_and_code() -> None:
    """A finding is an error at its line and columns, with its code as the title."""
    out = told(Report([finding()], steps=3, files=1), "github")
    command, closing = out.split("\n")
    place, message = command.rsplit("::", 1)
    assert place == "::error file=shop.py,line=12,col=5,endColumn=9,title=HR102"
    assert message == "'ship' always runs before 'pay', but is declared after it"
    assert closing.startswith("1 finding: 3 steps, 0 edges (0 confirmed, ")


def test_github_escapes_what_ends_a_property() -> None:
    """Colons and commas of a path, and percent signs anywhere, are escaped."""
    report = Report([finding(place=Place("a,b:100%.py", 1), message="50%, a: b")])
    command = told(report, "github").split("\n")[0]
    assert command.startswith("::error file=a%2Cb%3A100%25.py,line=1,")
    assert command.endswith("::50%25, a: b")


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_github_commands_are_only_ours(name: str) -> None:
    """No name begins a line, so none can be a command; each command has its four parts."""
    lines = told(hostile(name), "github").split("\n")
    assert len(lines) == 3
    for line in lines[:2]:
        assert re.fullmatch(r"::error (file=[^,:]+)(,\w+=[^,:]+)*::.+", line)


def test_github_problem_and_suggestion(folder: Folder) -> None:
    """A file that cannot be analysed is an error; a suggestion is a notice."""
    folder.write({"shop.py": WRONG})
    out = folder.check("--format", "github", "--suggest").out
    assert (
        "::notice file=shop.py,line=15,title=headrace check::'ship': the code implies "
        'after="receive"\n'
    ) in out
    folder.write({"bad.py": "def"})
    out = folder.check("--format", "github").out
    assert out.startswith("::error file=bad.py,line=1,title=headrace check::does not parse")


# --- Markdown -------------------------------------------------------------------------------------


class Shown(HTMLParser):
    """What a reader sees of a page: its text, its elements, the cells of its tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self._is_in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        if tag == "td":
            self.cells.append("")
        self._is_in_cell = tag == "td" or (self._is_in_cell and tag == "code")

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a cell."""
        self._is_in_cell = self._is_in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data
        if self._is_in_cell:
            self.cells[-1] += data


def page_of(report: Report, **view: bool) -> Shown:
    """Return what a Markdown report shows, HTML in it included, as on GitHub."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return Shown(markdown.render(told(report, "markdown", **view)))


def test_markdown_has_a_table_of_findings() -> None:
    """Code, place and message, one row each, below a heading with their number."""
    page = page_of(Report([finding()], files=1, steps=2))
    assert page.text.startswith("headrace check: 1 finding")
    assert page.cells[0] == "HR102"
    assert page.cells[1] == "shop.py:12"
    assert page.cells[2] == "'ship' always runs before 'pay', but is declared after it"
    assert page.text.rstrip().endswith("0 unresolved); 1 file")


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_markdown_shows_names_as_text(name: str) -> None:
    """No name makes an element, ends a cell, becomes a link, or mentions somebody."""
    page = page_of(hostile(name))
    own = {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code"}
    assert page.tags <= own
    assert len(page.cells) == 5
    if name.isprintable():
        assert page.cells[4] == f"{name} runs before {name}"
    # The comment stands between the sign and the name, which GitHub then takes for no mention.
    source = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), told(hostile(name), "markdown"))
    assert not re.search(r"@\w|#\d", source)


def test_markdown_shows_suggestions_and_problems(folder: Folder) -> None:
    """Each has a table of its own; without findings there is none."""
    folder.write({"shop.py": WRONG})
    page = page_of(check(["shop.py"]), suggest=True)
    assert 'after="receive"' in page.cells
    assert "table" not in page_of(Report()).tags
    assert page_of(Report(problems=[Problem("a.py", 0, "is binary")])).cells[0] == "a.py"


def test_markdown_fits_into_a_comment() -> None:
    """Of very many findings those are shown that fit, and a line says how many are left out."""
    findings = [finding(place=Place("shop.py", line)) for line in range(1, 5001)]
    out = told(Report(findings, files=1, steps=2), "markdown")
    assert 60_000 < len(out) <= 65_536
    shown = out.count("HR102")
    assert (
        f"characters: {5000 - shown} of 5000 findings. The same check with `--format text`" in out
    )
    assert out.endswith("; 1 file")
    assert "Left out" not in told(Report(findings[:100]), "markdown")


def test_markdown_of_more_than_fits_shows_what_fails() -> None:
    """What fails comes before what is unresolved, and a row that is too long hides no other."""
    unsure = finding(verdict="unresolved")
    endless = finding(message="x" * 70_000)
    problems = [Problem(f"bad{number}.py", 1, "does not parse") for number in range(40)]
    report = Report([*[unsure] * 1000, endless, finding(code="HR103")], problems=problems)
    out = told(report, "markdown", verbose=True)
    assert len(out) <= 65_536
    assert out.count("does not parse") == 40
    assert out.index("HR103") < out.index("HR102")
    assert " of 1002 findings. " in out
