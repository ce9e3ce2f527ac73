"""Errors that are certain from names and declarations: HR101 to HR112."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.inspect.program_kit import check_text, faults, verdicts

HEAD = """
from headrace import flow
from headrace_celery import flow_task
f = flow("f")
"""
CASES = {
    "HR101 d": """
        @f.step()
        def d(): ...
        def main():
            d()
    """,
    "HR104 b": """
        @f.entrypoint
        def start():
            b()
        @f.step(after="strat")
        def b(): ...
    """,
    "HR105 a": """
        @f.entrypoint
        def start():
            a()
        @f.step(after=["start", "b"])
        def a():
            b()
        @f.step(after="a")
        def b(): ...
    """,
    "HR106 a": """
        @f.entrypoint
        def start():
            a()
            other()
        @f.step(after="start")
        def a(): ...
        @f.step(after="start", name="a")
        def other(): ...
    """,
    "HR109 start": """
        @f.entrypoint
        @app.post("/orders")
        def start(): ...
    """,
    "HR109 a": """
        from celery import shared_task
        @f.entrypoint
        def start(): ...
        @f.step(after="start")
        @shared_task(bind=True)
        def a(self): ...
    """,
    "HR109 b": """
        from django.db.models.signals import post_save
        from django.dispatch import receiver
        @f.entrypoint
        def start(): ...
        @f.step(after="start")
        @receiver(post_save)
        def b(**named): ...
    """,
    "HR112 program.lost": """
        import program
        from headrace import Chain
        Chain("f").next(program.lost)
    """,
    "HR112 lost": """
        from headrace import Chain
        from shop import lost
        def start():
            Chain("f").next(lost).run()
    """,
    "HR112 labels.lost": """
        from headrace import Chain
        def start():
            import program as labels
            Chain("f").next(labels.lost).run()
    """,
}
HARMLESS = {
    "nothing calls the step": """
        @f.entrypoint
        def start(): ...
        @f.step(after="start")
        def b(): ...
    """,
    "the calls are turned round": """
        @f.entrypoint
        def start():
            b()
            a()
        @f.step(after="start")
        def a(): ...
        @f.step(after="a")
        def b(): ...
    """,
    "a task is called": """
        @f.entrypoint
        def start():
            b()
        @flow_task("f", after="start")
        def b(): ...
    """,
    "a step is a task": """
        from celery import shared_task
        @f.entrypoint
        def start():
            c.delay()
        @shared_task
        @f.step(after="start")
        def c(): ...
    """,
    "a declaration is below a route and a receiver": """
        from django.db.models.signals import post_save
        from django.dispatch import receiver
        @app.get("/")
        @f.entrypoint
        def start(): ...
        @receiver(post_save)
        @f.step(after="start")
        def b(**named): ...
    """,
    "a function comes from somewhere": """
        from headrace import Chain
        from library import *
        Chain("f").next(lost).run()
    """,
    "a function is a variable": """
        from headrace import Chain
        def start(given):
            with given as entered:
                Chain("f").next(given).next(entered).next(print).run()
    """,
    "a function is put into its module": """
        from headrace import Chain
        import program
        setattr(program, "lost", print)
        Chain("f").next(program.lost).run()
    """,
}


@pytest.mark.parametrize("fault", CASES)
def test_error_is_found(tmp_path: Path, fault: str) -> None:
    """The program has this one error, and the check fails."""
    report = check_text(tmp_path, HEAD + dedent(CASES[fault]), shop="")

    assert faults(report) == [fault]
    assert report.exit_status() == 1


@pytest.mark.parametrize("code", HARMLESS.values(), ids=HARMLESS)
def test_what_the_code_does_is_no_error(tmp_path: Path, code: str) -> None:
    """An edge may be shown or not: only names and declarations are wrong for certain."""
    assert faults(check_text(tmp_path, HEAD + dedent(code))) == []


def test_findings_are_at_the_def(tmp_path: Path) -> None:
    """A finding has the line of the ``def``, below the decorators."""
    report = check_text(
        tmp_path,
        """
        from headrace import flow
        f = flow("f")
        @f.step(
            after="nothing",
        )
        async def lonely(): ...
        """,
    )

    assert [(one.code, one.place.line) for one in report.findings] == [("HR104", 7)]


def test_edges_have_their_evidence(tmp_path: Path) -> None:
    """An edge names the calls that lead to its source, then those that lead to its target."""
    report = check_text(
        tmp_path,
        """
        from headrace import flow
        f = flow("f")
        @f.entrypoint
        def start(x):
            a()
            helper(x)
        def helper(x):
            return [b(x), x.b(1)]
        @f.step(after="start")
        def a(): ...
        @f.step(after="a")
        def b(x): ...
        """,
    )
    evidence = {
        edge.id: [(link.place.line, link.text, link.scope, link.target) for link in edge.evidence]
        for edge in report.edges
    }

    assert evidence == {
        "f:start->a": [(6, "a()", "start", "a")],
        "f:a->b": [
            (6, "a()", "start", "a"),
            (7, "helper(...)", "start", "helper"),
            (9, "b(...)", "helper", "b"),
        ],
    }
    assert [edge.pivot for edge in report.edges] == [0, 1]


def test_two_ways_are_enough(tmp_path: Path) -> None:
    """An edge is shown where one path shows it, whatever the others do."""
    report = check_text(
        tmp_path,
        """
        from headrace import flow
        f = flow("f")
        @f.entrypoint
        def start():
            b()
        @f.entrypoint
        def again():
            a()
            b()
        @f.step(after="again")
        def a(): ...
        @f.step(after=["start", "a"])
        def b(): ...
        """,
    )

    assert set(verdicts(report).values()) == {"shown call"}
    assert faults(report) == []
