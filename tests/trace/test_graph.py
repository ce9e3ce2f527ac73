"""``headrace graph --traces``: counts, errors and times of logs, on the declared flow."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from headrace.__main__ import main
from headrace._cli import points
from headrace._flows import registry
from tests.trace.log_kit import WEB, WORKER, line

SHOP = """\
import logging.config
import sys

from headrace import entrypoint, step
from headrace.logging import dict_config


@entrypoint("order")
def receive(order):
    check(order)
    try:
        charge(order)
    except ValueError:
        pass


@step("order", after=receive)
def check(order): ...


@step("order", after=check)
def charge(order):
    if order == 3:
        raise ValueError("no money")
    label(order)


@step("order", after=charge)
def refund(order): ...


@entrypoint("post", after="order.charge")
def label(order): ...


if __name__ == "__main__":
    logging.config.dictConfig(dict_config("json"))
    for number in range(4):
        receive(number)
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a module `traced_shop`; flows and modules end with the test."""
    (tmp_path / "traced_shop.py").write_text(SHOP, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "declared", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    sys.modules.pop("traced_shop", None)


@pytest.fixture
def draw(capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs ``headrace graph``; it returns status, output, messages."""

    def run(*words: str) -> tuple[int, str, str]:
        status = main(["graph", "--app", "traced_shop", *words])
        return status, *capsys.readouterr()

    return run


def end(second: float, unit: str, flow: str, step: str, **fields: Any) -> bytes:
    """Return the line of the end of a step, after 10 ms."""
    facts = {"flow": flow, "step": step, "outcome": "ok", "duration_ms": 10.0}
    return line(second, unit, "step.end", **(facts | fields))


def figures(out: str) -> dict[str, tuple[Any, ...]]:
    """Return the figures of each step and edge, from JSON."""
    drawn = json.loads(out)
    return {one["id"]: tuple(one["figures"].values()) for one in drawn["nodes"] + drawn["edges"]}


def test_logs_of_a_program_are_on_its_graph(draw: Run, folder: Path) -> None:
    """The lines that a program has written give the counts and errors of its steps and edges.

    On a busy machine, a line may be written so late that its step seems to have started after the
    next one; the edge between them is then counted once less.
    """
    with (folder / "shop.log").open("wb") as log:
        subprocess.run([sys.executable, "traced_shop.py"], check=True, stderr=log, cwd=folder)
    status, out, err = draw("--all", "--traces", "shop.log", "--format", "json")
    assert (status, err) == (0, "")
    counts = {name: found[:2] for name, found in figures(out).items()}
    steps = {
        "order.receive": (4, 0),
        "order.check": (4, 0),
        "order.charge": (4, 1),
        "order.refund": (0, 0),
        "post.label": (3, 0),
    }
    edges = {
        "order:receive->check": (4, 0),
        "order:check->charge": (4, 1),
        "order:charge->refund": (0, 0),
        "post:order.charge->label": (3, 0),
    }
    assert counts.keys() == steps.keys() | edges.keys()
    assert {name: counts[name] for name in steps} == steps
    assert [name for name in edges if counts[name] > edges[name]] == []
    assert all((found[2] is None) == (found[0] == 0) for found in figures(out).values())
    schema = Path(__file__).parents[2] / "docs" / "reference" / "graph.schema.json"
    jsonschema.validate(json.loads(out), json.loads(schema.read_text("utf-8")))


def test_starts_that_a_late_line_puts_in_the_wrong_order_are_one_edge(
    draw: Run, folder: Path
) -> None:
    """A line that is written half a millisecond late moves the start of its step by as much."""
    (folder / "web.log").write_bytes(
        end(1, WEB, "order", "check", duration_ms=0.1)
        + end(1.0005, WEB, "order", "receive", duration_ms=0.1)
    )
    found = figures(draw("order", "--traces", ".", "--format", "json")[1])
    assert found["order:receive->check"] == (1, 0, 0.0, 0.0)


def test_times_are_medians_and_percentiles_over_all_processes(draw: Run, folder: Path) -> None:
    """A step has its duration; an edge the time since the last start of its source."""
    (folder / "web.log").write_bytes(
        end(1, WEB, "order", "check") + end(1.5, WEB, "order", "check", duration_ms=30.0)
    )
    (folder / "worker.log").write_bytes(end(2, WORKER, "order", "charge", host="worker-1"))
    found = figures(draw("order", "--traces", ".", "--format", "json")[1])
    assert found["check"] == (2, 0, 20.0, 29.0)
    assert found["charge"] == (1, 0, 10.0, 10.0)
    assert found["order:check->charge"] == (1, 0, 520.0, 520.0)
    assert found["order:receive->check"] == (0, 0, None, None)


