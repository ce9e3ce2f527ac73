# === calls in order: confirmed call
def start():
    a()
    b()


# === a call in the other's arguments: confirmed call
def start():
    b(a())


# === a call in a return: confirmed call
def start():
    x = a()
    return b(x)


# === operands: confirmed call
def start():
    return a() + b()


# === a comparison: confirmed call
def start():
    return a() < b()


# === a conjunction: confirmed call
def start():
    return a() and b()


# === a conditional expression: confirmed call
def start(x):
    return b() if a() else x


# === a comprehension: confirmed call
def start(xs):
    a()
    return [b(x) for x in xs]


# === a generator expression: confirmed call
def start(xs):
    a()
    return sum(b(x) for x in xs)


# === an f-string: confirmed call
def start():
    return f'{a()} {b()}'


# === a walrus: confirmed call
def start():
    if (x := a()):
        b(x)


# === a dictionary: confirmed call
def start():
    return {'x': a(), 'y': b()}


# === a subscript: confirmed call
def start(x):
    x[a()] = 1
    b()


# === an augmented assignment: confirmed call
def start(x):
    x += a()
    b()


# === an assertion: confirmed call
def start():
    assert a()
    b()


# === a branch: confirmed call
def start(x):
    a()
    if x:
        b()


# === two branches: confirmed call
def start(x):
    if x:
        a()
    b()


# === an elif: confirmed call
def start(x):
    if a():
        pass
    elif b():
        pass


# === other branches: contradicted
def start(x):
    if x:
        a()
    else:
        b()


# === an early return: contradicted
def start(x):
    if x:
        a()
        return
    b()


# === after a return: contradicted
def start():
    a()
    return
    b()


# === a loop: confirmed call
def start(xs):
    for x in xs:
        a(x)
        b(x)


# === behind a loop: confirmed call
def start(xs):
    for x in xs:
        a(x)
    b()


# === the else of a loop: confirmed call
def start(xs):
    for x in xs:
        a(x)
    else:
        b()


# === a while: confirmed call
def start():
    while a():
        b()


# === behind a break: confirmed call
def start():
    while True:
        if a():
            break
    b()


# === behind an endless loop: contradicted
def start():
    while True:
        a()
    b()


# === the next round: unresolved
def start(xs):
    for x in xs:
        b(x)
        a(x)


# === a try: confirmed call
def start():
    try:
        a()
    finally:
        b()


# === a handler: confirmed call
def start():
    try:
        a()
    except ValueError:
        b()


# === behind a try: confirmed call
def start():
    try:
        a()
    except ValueError:
        return
    b()


# === the else of a try: confirmed call
def start():
    try:
        a()
    except ValueError:
        pass
    else:
        b()


# === other handlers: contradicted
def start(x):
    try:
        x()
    except KeyError:
        a()
    except ValueError:
        b()


# === a match: confirmed call
def start(x):
    a()
    match x:
        case 1:
            b()


# === other cases: contradicted
def start(x):
    match x:
        case 1:
            a()
        case _:
            b()


# === a guard: confirmed call
def start(x):
    match x:
        case 1 if a():
            pass
        case _:
            b()


# === the other order: contradicted
def start():
    b()
    a()


# === a with statement: confirmed call
def start(lock):
    with lock:
        a()
    b()


# === a helper: confirmed call
def start():
    both()

def both():
    a()
    b()


# === two helpers: confirmed call
def start():
    one()
    two()

def one():
    a()

def two():
    b()


# === a nested function: confirmed call
def start():
    def inner():
        b()
    a()
    inner()


# === a lambda: confirmed call
def start():
    then = lambda: b()
    a()
    then()


# === a name for it: confirmed call
def start():
    a()
    other()

other = b


# === a local name: confirmed call
def start():
    g = b
    a()
    g()


# === a partial: confirmed call
from functools import partial
def start():
    g = partial(b, 1)
    a()
    g()


# === a callback: confirmed call
def start():
    run(a, b)

def run(one, two):
    one()
    two()


# === a callback by name: confirmed call
def start():
    a()
    run(then=b)

def run(*, then):
    then()


# === a list of functions: confirmed call
def start():
    for g in [a, b]:
        g()


# === a tuple of functions: confirmed call
ORDER = (a, b)
def start():
    for g in ORDER:
        g()


# === map: confirmed call
def start(xs):
    a()
    list(map(b, xs))


# === sorted: confirmed call
def start(xs):
    a()
    sorted(xs, key=b)


# === a generator: confirmed call
def start():
    for x in items():
        b(x)

def items():
    yield a()


# === yield from: confirmed call
def start():
    yield from items()
    b()

def items():
    yield a()


# === a decorated helper: confirmed call
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


# === a cached helper: confirmed call
import functools
@functools.cache
def helper():
    b()

def start():
    a()
    helper()


# === a context manager: confirmed call
from contextlib import contextmanager
@contextmanager
def around():
    a()
    yield
    b()

def start():
    with around():
        pass


# === a class of context managers: confirmed call
class Around:
    def __enter__(self):
        a()
    def __exit__(self, *args):
        b()

def start():
    with Around():
        pass


# === an exit stack: confirmed call
from contextlib import ExitStack
def start():
    with ExitStack() as stack:
        stack.callback(b)
        a()


# === a step calls the other: confirmed call
def start():
    c()

def c():
    a()
    b()


# === recursion: confirmed call
def start(n=3):
    a()
    if n:
        start(n - 1)
    b()


# === a global: confirmed call
def start():
    global handler
    a()
    handler()

handler = b


# === a thread: confirmed call
import threading
def start():
    a()
    threading.Thread(target=b).start()


# === a timer: confirmed call
import threading
def start():
    a()
    threading.Timer(3, b).start()


# === an executor: confirmed call
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        a()
        pool.submit(b, 1)


# === a pool's map: confirmed call
from concurrent.futures import ProcessPoolExecutor
def start(xs):
    a()
    with ProcessPoolExecutor() as pool:
        list(pool.map(b, xs))


# === a pool of processes: confirmed call
import multiprocessing
def start(xs):
    a()
    with multiprocessing.Pool() as pool:
        pool.map(b, xs)


# === an executor of the module: confirmed call
import concurrent.futures
pool = concurrent.futures.ThreadPoolExecutor()
def start():
    a()
    pool.submit(b)


# === an executor that keeps the context: confirmed call
from concurrent.futures import ThreadPoolExecutor
from headrace import ContextExecutor
def start():
    with ContextExecutor(ThreadPoolExecutor()) as pool:
        a()
        pool.submit(b)


# === headrace.bind: confirmed call
import threading
from headrace import bind
def start():
    a()
    threading.Thread(target=bind(b)).start()


# === a copied context: confirmed call
import contextvars
def start():
    a()
    contextvars.copy_context().run(b)


# === two things an executor is given: unresolved
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        pool.submit(a)
        pool.submit(b)


# === an executor's second thing, behind the first one's result: confirmed call
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        pool.submit(a).result()
        pool.submit(b)


# === an executor that has ended, and another: confirmed call
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        pool.submit(a)
    with ThreadPoolExecutor() as pool:
        pool.submit(b)


# === what is called when an executor has done its work: confirmed call
from concurrent.futures import ThreadPoolExecutor
def start():
    with ThreadPoolExecutor() as pool:
        pool.submit(a).add_done_callback(b)
