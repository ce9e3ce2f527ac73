# === a table that a decorator fills with a step: open
HANDLERS = {}
def register(name):
    def deco(fn):
        HANDLERS[name] = fn
        return fn
    return deco
@register("w")
@f.step(after="a")
def w(*args):
    b()
class Y:
    def go(self, key):
        HANDLERS[key](1)
class X:
    def __init__(self, y): self.y = y
    def begin(self, key):
        self.y.go(key)
def start(x, key):
    a()
    x.begin(key)


# === a table that a decorator fills, asked with get: open
HANDLERS = {}
def register(name):
    def deco(fn):
        HANDLERS[name] = fn
        return fn
    return deco
@register("w")
def w(*args):
    b()
class Y:
    def go(self, key):
        h = HANDLERS.get(key)
        h(1)
class X:
    def __init__(self, y): self.y = y
    def begin(self, key):
        self.y.go(key)
def start(x, key):
    a()
    x.begin(key)


# === a registry that is an instance: open
class Registry:
    def __init__(self):
        self.known = {}
    def register(self, name):
        def deco(fn):
            self.known[name] = fn
            return fn
        return deco
    def dispatch(self, name):
        return self.known[name]()
registry = Registry()
@registry.register("w")
def w(*args):
    b()
class Y:
    def go(self, key):
        self.reg.dispatch(key)
class X:
    def __init__(self, y): self.y = y
    def begin(self, key):
        self.y.go(key)
def start(x, key):
    a()
    x.begin(key)


# === lists in a table that a decorator fills: open
from collections import defaultdict
SUBS = defaultdict(list)
def on(name):
    def deco(fn):
        SUBS[name].append(fn)
        return fn
    return deco
@on("x")
def w():
    b()
class Go:
    def fire(self, name):
        for s in SUBS[name]:
            s()
class X:
    def __init__(self, y): self.y = y
    def begin(self):
        self.y.fire("x")
def start(x):
    a()
    x.begin()


# === a list of hooks: open
HOOKS = []
def on(fn):
    HOOKS.append(fn)
    return fn
on(b)
class Go:
    def go(self):
        for h in HOOKS:
            h()
class X:
    def __init__(self, y): self.y = y
    def begin(self):
        self.y.go()
def start(x):
    a()
    x.begin()


# === a table under another name: open
TABLE = {}
TABLE["x"] = b
class Go:
    def __init__(self):
        self.table = TABLE
    def go(self):
        self.table["x"]()
class X:
    def __init__(self, y): self.y = y
    def begin(self):
        self.y.go()
def start(x):
    a()
    x.begin()


# === a table that is handed on: open
HANDLERS = {}
def register(name):
    def deco(fn):
        HANDLERS[name] = fn
        return fn
    return deco
@register("w")
def w(*args):
    b()
class Y:
    def go(self, key):
        self.handlers[key]()
class X:
    def __init__(self, y): self.y = y
    def begin(self, key):
        self.y.go(key)
def build():
    y = Y()
    y.handlers = HANDLERS
    return X(y)
def start(x, key):
    a()
    x.begin(key)


# === a class that a decorator registers: open
PLUGINS = {}
def plugin(cls):
    PLUGINS[cls.__name__] = cls
    return cls
@plugin
class One:
    def work(self):
        b()
class Y:
    def go(self, key):
        PLUGINS[key]().work()
class X:
    def __init__(self, y): self.y = y
    def begin(self, key):
        self.y.go(key)
def start(x, key):
    a()
    x.begin(key)


# === subclasses that register themselves, called: open
class Base:
    known = []
    def __init_subclass__(cls):
        Base.known.append(cls)
class One(Base):
    def __call__(self):
        b()
class Y:
    def go(self):
        for cls in Base.known:
            cls()()
class X:
    def __init__(self, y): self.y = y
    def begin(self):
        self.y.go()
def start(x):
    a()
    x.begin()


# === a class that its metaclass registers: open
REG = {}
class Meta(type):
    def __new__(mcs, name, bases, ns):
        cls = super().__new__(mcs, name, bases, ns)
        REG[name] = cls
        return cls
class One(metaclass=Meta):
    def __init__(self):
        b()
class Y:
    def go(self, key):
        REG[key]()
class X:
    def __init__(self, y): self.y = y
    def begin(self, key):
        self.y.go(key)
def start(x, key):
    a()
    x.begin(key)


# === a lambda in a table: open
HANDLERS = {}
HANDLERS["x"] = lambda: b()
class Y:
    def go(self, key):
        HANDLERS[key]()
class X:
    def __init__(self, y): self.y = y
    def begin(self, key):
        self.y.go(key)
def start(x, key):
    a()
    x.begin(key)


# === a closure in an attribute: open
def make(fn):
    def run():
        fn()
    return run
class Y:
    def __init__(self): self.fn = make(b)
    def go(self):
        self.fn()
class X:
    def __init__(self, y): self.y = y
    def begin(self):
        self.y.go()
def start(x):
    a()
    x.begin()


# === a global that is set later: open
current = None
def setup():
    global current
    current = b
class Y:
    def go(self):
        current()
class X:
    def __init__(self, y): self.y = y
    def begin(self):
        self.y.go()
def start(x):
    a()
    x.begin()


# === a class in an attribute of a class: open
class P:
    def __init__(self):
        b()
class V:
    view_class = P
class Y:
    def go(self):
        self.v.view_class()
class X:
    def begin(self): self.y.go()
def start(v):
    a()
    v.begin()


# === a name that is put together: open
class Y:
    def go(self, mod, name):
        getattr(mod, "do_" + name)()
class X:
    def begin(self): self.y.go(self, "b")
def do_b():
    b()
def start(v):
    a()
    v.begin()


# === eval: open
class Y:
    def go(self, name):
        eval(name)()
class X:
    def begin(self): self.y.go("b")
def start(v):
    a()
    v.begin()


# === a dotted name: open
from django.utils.module_loading import import_string
class Y:
    def go(self, name):
        import_string(name)()
class X:
    def begin(self): self.y.go("b")
def start(v):
    a()
    v.begin()


# === globals: open
class Y:
    def go(self, name):
        globals()[name]()
class X:
    def begin(self): self.y.go("b")
def start(v):
    a()
    v.begin()


# === the modules by name: open
import sys
class Y:
    def go(self, name):
        sys.modules["program"].__dict__[name]()
class X:
    def begin(self): self.y.go("b")
def start(x):
    a()
    x.begin()


# === a property: open
class C:
    @property
    def value(self):
        return b()
class Y:
    def go(self):
        return self.c.value
class X:
    def __init__(self, y): self.y = y
    def begin(self):
        self.y.go()
def start(x):
    a()
    x.begin()


# === a class that makes up attributes: open
class C:
    def __getattr__(self, name):
        return getattr(self.inner, "_" + name)
class D:
    def _go(self): b()
class Y:
    def go(self):
        C().go()
class X:
    def __init__(self, y): self.y = y
    def begin(self):
        self.y.go()
def start(x):
    a()
    x.begin()