def test_other_operations_do_not_pass_an_edge(draw: Run, folder: Path) -> None:
    """A target without a run of the source before it in its own operation has not come from it."""
    (folder / "web.log").write_bytes(
        end(1, WEB, "order", "check", flow_id="0" * 32)
        + end(2, WORKER, "order", "charge")
        + end(3, WORKER, "order", "check")
    )
    found = figures(draw("order", "--traces", "web.log", "--format", "json")[1])
    assert (found["check"][0], found["charge"][0], found["order:check->charge"][0]) == (2, 1, 0)


@pytest.fixture
def order_log(folder: Path) -> str:
    """A log in which `check` has run twice, once with an error, and nothing else."""
    lines = end(1, WEB, "order", "receive") + end(1.2, WEB, "order", "check")
    failed = end(1.4, WEB, "order", "check", outcome="error", duration_ms=2000.0, flow_id="0" * 32)
    (folder / "order.log").write_bytes(lines + failed)
    return "order.log"


def test_every_format_shows_the_figures(draw: Run, order_log: str) -> None:
    """Text, Mermaid in both styles, DOT, SVG and the page say the same."""
    about, edge = "2 runs, 1 error", "1 time, after 200 ms, p95 200 ms"
    for name in ("text", "mermaid", "mermaid --style rich", "dot", "svg", "html"):
        words = name.split()
        status, out, err = draw("order", "--traces", order_log, "--format", *words)
        assert (status, err) == (0, ""), words
        assert about in out, words
        assert "median 1.0 s, p95 1.9 s" in out, words
        assert edge in out, words
        assert "no runs" in out, words
        assert "never" in out, words


def test_svg_labels_steps_and_edges(draw: Run, order_log: str) -> None:
    """What has failed has a class of its own, and each edge its label."""
    root = ET.fromstring(draw("order", "--traces", order_log, "--format", "svg")[1])
    nodes = [one.get("class", "") for one in root.iter("{http://www.w3.org/2000/svg}a")]
    labels = [
        [text.text for text in group]
        for group in root.iter("{http://www.w3.org/2000/svg}g")
        if (group.get("class") or "").startswith("label")
    ]
    assert [name for name in nodes if "failing" in name] == ["node function failing"]
    assert sorted(labels) == [["1 time", "after 200 ms, p95 200 ms"], ["never"], ["never"]]


def test_figures_and_verdicts_share_a_picture(draw: Run, order_log: str) -> None:
    """An edge has both its verdict and its figures."""
    pytest.importorskip("headrace_inspect")
    out = draw("order", "--traces", order_log, "--evidence", "--format", "text")[1]
    assert "check [shown] [1 time, after 200 ms, p95 200 ms]" in out


def test_lines_that_were_skipped_are_named(draw: Run, folder: Path, order_log: str) -> None:
    """Lines that are no JSON are counted on standard error; the picture is drawn."""
    with (folder / order_log).open("ab") as log:
        log.write(b"Traceback (most recent call last):\n")
    status, out, err = draw("order", "--traces", order_log, "--format", "text")
    assert status == 0
    assert "2 runs, 1 error" in out
    assert err == "headrace: order.log: 1 line skipped, not a JSON object (line 4)\n"


def test_logs_without_these_steps_are_named(draw: Run, folder: Path) -> None:
    """Where no line is about the flow, the command says so: the logs may be the wrong ones."""
    (folder / "other.log").write_bytes(end(1, WEB, "other", "step"))
    status, out, err = draw("order", "--traces", "other.log", "--format", "text")
    assert (status, out.count("no runs")) == (0, 4)
    assert err.startswith("headrace: no line in other.log is about a step of order; with a tracer")


@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ("missing.log", "headrace: there is no file, folder or match of missing.log"),
        ("https://example.com/a.log", "headrace: https://example.com/a.log is a URL: fetch it"),
    ],
)
def test_logs_that_cannot_be_read_are_named(draw: Run, logs: str, message: str) -> None:
    """A wrong argument is a message and status 2, without a traceback."""
    status, out, err = draw("order", "--traces", logs)
    assert (status, out) == (2, "")
    assert err.startswith(message)


def test_package_that_is_missing_is_named(draw: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without headrace-trace the option says what to install."""
    monkeypatch.setattr(points, "entry_points", lambda group: [])
    assert draw("order", "--traces", "a.log") == (
        2,
        "",
        "headrace: --traces needs headrace-trace: pip install headrace-trace\n",
    )
