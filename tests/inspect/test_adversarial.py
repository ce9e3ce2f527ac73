"""Programs as teams write them, each about one thing that was once seen wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.program_kit import check_text, verdicts

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

    assert verdicts(report) == {"start -> a": "shown canvas", "a -> b": "shown canvas"}


def test_work_that_is_not_known_may_be_any_task(tmp_path: Path) -> None:
    """What a group consists of is made elsewhere: nothing is shown."""
    code = "group(paths.works()).delay()"

    report = check_text(tmp_path, CANVAS.format(code=code))

    assert verdicts(report) == {"start -> a": "not shown", "a -> b": "not shown"}


def test_work_that_is_perhaps_known_is_added_to(tmp_path: Path) -> None:
    """Behind one of two works stands another: what is known of them runs in this order."""
    code = "job = paths.first() if paths.kind else group(a.s(1)); job |= b.s(); job()"

    report = check_text(tmp_path, CANVAS.format(code=code))

    assert verdicts(report) == {"start -> a": "shown canvas", "a -> b": "shown canvas"}


def test_work_that_is_not_known_is_added_to(tmp_path: Path) -> None:
    """What comes before the work that is added is not known, so nothing is shown."""
    code = "job = paths.first(); job |= b.s(); job.delay()"

    report = check_text(tmp_path, CANVAS.format(code=code))

    assert verdicts(report) == {"start -> a": "not shown", "a -> b": "not shown"}


def test_a_task_sent_by_its_name_has_links(tmp_path: Path) -> None:
    """``send_task`` takes ``link=`` as ``apply_async`` does."""
    code = 'app.send_task("program.a", args=[paths], link=b.s())'

    report = check_text(tmp_path, CANVAS.format(code=code))

    assert verdicts(report) == {"start -> a": "shown enqueue", "a -> b": "shown canvas"}


def test_a_link_and_an_errback_exclude_each_other(tmp_path: Path) -> None:
    """What runs if a task fails never comes behind what runs if it succeeds."""
    code = "done.apply_async(link=a.s(), link_error=b.s())"
    done = "\n\n@app.task\ndef done(): ...\n"

    report = check_text(tmp_path, CANVAS.format(code=code) + done)

    assert verdicts(report) == {"start -> a": "shown canvas", "a -> b": "not shown"}


def test_an_async_method_of_an_annotated_instance_is_awaited(tmp_path: Path) -> None:
    """Perhaps a subclass overrides the method: whichever it is, awaiting it runs it."""
    report = check_text(
        tmp_path,
        """
        from headrace import entrypoint, step

        class Hub:
            @step("f", after="start")
            async def a(self): ...

        @entrypoint("f")
        async def start(hub: Hub):
            await hub.a()
            await b()

        @step("f", after="a")
        async def b(): ...
        """,
    )

    assert verdicts(report) == {"start -> a": "shown call", "a -> b": "shown call"}


def test_coroutines_in_lists_that_loops_fill_are_awaited(tmp_path: Path) -> None:
    """By ``gather(*jobs)``, and by a loop over the tasks."""
    report = check_text(
        tmp_path,
        """
        import asyncio
        from headrace import entrypoint, step

        @entrypoint("f")
        async def start(xs, job):
            jobs = []
            for x in xs:
                jobs.append(a(x))
            await asyncio.gather(*jobs)
            waiting = set()
            for x in xs:
                waiting.add(b(x))
            for job in waiting:
                await job
            if xs:
                await c()
            else:
                await d()

        @step("f", after="start")
        async def a(x): ...

        @step("f", after="a")
        async def b(x): ...

        @step("f", after="b")
        async def c(): ...

        @step("f", after=["b", "c"])
        async def d(): ...
        """,
    )

    assert verdicts(report) == {
        "start -> a": "shown call",
        "a -> b": "shown call",
        "b -> c": "shown call",
        "b -> d": "shown call",
        "c -> d": "not shown",
    }


def test_a_context_manager_that_a_library_enters_is_read(tmp_path: Path) -> None:
    """A lifespan runs what stands before and behind its ``yield``, in this order."""
    report = check_text(
        tmp_path,
        """
        from contextlib import asynccontextmanager
        from fastapi import FastAPI
        from headrace import entrypoint, step

        @asynccontextmanager
        async def lifespan(app):
            await start()
            yield
            await b()

        app = FastAPI(lifespan=lifespan)

        @entrypoint("f")
        async def start():
            await a()

        @step("f", after="start")
        async def a(): ...

        @step("f", after="a")
        async def b(): ...
        """,
    )

    assert verdicts(report) == {"start -> a": "shown call", "a -> b": "shown call"}


DEAD = [
    "return\n    b()",
    "raise ValueError\n    b()",
    "if x:\n        return\n    else:\n        raise ValueError\n    b()",
    "try:\n        return x\n    finally:\n        print()\n    b()",
    "match x:\n        case 1:\n            return\n        case _:\n            return\n    b()",
]


@pytest.mark.parametrize("code", DEAD)
def test_what_stands_behind_the_end_is_not_run(tmp_path: Path, code: str) -> None:
    """A call behind a return shows nothing."""
    program = f"""
