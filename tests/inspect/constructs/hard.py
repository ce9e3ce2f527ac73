# === a function as an attribute of a class: shown call
class C:
    handler = b
    def go(self):
        a()
        self.handler()
def start():
    C().go()


# === a decorator that is an instance: shown call
class deco:
    def __init__(self, n):
        self.n = n
    def __call__(self, fn):
        def run(*x):
            return fn(*x)
        return run
@deco(3)
def helper():
    b()
def start():
    a()
    helper()


# === a function that arguments choose: open
import argparse
def start():
    p = argparse.ArgumentParser()
    p.set_defaults(func=b)
    args = p.parse_args()
    a()
    args.func(args)


# === a callback of a future: shown call
import asyncio
async def work(): ...
async def start():
    a()
    t = asyncio.create_task(work())
    t.add_done_callback(b)


# === a finalizer: open
import weakref
def start(o):
    a()
    weakref.finalize(o, b)


# === a hook of the interpreter: open
import sys
def start():
    a()
    sys.excepthook = b


# === a thread that is given its target by super: open
import threading
class T(threading.Thread):
    def __init__(self):
        super().__init__(target=b)
def start():
    a()
    T().start()


# === a class that a library makes instances of: open
import json
class E(json.JSONEncoder):
    def default(self, o):
        return b()
def start(x):
    a()
    json.dumps(x, cls=E)


# === a cast: shown call
from typing import cast
class C:
    def go(self): b()
def start(x):
    a()
    cast(C, x).go()


# === super in a mixin: shown call
class M:
    def go(self):
        super().go()
class N:
    def go(self):
        b()
class C(M, N): ...
def start():
    a()
    C().go()


# === a global that is set later: open
then = None
def setup():
    global then
    then = b
def start():
    a()
    then()
setup()


# === a variable that an inner function sets: open
def start():
    then = None
    def pick():
        nonlocal then
        then = b
    a()
    pick()
    then()


# === an attribute that is set from outside: open
class C:
    hook = None
    def go(self):
        a()
        if self.hook:
            self.hook()
def start():
    c = C()
    c.hook = b
    c.go()


# === functions by keyword: shown call
def run(**fns):
    fns["x"]()
def start():
    a()
    run(x=b)


# === pairs of names and functions: shown call
PIPE = [("a", a), ("b", b)]
def start():
    for name, fn in PIPE:
        fn()


# === a generator that is sent something: open
def gen():
    x = yield
    b(x)
def start():
    g = gen()
    next(g)
    a()
    g.send(1)


# === a generator that is made first and consumed later: open
def gen():
    b()
    yield 1
def start():
    g = gen()
    a()
    list(g)


# === the default of a lambda: open
def start():
    fns = [lambda fn=fn: fn() for fn in (a, b)]
    for g in fns:
        g()


# === one of two functions: shown call
def start(x):
    g = a if x else b
    a()
    g()


# === a function unless another is given: shown call
def start(x=None):
    g = x or b
    a()
    g()


# === operator.attrgetter: open
import operator
class C:
    def go(self): b()
def start():
    a()
    operator.attrgetter("go")(C())()


# === a partial method: shown call
from functools import partialmethod
class C:
    def go(self, x): b()
    one = partialmethod(go, 1)
def start():
    a()
    C().one()


# === contextlib.suppress: shown call
from contextlib import suppress
def start():
    with suppress(ValueError):
        a()
        raise ValueError
    b()


# === a context manager of ours that swallows errors: open
class S:
    def __enter__(self): return self
    def __exit__(self, *e): return True
def start():
    with S():
        a()
        raise ValueError
    b()


# === a generator that swallows errors: open
from contextlib import contextmanager
@contextmanager
def s():
    try:
        yield
    except ValueError:
        pass
def start():
    with s():
        a()
        raise ValueError
    b()


# === a context manager of a library that swallows errors: open
import pytest
def start():
    with pytest.raises(ValueError):
        a()
        raise ValueError
    b()


# === attempts without end: shown call
def start():
    while True:
        try:
            a()
        except ValueError:
            continue
        break
    b()


# === three attempts: shown call
def start():
    for i in range(3):
        try:
            a()
            break
        except ValueError:
            if i == 2:
                raise
    b()


# === a handler of what is raised before: shown call
def start():
    try:
        raise KeyError
    except KeyError:
        a()
    b()


# === a helper that always raises, within a try: shown call
def fail():
    a()
    raise ValueError
def start():
    try:
        fail()
    except ValueError:
        pass
    b()


# === a helper that always raises: not shown
def fail():
    a()
    raise ValueError
def start():
    fail()
    b()


# === an exit under a condition: shown call
import sys
def start(x):
    a()
    if x:
        sys.exit(1)
    b()


# === a method that is overridden: shown call
class B:
    def check(self):
        raise NotImplementedError
    def go(self):
        a()
        self.check()
        b()
class D(B):
    def check(self): return 1
def start():
    D().go()


# === two functions that call each other: shown call
def ping(n):
    a()
    if n: pong(n-1)
def pong(n):
    b()
    if n: ping(n-1)
def start():
    ping(3)


# === a parameter of the same name: not shown
def start(b):
    a()
    b()


# === an import that may fail: shown call
try:
    from fast import helper
except ImportError:
    def helper():
        b()
def start():
    a()
    helper()


# === a class of iterators: shown call
class G:
    def __iter__(self): return self
    def __next__(self):
        b()
def start():
    a()
    for x in G(): ...


# === functions in a tuple that is returned: shown call
def pick():
    return a, b
def start():
    x, y = pick()
    x()
    y()


# === results in a tuple: shown call
def two():
    return a(), b()
def start():
    x, y = two()


# === the condition of a comprehension: shown call
def start(xs):
    return [x for x in xs if a(x) and b(x)]
