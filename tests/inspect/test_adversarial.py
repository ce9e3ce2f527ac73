"""Programs as teams write them, each about one thing that was once seen wrongly."""

from __future__ import annotations

from pathlib import Path

from tests.inspect.program_kit import check_text, faults, verdicts

CANVAS = """
from celery import Celery, chord, group
from headrace import flow
from headrace_celery import flow_task

app = Celery("f")
f = flow("f")


@f.entrypoint
def start(paths):
    {code}


def build(paths):
    works = []
    for path in paths:
        works.append(a.s(path))
    return works


@flow_task("f", after="start", app=app)
def a(path): ...


@flow_task("f", after="a", app=app)
def b(path): ...
"""


def test_work_in_a_list_that_a_loop_fills_is_done(tmp_path: Path) -> None:
    """A chord's header is a list that a loop fills: its tasks run, and then the chord's body."""
    code = "chord(build(paths))(b.s())"

    report = check_text(tmp_path, CANVAS.format(code=code))

    assert verdicts(report) == {"start -> a": "confirmed canvas", "a -> b": "confirmed canvas"}


def test_work_that_is_not_known_may_be_any_task(tmp_path: Path) -> None:
    """What a group consists of is made elsewhere: no task is said to be never run."""
    code = "group(paths.works()).delay()"

    report = check_text(tmp_path, CANVAS.format(code=code))

    assert verdicts(report) == {"start -> a": "unresolved", "a -> b": "unresolved"}
    assert faults(report) == []


def test_a_task_sent_by_its_name_has_links(tmp_path: Path) -> None:
    """``send_task`` takes ``link=`` as ``apply_async`` does."""
    code = 'app.send_task("program.a", args=[paths], link=b.s())'

    report = check_text(tmp_path, CANVAS.format(code=code))

    assert verdicts(report) == {"start -> a": "confirmed enqueue", "a -> b": "confirmed canvas"}


def test_a_link_and_an_errback_exclude_each_other(tmp_path: Path) -> None:
    """What runs if a task fails never comes behind what runs if it succeeds."""
    code = "done.apply_async(link=a.s(), link_error=b.s())"
    done = "\n\n@app.task\ndef done(): ...\n"

    report = check_text(tmp_path, CANVAS.format(code=code) + done)

    assert verdicts(report) == {"start -> a": "confirmed canvas", "a -> b": "contradicted"}
