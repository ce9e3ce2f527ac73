"""What the new analyser follows, construct by construct."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.program_kit import write
from tests.inspect.shown_kit import analyse_folder, places, shown, shown_after

CELERY = """
from celery import Celery, chain, chord, group, shared_task
from headrace import flow
from headrace_celery import flow_task

app = Celery("program")
f = flow("f")


@f.entrypoint
def start(x):
    {code}


@flow_task("f", after="start", app=app)
def a(x): ...


@flow_task("f", after="a", app=app, name="work.b")
def b(x): ...
"""
DJANGO = """
from django.db import models, transaction
from django.db.models.signals import post_save
from django.dispatch import Signal, receiver
from headrace import flow

f = flow("f")
paid = Signal()


class Customer(models.Model):
    @f.step(after="start")
    def a(self): ...


class Orders(models.QuerySet):
    def open(self):
        return self.filter(closed=None)

    @f.step(after="a")
    def archive(self): ...


class Order(models.Model):
    customer = models.ForeignKey("Customer", models.CASCADE, related_name="orders")
    objects = Orders.as_manager()

    @f.step(after="a")
    def b(self): ...


@receiver(paid)
@f.step(after="a")
def note(sender, **kwargs): ...


@receiver(post_save, sender=Order)
def index(sender, **kwargs):
    write_index()


@f.step(after="a")
def write_index(): ...


@f.step(after="a")
def mail(): ...


@f.entrypoint
def start(order: Order, customer: Customer):
    {code}
"""
FOLLOWED = {
    "a call in a helper": "def start():\n    a()\n    helper()\n\ndef helper():\n    b()",
    "a class that is constructed": """
class Till:
    def charge(self):
        b()

def start():
    a()
    Till().charge()
""",
    "an object in an attribute": """
class Till:
    def charge(self):
        b()

class Shop:
    def __init__(self):
        self.till = Till()

    def sell(self):
        a()
        self.till.charge()

def start():
    Shop().sell()
""",
    "an object that the constructor is given": """
class Till:
    def charge(self):
        b()

class Shop:
    def __init__(self, till):
        self._till = till

    def sell(self):
        a()
        self._till.charge()

def start():
    Shop(Till()).sell()
""",
    "an annotated parameter": """
class Till:
    def charge(self):
        b()

def start(till: "Till | None"):
    a()
    till.charge()
""",
    "an annotated result": """
class Till:
    def charge(self):
        b()

def till() -> Till:
    return known["till"]

def start():
    a()
    till().charge()
""",
    "a result": """
class Till:
    def charge(self):
        b()

def till():
    return Till()

def start():
    a()
    till().charge()
""",
    "a method that is inherited": """
class Base:
    def charge(self):
        b()

class Till(Base): ...

def start():
    a()
    Till().charge()
""",
    "super()": """
class Base:
    def charge(self):
        b()

class Till(Base):
    def charge(self):
        a()
        super().charge()

def start():
    Till().charge()
""",
    "a method that a subclass overrides": """
class Base:
    def sell(self):
        a()
        self.charge()

    def charge(self):
        raise NotImplementedError

class Till(Base):
    def charge(self):
        b()

def start(till: Base):
    till.sell()
""",
    "a function as an argument": """
def start():
    a()
    twice(b)

def twice(function):
    function()
    function()
""",
    "a decorator that calls what it wraps": """
import functools

def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        a()
        return function(*args, **kwargs)
    return wrapper

@logged
def work():
    b()

def start():
    work()
""",
    "a decorator with arguments": """
def retried(times):
    def decorate(function):
        def wrapper(*args):
            a()
            return function(*args)
        return wrapper
    return decorate

@retried(3)
def work():
    b()

def start():
    work()
""",
    "a pool": """
from concurrent.futures import ThreadPoolExecutor

def start(xs):
    a()
    with ThreadPoolExecutor() as pool:
        pool.map(b, xs)
