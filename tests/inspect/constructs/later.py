# === entered with a stack: shown call
from contextlib import ExitStack, contextmanager
@contextmanager
def power():
    a()
    yield 1
    pass
def start():
    with ExitStack() as stack:
        stack.enter_context(power())
        b()


# === left with a stack: shown call
from contextlib import ExitStack, contextmanager
@contextmanager
def power():
    pass
    yield 1
    b()
def start():
    with ExitStack() as stack:
        stack.enter_context(power())
        a()


# === left with a stack, and then something: shown call
from contextlib import ExitStack, contextmanager
@contextmanager
def power():
    pass
    yield 1
    a()
def start():
    with ExitStack() as stack:
        stack.enter_context(power())
    b()


# === left with a stack, after what is declared to follow: not shown
from contextlib import ExitStack, contextmanager
@contextmanager
def power():
    pass
    yield 1
    a()
def start():
    with ExitStack() as stack:
        stack.enter_context(power())
        b()


# === a finally clause that a stack runs: shown call
from contextlib import ExitStack, contextmanager
@contextmanager
def power():
    try:
        yield 1
    finally:
        b()
def start():
    with ExitStack() as stack:
        stack.enter_context(power())
        a()


# === a stack runs the last first: shown call
from contextlib import ExitStack, contextmanager
@contextmanager
def power():
    pass
    yield 1
    b()
def start():
    with ExitStack() as stack:
        stack.enter_context(power())
        stack.callback(a)


# === a stack that is kept in an attribute: open
from contextlib import ExitStack, contextmanager
@contextmanager
def power():
    pass
    yield 1
    b()
class Work:
    def __init__(self):
        self.stack = ExitStack()
    def __enter__(self):
        self.stack.enter_context(power())
    def __exit__(self, *error):
        self.stack.close()
def start():
    with Work():
        a()


# === the beginning of what a helper returns: shown call
from contextlib import contextmanager
@contextmanager
def power():
    a()
    yield 1
    pass
def make():
    return power()
def start():
    with make():
        b()


# === the end of what a helper returns: shown call
from contextlib import contextmanager
@contextmanager
def power():
    pass
    yield 1
    b()
class Maker:
    def make(self):
        return power()
def start():
    with Maker().make() as x:
        a()


# === a context manager that is entered by hand: shown call
from contextlib import contextmanager
@contextmanager
def power():
    a()
    yield 1
    pass
def start():
    manager = power()
    manager.__enter__()
    b()


# === closing: shown call
from contextlib import closing
class File:
    def close(self):
        b()
def start():
    with closing(File()):
        a()


# === behind closing: shown call
from contextlib import closing
class File:
    def close(self):
        a()
def start():
    with closing(File()) as file:
        print(file)
    b()


# === closing on a stack: shown call
from contextlib import ExitStack, closing
class File:
    def close(self):
        b()
def start():
    with ExitStack() as stack:
        file = stack.enter_context(closing(File()))
        a(file)


# === what a generator does behind its last yield: shown call
def rows():
    yield 1
    b()
def start():
    for row in rows():
        a(row)


# === what a generator does before its first yield: shown call
def rows():
    a()
    yield 1
def start():
    for row in rows():
        b(row)


# === what a generator does behind its last yield, and the loop before: not shown
def rows():
    yield 1
    a()
def start():
    for row in rows():
        b(row)


# === what a generator does for the next item: open
def rows(xs):
    for x in xs:
        b(x)
        yield x
def start(xs):
    for row in rows(xs):
        a(row)


# === behind a loop over an endless generator: shown call
def rows():
    while True:
        a()
        yield 1
def start():
    for row in rows():
        if row:
            break
    b()


# === behind a loop that returns: shown call
def rows():
    a()
    yield 1
def start():
    for row in rows():
        return row
    b()


# === a generator in a comprehension: open
def rows(xs):
    for x in xs:
        b(x)
        yield x
def start(xs):
    return [a(row) for row in rows(xs)]


# === a generator expression that is used later: open
def start(xs):
    rows = (b(x) for x in xs)
    a()
    return list(rows)


