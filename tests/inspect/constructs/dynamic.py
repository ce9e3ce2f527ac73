# === getattr with a computed name: open
class C:
    def on_b(self):
        b()

def start(kind):
    a()
    getattr(C(), f'on_{kind}')()


# === getattr with a known name: shown call
class C:
    def on_b(self):
        b()

def start():
    a()
    getattr(C(), 'on_b')()


# === a table of functions: open
TABLE = {'b': b}
def start(kind):
    a()
    TABLE[kind]()


# === globals: open
def start(kind):
    a()
    globals()[kind]()


# === a registry: open
HANDLERS = []
def register(g):
    HANDLERS.append(g)
    return g

@register
def helper():
    b()

def start():
    a()
    for g in HANDLERS:
        g()


# === eval: open
def start(text):
    a()
    eval(text)


# === an import by a computed name: open
import importlib
def start(name):
    a()
    importlib.import_module(name).run()


# === a function of a library that gets it: open
import somelib
def start():
    a()
    somelib.go(b)


# === a parameter: open
def start(then):
    a()
    then()

def other(registry):
    registry.start(b)


# === a patched attribute: open
class C:
    def two(self): ...

C.two = lambda self: b()

def start():
    a()
    C().two()


# === out of globals(), by a name with a beginning that is another's: not shown
def start(x):
    a()
    globals()[f"route_by_{x}"]()


# === out of globals(), by a name with a beginning that fits: open
def b_by_name(): b()
def start(x):
    a()
    globals()[f"b_by_{x}"]()
