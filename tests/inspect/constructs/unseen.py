# === what a method of nobody knows what returns: open
class P:
    def pick(self):
        return b
def start(x):
    a()
    x.pick()()


# === functions in a list that a method of nobody knows what returns: open
class P:
    def picks(self):
        return [b]
def start(x):
    a()
    for fn in x.picks():
        fn()


# === what such a method returns, kept in an attribute: open
class P:
    def pick(self):
        return b
def start(x):
    a()
    x.fn = x.pick()
    x.fn()


# === a with statement on nobody knows what: open
class P:
    def __enter__(self):
        b()
    def __exit__(self, *args): ...
def start(x):
    a()
    with x:
        pass


# === a with statement on nobody knows what, before: open
class P:
    def __enter__(self):
        a()
    def __exit__(self, *args): ...
def start(x):
    with x:
        b()


# === the length of nobody knows what: open
class P:
    def __len__(self):
        b()
def start(x):
    a()
    len(x)


# === a loop over nobody knows what: open
class P:
    def __iter__(self):
        b()
        return iter([])
def start(x):
    a()
    for i in x: ...


# === a function that an item gives: open
class P:
    def __getitem__(self, o):
        return b
def start(x, y):
    a()
    x[1]()


# === a call of nobody knows what: open
class P:
    def __call__(self):
        b()
def start(x):
    a()
    x()


# === a table of classes: open
class P:
    def __init__(self):
        b()
REG = {"x": P}
def start(k):
    a()
    REG[k]()


# === a class that is given: open
class P:
    def __init__(self):
        b()
def start(cls):
    a()
    cls()
def other(r):
    r.start(P)


# === a class in an attribute: open
class P:
    def __init__(self):
        b()
class V:
    view_class = P
def start(v):
    a()
    v.view_class()


# === the type of nobody knows what: open
class P:
    def __init__(self):
        b()
def start(v):
    a()
    type(v)()


# === the class of nobody knows what: open
class P:
    def __init__(self):
        b()
def start(v):
    a()
    v.__class__()


# === a context manager of nobody knows what: open
from contextlib import contextmanager
class P:
    @contextmanager
    def around(self):
        b()
        yield
def start(x):
    a()
    with x.around():
        pass


# === the subclasses of a class: open
class Base: ...
class One(Base):
    def __init__(self):
        b()
def start():
    a()
    for cls in Base.__subclasses__():
        cls()


# === a class that its metaclass has registered: open
REG = {}
class Meta(type):
    def __new__(mcs, name, bases, ns):
        cls = super().__new__(mcs, name, bases, ns)
        REG[name] = cls
        return cls
class One(metaclass=Meta):
    def __init__(self):
        b()
def start(x, key):
    a()
    REG[key]()


# === a call of a class with a metaclass: open
class Meta(type):
    def __call__(cls, *args):
        b()
        return super().__call__(*args)
class One(metaclass=Meta):
    pass
def start(x, key):
    a()
    One()


# === an attribute that nobody knows what makes up: open
class C:
    def __getattr__(self, name):
        return b
def start(c):
    a()
    c.anything()


# === an attribute that an instance makes up: open
class C:
    def __getattr__(self, name):
        return b
def start():
    a()
    C().anything()


# === a descriptor of nobody knows what: open
class D:
    def __get__(self, obj, owner):
        return b()
class C:
    value = D()
def start(c):
    a()
    c.value


# === a property of nobody knows what: open
class C:
    @property
    def value(self):
        return b()
def start(c):
    a()
    c.value


# === a descriptor that gives a step: shown call
class D:
    def __get__(self, obj, owner):
        return b
class C:
    go = D()
def start():
    a()
    C().go()


# === a descriptor that runs a step: shown call
class D:
    def __get__(self, obj, owner):
        return b()
class C:
    go = D()
def start():
    a()
    C().go


# === a decorator that registers for the end: open
import atexit
@atexit.register
def bye():
    b()
def start():
    a()


# === the module by its name: open
import sys
def helper():
    b()
def start(name):
    a()
    getattr(sys.modules[__name__], name)()


# === a module by its name: shown call
import sys
def helper():
    b()
def start(name):
    a()
    sys.modules["program"].helper()


# === the dictionary of a class: open
class C:
    def go(self): b()
def start(name):
    a()
    C.__dict__[name](C())


# === the members of an instance: open
import inspect
class C:
    def go(self): b()
def start():
    a()
    for name, fn in inspect.getmembers(C()):
        fn()


# === an attribute that the module makes up: open
import program
def _impl_go():
    b()
def __getattr__(name):
    return globals()["_impl_" + name]
def start():
    a()
    program.go()


# === a handler of a signal of the system: open
import signal
def start(o):
    a()
    signal.signal(signal.SIGTERM, b)


# === a function in a context variable: open
import contextvars
var = contextvars.ContextVar("var")
var.set(b)
def start():
    a()
    var.get()()


# === a function in a thread's own variables: open
import threading
local = threading.local()
local.fn = b
class Y:
    def go(self):
        local.fn()
def start(y):
    a()
    y.go()


# === operator.methodcaller: open
import operator
class C:
    def go(self): b()
def start(cs):
    a()
    list(map(operator.methodcaller("go"), cs))
