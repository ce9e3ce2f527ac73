"""Programs with frameworks: what a library calls, and what comes out of it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.program_kit import check_text, verdicts

STEPS = """
from headrace import entrypoint, step

@step("f", after="main")
def a(*args): ...

@step("f", after="a")
def b(*args): ...
"""

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


@pytest.mark.parametrize(
    "code",
    [
        "order.shop.go()",
        "order.named.go()",
        "order.before.go()",
        "order.tags.first().go()",
        "for tag in order.tags.all(): tag.go()",
        "Bill.objects.create()",
        "Bill.objects.get_or_create(order=order)",
    ],
)
def test_a_models_relations_give_its_instances(tmp_path: Path, code: str) -> None:
    """A foreign key gives an instance of its model."""
    report = check_text(tmp_path, STEPS + MODELS.format(code=code))

    assert verdicts(report) == {"main -> a": "shown call", "a -> b": "shown call"}


def test_a_key_of_a_model_that_is_not_named_may_give_any(tmp_path: Path) -> None:
    """The model of users is set elsewhere: a method of an instance may be that of any class."""
    report = check_text(tmp_path, STEPS + MODELS.format(code="order.owner.go()"))

    assert verdicts(report) == {"main -> a": "not shown", "a -> b": "not shown"}


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

    assert verdicts(report) == {"main -> a": "shown call", "a -> b": "not shown"}


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
        "main -> note": "shown call",
        "note -> a": "shown on_commit",
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

    found = verdicts(check_text(tmp_path, STEPS + program))
    assert found == {"main -> a": "shown call", "a -> b": "not shown"}
