"""Hazards: what a program does with its tasks that goes wrong sooner or later."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace_inspect._hazards import hazards_in
from headrace_inspect._report import Finding
from tests.inspect.program_kit import write
from tests.inspect.shown_kit import analyse_folder

HEAD = """\
import threading
from contextlib import contextmanager
from functools import wraps

from celery import Celery, chain, group, shared_task
from django.contrib import admin
from django.db import connection, models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.decorators import method_decorator
from django.views import View

app = Celery()


class Order(models.Model):
    customer = models.ForeignKey("Customer", on_delete=models.CASCADE)


class Customer(models.Model): ...


@app.task
def mail(number, subject="", *, urgent=False): ...


@shared_task(bind=True)
def bound(self, number): ...


@contextmanager
def traced():
    with transaction.atomic():
        yield


def in_transaction(function):
    @wraps(function)
    def wrapper(*args):
        with transaction.atomic():
            return function(*args)

    return wrapper


"""


def hazards(folder: Path, code: str, **files: str) -> list[Finding]:
    """Return the hazards of a program of one module, and of others by their names."""
    more = {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    write(folder, {"shop.py": HEAD + code, **more})
    return hazards_in(analyse_folder(folder).engine)


def codes(folder: Path, code: str, **files: str) -> list[str]:
    """Return the codes of the hazards of a program."""
    return [one.code for one in hazards(folder, code, **files)]


INSIDE = {
    "block": """
def place():
    with transaction.atomic():
        mail.delay(1)
""",
    "block with options": """
def place():
    with open("a"), transaction.atomic(using="other", durable=True):
        mail.apply_async((1,), countdown=3)
""",
    "decorator": """
@transaction.atomic
def place():
    mail.delay(1)
""",
    "decorator with options": """
@transaction.atomic(using="other")
def place():
    mail.delay(1)
""",
    "own context manager": """
def place():
    with traced():
        mail.delay(1)
""",
    "own context manager as a decorator": """
@traced()
def place():
    mail.delay(1)
""",
    "own decorator": """
@in_transaction
def place():
    mail.delay(1)
""",
    "a function that makes the manager": """
def unit():
    return transaction.atomic(savepoint=False)


def place():
    with unit():
        mail.delay(1)
""",
    "through helpers": """
def place():
    with transaction.atomic():
        confirm()


def confirm():
    send()


def send():
    mail.delay(1)
""",
    "in a signal's receiver": """
def place():
    with transaction.atomic():
        Order().save()


@receiver(post_save, sender=Order)
def saved(sender, **kwargs):
    mail.delay(1)
""",
    "in a receiver of new ones": """
def place():
    with transaction.atomic():
        Order.objects.create()


@receiver(post_save, sender=Order)
def saved(sender, instance, created=False, **kwargs):
    if created:
        mail.delay(1)
""",
    "in the receiver of a deletion": """
def cancel(order: Order):
    order.delete()


@receiver(post_delete, sender=Order)
def deleted(sender, **kwargs):
    mail.delay(1)
""",
    "in the receiver of a deletion of many": """
def cancel():
    Order.objects.filter(pk=1).delete()


@receiver(post_delete, sender=Order)
def deleted(sender, **kwargs):
    mail.delay(1)
""",
    "a signature": """
def place():
    with transaction.atomic():
        chain(mail.si(1), mail.si(2)).apply_async()
""",
    "by name": """
def place():
    with transaction.atomic():
        app.send_task("shop.mail", (1,))
""",
    "a method of a view": """
class Place(View):
    @method_decorator(transaction.atomic)
    def post(self, request):
        mail.delay(1)
""",
    "the admin": """
class OrderAdmin(admin.ModelAdmin):
    def save_model(self, request, order, form, change):
        mail.delay(1)
""",
    "one branch": """
def place(wait=True):
    with transaction.atomic():
        if wait:
            mail.delay(1)
""",
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_task_published_inside_a_transaction_is_a_hazard(tmp_path: Path, name: str) -> None:
    """However the transaction is opened, and however far the publishing is from that."""
    assert codes(tmp_path, INSIDE[name]) == ["HR201"]


OUTSIDE = {
    "behind the block": """
def place():
    with transaction.atomic():
        Order().save()
    mail.delay(1)
""",
    "on commit": """
def place():
    with transaction.atomic():
        transaction.on_commit(lambda: mail.delay(1))
""",
    "on commit, by the task": """
def place():
    with transaction.atomic():
        mail.delay_on_commit(1)
""",
    "on commit, by a helper of the program": """
def later(task, *args):
    if connection.in_atomic_block:
        transaction.on_commit(lambda: task.delay(*args))
    else:
        task.delay(*args)


