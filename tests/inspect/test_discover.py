"""``headrace discover``: the map of a program that declares nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headrace_inspect._discover._command import main
from tests.inspect.program_kit import write
from tests.inspect.shown_kit import analyse_folder

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "discover.schema.json"
PROGRAM = {
    "shop/__init__.py": "",
    "shop/settings.py": """
        CELERY_BEAT_SCHEDULE = {
            "every night": {"task": "shop.tasks.clean", "schedule": 3600},
        }
    """,
    "shop/models.py": """
        from django.db import models

        class Order(models.Model): ...
    """,
    "shop/tasks.py": """
        from celery import shared_task
        import httpx

        @shared_task
        def mail(number):
            httpx.post("http://localhost/prints/3")

        @shared_task
        def clean():
            archive()

        def archive():
            store.delay()

        @shared_task(name="deep.store")
        def store(): ...
    """,
    "shop/receivers.py": """
        from django.db.models.signals import post_save
        from django.dispatch import receiver
        from shop.models import Order
        from shop.tasks import mail

        @receiver(post_save, sender=Order)
        def on_order(sender, **kwargs):
            mail.delay(1)
    """,
    "shop/views.py": """
        from django.db import transaction
        from django.views import View
        from shop.models import Order
        from shop.tasks import store

        def place(request):
            save()

        def save():
            Order().save()

        class Cancel(View):
            def post(self, request, number):
                transaction.on_commit(lambda: store.delay())

            def get(self, request, number): ...
    """,
    "shop/urls.py": """
        from django.urls import include, path
        from shop.views import Cancel, place

        urlpatterns = [
            path("place/", place),
            path("orders/<int:number>/", Cancel.as_view()),
        ]
    """,
    "shop/site_urls.py": """
        from django.urls import include, path

        urlpatterns = [path("shop/", include("shop.urls"))]
    """,
    "shop/management/commands/refill.py": """
        from django.core.management.base import BaseCommand
        from shop.tasks import clean

        class Command(BaseCommand):
            def handle(self, *args, **options):
                clean.delay()
    """,
    "printer/__init__.py": "",
    "printer/app.py": """
        from fastapi import FastAPI

        app = FastAPI()

        @app.post("/prints/{number}")
        def print_(number: int): ...
    """,
    "shop/spare.py": """
        from shop.tasks import mail

        def forgotten():
            mail.delay(2)
    """,
    "shop/tests/test_tasks.py": """
        from shop.tasks import mail

        def test_mail():
            mail.delay(3)
    """,
}
NODES = {
    ("route", "/shop/place", "shop.views.place"),
    ("route", "GET POST /shop/orders/{number}", "shop.views.Cancel"),
    ("route", "POST /prints/{number}", "printer.app.print_"),
    ("command", "refill", "shop.management.commands.refill.Command"),
    ("schedule", "every night", "shop.settings.every night"),
    ("task", "shop.tasks.mail", "shop.tasks.mail"),
    ("task", "shop.tasks.clean", "shop.tasks.clean"),
    ("task", "deep.store", "shop.tasks.store"),
    ("receiver", "shop.receivers.on_order", "shop.receivers.on_order"),
    ("function", "shop.spare.forgotten", "shop.spare.forgotten"),
}
EDGES = {
    ("shop.views.place", "shop.receivers.on_order", "signal"),
    ("shop.views.Cancel", "shop.tasks.store", "on_commit"),
    ("shop.receivers.on_order", "shop.tasks.mail", "enqueue"),
    ("shop.tasks.mail", "printer.app.print_", "http"),
    ("shop.tasks.clean", "shop.tasks.store", "enqueue"),
    ("shop.management.commands.refill.Command", "shop.tasks.clean", "enqueue"),
    ("shop.settings.every night", "shop.tasks.clean", "enqueue"),
    ("shop.spare.forgotten", "shop.tasks.mail", "enqueue"),
}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a program of several frameworks, which is the working directory."""
    monkeypatch.chdir(write(tmp_path, PROGRAM))
    return tmp_path