""",
    "a thread": """
from threading import Thread

def start():
    a()
    Thread(target=b, args=(1,)).start()
""",
    "a list of plugins": """
PLUGINS = []

def plugin(function):
    PLUGINS.append(function)
    return function

@plugin
def known():
    b()

def start():
    a()
    for one in PLUGINS:
        one()
""",
    "an object that another function adds to a list": """
class Registry:
    def __init__(self):
        self.handlers = []

class Stripe:
    def go(self):
        b()

class Other:
    def go(self): ...

def setup(registry: Registry):
    registry.handlers.append(Stripe())

def start(registry: Registry):
    a()
    for one in registry.handlers:
        one.go()
""",
    "an object that another function stores": """
class Registry: ...

class Stripe:
    def go(self):
        b()

class Other:
    def go(self): ...

def setup(registry: Registry):
    registry.handler = Stripe()

def start(registry: Registry):
    a()
    registry.handler.go()
""",
    "plugins in the order of their list": """
def start():
    for one in [a, b]:
        one()
""",
    "a table": "TABLE = {'b': b}\n\ndef start(name):\n    a()\n    TABLE[name]()",
    "a partial": """
from functools import partial

def start():
    a()
    run = partial(b, 1)
    run()
""",
    "a context manager": """
from contextlib import contextmanager

@contextmanager
def opened():
    yield
    b()

def start():
    with opened():
        a()
""",
    "an exception handler": """
def start():
    try:
        a()
    except ValueError:
        b()
""",
    "one branch or none": "def start(x):\n    if x:\n        a()\n    b()",
}
NOT_SHOWN = {
    "two branches": "def start(x):\n    if x:\n        a()\n    else:\n        b()",
    "behind a return": "def start(x):\n    if x:\n        a()\n        return\n    b()",
    "the other way round": "def start():\n    b()\n    a()",
    "else, and then an exception handler": """
def start():
    try:
        check()
    except ValueError:
        b()
    else:
        a()

def check(): ...
""",
    "a function that is not called": "def start():\n    a()\n    x = b",
    "side by side": """
import asyncio

async def one():
    a()

async def other():
    b()

async def start():
    await asyncio.gather(one(), other())
""",
    "behind an exit": "import sys\n\ndef start():\n    a()\n    sys.exit()\n    b()",
    "a coroutine that nobody awaits": """
async def other():
    b()

async def start():
    a()
    other()
