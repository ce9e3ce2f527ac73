# === functions with their numbers: shown call
def start():
    for i, g in enumerate([a, b]):
        g()


# === functions side by side with values: shown call
def start(xs):
    for g, x in zip([a, b], [1, 2]):
        g(x)


# === functions side by side with what is not known: shown call
def start(xs):
    for x, g in zip(xs, (a, b)):
        g(x)


# === functions with their numbers, the other way round: not shown
def start():
    for i, s in enumerate([b, a]): s()


# === functions backwards: shown call
def start():
    for g in reversed([b, a]):
        g()


# === functions backwards, the other way round: not shown
def start():
    for g in reversed([a, b]):
        g()


# === the pairs of a table: shown call
STEPS = {"a": a, "b": b}
def start():
    for name, g in STEPS.items():
        g()


# === the pairs of a table, the other way round: not shown
def start():
    for name, g in {"b": b, "a": a}.items():
        g()


# === the values of a table: shown call
def start():
    for g in {"a": a, "b": b}.values():
        g()


# === a loop over functions that are keys: open
STEPS = {a: 1, b: 2}
def start():
    for g in STEPS:
        g()


# === a key of a literal: shown call
def start():
    a()
    {"x": b}["x"]()


# === keys of a table: shown call
T = {"x": b, "y": a}
def start():
    T["y"]()
    T["x"]()


# === keys of a table, the other way round: not shown
T = {"x": b, "y": a}
def start():
    T["x"]()
    T["y"]()


# === a key of a table by get: shown call
T = {"x": b, "y": a}
def start():
    a()
    T.get("x")()


# === numbers as keys: shown call
T = {1: b, 2: a}
def start():
    T[2]()
    T[1]()


# === a key of a table that is changed elsewhere: open
T = {"x": b, "y": a}
def change(): T["x"] = print
def start():
    T["y"]()
    T["x"]()


# === a key of a table that is changed below: open
T = {"x": b, "y": a}
T["x"] = print
def start():
    T["y"]()
    T["x"]()


# === a key of a table that is updated: open
T = {"x": b, "y": a}
T.update(x=print)
def start():
    T["y"]()
    T["x"]()


# === a key of an attribute that is changed elsewhere: open
class C:
    def __init__(self):
        self.t = {"x": b}
    def go(self):
        self.t["x"]()
def change(c): c.t["x"] = print
def start():
    a()
    C().go()


# === a key that a spread replaces: not shown
T = {"x": b, **{"x": print}}
def start():
    a()
    T["x"]()


# === a key beside one that is computed: open
import os
T = {"x": b, os.name: print}
def start():
    a()
    T["x"]()


# === a key that is replaced: not shown
def start(k):
    t = {"x": b}
    t["x"] = print
    a()
    t["x"]()


# === keys that a loop sets: open
def start(ks):
    t = {}
    for k in ks:
        t[k] = b
    a()
    t["x"]()


# === a key that is set: shown call
def start():
    t = {}
    t["x"] = b
    a()
    t["x"]()


# === a table in an attribute: shown call
class C:
    def __init__(self):
        self.table = {"x": b}
    def go(self):
        self.table["x"]()
def start():
    a()
    C().go()


# === a table of a class: shown call
class C:
    table = {"x": b}
    def go(self):
        self.table["x"]()
def start():
    a()
    C().go()


# === a table of arguments: shown call
def inner(fn=None):
    fn()
def start():
    a()
    inner(**{"fn": b})


# === the last of a list: shown call
def start():
    t = [a, b]
    t[0]()
    t[-1]()


# === the first of a list: shown call
def start():
    for g in [a, b, a][:2]:
        g()


# === two lists: shown call
def start():
    for g in [a] + [b]:
        g()


# === one list behind the other: shown call
from itertools import chain
def start():
    for g in chain([a], [b]):
        g()


# === a list that is turned, the other way round: not shown
def start():
    steps = [a, b]
    steps.reverse()
    for s in steps: s()


# === a list that is turned: shown call
def start():
    steps = [b, a]
    steps.reverse()
    for s in steps: s()


# === a list that is sorted: open
def start():
    steps = [b, a]
    steps.sort()
    for s in steps: s()


# === an item that is replaced: shown call
def start():
    steps = [b, b]
    steps[0] = a
    for s in steps: s()


# === an item that is deleted: open
def start():
    steps = [b, a]
    del steps[0]
    for s in steps: s()


# === a list that is repeated: open
def start(n):
    for s in [b, a] * n: s()


# === a set of functions: open
def start():
    for s in {a, b}: s()


# === a list that a function turns: open
STEPS = [b, a]
def turn(): STEPS.reverse()
turn()
def start():
    for s in STEPS: s()


# === a generator expression over functions: shown call
def start():
    all(g() for g in (a, b))


# === a comprehension over functions: shown call
def start():
    [g() for g in (a, b)]


# === a map over functions: shown call
def start():
    any(map(lambda g: g(), [a, b]))


# === a map over functions, the other way round: not shown
def start(x):
    list(map(lambda g: g(), [b, a]))


# === a reduction over functions: shown call
from functools import reduce
def start(x):
    return reduce(lambda v, g: g(v), [a, b], x)


# === a reduction over functions, the other way round: not shown
from functools import reduce
def start(x):
    return reduce(lambda v, g: g(v), [b, a], x)


# === arguments by name that are passed on: shown call
def outer(**kwargs):
    return inner(**kwargs)
def inner(fn=None):
    fn()
def start():
    a()
    outer(fn=b)


# === arguments by name that are changed: open
def outer(**kwargs):
    kwargs["fn"] = print
    return inner(**kwargs)
def inner(fn=None):
    fn()
def start():
    a()
    outer(fn=b)


# === a generator that nobody wants: not shown
def gen():
    b()
    yield
def start():
    a()
    gen()


# === a map that nobody wants: not shown
def start(xs):
    a()
    map(b, xs)


# === two functions made one: shown call
from functools import reduce
def compose(f, g):
    return lambda x: g(f(x))
def start(x):
    compose(a, b)(x)


# === a generator expression that nobody wants: not shown
def start(xs):
    a()
    (b() for x in xs)


# === a list that a helper turns: open
def turn(steps):
    steps.reverse()

def start():
    steps = [b, a]
    turn(steps)
    for s in steps:
        s()


# === a table that a helper fills: open
def fill(table):
    table["x"] = print

def start():
    t = {"x": b}
    fill(t)
    a()
    t["x"]()


# === a list that is turned under another name: shown call
def start():
    steps = [b, a]
    other = steps
    other.reverse()
    for s in steps:
        s()


# === a list that is extended: shown call
STEPS = []
STEPS.extend([a, b])

def start():
    for s in STEPS:
        s()
