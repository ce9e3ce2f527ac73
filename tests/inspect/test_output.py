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

from headrace_inspect import (
    Boundary,
    Changes,
    Edge,
    Finding,
    Link,
    Place,
    Problem,
    Report,
    Since,
    Step,
)
from headrace_inspect._formats import FORMATS
from tests.inspect.check_kit import WRONG, Folder
from tests.inspect.corpus_kit import PROJECTS, report_on
from tests.inspect.output_kit import NAMES, drawn, finding, hostile

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SCHEMA = json.loads((REFERENCE / "check.schema.json").read_text("utf-8"))


# --- all formats ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("format", FORMATS)
def test_names_are_harmless(name: str, format: str) -> None:
    """No control character, no turned text and no half of a character comes out anywhere."""
    out = drawn(hostile(name), format, verbose=True)
    assert out.encode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", out)


@pytest.mark.parametrize("format", ["text", "github", "markdown"])
def test_summary_counts_findings_and_edges(format: str) -> None:
    """The last line says how much is known, and how much of that only from tests."""
    steps = [Step("f", name, Place("a.py", 1)) for name in "abc"]
    shown, tested = (
        Edge("f", "a", to, "call", (by,)) for to, by in (("b", "code"), ("c", "tests"))
    )
    hidden = Edge("f", "b", "c", "call")
    for findings, edges, words in (
        ([], [shown], "no findings; 3 steps, 1 edge: 1 shown, 0 not shown; 2 files"),
        ([finding()], [hidden], "1 finding; 3 steps, 1 edge: 0 shown, 1 not shown; 2 files"),
        (
            [],
            [shown, tested, hidden],
            "no findings; 3 steps, 3 edges: 2 shown (1 by tests alone), 1 not shown; 2 files",
        ),
    ):
        out = drawn(Report(findings, edges, [], steps, 2), format)
        head, totals = words.split("; ", 1)
        assert out.endswith(totals if format == "markdown" else words)
        assert head in out


SINCE = Since(
    "main",
    "0123456789abcdef",
    (),
    Changes(("order:refund",), ("order:send",)),
    Changes(
        ("order:pay->refund",),
        ("order:pay->send",),
        ("order:pay->book",),
        (Boundary("order:pay->mail", "call", "enqueue"),),
    ),
)
CHANGES = """\
since main (0123456789ab): 6 changes
+ step order:refund
- step order:send
+ edge order:pay->refund
- edge order:pay->send
~ edge order:pay->book: rerouted
~ edge order:pay->mail: call -> enqueue
"""


@pytest.mark.parametrize("format", ["text", "github"])
def test_changes_are_listed(format: str) -> None:
    """What changed and fails nothing stands before the line that sums up."""
    assert CHANGES in drawn(Report(files=1, since=SINCE), format)
    nothing = drawn(Report(files=1, since=Since("main", "0123")), format)
    assert "since main (0123): no changes\n" in nothing
    breaking = (Finding("HR302", None, None, None, Place("a.py", 1), "gone"),)
    other = drawn(Report(files=1, since=Since("main", "0123", breaking=breaking)), format)
    assert "since main (0123): no other changes\n" in other


@pytest.mark.parametrize("format", ["text", "github", "markdown"])
def test_summary_says_that_a_check_is_incomplete(format: str) -> None:
    """Where a path could not be analysed no format reads as clean."""
    problems = [Problem("a.py", 1, "odd"), Problem("b.py", 0, "gone")]
    incomplete = "incomplete: 2 paths could not be analysed"
    out = drawn(Report(problems=problems, files=1), format)
    assert f"{incomplete}; in the rest no findings" in out
    assert "1 file" in out
    out = drawn(Report(problems=problems), format)
    assert incomplete in out
    assert "no findings" not in out


def test_summary_says_that_nothing_is_declared(folder: Folder) -> None:
    """That a program has no flow may be a mistake of the paths."""
    folder.write({"shop.py": ""})
    assert folder.check().out == "no findings; no flow is declared in these files; 1 file\n"


