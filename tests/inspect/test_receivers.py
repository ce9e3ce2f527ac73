"""``headrace discover``: what a class reaches through the methods that it inherits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.program_kit import write
from tests.inspect.test_discover import discovered, edges_of

_HEAD = """
import functools
from celery import shared_task
from django.urls import path
from django.views import View

@shared_task
def own(): ...

@shared_task
def other(): ...

def run(work):
    work()

def show(view):
    view.hook()

class Base(View):
    kind = None

    def hook(self): ...
    def first(self):
        self.second()
    def second(self):
        self.third()
    def third(self):
        self.hook()
    def perform(self, thing):
        thing.work()
    @classmethod
    def build(cls):
        cls.make()
    @classmethod
    def make(cls): ...
    @property
    def job(self):
        return self.pick()
    def pick(self): ...
    def each(self):
        yield self.pick()
    def post(self, request):
"""
_HOOKS = """
    def hook(self):
        {0}.delay()
"""
_PICKS = """
    def pick(self):
        return {0}
"""
_LAYERS = """
    def second(self):
        super().second()
    def hook(self):
        {0}.delay()
"""
_MAKES = """
    @classmethod
    def make(cls):
        {0}.delay()
"""
_KINDS = """
    class kind:
        def work(self):
            {0}.delay()
"""
_WRAPPED = """
    def decorate(method):
        @functools.wraps(method)
        def wrapper(self, *args):
            return method(self, *args)
        return wrapper
    @decorate
    def hook(self):
        {0}.delay()
"""
_TAIL = """
class Own(Base):
{0}
class Other(Base):
{1}
class Neither(Base): ...
class Inherits(Own): ...

views = [Own, Other, Neither, Inherits]
urlpatterns = [
    path("own/", Own.as_view()), path("other/", Other.as_view()),
    path("neither/", Neither.as_view()), path("inherits/", Inherits.as_view()),
]
"""
EDGES = {
    ("program.Own", "program.own", "enqueue"),
    ("program.Inherits", "program.own", "enqueue"),
    ("program.Other", "program.other", "enqueue"),
}


@pytest.mark.parametrize(
    ("calls", "override"),
    [
        pytest.param("self.hook()", _HOOKS, id="method"),
        pytest.param("self.first()", _HOOKS, id="three levels"),
        pytest.param("self.first()", _LAYERS, id="super"),
        pytest.param("self.hook()", _WRAPPED, id="decorated"),
        pytest.param("self.build()", _MAKES, id="class method"),
        pytest.param("type(self).make()", _MAKES, id="type"),
        pytest.param("self.__class__.make()", _MAKES, id="class"),
        pytest.param("self.job.delay()", _PICKS, id="property"),
        pytest.param("[one.delay() for one in self.each()]", _PICKS, id="generator"),
        pytest.param("self.kind().work()", _KINDS, id="class attribute"),
        pytest.param("self.perform(self.kind())", _KINDS, id="argument"),
        pytest.param("run(lambda: self.hook())", _HOOKS, id="lambda"),
        pytest.param("run(self.first)", _HOOKS, id="bound method"),
        pytest.param("show(self)", _HOOKS, id="passed on"),
    ],
)
def test_an_inherited_method_calls_the_overrides_of_its_own_class(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    calls: str,
    override: str,
) -> None:
    """A view leads to the tasks of its own hooks, and not to those of its sibling classes."""
    tail = _TAIL.format(override.format("own"), override.format("other"))
    monkeypatch.chdir(write(tmp_path, {"program.py": f"{_HEAD}        {calls}\n{tail}"}))

    assert edges_of(discovered(capsys)) == EDGES


def test_many_classes_override_a_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each leads to its own task, however many there are."""
    numbers = range(80)
    tasks = "".join(f"@shared_task\ndef task_{one}(): ...\n" for one in numbers)
    views = "".join(
        f"class View{one}(Base):\n    def hook(self):\n        task_{one}.delay()\n"
        for one in numbers
    )
    paths = ", ".join(f"path('{one}', View{one}.as_view())" for one in numbers)
    program = f"{_HEAD}        self.first()\n{tasks}{views}\nurlpatterns = [{paths}]\n"
    monkeypatch.chdir(write(tmp_path, {"program.py": program}))

    assert edges_of(discovered(capsys)) == {
        (f"program.View{one}", f"program.task_{one}", "enqueue") for one in numbers
    }