from headrace import entrypoint, step

@entrypoint("f")
def start(x):
    {code}

@step("f", after="start")
def b(): ...
"""

    report = check_text(tmp_path, program)

    assert verdicts(report) == {"start -> b": "not shown"}


MANAGERS = """
from django.db import models
from headrace import entrypoint, step


class ThingQuerySet(models.QuerySet):
    def fresh(self):
        return self.filter(old=False)

    @step("f", after="made")
    def cleared(self):
        return self.update(old=True)


class ThingManager(models.Manager.from_queryset(ThingQuerySet)):
    def make(self, name):
        thing = self.model(name=name)
        thing.made()
        return thing


class Thing(models.Model):
    objects = ThingManager()
    others = ThingQuerySet.as_manager()

    @step("f", after="start")
    def made(self): ...

    @step("f", after="cleared")
    def kept(self): ...


@entrypoint("f")
def start():
    Thing.objects.make("x")
    Thing.others.fresh().order_by("name").cleared()
    for thing in Thing.objects.fresh().exclude(name="y"):
        thing.kept()
"""


def test_managers_and_query_sets_of_ones_own_know_their_model(tmp_path: Path) -> None:
    """Methods of managers and query sets are followed, ``self.model`` and elements known."""
    report = check_text(tmp_path, MANAGERS)

    assert verdicts(report) == {
        "start -> made": "shown call",
        "made -> cleared": "shown call",
        "cleared -> kept": "shown call",
    }


def test_super_leads_from_a_mixin_to_the_next_base(tmp_path: Path) -> None:
    """``super()`` in a mixin without bases finds the method of the class that follows it."""
    report = check_text(
        tmp_path,
        """
        from headrace import entrypoint, step

        class Pager:
            def call(self):
                self.a()

            @step("f", after="call")
            def a(self): ...

        class Logged:
            def call(self):
                print("log")
                super().call()

        class Ward(Logged, Pager):
            @entrypoint("f")
            def call(self):
                super().call()
        """,
    )

    assert verdicts(report) == {"call -> a": "shown call"}


def test_an_exit_stack_enters_asynchronously(tmp_path: Path) -> None:
    """``enter_async_context`` runs ``__aenter__``; what leaving the stack runs is not followed."""
    report = check_text(
        tmp_path,
        """
        from contextlib import AsyncExitStack
        from headrace import entrypoint, step

        class Line:
            async def __aenter__(self):
                await a()

            async def __aexit__(self, *exc):
                await b()

        @entrypoint("f")
        async def start():
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(Line())

        @step("f", after="start")
        async def a(): ...

        @step("f", after="a")
        async def b(): ...
        """,
    )

    assert verdicts(report) == {"start -> a": "shown call", "a -> b": "not shown"}


SENT = """
from celery import Celery
from headrace import entrypoint
from headrace_celery import flow_task

app = Celery("f")


@entrypoint("f")
def start(what):
    app.send_task(f"mail.{{what}}")


@flow_task("f", after="start", app=app, name={name})
def a(): ...


@flow_task("f", after="a", app=app, name="letters.print")
def b(): ...
"""


@pytest.mark.parametrize("name", ['"mail.send"', "start.__name__"])
def test_a_name_with_a_known_beginning_is_that_of_tasks_that_fit(tmp_path: Path, name: str) -> None:
    """The rest of a task's name is computed: tasks whose names begin otherwise are not meant."""
    report = check_text(tmp_path, SENT.format(name=name))

    assert verdicts(report) == {"start -> a": "not shown", "a -> b": "not shown"}


def test_a_dependency_that_needs_itself_is_followed_once(tmp_path: Path) -> None:
    """FastAPI would refuse it when it starts; the check goes on."""
    report = check_text(
        tmp_path,
        """
        from fastapi import Depends, FastAPI
        from headrace import entrypoint, step

        app = FastAPI()

        def current(user=Depends(lambda: current())):
            return user

        def again(other=Depends(current), own=Depends(again)):
            return own

        @app.get("/")
        @entrypoint("f")
        def start(user=Depends(again)):
            a()

        @step("f", after="start")
        def a(): ...
        """,
    )

    assert verdicts(report) == {"start -> a": "shown call"}
    assert report.problems == []
