"""Builtins and the standard library, including concurrency.

Covers functions that iterate, container methods, properties, partial functions, asyncio, anyio,
threads, executors, asgiref and Starlette's background tasks. Unknown decorators are assumed to
return their argument, so most of functools needs no model.
"""

from __future__ import annotations

from functools import partial

from headrace_inspect._evaluate._contexts import Call
from headrace_inspect._evaluate._expressions import TASK, await_, enter
from headrace_inspect._evaluate._registry import Handler, Registry
from headrace_inspect._evaluate._values import (
    Arguments,
    Bound,
    ClassValue,
    Constant,
    HandOver,
    Instance,
    Items,
    Object,
    Partial,
    Pending,
    Property,
    Static,
    Table,
    Value,
    key_of,
    options_of,
    text_of,
    union,
)
from headrace_inspect._symbols._syntax import name_of

from ._tasks import Tasks

_MAX_ROWS = 8
_CONSUMING = """
    builtins.list builtins.tuple builtins.set builtins.sorted builtins.frozenset builtins.iter
    builtins.reversed collections.deque itertools.chain itertools.islice asyncio.Queue queue.Queue
"""
_REDUCING = "builtins.sum builtins.any builtins.all builtins.next builtins.min builtins.max"
_TABLES = "builtins.dict collections.OrderedDict collections.defaultdict"
_PROPERTIES = """
    builtins.property functools.cached_property django.utils.functional.cached_property
    werkzeug.utils.cached_property
"""
_RETURNING_ARGUMENT = """
    functools.update_wrapper inspect.unwrap contextlib.closing contextlib.nullcontext copy.copy
    contextlib.contextmanager contextlib.asynccontextmanager
"""
_EXITING = """
    sys.exit os._exit builtins.exit builtins.quit os.abort flask.abort werkzeug.exceptions.abort
"""
_THREADS = "threading.Thread threading.Timer multiprocessing.Process"
_POOLS = """
    concurrent.futures.ThreadPoolExecutor concurrent.futures.ProcessPoolExecutor
    concurrent.futures.Executor headrace.ContextExecutor multiprocessing.Pool
    multiprocessing.pool.ThreadPool
"""
_GROUP = "asyncio.TaskGroup"
_BACKGROUND = "starlette.background.BackgroundTasks"
_LOOPS = """
    asyncio.get_running_loop asyncio.get_event_loop asyncio.new_event_loop
    asyncio.AbstractEventLoop
"""
_AWAITING = """
    asyncio.wait_for asyncio.shield asyncio.run asyncio.run_coroutine_threadsafe anyio.run trio.run
"""
_CALLING = """
    asyncio.to_thread starlette.concurrency.run_in_threadpool anyio.to_thread.run_sync
    fastapi.concurrency.run_in_threadpool anyio.from_thread.run starlette.background.BackgroundTask
    atexit.register contextvars.Context.run
"""


def register(registry: Registry) -> None:
    """Register this model."""
    registry.alias(_GROUP, "anyio.create_task_group")
    registry.alias(_BACKGROUND, "fastapi.BackgroundTasks")
    registry.parallel.update(["asyncio.gather", "asyncio.wait", "asyncio.as_completed"])
    registry.seeds.update([name.rpartition(".")[2] for name in _EXITING.split()])
    registry.implies("start", "run")
    for names, handler in _FUNCTIONS.items():
        registry.function(handler, names)
    for owner, names, handler in _METHODS:
        registry.method(handler, owner, names)


def members(call: Call) -> Arguments:
    """Return the arguments, with lists flattened into their items."""
    found: list[Value] = []
    for argument in call.arguments:
        found += call.contents(argument) if isinstance(argument, Items | Pending) else [argument]
    return tuple(found)


def _consumed(call: Call) -> Arguments:
    values: list[Value] = []
    for one in call.arguments:
        values += call.contents(one) if isinstance(one, Items) else [call.element(one)]
    key = call.value(None, "key")
    if key is not None:
        call.frame.call(key, call.node, tuple(values[:1]))
    return tuple([value for value in values if value is not None])


def _consume(call: Call) -> Value:
    found = _consumed(call)
    values = found[::-1] if call.name == "builtins.reversed" else found
    return Items(values, call.frame.location(call.node))


def _pairs(values: Arguments) -> Value:
    return Items(tuple([Items((None, value)) for value in values]))


def _map(call: Call) -> Value:
    """Call the first argument with each item of the others."""
    columns = [call.contents(one) or (call.element(one),) for one in call.rest(1)]
    rows = list(zip(*columns, strict=False)) or [()]
    made = tuple([call.frame.call(call.value(0), call.node, row) for row in rows[:_MAX_ROWS]])
    return Items(columns[0] if call.name.endswith("filter") and columns else made)


def _getattr(call: Call) -> Value:
    name = text_of(call.value(1))
    if name is None or "\0" in name:
        return None
    found = call.attribute(call.value(0), name)
    return call.value(2) if found is None else found


def _exit(call: Call) -> None:
    call.frame.stop()


def _partial(call: Call) -> Value:
    rest = call.rest(1)
    return Partial(call.value(0), rest, call.keywords) if rest or call.keywords else call.value(0)


def _enter_context(call: Call) -> Value:
    return union(*[enter(call.frame, one, call.node) for one in options_of(call.value(0))])


# --- containers -----------------------------------------------------------------------------------