# === a generator expression that is used at once: not shown
def start(xs):
    rows = list(b(x) for x in xs)
    a(rows)


# === map() that is used later: open
def start(xs):
    rows = map(b, xs)
    a()
    return list(rows)


# === map() that is used at once: not shown
def start(xs):
    rows = list(map(b, xs))
    a(rows)


# === a thread, and then a loop over something else: open
import threading
def start(xs):
    threading.Thread(target=b).start()
    for x in xs:
        a(x)


# === a generator that waits, and then a loop over something else: open
def rows():
    b()
    yield 1
def start(xs):
    waiting = rows()
    for x in xs:
        a(x)
    return list(waiting)


# === an exception with its own __init__: shown call
class Refused(Exception):
    def __init__(self, reason):
        b(reason)
def start():
    a()
    raise Refused("no")


# === a foreign key: shown call
from django.db import models
class Customer(models.Model):
    def notify(self):
        b()
class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
def start():
    a()
    Order.objects.get(pk=1).customer.notify()


# === a foreign key by name: shown call
from django.db import models
class Order(models.Model):
    customer = models.ForeignKey("shop.Customer", on_delete=models.CASCADE)
class Customer(models.Model):
    def notify(self):
        b()
def start():
    a()
    Order.objects.get(pk=1).customer.notify()


# === a hook that a library calls on the way: open
from django import forms
class Form(forms.Form):
    def clean(self):
        a()
def start(data):
    if Form(data).is_valid():
        b()


# === a validator of pydantic: open
from pydantic import BaseModel, field_validator
class Model(BaseModel):
    x: int
    @field_validator("x")
    @classmethod
    def check(cls, value):
        a()
        return value
def start(data):
    Model(**data)
    b()


# === a method that Flask does not call: not shown
from flask.views import MethodView
class View(MethodView):
    def put_aside(self):
        a()
    def start(self):
        b()
def start():
    View().start()


# === an instance in a library's object: open
from flask import current_app
class Mailer:
    def send(self):
        b()
def init_app(app):
    app.extensions["mailer"] = Mailer()
def start():
    a()
    current_app.extensions["mailer"].send()


# === an instance in an attribute of a library's object: open
from flask import g
class Mailer:
    def send(self):
        b()
def before():
    g.mailer = Mailer()
def start():
    a()
    g.mailer.send()


# === an instance in a context variable: open
from contextvars import ContextVar
class Mailer:
    def send(self):
        b()
mailer = ContextVar("mailer")
def start():
    mailer.set(Mailer())
    a()
    mailer.get().send()


# === a read-only table: open
from types import MappingProxyType
TABLE = MappingProxyType({"b": b})
def start(key):
    a()
    TABLE[key]()


# === a table that a library wraps: open
from somewhere import Registry
TABLE = Registry({"b": b})
def start(key):
    a()
    TABLE.get(key)()


# === a validation of a result: shown call
from headrace import Chain
def start():
    Chain().next(a, out="x", validate=b).run()


# === a log of a result: shown call
from headrace import Chain
def start():
    Chain().next(a, out="x", log=b).run()


# === the condition of a step: shown call
from headrace import Chain
def more(): ...
def start():
    Chain().next(a).next(more, when=b).run()


# === the condition of a step, declared behind it: not shown
from headrace import Chain
def start():
    Chain().next(a, when=b).run()


# === a condition that is a reference: shown call
from headrace import Chain
def start():
    Chain().next(a, out="x").next(b, when="x").run()


# === a hook before each step: shown call
from headrace import Chain
def more(): ...
def start():
    Chain(before_step=b).next(a).next(more).run()


# === a hook of the retries: shown call
from headrace import Chain
def start():
    Chain(on_retry=b).next(a, retries=2, retry_on=(OSError,)).run()


# === iter() of a function: shown call
def start():
    a()
    for row in iter(b, None):
        print(row)


# === a proxy for what a function finds: open
from flask import g
from werkzeug.local import LocalProxy
class Mailer:
    def send(self):
        b()
def find():
    if "mailer" not in g:
        g.mailer = Mailer()
    return g.mailer
mailer = LocalProxy(find)
def start():
    a()
    mailer.send()