""",
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_follows_a_construct(tmp_path: Path, name: str) -> None:
    """The code runs a and then b, and is shown to do so."""
    assert shown_after(tmp_path, FOLLOWED[name]) == "call"


@pytest.mark.parametrize("name", NOT_SHOWN)
def test_does_not_show_what_the_code_does_not_do(tmp_path: Path, name: str) -> None:
    """No path of the code runs a and then b."""
    assert shown_after(tmp_path, NOT_SHOWN[name]) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a.delay(x); b.delay(x)", ["enqueue", "enqueue"]),
        ("a.apply_async((x,), link=b.s())", ["enqueue", "canvas"]),
        ("chain(a.s(x), b.s()).delay()", ["canvas", "canvas"]),
        ("(a.s(x) | b.s())()", ["canvas", "canvas"]),
        ("chord([a.s(1)])(b.s())", ["canvas", "canvas"]),
        ("job = a.s(x); job |= b.s(); job.delay()", ["canvas", "canvas"]),
        ("a.delay(x); app.send_task('work.b')", ["enqueue", "enqueue"]),
        ("group(a.s(x), b.s(x)).delay()", ["canvas", None]),
        ("chain(a.s(x), b.s())", [None, None]),
    ],
)
def test_follows_tasks(tmp_path: Path, code: str, expected: list[str | None]) -> None:
    """Publishing counts as running, in the order of the source or of the canvas."""
    found = shown(tmp_path, {"program.py": CELERY.format(code=code)})

    assert [found.get("start -> a"), found.get("a -> b")] == expected


@pytest.mark.parametrize(
    ("code", "edge", "kind"),
    [
        ("order.customer.a(); Order.objects.open().first().b()", "a -> b", "call"),
        ("customer.a(); Order.objects.filter(x=1).get().b()", "a -> b", "call"),
        ("customer.a()\n    for one in Order.objects.open():\n        one.b()", "a -> b", "call"),
        ("customer.a(); Order.objects.open().archive()", "a -> archive", "call"),
        ("customer.a(); paid.send(None)", "a -> note", "signal"),
        ("customer.a(); order.save()", "a -> write_index", "signal"),
        (
            "customer.a()\n    for model in (Customer, Order):\n        post_save.send(model)",
            "a -> write_index",
            "signal",
        ),
        ("customer.a(); Order.objects.create(x=1)", "a -> write_index", "signal"),
        ("customer.a(); transaction.on_commit(mail)", "a -> mail", "on_commit"),
        ("customer.a(); transaction.on_commit(lambda: mail())", "a -> mail", "on_commit"),
    ],
)
def test_follows_models(tmp_path: Path, code: str, edge: str, kind: str) -> None:
    """Relations, managers, signals, and what waits for the commit."""
    assert shown(tmp_path, {"program.py": DJANGO.format(code=code)}).get(edge) == kind


@pytest.mark.parametrize(
    "sending", ["customer.save()", "post_save.send(Customer)", "post_save.send(load())"]
)
def test_a_receiver_with_a_sender_hears_no_other(tmp_path: Path, sending: str) -> None:
    """It is called for that model alone, and no call is claimed for an unknown sender."""
    program = DJANGO.format(code=f"customer.a(); {sending}")

    assert "a -> write_index" not in shown(tmp_path, {"program.py": program})


def test_what_waits_for_the_commit_is_behind_the_block(tmp_path: Path) -> None:
    """What is put off at the top of a transaction runs behind the rest of the block."""
    code = "with transaction.atomic():\n        transaction.on_commit(mail)\n        customer.a()"

    found = shown(tmp_path, {"program.py": DJANGO.format(code=code)})

    assert found["a -> mail"] == "on_commit"


def test_follows_imports_and_exports(tmp_path: Path) -> None:
    """Names come over packages that export them again, with stars and other names."""
    found = shown(
        tmp_path,
        {
            "shop/__init__.py": "from .api import *\n",
            "shop/api/__init__.py": "from ._steps import pay as settle, receive\n"
            "__all__ = ['settle', 'receive']\n",
            "shop/api/_steps.py": """
                from headrace import entrypoint, step

                @entrypoint("order")
                def receive(): ...

                @step("order", after=receive)
                def pay(): ...
            """,
            "main.py": "import shop\n\ndef main():\n    shop.receive()\n    shop.settle()\n",
        },
    )

    assert found == {"receive -> pay": "call"}


def test_evidence_is_a_chain_of_places(tmp_path: Path) -> None:
    """The evidence names each call on the way: file, line and kind, and the function it is in."""
    write(
        tmp_path,
        {
            "main.py": """\
                import helpers
                from headrace import entrypoint

                @entrypoint("f")
                def start():
                    helpers.work()
            """,
            "helpers.py": """\
                from headrace_celery import flow_task

                def work():
                    for one in range(3):
                        mail.delay(one)

                @flow_task("f", after="start")
                def mail(one): ...
            """,
        },
    )

    edges = [*analyse_folder(tmp_path).edges.values()]

    assert places(edges, "f:start->mail") == [("main.py", 6, "call"), ("helpers.py", 5, "enqueue")]
    assert [link.scope for link in edges[0].evidence] == ["start", "work"]


def test_a_request_reaches_the_route_that_fits(tmp_path: Path) -> None:
    """A request to another service of the same source runs its endpoint."""
    found = shown(
        tmp_path,
        {
            "one.py": """
                import httpx
                from headrace import entrypoint

                @entrypoint("f")
                def start(number):
                    httpx.post(f"http://localhost:8000/orders/{number}/ship")
            """,
            "two.py": """
                from flask import Flask
                from headrace import step

                app = Flask(__name__)

                @app.post("/orders/<number>/ship")
                @step("f", after="start")
                def ship(number): ...

                @app.post("/orders/<number>/pay")
                @step("f", after="start")
                def pay(number): ...
            """,
        },
    )

    assert found == {"start -> ship": "http"}


def test_follows_other_queues(tmp_path: Path) -> None:
    """Dramatiq, RQ and Huey publish, too: by the task, by the function, and by its name."""
    found = shown(
        tmp_path,
        {
            "work.py": """
                import dramatiq, django_rq
                from headrace import entrypoint, step
                from huey import RedisHuey
                from rq import Queue

                huey = RedisHuey("work")

                @entrypoint("f")
                def start(queue: Queue):
                    one.send(1)
                    two.delay(2)
                    queue.enqueue(three, 1)
                    Queue("slow").enqueue("work.four", 1)
                    five.schedule(args=(1,))

                @dramatiq.actor
                @step("f", after="start")
                def one(x): ...

                @django_rq.job
                @step("f", after="one")
                def two(x): ...

                @step("f", after="two")
                def three(x): ...

                @step("f", after="three")
                def four(x): ...

                @huey.task()
                @step("f", after="four")
                def five(x): ...
            """
        },
    )

    assert found == {
        "start -> one": "enqueue",
        "one -> two": "enqueue",
        "two -> three": "enqueue",
        "three -> four": "enqueue",
        "four -> five": "enqueue",
    }


def test_what_a_task_runs_is_not_over_when_its_publisher_goes_on(tmp_path: Path) -> None:
    """Publishing a task comes before what stands below it; what the task runs does not."""
    found = shown(
        tmp_path,
        {
            "work.py": """
                from celery import shared_task
                from headrace import entrypoint, step

                @entrypoint("f")
                def start():
                    report.delay()
                    clean()

                @shared_task
                @step("f", after="start")
                def report():
                    render()

                @step("f", after="report")
                def render(): ...

                @step("f", after=["report", "render"])
                def clean(): ...
            """
        },
    )

    assert found == {
        "start -> report": "enqueue",
        "report -> render": "call",
        "report -> clean": "call",
    }


def test_a_way_over_many_calls_is_no_evidence(tmp_path: Path) -> None:
    """Over many helpers, nearly any two steps run in some order: that shows nothing."""
    helpers = "\n".join(f"def h{n}(): h{n + 1}()" for n in range(12))
    code = f"def start():\n    a()\n    h0()\n\n{helpers}\n\ndef h12(): b()\n"

    assert shown_after(tmp_path, code) is None
    assert shown_after(tmp_path, code.replace("h0()", "h8()")) == "call"


def test_an_unknown_decorator_may_make_a_task(tmp_path: Path) -> None:
    """A function that has ``delay`` is a task, whatever decorates it."""
    code = """
from our.queues import job

@job
def later():
    b()

def start():
    a()
    later.delay(1)
"""
    assert shown_after(tmp_path, code) == "enqueue"


def test_values_that_grow_with_each_call_come_to_an_end(tmp_path: Path) -> None:
    """A generator that goes through itself makes no value that is nested without end."""
    code = """
def walk(folder, levels, found=()):
    for one in folder:
        yield from walk(one, levels - 1, [walk(one, levels, found), found, levels])

def start(pool: "Future", task: "asyncio.Task"):
    a()
    for one in walk([1], 9):
        b()
    pool.result()
    task.result()

import asyncio
from concurrent.futures import Future
"""
    assert shown_after(tmp_path, code) == "call"
