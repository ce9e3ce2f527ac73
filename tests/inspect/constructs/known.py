# === isinstance: shown call
class C:
    def go(self): b()
def start(x):
    a()
    if isinstance(x, C):
        x.go()


# === isinstance of several: shown call
class C:
    def go(self): b()
class D:
    def go(self): b()
def start(x):
    a()
    if isinstance(x, (C, D)):
        x.go()


# === isinstance, or else a return: shown call
class C:
    def go(self): b()
def start(x):
    a()
    if not isinstance(x, C):
        return
    x.go()


# === an assertion of isinstance: shown call
class C:
    def go(self): b()
def start(x):
    a()
    assert isinstance(x, C)
    x.go()


# === isinstance and something else: shown call
class C:
    def go(self): b()
def start(x):
    a()
    if x and isinstance(x, C):
        x.go()


# === isinstance before an assignment: open
class C:
    def go(self): b()
def start(x, y):
    a()
    if isinstance(x, C):
        x = y
        x.go()


# === not isinstance: open
class C:
    def go(self): b()
class D:
    def go(self): b()
def start(x):
    a()
    if isinstance(x, C):
        pass
    else:
        x.go()


# === not isinstance, within: open
class C:
    def go(self): b()
def start(x):
    a()
    if not isinstance(x, C):
        x.go()


# === isinstance or something else: open
class C:
    def go(self): b()
def start(x, y):
    a()
    if y or isinstance(x, C):
        x.go()


# === a class in a pattern: shown call
class C:
    def go(self): b()
def start(x):
    a()
    match x:
        case C():
            x.go()


# === a class in a pattern with a name: shown call
class C:
    def go(self): b()
def start(x):
    a()
    match x:
        case C() as c:
            c.go()


# === one of two classes in a pattern: shown call
class C:
    def go(self): b()
class D:
    def go(self): b()
def start(x):
    a()
    match x:
        case C() | D():
            x.go()


# === a name in a pattern: shown call
def start(x):
    a()
    match b:
        case g:
            g()


# === a part of a pattern: open
def start(x):
    a()
    match (b, x):
        case (g, y):
            g()


# === a decorator that is a class: shown call
class retry:
    def __init__(self, fn):
        self.fn = fn
    def __call__(self, *args):
        return self.fn(*args)
@retry
def helper():
    b()
def start():
    a()
    helper()


# === a decorator that is a class, the other way round: not shown
class retry:
    def __init__(self, fn):
        self.fn = fn
    def __call__(self, *args):
        return self.fn(*args)
@retry
def helper():
    a()
@retry
def other():
    b()
def start():
    other()
    helper()


# === a decorator that is an instance with arguments: shown call
class retry:
    def __init__(self, times):
        self.times = times
    def __call__(self, fn):
        def run(*args):
            for i in range(self.times):
                return fn(*args)
        return run
@retry(3)
def helper():
    b()
def start():
    a()
    helper()


# === a decorator that is a class and keeps the name: shown call
import functools
class retry:
    def __init__(self, fn):
        functools.update_wrapper(self, fn)
        self.fn = fn
    def __call__(self, *args):
        return self.fn(*args)
@retry
def helper():
    b()
def start():
    a()
    helper()


# === staticmethod by hand: shown call
class C:
    x = staticmethod(b)
def start():
    a()
    C.x()


# === staticmethod by hand, of an instance: shown call
class C:
    x = staticmethod(b)
    def go(self):
        self.x()
def start():
    a()
    C().go()


# === classmethod by hand: shown call
class C:
    x = classmethod(b)
def start():
    a()
    C.x()


# === property by hand: shown call
class C:
    def _get(self): return b()
    x = property(_get)
def start():
    a()
    C().x


# === a field of a named tuple: shown call
from typing import NamedTuple
class Job(NamedTuple):
    run: object
def start():
    a()
    Job(b).run()


# === fields of named tuples in a list: shown call
from typing import NamedTuple
class Job(NamedTuple):
    name: str
    run: object
JOBS = [Job("a", a), Job("b", b)]
def start():
    for j in JOBS:
        j.run()


# === a field of a dataclass: shown call
from dataclasses import dataclass
@dataclass
class Job:
    run: object
def start():
    a()
    Job(b).run()


# === a field by name: shown call
from dataclasses import dataclass
from collections.abc import Callable
@dataclass(frozen=True)
class Job:
    name: str
    run: Callable[[], None]
def start():
    a()
    Job(name="x", run=b).run()


# === the default of a field: shown call
from dataclasses import dataclass
from collections.abc import Callable
@dataclass(frozen=True)
class Job:
    name: str
    run: Callable[[], None] = b
def start():
    a()
    Job("x").run()


# === a field of a dataclass that inherits: shown call
from dataclasses import dataclass
@dataclass
class Base:
    name: str
@dataclass
class Job(Base):
    fn: object
def start():
    a()
    Job("x", b).fn()


# === a field behind one that is not given: open
from dataclasses import dataclass, field
@dataclass
class Job:
    other: int = field(init=False, default=3)
    fn: object = None
def start():
    a()
    Job(b).fn()


# === an attribute that a method changes: open
class Job:
    def __init__(self, fn):
        self.fn = fn
    def swap(self, fn):
        self.fn = fn
def start():
    j = Job(b)
    j.swap(print)
    a()
    j.fn()


# === an attribute that is changed from outside: open
class Job:
    def __init__(self, fn):
        self.fn = fn
def start():
    j = Job(b)
    j.fn = print
    a()
    j.fn()


# === a field that is replaced: open
from dataclasses import dataclass, replace
@dataclass
class Job:
    fn: object
def start():
    j = Job(b)
    j = replace(j, fn=print)
    a()
    j.fn()


# === two instances, the other way round: not shown
class Job:
    def __init__(self, fn):
        self.fn = fn
    def go(self):
        self.fn()
def start():
    Job(b).go()
    Job(a).go()


# === an instance that makes instances without end: shown call
class W:
    def __init__(self, fn):
        self.fn = fn
    def deeper(self):
        return W(self.fn).deeper()
    def __call__(self):
        return self.fn()
def start():
    a()
    W(b)()


# === an instance that wraps itself without end: shown call
class W:
    def __init__(self, inner):
        self.inner = inner
    def grow(self):
        return W(self).grow()
    def __call__(self):
        return self.inner()
def start():
    a()
    W(b)()
    W(b).grow()


# === a method of a member: shown call
import enum
class E(enum.Enum):
    X = 1
    def go(self): b()
def start(x):
    a()
    E.X.go()


# === a name that a condition sets again: shown call
def start(x):
    g = None
    if x and (g := b) and a():
        g()


# === a union in an annotation: shown call
class C:
    def go(self): b()
class D(C): ...
def start(x: Union[C, D]):
    a()
    x.go()


# === a coroutine in an annotation: shown call
class C:
    def go(self): b()
def give() -> Coroutine[None, None, C]: ...
async def start():
    a()
    (await give()).go()


# === an annotation that is no expression: open
class C:
    def go(self): b()
def start(x: 'C['):
    a()
    x.go()


# === a bare annotation of what is not known: shown call
class C:
    def go(self): b()
def start():
    a()
    x: Missing
    x = C()
    x.go()


# === isinstance of what is no class: open
class C:
    def go(self): b()
def start(x, y):
    a()
    if isinstance(x, y):
        x.go()
