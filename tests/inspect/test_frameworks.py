"""Programs with frameworks: what a library calls, and what comes out of it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.program_kit import check_text, faults, verdicts

STEPS = """
from headrace import entrypoint, step

@step("f", after="main")
def a(*args): ...

@step("f", after="a")
def b(*args): ...
"""

PYDANTIC = """
from typing import Annotated
from pydantic import AfterValidator, BaseModel, computed_field, field_validator, model_validator

def checked(value):
    a()
    return value

{code}

@entrypoint("f")
def main(values):
    {call}
    b()
"""

RUN_BY_A_LIBRARY = {
    "a form's clean": """
from django import forms

class Form(forms.Form):
    def clean(self):
        a()

def is_good(request):
    return Form(request.POST).is_valid()

@entrypoint("f")
def main(request):
    if is_good(request):
        b()
""",
    "a form's clean, inherited": """
from django import forms

class Base(forms.Form):
    def clean(self):
        a()

class Form(Base): ...

def is_good(request):
    return Form(request.POST).is_valid()

@entrypoint("f")
def main(request):
    if is_good(request):
        b()
""",
    "a model's clean": """
from django.db import models

class Model(models.Model):
    def clean(self):
        a()

@entrypoint("f")
def main(request):
    Model().full_clean()
    b()
""",
    "a serializer's validate": """
from rest_framework import serializers

class Serializer(serializers.Serializer):
    def validate(self, data):
        a()
        return data

@entrypoint("f")
def main(request):
    Serializer(data=request.data).is_valid()
    b()
""",
    "the serializer of a part": """
from rest_framework import serializers

class Item(serializers.Serializer):
    def validate(self, data):
        a()
        return data

class Order(serializers.Serializer):
    items = Item(many=True)

@entrypoint("f")
def main(request):
    Order(data=request.data).is_valid()
    b()
""",
    "a view's get_queryset, by get_object": """
from rest_framework.viewsets import ModelViewSet

class View(ModelViewSet):
    def get_queryset(self):
        a()

    @entrypoint("f", name="main")
    def retrieve(self, request):
        self.get_object()
        b()
""",
    "a method of a mixin": """
from django.views.generic import ListView

class Mixin:
    def get_queryset(self):
        a()

class View(Mixin, ListView):
    @entrypoint("f", name="main")
    def get(self, request):
        super().get(request)
        b()
""",
    "the method for the verb, by dispatch": """
from some_framework import Resource

class View(Resource):
    def dispatch(self, request):
        found = super().dispatch(request)
        b()
        return found

    def get(self, request):
        a()

@entrypoint("f")
def main(request):
    View().dispatch(request)
""",
    "a task's hook": """
from celery import Celery, Task
from headrace import step

app = Celery()

class Base(Task):
    def apply_async(self, *args, **options):
        a()
        return super().apply_async(*args, **options)

@app.task(base=Base)
@step("f", after="a")
def c(): ...

@entrypoint("f")
def main():
    c.delay()
    b()
""",
    "a property of what a template gets": """
from django.shortcuts import render

class Order:
    @property
    def total(self):
        a()

@entrypoint("f")
def main(request):
    answer = render(request, "order.html", {"order": Order()})
    b()
    return answer
""",
    "a validator of attrs": """
import attrs

@attrs.define
class Order:
    total: int = attrs.field()

    @total.validator
    def check(self, attribute, value):
        a()

@entrypoint("f")
def main():
    Order(1)
    b()
""",
    "a field's validator": PYDANTIC.format(
        code="""
class Order(BaseModel):
    total: int

    @field_validator("total")
    @classmethod
    def check(cls, value):
        return checked(value)
""",
        call="Order(**values)",
    ),
    "the validator of a part": PYDANTIC.format(
        code="""
class Item(BaseModel):
    @model_validator(mode="after")
    def check(self):
        return checked(self)

class Order(BaseModel):
    items: list[Item]
""",
        call="Order.model_validate(values)",
    ),
    "a validator in an annotation": PYDANTIC.format(
        code="""
class Order(BaseModel):
    total: Annotated[int, AfterValidator(checked)]
""",
        call="Order(**values)",
    ),
    "a computed field": PYDANTIC.format(
        code="""
class Order(BaseModel):
    @computed_field
    @property
    def total(self) -> int:
        return checked(1)
""",
        call="Order(**values).model_dump()",
    ),
    "model_post_init": PYDANTIC.format(
        code="""
class Order(BaseModel):
    def model_post_init(self, context):
        a()
""",
        call="Order(**values)",
    ),
}

KEPT_BY_A_LIBRARY = {
    "an extension of Flask": """
import flask

def init_app(app):
    app.extensions["pay"] = Payments()

@entrypoint("f")
def main():
    flask.current_app.extensions["pay"].pay()
""",
    "an attribute of the application": """
from flask import current_app

def init_app(app):
    app.payments = Payments()

@entrypoint("f")
def main():
    current_app.payments.pay()
""",
    "flask.g, through a helper": """
from flask import g

def payments():
    if "payments" not in g:
        g.payments = Payments()
    return g.payments

@entrypoint("f")
def main():
    payments().pay()
""",
    "a method in flask.g": """
from flask import g

def prepare():
    g.go = Payments().pay

@entrypoint("f")
def main():
    g.go()
""",
    "the application's state": """
from fastapi import FastAPI, Request

app = FastAPI()
app.state.payments = Payments()

@app.get("/pay")
@entrypoint("f", name="main")
async def answer(request: Request):
    request.app.state.payments.pay()
