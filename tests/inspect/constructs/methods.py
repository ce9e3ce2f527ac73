# === self: shown call
class C:
    def one(self):
        a()
        self.two()
    def two(self):
        b()

def start():
    C().one()


# === a constructed instance: shown call
class C:
    def two(self):
        b()

def start():
    c = C()
    a()
    c.two()


# === an annotated parameter: shown call
class C:
    def two(self):
        b()

def start(c: C):
    a()
    c.two()


# === an annotation in quotes: shown call
def start(c: 'C'):
    a()
    c.two()

class C:
    def two(self):
        b()


# === an optional: shown call
class C:
    def two(self):
        b()

def start(c: C | None):
    a()
    if c is not None:
        c.two()


# === an attribute of self: shown call
class C:
    def two(self):
        b()

class D:
    def __init__(self):
        self.c = C()
    def run(self):
        a()
        self.c.two()

def start():
    D().run()


# === an attribute from a parameter: shown call
class C:
    def two(self):
        b()

class D:
    def __init__(self, c: C):
        self.c = c
    def run(self):
        a()
        self.c.two()

def start():
    D(C()).run()


# === a dataclass: shown call
from dataclasses import dataclass
class C:
    def two(self):
        b()

@dataclass
class D:
    c: C
    def run(self):
        a()
        self.c.two()

def start():
    D(C()).run()


# === a static method: shown call
class C:
    @staticmethod
    def two():
        b()

def start():
    a()
    C.two()


# === a class method: shown call
class C:
    @classmethod
    def make(cls):
        b()
        return cls()

def start():
    a()
    C.make()


# === a property: shown call
class C:
    @property
    def two(self):
        return b()

def start():
    a()
    return C().two


# === inheritance: shown call
class B:
    def two(self):
        b()

class C(B):
    pass

def start():
    a()
    C().two()


# === super: shown call
class B:
    def two(self):
        b()

class C(B):
    def two(self):
        a()
        super().two()

def start():
    C().two()


# === a template method: shown call
class B:
    def run(self):
        a()
        self.hook()

class C(B):
    def hook(self):
        b()

def start():
    C().run()


# === a call of an instance: shown call
class C:
    def __call__(self):
        b()

def start():
    a()
    C()()


# === an instance of the module: shown call
class C:
    def two(self):
        b()

c = C()

def start():
    a()
    c.two()


# === what a function returns: shown call
class C:
    def two(self):
        b()

def make():
    return C()

def start():
    a()
    make().two()


# === what a function says it returns: shown call
class C:
    def two(self):
        b()

def make(registry) -> C:
    return registry['c']

def start(registry):
    a()
    make(registry).two()


# === a chain of methods: shown call
class C:
    def one(self):
        a()
        return self
    def two(self):
        b()
        return self

def start():
    C().one().two()


# === the elements of a list: shown call
class C:
    def two(self):
        b()

def start(cs: list[C]):
    a()
    for c in cs:
        c.two()


# === a bound method as a callback: shown call
class C:
    def two(self):
        b()

def run(g):
    g()

def start():
    a()
    run(C().two)


# === an abstract method: open
import abc
class C(abc.ABC):
    @abc.abstractmethod
    def two(self): ...

class D(C):
    def two(self):
        b()

def start(c: C):
    a()
    c.two()


# === a protocol: open
from typing import Protocol
class P(Protocol):
    def two(self): ...

class D:
    def two(self):
        b()

def start(p: P):
    a()
    p.two()


# === an instance of nobody knows what: open
class C:
    def two(self):
        b()

def start(c):
    a()
    c.two()
