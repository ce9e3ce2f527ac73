# === calls in order: shown call
def start():
    a()
    b()


# === a call in the other's arguments: shown call
def start():
    b(a())


# === a call in a return: shown call
def start():
    x = a()
    return b(x)


# === operands: shown call
def start():
    return a() + b()


# === a comparison: shown call
def start():
    return a() < b()


# === a conjunction: shown call
def start():
    return a() and b()


# === a conditional expression: shown call
def start(x):
    return b() if a() else x


# === a comprehension: shown call
def start(xs):
    a()
    return [b(x) for x in xs]


# === a generator expression: shown call
def start(xs):
    a()
    return sum(b(x) for x in xs)


# === an f-string: shown call
def start():
    return f'{a()} {b()}'


# === a walrus: shown call
def start():
    if (x := a()):
        b(x)


# === a dictionary: shown call
def start():
    return {'x': a(), 'y': b()}


# === a subscript: shown call
def start(x):
    x[a()] = 1
    b()


# === an augmented assignment: shown call
def start(x):
    x += a()
    b()


# === an assertion: shown call
def start():
    assert a()
    b()


# === a branch: shown call
def start(x):
    a()
    if x:
        b()


# === two branches: shown call
def start(x):
    if x:
        a()
    b()


# === an elif: shown call
def start(x):
    if a():
        pass
    elif b():
        pass


# === other branches: not shown
def start(x):
    if x:
        a()
    else:
        b()


# === an early return: not shown
def start(x):
    if x:
        a()
        return
    b()


# === after a return: not shown
def start():
    a()
    return
    b()


# === a loop: shown call
def start(xs):
    for x in xs:
        a(x)
        b(x)


# === behind a loop: shown call
def start(xs):
    for x in xs:
        a(x)
    b()


# === the else of a loop: shown call
def start(xs):
    for x in xs:
        a(x)
    else:
        b()


# === a while: shown call
def start():
    while a():
        b()


# === behind a break: shown call
def start():
    while True:
        if a():
            break
    b()


# === behind an endless loop: not shown
def start():
    while True:
        a()
    b()


# === the next round: open
def start(xs):
    for x in xs:
        b(x)
        a(x)


# === a try: shown call
def start():
    try:
        a()
    finally:
        b()


# === a handler: shown call
def start():
    try:
        a()
    except ValueError:
        b()


# === behind a try: shown call
def start():
    try:
        a()
    except ValueError:
        return
    b()


# === the else of a try: shown call
def start():
    try:
        a()
    except ValueError:
        pass
    else:
        b()


# === other handlers: not shown
def start(x):
    try:
        x()
    except KeyError:
        a()
    except ValueError:
        b()


# === a match: shown call
def start(x):
    a()
    match x:
        case 1:
            b()


# === other cases: not shown
def start(x):
    match x:
        case 1:
            a()
        case _:
            b()


# === a guard: shown call
def start(x):
    match x:
        case 1 if a():
            pass
        case _:
            b()


# === the other order: not shown
def start():
    b()
    a()


# === a with statement: shown call
def start(lock):
    with lock:
        a()
    b()


# === a helper: shown call
def start():
    both()

def both():
    a()
    b()


# === two helpers: shown call
def start():
    one()
    two()

def one():
    a()

def two():
    b()


# === a nested function: shown call
def start():
    def inner():
        b()
    a()
    inner()


# === a lambda: shown call
def start():
    then = lambda: b()
    a()
    then()


# === a name for it: shown call
def start():
    a()
    other()

other = b


# === a local name: shown call
def start():
    g = b
    a()
    g()


# === a partial: shown call
from functools import partial
def start():
    g = partial(b, 1)
    a()
    g()


# === a callback: shown call
def start():
    run(a, b)

def run(one, two):
    one()
    two()


# === a callback by name: shown call
def start():
    a()
    run(then=b)

def run(*, then):
    then()


# === a list of functions: shown call
def start():
    for g in [a, b]:
        g()


# === a tuple of functions: shown call
ORDER = (a, b)
def start():
    for g in ORDER:
        g()


# === map: shown call
def start(xs):
    a()
    list(map(b, xs))


# === sorted: shown call
def start(xs):
    a()
    sorted(xs, key=b)


# === a generator: shown call
def start():
    for x in items():
        b(x)

def items():
    yield a()


# === yield from: shown call
def start():
    yield from items()
    b()

def items():
    yield a()


# === a decorated helper: shown call
import functools
def twice(g):
    @functools.wraps(g)
    def run(*args):
        g(*args)
        return g(*args)
    return run

@twice
def helper():
    b()

def start():
    a()
    helper()


# === a cached helper: shown call
import functools
@functools.cache
def helper():
    b()

def start():
    a()
    helper()


# === a context manager: shown call
from contextlib import contextmanager
@contextmanager
def around():
    a()
    yield
    b()

def start():
    with around():
        pass


# === a class of context managers: shown call
class Around:
    def __enter__(self):
        a()
    def __exit__(self, *args):
        b()

def start():
    with Around():
        pass


# === an exit stack: shown call
from contextlib import ExitStack
def start():
    with ExitStack() as stack:
        stack.callback(b)
        a()


# === a step calls the other: shown call
def start():
    c()

def c():
    a()
    b()


# === recursion: shown call
def start(n=3):
    a()
    if n:
        start(n - 1)
    b()


# === a global: shown call
def start():
    global handler
    a()
    handler()

handler = b


# === a thread: shown call
import threading
def start():
    a()
    threading.Thread(target=b).start()


# === a timer: shown call
import threading
def start():
    a()
    threading.Timer(3, b).start()


# === an executor: shown call
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        a()
        pool.submit(b, 1)


# === a pool's map: shown call
from concurrent.futures import ProcessPoolExecutor
def start(xs):
    a()
    with ProcessPoolExecutor() as pool:
        list(pool.map(b, xs))


# === a pool of processes: shown call
import multiprocessing
def start(xs):
    a()
    with multiprocessing.Pool() as pool:
        pool.map(b, xs)


# === an executor of the module: shown call
import concurrent.futures
pool = concurrent.futures.ThreadPoolExecutor()
def start():
    a()
    pool.submit(b)


# === an executor that keeps the context: shown call
from concurrent.futures import ThreadPoolExecutor
from headrace import ContextExecutor
def start():
    with ContextExecutor(ThreadPoolExecutor()) as pool:
        a()
        pool.submit(b)


# === headrace.bind: shown call
import threading
from headrace import bind
def start():
    a()
    threading.Thread(target=bind(b)).start()


# === a copied context: shown call
import contextvars
def start():
    a()
    contextvars.copy_context().run(b)


# === two things an executor is given: open
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        pool.submit(a)
        pool.submit(b)


# === an executor's second thing, behind the first one's result: shown call
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        pool.submit(a).result()
        pool.submit(b)


# === an executor that has ended, and another: shown call
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        pool.submit(a)
    with ThreadPoolExecutor() as pool:
        pool.submit(b)


# === what is called when an executor has done its work: shown call
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        pool.submit(a).add_done_callback(b)