""",
    "a request": """
from django.http import HttpRequest

def middleware(get_response):
    def inner(request):
        request.payments = Payments()
        return get_response(request)
    return inner

@entrypoint("f")
def main(request: HttpRequest):
    request.payments.pay()
""",
    "the model of users": """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser

class User(Payments, AbstractUser): ...

@entrypoint("f")
def main():
    get_user_model().objects.get(pk=1).pay()
""",
}

MODELS = """
from django.conf import settings
from django.db import models

class Shop(models.Model):
    def go(self):
        a()

class Tag(models.Model):
    def go(self):
        a()

class Order(models.Model):
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="orders")
    named = models.ForeignKey("app.Shop", on_delete=models.CASCADE, related_name="+")
    before = models.ForeignKey("self", null=True, on_delete=models.CASCADE)
    tags = models.ManyToManyField("Tag")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    def go(self):
        a()

class Bill(models.Model):
    objects = models.Manager()
    order = models.OneToOneField(Order, on_delete=models.CASCADE)

    def save(self, *args, **options):
        a()
        super().save(*args, **options)

@entrypoint("f")
def main(request):
    order = Order.objects.get(pk=1)
    {code}
    b()
"""


@pytest.mark.parametrize("code", RUN_BY_A_LIBRARY.values(), ids=RUN_BY_A_LIBRARY)
def test_what_a_library_may_run_may_come_in_between(tmp_path: Path, code: str) -> None:
    """A library runs `a` in a call of its own, before `b`: that may be so, whatever is seen."""
    found = verdicts(check_text(tmp_path, STEPS + code))

    assert found["main -> a"] in {"unresolved", "confirmed call"}
    assert found["a -> b"] in {"unresolved", "confirmed call"}


@pytest.mark.parametrize("code", KEPT_BY_A_LIBRARY.values(), ids=KEPT_BY_A_LIBRARY)
def test_what_a_library_keeps_may_come_out_of_it(tmp_path: Path, code: str) -> None:
    """An object that something of a library keeps is found there again."""
    program = """
from headrace import entrypoint, step

class Payments:
    @step("f", after="main")
    def pay(self): ...
"""

    report = check_text(tmp_path, program + code)

    assert verdicts(report) == {"main -> pay": "unresolved"}


@pytest.mark.parametrize(
    "code",
    [
        "order.shop.go()",
        "order.named.go()",
        "order.before.go()",
        "order.tags.first().go()",
        "for tag in order.tags.all(): tag.go()",
        "order.tag_set = order.tags.get().order_set.first().go()",
        "order.shop.orders.first().go()",
        "order.bill.order.go()",
        "Bill.objects.create()",
        "Bill.objects.get_or_create(order=order)",
        "for found in Shop.objects.first().orders.filter(pk=1): found.go()",
    ],
)
def test_a_models_relations_give_its_instances(tmp_path: Path, code: str) -> None:
    """A foreign key gives an instance of its model, its other side the ones that refer to it."""
    report = check_text(tmp_path, STEPS + MODELS.format(code=code))

    assert verdicts(report) == {"main -> a": "confirmed call", "a -> b": "confirmed call"}


def test_a_key_of_a_model_that_is_not_named_may_give_any(tmp_path: Path) -> None:
    """The model of users is set elsewhere: a method of an instance may be that of any class."""
    report = check_text(tmp_path, STEPS + MODELS.format(code="order.owner.go()"))

    assert verdicts(report) == {"main -> a": "unresolved", "a -> b": "unresolved"}


def test_an_inherited_call_leaves_the_order_around_it(tmp_path: Path) -> None:
    """What a view calls before and after a method of its framework has an order nonetheless."""
    code = """
from rest_framework.viewsets import ModelViewSet

class View(ModelViewSet):
    def get_queryset(self):
        return []

    @entrypoint("f", name="main")
    def retrieve(self, request):
        b()
        self.get_object()
        a()
"""

    report = check_text(tmp_path, STEPS + code)

    assert faults(report) == ["HR102 b"]


@pytest.mark.parametrize(
    "code", ["a.delay_on_commit(1)", "a.apply_async_on_commit(args=(1,), countdown=3)"]
)
def test_a_task_is_published_on_commit(tmp_path: Path, code: str) -> None:
    """A task of Celery for Django is published at the end of the transaction."""
    program = f"""
from celery import Celery
from django.db import transaction
from headrace import entrypoint, step
from headrace_celery import flow_task

app = Celery("f")

@flow_task("f", after="note", app=app)
def a(number): ...

@step("f", after="main")
def note(): ...

@entrypoint("f")
def main():
    with transaction.atomic():
        {code}
        note()
"""

    report = check_text(tmp_path, program)

    assert verdicts(report) == {
        "main -> note": "confirmed call",
        "note -> a": "confirmed on_commit",
    }


@pytest.mark.parametrize(
    "decorators",
    [
        '@click.command()\n@click.argument("day")',
        '@blueprint.cli.command("close")\n@click.argument("day")',
        '@click.argument("day")\n@blueprint.cli.command("close")',
    ],
)
def test_a_command_has_an_order(tmp_path: Path, decorators: str) -> None:
    """Decorators of click and of Flask's commands leave the order within a command as it is."""
    program = f"""
import click
from flask import Blueprint

blueprint = Blueprint("shop", __name__)

{decorators}
@entrypoint("f", name="main")
def close_day(day):
    b(day)
    a(day)
"""

    assert faults(check_text(tmp_path, STEPS + program)) == ["HR102 b"]