# --- text -----------------------------------------------------------------------------------------


def test_evidence_is_shown_and_what_is_too_much_is_counted() -> None:
    """Three calls are shown, and the number of the others."""
    links = tuple(Link(Place("shop.py", line), "pay(...)") for line in range(1, 6))
    out = drawn(Report([finding(evidence=links)]), "text")
    assert "  = see shop.py:3 pay(...)\n  = and 2 places more\n" in out
    assert "more" not in drawn(Report([finding(evidence=links[:1])]), "text")


# --- JSON -----------------------------------------------------------------------------------------


def fields_of(schema: dict[str, Any], value: Any) -> None:
    """Fail where an object has fields that the schema does not name, at any depth."""
    if "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        for one in value:
            fields_of(schema["items"], one)
    elif isinstance(value, dict):
        assert value.keys() <= schema["properties"].keys()
        for name, one in value.items():
            fields_of(schema["properties"][name], one)


@pytest.mark.parametrize("project", PROJECTS)
def test_json_is_as_the_schema_says(project: str) -> None:
    """Each document is valid by check.schema.json, and has no field that is not in it."""
    document = json.loads(drawn(report_on(project), "json"))
    jsonschema.validate(document, SCHEMA)
    fields_of(SCHEMA, document)


def test_json_is_exactly_as_agreed(folder: Folder) -> None:
    """A finding and an edge have these fields, whatever options are given."""
    folder.write({"shop.py": WRONG})
    document = json.loads(folder.check("--format", "json").out)
    assert document == {
        "version": 2,
        "edges": [
            {
                "id": "order:receive->charge",
                "verdict": "shown",
                "by": ["code"],
                "kind": "call",
                "evidence": [{"file": "shop.py", "line": 6, "text": "charge(...)"}],
            },
            {
                "id": "order:charg->ship",
                "verdict": "not_shown",
                "by": [],
                "kind": "call",
                "evidence": [],
            },
        ],
        "findings": [
            {
                "code": "HR104",
                "flow": "order",
                "source": "charg",
                "target": "ship",
                "file": "shop.py",
                "line": 15,
                "message": "after='charg' names no declared step of flow 'order': "
                "did you mean 'charge'?",
                "evidence": [],
            }
        ],
    }


def test_json_has_the_changes() -> None:
    """With --since there are the changes, as the schema says."""
    document = json.loads(drawn(Report(files=1, since=SINCE), "json"))
    jsonschema.validate(document, SCHEMA)
    assert document["since"] == {
        "revision": "main",
        "base": "0123456789abcdef",
        "lost": [],
        "steps": {"added": ["order:refund"], "removed": ["order:send"]},
        "edges": {
            "added": ["order:pay->refund"],
            "removed": ["order:pay->send"],
            "rerouted": ["order:pay->book"],
            "boundary": [{"edge": "order:pay->mail", "was": "call", "now": "enqueue"}],
        },
        "breaking": [],
    }


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_json_gives_names_back(name: str) -> None:
    """Whatever a name holds, reading the JSON gives it back; in a page it ends no script."""
    out = drawn(hostile(name), "json")
    document = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    fields_of(SCHEMA, document)
    assert document["findings"][0]["target"] == name
    assert document["findings"][0]["evidence"][0]["text"] == name
    assert document["since"]["lost"][0]["edge"] == name
    assert document["problems"][0]["message"] == name
    assert document["problems"][0]["line"] is None
    assert "<" not in out
    assert out.isascii()


# --- GitHub ---------------------------------------------------------------------------------------


def test_github_command_names_place_and_code() -> None:
    """A finding is an error at its line, with its code as the title."""
    out = drawn(Report([finding()], files=1), "github")
    command, closing = out.split("\n")
    place, message = command.rsplit("::", 1)
    assert place == "::error file=shop.py,line=12,title=HR104"
    assert message == "after='pay' names no declared step of flow 'order'"
    assert closing == "1 finding; no flow is declared in these files; 1 file"