def discovered(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Return the JSON of a map."""
    assert main([*words, "--format", "json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    return document


def edges_of(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return the edges of a map by source, target and kind."""
    return {(one["source"], one["target"], one["kind"]) for one in document["edges"]}


@pytest.mark.usefixtures("program")
def test_finds_where_a_program_is_entered(capsys: pytest.CaptureFixture[str]) -> None:
    """Routes with their whole paths, commands, schedules, tasks, receivers; and nothing of tests.

    A function is one only where nothing known leads to what it publishes.
    """
    nodes = discovered(capsys)["nodes"]

    assert {(one["kind"], one["name"], one["id"]) for one in nodes} == NODES


@pytest.mark.usefixtures("program")
def test_finds_what_reaches_what(capsys: pytest.CaptureFixture[str]) -> None:
    """By call, queue, signal, HTTP and on commit, through the functions in between."""
    document = discovered(capsys)

    assert edges_of(document) == EDGES
    (signal,) = [one for one in document["edges"] if one["kind"] == "signal"]
    assert [(one["file"], one["text"]) for one in signal["evidence"]][:2] == [
        ("shop/views.py", "save()"),
        ("shop/views.py", "Order().save()"),
    ]


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("name", "begin"),
    [("a.svg", "<svg"), ("a.html", "<!doctype html>"), ("a.dot", "digraph"), ("a.mmd", "graph")],
)
def test_the_ending_of_the_file_tells_the_format(name: str, begin: str) -> None:
    """The map goes into the file, in the format of its ending."""
    assert main(["-o", name]) == 0
    text = Path(name).read_text("utf-8")

    assert text.startswith(begin)
    assert "store" in text


@pytest.mark.usefixtures("program")
def test_text_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """As a tree for each package; the summary goes to standard error."""
    assert main([]) == 0
    out, err = capsys.readouterr()

    assert "● refill" in out
    assert "└── clean [enqueue]" in out
    assert err == "headrace: 10 nodes, 8 edges\n"


def test_a_large_map_has_a_picture_for_each_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page begins with a list of the packages, each of which leads to its own picture."""
    views = "".join(
        f"def view_{number}(request):\n    mail.delay({number})\n\n" for number in range(70)
    )
    paths = ", ".join(f"path('{number}', views.view_{number})" for number in range(70))
    tasks = "".join(
        f"@shared_task\ndef task_{number}():\n    task_{number + 1}.delay()\n\n"
        for number in range(70)
    )
    files = {
        "big/__init__.py": "",
        "big/web/__init__.py": "",
        "big/web/views.py": "from big.jobs.tasks import mail\n" + views,
        "big/web/urls.py": "from django.urls import path\nfrom big.web import views\n"
        f"urlpatterns = [{paths}]\n",
        "big/jobs/__init__.py": "",
        "big/jobs/tasks.py": "from celery import shared_task\n@shared_task\ndef mail(number):\n"
        f"    task_0.delay()\n{tasks}@shared_task\ndef task_70(): ...\n",
    }
    monkeypatch.chdir(write(tmp_path, files))

    assert main(["-o", "map.html"]) == 0
    page = Path("map.html").read_text("utf-8")
    assert page.count("<section ") == 2
    for package in ("big.web.views", "big.jobs.tasks"):
        assert page.count(f"<h2>{package}</h2>") == 1
        assert f'href="#chapter-headrace-{package.replace(".", "-")}' in page


def test_a_body_that_many_classes_inherit_leads_to_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each view leads to what it inherits, and none to another view."""
    views = "".join(f"class View{number}(Base): ...\n" for number in range(40))
    paths = ", ".join(f"path('{number}', views.View{number}.as_view())" for number in range(40))
    base = """
        from celery import shared_task
        from django.views import View

        @shared_task
        def mail(): ...

        class Base(View):
            def get(self, request):
                self.send()

            def send(self):
                mail.delay()
    """
    files = {
        "base.py": base,
        "views.py": f"from base import Base\n{views}",
        "urls.py": f"from django.urls import path\nimport views\nurlpatterns = [{paths}]\n",
    }
    monkeypatch.chdir(write(tmp_path, files))

    assert edges_of(discovered(capsys)) == {
        (f"views.View{number}", "base.mail", "enqueue") for number in range(40)
    }


def test_a_view_with_two_paths_is_one_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A request of either path leads to it."""
    program = """
        import httpx
        from celery import shared_task
        from django.urls import path
        from django.views import View

        class Show(View):
            def get(self, request):
                mail.delay()

        @shared_task
        def mail(): ...

        @shared_task
        def ask():
            httpx.get("http://localhost/second/")

        urlpatterns = [path("first/", Show.as_view()), path("second/", Show.as_view())]
    """
    monkeypatch.chdir(write(tmp_path, {"program.py": program}))

    assert edges_of(discovered(capsys)) == {
        ("program.ask", "program.Show", "http"),
        ("program.Show", "program.mail", "enqueue"),
    }


def test_a_task_that_publishes_itself_has_an_edge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It leads to itself by the queue; a function that calls itself does not, and all is drawn."""
    program = """
        from celery import shared_task

        @shared_task
        def clean(number):
            clean.delay(number + 1)

        @shared_task
        def count(number):
            count(number + 1)
    """
    monkeypatch.chdir(write(tmp_path, {"program.py": program}))

    assert edges_of(discovered(capsys)) == {("program.clean", "program.clean", "enqueue")}
    for format in ("html", "svg", "mermaid", "dot", "text"):
        assert main(["--format", format]) == 0
        assert "clean" in capsys.readouterr().out


