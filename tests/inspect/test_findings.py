"""The findings HR101 to HR107: when they are sure, when they are not, and what they stand on."""

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
    "HR101 b": """
        @f.entrypoint
        def start(): ...
        @f.step(after="start")
        def b(): ...
    """,
    "HR101 c": """
        @f.entrypoint
        def start():
            if False:
                c()
        @f.step(after="start")
        def c(): ...
    """,
    "HR101 d": """
        @f.step()
        def d(): ...
        def main():
            d()
    """,
    "HR102 b": """
        @f.entrypoint
        def start():
            b()
            a()
        @f.step(after="start")
        def a(): ...
        @f.step(after="a")
        def b(): ...
    """,
    "HR102 c": """
        @f.entrypoint
        def start():
            c()
        @f.step(after="a")
        def c():
            a()
        @f.step(after="start")
        def a(): ...
    """,
    "HR103 b": """
        @f.entrypoint
        def start(x):
            if x:
                a()
            else:
                b()
        @f.step(after="start")
        def a(): ...
        @f.step(after="a")
        def b(): ...
    """,
    "HR103 c": """
        @f.entrypoint
        def start():
            a()
        @f.entrypoint
        def other():
            b()
        @f.entrypoint
        def third():
            c()
        @f.step(after="start")
        def a(): ...
        @f.step(after="other")
        def b(): ...
        @f.step(after=["a", "b"])
        def c(): ...
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
    "HR107 b": """
        @f.entrypoint
        def start():
            b()
        @flow_task("f", after="start")
        def b(): ...
    """,
    "HR107 c": """
        from celery import shared_task
        @f.entrypoint
        def start():
            work.delay()
        @shared_task
        def work():
            c()
        @f.step(after="start")
        def c(): ...
    """,
}
# The same, with something dynamic in between: no longer sure, and so no failure.
OPEN = {
    "HR101 b": """
        @f.entrypoint
        def start(name):
            globals()[name]()
        @f.step(after="start")
        def b(): ...
    """,
    "HR103 b": """
        @f.entrypoint
        def start(x, hooks):
            if x:
                a()
            else:
                for hook in hooks:
                    hook()
                b()
        @f.step(after="start")
        def a(): ...
        @f.step(after="a")
        def b(): ...
        def register(hooks):
            hooks.append(a)
    """,
    "HR107 b": """
        @f.entrypoint
        def start(kind):
            b()
            {"b": b}[kind].delay()
        @flow_task("f", after="start")
        def b(): ...
    """,
}


@pytest.mark.parametrize("fault", CASES)
def test_contradiction_is_found(tmp_path: Path, fault: str) -> None:
    """The program has this one fault, the edges concerned say so, and the check fails."""
    report = check_text(tmp_path, HEAD + dedent(CASES[fault]))

    assert faults(report) == [fault]
    assert report.exit_status() == 1


@pytest.mark.parametrize("fault", OPEN)
def test_nothing_is_guessed_where_code_is_dynamic(tmp_path: Path, fault: str) -> None:
    """What may be so at run time is unresolved: it fails under strict alone."""
    report = check_text(tmp_path, HEAD + dedent(OPEN[fault]))

    assert faults(report) == []
    assert f"{report.findings[0].code} {report.findings[0].target}" == fault
    assert (report.exit_status(), report.exit_status(strict=True)) == (0, 1)


def test_findings_stand_on_the_def(tmp_path: Path) -> None:
    """A finding has the line of the ``def``, below the decorators, and the span of the name."""
    report = check_text(
        tmp_path,
        """
        from headrace import flow
        f = flow("f")
        @f.step(
            after="nobody",
        )
        async def lonely(): ...
        """,
    )

    assert {(one.code, one.place.line, one.column, one.width) for one in report.findings} == {
        ("HR101", 7, 11, 6),
        ("HR104", 7, 11, 6),
    }


def test_reverse_order_names_its_evidence(tmp_path: Path) -> None:
    """HR102 says where the step runs before its predecessor."""
    report = check_text(tmp_path, HEAD + dedent(CASES["HR102 b"]))
    (finding,) = report.findings

    assert [place.line for place in finding.related] == [8, 9]


def test_unknown_reference_names_where_it_is_written(tmp_path: Path) -> None:
    """HR104 stands on the ``def``, and says on which line of the decorator the name is."""
    report = check_text(
        tmp_path,
        """
        from headrace import flow
        f = flow("f")
        @f.entrypoint
        def start():
            b()
        @f.step(
            name="b",
            after=["strat"],
        )
        def b(): ...
        """,
    )
    (finding,) = report.findings

    assert (finding.code, finding.place.line) == ("HR104", 11)
    assert [place.line for place in finding.related] == [9]


def test_confirmed_edges_name_their_evidence(tmp_path: Path) -> None:
    """A confirmed edge names the line of the first step and the calls to the second."""
    report = check_text(
        tmp_path,
        """
        from headrace import flow
        f = flow("f")
        @f.entrypoint
        def start():
            a()
            helper()
        def helper():
            b()
        @f.step(after="start")
        def a(): ...
        @f.step(after="a")
        def b(): ...
        """,
    )
    evidence = {edge.id: [place.line for place in edge.evidence] for edge in report.edges}

    assert evidence == {"f:start->a": [6], "f:a->b": [6, 7, 9]}


def test_file_that_cannot_be_read_makes_nothing_sure(tmp_path: Path) -> None:
    """Where a file does not parse, what it may call is unresolved, and the status is 2."""
    from headrace_inspect._check import check

    (tmp_path / "program.py").write_text(HEAD + dedent(CASES["HR101 b"]), "utf-8")
    (tmp_path / "broken.py").write_text("def (\n", "utf-8")
    report = check([str(tmp_path)])

    assert [one.verdict for one in report.findings] == ["unresolved"]
    assert report.exit_status() == 2


def test_two_ways_are_enough(tmp_path: Path) -> None:
    """An edge is confirmed where one path shows it, whatever the others do."""
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

    assert set(verdicts(report).values()) == {"confirmed call"}
    assert faults(report) == []


DOUBTS = {
    "x.begin()  # here": "HR101 a",
    "helper(x)": "HR101 a",
    "a(); x.begin()": None,
    "helper(x); a()": None,
    "other(); x()": None,
}


@pytest.mark.parametrize("code", DOUBTS)
def test_an_unresolved_finding_names_the_first_place_that_is_dynamic(
    tmp_path: Path, code: str
) -> None:
    """Of the way to the step, or to its predecessor, the first call that leaves open what runs."""
    program = f"""
        from headrace import flow
        f = flow("f")

        @f.entrypoint
        def start(x):
            {code}

        def helper(x):
            x.begin()  # here

        def other():
            a()

        class C:
            def begin(self):
                a()

        @f.step(after="start")
        def a(): ...

        @f.step(after="a")
        def b(): ...
    """
    report = check_text(tmp_path, program)
    lines = dedent(program).splitlines()

    open_ones = [one for one in report.findings if one.verdict == "unresolved"]

    for finding in open_ones:
        (place,) = finding.related
        assert place.file.endswith("program.py")
        assert "x.begin()" in lines[place.line - 1]
    assert ([f"{one.code} {one.target}" for one in open_ones] or [None])[0] == DOUBTS[code]


def test_an_unresolved_order_names_what_may_bring_it_about(tmp_path: Path) -> None:
    """A predecessor that runs at best by something dynamic: the place of that."""
    report = check_text(
        tmp_path,
        """
        from headrace import flow
        f = flow("f")
        @f.entrypoint
        def start(x):
            x.begin()
            b()
        class C:
            def begin(self):
                a()
        @f.step(after="start")
        def a(): ...
        @f.step(after="a")
        def b(): ...
        """,
    )

    related = {one.code: [place.line for place in one.related] for one in report.findings}
    assert related == {"HR101": [6], "HR103": [6]}