def test_github_escapes_what_ends_a_property() -> None:
    """Colons and commas of a path, and percent signs anywhere, are escaped."""
    report = Report([finding(place=Place("a,b:100%.py", 1), message="50%, a: b")])
    command = drawn(report, "github").split("\n")[0]
    assert command.startswith("::error file=a%2Cb%3A100%25.py,line=1,")
    assert command.endswith("::50%25, a: b")


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_github_commands_are_only_ours(name: str) -> None:
    """No name begins a line, so none can be a command; each command has all its parts."""
    lines = drawn(hostile(name), "github").split("\n")
    commands = [line for line in lines if line.startswith("::")]
    assert len(commands) == 2
    for line in commands:
        assert re.fullmatch(r"::error (file=[^,:]+)(,\w+=[^,:]+)*::.+", line)


def test_github_problem(folder: Folder) -> None:
    """A file that cannot be analysed is an error."""
    folder.write({"shop.py": WRONG, "bad.py": "def"})
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


def page_of(report: Report) -> Shown:
    """Return what a Markdown report shows, HTML in it included, as on GitHub."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return Shown(markdown.render(drawn(report, "markdown")))


def test_markdown_has_a_table_of_findings() -> None:
    """Code, place and message, one row each, below a heading with their number."""
    page = page_of(Report([finding()], files=1))
    assert page.text.startswith("headrace check: 1 finding")
    assert page.cells[0] == "HR104"
    assert page.cells[1] == "shop.py:12"
    assert page.cells[2] == "after='pay' names no declared step of flow 'order'"
    assert page.text.rstrip().endswith("in these files; 1 file")


def test_markdown_lists_changes_and_edges_that_are_not_shown() -> None:
    """Each has a table; what is shown has no row."""
    edges = [Edge("f", "a", "b", "call", ("code",)), Edge("f", "b", "c", "call")]
    page = page_of(Report(edges=edges, files=1, since=SINCE))
    assert "since main (0123456789ab): 6 changes" in page.text
    assert "~ edge order:pay->mail: call -> enqueue" in page.cells
    assert page.cells[-1] == "f:b->c"
    assert len(page.cells) == 7


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_markdown_shows_names_as_text(name: str) -> None:
    """No name makes an element, ends a cell, becomes a link, or mentions somebody."""
    page = page_of(hostile(name))
    own = {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code"}
    assert page.tags <= own
    assert len(page.cells) == 13
    if name.isprintable():
        assert page.cells[5] == f"{name} runs before {name}"
    # The comment stands between the sign and the name, which GitHub then takes for no mention.
    source = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), drawn(hostile(name), "markdown"))
    assert not re.search(r"@\w|#\d", source)


def test_markdown_shows_problems() -> None:
    """They have a table of their own; where there is nothing there is none."""
    assert "table" not in page_of(Report()).tags
    assert page_of(Report(problems=[Problem("a.py", 0, "is binary")])).cells[1] == "a.py"


def test_markdown_fits_into_a_comment() -> None:
    """A report that is too long shows the findings that fit, and says where the rest is."""
    findings = [finding(place=Place("shop.py", line)) for line in range(1, 5001)]
    out = drawn(Report(findings, files=1), "markdown")
    assert 60_000 < len(out) <= 65_536
    assert "characters. The same check with `--format text` shows it.\n" in out
    assert out.endswith("; 1 file")
    assert "left out" not in drawn(Report(findings[:100]), "markdown")


def test_markdown_of_more_than_fits_shows_findings_before_edges() -> None:
    """What could not be analysed comes first, and a row that is too long hides no other."""
    endless = finding(message="x" * 70_000)
    problems = [Problem(f"bad{number}.py", 1, "does not parse") for number in range(40)]
    edges = [Edge("f", str(number), "b", "call") for number in range(5000)]
    report = Report([endless, finding(code="HR105")], edges, problems)
    out = drawn(report, "markdown")
    assert len(out) <= 65_536
    assert out.count("does not parse") == 40
    assert out.count("HR105") == 1
    assert "| <code>f:0->b</code> |".replace("->", "-&#62;").replace(":", "&#58;") in out
