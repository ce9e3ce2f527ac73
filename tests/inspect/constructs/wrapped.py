# === a table that a library wraps: open
from types import MappingProxyType
TABLE = MappingProxyType({"b": b})
def start(kind):
    a()
    TABLE[kind]()


# === a table that a library wraps, asked for a key: open
from types import MappingProxyType
TABLE = MappingProxyType({"b": b})
def start(kind):
    a()
    TABLE.get(kind)()


# === a table that a library wraps which calls nothing: open
from werkzeug.datastructures import ImmutableDict
def start(kind):
    a()
    ImmutableDict({"b": b})[kind]()


# === a table that some library wraps: open
from frozen import Frozen
TABLE = Frozen({"b": b})
def start(kind):
    a()
    TABLE[kind]()


# === a list that a library wraps: open
from frozen import Frozen
ALL = Frozen([b])
def start():
    a()
    for one in ALL:
        one()


# === a table of objects that a library wraps: open
from types import MappingProxyType
class C:
    def go(self): b()
TABLE = MappingProxyType({"c": C()})
def start(kind):
    a()
    TABLE[kind].go()


# === a context manager as a decorator: shown call
from contextlib import contextmanager
@contextmanager
def around():
    yield
    b()
@around()
def helper():
    a()
def start():
    helper()


# === a context manager as a decorator, the other way round: not shown
from contextlib import contextmanager
@contextmanager
def around():
    b()
    yield
@around()
def helper():
    a()
def start():
    helper()


# === an asynchronous context manager as a decorator: shown call
from contextlib import asynccontextmanager
@asynccontextmanager
async def around():
    a()
    yield
@around()
async def helper():
    b()
async def start():
    await helper()


# === an object that is a context manager and a decorator: shown call
from contextlib import ContextDecorator
class around(ContextDecorator):
    def __enter__(self):
        a()
    def __exit__(self, *e): ...
@around()
def helper():
    b()
def start():
    helper()


# === a context manager around a step: shown call
from contextlib import contextmanager
@contextmanager
def around():
    a()
    yield
@around()
@f.step(name="c", after="b")
def helper():
    b()
def start():
    helper()


# === a context manager that is entered and left by hand: shown call
from contextlib import contextmanager
@contextmanager
def around():
    yield
    b()
def start():
    manager = around()
    manager.__enter__()
    a()
    manager.__exit__(None, None, None)


# === a context manager that is given away: open
from contextlib import contextmanager
import somelib
@contextmanager
def around():
    yield
    b()
def start():
    a()
    somelib.within(around())


# === a function that a helper makes for a library: open
import somelib
def make():
    def inner():
        b()
    return inner
def start():
    a()
    somelib.go(make())


# === functions that a helper makes for a library: open
import somelib
def make():
    def inner():
        b()
    return inner
def start():
    a()
    somelib.go([make()], then={"x": make()})


# === a function that a helper makes for an attribute: open
def make():
    def inner():
        b()
    return inner
def start(thing):
    a()
    setattr(thing, "hook", make())
    thing.hook()


# === a table that is changed where it is made: open
TABLE = {"a": a, "b": b}
TABLE["b"] = print
def start():
    TABLE["a"]()
    TABLE["b"]()


# === a table that is changed in a table: open
TABLE = {"x": {"a": a, "b": b}}
def start():
    TABLE["x"]["b"] = print
    TABLE["x"]["a"]()
    TABLE["x"]["b"]()


# === a table that takes in another: open
def start(more):
    table = {"a": a, "b": b, **more}
    table["a"]()
    table["b"]()


# === numbered objects: shown call
class C:
    def go(self): b()
def start(paths):
    a()
    for number, one in enumerate([C() for path in paths]):
        one.go()


# === names of a module that begin alike: not shown
def route_by_road(): ...
def walk():
    b()
def start(way):
    a()
    globals()[f"route_by_{way}"]()


# === names of a module that begin alike, with the step among them: open
def route_by_road():
    b()
def start(way):
    a()
    globals()[f"route_by_{way}"]()


# === names of a module that begin alike, asked for: open
def route_by_road():
    b()
def start(way):
    a()
    globals().get("route_by_" + way)()


# === a class that is asked for an item: shown call
class C:
    def __class_getitem__(cls, item):
        b()
def start():
    a()
    C[int]


# === a function that is called until it succeeds: shown call
from tenacity import Retrying
def start():
    a()
    Retrying()(b)


# === a coroutine function that is called until it succeeds: shown call
from tenacity import AsyncRetrying, stop_after_attempt
async def work():
    b()
async def start():
    a()
    await AsyncRetrying(stop=stop_after_attempt(3))(work, 1)


# === a queue that is given the name of a function: open
from rq import Queue
queue = Queue()
def start():
    a()
    queue.enqueue("program.b", 1)


# === a cast to a class that is quoted: shown call
from typing import cast
class C:
    def go(self): b()
def start(x):
    a()
    cast("C", x).go()


# === a cast of something that is known better: shown call
from typing import cast
class C:
    def go(self): ...
class D(C):
    def go(self): b()
def start():
    a()
    cast(C, D()).go()


# === a function that a retrying object gives another one: open
from somelib import work
from tenacity import Retrying
def start():
    a()
    Retrying()(work, b)


# === a function that a retrying caller calls after an error: shown call
import stamina
def start():
    a()
    stamina.RetryingCaller(attempts=3)(ValueError, b, 1)
