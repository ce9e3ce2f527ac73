"""``headrace graph --evidence``: the declared graph, with what the code says of its edges."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from headrace.__main__ import main
from headrace._cli import evidence, points
from headrace._flows import registry

SHOP = """\
from celery import Celery
from headrace import entrypoint, step
from headrace_celery import flow_task

app = Celery("shop")  # its task is not shared with the apps of other tests


@entrypoint("order")
def receive(order):
    check(order)
    pack.delay(order)
    globals()[order](order)


@step("order", after="receive")
def check(order): ...


@flow_task("order", after="check", app=app, shared=False)
def pack(order): ...


@step("order", after="check")
def audit(order): ...


@step("order", after="pack")
def ship(order): ...
"""
VERDICTS = {
    "order:receive->check": "shown",
    "order:check->audit": "not_shown",
    "order:check->pack": "shown",
    "order:pack->ship": "not_shown",
}
SVG = "{http://www.w3.org/2000/svg}"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a module `evidenced`; flows and modules end with the test."""
    (tmp_path / "evidenced.py").write_text(SHOP, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "declared", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    sys.modules.pop("evidenced", None)


@pytest.fixture
def draw(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs ``headrace graph --evidence``; it returns status, output, messages."""

    def run(*words: str) -> tuple[int, str, str]:
        status = main(["graph", "--app", "evidenced", "--evidence", *words])
        return status, *capsys.readouterr()

    return run


def test_json_has_a_verdict_for_each_edge(draw: Run) -> None:
    """Each edge has the verdict that headrace check gives, and the document fits its schema."""
    status, out, err = draw("--format", "json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert {edge["id"]: edge["verdict"] for edge in document["edges"]} == VERDICTS
    reference = Path(__file__).parents[2] / "docs" / "reference"
    schema = json.loads((reference / "graph.schema.json").read_text())
    jsonschema.validate(document, schema)


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests, and they alone, have run two of the edges."""
    by_tests = dict.fromkeys(["order:check->pack", "order:pack->ship"], "shown_by_tests")
    monkeypatch.setattr(evidence, "find_verdicts", lambda: (VERDICTS | by_tests, []))


@pytest.mark.usefixtures("tested")
def test_svg_draws_solid_dashed_and_dotted(draw: Run) -> None:
    """Each edge has its verdict as a class and in words, and the legend explains the lines."""
    root = ET.fromstring(draw("--format", "svg")[1])
    edges = [g for g in root.iter(f"{SVG}g") if g.get("class", "").startswith("edge ")]
    drawn = {g.findtext(f"{SVG}title"): g for g in edges if g.find(f"{SVG}title") is not None}
    assert {title: g.get("class") for title, g in drawn.items()} == {
        "receive → check (shown)": "edge shown",
        "check → audit (not shown)": "edge not_shown",
        "check → pack (enqueue, shown by tests)": "edge enqueue shown_by_tests",
        "pack → ship (shown by tests)": "edge shown_by_tests",
    }
    style = root.findtext(f"{SVG}style") or ""
    assert ".not_shown path { stroke-dasharray: 2 4; }" in style
    assert ".shown_by_tests path { stroke-dasharray: 9 4; }" in style
    legend = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "faint"]
    assert legend[-3:] == ["shown", "shown by tests", "not shown"]


def test_page_contains_the_marked_drawing(draw: Run) -> None:
    """The HTML page shows the same drawing."""
    out = draw("--format", "html")[1]
    assert 'class="edge not_shown"' in out


@pytest.mark.usefixtures("tested")
def test_mermaid_marks_edges(draw: Run) -> None:
    """Edges that are not shown are dotted; those that tests show say so."""
    assert draw("--format", "mermaid")[1] == (
        "graph TD\n"
        "    receive --> check\n"
        "    check -.-> audit\n"
        "    check -->|tests| pack\n"
        "    pack -->|tests| ship\n"
    )


def test_rich_mermaid_marks_edges(draw: Run) -> None:
    """An enqueued edge keeps its word, and is solid where it is shown."""
    out = draw("--format", "mermaid", "--style", "rich")[1]
    assert "check -->|enqueue| pack" in out
    assert "pack -.-> ship" in out


@pytest.mark.usefixtures("tested")
def test_rich_mermaid_marks_edges_that_tests_show(draw: Run) -> None:
    """The kind of an edge and its evidence share one label."""
    out = draw("--format", "mermaid", "--style", "rich")[1]
    assert "check -->|enqueue, tests| pack" in out
    assert "pack -->|tests| ship" in out


@pytest.mark.usefixtures("tested")
def test_dot_marks_edges(draw: Run) -> None:
    """In DOT the last word on an edge is its verdict."""
    lines = draw("--format", "dot")[1].splitlines()
    assert any('"check" -> "audit"' in line and "style=dotted]" in line for line in lines)
    assert any('"check" -> "pack"' in line and "style=dashed]" in line for line in lines)
    assert any('"receive" -> "check"' in line and "style=solid]" in line for line in lines)


@pytest.mark.usefixtures("tested")
def test_tree_marks_edges(draw: Run) -> None:
    """The tree says the verdict in words."""
    out = draw("--format", "text")[1]
    assert re.search(r"check \[shown\]", out)
    assert re.search(r"audit \[not shown\]", out)
    assert re.search(r"pack \[enqueue\] \[shown by tests\]", out)


def test_edges_that_are_not_in_the_checked_files_are_not_shown(draw: Run, folder: Path) -> None:
    """What is analysed is what ``headrace check`` without a path takes: here, another folder."""
    (folder / "other").mkdir()
    (folder / "other" / "empty.py").write_text("", "utf-8")
    (folder / "pyproject.toml").write_text("[tool.headrace.check]\npaths = 'other'\n", "utf-8")
    document = json.loads(draw("--format", "json")[1])
    assert {edge["verdict"] for edge in document["edges"]} == {"not_shown"}


def test_file_that_cannot_be_analysed_is_reported(draw: Run, folder: Path) -> None:
    """The picture is drawn, and the status is 2."""
    (folder / "broken.py").write_text("def", "utf-8")
    status, out, err = draw()
    assert status == 2
    assert out.startswith("graph TD\n")
    assert err.startswith("headrace: broken.py:1: does not parse")
    (folder / "order.mmd").write_text(out, "utf-8")
    assert draw("--check", "-o", "order.mmd")[0] == 2


def test_check_compares_the_marked_drawing(draw: Run, folder: Path) -> None:
    """With --check -o FILE the file is compared with the drawing and its marks."""
    assert draw("-o", "order.mmd")[0] == 0
    (folder / "evidenced.py").write_text(SHOP.replace("    check(order)\n", ""), "utf-8")
    status, _, err = draw("--check", "-o", "order.mmd")
    assert status == 2
    assert "order.mmd is out of date" in err


def test_package_that_is_missing_is_named(draw: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without headrace-inspect the option says what to install."""
    monkeypatch.setattr(points, "entry_points", lambda group: [])
    assert draw() == (
        2,
        "",
        "headrace: --evidence needs headrace-inspect: pip install headrace-inspect\n",
    )


def test_package_that_cannot_be_loaded_is_reported(
    draw: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry point that fails is a message, and no traceback."""
    point: Any = points.EntryPoint("check", "tests.nope:verdicts", evidence.GROUP)
    monkeypatch.setattr(points, "entry_points", lambda group: [point])
    status, _, err = draw()
    assert status == 2
    assert "cannot load --evidence from tests.nope:verdicts: ModuleNotFoundError" in err
