"""Declarations in every form are found, and lead to the same edges."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace_inspect import check
from tests.inspect.program_kit import check_text, faults, verdicts, write

BOTH = {"start -> a": "shown call", "a -> b": "shown call"}
FORMS = {
    "a flow object": """
        from headrace import flow
        f = flow("f")
        @f.entrypoint
        def start():
            a()
            b()
        @f.step(after=start)
        def a(): ...
        @f.step(after=a)
        def b(): ...
    """,
    "by name": """
        from headrace import entrypoint, step
        @entrypoint("f")
        def start():
            a()
            b()
        @step("f", after="start")
        def a(): ...
        @step("f", after=["a"])
        def b(): ...
    """,
    "a class": """
        from headrace import entrypoint, flow, step
        @flow("f")
        class F:
            @entrypoint
            def start(self):
                self.a()
                self.b()
            @step(after="start")
            def a(self): ...
            @step(after=a)
            def b(self): ...
    """,
    "other names": """
        import headrace as hr
        from headrace import step as then, entrypoint as first
        @first("f", name="start")
        def begin():
            one()
            two()
        @then("f", after=begin, name="a")
        def one(): ...
        @hr.step("f", after="f.a", name="b")
        def two(): ...
    """,
    "names in constants": """
        from headrace import entrypoint, step
        NAME = "f"
        FIRST = "st" + "art"
        @entrypoint(NAME)
        def start():
            a()
            b()
        @step(NAME, after=FIRST)
        def a(): ...
        BEFORE = [a]
        @step(f"{NAME}", after=BEFORE)
        def b(): ...
    """,
    "methods of one class": """
        from headrace import flow
        f = flow("f")
        class Work:
            @f.entrypoint
            def start(self):
                self.a()
                Work.b()
            @f.step(after="start")
            def a(self): ...
            @staticmethod
            @f.step(after="a")
            def b(): ...
    """,
    "coroutines and generators": """
        from headrace import flow
        f = flow("f")
        @f.entrypoint
        async def start():
            await a()
            for x in b():
                print(x)
        @f.step(after="start")
        async def a(): ...
        @f.step(after="a")
        def b():
            yield 1
    """,
    "two flows in one assignment": """
        from headrace import flow
        f, other = flow("f"), flow("other")
        @f.entrypoint
        def start():
            a()
            b()
        @f.step(after="start")
        def a(): ...
        @f.step(after=a)
        def b(): ...
    """,
    "tasks": """
        from headrace import flow
        from headrace_celery import flow_task
        @flow_task("f", entrypoint=True)
        def start():
            a.delay()
            b.delay()
        @flow_task("f", after="start")
        def a(): ...
        @flow_task("f", after=a)
        def b(): ...
    """,
    "a chain": """
        from headrace import Chain
        def start(): ...
        def a(): ...
        def go(x): ...
        Chain("f").next(start).next(a, when=lambda c: True).next(go, out="b").run()
    """,
    "a chain that a task runs": """
        from headrace import Chain
        from headrace_celery import chain_task
        def start(): ...
        def a(): ...
        def b(): ...
        run = chain_task("app", Chain("f").next(start).next(a).next(b))
        run.delay()
    """,
    "a chain that a request runs": """
        from fastapi import FastAPI
        from headrace import Chain
        from headrace_fastapi import run_chain
        def start(): ...
        def a(): ...
        def b(): ...
        app = FastAPI()
        app.post("/")(run_chain(Chain("f").next(start).next(a).next(b)))
    """,
    "a flow by its name again": """
        from headrace import flow, get_flow
        @flow("f").entrypoint
        def start():
            a()
            b()
        @get_flow("f").step(after="start")
        def a(): ...
        @flow("f").step(after="a")
        def b(): ...
    """,
    "inside a function": """
        from headrace import flow
        def build():
            f = flow("f")
            @f.entrypoint
            def start():
                a()
                b()
            @f.step(after="start")
            def a(): ...
            @f.step(after="a")
            def b(): ...
            return start
        build()()
    """,
    "under a condition": """
        import sys
        from headrace import flow
        f = flow("f")
        if sys.platform == "win32":
            @f.step(after="start")
            def a(): print("windows")
        else:
            @f.step(after="start")
            def a(): print("other")
        @f.entrypoint
        def start():
            a()
            b()
        @f.step(after="a")
        def b(): ...
    """,
}


@pytest.mark.parametrize("form", FORMS)
def test_form_is_read(tmp_path: Path, form: str) -> None:
    """Each form declares start, a and b, and both edges are confirmed."""
    kind = "enqueue" if form == "tasks" else "call"
    report = check_text(tmp_path, FORMS[form])

    assert verdicts(report) == dict.fromkeys(BOTH, f"shown {kind}")
    assert {edge.flow for edge in report.edges} == {"f"}


def test_several_modules_share_a_flow(tmp_path: Path) -> None:
    """A flow and its steps are found through packages, stars, aliases and relative imports."""
    report = check_text(
        tmp_path,
        shop__init="""
            from .flows import orders as orders
            from .steps import *
        """,
        shop__flows='import headrace as hr\norders = hr.flow("f")\n',
        shop__steps="""
            from . import later
            from .flows import orders
            __all__ = ["a"]
            @orders.step(after="start")
            def a():
                later.b()
        """,
        shop__later="""
            import shop.flows
            @shop.flows.orders.step(after="a")
            def b(): ...
        """,
        main="""
            import shop as s
            from shop import a as first
            @s.orders.entrypoint
            def start():
                first()
        """,
    )

    assert verdicts(report) == BOTH


def test_subclass_inherits_and_overrides(tmp_path: Path) -> None:
    """A flow of a subclass has the inherited steps, and its own in their place."""
    report = check_text(
        tmp_path,
        """
        from headrace import entrypoint, flow, step
        @flow("base")
        class Base:
            @entrypoint
            def start(self):
                self.a()
                self.b()
            @step(after="start")
            def a(self): ...
            @step(after="a")
            def b(self): ...
        @flow("child")
        class Child(Base):
            @step(after="a")
            def b(self):
                self.c()
            @step(after="b")
            def c(self): ...
        """,
    )

    assert {edge.id: edge.verdict for edge in report.edges} == {
        "base:start->a": "shown",
        "base:a->b": "shown",
        "child:start->a": "shown",
        "child:a->b": "shown",
        "child:b->c": "shown",
    }


def test_flows_are_linked(tmp_path: Path) -> None:
    """A step of another flow may come before, by its full name or as a function."""
    report = check_text(
        tmp_path,
        """
        from headrace import flow
        orders, parcels = flow("orders"), flow("parcels")
        @orders.entrypoint
        def order():
            pack()
        @parcels.step(after=order)
        def pack():
            send()
        @parcels.step(after=["pack", "orders.order"])
        def send(): ...
        """,
    )

    assert verdicts(report) == {
        "orders.order -> pack": "shown call",
        "pack -> send": "shown call",
        "orders.order -> send": "shown call",
    }
    assert faults(report) == []


def test_computed_declarations_are_reported_where_edges_must_be_shown(tmp_path: Path) -> None:
    """A computed name, flow or predecessor is no error, but HR110 where everything is required."""
    write(
        tmp_path,
        {
            "program.py": """
                import os
                from headrace import flow, step
                f = flow("f")
                @f.entrypoint
                def start():
                    a()
                @f.step(after=os.environ["BEFORE"])
                def a(): ...
                @f.step(after="start", name=os.environ["NAME"])
                def b(): ...
                @step(os.environ["FLOW"], after="start")
                def c(): ...
            """
        },
    )

    assert check([str(tmp_path)]).findings == []
    assert [one.message for one in check([str(tmp_path)], require_shown=True).findings] == [
        "what 'a' is declared after is computed",
        "the step's name is computed where 'b' is declared",
        "the flow's name is computed where 'c' is declared",
    ]


def test_what_declares_no_step_changes_nothing(tmp_path: Path) -> None:
    """A task without a flow, a flow with a computed name, and a runner of no chain."""
    report = check_text(
        tmp_path,
        """
        import os
        from headrace import Chain, entrypoint, flow, step
        from headrace_celery import chain_task, flow_task
        computed = flow(os.environ["FLOW"])
        @computed
        class Work:
            @flow_task
            def plain(self): ...
        named = flow("named")(os.environ)
        @flow_task()
        def bare(): ...
        chain_task("app", os.environ)
        def run(c): ...
        Chain("g").parallel(run, Chain("g").next(run)).run()
        with computed.open():
            start()
        @entrypoint("f")
        def start():
            a()
            b()
        @step("f", after="start")
        def a(): ...
        @step("f", after="a")
        def b(): ...
        """,
    )

    assert {one.id: one.verdict for one in report.edges if one.flow == "f"} == {
        "f:start->a": "shown", "f:a->b": "shown",
    }  # fmt: skip
    assert faults(report) == []
