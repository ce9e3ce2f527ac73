"""Errors that are certain from names and declarations."""

from __future__ import annotations

from pathlib import Path

from tests.inspect.program_kit import write
from tests.inspect.shown_kit import analyse_folder


def faults(folder: Path) -> set[str]:
    """Return the errors in a program, as the labels of the corpus write them."""
    found = analyse_folder(folder).faults
    return {f"{one.code} {one.flow} {one.target}" for one in found}


def test_a_flow_that_is_begun_by_hand_needs_no_entrypoint(tmp_path: Path) -> None:
    """The first steps of a flow that ``open()`` begins are reached."""
    program = """
        from headrace import flow

        f = flow("f")

        def main():
            {begin}

        @f.step
        def a(): ...

        @f.step(after="a")
        def b(): ...
    """
    opened = write(tmp_path / "opened", {"work.py": program.format(begin="with f.open(): a()")})
    not_opened = write(tmp_path / "not", {"work.py": program.format(begin="a()")})

    assert faults(opened) == set()
    assert faults(not_opened) == {"HR101 f a", "HR101 f b"}


def test_a_computed_predecessor_makes_no_step_unreachable(tmp_path: Path) -> None:
    """What comes before a step may be known only at run time: nothing is certain then."""
    program = """
        import os
        from headrace import flow

        f = flow("f")

        @f.step(after=os.environ["BEFORE"])
        def a(): ...

        @f.step(after="a")
        def b(): ...
    """

    assert faults(write(tmp_path, {"work.py": program})) == set()


def test_a_circle_is_broken_where_the_code_shows_nothing(tmp_path: Path) -> None:
    """The error stands at the step whose edge the code does not show."""
    program = """
        from headrace import entrypoint, step

        @entrypoint("f")
        def start():
            a()

        @step("f", after=["start", "b"])
        def a():
            b()

        @step("f", after="a")
        def b(): ...
    """
    (found,) = analyse_folder(write(tmp_path, {"work.py": program})).faults

    assert (found.code, found.target, found.source) == ("HR105", "a", "b")
    assert found.message == "the steps are declared in a circle: a -> b -> a"


def test_a_step_is_declared_twice(tmp_path: Path) -> None:
    """A class may replace the step of its base; another class and another chain may not."""
    program = """
        from headrace import Chain, entrypoint, flow

        @flow("f")
        class Base:
            @entrypoint
            def start(self): ...

        @flow("f")
        class Child(Base):
            @entrypoint
            def start(self): ...

        @flow("g")
        class Other:
            @entrypoint
            def start(self): ...

        @flow("g")
        class Stranger:
            @entrypoint
            def start(self): ...

        def work(c): ...

        Chain("h").next(work).run()
        Chain("h").next(work).run()
    """

    assert faults(write(tmp_path, {"work.py": program})) == {"HR106 g start", "HR106 h work"}
