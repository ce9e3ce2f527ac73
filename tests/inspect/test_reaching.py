"""How steps reach each other, construct by construct: each must be seen for what it is."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.inspect.program_kit import check_text, verdicts


class Case(NamedTuple):
    """A program with the steps ``a`` and ``b``, the second declared after the first."""

    name: str
    code: str
    verdict: str = "confirmed call"


HEAD = """
from headrace import entrypoint, flow, step
f = flow("f")
"""
STEPS = """
@f.step(after="start")
def a(*args): ...

@f.step(after="a")
def b(*args): ...
"""
ASYNC_STEPS = """
@f.step(after="start")
async def a(*args): ...

@f.step(after="a")
async def b(*args): ...
"""
PLAIN = [
    Case("calls in order", "def start():\n    a()\n    b()"),
    Case("a call in the other's arguments", "def start():\n    b(a())"),
    Case("a call in a return", "def start():\n    x = a()\n    return b(x)"),
    Case("operands", "def start():\n    return a() + b()"),
    Case("a comparison", "def start():\n    return a() < b()"),
    Case("a conjunction", "def start():\n    return a() and b()"),
    Case("a conditional expression", "def start(x):\n    return b() if a() else x"),
    Case("a comprehension", "def start(xs):\n    a()\n    return [b(x) for x in xs]"),
    Case("a generator expression", "def start(xs):\n    a()\n    return sum(b(x) for x in xs)"),
    Case("an f-string", "def start():\n    return f'{a()} {b()}'"),
    Case("a walrus", "def start():\n    if (x := a()):\n        b(x)"),
    Case("a dictionary", "def start():\n    return {'x': a(), 'y': b()}"),
    Case("a subscript", "def start(x):\n    x[a()] = 1\n    b()"),
    Case("an augmented assignment", "def start(x):\n    x += a()\n    b()"),
    Case("an assertion", "def start():\n    assert a()\n    b()"),
    Case("a branch", "def start(x):\n    a()\n    if x:\n        b()"),
    Case("two branches", "def start(x):\n    if x:\n        a()\n    b()"),
    Case("an elif", "def start(x):\n    if a():\n        pass\n    elif b():\n        pass"),
    Case(
        "other branches",
        "def start(x):\n    if x:\n        a()\n    else:\n        b()",
        "contradicted",
    ),
    Case(
        "an early return",
        "def start(x):\n    if x:\n        a()\n        return\n    b()",
        "contradicted",
    ),
    Case("after a return", "def start():\n    a()\n    return\n    b()", "contradicted"),
    Case("a loop", "def start(xs):\n    for x in xs:\n        a(x)\n        b(x)"),
    Case("behind a loop", "def start(xs):\n    for x in xs:\n        a(x)\n    b()"),
    Case(
        "the else of a loop",
        "def start(xs):\n    for x in xs:\n        a(x)\n    else:\n        b()",
    ),
    Case("a while", "def start():\n    while a():\n        b()"),
    Case(
        "behind a break",
        "def start():\n    while True:\n        if a():\n            break\n    b()",
    ),
    Case(
        "behind an endless loop",
        "def start():\n    while True:\n        a()\n    b()",
        "contradicted",
    ),
    Case(
        "the next round",
        "def start(xs):\n    for x in xs:\n        b(x)\n        a(x)",
        "unresolved",
    ),
    Case("a try", "def start():\n    try:\n        a()\n    finally:\n        b()"),
    Case("a handler", "def start():\n    try:\n        a()\n    except ValueError:\n        b()"),
    Case(
        "behind a try",
        "def start():\n    try:\n        a()\n    except ValueError:\n        return\n    b()",
    ),
    Case(
        "the else of a try",
        "def start():\n    try:\n        a()\n    except ValueError:\n        pass\n    else:\n        b()",
    ),
    Case(
        "other handlers",
        "def start(x):\n    try:\n        x()\n    except KeyError:\n        a()\n    except ValueError:\n        b()",
        "contradicted",
    ),
    Case("a match", "def start(x):\n    a()\n    match x:\n        case 1:\n            b()"),
    Case(
        "other cases",
        "def start(x):\n    match x:\n        case 1:\n            a()\n        case _:\n            b()",
        "contradicted",
    ),
    Case(
        "a guard",
        "def start(x):\n    match x:\n        case 1 if a():\n            pass\n        case _:\n            b()",
    ),
    Case("the other order", "def start():\n    b()\n    a()", "contradicted"),
    Case("a with statement", "def start(lock):\n    with lock:\n        a()\n    b()"),
    Case("a helper", "def start():\n    both()\n\ndef both():\n    a()\n    b()"),
    Case(
        "two helpers",
        "def start():\n    one()\n    two()\n\ndef one():\n    a()\n\ndef two():\n    b()",
    ),
    Case("a nested function", "def start():\n    def inner():\n        b()\n    a()\n    inner()"),
    Case("a lambda", "def start():\n    then = lambda: b()\n    a()\n    then()"),
    Case("a name for it", "def start():\n    a()\n    other()\n\nother = b"),
    Case("a local name", "def start():\n    g = b\n    a()\n    g()"),
    Case(
        "a partial",
        "from functools import partial\ndef start():\n    g = partial(b, 1)\n    a()\n    g()",
    ),
    Case("a callback", "def start():\n    run(a, b)\n\ndef run(one, two):\n    one()\n    two()"),
    Case(
        "a callback by name",
        "def start():\n    a()\n    run(then=b)\n\ndef run(*, then):\n    then()",
    ),
    Case("a list of functions", "def start():\n    for g in [a, b]:\n        g()"),
    Case("a tuple of functions", "ORDER = (a, b)\ndef start():\n    for g in ORDER:\n        g()"),
    Case("map", "def start(xs):\n    a()\n    list(map(b, xs))"),
    Case("sorted", "def start(xs):\n    a()\n    sorted(xs, key=b)"),
    Case(
        "a generator",
        "def start():\n    for x in items():\n        b(x)\n\ndef items():\n    yield a()",
    ),
    Case(
        "yield from", "def start():\n    yield from items()\n    b()\n\ndef items():\n    yield a()"
    ),
    Case(
        "a decorated helper",
        "import functools\ndef twice(g):\n    @functools.wraps(g)\n    def run(*args):\n        g(*args)\n        return g(*args)\n    return run\n\n@twice\ndef helper():\n    b()\n\ndef start():\n    a()\n    helper()",
    ),
    Case(
        "a cached helper",
        "import functools\n@functools.cache\ndef helper():\n    b()\n\ndef start():\n    a()\n    helper()",
    ),
    Case(
        "a context manager",
        "from contextlib import contextmanager\n@contextmanager\ndef around():\n    a()\n    yield\n    b()\n\ndef start():\n    with around():\n        pass",
    ),
    Case(
        "a class of context managers",
        "class Around:\n    def __enter__(self):\n        a()\n    def __exit__(self, *args):\n        b()\n\ndef start():\n    with Around():\n        pass",
    ),
    Case(
        "an exit stack",
        "from contextlib import ExitStack\ndef start():\n    with ExitStack() as stack:\n        stack.callback(b)\n        a()",
    ),
    Case("a step calls the other", "def start():\n    c()\n\ndef c():\n    a()\n    b()"),
    Case("recursion", "def start(n=3):\n    a()\n    if n:\n        start(n - 1)\n    b()"),
    Case("a global", "def start():\n    global handler\n    a()\n    handler()\n\nhandler = b"),
    Case(
        "a thread",
        "import threading\ndef start():\n    a()\n    threading.Thread(target=b).start()",
    ),
    Case("a timer", "import threading\ndef start():\n    a()\n    threading.Timer(3, b).start()"),
    Case(
        "an executor",
        "from concurrent.futures import ThreadPoolExecutor\ndef start():\n    with ThreadPoolExecutor() as pool:\n        a()\n        pool.submit(b, 1)",
    ),
    Case(
        "a pool's map",
        "from concurrent.futures import ProcessPoolExecutor\ndef start(xs):\n    a()\n    with ProcessPoolExecutor() as pool:\n        list(pool.map(b, xs))",
    ),
    Case(
        "a pool of processes",
        "import multiprocessing\ndef start(xs):\n    a()\n    with multiprocessing.Pool() as pool:\n        pool.map(b, xs)",
    ),
    Case(
        "an executor of the module",
        "import concurrent.futures\npool = concurrent.futures.ThreadPoolExecutor()\ndef start():\n    a()\n    pool.submit(b)",
    ),
    Case(
        "an executor that keeps the context",
        "from concurrent.futures import ThreadPoolExecutor\nfrom headrace import ContextExecutor\ndef start():\n    with ContextExecutor(ThreadPoolExecutor()) as pool:\n        a()\n        pool.submit(b)",
    ),
    Case(
        "headrace.bind",
        "import threading\nfrom headrace import bind\ndef start():\n    a()\n    threading.Thread(target=bind(b)).start()",
    ),
    Case(
        "a copied context",
        "import contextvars\ndef start():\n    a()\n    contextvars.copy_context().run(b)",
    ),
]
ASYNC = [
    Case("awaits", "async def start():\n    await a()\n    await b()"),
    Case(
        "a task", "import asyncio\nasync def start():\n    await a()\n    asyncio.create_task(b())"
    ),
    Case(
        "a task that is awaited",
        "import asyncio\nasync def start():\n    await a()\n    t = asyncio.create_task(b())\n    await t",
    ),
    Case(
        "two at once",
        "import asyncio\nasync def start():\n    await asyncio.gather(a(), b())",
        "unresolved",
    ),
    Case(
        "behind a gathering",
        "import asyncio\nasync def start(xs):\n    await asyncio.gather(*[a(x) for x in xs])\n    await b()",
    ),
    Case(
        "behind a task group",
        "import asyncio\nasync def start():\n    async with asyncio.TaskGroup() as group:\n        group.create_task(a())\n    await b()",
    ),
    Case(
        "one task group",
        "import asyncio\nasync def start():\n    async with asyncio.TaskGroup() as group:\n        group.create_task(a())\n        group.create_task(b())",
        "unresolved",
    ),
    Case(
        "a timeout",
        "import asyncio\nasync def start():\n    await a()\n    async with asyncio.timeout(3):\n        await b()",
    ),
    Case(
        "wait_for",
        "import asyncio\nasync def start():\n    await asyncio.wait_for(a(), 3)\n    await asyncio.shield(b())",
    ),
    Case(
        "async for",
        "async def start():\n    async for x in items():\n        await b(x)\n\nasync def items():\n    yield await a()",
    ),
    Case(
        "async with",
        "from contextlib import asynccontextmanager\n@asynccontextmanager\nasync def around():\n    await a()\n    yield\n\nasync def start():\n    async with around():\n        await b()",
    ),
    Case(
        "an async comprehension",
        "async def start(xs):\n    await a()\n    return [await b(x) async for x in xs]",
    ),
    Case(
        "asyncio.run",
        "import asyncio\ndef start():\n    asyncio.run(both())\n\nasync def both():\n    await a()\n    await b()",
    ),
    Case(
        "a coroutine awaited later",
        "async def start():\n    later = b()\n    await a()\n    await later",
    ),
    Case(
        "in the loop",
        "import asyncio\nasync def start():\n    loop = asyncio.get_running_loop()\n    await a()\n    loop.create_task(b())",
    ),
    Case(
        "anyio's task group",
        "import anyio\nasync def start():\n    await a()\n    async with anyio.create_task_group() as group:\n        group.start_soon(b, 1)",
    ),
    Case(
        "a queue between",
        "import asyncio\nqueue = asyncio.Queue()\nasync def start():\n    await a()\n    await queue.put(b)\n    worker = await queue.get()\n    await worker()",
        "unresolved",
    ),
]
THREADED = [
    Case(
        "to_thread",
        "import asyncio\nasync def start():\n    a()\n    await asyncio.to_thread(b, 1)",
    ),
    Case(
        "run_in_executor",
        "import asyncio\nasync def start():\n    a()\n    loop = asyncio.get_event_loop()\n    await loop.run_in_executor(None, b)",
    ),
    Case(
        "call_soon",
        "import asyncio\nasync def start():\n    a()\n    asyncio.get_running_loop().call_soon(b)",
    ),
    Case(
        "sync_to_async",
        "from asgiref.sync import sync_to_async\nasync def start():\n    a()\n    await sync_to_async(b)()",
    ),
]
METHODS = [
    Case(
        "self",
        "class C:\n    def one(self):\n        a()\n        self.two()\n    def two(self):\n        b()\n\ndef start():\n    C().one()",
    ),
    Case(
        "a constructed instance",
        "class C:\n    def two(self):\n        b()\n\ndef start():\n    c = C()\n    a()\n    c.two()",
    ),
    Case(
        "an annotated parameter",
        "class C:\n    def two(self):\n        b()\n\ndef start(c: C):\n    a()\n    c.two()",
    ),
    Case(
        "an annotation in quotes",
        "def start(c: 'C'):\n    a()\n    c.two()\n\nclass C:\n    def two(self):\n        b()",
    ),
    Case(
        "an optional",
        "class C:\n    def two(self):\n        b()\n\ndef start(c: C | None):\n    a()\n    if c is not None:\n        c.two()",
    ),
    Case(
        "an attribute of self",
        "class C:\n    def two(self):\n        b()\n\nclass D:\n    def __init__(self):\n        self.c = C()\n    def run(self):\n        a()\n        self.c.two()\n\ndef start():\n    D().run()",
    ),
    Case(
        "an attribute from a parameter",
        "class C:\n    def two(self):\n        b()\n\nclass D:\n    def __init__(self, c: C):\n        self.c = c\n    def run(self):\n        a()\n        self.c.two()\n\ndef start():\n    D(C()).run()",
    ),
    Case(
        "a dataclass",
        "from dataclasses import dataclass\nclass C:\n    def two(self):\n        b()\n\n@dataclass\nclass D:\n    c: C\n    def run(self):\n        a()\n        self.c.two()\n\ndef start():\n    D(C()).run()",
    ),
    Case(
        "a static method",
        "class C:\n    @staticmethod\n    def two():\n        b()\n\ndef start():\n    a()\n    C.two()",
    ),
    Case(
        "a class method",
        "class C:\n    @classmethod\n    def make(cls):\n        b()\n        return cls()\n\ndef start():\n    a()\n    C.make()",
    ),
    Case(
        "a property",
        "class C:\n    @property\n    def two(self):\n        return b()\n\ndef start():\n    a()\n    return C().two",
    ),
    Case(
        "inheritance",
        "class B:\n    def two(self):\n        b()\n\nclass C(B):\n    pass\n\ndef start():\n    a()\n    C().two()",
    ),
    Case(
        "super",
        "class B:\n    def two(self):\n        b()\n\nclass C(B):\n    def two(self):\n        a()\n        super().two()\n\ndef start():\n    C().two()",
    ),
    Case(
        "a template method",
        "class B:\n    def run(self):\n        a()\n        self.hook()\n\nclass C(B):\n    def hook(self):\n        b()\n\ndef start():\n    C().run()",
    ),
    Case(
        "a call of an instance",
        "class C:\n    def __call__(self):\n        b()\n\ndef start():\n    a()\n    C()()",
    ),
    Case(
        "an instance of the module",
        "class C:\n    def two(self):\n        b()\n\nc = C()\n\ndef start():\n    a()\n    c.two()",
    ),
    Case(
        "what a function returns",
        "class C:\n    def two(self):\n        b()\n\ndef make():\n    return C()\n\ndef start():\n    a()\n    make().two()",
    ),
    Case(
        "what a function says it returns",
        "class C:\n    def two(self):\n        b()\n\ndef make(registry) -> C:\n    return registry['c']\n\ndef start(registry):\n    a()\n    make(registry).two()",
    ),
    Case(
        "a chain of methods",
        "class C:\n    def one(self):\n        a()\n        return self\n    def two(self):\n        b()\n        return self\n\ndef start():\n    C().one().two()",
    ),
    Case(
        "the elements of a list",
        "class C:\n    def two(self):\n        b()\n\ndef start(cs: list[C]):\n    a()\n    for c in cs:\n        c.two()",
    ),
    Case(
        "a bound method as a callback",
        "class C:\n    def two(self):\n        b()\n\ndef run(g):\n    g()\n\ndef start():\n    a()\n    run(C().two)",
    ),
    Case(
        "an abstract method",
        "import abc\nclass C(abc.ABC):\n    @abc.abstractmethod\n    def two(self): ...\n\nclass D(C):\n    def two(self):\n        b()\n\ndef start(c: C):\n    a()\n    c.two()",
        "unresolved",
    ),
    Case(
        "a protocol",
        "from typing import Protocol\nclass P(Protocol):\n    def two(self): ...\n\nclass D:\n    def two(self):\n        b()\n\ndef start(p: P):\n    a()\n    p.two()",
        "unresolved",
    ),
    Case(
        "an instance of nobody knows what",
        "class C:\n    def two(self):\n        b()\n\ndef start(c):\n    a()\n    c.two()",
        "unresolved",
    ),
]
DYNAMIC = [
    Case(
        "getattr with a computed name",
        "class C:\n    def on_b(self):\n        b()\n\ndef start(kind):\n    a()\n    getattr(C(), f'on_{kind}')()",
        "unresolved",
    ),
    Case(
        "getattr with a known name",
        "class C:\n    def on_b(self):\n        b()\n\ndef start():\n    a()\n    getattr(C(), 'on_b')()",
    ),
    Case(
        "a table of functions",
        "TABLE = {'b': b}\ndef start(kind):\n    a()\n    TABLE[kind]()",
        "unresolved",
    ),
    Case("globals", "def start(kind):\n    a()\n    globals()[kind]()", "unresolved"),
    Case(
        "a registry",
        "HANDLERS = []\ndef register(g):\n    HANDLERS.append(g)\n    return g\n\n@register\ndef helper():\n    b()\n\ndef start():\n    a()\n    for g in HANDLERS:\n        g()",
        "unresolved",
    ),
    Case("eval", "def start(text):\n    a()\n    eval(text)", "unresolved"),
    Case(
        "an import by a computed name",
        "import importlib\ndef start(name):\n    a()\n    importlib.import_module(name).run()",
        "unresolved",
    ),
    Case(
        "a function of a library that gets it",
        "import somelib\ndef start():\n    a()\n    somelib.go(b)",
        "unresolved",
    ),
    Case(
        "a parameter",
        "def start(then):\n    a()\n    then()\n\ndef other(registry):\n    registry.start(b)",
        "unresolved",
    ),
    Case(
        "a patched attribute",
        "class C:\n    def two(self): ...\n\nC.two = lambda self: b()\n\ndef start():\n    a()\n    C().two()",
        "unresolved",
    ),
]


@pytest.mark.parametrize("case", [*PLAIN, *METHODS, *DYNAMIC], ids=lambda case: case.name)
def test_sees_what_comes_before(tmp_path: Path, case: Case) -> None:
    """The verdict on the edge from a to b is what a careful reader of the program says."""
    start = case.code.replace("def start", "@f.entrypoint\ndef start")
    report = check_text(tmp_path, f"{HEAD}{STEPS}\n{start}\n")

    assert verdicts(report)["a -> b"] == case.verdict


@pytest.mark.parametrize("case", ASYNC, ids=lambda case: case.name)
def test_sees_what_is_awaited(tmp_path: Path, case: Case) -> None:
    """The same for steps that are coroutine functions."""
    start = case.code.replace("async def start", "@f.entrypoint\nasync def start")
    start = start.replace("\ndef start", "\n@f.entrypoint\ndef start")
    report = check_text(tmp_path, f"{HEAD}{ASYNC_STEPS}\n{start}\n")

    assert verdicts(report)["a -> b"] == case.verdict


@pytest.mark.parametrize("case", THREADED, ids=lambda case: case.name)
def test_sees_what_threads_run(tmp_path: Path, case: Case) -> None:
    """The same for plain steps that asynchronous code hands to threads."""
    start = case.code.replace("async def start", "@f.entrypoint\nasync def start")
    report = check_text(tmp_path, f"{HEAD}{STEPS}\n{start}\n")

    assert verdicts(report)["a -> b"] == case.verdict
