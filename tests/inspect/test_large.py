"""Programs with too many functions to look at them all: what is far from a step stays dynamic."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace_inspect._flows import _relevance
from tests.inspect.corpus_kit import PROJECTS, contradicted_in, edges_in, labels_of, report_on
from tests.inspect.program_kit import check_text, faults, verdicts


@pytest.fixture(autouse=True)
def few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every program for a large one."""
    monkeypatch.setattr(_relevance, "MOST", 0)


@pytest.mark.parametrize("project", PROJECTS)
def test_says_the_same_of_what_is_sure(project: str) -> None:
    """What a label confirms is confirmed all the same, and nothing else is contradicted."""
    labels = labels_of(project)
    report = report_on(project)
    edges = edges_in(report)

    assert edges.keys() == labels.edges.keys()
    for edge, (verdict, kind) in labels.edges.items():
        if verdict == "confirmed":
            assert edges[edge] == (verdict, kind), edge
        else:
            assert edges[edge][0] in {verdict, "unresolved"}, edge
    assert contradicted_in(report) <= labels.contradicted


PROGRAM = """
from headrace import flow

f = flow("f")


@f.entrypoint
def start(x):
    x.begin()


@f.step(after="start")
def a(*args): ...


@f.step(after="a")
def forgotten(): ...


"""
FAR = {
    "called by a name, three calls away": """
class B:
    def begin(self, y):
        y.go()

class G:
    def go(self, z):
        z.run()

class R:
    def run(self):
        a()
""",
    "by a name that is computed": """
class B:
    def begin(self, y):
        y.go()

class G:
    def go(self, z, name):
        getattr(z, name)()

class R:
    def run(self):
        a()
""",
    "by a helper that computes a name": """
from helpers import anything

class B:
    def begin(self, y):
        y.go()

class G:
    def go(self, z):
        anything(z)

class R:
    def run(self):
        a()
""",
    "given to a framework": """
import framework

class R:
    def run(self):
        a()

def handle(x):
    x.run()

def setup():
    framework.register(handle)

def ready(x):
    x.setup()
""",
    "stored in a list": """
HANDLERS = []

class B:
    def begin(self, y):
        for handler in HANDLERS:
            handler(y)

class R:
    def run(self):
        a()

def handle(x):
    x.run()

def setup():
    HANDLERS.append(handle)
""",
    "connected to a signal": """
from django.dispatch import Signal

sent = Signal()

class B:
    def begin(self, y):
        sent.send(None)

class R:
    def run(self):
        a()

def handle(sender, **named):
    named["x"].run()

def setup():
    sent.connect(handle)
""",
    "a method of an instance that is given away": """
class B:
    def begin(self, y):
        y.take(R())

class R:
    def run(self, z):
        z.end()

class E:
    def end(self):
        a()
""",
    "under another name": """
class B:
    def begin(self, y):
        y.go()

class G:
    def go(self):
        other()

def one(z):
    z.end()

other = one

class E:
    def end(self):
        a()
""",
}


@pytest.mark.parametrize("way", FAR.values(), ids=FAR)
def test_what_may_lead_to_a_step_contradicts_nothing(tmp_path: Path, way: str) -> None:
    """However far the way: the step is perhaps reached. What nobody mentions is not."""
    helpers = "def anything(x, name='run'):\n    getattr(x, name)()\n"

    report = check_text(tmp_path, PROGRAM + way, helpers=helpers)

    assert verdicts(report)["start -> a"] == "unresolved"
    assert "HR101 a" not in faults(report)


def test_what_nobody_mentions_is_never_run(tmp_path: Path) -> None:
    """Where nothing is computed, a step without a mention is not reached, and said not to be."""
    report = check_text(tmp_path, PROGRAM + FAR["called by a name, three calls away"])

    assert faults(report) == ["HR101 forgotten"]