def place():
    with transaction.atomic():
        later(mail, 1)
""",
    "a guard that returns": """
def later():
    if not connection.in_atomic_block:
        mail.delay(1)
        return
    transaction.on_commit(mail.delay)


@transaction.atomic
def place():
    later()
""",
    "a flag that is off": """
def store(wait=True):
    if wait:
        mail.delay(1)


@transaction.atomic
def place():
    store(wait=False)
""",
    "in another thread": """
@transaction.atomic
def place():
    threading.Thread(target=send).start()


def send():
    mail.delay(1)
""",
    "a call of the task itself": """
@transaction.atomic
def place():
    mail(1)
""",
    "in a task that is published": """
@transaction.atomic
def place():
    transaction.on_commit(outer.delay)


@app.task
def outer():
    mail.delay(1)
""",
    "another context manager": """
@contextmanager
def timed():
    with transaction.atomic():
        Order().save()
    yield


def place():
    with timed():
        mail.delay(1)
""",
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_task_published_elsewhere_is_none(tmp_path: Path, name: str) -> None:
    """What waits for the commit, or runs outside, is not reported."""
    assert codes(tmp_path, OUTSIDE[name]) == []


def test_the_finding_shows_the_way(tmp_path: Path) -> None:
    """From what opens the transaction to the call that publishes."""
    code = """
def place():
    with traced():
        confirm()


def confirm():
    mail.delay(1)
"""
    (found,) = hazards(tmp_path, code)
    start = HEAD.count("\n")

    assert [(one.place.line - start, one.scope) for one in found.evidence] == [
        (3, "place"),
        (4, "place"),
        (8, "confirm"),
    ]
    assert (Path(found.place.file).name, found.place.line - start) == ("shop.py", 8)
    assert found.message == (
        f"`mail` is published inside the transaction opened at {start + 3}; "
        "publish it on commit, with `transaction.on_commit`"
    )


VIEWS = """
def place(request):
    mail.delay(1)


class Cancel(View):
    def post(self, request):
        self.cancel()

    def cancel(self):
        mail.delay(1)


@transaction.non_atomic_requests
def free(request):
    mail.delay(1)


def helper():
    mail.delay(1)
"""
URLS = """
from django.urls import path

from shop import Cancel, free, place

urlpatterns = [
    path("place", place), path("cancel", view=Cancel.as_view()), path("free", view=free),
]
"""


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ('DATABASES = {"default": {"ATOMIC_REQUESTS": True}}', 2),
        ('DATABASES = load()\nDATABASES["default"]["ATOMIC_REQUESTS"] = True', 2),
        ('DATABASES = {"default": {"ATOMIC_REQUESTS": env.bool("ATOMIC", default=True)}}', 2),
        ('DATABASES = {"default": {"ATOMIC_REQUESTS": env.bool("ATOMIC", default=False)}}', 0),
        ('DATABASES = {"default": {"ATOMIC_REQUESTS": False}}', 0),
        ("ATOMIC_REQUESTS = True", 0),
    ],
)
def test_views_are_inside_where_the_settings_say_so(
    tmp_path: Path, settings: str, count: int
) -> None:
    """``ATOMIC_REQUESTS`` of a database puts each view into a transaction, but for exceptions."""
    found = hazards(tmp_path, VIEWS, urls=URLS, settings=settings)

    assert [one.code for one in found] == ["HR201"] * count
    assert all(one.evidence[0].place.line > 0 for one in found)


def test_tests_are_left_out(tmp_path: Path) -> None:
    """What a test publishes inside a transaction is what it is about."""
    test = "from shop import *\n" + INSIDE["block"] + INSIDE["through helpers"]

    assert codes(tmp_path, "", tests__test_shop=test) == []


MISFITS = {
    "mail.delay()": "'number' is missing",
    "mail.delay(1, '', 2)": "3 positional arguments, and it takes 2",
    "mail.delay(1, topic='')": "it has no parameter 'topic'",
    "mail.delay(1, number=1)": "'number' is given twice",
    "mail.apply_async(kwargs={'subject': ''})": "'number' is missing",
    "mail.apply_async((1, 2, 3))": "3 positional arguments, and it takes 2",
    "mail.apply_async([1], {'topic': 1})": "it has no parameter 'topic'",
    "mail.apply_async(countdown=3)": "'number' is missing",
    "bound.delay()": "'number' is missing",
    "bound.delay(1, 2)": "2 positional arguments, and it takes 1",
    "mail.si().delay()": "'number' is missing",
    "group(mail.s(1, 2, 3))": "3 positional arguments, and it takes 2",
    "mail.s(topic=1)": "it has no parameter 'topic'",
}


@pytest.mark.parametrize("call", MISFITS)
def test_arguments_that_the_task_cannot_take_are_a_hazard(tmp_path: Path, call: str) -> None:
    """Too many, too few, or unknown ones: the message says which."""
    (found,) = hazards(tmp_path, f"def place(numbers, options):\n    {call}\n")

    assert found.code == "HR202"
    assert found.message.endswith(f"does not take these arguments: {MISFITS[call]}")
    assert [one.scope for one in found.evidence][1:] in (["mail"], ["bound"])


@pytest.mark.parametrize(
    "call",
    [
        "mail.delay(1)",
        "mail.delay(number=1, subject='', urgent=True)",
        "mail.delay(*numbers)",
        "mail.delay(**options)",
        "mail.apply_async(numbers, options)",
        "mail.apply_async((1,), countdown=3)",
        "mail.apply_async(*numbers)",
        "mail.apply_async(**options)",
        "bound.delay(1)",
        "mail.s()",
        "mail.s('subject')",
        "chain(mail.si(1), mail.s(subject=''))()",
        "options.mail.delay()",
        "numbers = mail; numbers.delay(1)",
    ],
)
def test_arguments_that_may_fit_are_none(tmp_path: Path, call: str) -> None:
    """What is not written out, or is added later, is not judged."""
    assert codes(tmp_path, f"def place(numbers, options):\n    {call}\n") == []


@pytest.mark.parametrize(
    "decorators",
    ["@app.task\n@with_session", "@unknown_task", "@app.task\n@library.retried"],
)
def test_a_task_behind_another_decorator_is_not_judged(tmp_path: Path, decorators: str) -> None:
    """A decorator in between may add arguments, and one that is not known may be anything."""
    code = f"""
