"""What a trial on unseen programs found missing, or wrongly shown: each by its kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace_inspect._discover._command import main
from headrace_inspect._hazards import hazards_in
from tests.inspect.program_kit import write
from tests.inspect.shown_kit import analyse_folder, shown

_CLIENT = """
    import httpx
    from headrace import entrypoint

    class Gateway:
        def __init__(self, url):
            self.client = httpx.Client(base_url=url)

        @entrypoint("f")
        def pay(self):
            self.client.post({url})
"""
_ROUTES = """
    from fastapi import APIRouter
    from headrace import step

    router = APIRouter(prefix="/v1")

    @router.post("/payments")
    @step("f", after="pay")
    def payments(): ...
"""


@pytest.mark.parametrize(
    ("client", "url", "kind"),
    [
        ("app/gateway.py", '"/v1/payments"', None),
        ("shop/gateway.py", '"/v1/payments"', "http"),
        ("shop/gateway.py", '"/api/v1/payments"', None),
        ("shop/gateway.py", '"/payments"', None),
        ("shop/gateway.py", '"https://pay.example/v1/payments"', None),
        ("app/gateway.py", '"http://localhost:80/v1/payments?a=1"', "http"),
        ("app/gateway.py", 'f"http://{host}/v1/payments"', "http"),
        ("shop/gateway.py", 'f"/v1/{what}"', None),
    ],
)
def test_a_request_reaches_a_route_by_its_whole_path(
    tmp_path: Path, client: str, url: str, kind: str | None
) -> None:
    """The host is plainly ours, or the route another package's; the end of a path is no proof."""
    files = {client: _CLIENT.replace("{url}", url), "app/routes.py": _ROUTES}
    packages = {f"{name}/__init__.py": "" for name in ("app", "shop")}
    assert shown(tmp_path, files | packages) == ({} if kind is None else {"pay -> payments": kind})


def test_enumerations_and_defaults_name_tasks(tmp_path: Path) -> None:
    """A member, its value, and a constant behind an environment variable are names of tasks."""
    files = {
        "names.py": """
            from enum import Enum
            from os import getenv

            class Name(str, Enum):
                one = "task.one"
                TWO = "task.two"

            MAIN = getenv("MAIN") or "task.main"
        """,
        "tasks.py": """
            from celery import Celery
            from headrace import step
            from names import MAIN, Name

            app = Celery()

            @app.task(name=Name.one)
            @step("f", after="start")
            def one(): ...

            @app.task(name=Name.TWO.value)
            @step("f", after="start")
            def two(): ...

            @app.task(name=MAIN)
            @step("f", after="start")
            def main(): ...
        """,
        "sender.py": """
            from os import getenv
            from celery import group, signature
            from headrace import entrypoint
            from names import Name
            from tasks import app

            class Base:
                name: Name

                @classmethod
                def made(cls):
                    return signature(cls.name.value)

            class Two(Base):
                name = Name.TWO

            @entrypoint("f")
            def start():
                app.send_task(name=getenv("MAIN") or "task.main")
                signature(Name.one).delay()
                made = []
                made.append(Two.made())
                group(made).delay()
        """,
    }
    names = ("one", "two", "main")
    assert set(shown(tmp_path, files)) == {f"start -> {name}" for name in names}


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("from flask.signals import Namespace", 'Namespace().signal("done")'),
        ("from blinker.base import Namespace", 'Namespace().signal("done")'),
        ("from django.dispatch.dispatcher import Signal", "Signal()"),
    ],
)
def test_what_a_library_offers_twice_is_known_once(tmp_path: Path, line: str, call: str) -> None:
    """A class is the same under its package and in the module that defines it."""
    files = {
        "signals.py": f"{line}\ndone = {call}",
        "app.py": """
            from headrace import entrypoint, step
            from signals import done

            @entrypoint("f")
            def start():
                done.send(None)

            @done.connect
            @step("f", after="start")
            def hear(sender): ...
        """,
    }
    assert shown(tmp_path, files) == {"start -> hear": "signal"}


@pytest.mark.parametrize(
    ("base", "objects", "expression"),
    [
        ("models.Model", "objects = InheritanceManager()", "D.objects.select_subclasses().get()"),
        ("models.Model", "objects = InheritanceManager()", "D.objects.filter(a=1).first()"),
        ("Document", "pass", "D.objects.get(id=1)"),
        ("Document", "objects: QS", "D.objects(id=1).first()"),
        ("db.Document", "pass", "D.objects.get_or_404(id=1)"),
        ("db.Document", "pass", "next(one for one in D.objects(id=1))"),
    ],
)
def test_objects_of_a_class_are_its_instances(
    tmp_path: Path, base: str, objects: str, expression: str
) -> None:
    """Managers of other libraries and documents give what Django's managers give."""
    source = f"""
        from django.db import models
        from flask_mongoengine import MongoEngine
        from model_utils.managers import InheritanceManager
        from mongoengine import Document
        from typing import TypeVar
        from headrace import entrypoint, step

        QS = TypeVar("QS")
        db = MongoEngine()

        class D({base}):
            {objects}

            @step("f", after="start")
            def work(self): ...

        @entrypoint("f")
        def start():
            d = {expression}
            d.work()
    """
    assert shown(tmp_path, {"app.py": source}) == {"start -> work": "call"}