def test_decorators_are_a_patch_that_declares_the_map(program: Path) -> None:
    """Applied, the program declares its edges, and the code shows each of them."""
    assert main(["--declare", "shop", "-o", "declare.patch"]) == 0
    subprocess.run(["git", "apply", "declare.patch"], check=True, cwd=program)
    analysis = analyse_folder(program)

    assert analysis.faults == []
    shown = {edge.id for edge in analysis.edges.values() if edge.by}
    assert shown == {edge.id for edge in analysis.edges.values()}
    assert shown == {
        "shop:place->on_order",
        "shop:post->store",
        "shop:on_order->mail",
        "shop:mail->print_",
        "shop:clean->store",
        "shop:handle->clean",
        "shop:forgotten->mail",
    }


def test_what_cannot_be_read_is_named(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is drawn, and the exit status is 2."""
    write(program, {"shop/broken.py": "def ("})

    assert main([]) == 2
    out, err = capsys.readouterr()
    assert "● refill" in out
    assert "shop/broken.py:1" in err


def test_finds_entries_in_every_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Functions with a command decorator, classes of tasks, two of one name; no helper modules."""
    files = {
        "jobs.py": """
            import sys
            import click
            from celery import Celery, Task, shared_task

            @click.group()
            def cli(): ...

            @cli.command("tidy")
            def tidy():
                mail.delay()

            class Report(Task):
                def run(self):
                    mail.delay()

            if sys.platform == "win32":
                @shared_task(name="mail.windows")
                def mail(): ...
            else:
                @shared_task(name="mail.other")
                def mail(): ...

            OTHERS = {}
            SCHEDULE = {
                **OTHERS,
                "each day": {"task": "mail.other", "schedule": 60},
                "no task": {"schedule": 60},
                "number": 3,
            }
        """,
        "shop/management/commands/helper.py": "def help(): ...",
    }
    monkeypatch.chdir(write(tmp_path, files))
    nodes = discovered(capsys)["nodes"]
    found = {(one["kind"], one["name"], one["id"]) for one in nodes}

    assert {
        ("command", "tidy", "jobs.tidy"),
        ("task", "Report", "jobs.Report"),
        ("schedule", "each day", "jobs.each day"),
    } <= found
    assert {one["name"] for one in nodes if one["kind"] == "schedule"} == {"each day"}
    assert {one["name"] for one in nodes if one["kind"] == "command"} == {"tidy"}


def test_decorators_tell_functions_of_one_name_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps get the name of their module then, and what would close a circle is left out.

    The import follows what must stand first.
    """
    head = '"""Tasks."""\nfrom __future__ import annotations\nfrom celery import shared_task\n'
    files = {
        "first.py": f"{head}import second\n@shared_task\ndef send():\n    second.send.delay()\n"
        "@shared_task\ndef again():\n    second.send.delay()\n    second.send.delay()\n",
        "second.py": f"{head}@shared_task\ndef send():\n    import first\n    first.send.delay()\n",
    }
    monkeypatch.chdir(write(tmp_path, files))

    assert main(["--declare", "mails"]) == 0
    patch = capsys.readouterr().out
    assert [line[1:] for line in patch.splitlines() if line.startswith(("+@", "+import"))] == [
        "import headrace",
        '@headrace.entrypoint("mails", name="first_send")',
        '@headrace.entrypoint("mails")',
        "import headrace",
        '@headrace.step("mails", after=["first_send", "again"], name="second_send")',
    ]
    assert patch.count("\n from __future__ import annotations\n+import headrace\n") == 2


def test_import_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that imports headrace gets the decorators alone."""
    tasks = "@shared_task\ndef a():\n    b.delay()\n@shared_task\ndef b(): ...\n"
    text = f"from celery import shared_task\nimport headrace\n{tasks}"
    monkeypatch.chdir(write(tmp_path, {"tasks.py": text}))
    assert main(["--declare", "mails"]) == 0
    patch = capsys.readouterr().out
    assert "+@headrace.entrypoint" in patch
    assert "+import" not in patch


def test_every_call_that_publishes_a_task_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An edge has one of them as its evidence; the task has all, signatures and names included."""
    program = {
        "tasks.py": """
            from celery import Celery, shared_task

            app = Celery()

            @shared_task
            def mail(number): ...
        """,
        "views.py": """
            from django.db import transaction
            from tasks import app, mail

            def place(request):
                mail.delay(1)
                if request.again:
                    mail.apply_async((2,))
                transaction.on_commit(lambda: mail.delay(3))
                later = mail.si(4)
                later.delay()
                app.send_task("tasks.mail", (5,))
        """,
    }
    monkeypatch.chdir(write(tmp_path, program))
    document = discovered(capsys)
    (task,) = [one for one in document["nodes"] if one["kind"] == "task"]

    assert task["published"] == [
        {"file": "views.py", "line": line} for line in (6, 8, 9, 10, 11, 12)
    ]


def test_a_task_class_that_has_subclasses_is_a_node_if_it_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mere base class is not."""
    code = """
        from celery import Task

        class Base(Task):
            def run(self): ...

        class Send(Base):
            def run(self): ...

        class SendLater(Send):
            def run(self): ...

        def place():
            Send().delay()
            SendLater().si().delay()
    """
    monkeypatch.chdir(write(tmp_path, {"shop.py": code}))
    nodes = discovered(capsys)["nodes"]

    assert {one["name"] for one in nodes if one["kind"] == "task"} == {"Send", "SendLater"}


MAKERS = {
    "plain": "def own(function):\n    return shared_task(function)",
    "with arguments": "def own(**options):\n    return shared_task(**options)",
    "wrapped": """
def own(queue):
    def decorate(function):
        @shared_task(queue=queue)
        @wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    return decorate""",
    "with and without parentheses": """
def own(_function=None, **options):
    def decorate(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return shared_task(**options)(wrapper)

    return decorate(_function) if callable(_function) else decorate""",
    "partial": "own = partial(shared_task, queue='own')",
    "partial of its own": """
def make(function=None, *, queue):
    if function is None:
        return partial(make, queue=queue)
    return app.task(queue=queue)(function)


own = partial(make, queue="own")""",
    "stacked": """
def own(**options):
    def decorate(function):
        return shared_task(**options)(logged(function))

    return decorate


def logged(function):
    @wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper""",
    "object": """
class Own:
    def __init__(self, queue):
        self.queue = queue

    def __call__(self, function=None, *, retried=False):
        if function is None:
            return lambda function: self.decorate(function=function, retried=retried)
        return self.decorate(function=function, retried=retried)

    def decorate(self, *, function, retried):
        @wraps(function)
        def wrapper(*args):
            return function(*args)

        made = shared_task(queue=self.queue)(wrapper)
        return made


own = Own("own")""",
}
PLAIN = frozenset(["plain", "with and without parentheses", "partial", "object"])


@pytest.mark.parametrize("count", [3, 90])
@pytest.mark.parametrize("name", MAKERS)
def test_a_decorator_of_the_program_makes_a_task_of_each_function(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    count: int,
) -> None:
    """Each has its own name and callers, however many there are and whatever wraps them."""
    monkeypatch.chdir(tmp_path)
    head = "from functools import partial, wraps\nfrom celery import Celery, shared_task\n"
    decorators = ["@own" if name in PLAIN and number % 2 else "@own(queue='q')"
                  for number in range(count)]  # fmt: skip
    if name == "plain":
        decorators = ["@own"] * count
    tasks = [f"{one}\ndef task{number}(x): ..." for number, one in enumerate(decorators)]
    calls = ["delay(1)", "apply_async((1,))", "s(1).delay()", "si(1).apply_async()"]
    sites = [f"def send{number}():\n    tasks.task{number}.{calls[number % 4]}"
             for number in range(count)]  # fmt: skip
    (tmp_path / "makers.py").write_text(f"{head}app = Celery()\n{MAKERS[name]}\n")
    (tmp_path / "tasks.py").write_text("\n".join(["from makers import own", *tasks]))
    (tmp_path / "sites.py").write_text("\n".join(["import tasks", *sites]))
    document = discovered(capsys)

    assert {one["id"] for one in document["nodes"] if one["kind"] == "task"} == {
        f"tasks.task{number}" for number in range(count)
    }
    assert edges_of(document) == {
        (f"sites.send{number}", f"tasks.task{number}", "enqueue") for number in range(count)
    }


ROOTED = {
    "src/__init__.py": "",
    "src/shop/__init__.py": "from . import tasks",
    "src/shop/celery.py": "from celery import shared_task\nfrom core.logging import log",
    "src/shop/tasks.py": """
        from celery import shared_task

        @shared_task
        def mail(number): ...
    """,
    "src/core/__init__.py": "",
    "src/core/logging.py": """
        import logging.handlers
        from shop.tasks import mail

        def log():
            mail.delay(1)
    """,
    "src/core/logging/handlers.py": "",
}


@pytest.mark.parametrize("place", ["", "src"])
@pytest.mark.parametrize("is_package", [True, False])
def test_a_folder_that_no_import_names_is_an_import_root(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
    is_package: bool,
) -> None:
    """A source root may have an ``__init__.py``, whichever folder the command is given."""
    files = {path: text for path, text in ROOTED.items() if is_package or path != "src/__init__.py"}
    monkeypatch.chdir(write(tmp_path, files) / place)
    (edge,) = discovered(capsys)["edges"]

    assert edge["source"].endswith("core.logging.log")
    assert edge["target"].endswith("shop.tasks.mail")
    assert edge["kind"] == "enqueue"