from library import unknown_task
import library


def with_session(function):
    return lambda *args: function(1, *args)


{decorators}
def store(session, number): ...


def place():
    store.delay(1)
"""
    assert codes(tmp_path, code) == []


INSTANCES = [
    "mail.delay(order)",
    "mail.delay(number=order)",
    "mail.apply_async((order,))",
    "mail.apply_async(kwargs={'number': order})",
    "mail.delay(Order.objects.get(pk=1))",
    "mail.delay(order.customer)",
    "mail.delay([order])",
    "mail.si(order)",
    "mail.delay(list(Order.objects.filter(pk=1)))",
    "from django.apps import apps; mail.delay(apps.get_model('shop.Order').objects.get(pk=1))",
]


@pytest.mark.parametrize("call", INSTANCES)
def test_a_model_instance_as_argument_is_a_hazard(tmp_path: Path, call: str) -> None:
    """Directly, in a container, and in a signature."""
    assert codes(tmp_path, f"def place(order: Order):\n    {call}\n") == ["HR203"]


@pytest.mark.parametrize(
    "call",
    [
        "mail.delay(order.pk)",
        "mail.delay(order.customer_id)",
        "mail.delay([one.pk for one in Order.objects.all()])",
        "mail.delay(Order.objects.count())",
        "mail.delay(Order.objects.values_list('pk'))",
        "mail.delay(str(order))",
        "mail.delay(other)",
    ],
)
def test_the_key_of_an_instance_is_none(tmp_path: Path, call: str) -> None:
    """What is read from an instance is not the instance."""
    assert codes(tmp_path, f"def place(order: Order, other=None):\n    {call}\n") == []


def test_an_instance_for_a_branch_that_does_not_publish_is_none(tmp_path: Path) -> None:
    """What the caller says about a branch holds for the arguments, too."""
    code = """
def later(task, order, wait=False):
    if wait:
        task.delay(order)


def place(order: Order):
    later(mail, order)
"""
    assert codes(tmp_path, code) == []


UNFIT = [
    "mail.delay(one for one in numbers)",
    "mail.delay(numbers_of())",
    "mail.delay(fetch())",
    "mail.delay(open('a'))",
    "with open('a') as file:\n        mail.delay(file)",
]


@pytest.mark.parametrize("call", UNFIT)
def test_what_cannot_go_through_a_queue_is_a_hazard(tmp_path: Path, call: str) -> None:
    """Generators, coroutines and open files."""
    code = f"""
def numbers_of():
    yield 1


async def fetch(): ...


def place(numbers):
    {call}
"""
    assert codes(tmp_path, code) == ["HR204"]


def test_lists_and_results_can(tmp_path: Path) -> None:
    """What goes through a generator, or is awaited, is passed as what comes of it."""
    code = """