@pytest.mark.parametrize("wrapping", ["@logged", "@checked('read')", ""])
def test_many_views_behind_one_decorator_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    wrapping: str,
) -> None:  # fmt: skip
    """Each is a route that leads to its own task; the decorator's wrapper is not a route."""
    numbers = range(80)
    given = "views.view_{0}" if wrapping else "views.logged(views.view_{0})"
    views = "".join(
        f"@shared_task\ndef task_{one}(): ...\n"
        f"{wrapping}\ndef view_{one}(request):\n    task_{one}.delay()\n"
        for one in numbers
    )
    paths = ", ".join(f"path('{one}', {given.format(one)})" for one in numbers)
    head = """
import functools
from celery import shared_task

def logged(view):
    def wrapper(request):
        return view(request)
    return wrapper

def checked(permission):
    def decorator(view):
        @functools.wraps(view)
        def wrapper(request):
            return view(request)
        return wrapper
    return decorator

"""
    files = {
        "views.py": head + views,
        "urls.py": f"from django.urls import path\nimport views\nurlpatterns = [{paths}]\n",
    }
    monkeypatch.chdir(write(tmp_path, files))
    document = discovered(capsys)

    assert edges_of(document) == {
        (f"views.view_{one}", f"views.task_{one}", "enqueue") for one in numbers
    }
    assert {one["id"] for one in document["nodes"] if one["kind"] == "route"} == {
        f"views.view_{one}" for one in numbers
    }


def test_a_generic_view_saves_the_model_of_its_own_serializer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shared base saves a serializer that it is given; an unknown one saves nothing."""
    program = """
        from celery import shared_task
        from django.db import models
        from rest_framework import routers, serializers, viewsets

        @shared_task
        def index(): ...

        @shared_task
        def mail(): ...

        class Page(models.Model):
            def save(self):
                index.delay()

        class Person(models.Model):
            def save(self):
                mail.delay()

        class PageSerializer(serializers.ModelSerializer):
            class Meta:
                model = Page

        class PersonSerializer(serializers.ModelSerializer):
            class Meta:
                model = Person

        class Base(viewsets.ModelViewSet):
            def create(self, request):
                serializer = self.get_serializer()
                self.perform_create(serializer)

            def perform_create(self, serializer):
                serializer.save()

        class Pages(Base):
            serializer_class = PageSerializer

        class Persons(Base):
            serializer_class = PersonSerializer

        class Unknown(Base):
            def get_serializer(self):
                return find()

        router = routers.DefaultRouter()
        router.register("pages", Pages)
        router.register("persons", Persons)
        router.register("unknown", Unknown)
    """
    monkeypatch.chdir(write(tmp_path, {"program.py": program}))

    assert edges_of(discovered(capsys)) == {
        ("program.Pages", "program.index", "enqueue"),
        ("program.Persons", "program.mail", "enqueue"),
    }


def test_a_shared_function_saves_the_object_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Callers that pass objects of different classes lead to different tasks."""
    program = """
        from celery import shared_task

        class Page:
            def save(self):
                index.delay()

        class Person:
            def save(self):
                mail.delay()

        def store(thing):
            thing.save()

        @shared_task
        def index(): ...

        @shared_task
        def mail(): ...

        @shared_task
        def pages():
            store(Page())

        @shared_task
        def persons():
            store(Person())
    """
    monkeypatch.chdir(write(tmp_path, {"program.py": program}))

    assert edges_of(discovered(capsys)) == {
        ("program.pages", "program.index", "enqueue"),
        ("program.persons", "program.mail", "enqueue"),
    }
