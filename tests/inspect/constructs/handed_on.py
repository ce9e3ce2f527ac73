# === a default: shown call
def run(then=b):
    a()
    then()

def start():
    run()


# === any number of arguments: shown call
def run(*steps):
    for s in steps:
        s()

def start():
    run(a, b)


# === a reduction: shown call
from functools import reduce
def start(x):
    a()
    return reduce(lambda y, g: g(y), [b], x)


# === a pool that calls what it is given: shown call
from concurrent.futures import ThreadPoolExecutor
def start():
    a()
    with ThreadPoolExecutor() as pool:
        pool.map(lambda g: g(), [b])


# === what a step returns: shown call
def start():
    a()
    pick()()

def pick():
    return b


# === an event bus: open
class Bus:
    def __init__(self):
        self.known = {}
    def on(self, name):
        def keep(g):
            self.known.setdefault(name, []).append(g)
            return g
        return keep
    def emit(self, name):
        for g in self.known.get(name, []):
            g()

bus = Bus()

@bus.on('x')
def helper():
    b()

def start():
    a()
    bus.emit('x')


# === a registry by a decorator: open
KNOWN = {}
def register(name):
    def keep(g):
        KNOWN[name] = g
        return g
    return keep

@register('b')
def helper():
    b()

def start(name):
    a()
    KNOWN[name]()


# === subclasses that register themselves: open
class Base:
    known = []
    def __init_subclass__(cls):
        Base.known.append(cls)

class One(Base):
    def go(self):
        b()

def start():
    a()
    for cls in Base.known:
        cls().go()


# === a state machine: open
class M:
    def __init__(self):
        self.state = self.one
    def one(self):
        a()
        self.state = self.two
    def two(self):
        b()
        self.state = None

def start():
    m = M()
    while m.state:
        m.state()


# === a queue of functions: open
import queue, threading
q = queue.Queue()
def work():
    while True:
        g = q.get()
        g()

threading.Thread(target=work).start()

def start():
    a()
    q.put(b)


# === a visitor: open
import ast
class V(ast.NodeVisitor):
    def visit_Call(self, node):
        b()

def start(tree):
    a()
    V().visit(tree)


# === a context manager that enters itself: shown call
from contextlib import contextmanager
@contextmanager
def around(n):
    if n:
        with around(n - 1):
            a()
            yield
    else:
        yield

def start():
    with around(3):
        b()


# === a list that is built on top of the module: shown call
ORDER = []
ORDER.append(a)
ORDER.append(b)

def start():
    for g in ORDER:
        g()