async def place(numbers):
    mail.delay(list(one for one in numbers))
    mail.delay([one for one in numbers])
    mail.delay(await fetch())
    mail.delay(open("a").read())


async def fetch(): ...
"""
    assert codes(tmp_path, code) == []


def test_other_queues_have_the_same_hazards(tmp_path: Path) -> None:
    """An actor of Dramatiq is published by ``send``."""
    code = """
import dramatiq


@dramatiq.actor
def index(number): ...


@transaction.atomic
def place(order: Order):
    index.send(order, 1)
"""
    assert codes(tmp_path, code) == ["HR201", "HR202", "HR203"]


def test_functions_for_a_queue_of_rq_have_them_too(tmp_path: Path) -> None:
    """A function is published by the queue's ``enqueue``."""
    code = """
from rq import Queue

queue = Queue()


@transaction.atomic
def place(order: Order):
    queue.enqueue(index, order)


def index(order): ...
"""
    assert codes(tmp_path, code) == ["HR201", "HR203"]


def test_a_queue_that_is_not_known_may_wait_for_the_commit(tmp_path: Path) -> None:
    """A queue in the database does: nothing is said of what an unknown decorator makes a task."""
    code = """
from library import task


@task(queue="main")
def index(number): ...


@transaction.atomic
def place():
    index.delay(1)
"""
    assert codes(tmp_path, code) == []


VIEWED = """
from django.views.generic import UpdateView
from django import forms


class OrderForm(forms.ModelForm):
    class Meta:
        model = Order


class Change(UpdateView):
    {member}

    def form_valid(self, form):
        {code}
"""


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("model = Order", "mail.delay(self.object)"),
        ("model = Order", "mail.delay(self.get_object())"),
        ("queryset = Order.objects.all()", "mail.delay(self.get_object())"),
        ("form_class = OrderForm", "mail.delay(self.object)"),
        ("form_class = OrderForm", "mail.delay(form.instance)"),
        ("form_class = OrderForm", "mail.delay(form.save())"),
        ("form_class = OrderForm", "self.object = form.save(); mail.delay(self.object)"),
    ],
)
def test_the_object_of_a_generic_view_is_an_instance(
    tmp_path: Path, member: str, code: str
) -> None:
    """It is of the view's model, or of its form's."""
    assert codes(tmp_path, VIEWED.format(member=member, code=code)) == ["HR203"]


@pytest.mark.parametrize("target", ["Customer", "'Customer'"])
def test_a_related_name_belongs_to_the_model_it_leads_to(tmp_path: Path, target: str) -> None:
    """Two models may declare the same name for different targets."""
    code = f"""
class Shop(models.Model): ...


class Visit(models.Model):
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="visits")


class Call(models.Model):
    customer = models.ForeignKey({target}, on_delete=models.CASCADE, related_name="visits")

    def mark(self):
        mail.delay(self)


def place(customer: Customer):
    for one in customer.visits.all():
        mail.delay(one)
"""
    assert codes(tmp_path, code) == ["HR203", "HR203"]


def test_a_method_that_many_classes_define_may_be_of_any(tmp_path: Path) -> None:
    """An unknown object is not taken for an instance of their common base class."""
    code = """
class Base:
    def close(self): ...


class One(Base):
    def close(self): ...


class Other(Base):
    def close(self): ...


class Third(Base):
    def close(self):
        mail.delay(1)


@transaction.atomic
def place(things):
    things.first.close()
"""
    assert codes(tmp_path, code) == []


def test_a_function_without_decorators_is_no_task(tmp_path: Path) -> None:
    """Its ``delay`` publishes nothing, whatever it is given."""
    code = """
def later(order): ...


@transaction.atomic
def place(order: Order):
    later.delay(order)
    later.s(order, 1).apply_async()
"""
    assert codes(tmp_path, code) == []


def test_a_decorator_of_the_program_connects_each_function_to_its_signal(tmp_path: Path) -> None:
    """Django sends deletion signals inside a transaction, wherever the deletion is."""
    code = """
def connected(signal, sender):
    def decorate(function):
        @wraps(function)
        def wrapper(*args, **options):
            return function(*args, **options)

        signal.connect(wrapper, sender=sender)
        return wrapper

    return decorate


@connected(post_save, Order)
def saved(instance, **options):
    mail.delay(1)


@connected(post_delete, Order)
@connected(post_delete, Customer)
def deleted(instance, **options):
    mail.delay(2)


def place():
    Order.objects.create()
"""
    (found,) = hazards(tmp_path, code)

    assert found.code == "HR201"
    assert found.evidence[-1].scope == "deleted"