def _append(call: Call) -> None:
    given = call.arguments[1:] if call.name == "insert" else call.arguments[:1]
    if call.name in {"extend", "update"}:
        given = tuple([one for value in call.arguments for one in call.contents(value)])
    for option in [option for value in given for option in options_of(value)]:
        if not isinstance(option, Constant):
            call.engine.put(call.owner, None, option)
            match call.node:
                case ("c", _, _, ("a", owner, *_), *_):
                    call.engine.demand.note_assignment(name_of(owner), option)


def _get(call: Call) -> Value:
    key = key_of(call.value(0))
    if call.name == "setdefault":
        call.engine.put(call.owner, key, call.value(1))
    return union(call.engine.item(call.frame, call.owner, key), call.value(1))


def _update(call: Call) -> None:
    given = [one.entries for one in call.arguments if isinstance(one, Table)]
    for key, value in [*[entry for entries in given for entry in entries], *call.keywords]:
        call.engine.put(call.owner, key, value)


# --- concurrency ----------------------------------------------------------------------------------


def _hand_over(index: int, call: Call) -> Value:
    callee, rest = call.value(index, "func"), call.rest(index + 1)
    return call.frame.hand_over(callee, call.node, rest, call.keywords)


def _await(call: Call) -> Value:
    return await_(call.value(0))


def _start_task(call: Call) -> Value:
    return Object(TASK, (_await(call),))


def _add_task(call: Call) -> Value:
    call.engine.fact(Tasks).background[call.value(0, "func")] = None
    return _hand_over(0, call)


def _start(call: Call) -> Value:
    frame, owner = call.frame, call.owner
    if isinstance(owner, Instance):
        method = call.attribute(owner, "run")
        return None if isinstance(method, Bound) else frame.hand_over(method, call.node)
    if not isinstance(owner, Object):
        return None
    made = Call(frame, call.node, owner.arguments, owner.keywords)
    target = made.value(1, "target") or made.value(None, "function")
    given = made.value(3 if "Timer" not in owner.made_by else 2, "args")
    named = made.value(None, "kwargs")
    keywords = named.named if isinstance(named, Table) else ()
    return frame.hand_over(target, call.node, call.contents(given), keywords)


_FUNCTIONS: dict[str, Handler] = {
    _CONSUMING: _consume,
    _REDUCING: lambda call: union(*_consumed(call), call.value(1)),
    "builtins.enumerate": lambda call: _pairs(_consumed(call)),
    "builtins.map builtins.filter": lambda call: Pending(
        union(*call.contents(_map(call))), is_generator=True
    ),
    _TABLES: lambda call: Table(call.keywords, call.frame.location(call.node)),
    "builtins.getattr": _getattr,
    "builtins.type": lambda call: union(*[
        ClassValue(one.cls) for one in options_of(call.value(0)) if isinstance(one, Instance)
    ]),
    "os.getenv os.environ.get": lambda call: call.value(1, "default"),
    "typing.cast": lambda call: call.engine.types.instance(call.value(0)),
    _PROPERTIES: lambda call: Property(call.value(0)),
    "builtins.staticmethod": lambda call: Static(call.value(0), is_class=False),
    "builtins.classmethod": lambda call: Static(call.value(0), is_class=True),
    _EXITING: _exit,
    _RETURNING_ARGUMENT: lambda call: call.value(0),
    "builtins.open": lambda call: Object("builtins.open"),
    "functools.partial functools.partialmethod headrace.bind": _partial,
    _CALLING: partial(_hand_over, 0),
    _AWAITING: _await,
    "asyncio.create_task asyncio.ensure_future": _start_task,
    "asyncio.gather": lambda call: Items(tuple(map(await_, members(call)))),
    "asgiref.sync.sync_to_async": lambda call: call.value(0),
    "asgiref.sync.async_to_sync": lambda call: call.value(0) and HandOver(call.value(0), "call"),
}
_METHODS: tuple[tuple[type | str, str, Handler], ...] = (
    ("contextlib.ExitStack contextlib.AsyncExitStack", "enter_context enter_async_context",
     _enter_context),
    (Items, "append add appendleft put put_nowait insert extend update", _append),
    (Items, "copy __iter__ __add__", lambda call: call.owner),
    (Items, "pop popleft get", lambda call: union(*call.contents(call.owner))),
    (Table, "get pop setdefault", _get),
    (Table, "update", _update),
    (Table, "values", lambda call: Items(call.contents(call.owner))),
    (Table, "items", lambda call: _pairs(call.contents(call.owner))),
    (_BACKGROUND, "add_task", _add_task),
    (_LOOPS, "call_soon call_soon_threadsafe", partial(_hand_over, 0)),
    (_LOOPS, "run_in_executor call_later call_at", partial(_hand_over, 1)),
    (_GROUP, "start_soon", partial(_hand_over, 0)),
    (TASK, "add_done_callback", partial(_hand_over, 0)),
    (_POOLS, "submit apply apply_async", partial(_hand_over, 0)),
    ("contextvars.copy_context", "run", partial(_hand_over, 0)),
    ("tenacity.Retrying tenacity.AsyncRetrying", "__call__", partial(_hand_over, 0)),
    (f"{_LOOPS} {_GROUP}", "create_task", _start_task),
    (f"{_LOOPS} asyncio.Runner", "run_until_complete run", _await),
    (_THREADS, "start run", _start),
    (_POOLS, "map imap imap_unordered starmap", _map),
)  # fmt: skip
"""The owners of methods, the methods' names, and what calling them does."""