def test_objects_of_a_plain_class_are_what_it_says(tmp_path: Path) -> None:
    """No library is involved: ``objects`` is an attribute as any other."""
    source = """
        from headrace import entrypoint, step

        class Registry:
            def get(self):
                return None

        class D:
            objects = Registry()

            @step("f", after="start")
            def work(self): ...

        @entrypoint("f")
        def start():
            D.objects.get().work()
    """
    assert shown(tmp_path, {"app.py": source}) == {}


def test_options_of_an_own_decorator_are_not_known(tmp_path: Path) -> None:
    """Whether such a task is bound depends on the decorator, so its arguments are not judged."""
    source = """
        from celery import Celery

        app = Celery()

        def job(name, **options):
            return app.task(**options, name=name, bind=True)

        @job("one")
        def one(self, number): ...

        @app.task
        def two(number): ...

        def start():
            one.delay(1)
            two.delay()
    """
    write(tmp_path, {"app.py": source})
    found = hazards_in(analyse_folder(tmp_path).engine)
    assert [one.message.partition(" ")[0] for one in found] == ["`two`"]


def test_background_tasks_are_on_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a request leaves to ``BackgroundTasks`` is a task of its own."""
    source = """
        from fastapi import BackgroundTasks, FastAPI

        app = FastAPI()

        def mail(): ...

        @app.post("/orders")
        def order(background: BackgroundTasks):
            background.add_task(mail)
    """
    monkeypatch.chdir(write(tmp_path, {"app.py": source}))
    main(["--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert {one["id"]: one["kind"] for one in found["nodes"]} == {
        "app.order": "route",
        "app.mail": "task",
    }
    assert [(one["source"], one["target"]) for one in found["edges"]] == [("app.order", "app.mail")]


def test_what_is_repeated_has_its_order_inside(tmp_path: Path) -> None:
    """A function that is called twice shows no order but its own, as one that restarts."""
    source = """
        from headrace import entrypoint, step

        def save(number):
            tell(number)
            store(number)

        @step("f", after="store")
        def tell(number): ...

        @entrypoint("f")
        @step("f", after="tell")
        def store(number): ...

        def two():
            save(1)
            save(2)

        def restart():
            save(1)
            restart()
    """
    assert shown(tmp_path, {"app.py": source}) == {"tell -> store": "call"}


def test_super_depends_on_the_class_of_the_object(tmp_path: Path) -> None:
    """In a mixin it is the next class of the object, however many classes share the mixin."""
    others = "\n".join([f"class Other{n}(Mixin): ...\nOther{n}().save()" for n in range(12)])
    head = """
from headrace import entrypoint, step

class Base:
    def save(self): ...

class Mixin(Base):
    def save(self):
        super().save()
"""
    rest = """
class Status(Base):
    @step("f", after="start")
    def save(self):
        super().save()

class Boost(Mixin, Status): ...

@entrypoint("f")
def start():
    Boost().save()
"""
    assert shown(tmp_path, {"app.py": head + others + rest}) == {"start -> save": "call"}


def test_coroutines_go_through_a_helper_of_many(tmp_path: Path) -> None:
    """A helper that starts whatever coroutine it is given starts each for its own caller."""
    others = "\n".join([
        f"async def work{n}(): ...\ndef other{n}():\n    create_task(work{n}())" for n in range(12)
    ])
    head = """
import asyncio

from headrace import entrypoint, step

def create_task(coroutine):
    return asyncio.create_task(coroutine)

"""
    rest = """
@step("f", after="start")
async def pay(): ...

@entrypoint("f")
async def start():
    task = create_task(pay())
    await asyncio.wait_for(task, 3)
"""
    assert shown(tmp_path, {"app.py": head + others + rest}) == {"start -> pay": "call"}


def test_a_declared_class_is_worth_more_than_what_a_library_returns(tmp_path: Path) -> None:
    """What a function of a library returns has no methods that are known; its annotation has."""
    source = """
        from importlib import import_module
        from headrace import entrypoint, step

        class Connector:
            @step("f", after="start")
            def load(self): ...

        def connector(name) -> Connector:
            return import_module(f"connectors.{name}").Connector(name)

        @entrypoint("f")
        def start(name):
            connector(name).load()
    """
    assert shown(tmp_path, {"app.py": source}) == {"start -> load": "call"}


@pytest.mark.parametrize(
    ("call", "is_shown"),
    [
        ("save(tell=False)", False),
        ("save(tell=True)", True),
        ("save()", True),
        ("store(tell=False)", False),
        ("change(tell=False)", True),
    ],
)
def test_a_literal_argument_decides_a_condition(
    tmp_path: Path, call: str, *, is_shown: bool
) -> None:
    """What a call says of a parameter holds until the parameter is assigned."""
    source = f"""
        from headrace import entrypoint, step

        def save(*, tell=True, urgent=False):
            if not tell or later(urgent):
                return
            mail()

        def store(**options):
            save(**options)

        def change(*, tell):
            tell = settings.tell
            if tell:
                mail()

        @step("f", after="start")
        def mail(): ...

        @entrypoint("f")
        def start():
            {call}
    """
    assert shown(tmp_path, {"app.py": source}) == ({"start -> mail": "call"} if is_shown else {})
