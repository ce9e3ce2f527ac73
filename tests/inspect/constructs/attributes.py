# === a property that is set: shown call
class C:
    @property
    def x(self):
        return a()
    @x.setter
    def x(self, value):
        b()
def start():
    c = C()
    c.x
    c.x = 1


# === a property that is read and set at once: shown call
class C:
    @property
    def x(self):
        return a()
    @x.setter
    def x(self, value):
        b()
def start():
    c = C()
    c.x += 1


# === a property that is set by an object itself: shown call
class C:
    def __init__(self):
        a()
        self.x = 1
    @property
    def x(self): ...
    @x.setter
    def x(self, value):
        b()
def start():
    C()


# === a property that is deleted: shown call
class C:
    @property
    def x(self):
        return a()
    @x.deleter
    def x(self):
        b()
def start():
    c = C()
    c.x
    del c.x


# === a property that is deleted, and not read: not shown
class C:
    @property
    def x(self):
        return a()
    @x.deleter
    def x(self): ...
def start():
    c = C()
    del c.x
    b()


# === a property that is made by hand: shown call
class C:
    def get_x(self):
        b()
    x = property(get_x)
def start():
    a()
    C().x


# === a property of one of two: not shown
class C:
    @property
    def x(self):
        return a()
class D:
    @property
    def x(self):
        return b()
def start(which):
    one = C() if which else D()
    one.x


# === an operator of one of two: open
class C:
    def __len__(self):
        return a()
class D:
    def __len__(self):
        return b()
def start(which):
    one = C() if which else D()
    len(one)


# === a field that a function makes: shown call
from dataclasses import dataclass, field
@dataclass
class C:
    x: int = field(default_factory=lambda: a())
def start():
    C()
    b()


# === a field that a function makes, in a helper: shown call
from dataclasses import dataclass, field
@dataclass
class C:
    x: int = field(default_factory=lambda: b())
def make():
    return C()
def start():
    a()
    make()


# === a field that a function makes before the object is finished: shown call
from dataclasses import dataclass, field
def make():
    a()
@dataclass
class C:
    x: int = field(default_factory=make)
    def __post_init__(self):
        b()
@dataclass
class D(C):
    y: int = 1
def start():
    D()


# === a field that is perhaps given: open
from dataclasses import dataclass, field
@dataclass
class C:
    x: int = field(default_factory=a)
def start(*given):
    C(*given)
    b()


# === a field of attrs that a function makes: shown call
from attrs import define, field
@define
class C:
    x: int = field(factory=a)
def start():
    C()
    b()


# === methods that a decorator of the class wraps: open
def all_logged(cls):
    for name, value in list(vars(cls).items()):
        setattr(cls, name, logged(value))
    return cls
def logged(fn):
    def wrapper(*args):
        a()
        return fn(*args)
    return wrapper
@all_logged
class C:
    def go(self):
        b()
def start():
    C().go()


# === a decorator of a class that puts a function in its place: open
def single(cls):
    def make(*args):
        a()
        return cls(*args)
    return make
@single
class C:
    def go(self):
        b()
def start():
    C().go()


# === a decorator of a class that enters it somewhere: shown call
ALL = []
def entered(cls):
    ALL.append(cls)
    return cls
@entered
class C:
    def go(self):
        b()
def start():
    a()
    C().go()


# === the only object of a class: shown call
class C:
    only = None
    @classmethod
    def instance(cls):
        if cls.only is None:
            cls.only = cls()
        return cls.only
    def go(self):
        b()
def start():
    a()
    C.instance().go()


# === the only object of a subclass: open
class C:
    only = None
    @classmethod
    def instance(cls):
        if cls.only is None:
            cls.only = cls()
        return cls.only
    def go(self): ...
class D(C):
    def go(self):
        b()
def start():
    a()
    D.instance().go()


# === an attribute that is None at first: shown call
class C:
    def go(self):
        b()
class D:
    kept = None
    def __init__(self):
        self.kept = C()
def start():
    d = D()
    a()
    d.kept.go()


# === an attribute that is None at first, and set from outside: open
class C:
    def go(self): ...
class D:
    kept = None
    def __init__(self):
        self.kept = C()
class E:
    def go(self):
        b()
def start():
    d = D()
    d.kept = E()
    a()
    d.kept.go()
